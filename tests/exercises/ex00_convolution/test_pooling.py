from fractions import Fraction

import numpy as np
import pytest

from exercises.ex00_convolution.pooling import pool2d, relu

GRID = np.array([[1, 2, 5], [3, 4, -6], [7, -8, 9]])


def test_fractions_stay_exact():
    ninths = np.array([[Fraction(7, 9), Fraction(1, 9)], [Fraction(-1, 9), Fraction(5, 9)]])
    assert pool2d(ninths, mode="average")[0, 0] == Fraction(1, 3)
    assert relu(ninths).tolist() == [[Fraction(7, 9), Fraction(1, 9)], [0, Fraction(5, 9)]]


def test_an_unknown_pooling_is_explained():
    with pytest.raises(ValueError, match="'median' inconnu : au choix max, average, sum"):
        pool2d(GRID, mode="median")
