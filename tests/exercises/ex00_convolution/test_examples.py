from fractions import Fraction

import numpy as np
import pytest
import scipy.signal

from exercises.ex00_convolution import x_or_o
from exercises.ex00_convolution.examples import EDGE_IMAGE, EXAMPLES
from exercises.ex00_convolution.replay import read_examples

DATA = read_examples()


@pytest.mark.question("S0 X et X déformé")
def test_the_pictures_are_those_of_the_slides():
    for name, rows in (("N6", x_or_o.X), ("N10", x_or_o.DEFORMED_X)):
        np.testing.assert_array_equal(x_or_o.read_picture(rows), DATA[name]["imprimé"]["image"])


@pytest.mark.question("S0 Opération de Convolution")
def test_the_patch_of_n5_is_the_printed_one():
    products = np.array(EXAMPLES["N5"].compute({})["produits"])
    assert (products * x_or_o.read_picture(x_or_o.FILTERS[0])).tolist() == [
        [1, -1, 1],
        [-1, 1, -1],
        [1, -1, 1],
    ]


@pytest.mark.question("S0 Couche de Convolution")
def test_the_expected_numbers_agree_with_each_other():
    """Le fichier de données se recoupe lui-même, sans le code de l'exercice."""
    for name in ("N6", "N8"):
        ninths = np.array(DATA[name]["attendu"]["neuvièmes"])
        printed = np.array(DATA[name]["imprimé"]["cartes"], dtype=object)
        assert (np.trunc(ninths * 100 / 9).astype(int) == printed * 100).all()
        totals = [Fraction(total) for total in printed.sum(axis=(1, 2))]
        assert totals == DATA[name]["attendu"]["totaux imprimés"]
    picture = np.array(DATA["N10"]["imprimé"]["image"])
    for rows, expected in zip(x_or_o.FILTERS, DATA["N10"]["attendu"]["neuvièmes"], strict=True):
        kernel = x_or_o.read_picture(rows)
        np.testing.assert_array_equal(scipy.signal.correlate2d(picture, kernel, "valid"), expected)


@pytest.mark.question("S4 contours")
def test_the_edge_of_n21_against_scipy():
    kernel = [[-1, -1, -1], [0, 0, 0], [1, 1, 1]]
    found = EXAMPLES["N21"].compute({})
    np.testing.assert_array_equal(
        found["convolution"], scipy.signal.convolve2d(EDGE_IMAGE, kernel, mode="same")
    )
    np.testing.assert_array_equal(
        found["corrélation"], scipy.signal.correlate2d(EDGE_IMAGE, kernel, mode="same")
    )
    np.testing.assert_array_equal(found["convolution"], -found["corrélation"])
