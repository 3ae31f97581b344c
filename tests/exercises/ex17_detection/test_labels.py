import numpy as np
import pytest

from convnets.datasets.scenes import ABSENT
from exercises.ex17_detection import labels as ex17
from exercises.ex17_detection.boxes import Detections
from exercises.ex17_detection.metrics import scene_precision

QUESTION = "S3 How to switch to multi-class?"
SETS = np.zeros((3, 10), np.float32)  # {0, 2}, {3}, {7, 9}
SETS[[0, 0, 1, 2, 2], [0, 2, 3, 7, 9]] = 1


@pytest.mark.question(QUESTION)
def test_a_set_forgets_how_many_and_where():
    found = ex17.to_sets(np.array([[2, 0, ABSENT], [3, 3, ABSENT], [9, 7, 9]]))
    np.testing.assert_array_equal(found, SETS)


@pytest.mark.question(QUESTION)
@pytest.mark.parametrize("name", ["sigmoid", "softmax"])
def test_two_ends_of_the_same_network(name):
    model = ex17.build_model(name)
    answers = np.asarray(model(np.full((2, 64, 64, 3), 200, np.uint8)))
    assert (abs(answers.sum(1) - 1) < 1e-5).all() == (name == "softmax")


@pytest.mark.question(QUESTION)
def test_the_losses_are_the_plain_sums():
    guess = np.random.default_rng(0).dirichlet(np.ones(10), 3).astype(np.float32)
    separate = -np.where(SETS > 0, np.log(guess), np.log(1 - guess)).sum(1)
    np.testing.assert_allclose(ex17.separate_loss(SETS, guess), separate, rtol=1e-4)
    shared = -(SETS / SETS.sum(1, keepdims=True) * np.log(guess)).sum(1)
    np.testing.assert_allclose(ex17.shared_loss(SETS, guess), shared, rtol=1e-4)


@pytest.mark.question(QUESTION)
def test_classes_rank_scenes_without_a_threshold():
    answers = 0.9 * SETS
    answers[0, 2] = 0.4  # et mieux rangée que celles des autres scènes
    assert scene_precision(ex17.judge_sets(answers, SETS)).mean() == 1
    answers[1, 2] = 0.6  # une scène sans cette classe est rangée devant
    assert scene_precision(ex17.judge_sets(answers, SETS)).mean() == pytest.approx(0.9)


@pytest.mark.question(QUESTION)
def test_boxes_say_what_is_there_whatever_their_place():
    found = Detections(np.zeros((3, 4)), np.array([0.9, 0.4, 0.7]), np.array([2, 5, 2]))
    nothing = Detections(np.empty((0, 4)), np.empty(0), np.empty(0, int))
    answers = ex17.forget_places([found, nothing])
    assert answers[0, [2, 5]].tolist() == [0.9, 0.4] and answers.sum() == pytest.approx(1.3)
