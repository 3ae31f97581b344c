"""Exercice 06 : les filtres et les cartes d'un réseau connu, et l'image que préfère un filtre."""

from collections.abc import Sequence
from operator import itemgetter

import numpy as np

from grading.asking.failures import Failure
from grading.inside import messages
from grading.questions import (
    TOLERANCE,
    Ask,
    Credit,
    Mistake,
    altered,
    compared,
    credit,
    first_fault,
    numbers,
    pixels,
    question,
    same,
)
from grading.questions.heatmaps import forward, network

SHAPE = (7, 9, 3)
STEPS = 30  # de montée, bien assez pour un si petit réseau
EPSILON = 1e-3  # de `keras.layers.BatchNormalization`
GREY, SMOOTHING, DECAY = 128, 0.15, 0.02  # ce que l'énoncé dit de chaque pas
ROUNDED = 0.5  # niveaux d'écart, en moyenne, que l'arrondi d'une image explique
SMALL_STEP = 2.0  # niveaux dont une valeur change, en moyenne : l'énoncé en veut dix
FLAT_STEPS = 8  # de montée pour un filtre nul : assez pour voir le lissage, et le retour au gris
NEAR = 0.1  # de ce que gagne un filtre ; une image d'un autre filtre en perd au moins le quart


# --- Les filtres ---------------------------------------------------------------------


def _reshaped(model) -> np.ndarray:
    """Met les filtres devant par `reshape`, qui mêle leurs poids, puis chacun à son échelle."""
    kernels = model.options["kernels"][0]
    kernels = kernels.reshape(kernels.shape[-1], *kernels.shape[:-1])
    return 0.5 + kernels / (2 * np.abs(kernels).max(axis=(1, 2, 3), keepdims=True))


def _of_colours(model) -> np.ndarray:
    """Rend les filtres `(filtres, h, w, 3)`.

    Raises:
        ValueError: ils ne lisent pas trois couleurs.
    """
    kernels = model.options["kernels"][0].transpose(3, 0, 1, 2)
    if kernels.shape[3] != 3:
        raise ValueError
    return kernels


def _stretched(model) -> np.ndarray:
    """Étire chaque filtre de son plus petit poids à son plus grand."""
    kernels = _of_colours(model)
    low, high = (each(kernels, axis=(1, 2, 3), keepdims=True) for each in (np.min, np.max))
    return (kernels - low) / np.maximum(high - low, np.finfo(np.float32).tiny)


def _by_colour(model) -> np.ndarray:
    """Divise chaque couleur d'un filtre par son plus grand poids à elle."""
    kernels = _of_colours(model)
    highest = np.abs(kernels).max(axis=(1, 2), keepdims=True)
    return 0.5 + kernels / (2 * np.maximum(highest, np.finfo(np.float32).tiny))


KERNELS = [
    Mistake("kernels_mixed", _reshaped),
    Mistake("kernels_stretched", _stretched),
    Mistake("colours_scaled_apart", _by_colour),
]


@compared("ex06.first_kernels", mistakes=KERNELS, tolerance=TOLERANCE)
def ask_first_kernels(ask: Ask) -> list:
    """Montre des filtres connus, dont un nul, puis ceux d'une image en gris."""
    plain, other, grey = (network(ask.rng, (*SHAPE[:2], channels)) for channels in (3, 3, 1))
    other.options["kernels"][0][..., 1] = 0
    return [("1/2", [((plain,), {})]), ("3/4", [((other,), {})]), ("1", [((grey,), {})])]


# --- Les cartes ----------------------------------------------------------------------


def _grey_network(rng) -> messages.Ingredient:
    """Tire un réseau qui lit des images en gris `(H, W)`, et les normalise par lots."""
    height, width, _ = SHAPE
    stack = [
        ["Reshape", {"target_shape": [height, width, 1]}],
        ["BatchNormalization", {"name": "normal"}],
        ["Conv2D", {"filters": 3, "kernel_size": 3, "name": "grey"}],
    ]
    lot = [np.ones(1), np.zeros(1), np.array([128.0]), np.array([900.0])]
    weights = [*lot, rng.normal(0, 0.4, (3, 3, 1, 3)), rng.normal(0, 0.3, 3)]
    options = {"shape": [height, width], "stack": stack, "weights": weights, "dtype": "uint8"}
    return messages.Ingredient("plain_network", options)


def _maps(model, image, layer_names) -> dict[str, np.ndarray]:
    """Rend les cartes en mode apprentissage : l'image y est normalisée par ses propres valeurs."""
    if image.ndim == 3:
        return {name: each[0] for name, each in forward(model, image[None]).items()}
    kernel, bias = model.options["weights"][4:]
    image = (image - image.mean()) / np.sqrt(image.var() + EPSILON)
    windows = np.lib.stride_tricks.sliding_window_view(image, (3, 3))
    return {"grey": np.einsum("yxij,ijk->yxk", windows, kernel[:, :, 0]) + bias}


MAPS = [Mistake("layers_in_training", _maps)]


@compared("ex06.activation_maps", mistakes=MAPS, tolerance=TOLERANCE)
def ask_activation_maps(ask: Ask) -> list:
    """Demande une couche, puis deux, dans un autre ordre, puis celle d'une image grise."""
    image, model = pixels(ask.rng, *SHAPE), network(ask.rng, SHAPE)
    alone, both = ([((model, image, names), {})] for names in (["late"], ["late", "early"]))
    late, early, grey = itemgetter("late"), itemgetter("early"), itemgetter("grey")
    call = (_grey_network(ask.rng), pixels(ask.rng, *SHAPE[:2]), ["grey"])
    return [
        ("1/2", alone, late),
        ("3/4", both, late),
        ("3/4", both, early),
        ("1", [(call, {})], grey),
    ]


def _strongest(maps, num):
    return np.argsort(-maps.mean((0, 1)))[:num]


def _strongest_maps(maps, num):
    return maps[..., _strongest(maps, num)]


def _strongest_maps_first(maps, num):
    return np.moveaxis(_strongest_maps(maps, num), -1, 0)


@question("ex06.strongest")
def ask_strongest(ask: Ask) -> Credit:
    """Range des cartes dont la plus haute case n'est pas celle de la carte la plus forte."""
    groups = [("1", [((ask.rng.normal(0, 4, (4, 6, 8)), num), {}) for num in (3, 5)])]
    mistakes = [
        Mistake("weakest_maps_first", lambda maps, num: _strongest(-maps, num), "1/4"),
        Mistake("weakest_maps_first", altered(_strongest, np.flip), "1/2"),
        Mistake("ranked_by_maximum", lambda m, num: np.argsort(-m.max((0, 1)))[:num], "1/2"),
        Mistake("maps_for_numbers", _strongest_maps),
        Mistake("maps_for_numbers", _strongest_maps_first),
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


def _across_images(mode: str):
    """Rend `smooth` avec, pour voisins, ceux des deux premiers axes ; `mode` dit leurs bords."""

    def smooth(images, share):
        padded = np.pad(images, ((1, 1), (1, 1), (0, 0), (0, 0)), mode=mode)
        pairs = padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]
        return images + share * (pairs / 4 - images)

    return smooth


SMOOTHED = [
    *(Mistake("images_smoothed", _across_images(mode)) for mode in ("edge", "wrap", "constant")),
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


def _alike(one: np.ndarray, other: np.ndarray) -> bool:
    """Dit si deux images sont les mêmes, à l'arrondi près."""
    return np.abs(one - other).max() <= 1


def _flat_network(rng) -> messages.Ingredient:
    """Tire un réseau dont le deuxième filtre est nul : rien n'y dit comment changer l'image."""
    model = network(rng, SHAPE)
    model.options["kernels"][1][..., 1] = 0
    return model


def _without_gradient(noise: np.ndarray, steps: int, *, share=SMOOTHING, decay=DECAY) -> np.ndarray:
    """Rend ce que deviennent, en quelques pas, des images que leur gradient ne change pas."""
    smooth = _smoothed(CROSS)
    for _ in range(steps):
        noise = smooth(noise, share)
        noise = noise + decay * (GREY - noise)
    return noise


SLOWED = (  # le lissage et le retour au gris de chaque pas, et ce qui se dit s'il en manque
    ("", SMOOTHING, DECAY),
    ("not_smoothed", 0, DECAY),
    ("grey_forgotten", SMOOTHING, 0),
    ("not_smoothed", 0, 0),
)


def _pictures(ask: Ask, model, asked: Sequence[tuple]) -> list[np.ndarray]:
    """Demande des images : `(filtres, pas)` ; rien si l'une manque."""
    calls = [((model, "late", some), {"steps": steps, "seed": 7}) for some, steps in asked]
    try:
        found = ask.calls("maximise", calls)
        return [
            numbers(each, (len(some), *SHAPE)) for each, (some, _) in zip(found, asked, strict=True)
        ]
    except Failure:
        return []


def _fault_of_steps(ask: Ask) -> str:
    """Cherche ce qui manque à chaque pas, d'un filtre demandé seul, et d'un filtre nul."""
    asked = (([0], 1), ([0, 1], 1), ([1], 0), ([1], FLAT_STEPS))
    found = _pictures(ask, _flat_network(ask.rng), asked)
    if not found:
        return ""
    alone, both, noise, flat = found
    if np.isin(flat, (0, 255)).all():
        return "flat_filter_lost"
    if not _alike(alone[0], both[0]):
        return "gradient_of_batch"
    gaps = [
        np.abs(flat - _without_gradient(noise, FLAT_STEPS, share=share, decay=decay)).mean()
        for _, share, decay in SLOWED
    ]
    return SLOWED[int(np.argmin(gaps))][0] if min(gaps) < ROUNDED else ""


def _fault_of_climb(ask: Ask, model, images: np.ndarray) -> str:
    """Cherche pourquoi des filtres ne répondent guère plus à leur image qu'à un bruit."""
    found = _pictures(ask, model, (([0], 0), ([0], 1)))
    if found and np.abs(found[1] - _without_gradient(found[0], 1)).mean() < SMALL_STEP:
        return "step_not_scaled"
    is_one = all(_alike(images[0], each) for each in images[1:])
    return "one_image_for_all" if is_one else "responds_little"


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
    judged = first_fault(
        (0, "wrong_type", kind != np.uint8, f"attendu : uint8 ; rendu : {kind}"),
        ("1/4", "gradient_descended", (after.diagonal() < before.min(0)).all()),
        ("1/4", "another_filter", not risen and more.any(1).all()),
        ("1/4", "responds_little", not risen),
        ("1/2", "seed_ignored", not same(found.value, again.value)),
        ("1/2", "noise_differs", not _alike(*numbers(twice[0], (2, *SHAPE)))),
        ("3/4", "no_error", not all(each.error for each in refused)),
        ("3/4", "other_error", other, ", ".join(other)),
    )
    if judged.reason == "responds_little":
        return judged._replace(reason=_fault_of_climb(ask, model, images))
    if judged.level == 1 and (missing := _fault_of_steps(ask)):
        return credit("7/8", missing)
    return judged
