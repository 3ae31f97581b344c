"""Exercice 28 : lire une carte de chaleur, le PCK, des fenêtres appariées, une densité."""

import numpy as np

from grading import messages, pupil
from grading.questions import Ask, Credit, Mistake, as_floats, judge, question

MAP_CELLS, CELL_PX, SIDE_PX = 32, 2.0, 64
NUM_JOINTS, SHOULDER, HIP = 13, 1, 8
MAX_DISPARITY = 16  # décalages essayés, de 0 à 15
FOCAL_PX, BASELINE_CM = 60.0, 10.0
TOLERANCE = 1e-4
PIXEL_TOLERANCE = 5e-3  # intégrée par pixel, la tache diffère de 0.003 ; fausse, de 0.012 au moins
ALIKE = 0.97  # part des pixels qui font que deux cartes de disparité sont la même


# --- La pose -------------------------------------------------------------------------


def _planted(cells: np.ndarray) -> np.ndarray:
    """Rend les logarithmes `(n, 32, 32, k)` de gaussiennes centrées en `(n, k, 2)`, en cases."""
    middle = np.arange(MAP_CELLS) + 0.5
    x, y = (cells[:, None, None, :, axis] for axis in (0, 1))
    return 7 - ((middle[None, None, :, None] - x) ** 2 + (middle[None, :, None, None] - y) ** 2) / 2


def _decode(scores, *, refine=True, sign=1, middle=0.5, scale=CELL_PX, order=(0, 1)):
    """Refait `decode` carte par carte ; les options sont les erreurs."""
    scores = np.asarray(scores, float)
    n, height, width, num = scores.shape
    found = np.zeros((n, num, 2))
    for image, joint in np.ndindex(n, num):
        plane = scores[image, :, :, joint]
        row, column = np.unravel_index(plane.argmax(), plane.shape)
        for axis, (cell, line) in enumerate(((column, plane[row]), (row, plane[:, column]))):
            shift = 0.0
            if refine and 0 < cell < len(line) - 1:
                before, here, after = line[cell - 1 : cell + 2]
                shift = sign * (after - before) / (2 * (2 * here - before - after))
            found[image, joint, axis] = (cell + middle + shift) * scale
    return found[..., list(order)]


@question("ex28.decode")
def ask_decode(ask: Ask) -> Credit:
    """Cherche des articulations plantées, entre les cases, puis au bord."""
    rng = ask.rng

    def draw():
        x, y = rng.integers(3, 12, (2, 3)), rng.integers(18, 28, (2, 3))  # loin de la diagonale
        # Loin aussi du milieu d'une case, où affiner ne changerait rien.
        shares = np.where(rng.random((2, 3, 2)) < 0.5, 0.2, 0.8) + rng.uniform(-0.1, 0.1, (2, 3, 2))
        return _planted(np.stack([x, y], axis=-1) + shares)

    plain = [((draw(),), {"refine": False}) for _ in range(2)]
    fine = [((draw(),), {}), ((draw(),), {"refine": True})]
    edge = np.array([[[0.3, 9.4], [12.6, 31.6], [31.7, 0.4]]])
    border = [((_planted(edge),), {})]

    def folded(scores, **options):
        n, height, width, num = np.shape(scores)
        return _decode(np.reshape(scores, (n, num, height, width)).transpose(0, 2, 3, 1), **options)

    def with_(**fixed):
        return lambda scores, **options: _decode(scores, **{**options, **fixed})

    mistakes = [
        Mistake("not_refined", with_(refine=False), "1/2"),
        Mistake("always_refined", with_(refine=True), "1/2"),
        Mistake("x_y_swapped", with_(order=(1, 0)), "1/4"),
        Mistake("x_y_swapped", with_(order=(1, 0), refine=False), "1/4"),
        Mistake("refined_backwards", with_(sign=-1), "1/2"),
        Mistake("corner_for_middle", with_(middle=0), "1/4"),
        Mistake("corner_for_middle", with_(middle=0, refine=False), "1/4"),
        Mistake("cells_for_pixels", with_(scale=1), "1/4"),
        Mistake("cells_for_pixels", with_(scale=1, middle=0, refine=False), "1/4"),
        Mistake("maps_flattened_wrong", folded),
    ]
    groups = [("1/2", plain), ("3/4", fine), ("1", border)]
    answers = ask.calls("decode", plain + fine + border)
    return judge(answers, groups, _decode, mistakes, tolerance=TOLERANCE)


def _pck(
    found, puppets, fraction=0.2, *, hidden=None, ends=(SHOULDER, HIP), far=None, strict=False
):
    """Refait `pck` ; les options sont les erreurs."""
    joints, visible = puppets.options["joints"], puppets.options["visible"]
    right, asked = 0, 0
    for image in range(len(joints)):
        torso = np.linalg.norm(joints[image, ends[0]] - joints[image, ends[1]])
        for joint in range(NUM_JOINTS):
            if hidden is not None and visible[image, joint] == hidden:
                continue
            gap = found[image, joint] - joints[image, joint]
            distance = np.abs(gap).max() if far == "axis" else np.hypot(*gap)
            allowed = fraction * (SIDE_PX if far == "image" else torso)
            right += distance < allowed if strict else distance <= allowed
            asked += 1
    return right / asked


@question("ex28.pck")
def ask_pck(ask: Ask) -> Credit:
    """Mesure des places fausses de plus ou moins d'une fraction du torse."""
    rng, draws = ask.rng, []
    for _ in range(3):
        joints = rng.integers(8, 56, (4, NUM_JOINTS, 2)).astype(float)
        for image, (x, y) in enumerate(((12, 9), (16, 12), (8, 15), (20, 15))):
            # Le torse mesure 15, 20, 17 ou 25 pixels ; entre les deux épaules, bien moins.
            joints[image, SHOULDER] = 20, 20
            joints[image, HIP] = 20 + x, 20 + y
            joints[image, 2], joints[image, 7] = (26, 20), (20, 28)
        torso = np.linalg.norm(joints[:, SHOULDER] - joints[:, HIP], axis=-1)[:, None]
        angle = rng.uniform(0, 2 * np.pi, (4, NUM_JOINTS))
        # Assez de places dans le disque, dans le carré qui l'entoure, et plus loin.
        ray = torso * rng.choice([0.05, 0.15, 0.22, 0.25, 0.35], (4, NUM_JOINTS))
        found = joints + np.stack([ray * np.cos(angle), ray * np.sin(angle)], axis=-1)
        found[0, 0], found[1, 0] = joints[0, 0] + [3, 0], joints[1, 0] + [0, 4]  # l'écart permis
        corner = torso[2:, 0, None] * [[0.18, 0.18]]
        found[2:, 3] = joints[2:, 3] + corner
        visible = rng.random((4, NUM_JOINTS)) < 0.7
        visible[:, 0], visible[:, 3] = True, False
        images = np.zeros((4, SIDE_PX, SIDE_PX, 3), np.uint8)
        truth = {"images": images, "joints": joints, "visible": visible}
        draws.append((found, messages.Ingredient("record", truth)))
    plain = [(draws[0], {}), (draws[1], {}), ((*draws[2], 0.3), {}), ((*draws[1], 0.1), {})]
    some = [(each, {"hidden": hidden}) for each in draws for hidden in (True, False)]

    def with_(**fixed):
        return lambda *positional, **named: _pck(*positional, **{**named, **fixed})

    def inverted(*positional, hidden=None, **named):
        return _pck(*positional, hidden=None if hidden is None else not hidden, **named)

    mistakes = [
        Mistake("hidden_ignored", with_(hidden=None), "1/2"),
        Mistake("hidden_inverted", inverted, "1/2"),
        Mistake("threshold_not_of_body", with_(far="image")),
        *(Mistake("other_torso", with_(ends=ends), "1/2") for ends in ((1, 2), (1, 7), (2, 7))),
        Mistake("distance_by_axis", with_(far="axis"), "1/4"),
        Mistake("strict_threshold", with_(strict=True), "3/4"),
    ]
    groups = [("1/2", plain), ("1", some)]
    return judge(ask.calls("pck", plain + some), groups, _pck, mistakes, tolerance=TOLERANCE)


# --- Le relief -----------------------------------------------------------------------


def _windows_mean(values: np.ndarray, window_px: int) -> np.ndarray:
    """Moyenne autour de chaque pixel ; le bord est prolongé, il n'est pas regardé ensuite."""
    half = window_px // 2
    padded = np.pad(values, ((half, half), (half, half)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (window_px, window_px))
    return windows.mean(axis=(2, 3))


def _match(images, kind, *, window_px, way=-1, refined=True, choose=np.argmin, eyes=(0, 1)):
    """Refait `match_windows`, loin des bords ; les options sont les erreurs."""
    found = []
    for pair in images:
        left, right = (pair[eye].astype(float) for eye in eyes)
        costs = []
        for disparity in range(MAX_DISPARITY):
            shifted = np.roll(right, -way * disparity, axis=1)
            costs.append(_cost(left, shifted, kind, window_px))
        costs = np.stack(costs, axis=-1)
        best = choose(costs, axis=-1)
        inside = refined & (best > 0) & (best < MAX_DISPARITY - 1)
        before, here, after = (
            np.take_along_axis(costs, (best + step * inside)[..., None], -1)[..., 0]
            for step in (-1, 0, 1)
        )
        curve = before + after - 2 * here
        found.append(best + np.where(inside, (before - after) / (2 * np.where(curve, curve, 1)), 0))
    return _far_from_edges(np.array(found))


def _cost(left, right, kind: str, window_px: int) -> np.ndarray:
    if kind == "sad":
        return _windows_mean(np.abs(left - right), window_px)
    common, mean1, mean2, square1, square2 = (
        _windows_mean(each, window_px) for each in (left * right, left, right, left**2, right**2)
    )
    spread = (square1 - mean1**2) * (square2 - mean2**2)
    return (mean1 * mean2 - common) / np.sqrt(np.maximum(spread, 1e-6))


def _far_from_edges(disparity: np.ndarray) -> np.ndarray:
    margin = MAX_DISPARITY + 4
    return disparity[:, 4:-4, margin:-margin]


@question("ex28.match_windows")
def ask_match_windows(ask: Ask) -> Credit:
    """Apparie des images et les mêmes, décalées de moins que 13 pixels, assombries ensuite."""
    rng = ask.rng

    def draw(*, gain: float):
        pairs = []
        for _ in range(2):
            rough = rng.integers(0, 256, (20, 100)).astype(float)
            smooth = (rough + np.roll(rough, 1, axis=1) + np.roll(rough, 1, axis=0)) / 3
            whole, share = int(rng.integers(3, 12)), rng.uniform(0.25, 0.4)
            near, far = (np.roll(smooth, -whole - step, axis=1) for step in (0, 1))
            moved = (1 - share) * near + share * far
            pairs.append([smooth, gain * moved])
        return np.rint(np.array(pairs)[..., 15:-15]).astype(np.uint8)

    sad = [((draw(gain=1), "sad"), {"window_px": size}) for size in (5, 7)]
    zncc = [((draw(gain=gain), "zncc"), {"window_px": 7}) for gain in (1, 0.6)]

    def with_(**fixed):
        return lambda *positional, **named: _match(*positional, **{**named, **fixed})

    mistakes = [
        Mistake("not_refined", with_(refined=False), "3/4"),
        Mistake("searched_the_other_way", with_(way=1), "1/4"),
        Mistake("images_exchanged", with_(way=1, eyes=(1, 0)), "1/4"),
        Mistake("searched_the_other_way", with_(eyes=(1, 0)), "1/4"),
        Mistake("worst_window", with_(choose=np.argmax), "1/4"),
        Mistake("window_ignored", with_(window_px=1), "1/4"),
    ]
    groups = [("1/2", sad), ("1", zncc)]
    computes = [_match, *(mistake.compute for mistake in mistakes)]
    answers = [
        _snapped(answer, call, computes)
        for answer, call in zip(ask.calls("match_windows", sad + zncc), sad + zncc, strict=True)
    ]
    return judge(answers, groups, _match, mistakes, tolerance=1e-3)


def _snapped(answer: pupil.Answer, call: tuple, computes: list) -> pupil.Answer:
    """Ôte les bords d'une réponse ; la confond avec un calcul qui rend partout, ou presque, autant.

    Deux décalages de même coût, parmi des octets, se départagent au hasard des arrondis.
    """
    value = as_floats(answer.value)
    if value is None or value.shape != (2, 20, 70):
        return answer
    value = _far_from_edges(value)
    for compute in computes:
        expected = compute(*call[0], **call[1])
        if np.mean(np.abs(value - expected) < 1e-3) > ALIKE:
            return pupil.Answer(expected)
    return pupil.Answer(value)


@question("ex28.depth_cm")
def ask_depth_cm(ask: Ask) -> Credit:
    """Convertit des disparités."""
    calls = [((float(ask.rng.uniform(1, 15)),), {}), ((ask.rng.uniform(1, 15, (3, 4)),), {})]

    def right(disparity):
        return FOCAL_PX * BASELINE_CM / np.asarray(disparity)

    mistakes = [
        Mistake("disparity_for_depth", lambda d: np.asarray(d) / (FOCAL_PX * BASELINE_CM)),
        Mistake("disparity_for_depth", lambda d: np.asarray(d) * FOCAL_PX * BASELINE_CM),
        Mistake("disparity_for_depth", lambda d: np.asarray(d) * BASELINE_CM / FOCAL_PX),
        Mistake("focal_or_baseline_missing", lambda d: FOCAL_PX / np.asarray(d), "1/2"),
        Mistake("focal_or_baseline_missing", lambda d: BASELINE_CM / np.asarray(d), "1/2"),
        Mistake("focal_or_baseline_missing", lambda d: right(d) / 100, "1/2"),
    ]
    return judge(ask.calls("depth_cm", calls), [("1", calls)], right, mistakes, tolerance=TOLERANCE)


# --- La foule ------------------------------------------------------------------------


def _density(heads, *, scaling="each", middle=0.5, spread=2.0, swap=False, join=np.sum):
    """Refait `density_map` tête par tête ; les options sont les erreurs."""
    heads = np.asarray(heads, float)
    heads = heads[~np.isnan(heads[:, 0])]
    pixels = np.arange(SIDE_PX) + middle
    spots = [np.zeros((SIDE_PX, SIDE_PX))]
    for x, y in heads[:, ::-1] if swap else heads:
        spot = np.exp(-((pixels[None] - x) ** 2 + (pixels[:, None] - y) ** 2) / (2 * spread**2))
        scale = {"each": spot.sum(), "formula": 2 * np.pi * spread**2}.get(scaling, 1)
        spots.append(spot / scale)
    found = join(spots, axis=0)
    return found * len(heads) / found.sum() if scaling == "whole" else found


@question("ex28.density_map")
def ask_density_map(ask: Ask) -> Credit:
    """Dessine des foules, au milieu puis au bord de l'image, puis avec des places vides."""
    rng = ask.rng

    def draw(num, low=10.0, high=54.0):
        heads = rng.uniform(low, high, (num, 2))
        heads[0] = rng.uniform(low, 25), rng.uniform(40, high)  # loin de la diagonale
        heads[-1] = heads[0] + 1.5  # deux taches qui se recouvrent
        return heads

    middle = [((draw(num),), {}) for num in (3, 6)]
    edges = np.array([[0.4, 30.2], [63.5, 63.7], [33.3, 20.0], [12.0, 1.1]])
    border = [((edges,), {}), ((draw(8, 0.0, 64.0),), {})]
    empty = [((np.concatenate([draw(3), np.full((2, 2), np.nan)]),), {})]

    def with_(**fixed):
        return lambda heads: _density(heads, **fixed)

    mistakes = [
        Mistake("lost_at_border", with_(scaling="formula"), "1/2"),
        Mistake("heads_not_summed", with_(scaling="none"), "1/4"),
        Mistake("heads_not_summed", with_(scaling="none", join=np.max), "1/4"),
        Mistake("whole_map_scaled", with_(scaling="whole"), "1/2"),
        Mistake("max_for_sum", with_(join=np.max), "1/4"),
        Mistake("x_y_swapped", with_(swap=True), "1/4"),
        Mistake("half_pixel", with_(middle=0), "1/2"),
        *(Mistake("other_spread", with_(spread=s), "1/2") for s in (1, 2**0.5, 8**0.5, 4)),
    ]
    groups = [("1/2", middle), ("3/4", border), ("1", empty)]
    answers = ask.calls("density_map", middle + border + empty)
    return judge(answers, groups, _density, mistakes, tolerance=PIXEL_TOLERANCE)
