from fractions import Fraction

import numpy as np
import pytest
import scipy.signal

from exercises.ex00_convolution import x_or_o
from exercises.ex00_convolution.examples import CHANNEL_KERNELS, CHANNELS, EXAMPLES, read_examples

DATA = read_examples()


@pytest.mark.question("S0 X et X déformé")
def test_the_pictures_are_those_of_the_slides():
    for name, rows in (("N6", x_or_o.X), ("N10", x_or_o.DEFORMED_X)):
        np.testing.assert_array_equal(x_or_o.read_picture(rows), DATA[name]["imprimé"]["image"])


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


@pytest.mark.question("S4 plusieurs canaux")
def test_the_channels_against_a_keras_layer():
    import keras

    image = np.moveaxis(np.array(CHANNELS, np.float32), 0, -1)
    kernel = np.moveaxis(np.array(CHANNEL_KERNELS, np.float32), 0, -1)[..., np.newaxis]
    layer = keras.layers.Conv2D(1, 2, use_bias=False)
    layer.build((1, 3, 3, 3))
    layer.set_weights([kernel])
    expected = read_examples()["N22"]["attendu"]["somme"]
    np.testing.assert_array_equal(np.asarray(layer(image[np.newaxis]))[0, ..., 0], expected)
    layer = keras.layers.Conv2D(16, 3)
    layer.build((None, None, None, 3))
    assert layer.count_params() == EXAMPLES["N22"].compute()["paramètres de seize filtres"]


@pytest.mark.ci
@pytest.mark.question("S2 TD 2")
def test_the_smallest_inception_side_is_the_one_keras_accepts():
    import keras

    assert EXAMPLES["N17"].compute()["plus petit côté"] == 75
    with pytest.raises(ValueError):
        keras.applications.InceptionV3(include_top=False, weights=None, input_shape=(74, 74, 3))
