import re

import keras
import numpy as np
import pytest
from keras import layers

from convnets.explaining import maps
from convnets.training import saving

QUESTION = "TD, §1.2"
SHAPE = (10, 16, 3)


@pytest.fixture(scope="module")
def ex06():
    from exercises.ex06_feature_maps import maximisation

    return maximisation


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
def test_posed_filters_get_the_images_they_look_for(ex06, by_hand):
    red, stripes, dead, white = ex06.maximise(by_hand, "lit", [0, 1, 2, 3], seed=3)
    assert red.shape == SHAPE and red.dtype == np.uint8
    assert red[..., 0].mean() > 200 and red[..., 1:].mean() < 60
    luma = stripes.mean(axis=2)
    assert abs(np.diff(luma, axis=1)).mean() > 2 * abs(np.diff(luma, axis=0)).mean()
    assert dead.std() < red.std()  # pas de gradient : il ne reste que le bruit, lissé
    assert abs(dead.astype(int) - 128).max() < 40
    assert white.min() > 200


def test_responses_are_means_of_maps(ex06, by_hand):
    x = np.random.default_rng(0).uniform(0, 255, (2, *SHAPE)).astype(np.float32)
    found = np.asarray(ex06.responses(ex06.maps_model(by_hand, "lit"), x, [1, 0]))
    grey, red = x[0].sum(axis=2) / 255, x[1] @ [1, -1, -1] / 255
    stripe = grey[:, 1:-1] - (grey[:, :-2] + grey[:, 2:]) / 2
    expected = [np.maximum(stripe, 0).mean(), np.maximum(red[:, 1:-1], 0).mean()]
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    leaking = ex06.responses(ex06.maps_model(by_hand, "lit", leak=0.5), x, [1, 0])
    before = [stripe.mean(), red[:, 1:-1].mean()]
    np.testing.assert_allclose(leaking, np.add(expected, np.multiply(0.5, before)), rtol=1e-4)


def test_smooth_agrees_with_a_loop(ex06):
    images = np.random.default_rng(0).uniform(0, 255, (2, 4, 5, 3))
    expected = images.copy()
    for row in range(4):
        for column in range(5):
            near = [
                images[:, np.clip(row + i, 0, 3), np.clip(column + j, 0, 4)]
                for i, j in ((0, 1), (0, -1), (1, 0), (-1, 0))
            ]
            expected[:, row, column] += 0.3 * (sum(near) / 4 - images[:, row, column])
    np.testing.assert_allclose(ex06.smooth(images, 0.3), expected)
    np.testing.assert_allclose(ex06.smooth(np.full((1, 3, 3, 3), 7.0), 0.5), 7)


def test_last_of_each_size(ex06, shipped):
    names = maps.map_layers(shipped)
    kept = ex06.last_of_each_size(shipped, names)
    sizes = [shipped.get_layer(name).output.shape[1:3] for name in names]
    found = [shipped.get_layer(name).output.shape[1:3] for name in kept]
    assert len(found) == len(set(found)) and set(found) == set(sizes)
    assert kept[-1] == names[-1]


@pytest.mark.parametrize(
    ("layer_name", "filters", "seed", "message"),
    [
        ("posée", [0], 0, "Couche 'posée' inconnue de essai"),
        ("posed", [0, 4], 0, r"Filtres \[0, 4\] reçus : posed a des filtres de 0 à 3"),
        ("posed", [-1], 0, r"Filtres \[-1\] reçus"),
        ("posed", [0], -2, "Graine -2 reçue"),
    ],
)
def test_wrong_arguments(ex06, by_hand, layer_name, filters, seed, message):
    with pytest.raises(ValueError, match=message):
        ex06.maximise(by_hand, layer_name, filters, seed=seed)


@pytest.fixture(scope="module")
def shipped():
    return saving.load_model("thumbnails_light")


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_the_shipped_filters_prefer_the_image_made_for_them(ex06, shipped, tmp_path, capsys):
    picture = np.random.default_rng(0).integers(0, 256, shipped.input_shape[1:], np.uint8)
    subject = maps.Subject(shipped, picture, 0, "Avion", 0.5)
    name, weights = maps.map_layers(shipped)[-1], shipped.get_weights()
    ex06.save_preferred(subject, [name], tmp_path / "p.png", steps=20)
    more = int(re.match(rf"{name} : (\d+) filtres sur 12", capsys.readouterr().out)[1])
    assert more >= 10 and (tmp_path / "p.png").stat().st_size > 5000
    for now, before in zip(shipped.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(now, before)


@pytest.mark.slow
def test_main_draws_the_shipped_network(ex06, tmp_path):
    assert ex06.main(["samples/avion.png", "--output", str(tmp_path)]) == 0
    assert (tmp_path / "avion_preferences.png").stat().st_size > 5000
