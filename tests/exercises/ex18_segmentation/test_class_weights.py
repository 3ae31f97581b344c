import numpy as np
import pytest

from convnets.datasets.streets import VOID
from exercises.ex18_segmentation import class_weights

QUESTION = "S3 Different problems, models & metrics"


@pytest.mark.question(QUESTION)
def test_a_rare_class_weighs_more():
    """Trois photographies de quatre pixels ; la classe 2 n'est que dans la dernière."""
    masks = np.array([[[0, 0, 0, 1]], [[0, 0, 0, VOID]], [[0, 0, 2, 1]]], np.uint8)
    # Fréquences : 8/11 ; 2/8, dans les deux photographies où elle est ; 1/4, dans la sienne.
    weights = class_weights.balance(masks)
    assert weights[:3] == pytest.approx([0.25 / (8 / 11), 1, 1])
    assert not weights[3:].any()


@pytest.mark.question(QUESTION)
def test_the_error_of_a_pixel_counts_as_its_class():
    masks = np.array([[[0, 1], [2, VOID]]], np.uint8)
    answers = np.full((1, 2, 2, 11), 0.05, np.float32)
    answers[0, [0, 0, 1], [0, 1, 0], [0, 1, 2]] = 0.5, 0.25, 0.125
    weights = np.arange(11.0)
    expected = -(0 * np.log(0.5) + 1 * np.log(0.25) + 2 * np.log(0.125)) / 4
    assert float(class_weights.weighted_loss(weights)(masks, answers)) == pytest.approx(expected)
