"""Les pantins, et des articulations lues exactement dans des cartes plantées."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exercises.ex28_pose_and_depth import pose, puppets

QUESTION = "S3, Pose Estimation"


def planted(joints: np.ndarray) -> np.ndarray:
    """Les logarithmes de taches gaussiennes, à une constante près : `(n, 32, 32, k)`."""
    cells = np.arange(pose.MAP_CELLS) + 0.5
    x, y = (joints[:, None, None, :, k] / pose.CELL_PX for k in (0, 1))
    squares = (cells[None, None, :, None] - x) ** 2 + (cells[None, :, None, None] - y) ** 2
    return 7 - squares / (2 * pose.SPREAD**2)


# --- Les pantins ---------------------------------------------------------------------


def test_joints_are_inside_and_limbs_join_them():
    rng = np.random.default_rng(0)
    for _ in range(5):
        joints = puppets.draw_skeleton(rng)
        assert joints.min() >= puppets.MARGIN_PX
        assert joints.max() <= puppets.SIDE_PX - puppets.MARGIN_PX
        masks = puppets.limb_masks(joints, rng)
        parts = [*puppets.LEGS, (1, 2, 7, 8), (0,), *puppets.ARMS]
        for mask, ends in zip(masks, parts, strict=True):
            pixels = np.argwhere(mask)[:, ::-1] + 0.5
            away = np.linalg.norm(pixels[:, None] - joints[[*ends]], axis=-1).min(0)
            assert away.max() < 1.5  # un membre va d'une articulation à l'autre


def test_a_joint_is_hidden_where_a_garment_passes(monkeypatch):
    """Sur des pantins blancs et des vêtements noirs, un point caché est noir, un visible blanc."""
    white = np.full((1, 32, 32, 3), 255, np.uint8)
    monkeypatch.setattr(puppets, "enlarge", lambda *_: np.full((64, 64, 3), 255, np.uint8))
    black = np.zeros((1, 28, 28), np.uint8)
    full = np.ones((puppets.HIDER_PX[1],) * 2, bool)
    monkeypatch.setattr(puppets, "cut_out", lambda _, px: (full[:px, :px] * 0, full[:px, :px]))
    found = puppets.compose_puppets(white, black, num_images=30, seed=1)
    columns, rows = found.joints.astype(int).transpose(2, 0, 1)
    colors = found.images[np.arange(30)[:, None], rows, columns].max(-1)
    assert ((colors > 100) == found.visible).all()
    assert 0.5 < found.visible.mean() < 1


# --- Lire une carte ------------------------------------------------------------------

PLACES = st.floats(min_value=2 * pose.CELL_PX, max_value=puppets.SIDE_PX - 2 * pose.CELL_PX)


@pytest.mark.question(QUESTION)
@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(PLACES, PLACES), min_size=1, max_size=4))
def test_decoding_a_planted_map_is_exact(places):
    joints = np.array([places])
    found = pose.decode(planted(joints))
    np.testing.assert_allclose(found, joints, atol=1e-6)
    coarse = pose.decode(planted(joints), refine=False)
    assert np.abs(coarse - joints).max() <= pose.CELL_PX / 2 + 1e-9
    assert ((coarse / pose.CELL_PX - 0.5) % 1 == 0).all()  # le milieu d'une case


def test_at_the_border_the_cell_is_kept():
    joints = np.array([[[0.3, 30.0], [63.9, 0.1]]])
    found = pose.decode(planted(joints))
    assert found[0, 0, 0] == pose.CELL_PX / 2 and found[0, 0, 1] == pytest.approx(30)
    np.testing.assert_array_equal(found[0, 1], [64 - pose.CELL_PX / 2, pose.CELL_PX / 2])
    assert np.isfinite(pose.decode(np.zeros((1, 32, 32, 2)))).all()  # une carte plate


def test_target_maps_are_the_planted_ones_and_the_loss_is_then_their_entropy():
    joints = np.array([[[20.5, 33.0]], [[40.0, 12.25]]])
    right = np.asarray(pose.heat_loss(joints, planted(joints).astype("float32")))
    expected = np.exp(planted(joints))
    expected /= expected.sum((1, 2), keepdims=True)
    np.testing.assert_allclose(pose.heat_maps(joints), expected, atol=1e-6)
    entropy = -(expected * np.log(expected)).sum((1, 2))[:, 0]
    np.testing.assert_allclose(right, entropy, rtol=1e-4)


# --- Mesurer -------------------------------------------------------------------------


@pytest.mark.question(QUESTION)
def test_pck_counts_what_is_near_enough():
    joints = np.zeros((2, 13, 2), np.float32)
    joints[0, 8], joints[1, 8] = (6, 8), (12, 16)  # torses de 10 et 20 pixels
    visible = np.ones((2, 13), bool)
    visible[:, 0] = False
    truth = puppets.Puppets(None, joints, visible)
    found = joints.copy()
    found[:, 0, 0] += 2  # juste à 0,2 torse du premier ; bien assez près pour le second
    found[:, 3, 1] += 3  # trop loin pour le premier
    found[:, 5] += 100
    assert pose.pck(found, truth) == pytest.approx((26 - 3) / 26)
    assert pose.pck(found, truth, hidden=True) == 1
    assert pose.pck(found, truth, hidden=False) == pytest.approx((24 - 3) / 24)
