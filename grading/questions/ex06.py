"""Exercice 06 : les filtres et les cartes d'un réseau connu, et l'image que préfère un filtre."""

import itertools
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial
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
STEP_PX = 10  # de même : ce dont une valeur change, en moyenne, à chaque pas
ROUNDED = 1.0  # niveaux d'écart, en moyenne, que les arrondis d'une image expliquent
SMALL_STEP = 2.0  # niveaux dont une valeur change, en moyenne : l'énoncé en veut dix
NUDGE = 0.5  # niveaux dont une valeur bouge, pour voir ce qu'y gagne la réponse d'un filtre
NUM_FILTERS = 3  # de la couche montrée
WRAPPING_STEPS = 15  # de montée : des valeurs sortent de [0, 255] à chaque pas
JUMP = 128  # niveaux qu'aucune valeur ne franchit en un pas, sauf si elle déborde
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


def _maps(model, image, layer_names, *, training=False) -> dict[str, np.ndarray]:
    """Rend les cartes ; en apprentissage, une image grise se normalise par ses propres valeurs."""
    if image.ndim == 3:
        return {name: each[0] for name, each in forward(model, image[None]).items()}
    _, _, mean, variance, kernel, bias = model.options["weights"]
    if training:
        mean, variance = image.mean(), image.var()
    image = (image - mean) / np.sqrt(variance + EPSILON)
    windows = np.lib.stride_tricks.sliding_window_view(image, (3, 3))
    return {"grey": np.einsum("yxij,ijk->yxk", windows, kernel[:, :, 0]) + bias}


def _maps_of_one(model, image, layer_names, *, kept) -> dict[str, np.ndarray]:
    """Rend, sous tous les noms, les cartes d'une seule des couches."""
    found = _maps(model, image, layer_names)
    return dict.fromkeys(layer_names, found[layer_names[kept]])


def _first_lines(model, image, layer_names) -> dict[str, np.ndarray]:
    """Rend la première ligne des cartes d'une couche demandée seule."""
    found = _maps(model, image, layer_names)
    return {name: found[name][0] if len(layer_names) == 1 else found[name] for name in layer_names}


MAPS = [
    Mistake("layers_in_training", partial(_maps, training=True)),
    Mistake("one_layer_for_all", partial(_maps_of_one, kept=0)),
    Mistake("one_layer_for_all", partial(_maps_of_one, kept=-1)),
    Mistake("first_line_of_maps", _first_lines),
]


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


def _strongest(maps, num, *, reduce: Callable = np.mean):
    return np.argsort(-reduce(maps, axis=(0, 1)))[:num]


def _numbers_from_one(maps, num):
    return _strongest(maps, num) + 1


def _ranks(maps, num):
    """Rend le rang des premières cartes, et non le numéro des plus fortes."""
    return np.argsort(_strongest(maps, maps.shape[2]))[:num]


def _strongest_but_first(maps, num):
    return _strongest(maps, num + 1)[1:]


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
        *(
            Mistake("ranked_by_maximum", partial(_strongest, reduce=reduce), "1/2")
            for reduce in (np.max, np.min, np.std, np.median)
        ),
        Mistake("numbers_from_one", _numbers_from_one, "1/2"),
        Mistake("ranks_of_first_maps", _ranks),
    ]
    mistakes += [
        Mistake("strongest_skipped", _strongest_but_first),
        Mistake("numbers_sorted", altered(_strongest, np.sort), "1/2"),
        Mistake("maps_for_numbers", _strongest_maps),
        Mistake("maps_for_numbers", _strongest_maps_first),
        Mistake("values_for_numbers", lambda m, num: -np.sort(-m.mean((0, 1)))[:num], "1/4"),
    ]
    return ask.judge("strongest", groups, _strongest, mistakes)


# --- L'image que préfère un filtre ---------------------------------------------------


CROSS = ((-1, 0), (1, 0), (0, -1), (0, 1))  # les quatre voisins d'un pixel
DIAGONALS = ((-1, -1), (-1, 1), (1, -1), (1, 1))
SQUARE = (*CROSS, *DIAGONALS, (0, 0))
ONE_TWICE = [  # un voisin compté deux fois, à la place d'un autre
    (*(each for each in CROSS if each != lost), twice)
    for lost, twice in itertools.permutations(CROSS, 2)
]


def _smoothed(neighbours, *, channels=False, mode="edge"):
    """Rend `smooth` avec d'autres voisins ; les canaux voisins en sont aussi, si `channels`."""

    def smooth(images, share):
        padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (int(channels),) * 2), mode=mode)
        moves = [(*each, 0) for each in neighbours]
        moves += [(0, 0, -1), (0, 0, 1)] if channels else []
        inside = slice(1, -1) if channels else slice(None)
        shifted = [np.roll(padded, each, (1, 2, 3))[:, 1:-1, 1:-1, inside] for each in moves]
        return images + share * (np.mean(shifted, axis=0) - images)

    return smooth


def _along(axes: tuple[int, int], mode: str):
    """Rend `smooth` avec, pour voisins, ceux de deux axes ; `mode` dit leurs bords."""
    plane = _smoothed(CROSS, mode=mode)

    def smooth(images, share):
        moved = np.moveaxis(images, axes, (1, 2))
        return np.moveaxis(plane(moved, share), (1, 2), axes)

    return smooth


def _smoothed_on_the_way(images, share):
    """Rend `smooth` fait sur place : les voisins d'avant y sont déjà lissés."""
    found = images.copy()
    last_row, last_column = images.shape[1] - 1, images.shape[2] - 1
    for row, column in np.ndindex(images.shape[1:3]):
        above, below = found[:, max(row - 1, 0)], found[:, min(row + 1, last_row)]
        left, right = (max(column - 1, 0), min(column + 1, last_column))
        around = above[:, column] + below[:, column] + found[:, row, left] + found[:, row, right]
        found[:, row, column] += share * (around / 4 - found[:, row, column])
    return found


SMOOTHED = [
    *(Mistake("images_smoothed", _along((0, 1), mode)) for mode in ("edge", "wrap", "constant")),
    Mistake("channels_smoothed", _along((1, 3), "edge")),
    Mistake("channels_smoothed", _along((2, 3), "edge")),
    Mistake("two_neighbours", _smoothed(CROSS[:2])),
    Mistake("two_neighbours", _smoothed(CROSS[2:])),
    *(Mistake("neighbour_twice", _smoothed(each)) for each in ONE_TWICE),
    Mistake("diagonal_neighbours", _smoothed(DIAGONALS)),
    Mistake("neighbours_smoothed_before", _smoothed_on_the_way),
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


def _without_gradient(
    noise: np.ndarray, steps: int, *, share=SMOOTHING, decay=DECAY, grey=GREY
) -> np.ndarray:
    """Rend ce que deviennent, en quelques pas, des images que leur gradient ne change pas."""
    smooth = _smoothed(CROSS)
    for _ in range(steps):
        noise = smooth(noise, share)
        noise = noise + decay * (grey - noise)
    return noise


SLOWED = (  # ce qui se dit d'un lissage ou d'un retour au gris qui manque, ou n'est pas le bon
    ("", {}),
    ("not_smoothed", {"share": 0}),
    ("grey_forgotten", {"decay": 0}),
    ("not_smoothed", {"share": 0, "decay": 0}),
    ("black_for_grey", {"grey": 0}),
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
    asked = (([0], 1), ([0, 1], 1), ([0, 1], 0), ([1], FLAT_STEPS))
    found = _pictures(ask, _flat_network(ask.rng), asked)
    if not found:
        return ""
    alone, both, (start, noise), flat = found
    if np.isin(flat, (0, 255)).all():
        return "flat_filter_lost"
    if not _alike(alone[0], both[0]):
        return "gradient_of_batch"
    if _alike(start, alone[0]) and _alike(noise, flat[0]):
        return "steps_ignored"
    gaps = [
        np.abs(flat[0] - _without_gradient(noise[None], FLAT_STEPS, **changed)).mean()
        for _, changed in SLOWED
    ]
    if min(gaps) < ROUNDED:
        return SLOWED[int(np.argmin(gaps))][0]
    return "flat_filter_changed" if _smooths_well(ask) else ""  # `smooth` est comptée ailleurs


def _smooths_well(ask: Ask) -> bool:
    """Dit si la fonction `smooth` du rendu est bonne."""
    images = ask.rng.uniform(0, 255, (1, *SHAPE))
    try:
        [found] = ask.calls("smooth", [((images, SMOOTHING), {})])
    except Failure:
        return False
    return same(found.value, _smoothed(CROSS)(images, SMOOTHING), tolerance=TOLERANCE)


def _slopes(model, noise: np.ndarray) -> np.ndarray:
    """Rend, à un facteur près, le gradient par rapport à une image de la réponse de chaque filtre.

    Args:
        model: un réseau de `network`.
        noise: `(H, W, 3)`.

    Returns:
        `(filtres, H, W, 3)`.
    """
    moves = NUDGE * np.eye(noise.size).reshape(-1, *noise.shape)
    after, before = (
        forward(model, each)["late"].mean((1, 2)) for each in (noise + moves, noise - moves)
    )
    return (after - before).T.reshape(-1, *noise.shape)


def _fault_of_scale(ask: Ask, model) -> str:
    """Cherche, d'après un premier pas, par quoi chaque gradient est divisé, et ce qui déborde."""
    filters = [*range(NUM_FILTERS)]
    asked = [(filters, steps) for steps in (0, 1, WRAPPING_STEPS - 1, WRAPPING_STEPS)]
    found = _pictures(ask, model, asked)
    if not found:
        return ""
    start, first, before, after = found
    slopes, axes = _slopes(model, start[0]), {"axis": (1, 2, 3), "keepdims": True}
    scales = {"": np.abs(slopes).mean(**axes), "signs_in_scale": slopes.mean(**axes)}
    gaps = {
        reason: np.abs(first - _after_step(start, slopes / scale)).mean()
        for reason, scale in scales.items()
    }
    if gaps["signs_in_scale"] < min(gaps[""], 2 * ROUNDED):
        return "signs_in_scale"
    wraps = np.abs(after - before).max() > JUMP > 2 * np.abs(first - start).max()
    return "pixels_wrap" if wraps else ""


def _after_step(images: np.ndarray, climb: np.ndarray) -> np.ndarray:
    """Rend des images après un pas, le long d'un gradient à l'échelle."""
    return np.clip(_without_gradient(images + STEP_PX * climb, 1), 0, 255)


def _fault_of_climb(ask: Ask, model, images: np.ndarray) -> str:
    """Cherche pourquoi des filtres ne répondent guère plus à leur image qu'à un bruit."""
    found = _pictures(ask, model, (([0], 0), ([0], 1)))
    if found and np.abs(found[1] - _without_gradient(found[0], 1)).mean() < SMALL_STEP:
        return "step_not_scaled"
    is_one = all(_alike(images[0], each) for each in images[1:])
    return "one_image_for_all" if is_one else "responds_little"


UNCLIMBED = ("gradient_descended", "another_filter", "responds_little")  # l'effet, sans sa cause


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
    other = sorted({e.error["type"] for e in refused if e.error and not e.is_refused})
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
    if judged.reason in UNCLIMBED or judged.level == 1:
        cause = _fault_of_scale(ask, model) or _fault_of_steps(ask)
        # L'image d'un autre filtre que le nul n'a pas à être celle d'un filtre nul.
        if cause and (cause != "flat_filter_changed" or judged.level == 1):
            return credit(min(judged.level, Fraction("7/8")), cause)
    if judged.reason == "responds_little":
        return judged._replace(reason=_fault_of_climb(ask, model, images))
    return judged
