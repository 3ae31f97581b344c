"""La place moyenne d'une carte : celle de sa tache, et ce qui la déplace."""

import numpy as np
import pytest

from exercises.ex28_pose_and_depth import one_change, pose
from exercises.ex28_pose_and_depth.puppets import Puppets


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


@pytest.mark.question("S3 Pose Estimation")
def test_a_puppet_has_its_own_share_and_the_shares_average_to_the_pck():
    joints = np.random.default_rng(0).uniform(5, 60, (4, 13, 2)).astype(np.float32)
    images = np.zeros((4, 64, 64, 3), np.uint8)
    test = Puppets(images, joints, np.ones((4, 13), bool))
    places = joints.copy()
    places[0] += 1000
    places[2, :3] += 1000
    found = pose.pck_each(places, test)
    np.testing.assert_allclose(found, [0, 1, 10 / 13, 1])
    assert found.mean() == pytest.approx(pose.pck(places, test))


def test_the_most_alike_puppet_lends_its_pose():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (5, 64, 64, 3)).astype(np.uint8)
    joints = rng.uniform(5, 60, (5, 13, 2)).astype(np.float32)
    learned = Puppets(images, joints, np.ones((5, 13), bool))
    test = Puppets(images[[3, 1]] // 2 + images[[3, 1]] // 4, joints[:2], learned.visible[:2])
    found = one_change.without_network(learned, test)
    np.testing.assert_array_equal(found["neighbour"], joints[[3, 1]])
    np.testing.assert_allclose(found["usual"], np.stack([joints.mean(axis=0)] * 2))
