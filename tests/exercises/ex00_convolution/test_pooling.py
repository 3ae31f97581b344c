from fractions import Fraction

import numpy as np
import pytest

from exercises.ex00_convolution.pooling import pool2d, relu

GRID = np.array([[1, 2, 5], [3, 4, -6], [7, -8, 9]])


@pytest.mark.question("S3 Couche de Pooling")
@pytest.mark.parametrize(
    "mode, expected",
    [
        ("max", [[4, 5], [7, 9]]),
        ("average", [[2.5, -0.5], [-0.5, 9]]),
        ("sum", [[10, -1], [-1, 9]]),
    ],
)
def test_the_three_poolings_by_hand(mode, expected):
    assert pool2d(GRID, 2, padding="same", mode=mode).tolist() == expected


@pytest.mark.question("S3, pooling de pas 1")
def test_the_default_stride_is_the_window():
    assert pool2d(GRID, 2).tolist() == [[4]]
    assert pool2d(GRID, 2, stride=1).tolist() == [[4, 5], [7, 9]]


def test_padding_never_wins_nor_counts():
    negative = np.full((2, 2), -3)
    for mode in ("max", "average"):
        assert set(pool2d(negative, 3, stride=1, padding=1, mode=mode).reshape(-1)) == {-3}


def test_fractions_stay_exact():
    ninths = np.array([[Fraction(7, 9), Fraction(1, 9)], [Fraction(-1, 9), Fraction(5, 9)]])
    assert pool2d(ninths)[0, 0] == Fraction(7, 9)
    assert pool2d(ninths, mode="average")[0, 0] == Fraction(1, 3)


def test_each_channel_is_pooled_alone():
    image = np.stack([GRID, -GRID], axis=-1)
    pooled = pool2d(image, 2, padding="same")
    np.testing.assert_array_equal(pooled[..., 0], pool2d(GRID, 2, padding="same"))
    np.testing.assert_array_equal(pooled[..., 1], pool2d(-GRID, 2, padding="same"))


def test_impossible_poolings_are_explained():
    with pytest.raises(ValueError, match="'median' inconnu : au choix max, average, sum"):
        pool2d(GRID, mode="median")
    with pytest.raises(ValueError, match="en entier dans le padding 2"):
        pool2d(GRID, 2, padding=2)
    with pytest.raises(ValueError, match="couvre 4 cases"):
        pool2d(GRID, 4)


@pytest.mark.question("S0 Couche RELU")
def test_relu_keeps_exactness_and_sign():
    values = np.array([Fraction(-1, 9), Fraction(7, 9)], dtype=object)
    assert relu(values).tolist() == [0, Fraction(7, 9)]
    assert relu([-3, 0, 1000000]).tolist() == [0, 0, 1000000]
