import keras
import numpy as np
import pytest
from keras import layers

from convnets.explaining.maps import Subject
from exercises.ex06_feature_maps import maps as ex06

QUESTION = "TD, §1.2"
SHAPE = (10, 16, 3)


@pytest.fixture(scope="module")
def model():
    """Un petit réseau dont le dernier des cinq premiers filtres est nul."""
    keras.utils.set_random_seed(0)
    images = keras.Input(SHAPE, dtype="uint8")
    x = layers.Rescaling(1 / 255, dtype="float32", name="scale")(images)
    x = layers.Conv2D(5, (3, 2), use_bias=False, name="first")(x)
    x = layers.ReLU(name="relu")(x)
    x = layers.MaxPooling2D(name="pool")(x)
    x = layers.Conv2D(4, 3, activation="gelu", name="second")(x)
    x = layers.GlobalAveragePooling2D()(x)
    model = keras.Model(images, layers.Dense(2, activation="softmax")(x), name="essai")
    model.get_layer("first").kernel[..., 4].assign(np.zeros((3, 2, 3)))
    return model


@pytest.fixture(scope="module")
def image():
    return np.random.default_rng(0).integers(0, 256, SHAPE, np.uint8)


@pytest.mark.question(QUESTION)
def test_kernels_are_the_weights_filter_first(model):
    found, weights = ex06.first_kernels(model), model.get_layer("first").get_weights()[0]
    for k in range(4):
        expected = 0.5 + weights[..., k] / (2 * abs(weights[..., k]).max())
        np.testing.assert_allclose(found[k], expected, atol=1e-6)
    assert (found[4] == 0.5).all()


def test_a_model_without_colours_is_refused():
    grey = keras.Sequential([keras.Input((8, 8, 1)), layers.Conv2D(2, 3)], name="gris")
    with pytest.raises(ValueError, match="gris n'a pas de convolution qui lise une image en coul"):
        ex06.first_kernels(grey)


@pytest.mark.question(QUESTION)
def test_maps_agree_with_a_convolution_by_hand(model, image):
    found = ex06.activation_maps(model, image, ["relu", "pool", "first"])
    weights = model.get_layer("first").get_weights()[0]
    windows = np.lib.stride_tricks.sliding_window_view(image / 255, (3, 2), axis=(0, 1))
    by_hand = np.einsum("ijcab,abck->ijk", windows, weights)  # (8, 15, 5)
    np.testing.assert_allclose(found["first"], by_hand, atol=1e-5)
    np.testing.assert_allclose(found["relu"], np.maximum(by_hand, 0), atol=1e-5)
    pooled = found["relu"][:, :14].reshape(4, 2, 7, 2, 5).max(axis=(1, 3))
    np.testing.assert_array_equal(found["pool"], pooled)


def test_active_layers_follow_a_function_that_is_not_linear(model):
    assert ex06.active_layers(model) == ["relu", "second"]


def test_a_layer_is_named_by_its_place(model):
    """La figure dit la place d'une couche, jamais son nom dans le programme."""
    named = {name: ex06.layer_title(model, name) for name in ("first", "relu", "pool", "second")}
    assert named["first"] == "1re convolution"
    assert named["relu"] == "1re convolution, après ReLU"
    assert named["pool"] == "1re convolution, après pooling"
    assert named["second"].startswith("2e convolution, après ")


@pytest.fixture
def drawn(monkeypatch):
    """Ce que `picture_rows` reçoit."""
    kept = {}
    monkeypatch.setattr(
        ex06, "picture_rows", lambda path, rows, **given: kept.update(given, **rows)
    )
    return kept


def test_the_picture_stands_above_its_strongest_maps(model, image, drawn):
    ex06.save_maps(Subject(model, image, 0, "Chat", 0.5), {"Ma couche": "relu"}, None, num_maps=2)
    maps = ex06.activation_maps(model, image, ["relu"])["relu"]
    first, second = sorted(np.argsort(maps.sum(axis=(0, 1)))[-2:])
    expected = 255 / maps.max() * np.hstack([maps[..., first], maps[..., second]])
    shown = drawn["Ma couche"][0].pixels[:8, [*range(15), *range(16, 31)], 0]  # un pixel les sépare
    np.testing.assert_allclose(shown, expected, atol=1.01)


@pytest.mark.parametrize(("trainable", "said"), [(True, ", appris"), (False, "non appris")])
def test_frozen_filters_are_not_said_to_be_learnt(model, drawn, trainable, said):
    copy = keras.models.clone_model(model)
    copy.get_layer("first").trainable = trainable
    ex06.save_kernels(copy, None)
    assert said in drawn["title"]
