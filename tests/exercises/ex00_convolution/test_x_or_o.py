from fractions import Fraction

import numpy as np
import pytest
import scipy.signal

from exercises.ex00_convolution import x_or_o

PICTURES = {name: x_or_o.read_picture(getattr(x_or_o, name)) for name in ("X", "DEFORMED_X", "O")}
KERNELS = [x_or_o.read_picture(rows) for rows in x_or_o.FILTERS]


def vector_by_slices(picture):
    """La chaîne refaite avec SciPy et des tranches, sans `conv2d` ni `pool2d`."""
    vector = []
    for kernel in KERNELS:
        grid = np.maximum(scipy.signal.correlate2d(picture, kernel, mode="valid"), 0)
        for _ in range(2):
            grid = np.pad(grid, [(0, side % 2) for side in grid.shape], constant_values=-99)
            grid = np.maximum.reduce([grid[a::2, b::2] for a in (0, 1) for b in (0, 1)])
        vector.extend(grid.reshape(-1))
    return np.array(vector)


@pytest.mark.question("S0 Combinaison des couches")
@pytest.mark.parametrize("name", PICTURES)
def test_the_vector_against_slices(name):
    stages = x_or_o.chain(PICTURES[name])
    assert stages.pooled.shape == (3, 4, 4) and stages.second.shape == (3, 2, 2)
    np.testing.assert_array_equal(stages.vector * 9, vector_by_slices(PICTURES[name]))


@pytest.mark.question("S0 Convolution pour un filtre")
def test_the_slides_truncate_and_do_not_round():
    assert x_or_o.truncate(Fraction(7, 9)) == Fraction("0.77")
    assert x_or_o.truncate(Fraction(-7, 9)) == Fraction("-0.77")


@pytest.mark.question("S0 Résultat Final")
def test_the_votes_name_the_picture():
    assert x_or_o.votes(PICTURES["O"]).tolist() == [Fraction(5, 9), 1]
    for_x, for_o = x_or_o.votes(PICTURES["DEFORMED_X"])
    assert for_x > for_o
