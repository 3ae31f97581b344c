import numpy as np
import pytest
from scipy.special import huber

from exercises.ex17_detection import localization as ex17

QUESTION = "S3 Different problems, models & metrics"
BOXES = np.array([[0, 10, 32, 26], [50, 40, 64, 64], [3, 3, 20, 30]], float)
LABELS = np.array([2, 9, 0])


@pytest.mark.question(QUESTION)
def test_boxes_as_four_numbers():
    """La boîte de S3 : sa position, sa largeur, sa hauteur."""
    targets = ex17.to_targets(BOXES, LABELS)
    np.testing.assert_allclose(targets[0, :4], [16 / 64, 18 / 64, 32 / 64, 16 / 64])
    np.testing.assert_array_equal(targets[:, 4:], np.eye(10)[LABELS])
    np.testing.assert_allclose(ex17.to_boxes(targets), BOXES, atol=1e-5)
    outside = np.array([[0, 0.5, 0.5, 2, *np.zeros(10)]])
    np.testing.assert_array_equal(ex17.to_boxes(outside), [[0, 0, 16, 64]])


@pytest.mark.question(QUESTION)
def test_the_loss_is_the_plain_sum():
    rng = np.random.default_rng(0)
    truth, names = ex17.to_targets(BOXES, LABELS), rng.dirichlet(np.ones(10), 3)
    gaps = rng.normal(0, 0.2, (3, 4))  # les uns sous HUBER_DELTA, les autres au-dessus
    guess = np.concatenate([truth[:, :4] + gaps, names], axis=1).astype(np.float32)
    expected = ex17.BOX_WEIGHT * huber(0.1, gaps).mean(1) - np.log(names[range(3), LABELS])
    np.testing.assert_allclose(np.asarray(ex17.loss(truth, guess)), expected, rtol=1e-4)


@pytest.mark.question(QUESTION)
def test_scene_iou_by_hand():
    boxes = np.array([[0, 0, 20, 20]] * 3, float)
    guesses = np.array([[0, 0, 20, 20], [0, 0, 20, 10], [40, 40, 50, 50]], float)
    outputs = ex17.to_targets(guesses, LABELS)
    assert ex17.scene_iou(outputs, boxes).mean() == pytest.approx(0.5, abs=1e-6)
