"""Exercice 11 : effacer une image, ou la faire apparaître, dans l'ordre d'une carte."""

import numpy as np
from scipy import ndimage

from grading import sealed
from grading.questions import (
    Ask,
    Credit,
    Mistake,
    as_floats,
    compared,
    credit,
    first_fault,
    numbers,
    pixels,
    question,
    same,
)
from grading.questions.heatmaps import CLASS, glance, probabilities

OURS = sealed.module("ex11_curves.curves")
SIDE, CELL = 8, 2  # une case par pas : l'ordre des pixels d'une case ne se voit pas
ROUNDED = 0.02  # de probabilité : ce que change, au plus ou presque, un arrondi ou une troncature


# --- Ranger --------------------------------------------------------------------------


def _order_of(values: np.ndarray, *, cell_px: int, across: int | None = None, **_) -> np.ndarray:
    """Range les pixels d'après leur valeur ; `across` numérote mal les cases d'une ligne."""
    cells, means = _cells(values, cell_px, across)
    return np.lexsort((cells, -means[cells]))


def _cells(values: np.ndarray, cell_px: int, across: int | None = None) -> tuple:
    """Rend la case de chaque pixel, et la moyenne de chacune."""
    rows, columns = np.indices(values.shape) // cell_px
    cells = (rows * (across or columns.max() + 1) + columns).ravel()
    return cells, np.bincount(cells, values.ravel()) / np.maximum(np.bincount(cells), 1)


def _partial_cells_shared(heatmap, *, cell_px, **_) -> np.ndarray:
    """Compte les cases entières seulement : la dernière d'une ligne a le numéro de la suivante."""
    return _order_of(heatmap, cell_px=cell_px, across=max(1, heatmap.shape[1] // cell_px))


def _largest_of_cell(heatmap, *, cell_px, **_) -> np.ndarray:
    """Donne à une case son plus grand pixel, et non leur moyenne."""
    down, across = (-(-side // cell_px) for side in heatmap.shape)
    largest = np.full((down, across), -np.inf)
    np.maximum.at(largest, tuple(np.indices(heatmap.shape) // cell_px), heatmap)
    every = np.repeat(np.repeat(largest, cell_px, 0), cell_px, 1)
    return _order_of(every[: heatmap.shape[0], : heatmap.shape[1]], cell_px=cell_px)


def _ranks(heatmap, *, cell_px, **_) -> np.ndarray:
    """Rend le rang de chaque pixel, et non les pixels dans leur ordre."""
    return np.argsort(_order_of(heatmap, cell_px=cell_px))


def _ranks_of_cells(heatmap, *, cell_px, **_) -> np.ndarray:
    """Rend, de chaque pixel, le rang de sa case."""
    cells, means = _cells(heatmap, cell_px)
    return np.argsort(np.argsort(-means))[cells]


ORDERS = [
    Mistake("ranks_for_numbers", _ranks),
    Mistake("ranks_for_numbers", _ranks_of_cells),
    Mistake("largest_of_cell", _largest_of_cell),
    Mistake("partial_cells_shared", _partial_cells_shared),
]


@question("ex11.pixel_order")
def ask_pixel_order(ask: Ask) -> Credit:
    """Range des cartes sans égalité, puis une carte où presque tout est égal."""
    heatmap, flat = ask.rng.normal(size=(8, 12)), np.zeros((8, 12))
    flat[2, 5] = 1

    def group(level, cell_px, width):
        """Lit la case de chaque pixel : leur ordre dans une case est libre."""
        rows, columns = np.indices((8, width)) // cell_px
        places = (rows * width + columns).ravel()
        calls = [((heatmap[:, :width],), {"seed": 5, "cell_px": cell_px})]
        return level, calls, lambda order: [places[order], np.sort(order)]

    # Puis une largeur que le côté des cases ne divise pas.
    groups = [group("1/2", 1, 12), group("1/2", 2, 12), group("1", 4, 12), group("1", 2, 11)]
    found = ask.compare("pixel_order", groups, mistakes=ORDERS)
    calls = [((flat,), {"seed": seed, "cell_px": 2}) for seed in (5, 5, 6)]
    first, again, other = (numbers(each) for each in ask.calls("pixel_order", calls))
    return first_fault(
        (found.level, found.reason, found.reason, found.detail),
        ("3/4", "unstable_order", not same(first, again)),
        ("3/4", "ties_in_reading_order", same(first, other)),
    )


# --- Passer d'une image à l'autre ----------------------------------------------------


def _passed(start, end, counts, order) -> np.ndarray:
    """Rend une image par nombre de pixels déjà changés."""
    place = np.argsort(order).reshape(1, *start.shape[:2], 1)
    return np.where(place < np.reshape(counts, (-1, 1, 1, 1)), end, start)


def _by_parts(start, end, order, *, parts: int, first: bool) -> np.ndarray:
    """Découpe l'ordre en parts presque égales ; garde ou non l'image de départ."""
    sizes = [len(each) for each in np.array_split(order, parts)]
    return _passed(start, end, np.cumsum([0, *sizes] if first else sizes), order)


def _start_missing(start, end, order) -> np.ndarray:
    return _by_parts(start, end, order, parts=OURS.NUM_STEPS + 1, first=False)


def _rest_left(start, end, order) -> np.ndarray:
    """Change le même nombre entier de pixels à chaque pas : le reste n'est jamais changé."""
    each = order.size // OURS.NUM_STEPS
    return _passed(start, end, each * np.arange(OURS.NUM_STEPS + 1), order)


FRAMES = [
    Mistake(
        "frames_share_memory", lambda start, end, order: np.stack([end] * (OURS.NUM_STEPS + 1))
    ),
    Mistake("frames_start_missing", _start_missing),
    Mistake("order_reversed", lambda a, b, order: OURS.frames(a, b, order[::-1]), "1/2"),
    Mistake("rest_left", _rest_left, "1/2"),
]


@compared("ex11.frames", mistakes=FRAMES)
def ask_frames(ask: Ask) -> list:
    """Passe d'une image à une autre, d'un nombre entier de pixels par pas, puis non."""
    start, end = pixels(ask.rng, 2, 6, 8, 3)
    order = ask.rng.permutation(48)
    calls = [((start, end, order), {}), ((end, start, order[::-1].copy()), {})]
    uneven = [((start[:5, :7], end[:5, :7], ask.rng.permutation(35)), {})]  # 2 ou 3 pixels par pas

    def both_ends(frames) -> np.ndarray:
        return as_floats(frames)[[0, -1]]

    return [("1/2", calls, both_ends), ("1", uneven, both_ends), ("1", calls)]


# --- Les deux courbes ----------------------------------------------------------------


def _traced(*, ground=None, sigmas=(1, 1, 0), onto_blur: bool = False):
    """Rend la question, avec une erreur au choix.

    Args:
        ground: fait le fond de la suppression d'une image ; la couleur moyenne par défaut.
        sigmas: écarts-types du flou, en part de celui qui est demandé.
        onto_blur: aller de l'image au flou, pour l'insertion.
    """

    def trace(model, image, class_index, heatmaps, *, seed, cell_px):
        under = np.rint(image.mean((0, 1)) if ground is None else ground(image))
        under = np.broadcast_to(under, image.shape).astype(np.uint8)
        blur = [OURS.BLUR * side * factor for side, factor in zip(image.shape, sigmas, strict=True)]
        blurred = np.rint(ndimage.gaussian_filter(image.astype(float), blur)).astype(np.uint8)
        ends = (image, blurred) if onto_blur else (blurred, image)
        found = {}
        for name, each in heatmaps.items():
            order = OURS.pixel_order(each, seed=seed, cell_px=cell_px)
            both = OURS.frames(image, under, order), OURS.frames(*ends, order)
            found[name] = np.stack([probabilities(model, each)[:, class_index] for each in both])
        return found

    return trace


CURVES = [
    Mistake("deleted_under_black", _traced(ground=np.zeros_like)),
    Mistake("deleted_under_grey", _traced(ground=np.mean)),
    Mistake("insertion_reversed", _traced(onto_blur=True), "1/2"),
    Mistake("blur_mixes_colors", _traced(sigmas=(1, 1, SIDE / 3)), "1/2"),
    Mistake("blur_mixes_colors", _traced(sigmas=(1, 1, 1)), "1/2"),
]


def _picture(rng: np.random.Generator) -> np.ndarray:
    """Tire une image contrastée, dont les trois couleurs n'ont pas la même moyenne."""
    bright = rng.random((SIDE, SIDE, 3)) < [0.8, 0.5, 0.2]
    return (pixels(rng, SIDE, SIDE, 3) // 4 + 190 * bright).astype(np.uint8)


@question("ex11.deletion_and_insertion")
def ask_deletion_and_insertion(ask: Ask) -> Credit:
    """Compare les courbes de deux cartes, sur un réseau connu ; arrondies ou tronquées, à part.

    L'énoncé ne dit pas si la couleur moyenne et le flou s'arrondissent ou se tronquent.
    """
    image = _picture(ask.rng)
    model, names = glance(ask.rng, image), ("un", "deux")
    # Des rangs à une puissance : deux cases n'ont jamais la même moyenne.
    ranks = np.arange(SIDE**2).reshape(SIDE, SIDE) ** 1.5
    heatmaps = {name: ask.rng.permuted(ranks) for name in names}
    call = [((model, image, CLASS, heatmaps), {"seed": 3, "cell_px": CELL})]
    (answer,) = ask.calls("deletion_and_insertion", call)
    shape = (2, OURS.NUM_STEPS + 1)
    for each in answer.value.values() if isinstance(answer.value, dict) else ():
        if (known := as_floats(each)) is not None and known.shape != shape:
            return credit(0, "wrong_shape", f"forme attendue {shape}, rendue {known.shape}")
    return ask.compare(
        "deletion_and_insertion",
        [
            ("1/2", call, lambda found: [as_floats(found[name])[0] for name in names]),
            ("1", call, lambda found: [as_floats(found[name]) for name in names]),
        ],
        mistakes=CURVES,
        tolerance=ROUNDED,
    )


# --- L'aire --------------------------------------------------------------------------


def _by_rectangles(start, stop):
    def area(curve):
        return np.sum(curve[start:stop]) / (len(curve) - 1)

    return area


AREAS = [
    Mistake("area_by_rectangles", _by_rectangles(None, -1)),
    Mistake("area_by_rectangles", _by_rectangles(1, None)),
    Mistake("area_not_halved", _by_rectangles(None, None)),
    Mistake("area_not_halved", lambda c: np.sum(c[1:] + c[:-1]) / (len(c) - 1)),
]


@compared("ex11.area", mistakes=AREAS)
def ask_area(ask: Ask) -> list:
    """Mesure des courbes de `NUM_STEPS + 1` points, comme le dit l'énoncé."""
    return [("1", [((ask.rng.random(OURS.NUM_STEPS + 1),), {}) for _ in range(2)])]
