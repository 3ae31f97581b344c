import numpy as np
import pytest

from exercises.ex00_convolution.geometry import (
    as_numbers,
    output_size,
    pads,
    receptive_field,
    windows,
)
from exercises.ex00_convolution.matrices import im2col
from exercises.ex00_convolution.operations import conv1d, conv2d
from exercises.ex00_convolution.pooling import pool2d


@pytest.mark.question("S0 Dimension de sortie, S3 Input/Output dimensions")
@pytest.mark.parametrize(
    "size, kernel, options, expected",
    [
        (32, 5, {}, 28),
        (5, 3, {"padding": "same"}, 5),
        (7, 2, {"stride": 2}, 3),
        (7, 2, {"stride": 2, "padding": "same"}, 4),
        (224, 11, {"stride": 4}, 54),
        (227, 11, {"stride": 4}, 55),
        (7, 3, {"dilation": 2}, 3),
        (5, 3, {"padding": (2, 0)}, 5),
        (1, 1, {}, 1),
    ],
)
def test_known_sizes(size, kernel, options, expected):
    assert output_size(size, kernel, **options) == expected


def test_same_puts_the_odd_cell_after():
    assert pads(7, 2, stride=2, padding="same") == (0, 1)
    assert pads(5, 4, padding="same") == (1, 2)
    assert pads(9, 1, stride=3, padding="same") == (0, 0)


@pytest.mark.parametrize(
    "arguments, options, message",
    [
        ((0, 3), {}, "l'entrée vaut 0"),
        ((5, 0), {}, "le noyau vaut 0"),
        ((5, 3), {"stride": 0}, "le pas vaut 0"),
        ((5, 3), {"dilation": -1}, "la dilatation vaut -1"),
        ((5, 3), {"padding": "full"}, "padding 'full' inconnu"),
        ((5, 3), {"padding": -1}, "négatif"),
        ((5, 3), {"padding": (0, -2)}, "négatif"),
        ((2, 3), {}, "couvre 3 cases et l'entrée n'en a que 2"),
        ((5, 3), {"dilation": 3}, "couvre 7 cases"),
    ],
)
def test_impossible_sizes_are_explained(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        output_size(*arguments, **options)


@pytest.mark.question("S2 §1.3, S3")
def test_receptive_field_of_lenet_is_what_lights_up():
    layers = [(5, 1), (2, 2), (5, 1), (2, 2)]
    assert receptive_field(layers) == [5, 6, 14, 16]
    assert receptive_field([]) == []


def test_windows_go_left_to_right_then_down():
    found = list(windows(np.arange(9).reshape(3, 3), (2, 2)))
    assert [position for position, _ in found] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    np.testing.assert_array_equal(found[1][1], [[1, 2], [4, 5]])


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "uint16", "float16", "float32"])
def test_small_types_do_not_overflow(dtype):
    assert as_numbers(np.ones(2, dtype)).dtype in (np.int64, np.float64)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: conv1d([[1, 2], [3, 4]], [1, 1]), r"forme \(2, 2\)"),
        (lambda: pool2d([1, 2, 3, 4]), r"image de forme \(4,\)"),
        (lambda: im2col(np.ones((2, 2, 2, 2)), (1, 1)), "image de forme"),
        (lambda: conv2d([[1, 2], [3]], [[1]]), "la même longueur"),
        (lambda: conv2d([["a"]], [[1]]), "des nombres sont attendus"),
        (lambda: conv2d([[1, 2], [3, 4]], [[1]], stride=1.5), "le pas vaut 1.5"),
        (lambda: conv1d([1, 2, 3], [1], stride="2"), "le pas vaut 2"),
        (lambda: conv1d([1, 2, 3], [1], padding=1.5), "le padding vaut 1.5"),
    ],
)
def test_wrong_arguments_are_explained_in_french(call, message):
    with pytest.raises(ValueError, match=message):
        call()
