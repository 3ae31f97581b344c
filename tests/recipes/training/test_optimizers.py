"""Ce qui fait apprendre vite : le calendrier, les deux optimiseurs, la moyenne des poids."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import layers

from recipes.training.optimizers import FastBetaSGD, Lookahead, Muon, Triangle, orthogonalise


@pytest.mark.parametrize("shape", [(40, 7), (7, 40)])
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-3), ("bfloat16", 0.1)])
def test_singular_values_near_one_and_the_same_directions(shape, dtype, tolerance):
    rng = np.random.default_rng(0)
    u, _, v = np.linalg.svd(rng.normal(size=shape), full_matrices=False)
    values = np.geomspace(1, 0.02, len(v))  # de plus d'un centième de la norme
    matrix = ((u * values) @ v).astype("float32")
    found = keras.ops.convert_to_numpy(orthogonalise(1e-3 * matrix, dtype=dtype))
    assert found.shape == shape and found.dtype == np.float32
    left = np.einsum("ij,ik,kj->j", u, found, v.T)  # ce qui reste de chaque direction
    assert left.min() > 0.4 - tolerance and left.max() < 1.21 + tolerance
    np.testing.assert_allclose(found, (u * left) @ v, atol=tolerance)


def weights_around_a_step(optimizer):
    """Rend les poids d'un petit réseau avant et après un pas : `{nom: (avant, après)}`."""
    keras.utils.set_random_seed(0)
    images = keras.Input((8, 8, 1))
    x = layers.Conv2D(4, 3, use_bias=False, name="first")(images)
    x = layers.BatchNormalization(name="normalised")(x)
    x = layers.Conv2D(6, 3, use_bias=False, name="second")(x)
    x = layers.Dense(3, name="answers")(layers.Flatten()(x))
    model = keras.Model(images, x)
    model.compile(optimizer, "mse", jit_compile=False)
    before = [np.array(w) for w in model.get_weights()]
    rng = np.random.default_rng(0)
    model.train_on_batch(rng.normal(size=(5, 8, 8, 1)), rng.normal(size=(5, 3)))
    names = [v.path for v in model.weights]
    return dict(zip(names, zip(before, model.get_weights(), strict=True), strict=True))


def test_only_kernels_of_several_channels_move_otherwise():
    plain = weights_around_a_step(FastBetaSGD(0.01, momentum=0.9, nesterov=True))
    muon = weights_around_a_step(Muon(0.01, momentum=0.9, nesterov=True))
    other = [name for name in plain if not np.allclose(plain[name][1], muon[name][1], atol=1e-6)]
    assert other == ["second/kernel"]


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("nesterov", [True, False])
def test_the_step_of_a_kernel(nesterov):
    rate, factor = 0.01, 0.5
    optimizer = Muon(rate, momentum=0.9, nesterov=nesterov, kernel_factor=factor)
    before, after = weights_around_a_step(optimizer)["second/kernel"]
    assert np.linalg.norm(after) == pytest.approx(6**0.5, rel=1e-5)  # une par filtre
    # Au premier pas, la moyenne et le gradient ont la même direction : celle d'une SGD.
    plain = weights_around_a_step(FastBetaSGD(1.0))["second/kernel"]
    step = orthogonalise((plain[0] - plain[1]).reshape(-1, 6))
    expected = before - rate * factor * np.reshape(step, before.shape)
    expected *= 6**0.5 / np.linalg.norm(expected)
    np.testing.assert_allclose(after, expected, atol=1e-5)


@pytest.mark.parametrize("nesterov", [True, False])
def test_the_gradients_are_averaged(nesterov):
    """Au deuxième pas, le premier gradient compte encore, autant que le dit le moment."""
    rng = np.random.default_rng(1)
    start, first, second = rng.normal(size=(3, 3, 3, 2, 6)).astype("float32")
    optimizer = Muon(0.1, momentum=0.5, nesterov=nesterov)
    variable = keras.Variable(start)
    optimizer.apply([keras.ops.convert_to_tensor(first)], [variable])
    before = variable.numpy()
    optimizer.apply([keras.ops.convert_to_tensor(second)])
    average = 0.5 * first + second
    step = orthogonalise((second + 0.5 * average if nesterov else average).reshape(-1, 6))
    expected = before - 0.1 * 0.3 * np.reshape(step, before.shape)
    expected *= 6**0.5 / np.linalg.norm(expected)
    np.testing.assert_allclose(variable.numpy(), expected, atol=1e-5)


def test_triangle_schedule():
    schedule = Triangle(2.0, 1000)
    rates = [float(schedule(step)) for step in (0, 115, 230, 615, 1000)]
    np.testing.assert_allclose(rates, [0.4, 1.2, 2.0, 1.07, 0.14], rtol=1e-5)


@pytest.mark.usefixtures("eager")
def test_offsets_learn_faster():
    def moved(optimizer):
        inputs = keras.Input((3,))
        normalised = keras.layers.BatchNormalization(gamma_initializer="ones")(inputs)
        model = keras.Model(inputs, keras.layers.Dense(1, kernel_initializer="ones")(normalised))
        model.compile(optimizer, "mse", jit_compile=False)
        before = [w.copy() for w in model.get_weights()]
        x = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
        model.train_on_batch(x, np.ones((8, 1)))
        after = model.get_weights()
        return {
            v.path.split("/")[-1]: b - a
            for v, a, b in zip(model.weights, before, after, strict=True)
        }

    plain, fast = moved(keras.optimizers.SGD(0.001)), moved(FastBetaSGD(0.001))
    np.testing.assert_allclose(fast["beta"], 64 * plain["beta"], rtol=1e-4)
    np.testing.assert_allclose(fast["kernel"], plain["kernel"], rtol=1e-5)


def test_lookahead_averages_every_five_steps():
    class Model:
        def __init__(self):
            self.value, self.optimizer = 0.0, SimpleNamespace(iterations=0)

        def get_weights(self):
            return [np.array(self.value)]

        def set_weights(self, weights):
            self.value = float(weights[0])

    model, callback = Model(), Lookahead(total_steps=20)
    callback.set_model(model)
    callback.set_params({"steps": 20})
    callback.on_train_begin()
    slow = 0.0
    for step in range(1, 21):
        model.value += 1
        callback.on_train_batch_end(step - 1)
        if step % 5 == 0:
            keep = 0.95**5 * (step / 20) ** 3
            slow = keep * slow + (1 - keep) * (slow + 5)
            assert model.value == pytest.approx(slow)
