"""Exercice 27 : juger un suivi, apparier des boîtes, suivre."""

import numpy as np

from exercises.ex27_video import metrics, tracking
from grading.messages import Ingredient
from grading.questions import Ask, Credit, question

SIDE = 20.0  # d'une boîte
ABSENT = -1  # identité d'une boîte qui n'est pas rendue


# --- Juger un suivi ------------------------------------------------------------------


def _moved(start: np.ndarray, speed, num_frames: int) -> np.ndarray:
    """Fait avancer des boîtes, données par leur coin `(n, 2)` : `(images, n, 4)`."""
    corners = start + np.arange(num_frames)[:, None, None] * np.asarray(speed)
    return np.concatenate([corners, corners + SIDE], axis=-1)


def _draw_tracks(rng, *faults: str) -> tuple[tuple, dict]:
    """Tire un suivi de quatre objets sur dix images, et ses fautes.

    Args:
        rng: hasard.
        faults: `"swap"`, deux objets échangent leurs identités à mi-chemin ; `"absent"`, un objet
            n'est pas trouvé trois images, et revient sous un autre numéro ; `"doubled"`, une boîte
            recouvre un objet mieux que la sienne, le temps de deux images ; `"merged"`, une même
            identité est, l'un puis l'autre, la plus fréquente de deux objets.

    Returns:
        L'appel qui donne la vérité et ce qui est rendu. Il y a toujours un oubli, une fausse
        alarme, et une boîte qui ne recouvre un objet que d'un tiers.
    """
    objects, names = rng.permutation(np.arange(4, 12))[:4], rng.permutation(20)[:7]
    start = 60 * np.array([[0, 0], [1, 0], [0, 1], [1, 1]]) + rng.uniform(0, 10, (4, 2))
    truth = _moved(start, [1, 0.5], 10)
    boxes = np.concatenate([truth + rng.uniform(-1, 1, (10, 4, 1)), truth[:, :1]], axis=1)
    ids = np.tile([*names[:4], ABSENT], (10, 1))  # la cinquième boîte ne sert qu'à doubler
    missed, poor = rng.integers(1, 3), rng.integers(7, 9)
    ids[missed, 3] = names[6]
    boxes[missed, 3] += 300
    boxes[poor, 3] = truth[poor, 3] + [SIDE / 2, 0, SIDE / 2, 0]
    if "swap" in faults:
        ids[5:, [0, 1]] = ids[5:, [1, 0]]
    if "absent" in faults:
        ids[4:, 2] = names[4]
        ids[4:7, 2] = ABSENT
    if "doubled" in faults:
        ids[4:6, 4] = names[5]
        boxes[4:6, 0] = truth[4:6, 0] + 3
    if "merged" in faults:
        ids[6:, 0], ids[3:6, 1], ids[6:, 1] = names[4], names[5], names[0]
    return (_shuffled(rng, np.tile(objects, (10, 1)), truth), _shuffled(rng, ids, boxes)), {}


def _shuffled(rng, ids: np.ndarray, boxes: np.ndarray) -> Ingredient:
    """Fait un suivi : chaque image dans le désordre, sans ce qui n'est pas rendu."""
    orders = [rng.permutation(np.flatnonzero(row != ABSENT)) for row in ids]
    said = ([row[each] for row, each in zip(rows, orders, strict=True)] for rows in (ids, boxes))
    return Ingredient("record", metrics.Tracks(*said)._asdict())


@question("ex27.count_faults")
def ask_count_faults(ask: Ask) -> Credit:
    """Juge des suivis dont chaque faute est plantée."""
    stages = [("1/4", ()), ("1/2", ("swap",)), ("3/4", ("swap", "absent")), ("1", ("doubled",))]
    groups = [
        (level, [_draw_tracks(ask.rng, *faults) for _ in range(2)]) for level, faults in stages
    ]
    return ask.compare("count_faults", groups)


@question("ex27.count_identified")
def ask_count_identified(ask: Ask) -> Credit:
    """Compte les boîtes de la bonne identité, avec et sans échange."""
    stages = [("1/2", 2 * [()]), ("1", 2 * [("swap", "absent"), ("merged",)])]
    groups = [
        (level, [_draw_tracks(ask.rng, *faults) for faults in several]) for level, several in stages
    ]
    return ask.compare("count_identified", groups)


@question("ex27.mota")
def ask_mota(ask: Ask) -> Credit:
    """Rapporte des fautes aux boîtes vraies."""
    # De chaque sorte de fautes, `least` au moins : la dernière fois, plus que de boîtes vraies.
    draws = [ask.rng.integers(least, 2 * least, 4).tolist() for least in (2, 5, 20)]
    counts = [metrics.Counts(40, 60, *numbers) for numbers in draws]
    calls = [((Ingredient("record", each._asdict()),), {}) for each in counts]
    return ask.compare("mota", [("1", calls)])


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


@question("ex27.match_best")
def ask_match_best(ask: Ask) -> Credit:
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
    ]
    return ask.compare("match_best", [("1/2", plain, _as_table), ("1", hard, _as_table)])


@question("ex27.track")
def ask_track(ask: Ask) -> Credit:
    """Suit des objets éloignés les uns des autres, l'un caché un moment."""

    def draw(method, *, hidden=(), speed=1.0):
        """Tire les détections de trois objets ; le premier n'est pas vu aux images `hidden`."""
        start = np.array([[0, 0], [0, 100], [0, 200]]) + ask.rng.uniform(0, 20, (3, 2))
        frames = enumerate(_moved(start, [speed, 0], 28))
        seen = [ask.rng.permutation(boxes[t in hidden :]) for t, boxes in frames]
        return (seen, Ingredient("record", method._asdict())), {}

    near, kalman = tracking.METHODS["neighbour"], tracking.METHODS["kalman"]
    long = tracking.METHODS["memory"]._replace(memory=8)
    back, gone = (
        draw(long, hidden=range(9, 13), speed=0.5),
        draw(long, hidden=range(6, 18), speed=0),
    )
    stages = [
        ("1/2", [draw(near), draw(near, hidden=range(8, 12))]),
        ("3/4", [back, gone]),  # retrouvé, puis oublié
        ("1", [draw(kalman, hidden=range(14, 21), speed=6)]),
    ]
    return ask.compare("track", [(*stage, _renumbered) for stage in stages])
