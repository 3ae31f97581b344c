"""Exercice 17 : comparer des boîtes, ôter les doublons, précision, rappel, précision moyenne."""

import numpy as np

from grading.inside.messages import Ingredient
from grading.questions import Ask, Mistake, altered, compared

# --- IoU -----------------------------------------------------------------------------


def _iou(first, second, *, bounded=True, pixel=0, twice=1, minus=1) -> np.ndarray:
    """Calcule l'intersection sur l'union avec, au choix, une erreur."""
    first, second = np.asarray(first, float)[:, None], np.asarray(second, float)[None]
    sides = np.minimum(first[..., 2:], second[..., 2:]) - np.maximum(
        first[..., :2], second[..., :2]
    )
    common = (np.maximum(sides + pixel, 0) if bounded else sides).prod(-1)
    areas = [(each[..., 2:] - each[..., :2] + pixel).prod(-1) for each in (first, second)]
    union = areas[0] + areas[1] - minus * common
    with np.errstate(all="ignore"):
        return np.where(union > 0, twice * common / union, 0)


IOU = [
    Mistake("overlap_not_bounded", altered(_iou, bounded=False)),
    Mistake("common_counted_twice", altered(_iou, minus=0)),
    Mistake("dice_for_iou", altered(_iou, minus=0, twice=2)),
    Mistake("one_pixel_more", altered(_iou, pixel=1)),
]


@compared("ex17.iou", mistakes=IOU)
def ask_iou(ask: Ask) -> list:
    """Compare des boîtes qui se recouvrent, puis disjointes, puis d'aire nulle."""

    def draw(num):
        """Tire des boîtes qui se recouvrent toutes, autour du même point."""
        return ask.rng.integers([5, 5, 34, 34], [28, 28, 64, 64], (num, 4))

    first, second = draw(4), draw(3)
    around = np.array([[20, 8, 34, 20], [4, 30, 16, 44], [18, 24, 36, 40], [40, 44, 60, 58]])
    moved, point, flat = around + int(ask.rng.integers(0, 3)), np.full((1, 4), 30), np.arange(4)
    return [
        ("1/2", [((first, second), {}), ((second / 2, first / 2), {}), ((first, first), {})]),
        ("3/4", [((around, moved), {}), ((around[:2], around[2:]), {})]),
        ("1", [((point, point), {}), ((flat, second), {}), ((first, second[:, :3]), {})]),
    ]


# --- Une boîte par objet, la bonne ---------------------------------------------------


def _placed(rng, offsets) -> np.ndarray:
    """Pose des boîtes de 20 × 12 à ces abscisses, d'un coin et d'une échelle tirés au hasard."""
    x = rng.uniform(0, 9) + np.array(offsets, float)
    y = np.full(len(x), rng.uniform(0, 9))
    return rng.uniform(1, 3) * np.stack([x, y, x + 20, y + 12], axis=1)


@compared("ex17.non_max_suppression")
def ask_non_max_suppression(ask: Ask) -> list:
    """Ôte des doublons : d'une classe, puis de plusieurs, puis en chaîne."""

    def draw(offsets, labels, **options):
        """Pose des boîtes, les plus sûres d'abord, puis les mêle."""
        num = len(offsets)
        scores = np.sort(ask.rng.permutation(np.arange(20, 98))[:num])[::-1] / 100
        order = ask.rng.permutation(num)
        return (_placed(ask.rng, offsets)[order], scores[order], np.array(labels)[order]), options

    one_class = [draw([0, 60, 2, 61, -3, 120], [4] * 6), draw([50, 3, 0, 51], [1] * 4)]
    classes = [draw([0, 2, 60, 1, 62, 3], [0, 5] * 3), draw([0, 0, 0, 9], [2, 3] * 2)]
    chained = [draw([0, 6, 12, 60, 66], [7] * 5), draw([80, 0, 7, 14], [3, 2, 2, 2])]
    thresholds = [draw([0, 4, 9, 60], [1] * 4, threshold=each) for each in (0.2, 0.8)]
    return [("1/2", one_class), ("3/4", classes), ("3/4", chained), ("1", thresholds)]


@compared("ex17.match")
def ask_match(ask: Ask) -> list:
    """Juge des boîtes décalées d'objets, leurs doublons, leurs classes."""

    def draw(objects, found):
        """Pose des objets (abscisse, classe) et des boîtes trouvées, des plus sûres aux moins."""
        placed = _placed(ask.rng, [x for x, _ in (*found, *objects)])
        labels = np.array([label for _, label in (*found, *objects)])
        num, scores = len(found), np.sort(ask.rng.uniform(0.1, 1, len(found)))[::-1]
        record = {"boxes": placed[:num], "scores": scores, "labels": labels[:num]}
        return (Ingredient("record", record), placed[num:], labels[num:]), {}

    objects, close = [(0, 3), (50, 3), (100, 3)], [(0, 3), (4, 3)]
    near = draw(objects, [(52, 3), (1, 3), (200, 3), (112, 3)])
    far = draw(objects[::-1], [(12, 3), (98, 3), (46, 3)])
    twice = draw(objects, [(2, 3), (0, 3), (50, 3), (53, 3)])
    classes = draw([(0, 3), (50, 4)], [(0, 4), (1, 3), (50, 4), (49, 3)])
    crossed = draw([(0, 1), (5, 2)], [(4, 1), (1, 2)])
    nothing = draw([], [(0, 1), (30, 2)])
    both = draw(close, [(0, 3), (1, 3)])  # deux boîtes sur un objet, l'autre est libre
    swapped = [draw(close, close[::-1]), draw(close[::-1], close[::-1])]
    return [
        ("1/4", [near, far]),
        ("1/2", [twice]),
        ("1/2", [classes]),
        ("3/4", [crossed]),
        ("3/4", [nothing]),
        ("3/4", [both]),
        ("1", swapped),
    ]


# --- Précision, rappel, précision moyenne --------------------------------------------


@compared("ex17.precision_recall")
def ask_precision_recall(ask: Ask) -> list:
    """Accepte de plus en plus de boîtes, rangées puis mêlées."""

    def draw(num_missed, *, ranked=False):
        scores = ask.rng.permutation(np.arange(5, 100))[:8] / 100
        scores = np.sort(scores)[::-1] if ranked else scores
        return (scores, ask.rng.permutation(8) < 5, 5 + num_missed), {}

    return [
        ("1/2", [draw(3, ranked=True), draw(6, ranked=True)]),
        ("3/4", [draw(2), draw(4), draw(7)]),
        ("1", [((ask.rng.permutation(8) / 10, np.zeros(8, bool), 0), {})]),
    ]


@compared("ex17.average_precision")
def ask_average_precision(ask: Ask) -> list:
    """Mesure l'aire sous des courbes qui descendent, puis qui remontent."""

    def curve(correct, num_objects):
        right = np.cumsum(correct)
        return (right / np.arange(1, len(correct) + 1), right / num_objects), {}

    falling = np.sort(ask.rng.uniform(0.1, 1, 5))[::-1], np.array([0.1, 0.35, 0.5, 0.85, 1])
    wrong = [False] * int(ask.rng.integers(1, 4))
    going_down = [((np.array([1, 0.8, 0.5]), np.array([0.2, 0.7, 1])), {}), (falling, {})]
    rising = [
        curve([True, False, False, True, True, True, *wrong, True, True], 6),
        curve([True, True, *wrong, True, True], 4),
    ]
    missed = curve([True, False, True, True, *wrong, True], int(ask.rng.integers(7, 12)))
    nothing = (np.zeros(0), np.zeros(0)), {}
    return [("1/2", going_down), ("3/4", rising), ("1", [missed, nothing])]
