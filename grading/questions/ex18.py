"""Exercice 18 : mesurer un masque, et remettre chaque maximum à sa place."""

from collections.abc import Callable
from operator import itemgetter
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from grading.asking.failures import Answer, Failure
from grading.questions import (
    REFUSED,
    TENSORS,
    TOLERANCE,
    Ask,
    Credit,
    Mistake,
    altered,
    at_call,
    compared,
    credit,
    question,
)

NUM_CLASSES = 11


# --- Mesurer -------------------------------------------------------------------------


def _both(true, answered, common) -> np.ndarray:
    """Rend ce qui divise les pixels communs, d'après ceux de chaque classe."""
    return true + answered - common


def _true_only(true, answered, common) -> np.ndarray:
    return true


def _answered_only(true, answered, common) -> np.ndarray:
    return answered


def _common_only(true, answered, common) -> np.ndarray:
    return common


def _common_twice(true, answered, common) -> np.ndarray:
    return true + answered


def _mean_size(true, answered, common) -> np.ndarray:
    return (true + answered) / 2


def _every_pixel(true, answered, common) -> np.ndarray:
    return np.full(len(true), true.sum())


def _one_more(true, answered, common) -> np.ndarray:
    return true + answered - common + 1


def _without_common(true, answered, common) -> np.ndarray:
    return true + answered - 2 * common


def _iou(divide=_both, absent=np.nan, *, known=None):
    """Rend `iou` avec, au choix, une erreur.

    Args:
        divide: rend ce qui divise les pixels communs.
        absent: ce que vaut un quotient de zéro par zéro.
        known: rend ce qui doit n'être pas nul pour qu'une classe compte ; par défaut, ce diviseur.
    """

    def iou(matrix):
        common = np.diag(matrix)
        sizes = matrix.sum(1), matrix.sum(0), common
        divisor = divide(*sizes)
        is_known = (known or divide)(*sizes) > 0
        return np.where(is_known, common / np.maximum(divisor, 1), absent)

    return iou


def _without_absent(ious) -> np.ndarray:
    return ious[~np.isnan(ious)]


IOU = [
    Mistake(reason, _iou(divide, absent, known=known))
    for reason, divide in (
        ("recall_for_iou", _true_only),
        ("precision_for_iou", _answered_only),
        ("common_pixels_twice", _common_twice),
        ("dice_of_classes", _mean_size),
        ("divided_by_whole_matrix", _every_pixel),
        ("union_plus_one", _one_more),
        ("common_pixels_lost", _without_common),
    )
    for absent in (np.nan, 0)
    for known in (None, _both)
]
IOU += [
    Mistake("absent_if_never_true", _iou(known=_true_only)),
    Mistake("absent_if_never_answered", _iou(known=_answered_only)),
    Mistake("absent_without_common", _iou(known=_common_only)),
    *(Mistake("absent_has_number", _iou(absent=value)) for value in (0, 1)),
    Mistake("absent_removed", altered(_iou(), _without_absent)),
    *(Mistake("truncated", altered(_iou(absent=value), np.floor)) for value in (np.nan, 0)),
]


@compared("ex18.iou", mistakes=IOU)
def ask_iou(ask: Ask) -> list:
    """Lit des matrices de confusion : toutes les classes, puis certaines absentes."""

    def draw(num, *, never_true=(), never_answered=(), absent=()):
        matrix = ask.rng.integers(3, 90, (num, num)) + np.diag(ask.rng.integers(50, 400, num))
        matrix[[*never_true, *absent]] = 0
        matrix[:, [*never_answered, *absent]] = 0
        return (matrix,), {}

    simple = [draw(3), draw(11)]
    never = [draw(5, never_true=[int(ask.rng.integers(5))]), draw(4, never_true=[0, 2])]
    return [
        ("1/2", simple),
        ("3/4", [*never, draw(5, never_answered=[int(ask.rng.integers(5))])]),
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


def _square(scenes, rows, columns, distance) -> np.ndarray:
    """Rend les pixels regardés autour de chacun, comme l'énoncé le demande."""
    return scenes == 0


def _as_asked(distance) -> int:
    return distance


def _near(footprint=_square, *, border="nearest", read=np.asarray, reach=_as_asked):
    """Rend `near_contour` avec, au choix, une erreur.

    Args:
        footprint: rend les pixels regardés, d'après leurs écarts en scènes, lignes et colonnes.
        border: ce que vaut l'image au-delà de son bord (`mode` de SciPy).
        read: ce qui se compare des classes.
        reach: rend le demi-côté du carré.
    """

    def near_contour(masks, *, distance_px=2):
        distance = reach(distance_px)
        gaps = np.indices((2 * distance + 1,) * 3) - distance
        seen = {"footprint": footprint(*gaps, distance), "mode": border}
        shown = read(masks)
        return ndimage.maximum_filter(shown, **seen) != ndimage.minimum_filter(shown, **seen)

    return near_contour


def _is_object(masks) -> np.ndarray:
    """Ne distingue que le fond et les objets."""
    return (masks > 0).astype(int)


def _near_of_side(border):
    """Rend `near_contour`, où la distance est prise pour le côté du carré."""

    def near_contour(masks, *, distance_px=2):
        seen = {"size": (1, distance_px, distance_px), "mode": border}
        return ndimage.maximum_filter(masks, **seen) != ndimage.minimum_filter(masks, **seen)

    return near_contour


def _cross(scenes, rows, columns, distance) -> np.ndarray:
    return (scenes == 0) & (rows * columns == 0)


def _diamond(scenes, rows, columns, distance) -> np.ndarray:
    return (scenes == 0) & (abs(rows) + abs(columns) <= distance)


def _disc(scenes, rows, columns, distance) -> np.ndarray:
    return (scenes == 0) & (rows**2 + columns**2 <= distance**2)


def _cube(scenes, rows, columns, distance) -> np.ndarray:
    return scenes <= distance


def _after(scenes, rows, columns, distance) -> np.ndarray:
    return (scenes == 0) & (rows >= 0) & (columns >= 0)


def _before(scenes, rows, columns, distance) -> np.ndarray:
    return (scenes == 0) & (rows <= 0) & (columns <= 0)


def _half(distance) -> int:
    return distance // 2


def _nowhere(masks, *, distance_px=2) -> np.ndarray:
    return np.zeros(masks.shape, bool)


def _against_first(masks, *, distance_px=2) -> np.ndarray:
    """Compare les pixels du carré, dans chaque scène, à celui de la première."""
    _, height, width = masks.shape
    room = (distance_px, distance_px)
    padded = np.pad(masks, ((0, 0), room, room), mode="edge")
    starts = np.ndindex(2 * distance_px + 1, 2 * distance_px + 1)
    squares = [padded[:, a : a + height, b : b + width] for a, b in starts]
    return np.any([each != masks[:1] for each in squares], axis=0)


NEAR = [
    Mistake("cross_for_square", _near(_cross)),
    Mistake("cross_for_square", _near(_diamond)),
    Mistake("cross_for_square", _near(_disc)),
    *(Mistake("square_off_centre", _near(each)) for each in (_after, _before)),
    Mistake("nowhere_near", _nowhere),
    Mistake("scenes_seen_together", _near(_cube)),
]
NEAR += [
    Mistake("first_scene_for_all", _against_first),
    Mistake("objects_alike", _near(read=_is_object)),
    Mistake("border_is_contour", _near(border="constant")),
    Mistake("image_wraps", _near(border="grid-wrap")),
    *(Mistake("distance_for_side", _near_of_side(border)) for border in ("nearest", "constant")),
    Mistake("distance_for_side", _near(reach=_half)),
]


@compared("ex18.near_contour", mistakes=NEAR)
def ask_near_contour(ask: Ask) -> list:
    """Cherche les contours d'objets loin des bords, puis aux bords, puis dans plusieurs scènes.

    L'appel à une autre distance et celui à plusieurs scènes se séparent : un seul peut être manqué.
    """
    several = [
        ((_scenes(ask.rng, num, at_border=True),), {"distance_px": k})
        for num, k in ((1, 1), (3, 3))
    ]
    return [
        ("1/2", [((_scenes(ask.rng, 1, at_border=False),), {}) for _ in range(2)]),
        ("3/4", [((_scenes(ask.rng, 1, at_border=True),), {}) for _ in range(2)]),
        ("1", [*several, ((_scenes(ask.rng, 3, at_border=True),), {})]),
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


def _ious(divide, absent):
    """Rend de quoi calculer l'IoU de chaque classe, avec une erreur (voir `_iou`)."""

    def ious(masks, predicted):
        return _iou(divide, absent)(_confused(masks, predicted, NUM_CLASSES))

    return ious


def _mean_of_classes(found, sizes) -> float:
    """Moyenne les IoU des classes qui en ont une, comme l'énoncé le demande."""
    return np.nanmean(found)


def _mean_in_each_scene(found, sizes) -> float:
    return np.nanmean(np.nanmean(found, axis=0))


def _mean_of_nan(found, sizes) -> float:
    return np.mean(found)


def _mean_with_absent(found, sizes) -> float:
    return np.nansum(found) / len(found)


def _mean_by_size(found, sizes) -> float:
    return np.nansum(found * sizes) / sizes.sum()


def _everywhere(masks, right) -> float:
    """Rend la part de pixels justes, comme l'énoncé le demande."""
    return right.mean()


def _on_objects(masks, right) -> float:
    return right[masks > 0].mean()


def _in_each_class(masks, right) -> float:
    return np.mean([right[masks == each].mean() for each in np.unique(masks)])


def _near_only(right, near) -> float:
    """Rend la part de pixels justes près des contours, comme l'énoncé le demande."""
    return right[near].mean()


def _near_of_all(right, near) -> float:
    return (right & near).mean()


def _far_only(right, near) -> float:
    return right[~near].mean()


def _near_or_far(right, near) -> float:
    return right.mean()


def _as_one_class(masks, predicted) -> np.ndarray:
    """Rend l'IoU du fond, puis celle des objets pris pour une seule classe."""
    return _iou()(_confused(masks > 0, predicted > 0, 2))


def _object_only(masks, predicted) -> float:
    """Rend l'IoU des objets pris pour une seule classe, comme l'énoncé le demande."""
    return _as_one_class(masks, predicted)[1]


def _background_only(masks, predicted) -> float:
    return _as_one_class(masks, predicted)[0]


def _both_classes(masks, predicted) -> float:
    return _as_one_class(masks, predicted).mean()


def _same_class_only(masks, predicted) -> float:
    common = (masks > 0) & (masks == predicted)
    return common.sum() / ((masks > 0) | (predicted > 0)).sum()


def _same_class_or_none(masks, predicted) -> float:
    """Laisse aussi hors de l'union un objet pris pour un autre."""
    common = (masks > 0) & (masks == predicted)
    return common.sum() / (common | ((masks > 0) != (predicted > 0))).sum()


OBJECTS = slice(1, None)  # toutes les classes, sauf le fond


class Measures(NamedTuple):
    """De quoi calculer chaque mesure.

    `mean` est la moyenne de toutes les IoU, `object_mean` celle des classes `objects`.
    """

    ious: Callable = _of_all
    mean: Callable = _mean_of_classes
    object_mean: Callable = _mean_of_classes
    objects: slice = OBJECTS
    accuracy: Callable = _everywhere
    near: Callable = _near_only
    as_one: Callable = _object_only


def _measured(**wrong):
    """Rend `measure` avec, au choix, une erreur : une de ses `Measures` est autre."""
    by = Measures(**wrong)

    def measure(masks, predicted):
        if masks.shape != predicted.shape:
            raise ValueError
        found, right = by.ious(masks, predicted), masks == predicted
        sizes = np.bincount(masks.ravel(), minlength=NUM_CLASSES)
        return {
            "accuracy": by.accuracy(masks, right),
            "contour_accuracy": by.near(right, _near()(masks)),
            "mean_iou": by.mean(found, sizes),
            "object_mean_iou": by.object_mean(found[by.objects], sizes[by.objects]),
            "object_iou": by.as_one(masks, predicted),
        }

    return measure


def _averaged(mean) -> list[Callable]:
    """Rend `measure`, où l'erreur est dans les deux moyennes d'IoU, puis dans la première seule."""
    return [_measured(mean=mean, object_mean=mean), _measured(mean=mean)]


MEASURED = [
    Mistake("mean_of_scenes", _measured(ious=_mean_of_scenes)),
    Mistake("mean_of_scenes", _measured(ious=_of_each_scene)),
    Mistake(
        "mean_of_scenes",
        _measured(ious=_of_each_scene, mean=_mean_in_each_scene, object_mean=_mean_in_each_scene),
    ),
    *(Mistake("mean_of_nan", each) for each in _averaged(_mean_of_nan)),
    *(Mistake("absent_in_mean", each) for each in _averaged(_mean_with_absent)),
    *(Mistake("mean_by_size", each) for each in _averaged(_mean_by_size)),
]
MEASURED += [
    *(Mistake("recall_for_iou", _measured(ious=_ious(_true_only, each))) for each in (np.nan, 0)),
    *(
        Mistake("precision_for_iou", _measured(ious=_ious(_answered_only, each)))
        for each in (np.nan, 0)
    ),
    Mistake("background_is_no_object", _measured(objects=slice(None))),
    Mistake("last_class_dropped", _measured(objects=slice(-1))),
    Mistake("last_object_dropped", _measured(objects=slice(1, -1))),
]
MEASURED += [
    Mistake("background_alone", _measured(as_one=_background_only)),
    Mistake("background_with_object", _measured(as_one=_both_classes)),
    *(
        Mistake("objects_kept_apart", _measured(as_one=each))
        for each in (_same_class_only, _same_class_or_none)
    ),
]
MEASURED += [
    Mistake("accuracy_of_objects", _measured(accuracy=_on_objects)),
    Mistake("accuracy_of_classes", _measured(accuracy=_in_each_class)),
    Mistake("divided_by_every_pixel", _measured(near=_near_of_all)),
    Mistake("far_from_contours", _measured(near=_far_only)),
    Mistake("contours_ignored", _measured(near=_near_or_far)),
]


@compared("ex18.measure", mistakes=MEASURED, tolerance=TOLERANCE)
def ask_measure(ask: Ask) -> list:
    """Mesure des masques qui se trompent de place, puis de classe."""
    calls = []
    for num in (2, 3):
        masks = _scenes(ask.rng, num, at_border=True)
        masks[masks == masks.max()] = NUM_CLASSES - 1  # la dernière classe y est toujours
        predicted = np.roll(masks, (1, 2), (1, 2))
        predicted[:, 14:, :3] = masks.max()
        calls.append(((masks, predicted), {}))
    return [
        ("1/4", calls, itemgetter("accuracy")),
        ("1/2", calls, itemgetter("mean_iou")),
        ("3/4", calls, itemgetter("object_mean_iou", "object_iou")),
        ("1", [*calls, *_of_other_shapes(masks)], itemgetter("contour_accuracy")),
    ]


def _of_other_shapes(masks) -> list[tuple]:
    """Rend des appels à refuser : le second a des formes que NumPy accorderait."""
    return [((masks, masks[:, :-1]), {}), ((masks[:1], masks[0]), {})]


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


def _numbered(number):
    """Rend `max_pool_with_places`, qui numérote la place au lieu de la marquer.

    Args:
        number: rend le numéro d'une place, d'après sa ligne, sa colonne, sa carte, et la forme
            des cartes.
    """

    def max_pool_with_places(maps):
        windows = _windows(maps)
        chosen = windows.reshape(*windows.shape[:4], 4).argmax(-1)
        _, rows, columns, channels = np.indices(chosen.shape)
        row, column = 2 * rows + chosen // 2, 2 * columns + chosen % 2
        return windows.max((-2, -1)), number(row, column, channels, maps.shape)

    return max_pool_with_places


def _in_window(row, column, channel, shape) -> np.ndarray:
    """Numérote une place de 0 à 3."""
    return 2 * (row % 2) + column % 2


def _in_maps(row, column, channel, shape) -> np.ndarray:
    """Numérote une place comme `tf.nn.max_pool_with_argmax`."""
    return (row * shape[2] + column) * shape[3] + channel


FIRST = np.array([[4, 3], [2, 1]])  # à égalité, la première place gagne, comme l'énoncé le demande


def _absolute(maps):
    return _pooled(FIRST)(abs(maps))


def _averages(maps):
    return _windows(maps).mean((-2, -1)), _pooled(FIRST)(maps)[1]


def _overlapping(maps):
    """Avance d'un pixel à la fois, comme un pooling de pas 1 au padding `same`."""
    _, height, width, _ = maps.shape
    room = ((0, 0), (0, 1), (0, 1), (0, 0))
    padded = np.pad(maps, room, constant_values=-np.inf)
    shifted = [padded[:, a : a + height, b : b + width] for a, b in np.ndindex(2, 2)]
    pooled = np.max(shifted, axis=0)
    return pooled, (maps == pooled).astype(float)


def _across_maps(maps):
    pooled, places = _pooled(FIRST)(maps)
    return pooled.max(-1, keepdims=True), places


def _positive_only(maps):
    pooled, places = _pooled(FIRST)(maps)
    return pooled, places * (maps > 0)


def _values_for_mask(maps):
    pooled, places = _pooled(FIRST)(maps)
    return pooled, places * maps


def _four_in_a_row(maps):
    """Prend pour fenêtre quatre valeurs qui se suivent."""
    num, height, width, channels = maps.shape
    windows = maps.reshape(num, height // 2, width // 2, 4, channels)
    places = np.eye(4)[windows.argmax(3)].transpose(0, 1, 2, 4, 3)
    return windows.max(3), places.reshape(maps.shape)


PLACES = [
    Mistake("windows_not_square", _four_in_a_row),
    *(Mistake("pair_forgotten", altered(_pooled(FIRST), itemgetter(k))) for k in (0, 1)),
    Mistake("absolute_value", _absolute),
    Mistake("average_for_max", _averages),
    Mistake("pooling_stride", _overlapping),
    Mistake("channels_pooled", _across_maps),
    Mistake("place_missing", _positive_only),
    Mistake("values_for_mask", _values_for_mask),
]
PLACES += [
    *(Mistake("number_for_mask", _numbered(number)) for number in (_in_window, _in_maps)),
    Mistake("every_tie_kept", _pooled()),
    Mistake("last_tie_kept", _pooled(np.array([[1, 2], [3, 4]]))),
    Mistake("ties_by_column", _pooled(np.array([[4, 2], [3, 1]]))),
]


@question("ex18.max_pool_with_places")
def ask_max_pool_with_places(ask: Ask) -> Credit:
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
    groups = [("1/4", calls[:4], pooled), ("3/4", calls[:2], places), ("1", calls[2:], places)]
    how = {"mistakes": PLACES, "tolerance": TOLERANCE, **TENSORS}
    found = ask.compare(ask.rule.name, groups, **how)
    return _unrefused(ask, calls[4:]) or found if found.level == 1 else found


def _unrefused(ask: Ask, calls: list[tuple]) -> Credit | None:
    """Rend la faute de qui laisse à Keras le soin de refuser ces appels ; None s'il les refuse.

    Keras ne lève ValueError que s'il construit un réseau : ce sont ici de vrais tableaux.
    """
    for call in calls:
        try:
            [answer] = ask.calls(ask.rule.name, [call])
        except Failure as failure:
            if failure.error is None:
                raise
            answer = Answer(None, failure.error)
        if not answer.is_refused:
            fault = ("other_error", answer.error["type"]) if answer.error else ("no_error", "")
            return at_call(credit("3/4", *fault), ask.rule.name, call, answer, REFUSED)
    return None


def _tiled(values, places) -> np.ndarray:
    return np.tile(values, (1, 2, 2, 1)) * places


def _twice_as_wide(values, places) -> np.ndarray:
    """Répète les lignes, et met les colonnes bout à bout."""
    return np.tile(values.repeat(2, axis=1), (1, 1, 2, 1)) * places


def _repeated(values) -> np.ndarray:
    """Répète chaque valeur dans sa fenêtre."""
    return values.repeat(2, axis=1).repeat(2, axis=2)


def _places_ignored(values, places) -> np.ndarray:
    return _repeated(values)


def _other_places(values, places) -> np.ndarray:
    return _repeated(values) * (1 - places)


def _places_added(values, places) -> np.ndarray:
    return _repeated(values) + places


def _first_map_only(values, places) -> np.ndarray:
    return _repeated(values) * places[..., :1]


def _always_at(row: int, column: int):
    """Rend `unpool`, qui pose toujours les valeurs à la même place de leur fenêtre."""

    def unpool(values, places):
        placed = np.zeros(places.shape)
        placed[:, row::2, column::2] = values
        return placed

    return unpool


def _interpolated(values, places) -> np.ndarray:
    """Agrandit les cartes comme `UpSampling2D(2, interpolation="bilinear")`."""
    for axis in (1, 2):
        side = np.arange(values.shape[axis])
        before = values.take(np.maximum(side - 1, 0), axis=axis)
        after = values.take(np.minimum(side + 1, side[-1]), axis=axis)
        halves = [0.75 * values + 0.25 * each for each in (before, after)]
        shape = (*values.shape[:axis], 2 * len(side), *values.shape[axis + 1 :])
        values = np.stack(halves, axis=axis + 1).reshape(shape)
    return values * places


UNPOOLED = [
    *(Mistake("tiled_for_repeated", each) for each in (_tiled, _twice_as_wide)),
    Mistake("places_ignored", _places_ignored),
    Mistake("other_places", _other_places),
    Mistake("places_added", _places_added),
    Mistake("places_of_first_map", _first_map_only),
    *(Mistake("always_same_place", _always_at(*each)) for each in np.ndindex(2, 2)),
    Mistake("values_interpolated", _interpolated),
]


@compared("ex18.unpool", mistakes=UNPOOLED, tolerance=TOLERANCE, **TENSORS)
def ask_unpool(ask: Ask) -> list:
    """Pose des valeurs à des places tirées au hasard : une carte, puis plusieurs."""

    def draw(num, height, width, channels):
        maps = (ask.rng.normal(size=(num, height, width, channels)) * 3).astype(np.float32)
        chosen = ask.rng.integers(0, 4, maps.shape).repeat(2, axis=1).repeat(2, axis=2)
        own = np.tile([[0, 1], [2, 3]], (height, width))[..., np.newaxis]  # place de chaque case
        return (maps, (chosen == own).astype(np.float32)), {}

    return [("1/2", [draw(1, 4, 6, 1)]), ("1", [draw(2, 3, 2, 4), draw(1, 4, 4, 2)])]
