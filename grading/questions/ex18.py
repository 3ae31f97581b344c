"""Exercice 18 : mesurer un masque, et remettre chaque maximum à sa place."""

import numpy as np

from grading import pupil
from grading.questions import Ask, Credit, as_floats, judge, question

NUM_CLASSES = 11
DISTANCE_PX = 2  # ce que dit l'énoncé
ABSENT = -1.0  # ce qui tient lieu de NaN, qu'on ne sait pas comparer
TOLERANCE = 1e-4  # TensorFlow calcule en float32
TENSORS = {"operation": "through", "weights": []}  # comment appeler une fonction de tenseurs

# --- IoU -----------------------------------------------------------------------------


def _iou(matrix) -> np.ndarray:
    """Refait `iou`."""
    common = np.diag(matrix)
    union = matrix.sum(0) + matrix.sum(1) - common
    return np.divide(common, union, out=np.full(len(matrix), ABSENT), where=union > 0)


@question("ex18.iou")
def ask_iou(ask: Ask) -> Credit:
    """Lit des matrices de confusion : toutes les classes, puis certaines absentes."""
    rng = ask.rng

    def draw(num, *, never_true=(), absent=()):
        matrix = rng.integers(3, 90, (num, num)) + np.diag(rng.integers(50, 400, num))
        matrix[[*never_true, *absent]] = 0
        matrix[:, list(absent)] = 0
        return (matrix,), {}

    groups = [
        ("1/2", [draw(3), draw(11)]),
        ("3/4", [draw(5, never_true=[int(rng.integers(5))]), draw(4, never_true=[0, 2])]),
        ("1", [draw(11, absent=[int(rng.integers(11))]), draw(4, absent=[1, 3])]),
    ]
    answers = ask.calls("iou", [call for _, calls in groups for call in calls])
    return judge([_without_nan(each) for each in answers], groups, _iou)


def _without_nan(answer: pupil.Answer) -> pupil.Answer:
    """Écrit `ABSENT` au lieu de NaN dans une réponse."""
    values = as_floats(answer.value)
    return answer if values is None else pupil.Answer(np.nan_to_num(values, nan=ABSENT))


# --- Près des contours ---------------------------------------------------------------


def _near(masks, *, distance_px=DISTANCE_PX) -> np.ndarray:
    """Refait `near_contour`."""
    padded = np.pad(masks, [(0, 0), *[(distance_px, distance_px)] * 2], mode="edge")
    sides = (2 * distance_px + 1,) * 2
    squares = np.lib.stride_tricks.sliding_window_view(padded, sides, axis=(1, 2))
    return (squares != masks[..., None, None]).any((-1, -2))


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
    groups = [
        ("1/2", [((_scenes(ask.rng, 1, at_border=False),), {}) for _ in range(2)]),
        ("3/4", [((_scenes(ask.rng, 1, at_border=True),), {}) for _ in range(2)]),
        ("1", [((_scenes(ask.rng, 3, at_border=True),), {"distance_px": k}) for k in (1, 3)]),
    ]
    return ask.judge("near_contour", groups, _near)


# --- Les mesures ---------------------------------------------------------------------


def _mean_iou(masks, predicted) -> np.ndarray:
    """Rend l'IoU moyenne, et la même sans le fond."""
    pairs = NUM_CLASSES * masks.ravel() + predicted.ravel()
    values = _iou(np.bincount(pairs, minlength=NUM_CLASSES**2).reshape(NUM_CLASSES, -1))
    return np.array([kept[kept != ABSENT].mean() for kept in (values, values[1:])])


def _measure(masks, predicted, keys) -> list[float]:
    """Refait les mesures de `measure` que nomment `keys`."""
    if masks.shape != predicted.shape:
        raise ValueError
    right, objects = masks == predicted, ((masks > 0).astype(int), (predicted > 0).astype(int))
    values = {
        "accuracy": right.mean(),
        "contour_accuracy": right[_near(masks)].mean(),
        "mean_iou": _mean_iou(masks, predicted)[0],
        "object_mean_iou": _mean_iou(masks, predicted)[1],
        "object_iou": _mean_iou(*objects)[1],
    }
    return [values[key] for key in keys]


@question("ex18.measure")
def ask_measure(ask: Ask) -> Credit:
    """Mesure des masques qui se trompent de place, puis de classe."""
    pairs = []
    for num in (2, 3):
        masks = _scenes(ask.rng, num, at_border=True)
        predicted = np.roll(masks, (1, 2), (1, 2))
        predicted[:, 14:, :3] = masks.max()
        pairs.append((masks, predicted))
    short = (masks, masks[:, :-1])
    *found, refused = ask.calls("measure", [(each, {}) for each in (*pairs, short)])

    def chosen(answer, keys):
        values = answer.value if isinstance(answer.value, dict) else {}
        return answer if answer.error else pupil.Answer([values.get(key) for key in keys])

    steps = {  # niveau acquis : ce qu'il faut de plus
        "1/4": ("accuracy",),
        "1/2": ("mean_iou",),
        "3/4": ("object_mean_iou", "object_iou"),
        "1": ("contour_accuracy",),
    }
    answers = [chosen(each, keys) for keys in steps.values() for each in found]
    groups = [(level, [((*each, keys), {}) for each in pairs]) for level, keys in steps.items()]
    groups[-1][1].append(((*short, ()), {}))
    return judge([*answers, refused], groups, _measure, tolerance=TOLERANCE)


# --- Remettre chaque maximum à sa place ----------------------------------------------


def _places(chosen) -> np.ndarray:
    """Rend le masque `(n, h, w, c)` qui vaut 1 à la place choisie, de 0 à 3, de chaque fenêtre."""
    num, height, width, channels = chosen.shape
    marks = np.zeros((num, 2 * height, 2 * width, channels), np.float32)
    for place in range(4):  # ligne par ligne
        marks[:, place // 2 :: 2, place % 2 :: 2] = chosen == place
    return marks


@question("ex18.max_pool_with_places")
def ask_max_pool_with_places(ask: Ask) -> Credit:
    """Retient la place des maximums : sans égalité, puis avec."""
    rng = ask.rng
    maps = [
        rng.permutation(48).reshape(1, 4, 6, 2) - 24,  # sans égalité
        rng.normal(size=(2, 4, 4, 3)),
        rng.integers(0, 2, (2, 6, 4, 3)),  # avec
        np.maximum(rng.normal(size=(1, 4, 6, 2)), 0),
        np.ones((1, 5, 4, 2)),  # un côté impair
        np.ones((1, 4, 7, 1)),
    ]
    calls = [((each.astype(np.float32),), {}) for each in maps]
    answers = ask.calls("max_pool_with_places", calls, **TENSORS)

    def half(answer, part):
        pair = isinstance(answer.value, list) and len(answer.value) == 2
        return pupil.Answer(answer.value[part]) if pair else answer

    def right(maps, part):
        # Une ValueError si un côté est impair.
        corners = np.stack([maps[:, i::2, j::2] for i in (0, 1) for j in (0, 1)])
        return _places(corners.argmax(0)) if part else corners.max(0)

    pooled, places = ([((each, part), {}) for (each,), _ in calls] for part in (0, 1))
    halves = [half(each, part) for part in (0, 1) for each in answers[:4]]
    groups = [("1/4", pooled[:4]), ("3/4", places[:2]), ("1", places[2:])]
    return judge([*halves, *answers[4:]], groups, right, tolerance=TOLERANCE)


@question("ex18.unpool")
def ask_unpool(ask: Ask) -> Credit:
    """Pose des valeurs à des places tirées au hasard : une carte, puis plusieurs."""

    def draw(*shape):
        chosen = ask.rng.integers(0, 4, shape)
        chosen.flat[:4] = ask.rng.permutation(4)  # les quatre places servent
        values = (ask.rng.normal(size=shape) * 3).astype(np.float32)
        return (values, _places(chosen)), {}

    def right(values, places):
        return values.repeat(2, axis=1).repeat(2, axis=2) * places

    groups = [("1/2", [draw(1, 2, 3, 1)]), ("1", [draw(2, 3, 2, 4), draw(1, 4, 4, 2)])]
    return ask.judge("unpool", groups, right, tolerance=TOLERANCE, **TENSORS)
