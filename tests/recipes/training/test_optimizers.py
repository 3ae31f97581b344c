"""Ce qui fait apprendre vite : le calendrier, les deux optimiseurs, la moyenne des poids."""

import keras
import numpy as np
import pytest
from keras import layers

from recipes.training.optimizers import (
    FastBetaSGD,
    Lookahead,
    Muon,
    Triangle,
    orthogonalise,
    triangular,
)


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


def moves(optimizer):
    """Rend ce dont un pas change chaque variable d'un petit réseau : `{nom: changement}`."""
    keras.utils.set_random_seed(0)
    images = keras.Input((8, 8, 1))
    x = layers.Conv2D(4, 3, use_bias=False, name="first")(images)
    x = layers.BatchNormalization(name="normalised")(x)
    x = layers.Conv2D(6, 3, use_bias=False, name="second")(x)
    x = layers.Dense(3, name="answers")(layers.Flatten()(x))
    model = keras.Model(images, x)
    model.compile(optimizer, "mse", jit_compile=False, run_eagerly=True)
    before, rng = model.get_weights(), np.random.default_rng(0)
    model.train_on_batch(rng.normal(size=(5, 8, 8, 1)), rng.normal(size=(5, 3)))
    names = [variable.path for variable in model.weights]
    changes = [b - a for a, b in zip(before, model.get_weights(), strict=True)]
    return dict(zip(names, changes, strict=True))


def test_offsets_learn_faster_and_kernels_of_several_channels_move_otherwise():
    plain = moves(keras.optimizers.SGD(0.01, momentum=0.9, nesterov=True))
    fast = moves(FastBetaSGD(0.01, momentum=0.9, nesterov=True))
    muon = moves(Muon(0.01, momentum=0.9, nesterov=True))
    for name, moved in plain.items():
        times = 64 if name.endswith("beta") else 1
        np.testing.assert_allclose(fast[name], times * moved, rtol=1e-3, atol=1e-6)
    other = [name for name in fast if not np.allclose(fast[name], muon[name], atol=1e-6)]
    assert other == ["second/kernel"]


def test_the_gradients_are_averaged():
    """Au deuxième pas, le premier gradient compte encore, autant que le dit le moment."""
    rng = np.random.default_rng(1)
    start, first, second = rng.normal(size=(3, 3, 3, 2, 6)).astype("float32")
    optimizer = Muon(0.1, momentum=0.5, nesterov=True)
    variable = keras.Variable(start)
    optimizer.apply([keras.ops.convert_to_tensor(first)], [variable])
    before = variable.numpy()
    optimizer.apply([keras.ops.convert_to_tensor(second)])
    average = 0.5 * first + second
    step = orthogonalise((second + 0.5 * average).reshape(-1, 6))
    expected = before - 0.1 * 0.3 * np.reshape(step, before.shape)
    expected *= 6**0.5 / np.linalg.norm(expected)
    np.testing.assert_allclose(variable.numpy(), expected, atol=1e-5)


def test_triangle_schedule():
    schedule = Triangle(2.0, 1000)
    rates = [float(schedule(step)) for step in (0, 115, 230, 615, 1000)]
    np.testing.assert_allclose(rates, [0.4, 1.2, 2.0, 1.07, 0.14], rtol=1e-5)


def test_a_recipe_asks_for_a_descent_of_so_many_steps():
    descent = triangular(Muon, 2.0, weight_decay=0.1, kernel_factor=0.5)(1000)
    assert isinstance(descent, Muon) and descent.nesterov
    assert (descent.momentum, descent.weight_decay, descent.kernel_factor) == (0.85, 0.1, 0.5)
    assert float(descent.learning_rate) == pytest.approx(0.4)  # le premier pas
    config = descent.get_config()
    assert (config["kernel_factor"], config["kernel_dtype"]) == (0.5, "float32")


def test_lookahead_averages_every_five_steps():
    model = keras.Sequential([keras.Input((1,)), layers.Dense(1, use_bias=False)])
    model.compile("sgd")
    model.set_weights([np.zeros((1, 1))])
    callback = Lookahead(total_steps=20)
    callback.set_model(model)
    callback.set_params({"steps": 20})
    callback.on_train_begin()
    slow = 0.0
    for step in range(1, 21):
        model.set_weights([model.get_weights()[0] + 1])
        callback.on_train_batch_end(step - 1)
        if step % 5 == 0:
            keep = 0.95**5 * (step / 20) ** 3
            slow = keep * slow + (1 - keep) * (slow + 5)
            assert model.get_weights()[0] == pytest.approx(slow)
