"""Le petit réseau sans base, et les témoins qui n'apprennent rien."""

import numpy as np
import pytest

from exercises.ex05_inception import scratch


@pytest.mark.question("TD question 2")
def test_the_small_network_answers_one_probability_per_class():
    images = np.zeros((2, scratch.IMAGE_PX, scratch.IMAGE_PX, 3), np.uint8)
    answers = scratch.build_model(10).predict(images, verbose=0)
    assert answers.shape == (2, 10)
    np.testing.assert_allclose(answers.sum(axis=1), 1, rtol=1e-5)


@pytest.mark.question("TD question 2")
def test_the_base_is_compared_photograph_by_photograph():
    right = {"base": [1, 1, 1, 0], "scratch": [1, 0, 0, 0], "nearest": [0, 0, 0, 0]}
    gaps = scratch.pool([right, right])["gaps"]
    assert gaps["scratch"][0] == pytest.approx(0.5)
    assert gaps["nearest"][0] == pytest.approx(0.75)
