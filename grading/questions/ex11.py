"""Exercice 11 : effacer une image, ou la faire apparaître, dans l'ordre d'une carte."""

from fractions import Fraction

import numpy as np
from scipy import ndimage

from grading import pupil
from grading.questions import (
    RIGHT,
    Ask,
    Credit,
    Mistake,
    as_floats,
    credit,
    failed,
    judge,
    question,
    same,
)
from grading.questions.heatmaps import CLASS, LIKELIEST, glance, probabilities

NUM_STEPS, BLUR = 16, 1 / 6  # ceux de l'énoncé
SIDE, CELL = 8, 2  # une case par pas : l'ordre des pixels d'une case ne se voit pas
TOLERANCE = 1e-4  # les probabilités sont en float32


# --- L'ordre des pixels --------------------------------------------------------------


def _means(heatmap: np.ndarray, cell_px: int) -> np.ndarray:
    """Rend, en chaque pixel, la moyenne de sa case."""
    found = np.empty(heatmap.shape)
    for top in range(0, heatmap.shape[0], cell_px):
        for left in range(0, heatmap.shape[1], cell_px):
            place = slice(top, top + cell_px), slice(left, left + cell_px)
            found[place] = heatmap[place].mean()
    return found.reshape(-1)


def _cells(heatmap: np.ndarray, cell_px: int) -> np.ndarray:
    rows, columns = np.indices(heatmap.shape) // cell_px
    return (rows * heatmap.shape[1] + columns).reshape(-1)


def _whole_cells(order: np.ndarray, cells: np.ndarray) -> bool:
    """Dit si les pixels de chaque case se suivent."""
    return np.count_nonzero(np.diff(cells[order])) == len(set(cells.tolist())) - 1


@question("ex11.pixel_order")
def ask_pixel_order(ask: Ask) -> Credit:
    """Range des cartes sans égalité, puis une carte où presque tout est égal."""
    rng = ask.rng
    heatmap, flat = rng.normal(size=(6, 8)), np.zeros((6, 8))
    flat[2:4, 4:6] = 1.0
    seed = int(rng.integers(100))
    settings = [(heatmap, seed, 1), (heatmap, seed, 2), (heatmap, seed, 4)]
    settings += [(flat, seed, 2), (flat, seed, 2), (flat, seed + 1, 2)]
    answers = ask.calls(
        "pixel_order",
        [((each,), {"seed": number, "cell_px": cell_px}) for each, number, cell_px in settings],
    )
    orders = []
    for answer in answers:
        if answer.error:
            return failed(answer)
        order = as_floats(answer.value)
        if order is None:
            return credit(0, "wrong_type")
        if order.shape != (heatmap.size,):
            return credit(0, "wrong_shape")
        if sorted(order) != list(range(heatmap.size)):
            return credit(0, "wrong_values")
        orders.append(order.astype(int))

    def falls(order, values) -> bool:
        return bool((np.diff(values[order]) <= 1e-12).all())

    alone = heatmap.reshape(-1)
    if not falls(orders[0], alone):
        return credit(
            0, "least_important_first" if falls(orders[0][::-1], alone) else "wrong_values"
        )
    for order, cell_px in zip(orders[1:3], (2, 4), strict=True):
        if not _whole_cells(order, _cells(heatmap, cell_px)):
            return credit("1/2", "cells_ignored")
        if not falls(order, _means(heatmap, cell_px)):
            return credit("1/2", "wrong_values")
    first, again, other = orders[3:]
    if not falls(first, _means(flat, 2)) or not _whole_cells(first, _cells(flat, 2)):
        return credit("1/2", "wrong_values")
    if not same(first, again):
        return credit("3/4", "unstable_order")
    return credit("3/4", "ties_in_reading_order") if same(first, other) else RIGHT


# --- Les images intermédiaires -------------------------------------------------------


def _frames(start, end, order, *, steps=NUM_STEPS, last=True) -> np.ndarray:
    counts = np.linspace(0, order.size, steps + 1).round().astype(int)
    found = []
    for count in counts if last else counts[:-1]:
        image = np.array(start).reshape(-1, 3)
        image[order[:count]] = end.reshape(-1, 3)[order[:count]]
        found.append(image.reshape(start.shape))
    return np.stack(found)


@question("ex11.frames")
def ask_frames(ask: Ask) -> Credit:
    """Passe d'une image à une autre."""
    rng, calls = ask.rng, []
    for height, width in ((8, 8), (6, 8)):  # un nombre entier de pixels par pas
        images = rng.integers(0, 256, (2, height, width, 3)).astype(np.uint8)
        calls.append(((*images, rng.permutation(height * width)), {}))
    mistakes = [
        Mistake("start_and_end_swapped", lambda a, b, order: _frames(b, a, order), "1/2"),
        Mistake("least_important_first", lambda a, b, order: _frames(a, b, order[::-1]), "1/2"),
        Mistake("last_frame_missing", lambda a, b, order: _frames(a, b, order, last=False), "1/4"),
        Mistake("last_frame_missing", lambda a, b, o: _frames(a, b, o, steps=NUM_STEPS - 1), "1/4"),
    ]
    answers = ask.calls("frames", calls)
    found = judge(answers, [("1", calls)], _frames, mistakes)
    both_ends = all(
        values is not None
        and values.shape == (NUM_STEPS + 1, *start.shape)
        and same(values[0], start)
        and same(values[-1], end)
        for answer, ((start, end, _), _) in zip(answers, calls, strict=True)
        for values in [as_floats(answer.value)]
    )
    return found._replace(level=max(found.level, Fraction(1, 2))) if both_ends else found


# --- Les deux courbes ----------------------------------------------------------------


@question("ex11.deletion_and_insertion")
def ask_deletion_and_insertion(ask: Ask) -> Credit:
    """Compare les courbes de deux cartes à celles d'un réseau connu."""
    rng = ask.rng
    image = rng.integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)
    model = glance(rng, image)
    ranks = {name: rng.permutation(SIDE * SIDE).reshape(SIDE, SIDE) for name in ("un", "deux")}
    heatmaps = {name: _spread(each) for name, each in ranks.items()}
    named = {"seed": 3, "cell_px": CELL}
    calls = [((model, image, CLASS, heatmaps), named)]
    (answer,) = ask.calls("deletion_and_insertion", calls)
    if answer.error:
        return failed(answer)
    if not isinstance(answer.value, dict) or set(answer.value) != set(heatmaps):
        return credit(0, "wrong_type")
    stacked = pupil.Answer([answer.value[name] for name in heatmaps])

    mean = np.broadcast_to(image.mean((0, 1)).round().astype(np.uint8), image.shape)
    sigmas = (BLUR * SIDE, BLUR * SIDE, 0)
    blurred = ndimage.gaussian_filter(image.astype(float), sigmas).round().astype(np.uint8)

    def curves(*_, ground=mean, veil=blurred, which=CLASS, reverse=False, **__):
        found = []
        for heatmap in heatmaps.values():
            order = np.argsort(-_means(heatmap, CELL), kind="stable")
            order = order[::-1] if reverse else order
            pairs = (_frames(image, ground, order), _frames(veil, image, order))
            found.append([probabilities(model, each)[:, which] for each in pairs])
        return np.array(found)

    def changed(**options):
        return lambda *_, **__: curves(**options)

    def swapped(*_, **__):
        return curves()[:, ::-1]

    black = np.zeros_like(image)
    mistakes = [
        Mistake("wrong_class", changed(which=LIKELIEST)),
        Mistake("curves_swapped", swapped, "1/2"),
        Mistake("least_important_first", changed(reverse=True)),
        Mistake("wrong_ground", changed(ground=black), "1/2"),
        Mistake("wrong_ground", changed(ground=blurred), "1/2"),
        Mistake("insertion_not_blurred", changed(veil=mean), "1/2"),
        Mistake("insertion_not_blurred", changed(veil=black), "1/2"),
    ]
    found = judge([stacked], [("1", calls)], curves, mistakes, tolerance=TOLERANCE)
    if found.reason == "wrong_values":
        values, expected = as_floats(stacked.value), curves()
        one = any(same(values[:, k], expected[:, k], tolerance=TOLERANCE) for k in range(2))
        return Credit(Fraction(1, 2) if one else Fraction(0), found.reason, found.detail)
    return found


def _spread(ranks: np.ndarray) -> np.ndarray:
    """Rend une carte dont deux cases n'ont jamais la même moyenne."""
    return ranks.astype(float) ** 1.5


@question("ex11.area")
def ask_area(ask: Ask) -> Credit:
    """Mesure des courbes de longueurs différentes."""
    calls = [((ask.rng.random(count),), {}) for count in (NUM_STEPS + 1, 9)]

    def area(curve):
        return float(((curve[1:] + curve[:-1]) / 2).sum() / (len(curve) - 1))

    mistakes = [
        Mistake("area_not_divided", lambda curve: area(curve) * (len(curve) - 1), "1/2"),
        Mistake("area_not_divided", lambda c: area(c) * (len(c) - 1) / len(c), "1/2"),
        Mistake("mean_for_area", lambda curve: curve.mean(), "1/2"),
    ]
    return judge(ask.calls("area", calls), [("1", calls)], area, mistakes)
