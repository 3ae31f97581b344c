import re
from fractions import Fraction

import numpy as np
import pytest

from exercises.ex00_convolution.matrices import kernel_gradient
from exercises.ex00_convolution.operations import IMAGE, conv1d, conv2d


def test_fractions_stay_exact_and_bytes_do_not_overflow():
    thirds = np.full((2, 2), Fraction(1, 3))
    assert conv2d(np.ones((2, 2), int), thirds)[0, 0] == Fraction(4, 3)
    bright = np.full((2, 2), 200, np.uint8)
    assert conv2d(bright, bright)[0, 0] == 4 * 200 * 200


@pytest.mark.question("S4 plusieurs canaux")
@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: conv1d(IMAGE, [1, 1]), "signal de forme (5, 5)"),
        (lambda: conv2d(np.ones((4, 4, 3)), np.ones((2, 2, 2, 5))), "3 canaux et le noyau 2"),
        (lambda: conv2d(np.ones((4, 4, 3)), np.ones((2, 2))), "(4, 4, 3) et noyau de forme (2, 2)"),
        (lambda: kernel_gradient(IMAGE, np.ones((4, 3)), (3, 3)), "la sortie est de forme (3, 3)"),
    ],
)
def test_shapes_that_do_not_agree_are_explained(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()
