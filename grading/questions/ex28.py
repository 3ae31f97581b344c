"""Exercice 28 : lire une carte de chaleur, le PCK, des fenêtres appariées."""

from functools import partial

import numpy as np

from grading.inside import messages
from grading.questions import (
    TOLERANCE,
    Ask,
    Credit,
    Mistake,
    as_floats,
    compared,
    judge,
    question,
    seen,
)

MAP_CELLS, SIDE_PX = 32, 64
NUM_JOINTS, SHOULDER, HIP = 13, 1, 8
# Écart moyen permis entre une disparité et la vraie : le décalage entier le plus proche se trompe
# de 0,27 à 0,39 pixel ; la parabole, de 0,20 au plus.
NEAR_PX = {"sad": 0.45, "zncc": 0.23}


# --- La pose -------------------------------------------------------------------------


def _planted(cells: np.ndarray) -> np.ndarray:
    """Rend les logarithmes `(n, 32, 32, k)` de gaussiennes centrées en `(n, k, 2)`, en cases."""
    middle = np.arange(MAP_CELLS) + 0.5
    x, y = (cells[:, None, None, :, axis] for axis in (0, 1))
    return 7 - ((middle[None, None, :, None] - x) ** 2 + (middle[None, :, None, None] - y) ** 2) / 2


@compared("ex28.decode", tolerance=TOLERANCE)
def ask_decode(ask: Ask) -> list:
    """Cherche des articulations plantées, entre les cases, puis au bord."""

    def draw():
        # Loin du milieu d'une case, où affiner ne changerait rien.
        shares = ask.rng.choice([0.2, 0.8], (2, 3, 2)) + ask.rng.uniform(-0.1, 0.1, (2, 3, 2))
        return _planted(ask.rng.integers(3, 28, (2, 3, 2)) + shares)

    return [
        ("1/2", [((draw(),), {"refine": False}) for _ in range(2)]),
        ("3/4", [((draw(),), {}), ((draw(),), {"refine": True})]),
        ("1", [((_planted(np.array([[[0.3, 9.4], [12.6, 31.6], [31.7, 0.4]]])),), {})]),
    ]


def _of_torso(first: int, last: int):
    """Rend `pck`, dont le torse va d'une autre articulation à une autre."""

    def pck(found, puppets, fraction=0.2, *, hidden=None):
        joints, visible = puppets.options["joints"], puppets.options["visible"]
        torso = np.linalg.norm(joints[:, first] - joints[:, last], axis=-1)
        near = np.linalg.norm(found - joints, axis=-1) <= fraction * torso[:, None]
        return near[visible != hidden].mean()  # de None, toutes diffèrent

    return pck


# Comptées à partir de 1, d'un même côté, de l'autre diagonale, ou les deux épaules.
TORSOS = [Mistake("wrong_torso", _of_torso(*pair)) for pair in ((0, 7), (1, 7), (2, 7), (1, 2))]


@compared("ex28.pck", mistakes=TORSOS, tolerance=TOLERANCE)
def ask_pck(ask: Ask) -> list:
    """Mesure des places fausses de plus ou moins d'une fraction du torse."""

    def draw():
        joints = ask.rng.integers(8, 56, (4, NUM_JOINTS, 2)).astype(float)
        joints[:, HIP] = joints[:, SHOULDER] + [[12, 9], [16, 12], [8, 15], [20, 15]]
        truth = {
            "images": np.zeros((4, SIDE_PX, SIDE_PX, 3), np.uint8),
            "joints": joints,
            "visible": ask.rng.random((4, NUM_JOINTS)) < 0.7,
        }
        # Assez de places dans le disque de l'écart permis, dans le carré autour, et plus loin.
        return ask.rng.normal(joints, 3), messages.Ingredient("record", truth)

    return [
        ("1/2", [(draw(), {}), (draw(), {}), ((*draw(), 0.3), {}), ((*draw(), 0.1), {})]),
        ("1", [(draw(), {"hidden": hidden}) for hidden in (True, False, True, False)]),
    ]


# --- Le relief -----------------------------------------------------------------------


@question("ex28.match_windows")
def ask_match_windows(ask: Ask) -> Credit:
    """Apparie des images et les mêmes, décalées de moins que 13 pixels, assombries ensuite."""
    cases = [("sad", 5, 1), ("sad", 7, 1), ("zncc", 7, 1), ("zncc", 7, 0.6)]
    drawn = [_draw_pairs(ask.rng, gain) for _, _, gain in cases]
    calls = [
        ((images, kind), {"window_px": window_px})
        for (images, _), (kind, window_px, _) in zip(drawn, cases, strict=True)
    ]
    answers = ask.calls("match_windows", calls)

    def gap(near_px, truth, value):
        """Rend l'écart moyen à la vraie disparité, loin des bords, rapporté à l'écart permis."""
        return np.abs(as_floats(value) - truth)[:, 4:-4, 20:-20].mean() / near_px

    gaps = [
        seen(answer, partial(gap, NEAR_PX[kind], truth))
        for answer, (_, truth), (kind, *_) in zip(answers, drawn, cases, strict=True)
    ]
    groups = [("1/2", calls[:2]), ("1", calls[2:])]
    found = judge(gaps, groups, lambda *_, **named: 0, tolerance=1)
    if found.reason is None:
        return found
    if _are_whole(answers):
        return found._replace(reason="whole_disparity", detail="", wrong=None)
    # Fausses, elles se comparent à celles du corrigé, qui disent pourquoi.
    beside = ask.compare("match_windows", groups, tolerance=TOLERANCE)
    return beside._replace(level=found.level) if beside.reason else found


def _are_whole(answers: list) -> bool:
    """Dit si des disparités sont toutes entières, sans être toutes égales."""
    values = [as_floats(each.value) for each in answers]
    return all(each is not None and each.ndim == 3 for each in values) and all(
        np.isfinite(each).all() and (each == np.rint(each)).all() and np.ptp(each) > 0
        for each in values
    )


def _draw_pairs(rng, gain: float) -> tuple[np.ndarray, np.ndarray]:
    """Tire deux images, plus ou moins contrastées par endroits, et les mêmes décalées.

    Returns:
        Les paires `(2, 2, 20, 70)` uint8, et leurs disparités `(2, 20, 70)`.
    """
    rough = rng.integers(-128, 128, (2, 20, 100))
    smooth = (rough + np.roll(rough, 1, axis=2) + np.roll(rough, 1, axis=1)) / 3
    contrast = 0.55 + 0.45 * np.sin(2 * np.pi * (np.arange(100) / 20 + rng.random()))
    left = 128 + contrast * smooth
    whole, share = int(rng.integers(3, 12)), rng.uniform(0.27, 0.4)
    near, far = (np.roll(left, -whole - step, axis=2) for step in (0, 1))
    pairs = np.stack([left, gain * ((1 - share) * near + share * far)], axis=1)
    return np.rint(pairs[..., 15:-15]).astype(np.uint8), np.full((2, 20, 70), whole + share)


@compared("ex28.depth_cm", tolerance=TOLERANCE)
def ask_depth_cm(ask: Ask) -> list:
    """Convertit des disparités."""
    one, several = float(ask.rng.uniform(1, 15)), ask.rng.uniform(1, 15, (3, 4))
    return [("1", [((one,), {}), ((several,), {})])]
