"""Exercice 18 : mesurer un masque, et remettre chaque maximum à sa place."""

from operator import itemgetter

import numpy as np
from scipy import ndimage

from grading.questions import TENSORS, TOLERANCE, Ask, Mistake, compared

NUM_CLASSES = 11


# --- Mesurer -------------------------------------------------------------------------


def _both(true, answered, common) -> np.ndarray:
    """Rend ce qui divise les pixels communs, d'après ceux de chaque classe."""
    return true + answered - common


def _true_only(true, answered, common) -> np.ndarray:
    return true


def _answered_only(true, answered, common) -> np.ndarray:
    return answered


def _common_twice(true, answered, common) -> np.ndarray:
    return true + answered


def _mean_size(true, answered, common) -> np.ndarray:
    return (true + answered) / 2


def _iou(divide=_both, absent=np.nan):
    """Rend `iou` avec, au choix, une erreur.

    Args:
        divide: rend ce qui divise les pixels communs.
        absent: ce que vaut un quotient de zéro par zéro.
    """

    def iou(matrix):
        common = np.diag(matrix)
        divisor = divide(matrix.sum(1), matrix.sum(0), common)
        return np.where(divisor > 0, common / np.maximum(divisor, 1), absent)

    return iou


IOU = [
    Mistake(reason, _iou(divide, absent))
    for reason, divide in (
        ("recall_for_iou", _true_only),
        ("precision_for_iou", _answered_only),
        ("common_pixels_twice", _common_twice),
        ("dice_of_classes", _mean_size),
    )
    for absent in (np.nan, 0)
]


@compared("ex18.iou", mistakes=IOU)
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


def _near(footprint):
    """Rend `near_contour`, qui regarde d'autres pixels autour de chacun.

    Args:
        footprint: rend les pixels regardés, d'après leurs distances en scènes, lignes et colonnes.
    """

    def near_contour(masks, *, distance_px=2):
        gaps = abs(np.indices((2 * distance_px + 1,) * 3) - distance_px)
        seen = {"footprint": footprint(*gaps, distance_px), "mode": "nearest"}
        return ndimage.maximum_filter(masks, **seen) != ndimage.minimum_filter(masks, **seen)

    return near_contour


def _cross(scenes, rows, columns, distance) -> np.ndarray:
    return (scenes == 0) & (np.minimum(rows, columns) == 0)


def _diamond(scenes, rows, columns, distance) -> np.ndarray:
    return (scenes == 0) & (rows + columns <= distance)


def _disc(scenes, rows, columns, distance) -> np.ndarray:
    return (scenes == 0) & (rows**2 + columns**2 <= distance**2)


def _cube(scenes, rows, columns, distance) -> np.ndarray:
    return scenes <= distance


NEAR = [
    Mistake("cross_for_square", _near(_cross)),
    Mistake("cross_for_square", _near(_diamond)),
    Mistake("cross_for_square", _near(_disc)),
    Mistake("scenes_seen_together", _near(_cube)),
]


@compared("ex18.near_contour", mistakes=NEAR)
def ask_near_contour(ask: Ask) -> list:
    """Cherche les contours d'objets loin des bords, puis aux bords, puis dans plusieurs scènes."""
    return [
        ("1/2", [((_scenes(ask.rng, 1, at_border=False),), {}) for _ in range(2)]),
        ("3/4", [((_scenes(ask.rng, 1, at_border=True),), {}) for _ in range(2)]),
        ("1", [((_scenes(ask.rng, 3, at_border=True),), {"distance_px": k}) for k in (1, 3)]),
    ]


def _confused(masks, predicted, num: int) -> np.ndarray:
    pairs = num * masks.ravel().astype(int) + predicted.ravel()
    return np.bincount(pairs, minlength=num**2).reshape(num, num)


def _of_all(masks, predicted) -> np.ndarray:
    """Rend l'IoU de chaque classe, toutes scènes confondues, comme l'énoncé le demande."""
    return _iou()(_confused(masks, predicted, NUM_CLASSES))


def _of_each_scene(masks, predicted) -> np.ndarray:
    """Rend les IoU `(classes, scènes)`, chaque scène prise seule."""
    pairs = zip(masks, predicted, strict=True)
    return np.stack([_of_all(*pair) for pair in pairs], axis=1)


def _mean_of_scenes(masks, predicted) -> np.ndarray:
    found = _of_each_scene(masks, predicted)
    return np.nanmean(found[~np.isnan(found).all(axis=1)], axis=1)


def _measured(ious=_of_all, *, of_scenes=False, background=False):
    """Rend `measure` avec, au choix, une erreur.

    Args:
        ious: rend l'IoU de chaque classe, le fond d'abord.
        of_scenes: moyenner d'abord dans chaque scène.
        background: garder le fond dans l'IoU des objets.
    """

    def mean(found) -> float:
        return np.nanmean(np.nanmean(found, axis=0)) if of_scenes else np.nanmean(found)

    def measure(masks, predicted):
        if masks.shape != predicted.shape:
            raise ValueError
        found, right = ious(masks, predicted), masks == predicted
        square = _near(lambda scenes, rows, columns, distance: scenes == 0)
        return {
            "accuracy": right.mean(),
            "contour_accuracy": right[square(masks)].mean(),
            "mean_iou": mean(found),
            "object_mean_iou": mean(found if background else found[1:]),
            "object_iou": _iou()(_confused(masks > 0, predicted > 0, 2))[1],
        }

    return measure


MEASURED = [
    Mistake("mean_of_scenes", _measured(_mean_of_scenes)),
    Mistake("mean_of_scenes", _measured(_of_each_scene)),
    Mistake("mean_of_scenes", _measured(_of_each_scene, of_scenes=True)),
    Mistake("background_is_no_object", _measured(background=True)),
]


@compared("ex18.measure", mistakes=MEASURED, tolerance=TOLERANCE)
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


def _windows(maps) -> np.ndarray:
    """Range les quatre valeurs de chaque fenêtre : `(n, h/2, w/2, c, 2, 2)`."""
    num, height, width, channels = maps.shape
    split = maps.reshape(num, height // 2, 2, width // 2, 2, channels)
    return split.transpose(0, 1, 3, 5, 2, 4)


def _placed(windows) -> np.ndarray:
    """Remet à leur place les quatre valeurs de chaque fenêtre."""
    num, height, width, channels, *_ = windows.shape
    return windows.transpose(0, 1, 4, 2, 5, 3).reshape(num, 2 * height, 2 * width, channels)


def _pooled(priority=None):
    """Rend `max_pool_with_places`, qui choisit autrement à égalité.

    Args:
        priority: à égalité, la place du plus grand nombre gagne ; sinon, toutes comptent.
    """

    def max_pool_with_places(maps):
        windows = _windows(maps)
        pooled = windows.max((-2, -1))
        found = windows == pooled[..., None, None]
        if priority is not None:
            ranks = np.where(found, priority, 0)
            found = ranks == ranks.max((-2, -1), keepdims=True)
        return pooled, _placed(found).astype(float)

    return max_pool_with_places


PLACES = [
    Mistake("every_tie_kept", _pooled()),
    Mistake("last_tie_kept", _pooled(np.array([[1, 2], [3, 4]]))),
    Mistake("ties_by_column", _pooled(np.array([[4, 2], [3, 1]]))),
]


@compared("ex18.max_pool_with_places", mistakes=PLACES, tolerance=TOLERANCE, **TENSORS)
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


def _tiled(values, places) -> np.ndarray:
    return np.tile(values, (1, 2, 2, 1)) * places


def _twice_as_wide(values, places) -> np.ndarray:
    """Répète les lignes, et met les colonnes bout à bout."""
    return np.tile(values.repeat(2, axis=1), (1, 1, 2, 1)) * places


UNPOOLED = [Mistake("tiled_for_repeated", each) for each in (_tiled, _twice_as_wide)]


@compared("ex18.unpool", mistakes=UNPOOLED, tolerance=TOLERANCE, **TENSORS)
def ask_unpool(ask: Ask) -> list:
    """Pose des valeurs à des places tirées au hasard : une carte, puis plusieurs."""

    def draw(num, height, width, channels):
        maps = (ask.rng.normal(size=(num, height, width, channels)) * 3).astype(np.float32)
        chosen = ask.rng.integers(0, 4, maps.shape).repeat(2, axis=1).repeat(2, axis=2)
        own = np.tile([[0, 1], [2, 3]], (height, width))[..., np.newaxis]  # place de chaque case
        return (maps, (chosen == own).astype(np.float32)), {}

    return [("1/2", [draw(1, 4, 6, 1)]), ("1", [draw(2, 3, 2, 4), draw(1, 4, 4, 2)])]
