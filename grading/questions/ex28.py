"""Exercice 28 : lire une carte de chaleur, le PCK, des fenêtres appariées."""

from collections.abc import Callable
from functools import partial

import numpy as np
from scipy.ndimage import uniform_filter
from scipy.special import softmax

from grading.inside import messages
from grading.questions import (
    TOLERANCE,
    Ask,
    Credit,
    Mistake,
    as_floats,
    at_call,
    compared,
    credit,
    judge,
    question,
    same,
    seen,
)

MAP_CELLS, SIDE_PX, CELL_PX = 32, 64, 2
NUM_JOINTS, SHOULDER, HIP = 13, 1, 8
# Écart moyen permis entre une disparité et la vraie : le décalage entier le plus proche se trompe
# de 0,27 à 0,39 pixel ; la parabole, de 0,20 au plus.
NEAR_PX = {"sad": 0.45, "zncc": 0.23}
MAX_DISPARITY = 32
COSTS = {"sad": "sad", "zncc": "minus_zncc"}  # ce qui calcule chaque coût, dans le corrigé
FOCAL_PX, BASELINE_CM = 60, 10


# --- La pose -------------------------------------------------------------------------


def _planted(cells: np.ndarray) -> np.ndarray:
    """Rend les logarithmes `(n, 32, 32, k)` de gaussiennes centrées en `(n, k, 2)`, en cases."""
    middle = np.arange(MAP_CELLS) + 0.5
    x, y = (cells[:, None, None, :, axis] for axis in (0, 1))
    return 7 - ((middle[None, None, :, None] - x) ** 2 + (middle[None, :, None, None] - y) ** 2) / 2


def _as_they_are(scores):
    return scores


def _read(
    *, prepared: Callable = _as_they_are, share: float = 1, wraps=False, always=False, both=False
) -> Callable:
    """Rend `decode`, qui prépare les cartes ou les affine autrement.

    Args:
        prepared: ce qui est fait des cartes avant de les lire.
        share: ce qui multiplie le décalage de la parabole.
        wraps: au bord, la voisine qui manque est lue de l'autre côté.
        always: `refine` n'est pas lu.
        both: au bord d'un axe, l'autre n'est pas affiné non plus.
    """

    def decode(scores, *, refine=True):
        scores = prepared(scores)
        count, _, width, num_joints = scores.shape
        rows, columns = np.divmod(scores.reshape(count, -1, num_joints).argmax(axis=1), width)
        images, joints = np.ogrid[:count, :num_joints]
        found = []
        inside = {
            axis: (cells > 0) & (cells < MAP_CELLS - 1) for axis, cells in ((2, columns), (1, rows))
        }
        for axis, cells in ((2, columns), (1, rows)):
            before, here, after = (
                np.roll(scores, step, axis)[images, rows, columns, joints] for step in (1, 0, -1)
            )
            curve = 2 * here - before - after
            shift = np.divide(after - before, 2 * curve, out=0 * curve, where=curve > 0)
            kept = (inside[1] & inside[2] if both else inside[axis]) | wraps
            found.append(cells + 0.5 + share * shift * kept * (refine or always))
        return CELL_PX * np.stack(found, axis=-1)

    return decode


def _mean_place(scores, *, refine=True):
    """Rend la place moyenne de chaque carte, et non celle de son maximum."""
    shares = softmax(scores, axis=(1, 2))
    middle = np.arange(MAP_CELLS) + 0.5
    x, y = shares.sum(axis=1), shares.sum(axis=2)  # (n, 32, k)
    return CELL_PX * np.stack([np.einsum("nck,c->nk", each, middle) for each in (x, y)], axis=-1)


def _logs_again(scores):
    """Prend le logarithme de cartes qui en sont déjà, ramenées au-dessus de zéro."""
    return np.log(np.maximum(scores - scores.min() + 1e-6, 1e-6))


def _logs_of_positive(scores):
    return np.log(np.maximum(scores, 1e-6))


READINGS = [
    Mistake("shift_doubled", _read(share=2)),
    Mistake("border_of_either", _read(both=True), "3/4"),
    Mistake("logs_again", _read(prepared=_logs_again)),
    Mistake("logs_again", _read(prepared=_logs_of_positive)),
    Mistake("never_refined", _read(share=0)),
    Mistake("shift_in_cells", _read(share=1 / CELL_PX)),
    Mistake("wraps_at_border", _read(wraps=True)),
    Mistake("refine_unread", _read(always=True)),
    Mistake("refine_unread", _read(always=True, share=2)),  # et le 2 du bas de la formule oublié
    Mistake("parabola_of_exponentials", _read(prepared=np.exp)),
    Mistake("mean_place", _mean_place),
]


@compared("ex28.decode", mistakes=READINGS, tolerance=TOLERANCE)
def ask_decode(ask: Ask) -> list:
    """Cherche des articulations plantées, entre les cases, puis au bord."""

    def draw():
        # Loin du milieu d'une case, où affiner ne changerait rien.
        shares = ask.rng.choice([0.2, 0.8], (2, 3, 2)) + ask.rng.uniform(-0.1, 0.1, (2, 3, 2))
        return _planted(ask.rng.integers(3, 28, (2, 3, 2)) + shares)

    return [
        ("1/2", [((draw(),), {"refine": False}) for _ in range(2)]),
        ("3/4", [((draw(),), {}), ((draw(),), {"refine": True})]),
        # Plate loin du maximum : le logarithme d'une telle carte est loin d'être une parabole.
        ("3/4", [((np.maximum(draw(), 5),), {})]),
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


def _strictly(found, puppets, fraction=0.2, *, hidden=None):
    """Ne compte pas une distance égale à la limite."""
    joints, visible = puppets.options["joints"], puppets.options["visible"]
    torso = np.linalg.norm(joints[:, SHOULDER] - joints[:, HIP], axis=-1)
    near = np.linalg.norm(found - joints, axis=-1) < fraction * torso[:, None]
    return near[visible != hidden].mean()


def _of_limit(limit: Callable, *, lists=True) -> Callable:
    """Rend `pck`, dont la limite est autre.

    Args:
        limit: la limite de chaque pantin, d'après leurs torses `(n, 2)`.
        lists: `hidden` est lu.
    """

    def pck(found, puppets, fraction=0.2, *, hidden=None):
        joints, visible = puppets.options["joints"], puppets.options["visible"]
        limits = np.reshape(limit(joints[:, SHOULDER] - joints[:, HIP]), (-1, 1))
        near = np.linalg.norm(found - joints, axis=-1) <= fraction * limits
        return near[visible != hidden].mean() if lists else near.mean()

    return pck


def _false_for_none(found, puppets, fraction=0.2, *, hidden=None):
    """Prend `hidden=False` pour son absence."""
    pck = _of_torso(SHOULDER, HIP)
    return pck(found, puppets, fraction, hidden=hidden or None)


def _side(_) -> float:
    return SIDE_PX


PCKS = [
    *TORSOS,
    Mistake("limit_left_out", _strictly, "3/4"),
    Mistake("hidden_false_unread", _false_for_none, "1/2"),
    Mistake("hidden_unread", _of_limit(partial(np.linalg.norm, axis=-1), lists=False), "1/2"),
    Mistake("torso_unread", _of_limit(_side)),
    Mistake("one_torso", _of_limit(np.linalg.norm)),
]


@compared("ex28.pck", mistakes=PCKS, tolerance=TOLERANCE)
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

    def draw_at_limit():
        # 3 pixels, le cinquième des 15 du premier torse : exactement, même en virgule flottante.
        found, puppets = draw()
        found[0, HIP + 1 :] = puppets.options["joints"][0, HIP + 1 :] + [3, 0]
        return found, puppets

    return [
        ("1/2", [(draw(), {}), (draw(), {}), ((*draw(), 0.3), {}), ((*draw(), 0.1), {})]),
        ("3/4", [(draw(), {"hidden": hidden}) for hidden in (True, False, True, False)]),
        ("1", [(draw_at_limit(), {}), (draw_at_limit(), {})]),
    ]


# --- Le relief -----------------------------------------------------------------------


def _rolled(right, shift):
    """Décale la droite de `shift` pixels ; ce qui sort rentre."""
    return np.roll(right, shift, axis=-1)


def _edged(right, shift):
    """Décale la droite de `shift` pixels ; son bord est répété."""
    places = np.arange(right.shape[-1]) - shift
    return right[..., np.clip(places, 0, right.shape[-1] - 1)]


def _down(image, shift):
    """Décale la droite le long des lignes."""
    return np.roll(image, shift, axis=1)


def _squares(left, right, window_px: int) -> np.ndarray:
    return uniform_filter((left - right) ** 2, (0, window_px, window_px))


def _turned_parabola(costs) -> np.ndarray:
    """Affine dans le mauvais sens, sans regarder si le meilleur décalage est au bord."""
    best = costs.argmin(axis=-1)
    inner = np.clip(best, 1, costs.shape[-1] - 2)[..., None]
    before, here, after = (np.take_along_axis(costs, inner + k, -1)[..., 0] for k in (-1, 0, 1))
    return inner[..., 0] + (after - before) / (2 * np.maximum(before + after - 2 * here, 1e-9))


def _matched(
    ask: Ask,
    shifted: Callable,
    *,
    way: int = 1,
    kept=float,
    best=None,
    of_costs=_as_they_are,
    squared=False,
    window=None,
    least: int = 0,
    most: int = MAX_DISPARITY,
) -> Callable:
    """Rend `match_windows`, dont le corrigé calcule les coûts d'autres décalages.

    Args:
        ask: ce par quoi répond le corrigé.
        shifted: ce qui décale la droite.
        way: -1 : dans l'autre sens.
        kept: le type des pixels.
        best: ce qui est tiré des coûts `(n, h, w, 32)` ; par défaut, le décalage du plus petit.
        of_costs: ce qui est fait des coûts avant d'en tirer le plus petit.
        squared: la SAD est une somme de carrés.
        window: le côté des fenêtres, s'il n'est pas lu.
        least: premier décalage essayé.
        most: nombre où ils s'arrêtent.
    """

    def match_windows(images, kind, *, window_px):
        left, right = images[:, 0].astype(kept), images[:, 1].astype(kept)
        moved = [shifted(right, way * d) for d in range(least, most)]
        size = window or window_px
        if squared and kind == "sad":
            costs = [_squares(left, each, size) for each in moved]
        else:
            each = [((left, one, size), {}) for one in moved]
            costs = [answer.value for answer in ask.reference.calls(COSTS[kind], each)]
        costs = of_costs(np.stack(costs, axis=-1).astype(float))
        if best is not None:
            return best(costs)
        return ask.reference.calls("winner", [((costs,), {})])[0].value

    return match_windows


def _as_depth(ask: Ask) -> Callable:
    """Rend `match_windows`, qui convertit ses disparités en centimètres."""

    def match_windows(images, kind, *, window_px):
        found = _matched(ask, _edged)(images, kind, window_px=window_px)
        return FOCAL_PX * BASELINE_CM / np.maximum(found, 1e-6)

    return match_windows


def _matchings(ask: Ask) -> list[Mistake]:
    """Rend les erreurs connues de `match_windows`, selon ce qui est lu au-delà du bord."""
    found = [
        Mistake(reason, _matched(ask, shifted, **how))
        for reason, how in (
            ("cost_for_shift", {"best": partial(np.min, axis=-1)}),
            ("shifted_the_other_way", {"way": -1}),
            ("gaps_of_bytes", {"kept": np.uint8}),
            ("squared_gaps", {"squared": True}),
            ("few_shifts", {"most": MAX_DISPARITY // 2}),
            ("greatest_cost", {"of_costs": np.negative}),
            ("parabola_turned", {"best": _turned_parabola}),
        )
        for shifted in (_edged, _rolled)
    ]
    return [
        *found,
        Mistake("shifted_down", _matched(ask, _down)),
        Mistake("depth_for_disparity", _as_depth(ask)),
    ]


@question("ex28.match_windows")
def ask_match_windows(ask: Ask) -> Credit:
    """Apparie des images et les mêmes, décalées, assombries ou abîmées ensuite."""
    cases = [  # (ressemblance, côté, tirage, premières colonnes où tout se retrouve à droite)
        ("sad", 5, {}, 20),
        ("sad", 7, {}, 20),
        ("sad", 9, {"num": 8, "spoiled": 0.08, "least_contrast": 0.7}, 20),
        ("sad", 7, {"shifts": (17, 28), "width": 120}, 34),
        ("zncc", 7, {}, 20),
        ("zncc", 7, {"gain": 0.6}, 20),
    ]
    drawn = [_draw_pairs(ask.rng, **how) for _, _, how, _ in cases]
    calls = [
        ((images, kind), {"window_px": window_px})
        for (images, _), (kind, window_px, *_) in zip(drawn, cases, strict=True)
    ]
    other = (calls[2][0], {"window_px": 3})
    *answers, smaller = ask.calls("match_windows", [*calls, other])

    def gap(near_px, start, truth, value):
        """Rend l'écart moyen à la vraie disparité, loin des bords, rapporté à l'écart permis."""
        values = as_floats(value)
        if values.shape != truth.shape:
            raise ValueError("une disparité par pixel de gauche de chaque paire")
        return np.abs(values - truth)[:, 4:-4, start:-20].mean() / near_px

    gaps = [
        seen(answer, partial(gap, NEAR_PX[kind], start, truth))
        for answer, (_, truth), (kind, _, _, start) in zip(answers, drawn, cases, strict=True)
    ]
    groups = [("1/2", calls[:2]), ("1/2", calls[2:4]), ("1", calls[4:])]
    found = judge(gaps, groups, lambda *_, **named: 0, tolerance=1)
    if found.reason is None and same(smaller.value, answers[2].value):
        return at_call(credit("1/2", "window_unread"), "match_windows", other, smaller, drawn[2][1])
    if found.reason is None:
        return found
    if _are_whole(answers):
        number = next(k for k, (given, _) in enumerate(calls) if given is found.wrong.positional)
        whole = answers[number], drawn[number][1]
        wrong = found.wrong._replace(function="match_windows", whole=whole)
        return found._replace(reason="whole_disparity", detail="", wrong=wrong)
    # Fausses, elles se comparent à celles du corrigé, qui disent pourquoi.
    usual = [*gaps[:2], *gaps[4:]]
    if any(not same(0, each.value, tolerance=1) for each in usual):
        groups = groups[::2]  # ces appels suffisent, et se refont plus vite
    beside = ask.compare("match_windows", groups, mistakes=_matchings(ask), tolerance=TOLERANCE)
    return beside._replace(level=found.level) if beside.reason else found


def _are_whole(answers: list) -> bool:
    """Dit si des disparités sont toutes entières, sans être toutes égales."""
    values = [as_floats(each.value) for each in answers]
    return all(each is not None and each.ndim == 3 for each in values) and all(
        np.isfinite(each).all() and (each == np.rint(each)).all() and np.ptp(each) > 0
        for each in values
    )


def _draw_pairs(
    rng,
    *,
    gain: float = 1,
    num: int = 2,
    spoiled: float = 0,
    least_contrast: float = 0.1,
    shifts: tuple[int, int] = (3, 12),
    width: int = 100,
) -> tuple[np.ndarray, np.ndarray]:
    """Tire des images, plus ou moins contrastées par endroits, et les mêmes décalées.

    Args:
        rng: hasard.
        gain: ce qui multiplie la droite.
        num: nombre de paires.
        spoiled: part des pixels de droite qui deviennent noirs ou blancs.
        least_contrast: là où les images sont le moins contrastées.
        shifts: bornes du décalage, la seconde exclue.
        width: largeur tirée, dont quinze colonnes sont ôtées de chaque côté.

    Returns:
        Les paires `(num, 2, 20, width - 30)` uint8, et leurs disparités.
    """
    rough = rng.integers(-128, 128, (num, 20, width))
    smooth = (rough + np.roll(rough, 1, axis=2) + np.roll(rough, 1, axis=1)) / 3
    wave = np.sin(2 * np.pi * (np.arange(width) / 20 + rng.random()))
    left = 128 + (1 + least_contrast + (1 - least_contrast) * wave) / 2 * smooth
    whole, share = int(rng.integers(*shifts)), rng.uniform(0.27, 0.4)
    near, far = (np.roll(left, -whole - step, axis=2) for step in (0, 1))
    right = gain * ((1 - share) * near + share * far)
    extremes = rng.choice([0, 255], right.shape)
    right = np.where(rng.random(right.shape) < spoiled, extremes, right)
    pairs = np.rint(np.stack([left, right], axis=1)[..., 15:-15]).astype(np.uint8)
    return pairs, np.full(pairs[:, 0].shape, whole + share)


def _depth(*, more: float = 0, over: float = 1) -> Callable:
    """Rend `depth_cm`, où la disparité a `more` en trop, et le résultat est divisé par `over`."""

    def depth_cm(disparity):
        return FOCAL_PX * BASELINE_CM / (np.asarray(disparity) + more) / over

    return depth_cm


DEPTHS = [
    Mistake("hundred_times_nearer", _depth(over=100)),
    Mistake("disparity_plus_one", _depth(more=1)),
    Mistake("disparity_plus_one", _depth(more=1, over=100)),
]


@compared("ex28.depth_cm", mistakes=DEPTHS, tolerance=TOLERANCE)
def ask_depth_cm(ask: Ask) -> list:
    """Convertit des disparités."""
    one, several = float(ask.rng.uniform(1, 15)), ask.rng.uniform(1, 15, (3, 4))
    return [("1", [((one,), {}), ((several,), {})])]
