import re

import keras
import numpy as np
import pytest
from keras import layers

from convnets.explaining import maps
from convnets.training import saving
from exercises.ex06_feature_maps import maximisation as ex06

QUESTION = "TD, §1.2"
SHAPE = (10, 16, 3)


@pytest.fixture(scope="module")
def by_hand():
    """Quatre filtres posés : le rouge, une rayure verticale, un filtre mort, et la clarté."""
    images = keras.Input(SHAPE, dtype="uint8")
    x = layers.Rescaling(1 / 255, dtype="float32")(images)
    x = layers.Conv2D(4, (1, 3), use_bias=False, name="posed")(x)
    x = layers.ReLU(name="lit")(x)
    x = layers.GlobalAveragePooling2D()(x)
    model = keras.Model(images, layers.Dense(2, activation="softmax")(x), name="essai")
    kernel = np.zeros((1, 3, 3, 4), np.float32)  # (hauteur, largeur, couleurs, filtres)
    kernel[0, 1, :, 0] = 1, -1, -1  # négatif sur du gris : ReLU y est plate
    kernel[0, :, :, 1] = np.array([-0.5, 1, -0.5])[:, np.newaxis]
    kernel[..., 3] = 1  # le même gradient presque partout
    model.get_layer("posed").set_weights([kernel])
    return model


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_posed_filters_get_the_images_they_look_for(by_hand):
    red, stripes, dead, white = ex06.maximise(by_hand, "lit", [0, 1, 2, 3], seed=3)
    assert red[..., 0].mean() > 200 and red[..., 1:].mean() < 60
    luma = stripes.mean(axis=2)
    assert abs(np.diff(luma, axis=1)).mean() > 2 * abs(np.diff(luma, axis=0)).mean()
    assert abs(dead.astype(int) - 128).max() < 40  # pas de gradient : le bruit, lissé
    assert white.min() > 200


@pytest.mark.ci
def test_responses_are_means_of_maps(by_hand):
    x = np.random.default_rng(0).uniform(0, 255, (2, *SHAPE)).astype(np.float32)
    red = (x @ [1, -1, -1] / 255)[:, :, 1:-1]
    lit = np.maximum(red, 0).mean(axis=(1, 2))
    found = ex06.responses(ex06.maps_model(by_hand, "lit"), x, [0, 0])
    np.testing.assert_allclose(found, lit, rtol=1e-4)
    leaking = ex06.responses(ex06.maps_model(by_hand, "lit", leak=0.5), x, [0, 2])
    np.testing.assert_allclose(leaking, [lit[0] + 0.5 * red[0].mean(), 0], rtol=1e-4)


def test_smooth_agrees_with_a_loop():
    images = np.random.default_rng(0).uniform(0, 255, (2, 4, 5, 3))
    padded, expected = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), "edge"), 0.7 * images
    for row, column in np.ndindex(4, 5):
        near = [padded[:, row + i, column + j] for i, j in ((0, 1), (1, 0), (1, 2), (2, 1))]
        expected[:, row, column] += 0.3 * np.mean(near, axis=0)
    np.testing.assert_allclose(ex06.smooth(images, 0.3), expected)


def test_last_of_each_size(by_hand):
    names = maps.map_layers(by_hand)
    assert ex06.last_of_each_size(by_hand, names) == [names[0], "lit"]


@pytest.mark.parametrize("filters", [[0, 4], [-1]])
def test_an_unknown_filter_is_refused(by_hand, filters):
    with pytest.raises(ValueError, match="reçus : posed a des filtres de 0 à 3"):
        ex06.maximise(by_hand, "posed", filters)


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_the_shipped_filters_prefer_the_image_made_for_them(capsys):
    shipped = saving.load_model(maps.STUDY_MODEL)
    picture = np.random.default_rng(0).integers(0, 256, shipped.input_shape[1:], np.uint8)
    subject = maps.Subject(shipped, picture, 0, "Avion", 0.5)
    name, weights = maps.map_layers(shipped)[-1], shipped.get_weights()
    ex06.compare(subject, [name], steps=20)
    more = int(re.match(r".+ : (\d+) filtres sur 12", capsys.readouterr().out)[1])
    assert more >= 10
    for now, before in zip(shipped.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(now, before)


@pytest.mark.slow
def test_main_draws_the_shipped_network(tmp_path):
    assert ex06.main(["samples/avion.png", "--output", str(tmp_path)]) == 0
    assert (tmp_path / "avion_preferences.png").stat().st_size > 5000
