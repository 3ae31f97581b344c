"""Exercice 17 : comparer des boîtes, ôter les doublons, précision, rappel, précision moyenne."""

import numpy as np

from grading.messages import Ingredient
from grading.questions import Ask, Credit, Mistake, judge, question

IOU_FOUND = 0.5  # ce que dit l'énoncé
IOU_SAME = 0.4

# --- IoU -----------------------------------------------------------------------------


def _checked(boxes) -> np.ndarray:
    boxes = np.asarray(boxes, float)
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError
    return boxes


def _common(one, other) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(width, 0) * max(height, 0)


def _area(box) -> float:
    return max(box[2] - box[0], 0) * max(box[3] - box[1], 0)


def _union(one, other) -> float:
    return _area(one) + _area(other) - _common(one, other)


def _iou(first, second, *, common=_common, union=_union) -> np.ndarray:
    """Refait `iou`, paire par paire."""
    first, second = _checked(first), _checked(second)
    found = np.zeros((len(first), len(second)))
    for i, one in enumerate(first):
        for j, other in enumerate(second):
            whole = union(one, other)
            found[i, j] = common(one, other) / whole if whole else 0
    return found


def _read_as(columns):
    """Rend l'IoU de boîtes dont chaque ligne est lue autrement."""
    return lambda first, second: _iou(columns(_checked(first)), columns(_checked(second)))


def _unclipped(one, other) -> float:
    low, high = np.maximum(one[:2], other[:2]), np.minimum(one[2:], other[2:])
    return float(np.prod(high - low))


def _boxes(rng, num: int) -> np.ndarray:
    """Tire des boîtes qui se recouvrent toutes, autour du même point."""
    return np.concatenate([rng.integers(5, 28, (num, 2)), rng.integers(34, 64, (num, 2))], axis=1)


@question("ex17.iou")
def ask_iou(ask: Ask) -> Credit:
    """Compare des boîtes qui se recouvrent, puis disjointes, puis d'aire nulle."""
    rng = ask.rng
    first, second = _boxes(rng, 4), _boxes(rng, 3)
    overlapping = [((first, second), {}), ((second / 2, first / 2), {}), ((first, first), {})]
    around = np.array([[20, 8, 34, 20], [4, 30, 16, 44], [18, 24, 36, 40], [40, 44, 60, 58]])
    apart = [((around, around + int(rng.integers(0, 3))), {}), ((around[:2], around[2:]), {})]
    point = np.array([[30, 30, 30, 30]])
    odd = [((point, point), {}), ((np.array([30, 30, 40, 50]), second), {})]
    odd += [((first, second[:, :3]), {})]

    def inclusive(boxes):
        return boxes + np.array([0, 0, 1, 1])

    def size(boxes):
        return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)

    mistakes = [
        Mistake("disjoint_boxes", lambda a, b: _iou(a, b, common=_unclipped), "1/2"),
        Mistake(
            "disjoint_boxes",
            lambda a, b: _iou(
                a,
                b,
                common=_unclipped,
                union=lambda one, other: _area(one) + _area(other) - _unclipped(one, other),
            ),
            "1/2",
        ),
        Mistake(
            "common_counted_twice",
            lambda a, b: _iou(a, b, union=lambda one, other: _area(one) + _area(other)),
            "1/4",
        ),
        Mistake(
            "smallest_area",
            lambda a, b: _iou(a, b, union=lambda one, other: min(_area(one), _area(other))),
            "1/4",
        ),
        Mistake("inclusive_corners", _read_as(inclusive), "1/2"),
        Mistake("corner_and_size", _read_as(size), "1/4"),
        Mistake("corners_mixed", _read_as(lambda boxes: boxes[:, [0, 2, 1, 3]]), "1/4"),
        Mistake("pairs_in_order", lambda a, b: np.diag(_iou(a[: len(b)], b[: len(a)])), "1/4"),
        Mistake("transposed_axes", lambda a, b: _iou(a, b).T, "1/2"),
    ]
    groups = [("1/2", overlapping), ("3/4", apart), ("1", odd)]
    return judge(ask.calls("iou", overlapping + apart + odd), groups, _iou, mistakes)


# --- Une boîte par objet -------------------------------------------------------------


def _suppress(boxes, scores, labels, *, threshold=IOU_SAME, rivals=None, still=False):
    """Refait `non_max_suppression`.

    Args:
        boxes: `(n, 4)`.
        scores: `(n,)`.
        labels: `(n,)`.
        threshold: IoU au-delà de laquelle une boîte est supprimée.
        rivals: matrice `(n, n)` de qui exclut qui, si ce n'est pas la bonne.
        still: une boîte supprimée en supprime encore d'autres.
    """
    if rivals is None:
        rivals = (_iou(boxes, boxes) > threshold) & (labels[:, None] == labels)
    kept, seen = [], []
    for i in np.argsort(-scores):
        if not any(rivals[i, j] for j in (seen if still else kept)):
            kept.append(int(i))
        seen.append(i)
    return np.array(kept)


@question("ex17.non_max_suppression")
def ask_non_max_suppression(ask: Ask) -> Credit:
    """Ôte des doublons : d'une classe, puis de plusieurs, puis en chaîne."""
    rng = ask.rng

    def draw(offsets, labels, **options):
        """Pose des boîtes de 20 × 12 à ces abscisses, mêlées, les plus sûres d'abord."""
        num, corner, scale = len(offsets), rng.uniform(0, 9, 2), rng.uniform(1, 3)
        x = corner[0] + np.asarray(offsets, float)
        y = np.full(num, corner[1])
        boxes = scale * np.stack([x, y, x + 20, y + 12], axis=1)
        scores = np.sort(rng.permutation(np.arange(20, 98))[:num])[::-1] / 100
        order = rng.permutation(num)
        while (np.diff(order) > 0).all() or (np.diff(order) < 0).all():
            order = rng.permutation(num)
        return (boxes[order], scores[order], np.asarray(labels)[order]), options

    one = [draw([0, 60, 2, 61, -3, 120], [4] * 6), draw([50, 3, 0, 51], [1] * 4)]
    several = [draw([0, 2, 60, 1, 62, 3], [0, 5, 5, 0, 0, 5]), draw([0, 0, 0, 9], [2, 3, 2, 3])]
    chain = [draw([0, 6, 12, 60, 66], [7] * 5), draw([80, 0, 7, 14], [3, 2, 2, 2])]
    chosen = [draw([0, 4, 9, 60], [1] * 4, threshold=each) for each in (0.2, 0.8)]

    def reversed_threshold(boxes, scores, labels, *, threshold=IOU_SAME):
        rivals = (_iou(boxes, boxes) < threshold) & (labels[:, None] == labels)
        return _suppress(boxes, scores, labels, rivals=rivals)

    def rank(boxes, scores, labels, **options):
        order = np.argsort(-scores)
        return np.argsort(order)[_suppress(boxes, scores, labels, **options)]

    def best_of_class(boxes, scores, labels, **options):
        return _suppress(boxes, scores, labels, rivals=labels[:, None] == labels)

    mistakes = [
        Mistake("weakest_kept", lambda b, s, c, **o: _suppress(b, -s, c, **o)),
        Mistake("weakest_kept", lambda b, s, c, **o: _suppress(b, -s, c, **o)[::-1]),
        Mistake(
            "classes_mixed", lambda b, s, c, **o: _suppress(b, s, np.zeros(len(c)), **o), "1/2"
        ),
        Mistake(
            "suppressed_suppresses", lambda b, s, c, **o: _suppress(b, s, c, still=True, **o), "3/4"
        ),
        Mistake("threshold_ignored", lambda b, s, c, **o: _suppress(b, s, c), "3/4"),
        Mistake("input_order", lambda b, s, c, **o: np.sort(_suppress(b, s, c, **o)), "1/2"),
        Mistake("rank_for_index", rank, "1/4"),
        Mistake("best_of_class", best_of_class, "1/4"),
        Mistake("nothing_suppressed", lambda b, s, c, **o: np.argsort(-s)),
        Mistake("threshold_reversed", reversed_threshold),
    ]
    groups = [("1/2", one), ("3/4", several), ("1", chain + chosen)]
    answers = ask.calls("non_max_suppression", one + several + chain + chosen)
    return judge(answers, groups, _suppress, mistakes)


# --- Juger des boîtes ----------------------------------------------------------------


def _match(
    found, boxes, labels, *, enough=IOU_FOUND, by_class=True, once=True, late=False, among="all"
):
    """Refait `match`.

    `late` choisit l'objet avant de regarder sa classe ; `among`, le mieux recouvert de tous, des
    objets encore libres (`"free"`), ou le premier recouvert assez (`"first"`).
    """
    theirs, classes = found.options["boxes"], found.options["labels"]
    correct, taken = np.zeros(len(theirs), bool), set()
    for i, box in enumerate(theirs):
        mine = [j for j in range(len(boxes)) if late or not by_class or labels[j] == classes[i]]
        overlaps = {j: _iou([box], [boxes[j]])[0, 0] for j in mine}
        if among == "free":
            overlaps = {j: value for j, value in overlaps.items() if j not in taken}
        best = max(overlaps, key=overlaps.get, default=None)
        if among == "first":
            best = next((j for j, value in overlaps.items() if value >= enough), None)
        if best is None or overlaps[best] < enough or (once and best in taken):
            continue
        if not late or labels[best] == classes[i]:
            correct[i] = True
            taken.add(best)
    return correct


@question("ex17.match")
def ask_match(ask: Ask) -> Credit:
    """Juge des boîtes décalées d'objets, leurs doublons, leurs classes."""
    rng = ask.rng

    def draw(objects, found):
        """Pose des objets (abscisse, classe) et des boîtes trouvées, de 20 × 12."""
        corner, scale = rng.uniform(0, 9), rng.uniform(1, 3)

        def place(rows):
            x = corner + np.array([row[0] for row in rows], float)
            y = np.full(len(rows), corner)
            return scale * np.stack([x, y, x + 20, y + 12], axis=1)

        scores = np.sort(rng.uniform(0.1, 1, len(found)))[::-1]
        names = np.array([row[1] for row in found])
        record = Ingredient("record", {"boxes": place(found), "scores": scores, "labels": names})
        return (record, place(objects), np.array([row[1] for row in objects], int)), {}

    objects = [(0, 3), (50, 3), (100, 3)]
    near = [
        draw(objects, [(52, 3), (1, 3), (200, 3), (112, 3)]),
        draw(objects[::-1], [(12, 3), (98, 3), (46, 3)]),
    ]
    twice = [draw(objects, [(2, 3), (0, 3), (50, 3), (53, 3)])]
    classes = [
        draw([(0, 3), (50, 4)], [(0, 4), (1, 3), (50, 4), (49, 3)]),
        draw([(0, 1), (5, 2)], [(4, 1), (1, 2)]),
    ]
    close = [
        draw([(0, 3), (4, 3)], [(0, 3), (1, 3)]),  # deux boîtes sur un objet, l'autre est libre
        draw([(0, 3), (4, 3)], [(4, 3), (0, 3)]),
        draw([(4, 3), (0, 3)], [(4, 3), (0, 3)]),
    ]
    last = [draw([], [(0, 1), (30, 2)]), *close]
    mistakes = [
        Mistake("next_free_object", lambda f, b, c: _match(f, b, c, among="free"), "3/4"),
        Mistake("first_object", lambda f, b, c: _match(f, b, c, among="first"), "3/4"),
        Mistake("duplicate_right", lambda f, b, c: _match(f, b, c, once=False), "1/2"),
        Mistake("classes_mixed", lambda f, b, c: _match(f, b, c, by_class=False), "1/2"),
        Mistake("classes_mixed", lambda f, b, c: _match(f, b, c, late=True), "3/4"),
        Mistake("any_overlap", lambda f, b, c: _match(f, b, c, enough=1e-9), "1/4"),
    ]
    groups = [("1/4", near), ("1/2", twice), ("3/4", classes), ("1", last)]
    answers = ask.calls("match", near + twice + classes + last)
    return judge(answers, groups, _match, mistakes)


# --- Précision, rappel, précision moyenne --------------------------------------------


def _precision_recall(scores, correct, num_objects) -> np.ndarray:
    """Refait `precision_recall` : une ligne de précisions, une de rappels."""
    ranked = [bool(correct[i]) for i in np.argsort(-np.asarray(scores))]
    right = [sum(ranked[: k + 1]) for k in range(len(ranked))]
    precision = [count / (k + 1) for k, count in enumerate(right)]
    return np.array([precision, [count / max(num_objects, 1) for count in right]])


@question("ex17.precision_recall")
def ask_precision_recall(ask: Ask) -> Credit:
    """Accepte de plus en plus de boîtes, rangées puis mêlées."""
    rng = ask.rng

    def draw(extra, *, ranked=False):
        scores = rng.permutation(np.arange(5, 100))[:8] / 100
        scores = np.sort(scores)[::-1] if ranked else scores
        correct = rng.permutation(8) < 5
        return (scores, correct, 5 + extra), {}

    ranked = [draw(3, ranked=True), draw(6, ranked=True)]
    mixed = [draw(2), draw(4), draw(7)]
    scores = mixed[0][0][0]
    none = [((scores, np.zeros(8, bool), 0), {})]

    def found_only(scores, correct, num_objects):
        return _precision_recall(scores, correct, sum(correct))

    def over_all(scores, correct, num_objects):
        precision, recall = _precision_recall(scores, correct, num_objects)
        return np.array([precision * np.arange(1, len(scores) + 1) / len(scores), recall])

    def unsorted(scores, correct, num_objects):
        return _precision_recall(-np.arange(len(scores)), correct, num_objects)

    def backwards(scores, correct, num_objects):
        return _precision_recall(-scores, correct, num_objects)

    mistakes = [
        Mistake("precision_recall_swapped", lambda *args: _precision_recall(*args)[::-1], "1/4"),
        Mistake("missed_objects_ignored", found_only, "1/2"),
        Mistake("precision_over_all", over_all, "1/2"),
        Mistake("scores_ignored", unsorted, "1/2"),
        Mistake("weakest_first", backwards, "1/4"),
    ]
    groups = [("1/2", ranked), ("3/4", mixed), ("1", none)]
    answers = ask.calls("precision_recall", ranked + mixed + none)
    return judge(answers, groups, _precision_recall, mistakes)


def _average_precision(precision, recall, *, envelope=True, first=0.0) -> float:
    """Refait `average_precision`, rectangle par rectangle ; `first` est le rappel de départ."""
    area, before = 0.0, first
    for k, reached in enumerate(recall):
        height = max(precision[k:]) if envelope else precision[k]
        area, before = area + (reached - before) * height, reached
    return area


@question("ex17.average_precision")
def ask_average_precision(ask: Ask) -> Credit:
    """Mesure l'aire sous des courbes qui descendent, puis qui remontent."""
    rng = ask.rng

    def curve(correct, num_objects):
        scores = -np.arange(len(correct))
        return tuple(_precision_recall(scores, correct, num_objects)), {}

    def hits(num, wrong):
        return [False] * wrong + [True] * num

    falling = [
        ((np.array([1, 0.8, 0.5]), np.array([0.2, 0.7, 1])), {}),
        ((np.sort(rng.uniform(0.1, 1, 5))[::-1], np.array([0.1, 0.35, 0.5, 0.85, 1])), {}),
    ]
    rising = [
        curve([True, *hits(3, 2), *hits(2, int(rng.integers(1, 4)))], 6),
        curve([True, True, *hits(2, int(rng.integers(1, 3)))], 4),
    ]
    partial = [
        curve([True, *hits(2, 1), *hits(1, 2)], int(rng.integers(7, 12))),
        ((np.zeros(0), np.zeros(0)), {}),
    ]

    def eleven(precision, recall):
        levels = np.linspace(0, 1, 11)
        return np.mean([max(precision[recall >= each - 1e-9], default=0) for each in levels])

    def trapezoid(precision, recall):
        return np.trapezoid(precision, recall)

    def smooth(precision, recall):
        envelope = np.maximum.accumulate(precision[::-1])[::-1]
        return np.trapezoid([envelope[0], *envelope], [0, *recall])

    def forward(precision, recall):
        return _average_precision(np.maximum.accumulate(precision), recall, envelope=False)

    def reached_only(precision, recall):
        return _average_precision(precision, recall) / (recall[-1] if len(recall) else 1)

    def late(precision, recall):
        return _average_precision(precision, recall, first=recall[0])

    mistakes = [
        Mistake("no_envelope", lambda p, r: _average_precision(p, r, envelope=False), "1/2"),
        Mistake("first_step_forgotten", late, "1/2"),
        Mistake("trapezoids", trapezoid, "1/4"),
        Mistake("trapezoids", smooth, "1/2"),
        Mistake("eleven_points", eleven, "1/2"),
        Mistake("envelope_from_the_left", forward, "1/4"),
        Mistake("unreached_ignored", reached_only, "1/2"),
        Mistake("mean_precision", lambda p, r: np.mean(p), "0"),
    ]
    groups = [("1/2", falling), ("3/4", rising), ("1", partial)]
    answers = ask.calls("average_precision", falling + rising + partial)
    return judge(answers, groups, _average_precision, mistakes)
