"""Des coûts plantés : le chemin le moins cher, ce qui est confirmé, ce qui est complété."""

import numpy as np
import pytest

from exercises.ex28_pose_and_depth import depth, semi_global

QUESTION = "S3, 3D Reconstruction"


@pytest.mark.question(QUESTION)
def test_along_is_the_cheapest_path():
    """Une ligne de quatre pixels, deux disparités : tous les chemins, un à un."""
    costs = np.full((1, 1, 4, 32), 100.0)
    costs[0, 0, :, :2] = [[0, 5], [9, 1], [3, 4], [8, 0]]

    def cheapest(column, disparity):
        here = costs[0, 0, column, disparity]
        if column == 0:
            return here
        before = [cheapest(column - 1, d) for d in range(2)]
        return here + min(before[disparity], before[1 - disparity] + semi_global.SMALL_STEP)

    found = semi_global.along(costs, 0, 1)[0, 0]
    for column in range(4):
        expected = [cheapest(column, d) for d in range(2)]
        np.testing.assert_allclose(
            found[column, 1] - found[column, 0], expected[1] - expected[0], atol=1e-6
        )


def test_a_jump_costs_the_same_however_far():
    before = np.full((1, 1, 32), 1000.0, np.float32)
    before[0, 0, 3] = 0
    (added,) = semi_global.cheapest(before)[0]
    assert added[3] == 0 and added[2] == added[4] == semi_global.SMALL_STEP
    assert added[0] == added[31] == semi_global.JUMP


@pytest.mark.question(QUESTION)
def test_what_the_right_camera_does_not_see_is_not_confirmed_and_takes_the_ground():
    """Un carré proche devant un fond : à sa gauche, une bande du fond est cachée."""
    rng = np.random.default_rng(0)
    texture = rng.integers(0, 256, (40, 80)).astype(np.uint8)
    front = rng.integers(0, 256, (40, 14)).astype(np.uint8)
    left, right = texture[:, :64].copy(), texture[:, 4:68].copy()  # le fond : 4 pixels
    left[:, 30:44] = front
    right[:, 20:34] = front  # le carré : 10 pixels
    images = np.stack([left, right])[None]
    truth = np.full((40, 64), 4.0)
    truth[:, 30:44] = 10
    costs = semi_global.aggregate(semi_global.census_costs(images))
    disparity = depth.winner(costs)
    known = semi_global.confirmed(disparity, costs)[0]
    hidden = known[4:36, 25:29]  # vues de gauche, cachées à droite par le carré
    assert hidden.mean() < 0.5 < 0.9 < known[:, 8:24].mean()
    found = depth.match_semi_global(images)[0]
    assert (np.abs(found - truth)[:, 4:60] <= 1).mean() > 0.95


def test_unknown_pixels_take_the_farthest_neighbour_of_their_row():
    disparity = np.array([[[9.0, 2, 9, 9, 7, 9]]])
    known = np.array([[[False, True, False, False, True, False]]])
    found = semi_global.fill_with_ground(disparity, known)
    assert found.tolist() == [[[2, 2, 2, 2, 7, 7]]]
    nothing = semi_global.fill_with_ground(disparity, np.zeros_like(known))
    assert nothing.tolist() == disparity.tolist()
