"""Exercice 28 : lire une carte de chaleur, le PCK, des fenêtres appariées, une densité.

Le corrigé range ces fonctions parmi des réseaux de Keras, que le correcteur n'importe pas : ce qui
est attendu vient de ce qui est planté, ou de la formule de l'énoncé.
"""

import numpy as np

from grading import messages, pupil
from grading.questions import Ask, Credit, as_floats, judge, question

MAP_CELLS, CELL_PX, SIDE_PX = 32, 2.0, 64
NUM_JOINTS, SHOULDER, HIP = 13, 1, 8
FOCAL_PX, BASELINE_CM = 60.0, 10.0
SPREAD_PX = 2.0  # écart-type d'une tache
TOLERANCE = 1e-4
PIXEL_TOLERANCE = 5e-3  # intégrée par pixel, la tache diffère de 0.003 ; fausse, de 0.012 au moins
# Écart moyen permis entre une disparité et la vraie : le décalage entier le plus proche se trompe
# de 0,27 à 0,39 pixel ; la parabole, de 0,20 au plus.
NEAR_PX = {"sad": 0.45, "zncc": 0.23}


# --- La pose -------------------------------------------------------------------------


def _planted(cells: np.ndarray) -> np.ndarray:
    """Rend les logarithmes `(n, 32, 32, k)` de gaussiennes centrées en `(n, k, 2)`, en cases."""
    middle = np.arange(MAP_CELLS) + 0.5
    x, y = (cells[:, None, None, :, axis] for axis in (0, 1))
    return 7 - ((middle[None, None, :, None] - x) ** 2 + (middle[None, :, None, None] - y) ** 2) / 2


@question("ex28.decode")
def ask_decode(ask: Ask) -> Credit:
    """Cherche des articulations plantées, entre les cases, puis au bord."""
    rng = ask.rng

    def draw():
        # Loin du milieu d'une case, où affiner ne changerait rien.
        shares = rng.choice([0.2, 0.8], (2, 3, 2)) + rng.uniform(-0.1, 0.1, (2, 3, 2))
        return rng.integers(3, 28, (2, 3, 2)) + shares

    def right(cells, *, refine=True):
        whole = np.floor(cells)
        inside = (whole > 0) & (whole < MAP_CELLS - 1)
        return CELL_PX * np.where(refine & inside, cells, whole + 0.5)

    plain = [((draw(),), {"refine": False}) for _ in range(2)]
    fine = [((draw(),), {}), ((draw(),), {"refine": True})]
    border = [((np.array([[[0.3, 9.4], [12.6, 31.6], [31.7, 0.4]]]),), {})]
    calls = [((_planted(cells),), named) for (cells,), named in plain + fine + border]
    groups = [("1/2", plain), ("3/4", fine), ("1", border)]
    return judge(ask.calls("decode", calls), groups, right, tolerance=TOLERANCE)


@question("ex28.pck")
def ask_pck(ask: Ask) -> Credit:
    """Mesure des places fausses de plus ou moins d'une fraction du torse."""
    rng = ask.rng

    def draw():
        joints = rng.integers(8, 56, (4, NUM_JOINTS, 2)).astype(float)
        joints[:, HIP] = joints[:, SHOULDER] + [[12, 9], [16, 12], [8, 15], [20, 15]]
        truth = {
            "images": np.zeros((4, SIDE_PX, SIDE_PX, 3), np.uint8),
            "joints": joints,
            "visible": rng.random((4, NUM_JOINTS)) < 0.7,
        }
        # Assez de places dans le disque de l'écart permis, dans le carré autour, et plus loin.
        return rng.normal(joints, 3), messages.Ingredient("record", truth)

    def right(found, puppets, fraction=0.2, *, hidden=None):
        joints, visible = puppets.options["joints"], puppets.options["visible"]
        torso = np.linalg.norm(joints[:, SHOULDER] - joints[:, HIP], axis=-1)[:, None]
        near = np.linalg.norm(found - joints, axis=-1) <= fraction * torso
        return near[visible != hidden].mean()  # None diffère de tout

    plain = [(draw(), {}), (draw(), {}), ((*draw(), 0.3), {}), ((*draw(), 0.1), {})]
    some = [(draw(), {"hidden": hidden}) for hidden in (True, False, True, False)]
    groups = [("1/2", plain), ("1", some)]
    return ask.judge("pck", groups, right, tolerance=TOLERANCE)


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
    rows = zip(ask.calls("match_windows", calls), drawn, cases, strict=True)
    answers = [_snapped(answer, truth, NEAR_PX[kind]) for answer, (_, truth), (kind, *_) in rows]
    truths = [((disparity,), {}) for _, disparity in drawn]
    groups = [("1/2", truths[:2]), ("1", truths[2:])]
    return judge(answers, groups, lambda disparity: disparity)


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


def _snapped(answer: pupil.Answer, disparity: np.ndarray, near_px: float) -> pupil.Answer:
    """Confond avec la vraie disparité une réponse qui en est proche, loin des bords."""
    value = as_floats(answer.value)
    if value is None or value.shape != disparity.shape:
        return answer
    gap = np.abs(value - disparity)[:, 4:-4, 20:-20].mean()
    return pupil.Answer(disparity if gap < near_px else value)


@question("ex28.depth_cm")
def ask_depth_cm(ask: Ask) -> Credit:
    """Convertit des disparités."""
    calls = [((float(ask.rng.uniform(1, 15)),), {}), ((ask.rng.uniform(1, 15, (3, 4)),), {})]

    def right(disparity):
        return FOCAL_PX * BASELINE_CM / disparity

    return ask.judge("depth_cm", [("1", calls)], right, tolerance=TOLERANCE)


# --- La foule ------------------------------------------------------------------------


def _density(heads: np.ndarray) -> np.ndarray:
    heads = heads[~np.isnan(heads[:, 0])]
    gaps = np.arange(SIDE_PX) + 0.5 - heads[..., None]  # (k, 2, 64)
    spots = np.exp(-(gaps**2) / (2 * SPREAD_PX**2))
    spots /= spots.sum(-1, keepdims=True)
    return spots[:, 1].T @ spots[:, 0]


@question("ex28.density_map")
def ask_density_map(ask: Ask) -> Credit:
    """Dessine des foules, au milieu puis au bord de l'image, puis avec des places vides."""
    rng = ask.rng

    def draw(num, low=10.0, high=54.0):
        heads = rng.uniform(low, high, (num, 2))
        heads[-1] = heads[0] + 1.5  # deux taches qui se recouvrent
        return heads

    middle = [((draw(num),), {}) for num in (3, 6)]
    edges = np.array([[0.4, 30.2], [63.5, 63.7], [33.3, 20.0], [12.0, 1.1]])
    border = [((edges,), {}), ((draw(8, 0.0, 64.0),), {})]
    empty = [((np.concatenate([draw(3), np.full((2, 2), np.nan)]),), {})]
    groups = [("1/2", middle), ("3/4", border), ("1", empty)]
    return ask.judge("density_map", groups, _density, tolerance=PIXEL_TOLERANCE)
