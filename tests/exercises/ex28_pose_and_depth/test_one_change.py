"""La place moyenne d'une carte : celle de sa tache, et ce qui la déplace."""

import numpy as np
import pytest

from exercises.ex28_pose_and_depth import one_change, pose


@pytest.mark.question("S3 Pose Estimation")
def test_the_mean_place_of_a_spot_is_its_centre():
    joints = np.random.default_rng(0).uniform(15, 49, (3, 13, 2)).astype(np.float32)
    scores = np.log(np.asarray(pose.heat_maps(joints)) + 1e-30)
    np.testing.assert_allclose(one_change.expected_places(scores), joints, atol=1e-3)


def test_a_little_probability_far_away_moves_the_mean_and_not_the_peak():
    joints = np.full((1, 13, 2), 20, np.float32)
    maps = 0.9 * np.asarray(pose.heat_maps(joints)) + 0.1 * np.asarray(pose.heat_maps(joints + 30))
    scores = np.log(maps + 1e-30)
    np.testing.assert_allclose(pose.decode(scores), 20, atol=0.01)
    np.testing.assert_allclose(one_change.expected_places(scores), 23, atol=0.01)  # 0,9·20 + 0,1·50


def test_the_network_answers_with_pixels():
    assert one_change.build_expected().output_shape == (None, 13, 2)
