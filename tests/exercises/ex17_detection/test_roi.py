import numpy as np
import pytest
from keras import ops

QUESTION = "S3 Different problems, models & metrics"


@pytest.fixture(scope="module")
def ex17():
    from exercises.ex17_detection import roi

    return roi


# Des régions entières, fractionnaires, qui touchent deux bords, d'aire nulle, et plates.
BOXES = np.array(
    [
        [[0, 0, 64, 64], [10.5, 3, 40, 50.25], [50, 50, 64, 60]],
        [[5, 5, 5, 5], [0, 10, 20, 12], [60, 0, 64, 64]],
    ],
    np.float32,
)


def plain_roi_align(maps, boxes, bins):
    """La définition, une lecture à la fois : quatre pixels, pesés par leur distance."""
    side = maps.shape[1]
    found = np.zeros((*boxes.shape[:2], bins, bins, maps.shape[3]))
    for n, r, i, j in np.ndindex(found.shape[:4]):
        x0, y0, x1, y1 = boxes[n, r] * side / 64
        y = np.clip(y0 + (y1 - y0) * (i + 0.5) / bins - 0.5, 0, side - 1)
        x = np.clip(x0 + (x1 - x0) * (j + 0.5) / bins - 0.5, 0, side - 1)
        for row in {int(y), min(int(y) + 1, side - 1)}:
            for column in {int(x), min(int(x) + 1, side - 1)}:
                weight = (1 - abs(y - row)) * (1 - abs(x - column))
                found[n, r, i, j] += weight * maps[n, row, column]
    return found


@pytest.mark.question(QUESTION)
def test_roi_align_is_the_plain_loop(ex17):
    maps = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype(np.float32)
    found = np.asarray(ex17.roi_align(maps, BOXES))
    assert found.shape == (2, 3, ex17.BINS, ex17.BINS, 3)
    np.testing.assert_allclose(found, plain_roi_align(maps, BOXES, ex17.BINS), atol=1e-5)


@pytest.mark.question(QUESTION)
def test_the_gradient_flows_back_to_what_was_read(ex17):
    """Chaque pixel reçoit, au retour, le poids avec lequel il a été lu."""
    import tensorflow as tf

    rng = np.random.default_rng(1)
    maps = tf.Variable(rng.normal(size=(1, 8, 8, 2)).astype(np.float32))
    boxes = np.array([[[8, 8, 24, 40]]], np.float32)
    asked = rng.normal(size=(1, 1, ex17.BINS, ex17.BINS, 2)).astype(np.float32)
    with tf.GradientTape() as tape:
        value = ops.sum(asked * ex17.roi_align(maps, boxes))
    gradient = np.asarray(tape.gradient(value, maps))
    expected = np.zeros_like(gradient)
    for place in np.ndindex(gradient.shape):  # la lecture est linéaire : un pixel à la fois
        one = np.zeros_like(gradient)
        one[place] = 1
        expected[place] = np.sum(asked * plain_roi_align(one, boxes, ex17.BINS))
    np.testing.assert_allclose(gradient, expected, atol=1e-4)
    rows, columns = np.nonzero(np.abs(gradient[0]).sum(-1))
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (0, 5, 0, 3)  # un de plus
