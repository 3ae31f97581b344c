"""Des paires de disparité plantée : ce que l'on voit, ce qui est caché, ce qui s'apparie."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exercises.ex28_pose_and_depth import depth, pairs

QUESTION = "S3, 3D Reconstruction"
SHAPE = (pairs.SIDE_PX, pairs.SIDE_PX + pairs.MAX_DISPARITY)


def plane(disparity, *, mask=True):
    """Un plan dont la couleur grandit de 2 par colonne : entre deux colonnes, elle est exacte."""
    texture = np.tile(2.0 * np.arange(SHAPE[1]), (SHAPE[0], 1))
    return pairs.Plane(texture, np.broadcast_to(mask, SHAPE), disparity)


# --- Ce que voient les deux caméras --------------------------------------------------


@pytest.mark.question(QUESTION)
@pytest.mark.parametrize(("a", "b", "c"), [(5.0, 0, 0), (3.0, 0.05, 0.02)])
def test_a_plane_lands_where_its_disparity_says(a, b, c):
    left, right, disparity, hidden = pairs.see([plane((a, b, c))])
    np.testing.assert_allclose(disparity, a + b * pairs.COLUMNS + c * pairs.ROWS)
    landing = (pairs.COLUMNS - disparity)[20]
    seen = ~hidden[20] & (landing <= 94)
    found = np.interp(landing[seen], np.arange(96), right[20])
    np.testing.assert_allclose(found, left[20, seen], atol=1e-9)


@pytest.mark.question(QUESTION)
@settings(max_examples=10, deadline=None)
@given(st.integers(1, 5), st.integers(6, 14), st.integers(20, 40), st.integers(4, 15))
def test_a_close_square_hides_as_many_columns_as_it_jumps(far, near, left, width):
    """À gauche du carré, la droite ne voit pas `near - far` colonnes du fond."""
    mask = np.zeros(SHAPE, bool)
    mask[10:20, left : left + width] = True
    planes = [plane((far, 0, 0)), plane((near, 0, 0), mask=mask)]
    _, _, disparity, hidden = pairs.see(planes)
    truth = np.where(mask[:, :96], near, far)
    np.testing.assert_array_equal(disparity, truth)
    expected = np.zeros((96, 96), bool)
    expected[:, :far] = True
    # Le carré couvre, à droite, [left - near, left + width - near[ ; le fond y arrive de `far` plus
    # loin, sauf là où, à gauche, c'est encore le carré que l'on voit.
    expected[10:20, left - near + far : left + width - near + far] = True
    expected[10:20, :near] |= mask[10:20, :near]
    expected &= ~mask[:, :96] | (pairs.COLUMNS < near)
    np.testing.assert_array_equal(hidden, expected)


def test_composed_pairs_agree_with_their_truth(extract):
    """Les pixels visibles de gauche se retrouvent à droite, là où la disparité le dit."""
    objects, photographs = (extract(name)[0] for name in ("fashion_mnist", "cifar10"))
    made = pairs.compose_pairs(photographs, objects, num_pairs=6, seed=0)
    assert 0 < made.disparity.min() and made.disparity.max() < pairs.MAX_DISPARITY - 1
    landing = np.clip(np.rint(pairs.COLUMNS - made.disparity), 0, 95).astype(int)
    left, right = made.images.astype(float).swapaxes(0, 1)
    right_gap, wrong_gap = (
        np.median(np.abs(left - np.take_along_axis(right, where, 2))[~made.hidden])
        for where in (landing, (landing + 7) % 96)
    )
    assert right_gap < 10 < 2 * right_gap < wrong_gap


# --- Apparier ------------------------------------------------------------------------


def shifted(disparity: int, *, gain: float) -> np.ndarray:
    left = np.random.default_rng(3).integers(0, 100, (64, 80))
    right = gain * left[:, disparity : disparity + 64] + 40 * (gain > 1)
    return np.stack([left[:, :64], right])[None].astype(np.uint8)


@pytest.mark.question(QUESTION)
@pytest.mark.parametrize("disparity", [1, 6, 14])
def test_windows_find_a_constant_shift_exactly(disparity):
    """Du bruit et le même décalé ; la ZNCC le retrouve aussi dans une image plus claire."""
    for kind, gain in (("sad", 1), ("zncc", 1), ("zncc", 1.5)):
        found = depth.match_windows(shifted(disparity, gain=gain), kind, window_px=5)
        inner = found[0, 3:-3, disparity + 3 : -3]
        np.testing.assert_array_equal(np.rint(inner), disparity)


@given(st.floats(0.6, 30.4), st.floats(0.1, 5))
@settings(max_examples=20, deadline=None)
def test_the_winner_is_the_bottom_of_a_parabola(bottom, curve):
    costs = curve * (np.arange(pairs.MAX_DISPARITY) - bottom) ** 2
    assert depth.winner(costs[None])[0] == pytest.approx(bottom, abs=1e-6)
    assert depth.winner(-costs[None])[0] in (0, 31)  # au bout, rien à affiner


def test_correlation_compares_each_pixel_to_the_one_on_its_left():
    rng = np.random.default_rng(0)
    left, right = rng.normal(size=(2, 1, 3, 40, 4)).astype("float32")
    found = np.asarray(depth.correlate(left, right))
    for d in range(pairs.MAX_DISPARITY):
        expected = np.zeros((1, 3, 40))
        expected[:, :, d:] = (left[:, :, d:] * right[:, :, : 40 - d]).sum(-1)
        np.testing.assert_allclose(found[..., d], expected, atol=1e-5)


# --- Mesurer -------------------------------------------------------------------------


@pytest.mark.question(QUESTION)
def test_bad_pixels_are_those_off_by_more_than_one():
    truth, where = np.full((1, 8, 8), 5.0), np.ones((1, 8, 8), bool)
    found = truth.copy()
    found[0, :, :2] += 3
    found[0, :, 6:] -= 1  # un pixel tout juste : pas faux
    assert depth.bad_pixels({"sad": found}, truth, where)["sad"] == [1 / 4]
    where[0, :, :2] = False  # où la vérité n'est pas connue
    assert depth.bad_pixels({"sad": found}, truth, where)["sad"] == [0]


def test_depth_is_focal_times_baseline_over_disparity():
    assert depth.depth_cm(6.0) == 100  # 60 pixels × 10 cm ÷ 6 pixels


def test_agreement_is_whole_where_the_disparity_is_right():
    left = np.random.default_rng(0).integers(0, 256, (20, 40))
    right = np.roll(left, -3, axis=1)
    assert depth.agreement(np.stack([left, right]), np.full(left.shape, 3.0)) > 0.9
    assert abs(depth.agreement(np.stack([left, right]), np.zeros(left.shape))) < 0.2
    assert depth.agreement(np.zeros((2, 20, 40)), np.zeros(left.shape)) == 0
