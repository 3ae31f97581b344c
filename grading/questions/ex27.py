"""Exercice 27 : juger un suivi, apparier des boîtes, suivre."""

import numpy as np
from scipy.optimize import linear_sum_assignment

from grading import sealed
from grading.inside.messages import Ingredient
from grading.questions import Ask, Mistake, compared

metrics, tracking = map(sealed.module, ("ex27_video.metrics", "ex27_video.tracking"))
SIDE = 20.0  # d'une boîte
ABSENT = -1  # identité d'une boîte qui n'est pas rendue
# Une lettre par image, l'identité rendue, ou un point : pour chacun des quatre objets, pour une
# boîte qui recouvre le premier mieux que la sienne, pour une qui ne recouvre rien.
USUAL = ("aaaaaaaaaa", "bbbbbbbbbb", "cccccccccc", "d.dddddddd", "..........", ".g........")


# --- Juger un suivi ------------------------------------------------------------------


def _moved(start: np.ndarray, speed, num_frames: int) -> np.ndarray:
    """Fait avancer des boîtes, données par leur coin `(n, 2)` : `(images, n, 4)`."""
    corners = start + np.arange(num_frames)[:, None, None] * np.asarray(speed)
    return np.concatenate([corners, corners + SIDE], axis=-1)


def _draw_tracks(rng, *rows: str) -> tuple[tuple, dict]:
    """Tire un suivi d'objets sur dix images ; une boîte ne recouvre son objet que d'un tiers.

    Args:
        rng: hasard.
        rows: les premières lignes de `USUAL`, si elles changent.

    Returns:
        L'appel qui donne la vérité et ce qui est rendu.
    """
    names = dict(zip(".abcdefg", (ABSENT, *rng.permutation(20)[:7]), strict=True))
    ids = np.array([[names[each] for each in row] for row in (*rows, *USUAL[len(rows) :])]).T
    start = 60 * np.array([[0, 0], [1, 0], [0, 1], [1, 1]]) + rng.uniform(0, 10, (4, 2))
    truth = _moved(start, [1, 0.5], 10)
    near, first = truth + rng.uniform(-1, 1, (10, 4, 1)), truth[:, :1]
    near[8, 3] = truth[8, 3] + [SIDE / 2, 0, SIDE / 2, 0]
    boxes = np.concatenate([near, first, first + 300], axis=1)
    objects = np.tile(rng.permutation(np.arange(4, 12))[:4], (10, 1))
    return (_shuffled(rng, objects, truth), _shuffled(rng, ids, boxes)), {}


def _draw_one_box_for_two(rng) -> tuple[tuple, dict]:
    """Tire deux objets voisins et une seule boîte, qui recouvre assez l'un et l'autre."""
    truth = _moved(rng.uniform(0, 10, 2) + np.array([[0, 0], [4, 0]]), [1, 0.5], 10)
    objects, ids = (np.tile(rng.permutation(20)[:num], (10, 1)) for num in (2, 1))
    return (_shuffled(rng, objects, truth), _shuffled(rng, ids, truth[:, :1] + 0.5)), {}


def _shuffled(rng, ids: np.ndarray, boxes: np.ndarray) -> Ingredient:
    """Fait un suivi : chaque image dans le désordre, sans ce qui n'est pas rendu."""
    orders = [rng.permutation(np.flatnonzero(row != ABSENT)) for row in ids]
    said = ([row[each] for row, each in zip(rows, orders, strict=True)] for rows in (ids, boxes))
    return Ingredient("record", metrics.Tracks(*said)._asdict())


def _read(tracks: Ingredient) -> list[tuple]:
    """Rend les identités et les boîtes de chaque image d'un suivi."""
    return list(zip(tracks.options["ids"], tracks.options["boxes"], strict=True))


def _faults(*, keeps=True, remembers=True, pairs_by_number=False, once=True):
    """Rend `count_faults` avec, au choix, une erreur.

    Args:
        keeps: un objet garde la boîte de son identité.
        remembers: une identité se retient même après une absence.
        pairs_by_number: apparier les mêmes numéros, et non les boîtes.
        once: une boîte ne sert qu'à un objet.
    """

    def count_faults(truth, found):
        misses = alarms = switches = 0
        last = {}
        for (objects, true_boxes), (ids, boxes) in zip(_read(truth), _read(found), strict=True):
            shared = metrics.overlaps(true_boxes, boxes)
            kept = np.array([[last.get(i) == j for j in ids] for i in objects]).reshape(
                shared.shape
            )
            value = shared + keeps * len(ids) * kept
            value = np.where(shared >= metrics.IOU_FOUND, value, 0)
            if pairs_by_number:
                value = np.equal.outer(objects, ids).astype(float)
            matched = _matched(value) if once else list(enumerate(value.argmax(axis=1)))
            pairs = [(objects[i], ids[j]) for i, j in matched if value[i, j]]
            switches += sum(last.get(i, j) != j for i, j in pairs)
            last = {**last, **dict(pairs)} if remembers else dict(pairs)
            misses += len(objects) - len(pairs)
            alarms += len(ids) - len({j for _, j in pairs})
        return misses, alarms, switches

    return count_faults


def _matched(value: np.ndarray) -> list[tuple[int, int]]:
    return list(zip(*linear_sum_assignment(-value), strict=True))


def _together(truth, found) -> np.ndarray:
    """Compte les images où chaque identité rendue recouvre chaque objet : `(objets, identités)`."""
    rows, columns = (
        np.unique(np.concatenate([np.asarray(ids) for ids, _ in _read(each)])).tolist()
        for each in (truth, found)
    )
    table = np.zeros((len(rows), len(columns)), int)
    for (objects, true_boxes), (ids, boxes) in zip(_read(truth), _read(found), strict=True):
        for i, j in np.argwhere(metrics.overlaps(true_boxes, boxes) >= metrics.IOU_FOUND):
            table[rows.index(int(objects[i])), columns.index(int(ids[j]))] += 1
    return table


def _all_covered(truth, found) -> int:
    return int(_together(truth, found).sum())


def _best_of_each_object(truth, found) -> int:
    return int(_together(truth, found).max(axis=1).sum())


def _best_of_each_identity(truth, found) -> int:
    return int(_together(truth, found).max(axis=0).sum())


FAULTS = [
    Mistake("identity_not_kept", _faults(keeps=False), "3/4"),
    Mistake("absence_forgets", _faults(remembers=False), "1/2"),
    Mistake("absence_forgets", _faults(remembers=False, keeps=False), "1/2"),
    Mistake("numbers_matched", _faults(pairs_by_number=True)),
    Mistake("box_for_two_objects", _faults(once=False), "3/4"),
]
IDENTIFIED = [
    Mistake("identity_shared", _best_of_each_object, "1/2"),
    Mistake("identity_shared", _best_of_each_identity, "1/2"),
    Mistake("identity_not_counted", _all_covered),
]


@compared("ex27.count_faults", mistakes=FAULTS)
@compared("ex27.count_identified", mistakes=IDENTIFIED)
def ask_counts(ask: Ask) -> list:
    """Juge des suivis dont chaque faute est plantée."""
    swapped = ("aaaaabbbbb", "bbbbbaaaaa")
    back = (*swapped, "cccc...eee")  # et un objet revient d'une absence sous un autre nom
    doubled = (*USUAL[:4], "....ff....")
    shared = ("aaaaaaeeee", "bbbfffaaaa")  # la même identité est la plus fréquente de deux objets
    faults = [("1/4", [()]), ("1/2", [swapped]), ("3/4", [back]), ("1", [doubled])]
    stages = {"count_faults": faults, "count_identified": [("1/2", [()]), ("1", [back, shared])]}
    found = [
        (level, [_draw_tracks(ask.rng, *rows) for rows in 2 * several])
        for level, several in stages[ask.rule.name]
    ]
    if ask.rule.name == "count_faults":
        found.append(("1", [_draw_one_box_for_two(ask.rng)]))
    return found


def _mota(*, over="truths", least=-np.inf, ignored=()):
    """Rend `mota` avec, au choix, une erreur.

    Args:
        over: ce qui divise les fautes.
        least: la plus petite valeur rendue.
        ignored: fautes qui ne comptent pas.
    """

    def mota(counts):
        names = [each for each in ("misses", "false_alarms", "switches") if each not in ignored]
        faults = sum(counts.options[each] for each in names)
        return max(least, 1 - faults / counts.options[over])

    return mota


MOTA = [
    Mistake("over_found_boxes", _mota(over="found")),
    Mistake("bounded_at_zero", _mota(least=0), "1/2"),
    *(
        Mistake("fault_ignored", _mota(ignored=(k,)))
        for k in ("switches", "misses", "false_alarms")
    ),
]


@compared("ex27.mota", mistakes=MOTA)
def ask_mota(ask: Ask) -> list:
    """Rapporte des fautes aux boîtes vraies."""
    # De chaque sorte de fautes, `least` au moins : la dernière fois, plus que de boîtes vraies.
    counts = [
        metrics.Counts(40, 60, *ask.rng.integers(least, 2 * least, 4).tolist())
        for least in (2, 5, 20)
    ]
    return [("1", [((Ingredient("record", each._asdict()),), {}) for each in counts])]


# --- Suivre --------------------------------------------------------------------------


def _as_table(pairs) -> np.ndarray:
    """Range des paires, dont l'ordre n'importe pas, dans un tableau de uns et de zéros."""
    table = np.zeros((3, 3))
    np.add.at(table, tuple(np.reshape(pairs, (-1, 2)).T.astype(int)), 1)
    return table


def _renumbered(names) -> np.ndarray:
    """Met des numéros bout à bout, chacun changé en son rang d'arrivée."""
    flat = np.concatenate([np.asarray(each, float).ravel() for each in names]).tolist()
    known = {name: k for k, name in enumerate(dict.fromkeys(flat))}
    return np.array([known[name] for name in flat], float)


def _greedy(shared) -> list[tuple[int, int]]:
    """Prend la plus grande IoU qui reste, sans jamais y renoncer."""
    left, pairs = np.array(shared, float), []
    while left.size and left.max() >= tracking.MIN_IOU:
        row, column = np.unravel_index(left.argmax(), left.shape)
        pairs.append((int(row), int(column)))
        left[row], left[:, column] = -1, -1
    return sorted(pairs)


def _filtered_late(shared) -> list[tuple[int, int]]:
    """Apparie tout, puis ôte les paires qui sont sous le seuil."""
    shared = np.array(shared, float)
    pairs = zip(*linear_sum_assignment(-shared), strict=True)
    return [(int(i), int(j)) for i, j in pairs if shared[i, j] >= tracking.MIN_IOU]


def _above_half(shared) -> list[tuple[int, int]]:
    """Apparie au mieux les paires d'IoU au moins `IOU_FOUND`."""
    allowed = np.where(np.array(shared) >= metrics.IOU_FOUND, shared, 0)
    return [(i, j) for i, j in _matched(allowed) if allowed[i, j]]


def _without_threshold(shared) -> list[tuple[int, int]]:
    return _matched(np.array(shared, float))


def _smallest_sum(shared) -> list[tuple[int, int]]:
    """Cherche la plus petite somme, puis ôte les paires qui sont sous le seuil."""
    shared = np.array(shared, float)
    return [(i, j) for i, j in _matched(-shared) if shared[i, j] >= tracking.MIN_IOU]


def _smallest_sum_without_threshold(shared) -> list[tuple[int, int]]:
    return _matched(-np.array(shared, float))


MATCHED = [
    Mistake("matched_greedily", _greedy, "1/2"),
    Mistake("threshold_late", _filtered_late, "1/2"),
    Mistake("threshold_of_found", _above_half),
    Mistake("threshold_missing", _without_threshold),
    Mistake("smallest_sum", _smallest_sum),
    Mistake("smallest_sum", _smallest_sum_without_threshold),
]


@compared("ex27.match_best", mistakes=MATCHED)
def ask_match_best(ask: Ask) -> list:
    """Apparie des tableaux où de proche en proche suffit, puis non."""

    def shuffled(*rows):
        array = np.array(rows) + ask.rng.uniform(0, 0.02, np.shape(rows))
        return (ask.rng.permutation(ask.rng.permutation(array), axis=1),), {}

    plain = [
        shuffled([0.8, 0.1, 0.3], [0.0, 0.7, 0.1], [0.1, 0.25, 0.6]),
        shuffled([0.9, 0.3], [0.3, 0.5], [0.25, 0.2]),
        ((np.empty((0, 3)),), {}),
    ]
    hard = [
        shuffled([0.9, 0.8, 0.1], [0.8, 0.1, 0.05], [0.0, 0.1, 0.1]),
        # Sans le seuil, deux paires dont une défendue font une plus grande somme qu'une seule.
        shuffled([0.26, 0.15], [0.17, 0.0]),
        shuffled([0.7, 0.6, 0.5], [0.65, 0.3, 0.0]),
        shuffled([0.9, 0.1], [0.0, 0.35]),  # une paire permise, dont l'IoU est petite
    ]
    return [("1/2", plain, _as_table), ("1", hard, _as_table)]


def _tracked(**changed):
    """Rend `track`, dont la méthode est changée."""

    def track(detections, method):
        options = {name: change(method.options[name]) for name, change in changed.items()}
        return tracking.track(detections, tracking.Method(**{**method.options, **options}))

    return track


def _never(_) -> bool:
    return False


def _always(_) -> bool:
    return True


def _empty_skipped(detections, method) -> list[np.ndarray]:
    """Suit comme si les images sans détection n'étaient pas dans le film."""
    seen = [each for each in detections if len(each)]
    ids = iter(tracking.track(seen, tracking.Method(**method.options)))
    return [next(ids) if len(each) else np.zeros(0, int) for each in detections]


def _numbered_anew(detections, method) -> list[np.ndarray]:
    return [np.arange(len(each)) for each in detections]


TRACKED = [
    Mistake("optimal_always", _tracked(optimal=_always)),
    Mistake("empty_image_skipped", _empty_skipped, "3/4"),
    Mistake("numbered_anew", _numbered_anew),
    Mistake("moving_ignored", _tracked(moving=_never)),
    Mistake("optimal_ignored", _tracked(optimal=_never)),
    Mistake("forgotten_late", _tracked(memory=lambda memory: memory + 1)),
    Mistake("forgotten_early", _tracked(memory=lambda memory: memory - 1)),
]


@compared("ex27.track", mistakes=TRACKED)
def ask_track(ask: Ask) -> list:
    """Suit des objets éloignés, l'un caché un moment ; puis deux objets qui se recouvrent."""

    def draw(method, *, hidden=(), speed=1.0):
        """Tire les détections de trois objets ; le premier n'est pas vu aux images `hidden`."""
        start = np.array([[0, 0], [0, 100], [0, 200]]) + ask.rng.uniform(0, 20, (3, 2))
        frames = enumerate(_moved(start, [speed, 0], 28))
        seen = [ask.rng.permutation(boxes[t in hidden :]) for t, boxes in frames]
        return (seen, Ingredient("record", method._asdict())), {}

    def crossed(method):
        """Tire deux images où la plus grande IoU est celle d'une mauvaise paire."""
        corners = ask.rng.uniform(0, 20, 2) + np.array([[[0, 0], [12, 0]], [[8, 0], [22, 0]]])
        boxes = np.concatenate([corners, corners + SIDE], axis=-1)
        seen = [ask.rng.permutation(each) for each in boxes]
        return (seen, Ingredient("record", method._asdict())), {}

    def emptied(method, num):
        """Tire des objets immobiles que nul ne voit pendant `num` images."""
        (seen, given), named = draw(method, speed=0)
        seen[6 : 6 + num] = [np.zeros((0, 4))] * num
        return (seen, given), named

    near, kalman = tracking.METHODS["neighbour"], tracking.METHODS["kalman"]
    long = tracking.METHODS["memory"]._replace(memory=8)
    return [
        ("1/2", [draw(near), draw(near, hidden=range(8, 12))], _renumbered),
        ("3/4", [draw(long, hidden=range(9, 13), speed=0.5)], _renumbered),  # retrouvé
        ("3/4", [draw(long, hidden=range(6, 18), speed=0)], _renumbered),  # oublié
        # Une image d'absence sépare ce qui se retrouve de ce qui s'oublie.
        ("3/4", [draw(long, hidden=range(6, 6 + num), speed=0) for num in (7, 8)], _renumbered),
        ("1", [draw(kalman, hidden=range(14, 21), speed=6)], _renumbered),
        ("1", [crossed(each) for each in (near, tracking.METHODS["hungarian"])], _renumbered),
        ("1", [emptied(near, 2), emptied(long, 10)], _renumbered),  # l'absence de tous se compte
    ]
