"""Exercice 18 : mesurer un masque, et remettre chaque maximum à sa place."""

import numpy as np

from grading import pupil
from grading.questions import Ask, Credit, Mistake, as_floats, judge, question

NUM_CLASSES = 11
DISTANCE_PX = 2  # ce que dit l'énoncé
ABSENT = -1.0  # ce qui tient lieu de NaN, qu'on ne sait pas comparer
TOLERANCE = 1e-4  # TensorFlow calcule en float32

# --- IoU -----------------------------------------------------------------------------


def _comparable(answers: list) -> list:
    """Écrit `ABSENT` au lieu de NaN dans des réponses."""
    found = []
    for answer in answers:
        values = as_floats(answer.value)
        known = values is not None
        found.append(pupil.Answer(np.nan_to_num(values, nan=ABSENT)) if known else answer)
    return found


def _divided(common, union, *, absent=ABSENT) -> np.ndarray:
    common, union = np.asarray(common, float), np.asarray(union, float)
    return np.divide(common, union, out=np.full(union.shape, absent), where=union > 0)


def _iou(matrix, *, absent=ABSENT) -> np.ndarray:
    """Refait `iou`, classe par classe."""
    common, union = [], []
    for k in range(len(matrix)):
        common.append(matrix[k, k])
        union.append(sum(matrix[k]) + sum(matrix[:, k]) - matrix[k, k])
    return _divided(common, union, absent=absent)


@question("ex18.iou")
def ask_iou(ask: Ask) -> Credit:
    """Lit des matrices de confusion : toutes les classes, puis certaines absentes."""
    rng = ask.rng

    def draw(num, *, never_true=(), absent=()):
        matrix = rng.integers(3, 90, (num, num)) + np.diag(rng.integers(50, 400, num))
        for k in (*never_true, *absent):
            matrix[k] = 0
        for k in absent:
            matrix[:, k] = 0
        return (matrix,), {}

    whole = [draw(3), draw(11)]
    invented = [draw(5, never_true=[int(rng.integers(5))]), draw(4, never_true=[0, 2])]
    missing = [draw(11, absent=[int(rng.integers(11))]), draw(4, absent=[1, 3])]

    def counts(matrix):
        return np.diag(matrix), matrix.sum(1), matrix.sum(0)

    def over(union):
        return lambda matrix: _divided(np.diag(matrix), union(*counts(matrix)))

    def dice(matrix):
        common, true, answered = counts(matrix)
        return _divided(2 * common, true + answered)

    def mean(matrix):
        return np.mean([each for each in _iou(matrix) if each != ABSENT])

    mistakes = [
        Mistake("absent_class_counted", lambda matrix: _iou(matrix, absent=0.0), "3/4"),
        Mistake("absent_class_counted", lambda matrix: _iou(matrix, absent=1.0), "3/4"),
        Mistake("common_counted_twice", over(lambda common, true, found: true + found), "1/4"),
        Mistake("dice_for_iou", dice, "1/4"),
        Mistake("recall_for_iou", over(lambda common, true, found: true), "1/4"),
        Mistake("precision_for_iou", over(lambda common, true, found: found), "1/4"),
        Mistake(
            "accuracy_for_iou",
            over(lambda common, true, found: np.full(len(common), true.sum())),
            "1/4",
        ),
        Mistake("averaged_too_early", mean, "1/4"),
    ]
    groups = [("1/2", whole), ("3/4", invented), ("1", missing)]
    answers = ask.calls("iou", whole + invented + missing)
    return judge(_comparable(answers), groups, _iou, mistakes)


# --- Près des contours ---------------------------------------------------------------


def _near(masks, *, distance_px=DISTANCE_PX, shape=None) -> np.ndarray:
    """Refait `near_contour`, en décalant les masques ; `shape` dit quels décalages compter."""
    masks = np.asarray(masks)
    found = np.zeros(masks.shape, bool)
    padded = np.pad(masks, [(0, 0), *[(distance_px, distance_px)] * 2], mode="edge")
    height, width = masks.shape[1:]
    for down in range(-distance_px, distance_px + 1):
        for right in range(-distance_px, distance_px + 1):
            if shape is None or shape(down, right):
                top, left = down + distance_px, right + distance_px
                found |= padded[:, top : top + height, left : left + width] != masks
    return found


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


@question("ex18.near_contour")
def ask_near_contour(ask: Ask) -> Credit:
    """Cherche les contours d'objets loin des bords, puis aux bords, puis dans plusieurs scènes."""
    rng = ask.rng
    inside = [((_scenes(rng, 1, at_border=False),), {}) for _ in range(2)]
    border = [((_scenes(rng, 1, at_border=True),), {}) for _ in range(2)]
    more = [((_scenes(rng, 3, at_border=True),), {"distance_px": k}) for k in (1, 3)]

    def merged(masks, **options):
        return _near(np.asarray(masks) > 0, **options)

    def ignored(masks, **_):
        return _near(masks)

    def zeros(masks, *, distance_px=DISTANCE_PX):
        around = [(0, 0), *[(distance_px, distance_px)] * 2]
        found = _near(np.pad(masks, around), distance_px=distance_px)
        return found[:, distance_px:-distance_px, distance_px:-distance_px]

    def wrapped(masks, *, distance_px=DISTANCE_PX):
        around = [(0, 0), *[(distance_px, distance_px)] * 2]
        found = _near(np.pad(masks, around, mode="wrap"), distance_px=distance_px)
        return found[:, distance_px:-distance_px, distance_px:-distance_px]

    def across(masks, *, distance_px=DISTANCE_PX):
        found = _near(masks, distance_px=distance_px)
        scenes = np.arange(len(masks))
        for i in scenes:
            for j in scenes[abs(scenes - i) <= distance_px]:
                both = np.stack([masks[i], masks[j]])
                other = np.pad(both, [(0, 0), *[(distance_px, distance_px)] * 2], mode="edge")
                view = np.lib.stride_tricks.sliding_window_view(
                    other[1], (2 * distance_px + 1, 2 * distance_px + 1)
                )
                found[i] |= (view != masks[i][..., None, None]).any((-1, -2))
        return found

    def shaped(shape):
        return lambda masks, **options: _near(masks, shape=shape, **options)

    mistakes = [
        Mistake("border_is_contour", zeros, "1/2"),
        Mistake("edge_wraps", wrapped, "1/2"),
        Mistake("scenes_mixed", across, "3/4"),
        Mistake("distance_ignored", ignored, "3/4"),
        Mistake("objects_merged", merged, "1/4"),
        Mistake("cross_for_square", shaped(lambda down, right: not (down and right)), "1/2"),
        Mistake("cross_for_square", shaped(lambda down, right: abs(down) + abs(right) <= 2), "1/2"),
        Mistake("one_side_only", shaped(lambda down, right: down >= 0 and right >= 0), "1/4"),
        Mistake("one_side_only", shaped(lambda down, right: down <= 0 and right <= 0), "1/4"),
        Mistake("contours_reversed", lambda masks, **options: ~_near(masks, **options)),
    ]
    groups = [("1/2", inside), ("3/4", border), ("1", more)]
    answers = ask.calls("near_contour", inside + border + more)
    return judge(answers, groups, _near, mistakes)


# --- Les mesures ---------------------------------------------------------------------


def _matrix(masks, predicted) -> np.ndarray:
    matrix = np.zeros((NUM_CLASSES, NUM_CLASSES), int)
    np.add.at(matrix, (np.ravel(masks), np.ravel(predicted)), 1)
    return matrix


def _mean_iou(masks, predicted, *, first=0, absent=None) -> float:
    values = _iou(_matrix(masks, predicted))[first:]
    kept = values[values != ABSENT] if absent is None else np.where(values < 0, absent, values)
    return float(np.mean(kept))


def _measure(masks, predicted, *, key: str) -> float:
    """Refait une des mesures de `measure`."""
    masks, predicted = np.asarray(masks), np.asarray(predicted)
    if masks.shape != predicted.shape:
        raise ValueError
    right = masks == predicted
    if key == "accuracy":
        return float(right.mean())
    if key == "contour_accuracy":
        return float(right[_near(masks)].mean())
    if key == "object_iou":
        return _mean_iou((masks > 0).astype(int), (predicted > 0).astype(int), first=1)
    return _mean_iou(masks, predicted, first=int(key == "object_mean_iou"))


def _instead(key: str, compute):
    """Rend `_measure`, dont une mesure est calculée autrement."""

    def measure(masks, predicted, *, key: str, wrong=key):
        return (compute if key == wrong else _measure)(masks, predicted, key=key)

    return measure


@question("ex18.measure")
def ask_measure(ask: Ask) -> Credit:
    """Mesure des masques qui se trompent de place, puis de classe."""
    rng = ask.rng
    pairs = []
    for num in (2, 3):
        masks = _scenes(rng, num, at_border=True)
        predicted = np.roll(masks, (1, 2), (1, 2))
        there = np.unique(masks[masks > 0])
        predicted[:, :, 8:10] = np.where(predicted[:, :, 8:10] > 0, there[0], 0)
        predicted[0, 14:, :3] = there[-1]
        predicted[0, :2] = 0
        pairs.append((masks, predicted))
    short = (masks, masks[:, :-1])
    answers = ask.calls("measure", [(each, {}) for each in (*pairs, short)])

    def asked(key):
        return [(each, {"key": key}) for each in pairs]

    def value(answer, key):
        found = answer.value.get(key) if isinstance(answer.value, dict) else None
        return answer if answer.error else pupil.Answer(found)

    steps = [
        ("1/4", ["accuracy"]),
        ("1/2", ["mean_iou"]),
        ("3/4", ["object_mean_iou", "object_iou"]),
        ("1", ["contour_accuracy"]),
    ]
    groups = [(level, [call for key in keys for call in asked(key)]) for level, keys in steps]
    split = [value(each, key) for _, keys in steps for key in keys for each in answers[:-1]]
    groups.append(("1", [(short, {"key": "accuracy"})]))

    def zeros(masks, predicted, *, key):
        if key not in ("mean_iou", "object_mean_iou"):
            return _measure(masks, predicted, key=key)
        return _mean_iou(masks, predicted, first=int(key == "object_mean_iou"), absent=0.0)

    def by_scene(masks, predicted, *, key):
        each = zip(masks, predicted, strict=True)
        return np.mean([_measure(a[None], b[None], key=key) for a, b in each])

    def whole(masks, predicted, *, key):
        return _measure(masks, predicted, key="mean_iou")

    def all_pixels(masks, predicted, *, key):
        return _measure(masks, predicted, key="accuracy")

    def not_merged(masks, predicted, *, key):
        return _measure(masks, predicted, key="object_mean_iou")

    def answered(masks, predicted, *, key):
        return float((masks == predicted)[_near(predicted)].mean())

    mistakes = [
        Mistake("absent_class_counted", zeros, "1/2"),
        Mistake("averaged_by_scene", by_scene, "1/2"),
        Mistake("background_counted", _instead("object_mean_iou", whole), "3/4"),
        Mistake("accuracy_for_iou", _instead("mean_iou", all_pixels), "1/4"),
        Mistake("classes_not_merged", _instead("object_iou", not_merged), "3/4"),
        Mistake("contours_of_the_answer", _instead("contour_accuracy", answered), "3/4"),
        Mistake("contours_forgotten", _instead("contour_accuracy", all_pixels), "3/4"),
    ]
    return judge([*split, answers[-1]], groups, _measure, mistakes, tolerance=TOLERANCE)


# --- Remettre chaque maximum à sa place ----------------------------------------------


def _windows(maps) -> np.ndarray:
    """Rend les fenêtres 2 × 2 `(n, h/2, w/2, c, 4)`, chacune lue ligne par ligne."""
    corners = [maps[:, i::2, j::2] for i in (0, 1) for j in (0, 1)]
    return np.stack(corners, axis=-1)


def _spread(windows) -> np.ndarray:
    """Rend les cartes dont ce sont les fenêtres."""
    num, height, width, channels, _ = windows.shape
    maps = np.zeros((num, 2 * height, 2 * width, channels))
    for k in range(4):
        maps[:, k // 2 :: 2, k % 2 :: 2] = windows[..., k]
    return maps


def _pool(maps, *, part: str, order=(0, 1, 2, 3), mark=None) -> np.ndarray:
    """Refait la moitié de `max_pool_with_places`.

    Args:
        maps: `(n, h, w, c)`.
        part: `"pooled"` ou `"places"`.
        order: places d'une fenêtre, celle qui gagne à égalité en premier.
        mark: ce qui est écrit à la place, fonction des fenêtres ; 1 une fois par fenêtre sinon.
    """
    if maps.shape[1] % 2 or maps.shape[2] % 2:
        raise ValueError
    windows = _windows(maps)
    if part == "pooled":
        return windows.max(-1)
    if mark is not None:
        return _spread(mark(windows))
    best = np.array(order)[windows[..., list(order)].argmax(-1)]
    return _spread(np.arange(4) == best[..., None])


@question("ex18.max_pool_with_places")
def ask_max_pool_with_places(ask: Ask) -> Credit:
    """Retient la place des maximums : sans égalité, puis avec."""
    rng = ask.rng
    apart = [rng.permutation(48).reshape(1, 4, 6, 2) - 24, rng.normal(size=(2, 4, 4, 3))]
    equal = [rng.integers(0, 2, (2, 6, 4, 3)), np.maximum(rng.normal(size=(1, 4, 6, 2)), 0)]
    odd = [np.ones((1, 5, 4, 2)), np.ones((1, 4, 7, 1))]
    maps = [each.astype(np.float32) for each in (*apart, *equal, *odd)]
    answers = ask.calls(
        "max_pool_with_places", [((each,), {}) for each in maps], operation="through", weights=[]
    )

    def of(part, few):
        return [((each,), {"part": part}) for each in few]

    def half(answer, part):
        pair = isinstance(answer.value, list) and len(answer.value) == 2
        return pupil.Answer(answer.value[part]) if pair else answer

    apart, equal, odd = maps[:2], maps[2:4], maps[4:]
    groups = [
        ("1/4", of("pooled", apart + equal)),
        ("3/4", of("places", apart)),
        ("1", of("places", equal) + of("pooled", odd)),
    ]
    halves = [half(each, 0) for each in answers[:4]] + [half(each, 1) for each in answers[:4]]

    def tied(windows):
        return windows == windows.max(-1, keepdims=True)

    def values(windows):
        return np.where(tied(windows), windows, 0)

    def corner(windows):
        return np.broadcast_to(np.arange(4) == 0, windows.shape)

    def marked(mark):
        return lambda maps, *, part: _pool(maps, part=part, mark=mark)

    def ranked(*order):
        return lambda maps, *, part: _pool(maps, part=part, order=order)

    mistakes = [
        Mistake("every_tie_marked", marked(tied), "3/4"),
        Mistake("tie_order", ranked(3, 2, 1, 0), "3/4"),
        Mistake("tie_order", ranked(0, 2, 1, 3), "3/4"),
        Mistake("value_for_mark", marked(values), "1/2"),
        Mistake("corner_for_place", marked(corner), "1/4"),
    ]
    return judge([*halves, *answers[4:]], groups, _pool, mistakes, tolerance=TOLERANCE)


def _unpool(values, places) -> np.ndarray:
    """Refait `unpool`, fenêtre par fenêtre."""
    return _spread(values[..., None] * _windows(places))


def _doubled(num: int) -> np.ndarray:
    """Rend la matrice `(2 num, num)` d'un agrandissement linéaire."""
    centers = np.clip((np.arange(2 * num) + 0.5) / 2 - 0.5, 0, num - 1)
    low = np.minimum(np.floor(centers).astype(int), max(num - 2, 0))
    matrix = np.zeros((2 * num, num))
    matrix[np.arange(2 * num), low] += 1 - (centers - low)
    matrix[np.arange(2 * num), np.minimum(low + 1, num - 1)] += centers - low
    return matrix


@question("ex18.unpool")
def ask_unpool(ask: Ask) -> Credit:
    """Pose des valeurs à des places tirées au hasard : une carte, puis plusieurs."""
    rng = ask.rng

    def draw(*shape):
        chosen = rng.integers(0, 4, shape)
        chosen.flat[:4] = rng.permutation(4)  # les quatre places servent
        values = (rng.normal(size=shape) * 3).astype(np.float32)
        places = _spread(np.arange(4) == chosen[..., None]).astype(np.float32)
        return (values, places), {}

    one, several = [draw(1, 2, 3, 1)], [draw(2, 3, 2, 4), draw(1, 4, 4, 2)]

    def corner(values, places):
        return _unpool(values, _spread(np.broadcast_to(np.arange(4) == 0, (*values.shape, 4))))

    def everywhere(values, places):
        return _unpool(values, np.ones(places.shape))

    def smooth(values, places):
        rows, columns = (_doubled(size) for size in values.shape[1:3])
        return np.einsum("yh,xw,nhwc->nyxc", rows, columns, values) * places

    mistakes = [
        Mistake("corner_for_place", corner, "1/4"),
        Mistake("places_ignored", everywhere, "1/4"),
        Mistake("values_interpolated", smooth, "1/2"),
    ]
    groups = [("1/2", one), ("1", several)]
    answers = ask.calls("unpool", one + several, operation="through", weights=[])
    return judge(answers, groups, _unpool, mistakes, tolerance=TOLERANCE)
