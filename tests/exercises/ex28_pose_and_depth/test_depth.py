"""Des paires de disparité plantée : ce que l'on voit, ce qui est caché, ce qui s'apparie."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exercises.ex28_pose_and_depth import depth, pairs

QUESTION = "S3, 3D Reconstruction"
WIDTH = pairs.SIDE_PX + pairs.MAX_DISPARITY
SHAPE = (pairs.SIDE_PX, WIDTH)


def plane(disparity, *, seed=0, mask=None):
    """Un plan au tissu de bruit lisse d'une colonne à l'autre, ou d'une seule couleur."""
    texture = np.random.default_rng(seed).uniform(0, 255, SHAPE)
    return pairs.Plane(texture, np.ones(SHAPE, bool) if mask is None else mask, disparity)


# --- Ce que voient les deux caméras --------------------------------------------------


@pytest.mark.question(QUESTION)
def test_a_constant_shift_is_a_constant_disparity():
    left, right, disparity, hidden = pairs.see([plane((5.0, 0, 0))])
    assert (disparity == 5).all()
    np.testing.assert_allclose(right[:, : 64 - 5], left[:, 5:])
    expected = np.zeros((64, 64), bool)
    expected[:, :5] = True  # sorti de l'image de droite
    np.testing.assert_array_equal(hidden, expected)


def test_a_slanted_plane_lands_where_its_disparity_says():
    slanted = plane((3.0, 0.05, 0.02))._replace(texture=np.tile(2.0 * np.arange(WIDTH), (64, 1)))
    left, right, disparity, hidden = pairs.see([slanted])
    np.testing.assert_allclose(disparity, 3 + 0.05 * pairs.COLUMNS + 0.02 * pairs.ROWS)
    landing = pairs.COLUMNS - disparity
    for row in (
        0,
        20,
        63,
    ):  # la texture est linéaire : la droite, relue entre deux pixels, est exacte
        seen = ~hidden[row] & (landing[row] <= 62)
        found = np.interp(landing[row, seen], np.arange(64), right[row])
        np.testing.assert_allclose(found, left[row, seen], atol=1e-9)


@pytest.mark.question(QUESTION)
@settings(max_examples=10, deadline=None)
@given(st.integers(1, 5), st.integers(6, 14), st.integers(20, 40), st.integers(4, 15))
def test_a_close_square_hides_as_many_columns_as_it_jumps(far, near, left, width):
    """À gauche du carré, la droite ne voit pas `near - far` colonnes du fond."""
    mask = np.zeros(SHAPE, bool)
    mask[10:20, left : left + width] = True
    planes = [plane((far, 0, 0)), plane((near, 0, 0), seed=1, mask=mask)]
    _, _, disparity, hidden = pairs.see(planes)
    truth = np.where(mask[:, :64], near, far)
    np.testing.assert_array_equal(disparity, truth)
    expected = np.zeros((64, 64), bool)
    expected[:, :far] = True
    # Le carré couvre, à droite, [left - near, left + width - near[ ; le fond y arrive de `far` plus
    # loin, sauf là où, à gauche, c'est encore le carré que l'on voit.
    expected[10:20, left - near + far : left + width - near + far] = True
    expected[10:20, :near] |= mask[10:20, :near]
    expected &= ~mask[:, :64] | (pairs.COLUMNS < near)
    np.testing.assert_array_equal(hidden, expected)


def test_composed_pairs_agree_with_their_truth():
    """Les pixels visibles de gauche se retrouvent à droite, là où la disparité le dit."""
    from tests.conftest import load_extract

    objects, photographs = (load_extract(name)[0] for name in ("fashion_mnist", "cifar10"))
    made = pairs.compose_pairs(photographs, objects, num_pairs=12, seed=0)
    assert made.images.shape == (12, 2, 64, 64) and made.disparity.shape == (12, 64, 64)
    assert 0 < made.disparity.min() and made.disparity.max() < pairs.MAX_DISPARITY - 1
    assert 0.05 < made.hidden.mean() < 0.4
    rows = pairs.ROWS.astype(int)
    gaps = {False: [], True: []}
    for (left, right), disparity, hidden in zip(*made, strict=True):
        landing = np.clip(np.rint(pairs.COLUMNS - disparity), 0, 63).astype(int)
        for shift, where in ((False, landing), (True, (landing + 7) % 64)):
            gap = np.abs(left.astype(float) - right[rows, where])
            gaps[shift].append(np.median(gap[~hidden]))
    assert np.median(gaps[False]) < 10 < 2 * np.median(gaps[False]) < np.median(gaps[True])


# --- Apparier ------------------------------------------------------------------------


def shifted(disparity: int, *, gain: float = 1.0) -> np.ndarray:
    left = np.random.default_rng(3).integers(0, 100, (64, 80))
    right = np.clip(gain * left[:, disparity : disparity + 64] + 40 * (gain > 1), 0, 255)
    return np.stack([left[:, :64], right])[None].astype(np.uint8)


@pytest.mark.question(QUESTION)
@pytest.mark.parametrize("disparity", [1, 6, 14])
def test_windows_find_a_constant_shift_exactly(disparity):
    """Bruit contre son décalé : le coût est nul au bon décalage, la parabole ne le déplace pas."""
    for kind in depth.COSTS:
        found = depth.match_windows(shifted(disparity), kind, window_px=5)
        inner = found[0, 3:-3, disparity + 3 : -3]
        np.testing.assert_array_equal(np.rint(inner), disparity)
    bright = depth.match_windows(shifted(disparity, gain=1.5), "zncc", window_px=5)
    np.testing.assert_array_equal(np.rint(bright[0, 3:-3, disparity + 3 : -3]), disparity)


def test_brightness_misleads_only_the_absolute_gaps():
    bright = shifted(6, gain=1.5)
    found = {kind: depth.match_windows(bright, kind, window_px=5) for kind in depth.COSTS}
    wrong = {kind: (np.abs(each[0, 3:-3, 9:-3] - 6) > 1).mean() for kind, each in found.items()}
    assert wrong["zncc"] == 0 and wrong["sad"] > 0.1


@given(st.floats(0.6, 14.4), st.floats(0.1, 5))
@settings(max_examples=20, deadline=None)
def test_the_winner_is_the_bottom_of_a_parabola(bottom, curve):
    costs = curve * (np.arange(pairs.MAX_DISPARITY) - bottom) ** 2
    assert depth.winner(costs[None])[0] == pytest.approx(bottom, abs=1e-6)
    assert depth.winner(-costs[None])[0] in (0, 15)  # au bout, rien à affiner


def test_correlation_against_a_double_loop():
    rng = np.random.default_rng(0)
    left, right = rng.normal(size=(2, 1, 3, 20, 4)).astype("float32")
    found = np.asarray(depth.correlate(left, right))
    assert found.shape == (1, 3, 20, 16)
    for d in range(pairs.MAX_DISPARITY):
        for x in range(20):
            gap = 0 if x < d else (left[0, :, x] * right[0, :, x - d]).sum(-1)
            np.testing.assert_allclose(found[0, :, x, d], gap, atol=1e-5)


# --- Mesurer -------------------------------------------------------------------------


def test_judge_counts_by_region():
    images = np.random.default_rng(0).integers(0, 256, (1, 2, 64, 64)).astype(np.uint8)
    images[0, :, :, 32:] = 90 + 5 * (-1) ** np.arange(32)  # uni : un écart-type de 5, sous 6
    hidden = np.zeros((1, 64, 64), bool)
    hidden[0, :, :4] = True
    truth = pairs.Pairs(images, np.full((1, 64, 64), 5, np.float32), hidden)
    where = depth.regions(truth)
    assert where["flat"][0, :, 36:].all() and not where["flat"][0, :, :28].any()
    found = np.full((1, 64, 64), 5.0)
    found[0, :, :4] += 3
    found[0, :, 36:] -= 1  # un pixel tout juste : pas faux
    measured = depth.judge(found, truth)
    assert measured["mae_hidden"] == 3 and measured["bad_hidden"] == 1
    assert measured["bad_visible"] == 0 and measured["bad_all"] == pytest.approx(4 / 64)
    assert measured["mae_visible"] == pytest.approx(28 / 60)
    assert measured["mae_all"] == pytest.approx((28 + 12) / 64)
    assert "mae_hidden" not in depth.judge(5, truth._replace(hidden=np.zeros_like(hidden)))


def test_depth_is_focal_times_baseline_over_disparity():
    assert depth.depth_cm(6.0) == 100  # 60 pixels × 10 cm ÷ 6 pixels
    assert depth.depth_cm(np.array([12.0, 3.0])).tolist() == [50, 200]
