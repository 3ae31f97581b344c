import numpy as np
import pytest

from exercises.ex00_convolution.geometry import as_numbers, output_size, receptive_field
from exercises.ex00_convolution.pooling import pool2d


@pytest.mark.question("S3 Agrégation progressive des échelles")
def test_receptive_field_of_alexnet():
    layers = [(11, 4), (3, 2), (5, 1), (3, 2), (3, 1), (3, 1), (3, 1), (3, 2)]
    assert receptive_field(layers) == [11, 19, 51, 67, 99, 131, 163, 195]


@pytest.mark.parametrize(
    "arguments, options, message",
    [
        ((0, 3), {}, "entrée 0"),
        ((5, 3), {"dilation": -1}, "dilatation -1 : chacun doit valoir au moins 1"),
        ((5, 3), {"padding": "full"}, "padding 'full' inconnu"),
        ((5, 3), {"padding": (0, -2)}, "négatif"),
        ((5, 3), {"dilation": 3}, "couvre 7 cases et l'entrée n'en a que 5"),
    ],
)
def test_impossible_sizes_are_explained(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        output_size(*arguments, **options)


def test_a_signal_is_not_an_image():
    with pytest.raises(ValueError, match=r"image de forme \(4,\)"):
        pool2d([1, 2, 3, 4])


@pytest.mark.parametrize("dtype", ["bool", "uint8", "float16"])
def test_small_types_do_not_overflow(dtype):
    assert as_numbers(np.ones(2, dtype)).dtype in (np.int64, np.float64)
