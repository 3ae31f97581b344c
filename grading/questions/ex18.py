"""Exercice 18 : mesurer un masque, et remettre chaque maximum à sa place."""

from operator import itemgetter

import numpy as np

from grading.questions import TENSORS, TOLERANCE, Ask, compared

NUM_CLASSES = 11


# --- Mesurer -------------------------------------------------------------------------


@compared("ex18.iou")
def ask_iou(ask: Ask) -> list:
    """Lit des matrices de confusion : toutes les classes, puis certaines absentes."""

    def draw(num, *, never_true=(), absent=()):
        matrix = ask.rng.integers(3, 90, (num, num)) + np.diag(ask.rng.integers(50, 400, num))
        matrix[[*never_true, *absent]] = 0
        matrix[:, list(absent)] = 0
        return (matrix,), {}

    return [
        ("1/2", [draw(3), draw(11)]),
        ("3/4", [draw(5, never_true=[int(ask.rng.integers(5))]), draw(4, never_true=[0, 2])]),
        ("1", [draw(11, absent=[int(ask.rng.integers(11))]), draw(4, absent=[1, 3])]),
    ]


def _scenes(rng, num: int, *, at_border: bool) -> np.ndarray:
    """Pose des rectangles de classes différentes, dont deux se touchent."""
    masks = np.zeros((num, 17, 19), np.int64)
    for mask in masks:
        first, second, third = rng.permutation(np.arange(1, NUM_CLASSES))[:3]
        row, column = rng.integers(4, 6), rng.integers(4, 6)
        mask[row : row + 6, column : column + 4] = first
        mask[row : row + 6, column + 4 : column + 8] = second
        if at_border:
            mask[: row - 1, : column + 3] = third
            mask[12:, 13:] = first
    return masks


@compared("ex18.near_contour")
def ask_near_contour(ask: Ask) -> list:
    """Cherche les contours d'objets loin des bords, puis aux bords, puis dans plusieurs scènes."""
    return [
        ("1/2", [((_scenes(ask.rng, 1, at_border=False),), {}) for _ in range(2)]),
        ("3/4", [((_scenes(ask.rng, 1, at_border=True),), {}) for _ in range(2)]),
        ("1", [((_scenes(ask.rng, 3, at_border=True),), {"distance_px": k}) for k in (1, 3)]),
    ]


@compared("ex18.measure", tolerance=TOLERANCE)
def ask_measure(ask: Ask) -> list:
    """Mesure des masques qui se trompent de place, puis de classe."""
    calls = []
    for num in (2, 3):
        masks = _scenes(ask.rng, num, at_border=True)
        predicted = np.roll(masks, (1, 2), (1, 2))
        predicted[:, 14:, :3] = masks.max()
        calls.append(((masks, predicted), {}))
    return [
        ("1/4", calls, itemgetter("accuracy")),
        ("1/2", calls, itemgetter("mean_iou")),
        ("3/4", calls, itemgetter("object_mean_iou", "object_iou")),
        ("1", [*calls, ((masks, masks[:, :-1]), {})], itemgetter("contour_accuracy")),
    ]


# --- Remettre chaque maximum à sa place ----------------------------------------------


@compared("ex18.max_pool_with_places", tolerance=TOLERANCE, **TENSORS)
def ask_max_pool_with_places(ask: Ask) -> list:
    """Retient la place des maximums : sans égalité, puis avec."""
    maps = [
        ask.rng.permutation(48).reshape(1, 4, 6, 2) - 24,  # sans égalité
        ask.rng.normal(size=(2, 4, 4, 3)),
        ask.rng.integers(0, 2, (2, 6, 4, 3)),  # avec
        np.maximum(ask.rng.normal(size=(1, 4, 6, 2)), 0),
        np.ones((1, 5, 4, 2)),  # un côté impair
        np.ones((1, 4, 7, 1)),
    ]
    calls = [((each.astype(np.float32),), {}) for each in maps]
    pooled, places = itemgetter(0), itemgetter(1)
    return [("1/4", calls[:4], pooled), ("3/4", calls[:2], places), ("1", calls[2:], places)]


@compared("ex18.unpool", tolerance=TOLERANCE, **TENSORS)
def ask_unpool(ask: Ask) -> list:
    """Pose des valeurs à des places tirées au hasard : une carte, puis plusieurs."""

    def draw(num, height, width, channels):
        maps = (ask.rng.normal(size=(num, height, width, channels)) * 3).astype(np.float32)
        chosen = ask.rng.integers(0, 4, maps.shape).repeat(2, axis=1).repeat(2, axis=2)
        own = np.tile([[0, 1], [2, 3]], (height, width))[..., np.newaxis]  # place de chaque case
        return (maps, (chosen == own).astype(np.float32)), {}

    return [("1/2", [draw(1, 4, 6, 1)]), ("1", [draw(2, 3, 2, 4), draw(1, 4, 4, 2)])]
