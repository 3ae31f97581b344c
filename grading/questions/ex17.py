"""Exercice 17 : comparer des boîtes, ôter les doublons, précision, rappel, précision moyenne."""

from functools import partial
from typing import NamedTuple

import numpy as np

from grading.inside.messages import Ingredient
from grading.questions import Ask, Mistake, compared

# --- IoU -----------------------------------------------------------------------------


class Areas(NamedTuple):
    """Ce qui se mesure de chaque paire de boîtes, `(n, m)` chacun."""

    common: np.ndarray  # de leur partie commune
    first: np.ndarray
    second: np.ndarray
    around: np.ndarray  # de la plus petite boîte qui les contient toutes deux


def _as_read(boxes: np.ndarray) -> np.ndarray:
    """Lit des boîtes par leurs coins, comme l'énoncé le demande."""
    return boxes


def _corner_and_size(boxes: np.ndarray) -> np.ndarray:
    return np.concatenate([boxes[..., :2], boxes[..., :2] + boxes[..., 2:]], axis=-1)


def _both_x_first(boxes: np.ndarray) -> np.ndarray:
    return boxes[..., [0, 2, 1, 3]]


def _sides(low: np.ndarray, high: np.ndarray, pixel: int) -> np.ndarray:
    return high - low + pixel


def _sides_bounded(sides: np.ndarray) -> np.ndarray:
    """Rend l'aire commune : un côté négatif compte pour 0."""
    return np.maximum(sides, 0).prod(-1)


def _not_bounded(sides: np.ndarray) -> np.ndarray:
    return sides.prod(-1)


def _area_bounded(sides: np.ndarray) -> np.ndarray:
    return np.maximum(sides.prod(-1), 0)


def _width_squared(sides: np.ndarray) -> np.ndarray:
    return _sides_bounded(sides[..., [0, 0]])


def _height_squared(sides: np.ndarray) -> np.ndarray:
    return _sides_bounded(sides[..., [1, 1]])


def _measured(first, second, *, read=_as_read, multiply=_sides_bounded, pixel=0) -> Areas:
    """Mesure chaque paire de boîtes avec, au choix, une erreur.

    Args:
        first: boîtes `(n, 4)`.
        second: boîtes `(m, 4)`.
        read: lit leurs coins.
        multiply: rend l'aire commune, de ses côtés `(n, m, 2)`.
        pixel: ajouté à chaque côté.

    Raises:
        ValueError: tableau d'une autre forme.
    """
    if any(np.ndim(each) != 2 or np.shape(each)[1] != 4 for each in (first, second)):
        raise ValueError
    first, second = read(np.asarray(first, float))[:, None], read(np.asarray(second, float))[None]
    lows, highs = (first[..., :2], second[..., :2]), (first[..., 2:], second[..., 2:])
    common = _sides(np.maximum(*lows), np.minimum(*highs), pixel)
    around = _sides(np.minimum(*lows), np.maximum(*highs), pixel)
    own = [_sides(low, high, pixel) for low, high in zip(lows, highs, strict=True)]
    return Areas(multiply(common), *(each.prod(-1) for each in (*own, around)))


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        return np.where(whole > 0, part / whole, 0)


def _over_union(areas: Areas) -> np.ndarray:
    return _ratio(areas.common, areas.first + areas.second - areas.common)


def _over_sum(areas: Areas) -> np.ndarray:
    return _ratio(areas.common, areas.first + areas.second)


def _dice(areas: Areas) -> np.ndarray:
    return 2 * _over_sum(areas)


def _over_smaller(areas: Areas) -> np.ndarray:
    return _ratio(areas.common, np.minimum(areas.first, areas.second))


def _over_larger(areas: Areas) -> np.ndarray:
    return _ratio(areas.common, np.maximum(areas.first, areas.second))


def _over_first(areas: Areas) -> np.ndarray:
    return _ratio(areas.common, areas.first + 0 * areas.second)


def _over_second(areas: Areas) -> np.ndarray:
    return _ratio(areas.common, areas.second + 0 * areas.first)


def _over_around(areas: Areas) -> np.ndarray:
    return _ratio(areas.common, areas.around)


def _around_for_common(areas: Areas) -> np.ndarray:
    return _over_union(areas._replace(common=areas.around))


def _common_only(areas: Areas) -> np.ndarray:
    return areas.common


def _floored(areas: Areas) -> np.ndarray:
    return np.floor(_over_union(areas))


def _nothing_over_nothing(areas: Areas) -> np.ndarray:
    """Compte pour 1 deux boîtes dont la réunion est d'aire nulle."""
    return np.where(areas.first + areas.second > 0, _over_union(areas), 1)


def _same_rank(areas: Areas) -> np.ndarray:
    return np.diagonal(_over_union(areas))


def _iou(divide=_over_union, **how):
    """Rend `iou` avec, au choix, une erreur dans la mesure ou dans la division."""

    def iou(first, second):
        return divide(_measured(first, second, **how))

    return iou


IOU = [
    Mistake("overlap_not_bounded", _iou(multiply=_not_bounded)),
    Mistake("overlap_not_bounded", _iou(multiply=_area_bounded)),
    Mistake("nothing_over_nothing", _iou(_nothing_over_nothing), "3/4"),
    Mistake("iou_in_integers", _iou(_floored)),
    Mistake("side_by_itself", _iou(multiply=_width_squared)),
    Mistake("side_by_itself", _iou(multiply=_height_squared)),
    Mistake("common_counted_twice", _iou(_over_sum)),
    Mistake("dice_for_iou", _iou(_dice)),
    Mistake("one_pixel_more", _iou(pixel=1)),
    Mistake("one_box_for_union", _iou(_over_smaller)),
    Mistake("one_box_for_union", _iou(_over_larger)),
    Mistake("one_box_for_union", _iou(_over_first)),
    Mistake("one_box_for_union", _iou(_over_second)),
    Mistake("around_for_union", _iou(_over_around)),
    Mistake("around_for_common", _iou(_around_for_common)),
    Mistake("common_not_divided", _iou(_common_only)),
    Mistake("sizes_for_corners", _iou(read=_corner_and_size)),
    Mistake("both_x_first", _iou(read=_both_x_first)),
    Mistake("same_rank_only", _iou(_same_rank)),
]


@compared("ex17.iou", mistakes=IOU)
def ask_iou(ask: Ask) -> list:
    """Compare des boîtes qui se recouvrent, puis disjointes, puis d'aire nulle."""

    def draw(num):
        """Tire des boîtes qui se recouvrent toutes, autour du même point."""
        return ask.rng.integers([5, 5, 34, 34], [28, 28, 64, 64], (num, 4))

    first, second = draw(4), draw(3)
    around = np.array([[20, 8, 34, 20], [4, 30, 16, 44], [18, 24, 36, 40], [40, 44, 60, 58]])
    moved, flat = around + int(ask.rng.integers(0, 3)), np.arange(4)
    lines = np.array([[10, 20, 30, 20], [20, 20, 40, 20]])  # d'aire nulle, en partie confondues
    return [
        ("1/2", [((first, second), {}), ((second / 2, first / 2), {}), ((first, first), {})]),
        ("3/4", [((around, moved), {}), ((around[:2], around[2:]), {})]),
        ("1", [((lines, lines), {}), ((flat, second), {}), ((first, second[:, :3]), {})]),
    ]


# --- Une boîte par objet, la bonne ---------------------------------------------------


def _placed(rng, offsets) -> np.ndarray:
    """Pose des boîtes de 20 × 12 à ces abscisses, d'un coin et d'une échelle tirés au hasard."""
    x = rng.uniform(0, 9) + np.array(offsets, float)
    y = np.full(len(x), rng.uniform(0, 9))
    return rng.uniform(1, 3) * np.stack([x, y, x + 20, y + 12], axis=1)


def _decreasing(scores: np.ndarray) -> np.ndarray:
    return np.argsort(-scores, kind="stable")


def _increasing(scores: np.ndarray) -> np.ndarray:
    return np.argsort(scores, kind="stable")


def _as_given(scores: np.ndarray) -> np.ndarray:
    return np.arange(len(scores))


def _indices(kept: np.ndarray, boxes: np.ndarray, scores: np.ndarray) -> np.ndarray:
    return kept


def _boxes(kept: np.ndarray, boxes: np.ndarray, scores: np.ndarray) -> np.ndarray:
    return boxes[kept]


def _mask(kept: np.ndarray, boxes: np.ndarray, scores: np.ndarray) -> np.ndarray:
    return np.isin(np.arange(len(boxes)), kept)


def _sorted_mask(kept: np.ndarray, boxes: np.ndarray, scores: np.ndarray) -> np.ndarray:
    return np.isin(_decreasing(scores), kept)


def _ranks_by_score(kept: np.ndarray, boxes: np.ndarray, scores: np.ndarray) -> np.ndarray:
    return np.argsort(_decreasing(scores))[kept]


def _suppressed(
    *,
    order=_decreasing,
    by_class=True,
    removed_too=False,
    memory=None,
    over=np.greater,
    give=_indices,
):
    """Rend `non_max_suppression` avec, au choix, une erreur.

    Args:
        order: range les boîtes, d'après leurs scores.
        by_class: deux classes ne s'excluent pas.
        removed_too: une boîte supprimée en supprime d'autres.
        memory: nombre des dernières boîtes à qui chacune est comparée ; toutes par défaut.
        over: compare une IoU au seuil, pour supprimer.
        give: rend le résultat, des indices gardés, des boîtes et des scores.
    """

    def non_max_suppression(boxes, scores, labels, *, threshold=0.4):
        overlaps = _over_union(_measured(boxes, boxes))
        apart = by_class & (labels[:, None] != labels[None])
        seen, kept = [], []
        for i in order(scores):
            rivals = seen if memory is None else seen[-memory:]
            if not any(over(overlaps[i, j], threshold) and not apart[i, j] for j in rivals):
                kept.append(i)
            if removed_too or i in kept:
                seen.append(i)
        return give(np.array(kept, int), boxes, scores)

    return non_max_suppression


SUPPRESSED = [
    Mistake("removed_box_removes", _suppressed(removed_too=True), "3/4"),
    Mistake("classes_exclude", _suppressed(by_class=False), "1/2"),
    Mistake("removed_at_threshold", _suppressed(over=np.greater_equal), "3/4"),
    Mistake("far_boxes_removed", _suppressed(over=np.less_equal)),
    Mistake("far_boxes_removed", _suppressed(over=np.less)),
    Mistake("last_kept_only", _suppressed(memory=1)),
    Mistake("surest_removed", _suppressed(order=_increasing)),
    Mistake("scores_not_sorted", _suppressed(order=_as_given)),
    Mistake("ranks_for_indices", _suppressed(give=_ranks_by_score)),
    Mistake("mask_for_indices", _suppressed(give=_mask)),
    Mistake("mask_for_indices", _suppressed(give=_sorted_mask)),
    Mistake("boxes_for_indices", _suppressed(give=_boxes)),
    Mistake("boxes_for_indices", _suppressed(by_class=False, give=_boxes)),
]


@compared("ex17.non_max_suppression", mistakes=SUPPRESSED)
def ask_non_max_suppression(ask: Ask) -> list:
    """Ôte des doublons : d'une classe, puis de plusieurs, puis en chaîne, puis au seuil même."""

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
    equal = [draw([0, 0, 60, 60], [1] * 4, threshold=1.0)]  # aucune IoU ne dépasse 1
    return [("1/2", one_class), ("3/4", classes), ("1", chained), ("1", thresholds), ("1", equal)]


NOT_ITS_CLASS = -1.0  # IoU d'une boîte et d'un objet d'une autre classe


class Judged(NamedTuple):
    """Des boîtes trouvées et des objets d'une scène."""

    overlaps: np.ndarray  # (n, m) : leur IoU, toutes classes
    is_class: np.ndarray  # (n, m) : sont-ils de même classe ?

    @property
    def of_class(self) -> np.ndarray:
        """Rend les IoU, une paire de classes différentes ne comptant pas."""
        return np.where(self.is_class, self.overlaps, NOT_ITS_CLASS)


def _compared(found: Ingredient, boxes: np.ndarray, labels: np.ndarray) -> Judged:
    """Compare chaque boîte trouvée à chaque objet."""
    overlaps = _over_union(_measured(found.options["boxes"], np.reshape(boxes, (-1, 4))))
    return Judged(overlaps, found.options["labels"][:, None] == labels[None])


def _best(row: np.ndarray) -> int:
    return row.argmax()


def _first_found(row: np.ndarray) -> int:
    return (row >= 0.5).argmax()


def _in_turn(
    overlaps: np.ndarray,
    *,
    choose=_best,
    reaches=np.greater_equal,
    threshold=0.5,
    order=1,
    free_only=False,
    wrong_takes=False,
) -> np.ndarray:
    """Juge les boîtes l'une après l'autre avec, au choix, une erreur.

    Args:
        overlaps: IoU `(n, m)`.
        choose: choisit un objet, d'après les IoU d'une boîte et de tous.
        reaches: compare une IoU au seuil.
        threshold: IoU à atteindre.
        order: -1 pour commencer par la moins sûre.
        free_only: ne chercher que parmi les objets qui ne sont pas déjà trouvés.
        wrong_takes: une boîte fausse prend quand même son objet.
    """
    correct, taken = np.zeros(len(overlaps), bool), np.zeros(overlaps.shape[1], bool)
    for i in range(len(overlaps))[::order]:
        row = np.where(taken, NOT_ITS_CLASS, overlaps[i]) if free_only else overlaps[i]
        best = choose(row)
        correct[i] = reaches(row[best], threshold) and not taken[best]
        taken[best] |= correct[i] or wrong_takes
    return correct


def _every_object(overlaps: np.ndarray) -> np.ndarray:
    """Donne à chaque objet la boîte qui le recouvre le mieux."""
    correct = np.zeros(len(overlaps), bool)
    for column in overlaps.T:
        correct[column.argmax()] |= column.max() >= 0.5
    return correct


def _class_afterwards(judged: Judged) -> np.ndarray:
    """Cherche l'objet le mieux recouvert, puis seulement regarde sa classe."""
    best = judged.overlaps.argmax(1)
    of_class = np.take_along_axis(judged.is_class, best[:, None], axis=1)
    return _in_turn(np.where(of_class, judged.overlaps, NOT_ITS_CLASS))


def _classes_ignored(judged: Judged) -> np.ndarray:
    return _in_turn(judged.overlaps)


def _duplicates_kept(judged: Judged) -> np.ndarray:
    return judged.of_class.max(1) >= 0.5


def _for_each_object(judged: Judged) -> np.ndarray:
    return judged.of_class.max(0) >= 0.5


def _for_each_pair(judged: Judged) -> np.ndarray:
    return judged.of_class >= 0.5


def _ranks(judged: Judged) -> np.ndarray:
    return np.flatnonzero(_in_turn(judged.of_class))


def _objects_choose(judged: Judged) -> np.ndarray:
    return _every_object(judged.of_class)


def _wrong_ones(judged: Judged) -> np.ndarray:
    return ~_in_turn(judged.of_class)


def _judging(**how):
    """Rend une façon de juger les boîtes l'une après l'autre (voir `_in_turn`)."""

    def judging(judged: Judged) -> np.ndarray:
        return _in_turn(judged.of_class, **how)

    return judging


def _match(judge):
    """Rend `match`, qui juge les boîtes d'une certaine façon."""

    def match(found, boxes, labels):
        if len(boxes) == 0:
            return np.zeros(len(found.options["boxes"]), bool)
        return judge(_compared(found, boxes, labels))

    return match


MATCHED = [
    Mistake("another_object_taken", _match(_judging(free_only=True))),
    Mistake("duplicates_right", _match(_duplicates_kept)),
    Mistake("classes_ignored", _match(_classes_ignored)),
    Mistake("class_checked_afterwards", _match(_class_afterwards)),
    Mistake("wrong_box_takes_object", _match(_judging(wrong_takes=True))),
    Mistake("objects_choose", _match(_objects_choose)),
    Mistake("least_sure_first", _match(_judging(order=-1))),
    Mistake("first_object_taken", _match(_judging(choose=_first_found))),
    Mistake("threshold_not_enough", _match(_judging(reaches=np.greater)), "3/4"),
    *(
        Mistake("other_threshold", _match(_judging(threshold=k)))
        for k in (0.1, 0.2, 0.4, 0.7, 0.75, 0.9)
    ),
    Mistake("true_for_wrong", _match(_wrong_ones)),
    Mistake("one_answer_per_object", _match(_for_each_object)),
    Mistake("one_answer_per_pair", _match(_for_each_pair)),
    Mistake("ranks_for_answers", _match(_ranks)),
]


def _half_covered() -> tuple:
    """Rend l'appel d'une boîte qui est la moitié d'un objet : leur IoU vaut 1/2.

    Les aires sont des puissances de 2, si grandes qu'un epsilon ajouté à la réunion n'y change
    rien.
    """
    side = 2.0**20
    record = {
        "boxes": np.array([[0, 0, side, side / 2]]),
        "scores": np.array([0.9]),
        "labels": np.array([3]),
    }
    return (Ingredient("record", record), np.array([[0, 0, side, side]]), np.array([3])), {}


@compared("ex17.match", mistakes=MATCHED)
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
    less = draw(
        objects, [(50, 3), (8, 3)]
    )  # IoU 0,43 : sous le seuil, mais non sous celui des doublons
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
        ("3/4", [classes]),
        ("3/4", [crossed]),
        ("1", [nothing]),
        ("1", [both]),
        ("1", [*swapped, less]),
        ("1", [_half_covered()]),
    ]


# --- Précision, rappel, précision moyenne --------------------------------------------


def _curves(scores, correct, num_objects, *, order=_decreasing, first=1):
    """Rend `precision_recall` avec, au choix, une erreur.

    Args:
        scores: comme lui.
        correct: de même.
        num_objects: de même.
        order: range les boîtes, d'après leurs scores.
        first: nombre de boîtes que compte la première précision.
    """
    right = np.cumsum(correct[order(scores)])
    with np.errstate(all="ignore"):
        return right / np.arange(first, first + len(right)), right / max(num_objects, 1)


def _every_box(scores, correct, num_objects):
    return np.mean(correct), np.sum(correct) / max(num_objects, 1)


CURVES = [
    Mistake("scores_not_sorted", partial(_curves, order=_as_given), "1/2"),
    Mistake("least_sure_accepted", partial(_curves, order=_increasing)),
    Mistake("boxes_counted_from_0", partial(_curves, first=0)),
    Mistake("every_box_accepted", _every_box),
]


@compared("ex17.precision_recall", mistakes=CURVES)
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


def _envelope(precision) -> np.ndarray:
    """Rend, à chaque rappel, la meilleure précision à ce rappel ou au-delà."""
    return np.maximum.accumulate(np.asarray(precision, float)[::-1])[::-1]


def _envelope_from_left(precision) -> np.ndarray:
    return np.maximum.accumulate(np.asarray(precision, float))


def _no_envelope(precision) -> np.ndarray:
    return np.asarray(precision, float)


def _in_steps(heights, recall) -> float:
    """Additionne les marches, comme l'énoncé le demande."""
    return np.sum(np.diff(recall, prepend=0.0) * heights)


def _in_steps_of_left(heights, recall) -> float:
    return _in_steps([*heights[:1], *heights[:-1]], recall)


def _in_steps_of_left_from_1(heights, recall) -> float:
    return _in_steps([1.0, *heights[:-1]], recall)


def _in_late_steps(heights, recall) -> float:
    return np.sum(np.diff(recall, append=1.0) * heights)


def _without_first_step(heights, recall) -> float:
    return np.sum(np.diff(recall) * heights[1:])


def _without_first_step_from_left(heights, recall) -> float:
    return np.sum(np.diff(recall) * heights[:-1])


def _in_trapezoids(heights, recall) -> float:
    return np.trapezoid(heights, recall)


def _in_trapezoids_from_0(heights, recall) -> float:
    return np.trapezoid([*heights[:1], *heights], [0.0, *recall])


def _in_trapezoids_from_1(heights, recall) -> float:
    return np.trapezoid([1.0, *heights], [0.0, *recall])


def _over_last_recall(heights, recall) -> float:
    return _in_steps(heights, recall) / recall[-1]


def _up_to_1(heights, recall) -> float:
    return _in_steps(heights, recall) + (1 - recall[-1]) * heights[-1]


def _at_eleven_recalls(heights, recall) -> float:
    return np.mean([max(heights[recall >= each], default=0) for each in np.linspace(0, 1, 11)])


def _mean_height(heights, recall) -> float:
    return np.mean(heights)


def _area(add, *, envelope=_envelope):
    """Rend `average_precision` avec, au choix, une erreur ; 0 sans aucune boîte.

    Args:
        add: rend l'aire, des précisions retenues et des rappels.
        envelope: retient une précision par rappel.
    """

    def average_precision(precision, recall):
        return float(add(envelope(precision), np.asarray(recall))) if len(precision) else 0.0

    return average_precision


TRAPEZOIDS = (_in_trapezoids, _in_trapezoids_from_0, _in_trapezoids_from_1)
AREAS = [
    Mistake("precision_goes_up", _area(_in_steps, envelope=_no_envelope)),
    Mistake("best_before", _area(_in_steps, envelope=_envelope_from_left)),
    *(Mistake("trapezoids_for_steps", _area(each)) for each in TRAPEZOIDS),
    *(Mistake("trapezoids_for_steps", _area(each, envelope=_no_envelope)) for each in TRAPEZOIDS),
    Mistake("first_step_missing", _area(_without_first_step)),
    Mistake("first_step_missing", _area(_without_first_step_from_left)),
    Mistake("step_of_left_end", _area(_in_steps_of_left)),
    Mistake("step_of_left_end", _area(_in_steps_of_left_from_1)),
    Mistake("step_of_next_recall", _area(_in_late_steps)),
    Mistake("divided_by_last_recall", _area(_over_last_recall)),
    Mistake("unreached_recall_counted", _area(_up_to_1)),
    Mistake("eleven_recalls", _area(_at_eleven_recalls)),
    Mistake("precisions_averaged", _area(_mean_height)),
    Mistake("precisions_averaged", _area(_mean_height, envelope=_no_envelope)),
]


@compared("ex17.average_precision", mistakes=AREAS)
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
    return [("1/2", going_down), ("3/4", rising), ("1", [missed]), ("1", [nothing])]
