"""Exercice 27 : juger un suivi, apparier des boîtes, suivre."""

from collections.abc import Callable
from functools import partial

import numpy as np
from scipy.optimize import linear_sum_assignment

from grading import sealed
from grading.inside.messages import Ingredient
from grading.questions import Ask, Mistake, altered, compared

metrics, tracking = map(sealed.module, ("ex27_video.metrics", "ex27_video.tracking"))
SIDE = 21.0  # d'une boîte : sept pixels plus loin, l'IoU de deux boîtes vaut exactement un demi
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


def _draw_row(rng, objects: list, boxes: list, *, once: int = 0) -> tuple[tuple, dict]:
    """Tire deux images d'objets et de boîtes immobiles, dont l'abscisse est donnée.

    Args:
        rng: hasard.
        objects: abscisse de chaque objet.
        boxes: abscisse de chaque boîte.
        once: nombre des dernières boîtes qui ne sont qu'à la première image.
    """
    start = rng.integers(0, 50, 2)
    true_ids, ids = (np.tile(rng.permutation(20)[: len(each)], (2, 1)) for each in (objects, boxes))
    ids[1, len(boxes) - once :] = ABSENT
    truth, found = (
        _moved(start + np.stack([each, np.zeros(len(each))], axis=1), [0, 0], 2)
        for each in (objects, boxes)
    )
    return (_shuffled(rng, true_ids, truth), _shuffled(rng, ids, found)), {}


def _draw_at_threshold(rng) -> tuple[tuple, dict]:
    """Tire une boîte qui recouvre son objet d'une IoU égale au seuil."""
    return _draw_row(rng, [0, 100], [7, 102])


def _draw_hard_rows(rng) -> list[tuple[tuple, dict]]:
    """Tire des boîtes dont la meilleure correspondance ne se trouve qu'au mieux."""
    places = [100 * k for k in range(5)]
    near, far, left, right = ([place + shift for place in places] for shift in (1, 5, 6, 13))
    return [
        _draw_row(rng, [8, 22], [0, 14]),  # deux IoU de 0,45 font plus que la seule permise
        # Renoncer à une IoU de 0,91 en permet deux de 0,56 ; cinq fois, dans un ordre ou l'autre.
        _draw_row(rng, [*left, *right], [*places, *(each + 7 for each in places)]),
        _draw_row(rng, places, [*near, *far], once=len(far)),  # de deux boîtes, la plus proche
    ]


def _shuffled(rng, ids: np.ndarray, boxes: np.ndarray) -> Ingredient:
    """Fait un suivi : chaque image dans le désordre, sans ce qui n'est pas rendu."""
    orders = [rng.permutation(np.flatnonzero(row != ABSENT)) for row in ids]
    said = ([row[each] for row, each in zip(rows, orders, strict=True)] for rows in (ids, boxes))
    return Ingredient("record", metrics.Tracks(*said)._asdict())


def _read(tracks: Ingredient) -> list[tuple]:
    """Rend les identités et les boîtes de chaque image d'un suivi."""
    return list(zip(tracks.options["ids"], tracks.options["boxes"], strict=True))


def _at_least(shared: np.ndarray, least: float = metrics.IOU_FOUND) -> np.ndarray:
    return shared >= least


def _over(shared: np.ndarray) -> np.ndarray:
    return shared > metrics.IOU_FOUND


def _at_tracking_threshold(shared: np.ndarray) -> np.ndarray:
    return _at_least(shared, tracking.MIN_IOU)


def _where_allowed(shared: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    return np.where(allowed, shared, 0)


def _everywhere(shared: np.ndarray, _) -> np.ndarray:
    return shared


def _all_alike(_, allowed: np.ndarray) -> np.ndarray:
    return allowed.astype(float)


def _matched(value: np.ndarray) -> list[tuple[int, int]]:
    return list(zip(*linear_sum_assignment(-value), strict=True))


def _greedily(value: np.ndarray) -> list[tuple[int, int]]:
    """Prend la plus grande valeur qui reste, tant qu'il y en a de positives."""
    left, pairs = np.array(value, float), []
    while left.size and left.max() > 0:
        row, column = np.unravel_index(left.argmax(), left.shape)
        pairs.append((int(row), int(column)))
        left[row], left[:, column] = -1, -1
    return sorted(pairs)


def _row_by_row(value: np.ndarray) -> list[tuple[int, int]]:
    """Donne à chaque ligne la meilleure colonne qui reste, après celles qui gardent la leur."""
    left, pairs = np.array(value, float), []
    for row in np.argsort(value.max(axis=1, initial=0) <= 1, kind="stable"):
        if left[row].max(initial=0) > 0:
            pairs.append((int(row), int(left[row].argmax())))
            left[:, pairs[-1][1]] = -1
    return sorted(pairs)


def _least(value: np.ndarray) -> list[tuple[int, int]]:
    return _matched(-value)


def _each_row(value: np.ndarray) -> list[tuple[int, int]]:
    """Donne à chaque ligne sa meilleure colonne, qui peut servir plusieurs fois."""
    return list(enumerate(value.argmax(axis=1))) if value.size else []


def _has_changed(last: dict, this, name) -> bool:
    return last.get(this, name) != name


def _has_changed_or_starts(last: dict, this, name) -> bool:
    return last.get(this) != name


def _is_not_number(_, this, name) -> bool:
    return this != name


def _faults(
    *,
    keeps=True,
    remembers=True,
    covers=_at_least,
    gains=_where_allowed,
    match=_matched,
    switched=_has_changed,
):
    """Rend `count_faults` avec, au choix, une erreur.

    Args:
        keeps: un objet garde la boîte de son identité.
        remembers: une identité se retient même après une absence.
        covers: dit, d'après l'IoU, si une boîte recouvre un objet.
        gains: ce que vaut chaque paire, d'après l'IoU et ce qui recouvre.
        match: choisit les paires.
        switched: dit si une identité vient de changer.
    """

    def count_faults(truth, found):
        misses = alarms = switches = 0
        last = {}
        for (objects, true_boxes), (ids, boxes) in zip(_read(truth), _read(found), strict=True):
            shared = metrics.overlaps(true_boxes, boxes)
            allowed = covers(shared)
            kept = np.array([[last.get(i) == j for j in ids] for i in objects]).reshape(
                shared.shape
            )
            value = gains(shared, allowed) + keeps * len(ids) * (kept & allowed)
            pairs = [(objects[i], ids[j]) for i, j in match(value) if allowed[i, j]]
            switches += sum(switched(last, i, j) for i, j in pairs)
            last = {**last, **dict(pairs)} if remembers else dict(pairs)
            misses += len(objects) - len(pairs)
            alarms += len(ids) - len({j for _, j in pairs})
        return misses, alarms, switches

    return count_faults


def _faults_by_number(truth, found):
    """Apparie les mêmes numéros, et non les boîtes."""
    misses = alarms = 0
    for (objects, _), (ids, _) in zip(_read(truth), _read(found), strict=True):
        common = len(set(objects) & set(ids))
        misses, alarms = misses + len(objects) - common, alarms + len(ids) - common
    return misses, alarms, 0


def _faults_of_best_boxes(truth, found):
    """Donne à chaque objet la boîte qui le recouvre le mieux, même si elle sert à un autre."""
    misses = alarms = switches = 0
    last = {}
    for (objects, true_boxes), (ids, boxes) in zip(_read(truth), _read(found), strict=True):
        shared = metrics.overlaps(true_boxes, boxes)
        covered = _at_least(shared)
        pairs = {objects[i]: ids[j] for i, j in _each_row(shared) if covered[i, j]}
        switches += sum(_has_changed(last, *each) for each in pairs.items())
        last.update(pairs)
        misses, alarms = misses + (~covered.any(1)).sum(), alarms + (~covered.any(0)).sum()
    return misses, alarms, switches


def _together(truth, found, *, covers=_at_least, by_rank=False) -> np.ndarray:
    """Compte les images où chaque identité rendue recouvre chaque objet : `(objets, identités)`.

    Args:
        truth: la vérité.
        found: ce que rend un suivi.
        covers: dit, d'après l'IoU, si une boîte recouvre un objet.
        by_rank: le rang d'une boîte dans son image tient lieu d'identité.
    """
    rows, columns = (
        np.unique(np.concatenate([np.asarray(ids) for ids, _ in _read(each)])).tolist()
        for each in (truth, found)
    )
    table = np.zeros((len(rows), len(columns)), int)
    for (objects, true_boxes), (ids, boxes) in zip(_read(truth), _read(found), strict=True):
        for i, j in np.argwhere(covers(metrics.overlaps(true_boxes, boxes))):
            if by_rank:
                table[i % len(rows), j % len(columns)] += 1
            else:
                table[rows.index(int(objects[i])), columns.index(int(ids[j]))] += 1
    return table


def _identified(*, match=_matched, **how) -> Callable:
    """Rend `count_identified`, dont la correspondance ou les comptes sont autres."""

    def count_identified(truth, found):
        table = _together(truth, found, **how)
        return int(sum(table[i, j] for i, j in match(table)))

    return count_identified


def _all_covered(truth, found) -> int:
    return int(_together(truth, found).sum())


def _best_of_each_identity(truth, found) -> int:
    return int(_together(truth, found).max(axis=0).sum())


def _same_number(truth, found) -> int:
    """Ne compte une boîte que si son numéro est celui de l'objet dans la vérité."""
    total = 0
    for (objects, true_boxes), (ids, boxes) in zip(_read(truth), _read(found), strict=True):
        covered = _at_least(metrics.overlaps(true_boxes, boxes))
        total += int((covered & np.equal.outer(objects, ids)).sum())
    return total


def _first_identity(truth, found) -> int:
    """Garde à chaque objet la première identité qui le recouvre."""
    own, total = {}, 0
    for (objects, true_boxes), (ids, boxes) in zip(_read(truth), _read(found), strict=True):
        for i, j in np.argwhere(_at_least(metrics.overlaps(true_boxes, boxes))):
            total += own.setdefault(objects[i], ids[j]) == ids[j]
    return int(total)


def _pairs_once(truth, found) -> int:
    table = _together(truth, found)
    return sum(bool(table[i, j]) for i, j in _matched(table))


def _share_of_truths(truth, found) -> float:
    return _identified()(truth, found) / sum(len(ids) for ids, _ in _read(truth))


FAULTS = [
    Mistake("identity_not_kept", _faults(keeps=False), "3/4"),
    Mistake("absence_forgets", _faults(remembers=False), "1/2"),
    Mistake("absence_forgets", _faults(remembers=False, keeps=False), "1/2"),
    Mistake("box_for_two_objects", _faults(match=_each_row), "3/4"),
    Mistake("box_for_two_objects", _faults_of_best_boxes, "3/4"),
    Mistake("threshold_excluded", _faults(covers=_over), "3/4"),
    Mistake("threshold_of_tracks", _faults(covers=_at_tracking_threshold)),
    Mistake("matched_greedily", _faults(match=_greedily), "3/4"),
    Mistake("matched_greedily", _faults(match=_row_by_row), "3/4"),
    Mistake("threshold_late", _faults(gains=_everywhere), "3/4"),
    Mistake("overlap_not_weighed", _faults(gains=_all_alike), "3/4"),
    Mistake("start_is_switch", _faults(switched=_has_changed_or_starts)),
    Mistake("switch_from_truth", _faults(switched=_is_not_number)),
    Mistake("numbers_matched", _faults_by_number),
]
IDENTIFIED = [
    Mistake("identity_shared", _identified(match=_each_row), "1/2"),
    Mistake("identity_shared", _best_of_each_identity, "1/2"),
    Mistake("identity_not_counted", _all_covered),
    Mistake("first_identity_kept", _first_identity, "1/2"),
    Mistake("matched_greedily", _identified(match=_greedily), "1/2"),
    Mistake("threshold_excluded", _identified(covers=_over), "1/2"),
    Mistake("threshold_of_tracks", _identified(covers=_at_tracking_threshold)),
    Mistake("least_identified", _identified(match=_least)),
    Mistake("numbers_matched", _same_number),
    Mistake("rank_for_identity", _identified(by_rank=True)),
    Mistake("pairs_counted_once", _pairs_once),
    Mistake("share_for_count", _share_of_truths),
]
SWAPPED = ("aaaaabbbbb", "bbbbbaaaaa")
BACK = (*SWAPPED, "cccc...eee")  # et un objet revient d'une absence sous un autre nom


@compared("ex27.count_faults", mistakes=FAULTS)
def ask_count_faults(ask: Ask) -> list:
    """Compte les fautes de suivis où chacune est plantée."""
    doubled = (*USUAL[:4], "....ff....")
    found = [
        (level, [_draw_tracks(ask.rng, *rows) for _ in range(2)])
        for level, rows in (("1/4", ()), ("1/2", SWAPPED), ("3/4", BACK), ("1", doubled))
    ]
    found += [("1", [_draw_one_box_for_two(ask.rng)]), ("1", [_draw_at_threshold(ask.rng)])]
    return [*found, *(("1", [call]) for call in _draw_hard_rows(ask.rng))]


@compared("ex27.count_identified", mistakes=IDENTIFIED)
def ask_count_identified(ask: Ask) -> list:
    """Compte les boîtes bien identifiées de suivis où des identités s'échangent."""
    shared = ("aaaaaaeeee", "bbbfffaaaa")  # la même identité est la plus fréquente de deux objets
    late = ("aaabbbbbbb", "cccccccccc", "dddddddddd")  # la première n'est pas la meilleure
    renounced = ("aaaaabbbb.", ".....aaaa.")  # prendre d'abord la plus fréquente en compte moins
    groups = (("1/2", [(), ()]), ("1", [BACK, shared, BACK, shared, late, renounced]))
    found = [
        (level, [_draw_tracks(ask.rng, *rows) for rows in several]) for level, several in groups
    ]
    return [*found, ("1", [_draw_at_threshold(ask.rng)])]


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


def _last_divided(counts) -> float:
    """Ne divise que les changements : les parenthèses manquent."""
    given = counts.options
    return 1 - given["misses"] + given["false_alarms"] + given["switches"] / given["truths"]


def _divided_by_all(counts) -> float:
    given = counts.options
    faults = given["misses"] + given["false_alarms"] + given["switches"]
    return 1 - faults / (given["truths"] + given["found"])


def _divided_whole(counts) -> int:
    given = counts.options
    return 1 - (given["misses"] + given["false_alarms"] + given["switches"]) // given["truths"]


def _in_percent(value: float) -> float:
    return 100 * value


def _rounded(digits: int) -> Callable:
    return altered(_mota(), partial(round, ndigits=digits))


MOTA = [
    Mistake("over_found_boxes", _mota(over="found")),
    Mistake("bounded_at_zero", _mota(least=0), "1/2"),
    *(
        Mistake("fault_ignored", _mota(ignored=(k,)))
        for k in ("switches", "misses", "false_alarms")
    ),
    Mistake("only_switches_divided", _last_divided),
    Mistake("over_all_boxes", _divided_by_all),
    Mistake("whole_division", _divided_whole),
    Mistake("mota_in_percent", altered(_mota(), _in_percent)),
    *(Mistake("mota_rounded", _rounded(digits)) for digits in (1, 2, 3, 4)),
]


@compared("ex27.mota", mistakes=MOTA)
def ask_mota(ask: Ask) -> list:
    """Rapporte des fautes aux boîtes vraies."""
    # 37 boîtes vraies : la division ne tombe pas juste, et un arrondi se voit.
    # De chaque sorte de fautes, `least` au moins : la dernière fois, plus que de boîtes vraies.
    counts = [
        metrics.Counts(37, 59, *ask.rng.integers(least, 2 * least, 4).tolist())
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
    """Prend la plus grande IoU permise qui reste, sans jamais y renoncer."""
    return _greedily(_allowed(shared))


def _allowed(shared) -> np.ndarray:
    """Met à zéro les IoU défendues."""
    shared = np.array(shared, float)
    return np.where(shared >= tracking.MIN_IOU, shared, 0)


def _best_of_each_row(shared) -> list[tuple[int, int]]:
    """Donne à chaque piste la détection qui la recouvre le plus, même déjà prise."""
    allowed = _allowed(shared)
    return [(i, j) for i, j in _each_row(allowed) if allowed[i, j]]


def _most_pairs(shared) -> list[tuple[int, int]]:
    """Cherche d'abord le plus de paires permises, puis la plus grande somme."""
    allowed = _allowed(shared)
    return [(i, j) for i, j in _matched(allowed + 100 * (allowed > 0)) if allowed[i, j]]


def _above_threshold(shared) -> list[tuple[int, int]]:
    """Défend une IoU égale au seuil."""
    shared = np.array(shared, float)
    allowed = np.where(shared > tracking.MIN_IOU, shared, 0)
    return [(i, j) for i, j in _matched(allowed) if allowed[i, j]]


def _two_arrays(shared) -> tuple[np.ndarray, np.ndarray]:
    """Rend les lignes d'un côté, les colonnes de l'autre, telles qu'elles sont trouvées."""
    return linear_sum_assignment(-_allowed(shared))


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
    # Avant celles qui se trompent d'un seul de leurs appels, et d'autres encore.
    Mistake("threshold_excluded", _above_threshold, "1/2"),
    Mistake("most_pairs", _most_pairs, "1/2"),
    Mistake("threshold_of_found", _above_half),
    Mistake("threshold_missing", _without_threshold),
    Mistake("smallest_sum", _smallest_sum),
    Mistake("smallest_sum", _smallest_sum_without_threshold),
    Mistake("detection_shared", _best_of_each_row),
    Mistake("two_arrays", _two_arrays),
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
        shuffled([0.9, 0.3], [0.25, 0.0]),  # une seule paire vaut mieux que deux
        ((np.array([[0.6, 0.1], [0.0, tracking.MIN_IOU]]),), {}),  # une IoU égale au seuil
    ]
    return [("1/2", plain, _as_table), ("1", hard, _as_table)]


def _sizes(names) -> np.ndarray:
    """Compte les numéros de chaque image."""
    return np.array([np.size(each) for each in names], float)


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


def _opposite(value: bool) -> bool:
    return not value


def _long(_) -> int:
    return tracking.MEMORY


def _followed(*, names="identity", predicts=True, corrects=True, opens=True, turned=False):
    """Rend `track` avec, au choix, une erreur.

    Args:
        names: ce que reçoit une détection : `"identity"`, le numéro de sa piste, `"rank"`, le rang
            de cette piste parmi celles qui restent, ou `"total"`, le numéro, qui est pour une
            nouvelle piste le nombre de celles qui restent.
        predicts: une piste avance d'une image à l'autre ; sinon, elle ne compte que ses absences.
        corrects: une piste tient compte de sa détection ; sinon, elle est seulement présente.
        opens: une détection sans piste en ouvre une, même après la première image.
        turned: l'IoU a une ligne par détection, et une colonne par piste.
    """

    def track(detections, method):
        given = method.options
        match = tracking.match_best if given["optimal"] else tracking.match_nearest
        tracks, numbered, following = [], [], 0
        for t, boxes in enumerate(detections):
            for each in tracks:
                each.predict(moving=given["moving"] and predicts)
            tracks = [each for each in tracks if each.absent <= given["memory"]]
            expected = np.array([each.box for each in tracks]).reshape(-1, 4)
            ids = np.full(len(boxes), ABSENT)
            shared = metrics.overlaps(expected, boxes)
            for i, j in match(shared.T if turned else shared):
                if corrects:
                    tracks[i].correct(boxes[j], moving=given["moving"])
                tracks[i].absent = 0
                ids[j] = i if names == "rank" else tracks[i].identity
            for j in np.flatnonzero(ids == ABSENT):
                ids[j] = len(tracks) if names == "total" else following
                following += 1
                if opens or not t:
                    tracks.append(tracking.Track(boxes[j], int(ids[j])))
            numbered.append(ids)
        return numbered

    return track


def _sorted_first(detections, method) -> list[np.ndarray]:
    """Range les détections de gauche à droite, et perd leur ordre."""
    rows = [each[np.argsort(each[:, 0])] for each in detections]
    return tracking.track(rows, tracking.Method(**method.options))


def _in_one_array(detections, method) -> np.ndarray:
    return np.concatenate(tracking.track(detections, tracking.Method(**method.options)))


def _empty_skipped(detections, method) -> list[np.ndarray]:
    """Suit comme si les images sans détection n'étaient pas dans le film."""
    seen = [each for each in detections if len(each)]
    ids = iter(tracking.track(seen, tracking.Method(**method.options)))
    return [next(ids) if len(each) else np.zeros(0, int) for each in detections]


def _numbered_anew(detections, method) -> list[np.ndarray]:
    return [np.arange(len(each)) for each in detections]


TRACKED = [
    Mistake("one_array", _in_one_array),
    Mistake("optimal_always", _tracked(optimal=_always)),
    Mistake("empty_image_skipped", _empty_skipped, "3/4"),
    Mistake("numbered_anew", _numbered_anew),
    Mistake("moving_ignored", _tracked(moving=_never)),
    Mistake("optimal_ignored", _tracked(optimal=_never)),
    Mistake("forgotten_late", _tracked(memory=lambda memory: memory + 1)),
    Mistake("forgotten_early", _tracked(memory=lambda memory: memory - 1)),
    Mistake("optimal_inverted", _tracked(optimal=_opposite)),
    Mistake("moving_always", _tracked(moving=_always), "1/2"),
    Mistake("never_forgotten", _tracked(memory=_long)),
    Mistake("numbers_used_again", _followed(names="total")),
    Mistake("rank_of_track", _followed(names="rank")),
    Mistake("not_predicted", _followed(predicts=False), "3/4"),
    Mistake("not_corrected", _followed(corrects=False)),
    Mistake("never_opened", _followed(opens=False)),
    Mistake("overlaps_turned", _followed(turned=True)),
    Mistake("detections_sorted", _sorted_first),
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

    def stopped(method):
        """Tire des objets qui avancent, puis s'arrêtent pendant que le premier est caché."""
        (seen, given), named = draw(method, speed=4)
        last = seen[9][np.argsort(seen[9][:, 1])]
        seen[10:16], seen[16:] = [last[1:]] * 6, [last] * 4
        return (seen, given), named

    near, kalman = tracking.METHODS["neighbour"], tracking.METHODS["kalman"]
    long = tracking.METHODS["memory"]._replace(memory=8)
    return [
        ("1/2", [draw(near)], _sizes),
        ("1/2", [draw(near)], _renumbered),
        ("1/2", [draw(near, hidden=range(8, 12))], _renumbered),
        ("3/4", [draw(long, hidden=range(9, 13), speed=0.5)], _renumbered),  # retrouvé
        ("3/4", [draw(long, hidden=range(6, 18), speed=0)], _renumbered),  # oublié
        # Une image d'absence sépare ce qui se retrouve de ce qui s'oublie.
        ("3/4", [draw(long, hidden=range(6, 6 + num), speed=0) for num in (7, 8)], _renumbered),
        ("3/4", [stopped(long)], _renumbered),  # sans `moving`, attendu là où il était
        ("1", [draw(kalman, hidden=range(14, 21), speed=6)], _renumbered),
        ("1", [crossed(each) for each in (near, tracking.METHODS["hungarian"])], _renumbered),
        ("1", [emptied(near, 2), emptied(long, 10)], _renumbered),  # l'absence de tous se compte
    ]
