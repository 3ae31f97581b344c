import keras
import numpy as np
import pytest
from keras import layers

from exercises.common import averaging


@pytest.fixture
def images():
    return np.random.default_rng(0).normal(3, 2, (100, 5)).astype(np.float32)


def test_average_weights():
    stages = [[np.full((2, 3), value), np.full(4, 10 * value)] for value in (1.0, 2.0, 6.0)]
    kernel, bias = averaging.average_weights(stages)
    np.testing.assert_array_equal(kernel, np.full((2, 3), 3.0))
    np.testing.assert_array_equal(bias, np.full(4, 30.0))
    alone = averaging.average_weights(stages[:1])
    for found, expected in zip(alone, stages[0], strict=True):
        np.testing.assert_array_equal(found, expected)


def test_normalisations_are_measured_again(images):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([
        keras.Input((5,)),
        layers.BatchNormalization(momentum=0.7, name="first"),
        layers.Dense(3),
        layers.BatchNormalization(name="second"),
    ])  # fmt: skip
    before = [w.copy() for w in model.get_weights()]
    averaging.measure_normalisations(model, images, batch_size=30)
    used = images[:90].reshape(3, 30, 5)  # le lot incomplet est laissé de côté
    first, dense, second = model.layers
    np.testing.assert_allclose(first.moving_mean, used.mean(axis=(0, 1)), rtol=1e-4)
    np.testing.assert_allclose(first.moving_variance, used.var(axis=1).mean(axis=0), rtol=1e-4)
    # La deuxième voit ce que la première rend pendant l'entraînement : chaque lot normalisé.
    normal = (used - used.mean(1, keepdims=True)) / np.sqrt(used.var(1, keepdims=True) + 1e-3)
    seen = normal @ dense.get_weights()[0]
    np.testing.assert_allclose(second.moving_mean, seen.mean(axis=(0, 1)), atol=1e-5)
    np.testing.assert_allclose(second.moving_variance, seen.var(axis=1).mean(axis=0), rtol=1e-3)
    assert (first.momentum, second.momentum) == (0.7, 0.99)
    after = model.get_weights()
    moved = [not np.array_equal(a, b) for a, b in zip(before, after, strict=True)]
    assert moved == [False, False, True, True, False, False, False, False, True, True]


def test_too_few_images(images):
    model = keras.Sequential([keras.Input((5,)), layers.BatchNormalization()])
    with pytest.raises(ValueError, match="100 images ne font pas un lot de 101"):
        averaging.measure_normalisations(model, images, batch_size=101)
