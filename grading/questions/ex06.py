"""Exercice 06 : les filtres et les cartes d'un réseau connu, et l'image que préfère un filtre."""

from operator import itemgetter

import numpy as np

from grading.questions import (
    TOLERANCE,
    Ask,
    Credit,
    Mistake,
    altered,
    compared,
    first_fault,
    numbers,
    pixels,
    question,
    same,
)
from grading.questions.heatmaps import forward, network

SHAPE = (7, 9, 3)
STEPS = 30  # de montée, bien assez pour un si petit réseau
NEAR = 0.1  # de ce que gagne un filtre ; une image d'un autre filtre en perd au moins le quart


# --- Les filtres ---------------------------------------------------------------------


def _reshaped(model) -> np.ndarray:
    """Met les filtres devant par `reshape`, qui mêle leurs poids, puis chacun à son échelle."""
    kernels = model.options["kernels"][0]
    kernels = kernels.reshape(kernels.shape[-1], *kernels.shape[:-1])
    return 0.5 + kernels / (2 * np.abs(kernels).max(axis=(1, 2, 3), keepdims=True))


@compared("ex06.first_kernels", mistakes=[Mistake("kernels_mixed", _reshaped)], tolerance=TOLERANCE)
def ask_first_kernels(ask: Ask) -> list:
    """Montre des filtres connus, dont un nul, puis ceux d'une image en gris."""
    plain, other, grey = (network(ask.rng, (*SHAPE[:2], channels)) for channels in (3, 3, 1))
    other.options["kernels"][0][..., 1] = 0
    return [("1/2", [((plain,), {})]), ("3/4", [((other,), {})]), ("1", [((grey,), {})])]


# --- Les cartes ----------------------------------------------------------------------


@compared("ex06.activation_maps", tolerance=TOLERANCE)
def ask_activation_maps(ask: Ask) -> list:
    """Demande une couche, puis deux, dans un autre ordre."""
    image, model = pixels(ask.rng, *SHAPE), network(ask.rng, SHAPE)
    alone, both = ([((model, image, names), {})] for names in (["late"], ["late", "early"]))
    late, early = itemgetter("late"), itemgetter("early")
    return [("1/2", alone, late), ("1", both, late), ("1", both, early)]


def _strongest(maps, num):
    return np.argsort(-maps.mean((0, 1)))[:num]


@question("ex06.strongest")
def ask_strongest(ask: Ask) -> Credit:
    """Range des cartes dont la plus haute case n'est pas celle de la carte la plus forte."""
    groups = [("1", [((ask.rng.normal(0, 4, (4, 6, 8)), num), {}) for num in (3, 5)])]
    mistakes = [
        Mistake("weakest_maps_first", lambda maps, num: _strongest(-maps, num), "1/4"),
        Mistake("weakest_maps_first", altered(_strongest, np.flip), "1/2"),
        Mistake("ranked_by_maximum", lambda m, num: np.argsort(-m.max((0, 1)))[:num], "1/2"),
        Mistake("values_for_numbers", lambda m, num: -np.sort(-m.mean((0, 1)))[:num], "1/4"),
    ]
    return ask.judge("strongest", groups, _strongest, mistakes)


# --- L'image que préfère un filtre ---------------------------------------------------


CROSS = ((-1, 0), (1, 0), (0, -1), (0, 1))  # les quatre voisins d'un pixel
SQUARE = (*CROSS, (-1, -1), (-1, 1), (1, -1), (1, 1), (0, 0))


def _smoothed(neighbours, *, channels=False):
    """Rend `smooth` avec d'autres voisins ; les canaux voisins en sont aussi, si `channels`."""

    def smooth(images, share):
        padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (int(channels),) * 2), mode="edge")
        moves = [(*each, 0) for each in neighbours]
        moves += [(0, 0, -1), (0, 0, 1)] if channels else []
        inside = slice(1, -1) if channels else slice(None)
        shifted = [np.roll(padded, each, (1, 2, 3))[:, 1:-1, 1:-1, inside] for each in moves]
        return images + share * (np.mean(shifted, axis=0) - images)

    return smooth


SMOOTHED = [
    Mistake("nine_pixels_averaged", _smoothed(SQUARE)),
    Mistake("nine_pixels_averaged", _smoothed(SQUARE[:-1])),
    Mistake("pixel_in_its_mean", _smoothed((*CROSS, (0, 0)))),
    Mistake("channels_smoothed", _smoothed(CROSS, channels=True)),
]


@compared("ex06.smooth", mistakes=SMOOTHED, tolerance=TOLERANCE)
def ask_smooth(ask: Ask) -> list:
    """Lisse des images tirées au hasard, d'une part nulle à une part entière."""
    images = ask.rng.uniform(0, 255, (2, 5, 7, 3))
    return [("1", [((images, share), {}) for share in (0.0, 0.15, 0.6, 1.0)])]


def _same_noise(images: np.ndarray) -> bool:
    """Dit si un filtre demandé deux fois a deux fois la même image, à l'arrondi près."""
    return np.abs(images[0] - images[1]).max() <= 1


@question("ex06.maximise")
def ask_maximise(ask: Ask) -> Credit:
    """Fait monter trois filtres d'un réseau connu, et lui donne les images obtenues."""
    model, filters = network(ask.rng, SHAPE), [2, 0, 1]
    noise = ask.rng.normal(128, 20, (200, *SHAPE))  # du gris bruité, auquel comparer
    calls = [
        ((model, "late", some), {"steps": STEPS, "seed": seed})
        for some, seed in ((filters, 7), (filters, 7), (filters, -1), ([0, 3], 7), ([-1], 7))
    ]
    found, again, *refused = ask.calls("maximise", calls)
    twice = ask.calls("maximise", [((model, "late", [1, 1]), {"steps": 1, "seed": 7})])
    images, kind = numbers(found, (len(filters), *SHAPE)), np.asarray(found.value).dtype
    # La réponse moyenne de la dernière couche, `(images, filtres)`.
    after, before = (
        forward(model, each)["late"].mean((1, 2))[:, filters] for each in (images, noise)
    )
    more = after > before.max(0)
    errors = [each.error for each in refused if each.error]
    other = sorted({e["type"] for e in errors if "ValueError" not in e["families"]})
    # L'image d'un filtre est aussi, à peu près, celle des trois qui le fait le plus répondre.
    risen = (
        more.diagonal().all()
        and (after.max(0) - after.diagonal() <= NEAR * (after.max(0) - before.mean(0))).all()
    )
    return first_fault(
        (0, "wrong_type", kind != np.uint8, f"attendu : uint8 ; rendu : {kind}"),
        ("1/4", "gradient_descended", (after.diagonal() < before.min(0)).all()),
        ("1/4", "another_filter", not risen and more.any(1).all()),
        ("1/4", "responds_little", not risen),
        ("1/2", "seed_ignored", not same(found.value, again.value)),
        ("1/2", "noise_differs", not _same_noise(numbers(twice[0], (2, *SHAPE)))),
        ("3/4", "no_error", not all(each.error for each in refused)),
        ("3/4", "other_error", other, ", ".join(other)),
    )
