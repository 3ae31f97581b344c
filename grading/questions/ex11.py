"""Exercice 11 : effacer une image, ou la faire apparaître, dans l'ordre d'une carte."""

import numpy as np
from scipy import ndimage

from grading.questions import Ask, Credit, credit, first_fault, numbers, question, same
from grading.questions.heatmaps import CLASS, TOLERANCE, glance, probabilities

NUM_STEPS, BLUR = 16, 1 / 6  # ceux de l'énoncé
SIDE, CELL = 8, 2  # une case par pas : l'ordre des pixels d'une case ne se voit pas


# --- L'ordre des pixels --------------------------------------------------------------


def _cell_means(heatmap: np.ndarray, cell_px: int) -> np.ndarray:
    """Rend, pour chaque pixel, la moyenne de sa case."""
    cells = heatmap.reshape(len(heatmap) // cell_px, cell_px, -1, cell_px)
    return np.broadcast_to(cells.mean((1, 3), keepdims=True), cells.shape).reshape(-1)


def _is_ranked(order: np.ndarray, heatmap: np.ndarray, cell_px: int) -> bool:
    """Dit si les cases se suivent, entières, de la plus forte à la plus faible."""
    places = np.arange(heatmap.size).reshape(heatmap.shape)
    ranks = order.astype(int).clip(0, heatmap.size - 1)
    cells, means = (_cell_means(each, cell_px)[ranks] for each in (places, heatmap))
    whole = np.count_nonzero(np.diff(cells)) == heatmap.size // cell_px**2 - 1
    return whole and np.diff(means).max() <= 1e-12 and same(np.sort(order), places.reshape(-1))


@question("ex11.pixel_order")
def ask_pixel_order(ask: Ask) -> Credit:
    """Range des cartes sans égalité, puis une carte où presque tout est égal."""
    heatmap = ask.rng.normal(size=(8, 12))
    flat = np.where(np.arange(96).reshape(8, 12) == 29, 1.0, 0.0)
    settings = [
        (heatmap, 5, 1),
        (heatmap, 5, 2),
        (heatmap, 5, 4),
        (flat, 5, 2),
        (flat, 5, 2),
        (flat, 6, 2),
    ]
    calls = [((each,), {"seed": k, "cell_px": cell_px}) for each, k, cell_px in settings]
    orders = [numbers(answer, (flat.size,)) for answer in ask.calls("pixel_order", calls)]
    good = [
        _is_ranked(order, each, cell_px)
        for order, (each, _, cell_px) in zip(orders, settings, strict=True)
    ]
    return first_fault(
        (0, "not_most_important_first", not good[0]),
        ("1/2", "cells_not_ranked", not all(good)),
        ("3/4", "unstable_order", not same(orders[3], orders[4])),
        ("3/4", "ties_in_reading_order", same(orders[3], orders[5])),
    )


# --- Les images intermédiaires -------------------------------------------------------


def _frames(start: np.ndarray, end: np.ndarray, order: np.ndarray) -> np.ndarray:
    ranks = np.argsort(order).reshape(1, *start.shape[:2], 1)
    counts = np.arange(NUM_STEPS + 1).reshape(-1, 1, 1, 1) * order.size // NUM_STEPS
    return np.where(ranks < counts, end, start)


@question("ex11.frames")
def ask_frames(ask: Ask) -> Credit:
    """Passe d'une image à une autre."""
    # Un nombre entier de pixels par pas.
    start, end = ask.rng.integers(0, 256, (2, 6, 8, 3)).astype(np.uint8)
    order = ask.rng.permutation(48)
    calls = [((start, end, order), {}), ((end, start, order[::-1].copy()), {})]
    found = [numbers(each, (NUM_STEPS + 1, *start.shape)) for each in ask.calls("frames", calls)]
    return first_fault(
        (0, "wrong_ends", not same([found[0][0], found[0][-1]], [start, end])),
        ("1/2", "wrong_values", not same(found, [_frames(*each) for each, _ in calls])),
    )


# --- Les deux courbes ----------------------------------------------------------------


def _curves(model, image: np.ndarray, heatmap: np.ndarray) -> list[np.ndarray]:
    """Rend les deux courbes d'une carte sans égalité."""
    order = np.argsort(-_cell_means(heatmap, CELL), kind="stable")
    ground = np.broadcast_to(image.mean((0, 1)).round(), image.shape)
    blurred = ndimage.gaussian_filter(image.astype(float), (BLUR * SIDE, BLUR * SIDE, 0)).round()
    pairs = _frames(image, ground, order), _frames(blurred, image, order)
    return [probabilities(model, each)[:, CLASS] for each in pairs]


@question("ex11.deletion_and_insertion")
def ask_deletion_and_insertion(ask: Ask) -> Credit:
    """Compare les courbes de deux cartes à celles d'un réseau connu."""
    image = ask.rng.integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)
    model = glance(ask.rng, image)
    # Des rangs à une puissance : deux cases n'ont jamais la même moyenne.
    ranks = np.arange(SIDE**2).reshape(SIDE, SIDE) ** 1.5
    heatmaps = {name: ask.rng.permuted(ranks) for name in ("un", "deux")}
    (answer,) = ask.calls(
        "deletion_and_insertion", [((model, image, CLASS, heatmaps), {"seed": 3, "cell_px": CELL})]
    )
    if not isinstance(answer.value, dict) or set(answer.value) != set(heatmaps):
        return credit(0, "wrong_type")
    shape = (2, NUM_STEPS + 1)
    found = [numbers(answer._replace(value=answer.value[each]), shape) for each in heatmaps]
    expected = [_curves(model, image, each) for each in heatmaps.values()]
    deletion, insertion = (
        same(some, others, tolerance=TOLERANCE)
        for some, others in zip(np.swapaxes(found, 0, 1), np.swapaxes(expected, 0, 1), strict=True)
    )
    return first_fault(
        (0, "wrong_values", not deletion and not insertion),
        ("1/2", "wrong_deletion", not deletion),
        ("1/2", "wrong_insertion", not insertion),
    )


@question("ex11.area")
def ask_area(ask: Ask) -> Credit:
    """Mesure des courbes de longueurs différentes."""
    return ask.judge(
        "area",
        [("1", [((ask.rng.random(17),), {}), ((ask.rng.random(9),), {})])],
        lambda curve: (curve[1:] + curve[:-1]).mean() / 2,
    )
