"""Exercice 11 : effacer une image, ou la faire apparaître, dans l'ordre d'une carte."""

import numpy as np
from scipy import ndimage

from grading import pupil
from grading.questions import Ask, Credit, credit, first_fault, numbers, question, same
from grading.questions.heatmaps import CLASS, glance, probabilities

NUM_STEPS, BLUR = 16, 1 / 6  # ceux de l'énoncé
SIDE, CELL = 8, 2  # une case par pas : l'ordre des pixels d'une case ne se voit pas
TOLERANCE = 1e-4  # les probabilités sont en float32


# --- L'ordre des pixels --------------------------------------------------------------


def _cell_means(heatmap: np.ndarray, cell_px: int) -> np.ndarray:
    """Rend, pour chaque pixel, la moyenne de sa case."""
    rows, columns = (side // cell_px for side in heatmap.shape)
    means = heatmap.reshape(rows, cell_px, columns, cell_px).mean((1, 3))
    return np.kron(means, np.ones((cell_px, cell_px))).reshape(-1)


def _is_ranked(order: np.ndarray, heatmap: np.ndarray, cell_px: int) -> bool:
    """Dit si les cases se suivent, entières, de la plus forte à la plus faible."""
    if sorted(order) != list(range(heatmap.size)):
        return False
    places = np.arange(heatmap.size).reshape(heatmap.shape)
    cells, means = (_cell_means(each, cell_px)[order.astype(int)] for each in (places, heatmap))
    whole = np.count_nonzero(np.diff(cells)) == heatmap.size // cell_px**2 - 1
    return whole and bool((np.diff(means) <= 1e-12).all())


@question("ex11.pixel_order")
def ask_pixel_order(ask: Ask) -> Credit:
    """Range des cartes sans égalité, puis une carte où presque tout est égal."""
    heatmap, flat = ask.rng.normal(size=(8, 12)), np.zeros((8, 12))
    flat[2:4, 4:6] = 1.0
    seed = int(ask.rng.integers(100))
    settings = [(heatmap, seed, 1), (heatmap, seed, 2), (heatmap, seed, 4)]
    settings += [(flat, seed, 2), (flat, seed, 2), (flat, seed + 1, 2)]
    calls = [((each,), {"seed": k, "cell_px": cell_px}) for each, k, cell_px in settings]
    answers = ask.calls("pixel_order", calls)
    orders = [numbers(answer, (heatmap.size,)) for answer in answers]
    good = [
        _is_ranked(order, each, cell_px)
        for order, (each, _, cell_px) in zip(orders, settings, strict=True)
    ]
    first, again, other = orders[3:]
    return first_fault(
        (0, "not_most_important_first", not good[0]),
        ("1/2", "cells_not_ranked", not all(good)),
        ("3/4", "unstable_order", not same(first, again)),
        ("3/4", "ties_in_reading_order", same(first, other)),
    )


# --- Les images intermédiaires -------------------------------------------------------


def _frames(start: np.ndarray, end: np.ndarray, order: np.ndarray) -> np.ndarray:
    ranks = np.argsort(order).reshape(1, *start.shape[:2], 1)
    counts = np.arange(NUM_STEPS + 1).reshape(-1, 1, 1, 1) * order.size // NUM_STEPS
    return np.where(ranks < counts, end, start)


@question("ex11.frames")
def ask_frames(ask: Ask) -> Credit:
    """Passe d'une image à une autre."""
    shape = (6, 8, 3)  # un nombre entier de pixels par pas
    start, end = ask.rng.integers(0, 256, (2, *shape)).astype(np.uint8)
    order = ask.rng.permutation(48)
    calls = [((start, end, order), {}), ((end, start, order[::-1].copy()), {})]
    answers = ask.calls("frames", calls)
    found = [numbers(answer, (NUM_STEPS + 1, *shape)) for answer in answers]
    return first_fault(
        (0, "wrong_ends", not same([found[0][0], found[0][-1]], [start, end])),
        ("1/2", "wrong_values", not same(found, [_frames(*each) for each, _ in calls])),
    )


# --- Les deux courbes ----------------------------------------------------------------


@question("ex11.deletion_and_insertion")
def ask_deletion_and_insertion(ask: Ask) -> Credit:
    """Compare les courbes de deux cartes à celles d'un réseau connu."""
    rng = ask.rng
    image = rng.integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)
    model = glance(rng, image)
    # Des rangs à une puissance : deux cases n'ont jamais la même moyenne.
    ranks = rng.permuted(np.tile(np.arange(SIDE**2.0), (2, 1)), axis=1)
    heatmaps = dict(zip(("un", "deux"), ranks.reshape(2, SIDE, SIDE) ** 1.5, strict=True))
    call = (model, image, CLASS, heatmaps), {"seed": 3, "cell_px": CELL}
    (answer,) = ask.calls("deletion_and_insertion", [call])
    if not isinstance(answer.value, dict) or set(answer.value) != set(heatmaps):
        return credit(0, "wrong_type")
    curves = [pupil.Answer(answer.value[name]) for name in heatmaps]
    found = np.array([numbers(each, (2, NUM_STEPS + 1)) for each in curves])
    ground = np.broadcast_to(image.mean((0, 1)).round().astype(np.uint8), image.shape)
    sigmas = (BLUR * SIDE, BLUR * SIDE, 0)
    blurred = ndimage.gaussian_filter(image.astype(float), sigmas).round().astype(np.uint8)
    expected = []
    for heatmap in heatmaps.values():
        order = np.argsort(-_cell_means(heatmap, CELL), kind="stable")
        pairs = _frames(image, ground, order), _frames(blurred, image, order)
        expected.append([probabilities(model, each)[:, CLASS] for each in pairs])
    expected = np.array(expected)
    deletion, insertion = (same(found[:, k], expected[:, k], tolerance=TOLERANCE) for k in range(2))
    return first_fault(
        (0, "wrong_values", not deletion and not insertion),
        ("1/2", "wrong_deletion", not deletion),
        ("1/2", "wrong_insertion", not insertion),
    )


@question("ex11.area")
def ask_area(ask: Ask) -> Credit:
    """Mesure des courbes de longueurs différentes."""
    calls = [((ask.rng.random(count),), {}) for count in (NUM_STEPS + 1, 9)]

    def area(curve):
        return ((curve[1:] + curve[:-1]) / 2).mean()

    return ask.judge("area", [("1", calls)], area)
