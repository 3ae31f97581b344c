import keras
import numpy as np
import pytest
from keras import layers

from convnets.explaining.explain import load_method

QUESTION = "S3 Introspection d'un CNN"
HEIGHT, WIDTH = 16, 24


@pytest.fixture(scope="module")
def methods():
    from exercises.ex11_curves import methods as ex11_methods

    return ex11_methods


@pytest.fixture(scope="module")
def image():
    return np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(0)
    images = keras.Input((HEIGHT, WIDTH, 3), dtype="uint8")
    x = layers.Rescaling(1 / 255, dtype="float32")(images)
    x = layers.Conv2D(4, 3, activation="gelu")(x)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(images, layers.Dense(3, activation="softmax")(x))


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_every_method_keeps_the_contract(methods, network, image):
    for name, method in methods.METHODS.items():
        heatmap = method.heatmap(network, image, 1)
        assert heatmap.shape == (HEIGHT, WIDTH) and heatmap.dtype == np.float32, name
        assert np.isfinite(heatmap).all() and heatmap.min() >= 0 and heatmap.max() <= 1, name


def test_the_random_map_is_the_one_of_the_image(methods, image):
    first, again = (methods.random_map(None, image, 0) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert abs(first - methods.random_map(None, 255 - image, 0)).mean() > 0.2
    assert abs(first.mean() - 0.5) < 0.1


def test_the_centred_map_points_at_the_middle(methods, image):
    heatmap = methods.centred_map(None, image, 0)
    middle = heatmap[HEIGHT // 2 - 1 : HEIGHT // 2 + 1, WIDTH // 2 - 1 : WIDTH // 2 + 1]
    np.testing.assert_allclose(middle, 1, atol=1e-6)
    np.testing.assert_allclose(heatmap, heatmap[::-1, ::-1], atol=1e-6)
    # À un quart du côté, un écart-type, dans les deux directions.
    expected = np.exp(-0.5 * ((0.25 * HEIGHT - 0.5) / (0.25 * HEIGHT)) ** 2)
    assert heatmap[HEIGHT // 4, WIDTH // 2] == pytest.approx(expected, rel=0.01)
    expected = np.exp(-0.5 * ((0.25 * WIDTH - 0.5) / (0.25 * WIDTH)) ** 2)
    assert heatmap[HEIGHT // 2, WIDTH // 4] == pytest.approx(expected, rel=0.01)


def test_cam_reads_its_own_network(methods, network, image, tmp_path, write_model):
    assert methods.with_cam(models_dir=tmp_path) is methods.METHODS
    write_model(network, tmp_path, "ex09_cam")
    found = methods.with_cam(models_dir=tmp_path)
    assert list(found) == ["cam", *methods.METHODS]
    explained = found["cam"].heatmap(None, image, 1)  # le modèle jugé n'est pas regardé
    expected = load_method("cam").heatmap(network, image, 1)
    np.testing.assert_allclose(explained, expected, atol=1e-6)
