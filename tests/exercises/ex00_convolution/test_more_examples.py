import numpy as np
import pytest

from exercises.ex00_convolution.examples import CHANNEL_KERNELS, CHANNELS
from exercises.ex00_convolution.more_examples import ALL_EXAMPLES
from exercises.ex00_convolution.replay import read_examples


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
    assert layer.count_params() == ALL_EXAMPLES["N22"].compute({})["paramètres de seize filtres"]


@pytest.mark.question("S2 TD 2")
def test_the_smallest_inception_side_is_the_one_keras_accepts():
    import keras

    assert ALL_EXAMPLES["N17"].compute({})["plus petit côté"] == 75
    with pytest.raises(ValueError):
        keras.applications.InceptionV3(include_top=False, weights=None, input_shape=(74, 74, 3))


@pytest.mark.question("S0 ce que voit l'ordinateur")
def test_the_grid_of_n20_is_read_from_the_data():
    given = {"grille": [[1, 2], [3, 4]], "barres": [60, 40]}
    found = ALL_EXAMPLES["N20"].compute(given)
    assert (found["somme"], found["minimum"], found["maximum"]) == (10, 1, 4)
    assert found["somme des barres"] == 100 and found["taille"] == (2, 2)


@pytest.mark.question("S1 Pooling")
def test_kept_pixels_for_every_side():
    for side in range(2, 30):
        kept = (-(-side // 2)) ** 2
        assert (4 * kept == side**2) == (side % 2 == 0)
    found = ALL_EXAMPLES["N19"].compute({})
    assert str(found["côté sept"]) == "16/49" and str(found["côté pair"]) == "1/4"
