import re
from fractions import Fraction

import numpy as np
import pytest

from exercises.ex00_convolution.operations import (
    IMAGE,
    KERNEL,
    SIGNAL,
    SIGNAL_KERNEL,
    conv1d,
    conv2d,
)


@pytest.mark.question("S2 §1")
def test_flip_is_the_only_difference_between_the_two_convolutions():
    assert conv1d(SIGNAL, SIGNAL_KERNEL).tolist() == [3, 4, 14, 18]
    flipped = conv1d(SIGNAL, SIGNAL_KERNEL, flip=True)
    assert flipped.tolist() == np.convolve(SIGNAL, SIGNAL_KERNEL, mode="valid").tolist()
    assert flipped.tolist() == conv1d(SIGNAL, SIGNAL_KERNEL[::-1]).tolist()


@pytest.mark.question("S3 Convolution 2D")
def test_the_convolution_of_the_slides():
    assert conv2d(IMAGE, KERNEL).tolist() == [[4, 3, 4], [2, 4, 3], [2, 3, 4]]


def test_an_impulse_draws_the_kernel_turned_round():
    image, kernel = np.zeros((5, 5), int), np.arange(9).reshape(3, 3)
    image[2, 2] = 1
    np.testing.assert_array_equal(conv2d(image, kernel), kernel[::-1, ::-1])
    np.testing.assert_array_equal(conv2d(image, kernel, flip=True), kernel)


def test_fractions_stay_exact_and_bytes_do_not_overflow():
    thirds = np.full((2, 2), Fraction(1, 3))
    assert conv2d(np.ones((2, 2), int), thirds)[0, 0] == Fraction(4, 3)
    bright = np.full((2, 2), 200, np.uint8)
    assert conv2d(bright, bright)[0, 0] == 4 * 200 * 200


@pytest.mark.question("S4 plusieurs canaux")
def test_a_depth_mismatch_is_refused():
    image, kernel = np.zeros((4, 4, 3)), np.zeros((2, 2, 2, 5))
    with pytest.raises(ValueError, match="l'image a 3 canaux et le noyau 2"):
        conv2d(image, kernel)
    with pytest.raises(ValueError, match=re.escape("(4, 4, 3) et noyau de forme (2, 2)")):
        conv2d(image, np.zeros((2, 2)))
