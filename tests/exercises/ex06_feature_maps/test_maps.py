import warnings

import keras
import numpy as np
import pytest
from keras import layers

from convnets.explaining import maps as explanations

QUESTION = "TD, §1.2"
SHAPE = (10, 16, 3)


@pytest.fixture(scope="module")
def ex06():
    from exercises.ex06_feature_maps import maps

    return maps


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    images = keras.Input(SHAPE, dtype="uint8")
    x = layers.Rescaling(1 / 255, dtype="float32", name="scale")(images)
    x = layers.Conv2D(5, (3, 2), use_bias=False, name="first")(x)
    x = layers.ReLU(name="relu")(x)
    x = layers.MaxPooling2D(name="pool")(x)
    x = layers.Conv2D(4, 3, activation="gelu", name="second")(x)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(images, layers.Dense(2, activation="softmax")(x), name="essai")


@pytest.fixture(scope="module")
def image():
    return np.random.default_rng(0).integers(0, 256, SHAPE, np.uint8)


@pytest.mark.question(QUESTION)
def test_kernels_are_the_weights_filter_first(ex06, model):
    found, weights = ex06.first_kernels(model), model.get_layer("first").get_weights()[0]
    assert found.shape == (5, 3, 2, 3) and found.min() >= 0 and found.max() <= 1
    for k in range(5):
        kernel = weights[..., k]
        np.testing.assert_allclose(found[k], 0.5 + kernel / (2 * abs(kernel).max()), atol=1e-6)


def test_a_null_kernel_is_grey(ex06, model):
    copy = keras.models.clone_model(model)
    copy.set_weights([0 * each for each in model.get_weights()])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (ex06.first_kernels(copy) == 0.5).all()


def test_a_model_without_colours_is_refused(ex06):
    grey = keras.Sequential([keras.Input((8, 8, 1)), layers.Conv2D(2, 3)], name="gris")
    with pytest.raises(ValueError, match="gris n'a pas de convolution qui lise une image en coul"):
        ex06.first_kernels(grey)


@pytest.mark.question(QUESTION)
def test_maps_agree_with_a_convolution_by_hand(ex06, model, image):
    found = ex06.activation_maps(model, image, ["relu", "pool", "first"])
    assert [*found] == ["relu", "pool", "first"]
    weights = model.get_layer("first").get_weights()[0]
    windows = np.lib.stride_tricks.sliding_window_view(image / 255, (3, 2), axis=(0, 1))
    by_hand = np.einsum("ijcab,abck->ijk", windows, weights)  # (8, 15, 5)
    np.testing.assert_allclose(found["first"], by_hand, atol=1e-5)
    np.testing.assert_allclose(found["relu"], np.maximum(by_hand, 0), atol=1e-5)
    pooled = found["relu"][:, :14].reshape(4, 2, 7, 2, 5).max(axis=(1, 3))
    np.testing.assert_array_equal(found["pool"], pooled)


def test_active_layers_follow_a_function_that_is_not_linear(ex06, model):
    assert ex06.active_layers(model) == ["relu", "second"]
    linear = keras.Model(model.inputs[0], model.get_layer("first").output)
    assert ex06.active_layers(linear) == ["scale", "first"]
    images = keras.Input(SHAPE)
    flat = keras.Model(images, layers.Flatten()(images), name="plat")
    with pytest.raises(ValueError, match="plat n'a aucune couche qui rende des cartes"):
        ex06.active_layers(flat)


def test_strongest_maps_come_first(ex06):
    maps = np.zeros((2, 3, 4))
    maps[0, 0] = [1, 9, -5, 3]
    assert ex06.strongest(maps, 3).tolist() == [1, 3, 0]
    assert ex06.strongest(maps, 9).tolist() == [1, 3, 0, 2]


@pytest.fixture
def drawn(ex06, monkeypatch):
    """Ce que `picture_rows` reçoit."""
    kept = {}
    monkeypatch.setattr(
        ex06, "picture_rows", lambda path, rows, **options: kept.update(options, rows=rows)
    )
    return kept


def test_the_picture_stands_above_its_strongest_maps(ex06, model, image, drawn):
    subject = explanations.Subject(model, image, 0, "Chat", 0.5)
    ex06.save_maps(subject, ["relu", "second"], None)
    assert [*drawn["rows"]] == ["image", "relu", "second"] and "Chat" in drawn["title"]
    np.testing.assert_array_equal(drawn["rows"]["image"][0][:10, :16], image)
    strip = drawn["rows"]["relu"][0].pixels[:8, :15, 0]  # la première carte, la plus forte
    maps = ex06.activation_maps(model, image, ["relu"])["relu"]
    best = maps[..., ex06.strongest(maps, 1)[0]]
    np.testing.assert_allclose(strip, 255 * best / maps.max(), atol=1.01)


@pytest.mark.parametrize(("trainable", "said"), [(True, ", appris"), (False, "non appris")])
def test_frozen_filters_are_not_said_to_be_learnt(ex06, model, drawn, trainable, said):
    copy = keras.models.clone_model(model)
    copy.get_layer("first").trainable = trainable
    ex06.save_kernels(copy, None)
    assert said in drawn["title"]
