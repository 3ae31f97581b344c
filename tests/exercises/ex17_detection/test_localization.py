import numpy as np
import pytest

QUESTION = "S3 Different problems, models & metrics"


@pytest.fixture(scope="module")
def ex17():
    from exercises.ex17_detection import localization

    return localization


BOXES = np.array([[0, 10, 32, 26], [50, 40, 64, 64], [3, 3, 20, 30]], float)
LABELS = np.array([2, 9, 0])


@pytest.mark.question(QUESTION)
def test_boxes_as_four_numbers(ex17):
    """La boîte de S3 : sa position, sa largeur, sa hauteur."""
    targets = ex17.to_targets(BOXES, LABELS)
    assert targets.shape == (3, 14) and targets.dtype == np.float32
    np.testing.assert_allclose(targets[0, :4], [16 / 64, 18 / 64, 32 / 64, 16 / 64])
    np.testing.assert_array_equal(targets[:, 4:], np.eye(10)[LABELS])
    np.testing.assert_allclose(ex17.to_boxes(targets), BOXES, atol=1e-5)
    outside = np.array([[0, 0.5, 0.5, 2, *np.zeros(10)]])
    np.testing.assert_array_equal(ex17.to_boxes(outside), [[0, 0, 16, 64]])


@pytest.mark.question(QUESTION)
def test_the_loss_is_the_plain_sum(ex17):
    rng = np.random.default_rng(0)
    truth = ex17.to_targets(BOXES, LABELS)
    guess = np.concatenate(
        [truth[:, :4] + rng.normal(0, 0.2, (3, 4)), rng.dirichlet(np.ones(10), 3)], axis=1
    )
    delta, expected, num_small = ex17.HUBER_DELTA, np.zeros(3), 0
    for i in range(3):
        for gap in np.abs(truth[i, :4] - guess[i, :4]):
            small = gap <= delta
            num_small += small
            cost = gap**2 / 2 if small else delta * (gap - delta / 2)
            expected[i] += ex17.BOX_WEIGHT * cost
        expected[i] -= np.log(guess[i, 4 + LABELS[i]])
    assert 0 < num_small < 12
    found = np.asarray(ex17.loss(truth, guess.astype(np.float32)))
    np.testing.assert_allclose(found, expected, rtol=1e-4)


@pytest.mark.question(QUESTION)
def test_evaluate_by_hand(ex17):
    boxes = np.array([[0, 0, 20, 20]] * 4, float)
    guesses = np.array([[0, 0, 20, 20], [0, 0, 20, 10], [0, 0, 20, 9], [40, 40, 50, 50]], float)
    outputs = ex17.to_targets(guesses, np.array([5, 5, 6, 5]))
    found = ex17.evaluate(outputs, boxes, np.array([5, 5, 5, 5]))
    assert found["iou"] == pytest.approx((1 + 0.5 + 0.45 + 0) / 4, abs=1e-6)
    assert found == {"iou": found["iou"], "found": 0.5, "accuracy": 0.75}
