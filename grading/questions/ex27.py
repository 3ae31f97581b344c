"""Exercice 27 : juger un suivi, apparier des boîtes, suivre."""

from functools import partial

import numpy as np
from scipy.optimize import linear_sum_assignment

from grading import pupil
from grading.messages import Ingredient
from grading.questions import Ask, Credit, Mistake, judge, question

MIN_FOUND, MIN_MATCHED = 0.5, 0.2  # IoU d'un objet trouvé, d'une piste continuée
SIDE = 20.0  # d'une boîte


# --- L'IoU ---------------------------------------------------------------------------


def _iou(a, b, *, clip: bool = True, twice: bool = False, extra: float = 0) -> float:
    width, height = (min(a[k + 2], b[k + 2]) - max(a[k], b[k]) + extra for k in (0, 1))
    common = max(width, 0) * max(height, 0) if clip else width * height
    areas = sum((box[2] - box[0] + extra) * (box[3] - box[1] + extra) for box in (a, b))
    union = areas if twice else areas - common
    return common / union if union > 0 else 0.0


def _overlaps(first, second, **options) -> np.ndarray:
    """Refait `overlaps` paire par paire ; les options sont les erreurs."""
    found = [[_iou(a, b, **options) for b in second] for a in first]
    return np.reshape(np.array(found, float), (len(first), len(second)))


@question("ex27.overlaps")
def ask_overlaps(ask: Ask) -> Credit:
    """Compare des boîtes voisines, puis éloignées, puis aucune."""
    rng = ask.rng

    def boxes(num, spread):
        corners = rng.uniform(0, spread, (num, 2))
        return np.concatenate([corners, corners + rng.uniform(10, 20, (num, 2))], axis=1)

    near = [((boxes(2, 8), boxes(3, 8)), {}), ((boxes(4, 8), boxes(1, 8)), {})]
    grid = np.array([[0, 0], [60, 0], [0, 60], [90, 90]], float)
    apart = np.concatenate([grid, grid + rng.uniform(10, 20, (4, 2))], axis=1)
    far = [((apart, boxes(3, 100)), {}), ((apart, apart), {})]
    point = np.array([[5.0, 5, 5, 5]])
    none = [((np.empty((0, 4)), boxes(3, 9)), {}), ((boxes(2, 9), np.empty((0, 4))), {})]
    none += [((point, point), {})]
    mistakes = [
        Mistake("iou_of_disjoint", partial(_overlaps, clip=False), "1/2"),
        Mistake("union_counts_twice", partial(_overlaps, twice=True), "1/4"),
        Mistake("inclusive_pixels", partial(_overlaps, extra=1), "1/4"),
        Mistake("pairs_transposed", lambda a, b: _overlaps(a, b).T, "1/2"),
    ]
    groups = [("1/2", near), ("3/4", far), ("1", none)]
    return judge(ask.calls("overlaps", near + far + none), groups, _overlaps, mistakes)


# --- Juger un suivi ------------------------------------------------------------------


def _frames(truth: Ingredient, found: Ingredient):
    """Lit deux suivis image par image : `(objets, leurs boîtes, identités, leurs boîtes)`."""
    first, second = (each.options for each in (truth, found))
    yield from zip(first["ids"], first["boxes"], second["ids"], second["boxes"], strict=True)


def _best_pairs(value: np.ndarray) -> list[tuple[int, int]]:
    """Rend les paires de valeur positive dont la somme est la plus grande."""
    pairs = zip(*linear_sum_assignment(value, maximize=True), strict=True)
    return [(i, j) for i, j in pairs if value[i, j] > 0]


def _faults(truth, found, *, keeps=True, remembers=True, least=MIN_FOUND) -> tuple[int, int, int]:
    """Refait `count_faults` ; les options sont les erreurs."""
    misses = alarms = switches = 0
    last = {}
    for objects, true_boxes, names, boxes in _frames(truth, found):
        shared = _overlaps(true_boxes, boxes)
        shared[shared < least] = 0
        pairs = []
        for i, j in np.argwhere(shared) if keeps else ():
            if last.get(objects[i]) == names[j]:
                pairs.append((i, j))
        for i, j in pairs:
            shared[i], shared[:, j] = 0, 0
        pairs += _best_pairs(shared)
        switches += sum(last.get(objects[i], names[j]) != names[j] for i, j in pairs)
        last = (last if remembers else {}) | {objects[i]: names[j] for i, j in pairs}
        misses += len(objects) - len(pairs)
        alarms += len(names) - len(pairs)
    return misses, alarms, switches


def _identified(truth, found, *, least=MIN_FOUND, choose=linear_sum_assignment) -> int:
    """Refait `count_identified` ; les options sont les erreurs."""
    together = np.zeros((20, 20), int)
    for objects, true_boxes, names, boxes in _frames(truth, found):
        for i, j in np.argwhere(_overlaps(true_boxes, boxes) >= least):
            together[objects[i], names[j]] += 1
    return int(together[choose(-together)].sum())


def _draw_tracks(rng, *, swap=False, absent=False, doubled=False, merged=False) -> tuple:
    """Tire un suivi de quatre objets sur dix images, et ses fautes.

    Args:
        rng: hasard.
        swap: deux objets échangent leurs identités à mi-chemin.
        absent: un objet n'est pas trouvé trois images, et revient sous un autre numéro.
        doubled: une boîte recouvre un objet mieux que la sienne, le temps de deux images.
        merged: une même identité est, l'un puis l'autre, la plus fréquente de deux objets.

    Returns:
        La vérité et ce qui est rendu. Il y a toujours un oubli, une fausse alarme, et une boîte qui
        ne recouvre un objet que d'un tiers.
    """
    objects = rng.permutation(np.arange(4, 12))[:4]
    names = rng.permutation(np.arange(20))[:7]
    start = 60 * np.array([[0, 0], [1, 0], [0, 1], [1, 1]]) + rng.uniform(0, 10, (4, 2))
    truth, found = {"ids": [], "boxes": []}, {"ids": [], "boxes": []}
    missed, poor = int(rng.integers(1, 3)), int(rng.integers(7, 9))
    for t in range(10):
        corners = start + t * np.array([1.0, 0.5])
        boxes = np.concatenate([corners, corners + SIDE], axis=1)
        order = rng.permutation(4)
        truth["ids"].append(objects[order])
        truth["boxes"].append(boxes[order])
        said = [(names[k], boxes[k] + rng.uniform(-1, 1)) for k in range(4)]
        if swap and t >= 5:
            said[0], said[1] = (names[1], said[0][1]), (names[0], said[1][1])
        if merged:
            said[0] = (names[0 if t < 6 else 4], said[0][1])
            said[1] = (names[1 if t < 3 else 5 if t < 6 else 0], said[1][1])
        if absent and t >= 4:
            said[2] = (names[4], said[2][1])
        if t == missed:
            said[3] = (names[6], said[3][1] + 300)  # un oubli, et une fausse alarme
        if t == poor:
            said[3] = (names[3], boxes[3] + [SIDE / 2, 0, SIDE / 2, 0])
        if doubled and t in (4, 5):
            said[0] = (said[0][0], boxes[0] + 3)
            said.append((names[5], boxes[0]))
        if absent and t in (4, 5, 6):
            del said[2]
        said = [said[k] for k in rng.permutation(len(said))]
        found["ids"].append(np.array([name for name, _ in said]))
        found["boxes"].append(np.array([box for _, box in said]))
    return Ingredient("record", truth), Ingredient("record", found)


@question("ex27.count_faults")
def ask_count_faults(ask: Ask) -> Credit:
    """Juge des suivis dont chaque faute est plantée."""
    stages = [("1/4", {}), ("1/2", {"swap": True})]
    stages += [("3/4", {"swap": True, "absent": True}), ("1", {"doubled": True})]
    groups = [
        (level, [(_draw_tracks(ask.rng, **options), {}) for _ in range(2)])
        for level, options in stages
    ]

    def without_switches(truth, found):
        return *_faults(truth, found)[:2], 0

    def swapped(truth, found):
        misses, alarms, switches = _faults(truth, found)
        return alarms, misses, switches

    mistakes = [
        Mistake("switches_forgotten", without_switches, "1/4"),
        Mistake("absence_forgets", partial(_faults, remembers=False), "1/2"),
        Mistake("identity_not_kept", partial(_faults, keeps=False), "3/4"),
        Mistake("any_overlap_counts", partial(_faults, least=1e-6), "1/4"),
        Mistake("misses_and_alarms_swapped", swapped, "1/4"),
    ]
    answers = ask.calls("count_faults", [call for _, calls in groups for call in calls])
    return judge(answers, groups, _faults, mistakes)


@question("ex27.count_identified")
def ask_count_identified(ask: Ask) -> Credit:
    """Compte les boîtes de la bonne identité, avec et sans échange."""
    plain = [(_draw_tracks(ask.rng), {}) for _ in range(2)]
    mixed = [(_draw_tracks(ask.rng, swap=True, absent=True), {}) for _ in range(2)]
    mixed += [(_draw_tracks(ask.rng, merged=True), {}) for _ in range(2)]

    def per_frame(truth, found):
        return sum(
            len(_best_pairs(np.where(shared >= MIN_FOUND, shared, 0)))
            for shared in (_overlaps(a, b) for _, a, _, b in _frames(truth, found))
        )

    def greedily(costs):
        return np.arange(len(costs)), costs.argmin(axis=1)

    mistakes = [
        Mistake("identity_per_frame", per_frame, "1/2"),
        Mistake("identity_taken_twice", partial(_identified, choose=greedily), "1/2"),
        Mistake("any_overlap_counts", partial(_identified, least=1e-6), "1/4"),
    ]
    groups = [("1/2", plain), ("1", mixed)]
    answers = ask.calls("count_identified", plain + mixed)
    return judge(answers, groups, _identified, mistakes)


@question("ex27.mota")
def ask_mota(ask: Ask) -> Credit:
    """Rapporte des fautes aux boîtes vraies."""
    rng, calls = ask.rng, []
    for truths, alarms in ((200, 10), (150, 30), (40, 90)):
        misses, switches = int(rng.integers(5, 15)), int(rng.integers(2, 9))
        values = {"truths": truths, "found": truths - misses + alarms, "misses": misses}
        values |= {"false_alarms": alarms, "switches": switches, "identified": truths // 2}
        calls.append(((Ingredient("record", values),), {}))

    def compute(counts, *, forgets=(), over="truths"):
        values = counts.options
        kinds = {"misses", "false_alarms", "switches"} - {*forgets}
        return 1 - sum(values[kind] for kind in kinds) / values[over]

    mistakes = [
        Mistake("switches_forgotten", partial(compute, forgets=["switches"]), "1/2"),
        Mistake("mota_bounded", lambda counts: max(0.0, compute(counts)), "1/2"),
        Mistake("share_of_faults", lambda counts: 1 - compute(counts), "1/2"),
        Mistake("faults_over_found", partial(compute, over="found"), "1/4"),
    ]
    return judge(ask.calls("mota", calls), [("1", calls)], compute, mistakes)


# --- Suivre --------------------------------------------------------------------------


def _matched(shared, *, least=MIN_MATCHED, filters="before", sign=1) -> np.ndarray:
    """Refait `match_best`, en paires rangées ; les options sont les erreurs."""
    shared = np.asarray(shared, float)
    value = np.where(shared >= least, shared, 0) if filters == "before" else shared
    pairs = zip(*linear_sum_assignment(sign * value, maximize=True), strict=True)
    floor = least if filters else -1.0
    return _sorted([(i, j) for i, j in pairs if shared[i, j] >= floor])


def _sorted(pairs) -> np.ndarray:
    return np.array(sorted((float(i), float(j)) for i, j in pairs)).reshape(-1, 2)


@question("ex27.match_best")
def ask_match_best(ask: Ask) -> Credit:
    """Apparie des tableaux où de proche en proche suffit, puis non."""
    rng = ask.rng

    def shuffled(rows):
        array = np.array(rows, float) + rng.uniform(0, 0.02, np.shape(rows))
        return array[rng.permutation(len(array))][:, rng.permutation(array.shape[1])]

    plain = [((shuffled([[0.8, 0.1, 0.3], [0.0, 0.7, 0.1], [0.1, 0.25, 0.6]]),), {})]
    plain += [((shuffled([[0.9, 0.3], [0.3, 0.5], [0.25, 0.2]]),), {}), ((np.empty((0, 3)),), {})]
    hard = [((shuffled([[0.9, 0.8, 0.1], [0.8, 0.1, 0.05], [0.0, 0.1, 0.1]]),), {})]
    # Sans le seuil, deux paires dont une défendue font une plus grande somme qu'une seule.
    hard += [((shuffled([[0.26, 0.15], [0.17, 0.0]]),), {})]
    hard += [((shuffled([[0.7, 0.6, 0.5], [0.65, 0.3, 0.0]]),), {})]

    def greedy(shared):
        pairs, shared = [], np.array(shared, float)
        while shared.size and shared.max() >= MIN_MATCHED:
            i, j = np.unravel_index(shared.argmax(), shared.shape)
            pairs.append((i, j))
            shared[i], shared[:, j] = 0, 0
        return _sorted(pairs)

    mistakes = [
        Mistake("greedy_for_best", greedy, "1/2"),
        Mistake("filtered_after", partial(_matched, filters="after"), "3/4"),
        Mistake("threshold_not_applied", partial(_matched, filters=""), "1/4"),
        Mistake("threshold_not_applied", partial(_matched, least=1e-9), "1/4"),
        Mistake("worst_pairs", partial(_matched, sign=-1, filters="after")),
        Mistake("worst_pairs", partial(_matched, sign=-1, filters="")),
    ]
    answers = []
    for answer in ask.calls("match_best", plain + hard):
        try:
            answers.append(pupil.Answer(_sorted(answer.value), answer.error))
        except (TypeError, ValueError):
            answers.append(answer)
    return judge(answers, [("1/2", plain), ("1", hard)], _matched, mistakes)


class _Path:
    """Une piste sans filtre : sa dernière boîte, sa vitesse, ses images d'absence."""

    def __init__(self, box, name):
        self.box, self.name, self.speed, self.absent = box, name, 0.0, 0

    def at(self, moving: bool):
        """Rend la boîte où l'objet est attendu."""
        return self.box + (self.speed * self.absent if moving else 0)

    def see(self, box):
        """Tient compte d'une détection."""
        self.speed, self.box, self.absent = (box - self.box) / self.absent, box, 0


def _track(detections, method: Ingredient, *, memory=None, moving=None) -> np.ndarray:
    """Refait `track`, les numéros à la suite ; les options sont les erreurs."""
    asked = method.options
    memory = asked["memory"] if memory is None else memory
    moving = asked["moving"] if moving is None else moving
    paths, said = [], []
    for boxes in detections:
        for path in paths:
            path.absent += 1
        paths = [path for path in paths if path.absent <= memory]
        shared = _overlaps([path.at(moving) for path in paths], boxes)
        owners = {j: paths[i] for i, j in _best_pairs(np.where(shared < MIN_MATCHED, 0, shared))}
        for j, box in enumerate(boxes):
            if j in owners:
                owners[j].see(box)
            else:
                owners[j] = _Path(box, len(said))
                paths.append(owners[j])
            said.append(owners[j].name)
    return _renumbered(said)


def _renumbered(names) -> np.ndarray:
    """Remplace des numéros par leur ordre d'arrivée : lesquels on a choisis n'importe pas."""
    known = {name: k for k, name in enumerate(dict.fromkeys(names))}
    return np.array([known[name] for name in names], float)


@question("ex27.track")
def ask_track(ask: Ask) -> Credit:
    """Suit des objets éloignés les uns des autres, l'un caché un moment."""
    rng = ask.rng

    def draw(*, hidden=(), speed=1.0, num_frames=24):
        """Tire les détections de trois objets ; le premier n'est pas vu aux images `hidden`."""
        start = np.array([[0, 0], [0, 100], [0, 200]]) + rng.uniform(0, 20, (3, 2))
        seen = []
        for t in range(num_frames):
            corners = start + t * np.array([speed, 0])
            boxes = np.concatenate([corners, corners + SIDE], axis=1)[t in hidden :]
            seen.append(boxes[rng.permutation(len(boxes))])
        return seen

    def ask_with(detections, **values):
        return (detections, Ingredient("record", values)), {}

    near = {"optimal": False, "moving": False, "memory": 1}
    long = {"optimal": True, "moving": False, "memory": 8}
    moving = {"optimal": True, "moving": True, "memory": 25}
    groups = [
        ("1/2", [ask_with(draw(), **near), ask_with(draw(hidden=range(8, 12)), **near)]),
        (
            "3/4",
            [
                ask_with(draw(hidden=range(9, 13), speed=0.5), **long),
                ask_with(draw(hidden=range(6, 18), speed=0.0), **long),
            ],
        ),
        ("1", [ask_with(draw(hidden=range(14, 21), speed=6.0, num_frames=28), **moving)]),
    ]

    def ranks(detections, method):
        return _renumbered([j for boxes in detections for j in range(len(boxes))])

    mistakes = [
        Mistake("speed_ignored", partial(_track, moving=False), "3/4"),
        Mistake("killed_at_once", partial(_track, memory=1), "1/2"),
        Mistake("never_forgotten", partial(_track, memory=1000), "1/4"),
        Mistake("always_new", partial(_track, memory=0)),
        Mistake("rank_for_identity", ranks),
    ]
    calls = [call for _, each in groups for call in each]
    answers = []
    for answer in ask.calls("track", calls):
        try:
            names = np.concatenate([np.asarray(each, float).ravel() for each in answer.value])
            answers.append(pupil.Answer(_renumbered(names.tolist())))
        except (TypeError, ValueError):
            answers.append(answer)
    return judge(answers, groups, _track, mistakes)
