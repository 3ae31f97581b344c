"""La même boucle, écrite quatre fois : les mêmes pertes."""

from importlib.util import find_spec

import keras
import numpy as np
import pytest

from exercises.ex22_by_hand import loops, network
from exercises.ex22_by_hand.loss import softmax
from tests.conftest import load_extract

QUESTION = "S4, training loop"


@pytest.mark.ci
@pytest.mark.question(QUESTION)
@pytest.mark.slow
def test_every_loop_writes_the_same_losses(monkeypatch):
    """PyTorch aussi, là où il est installé ; peu de pas, de peu d'images."""
    monkeypatch.setattr(loops, "NUM_STEPS", 15)
    monkeypatch.setattr(loops, "BATCH_SIZE", 16)
    losses = loops.run_loops(*load_extract("mnist"))
    assert {*loops.LOOPS} - {*losses} == (set() if find_spec("torch") else {"with_torch"})
    for each in losses.values():
        np.testing.assert_allclose(each, losses["by_hand"], rtol=0, atol=1e-4)
    assert len(each) == 15 and np.ptp(each) > 0.1  # des pertes qui changent, et de la même façon
    assert keras.config.floatx() == keras.config.dtype_policy().name == "float32"


def test_the_table_says_how_far_the_losses_are():
    losses = {"by_hand": [1.0, 2.0], "with_tape": [1.25, 2.0], "with_fit": [0.75, 2.0]}
    heads, row, verdict, note = loops.losses_table(losses).splitlines()
    assert "PyTorch" not in heads and row.split() == ["1", "1,000000", "1,250000", "0,750000"]
    assert verdict == "Sur 2 pas, des pertes différentes : 5e-01 d'écart au plus."
    assert note == loops.WITHOUT_TORCH
    same = loops.losses_table(losses | dict.fromkeys(loops.LOOPS, [1.0, 2.0])).splitlines()
    assert same[-1] == "Sur 2 pas, les mêmes pertes : 0e+00 d'écart au plus."


@pytest.mark.question("S0, filtres appris pendant la rétropropagation")
def test_only_the_layers_of_the_descent_change(extract):
    x, y = extract("mnist")
    layers = network.build_layers(seed=0)
    before = network.weights_of(layers)
    descent = network.Descent(layers[-1:], learning_rate=0.1, momentum=0.9)
    loops.by_hand(layers, [(network.to_floats(x[:8]), y[:8])], descent)
    same = [np.array_equal(*pair) for pair in zip(before, network.weights_of(layers), strict=True)]
    assert same == [True, True, True, True, False, False]


def test_momentum_is_the_one_of_keras():
    weight = np.array([1.0, -2.0], np.float32)
    layer = network.Dense(weight.copy()[None], np.zeros(2, np.float32))
    descent = network.Descent([layer], learning_rate=0.1, momentum=0.9)
    variable = keras.Variable(weight)
    optimizer = keras.optimizers.SGD(0.1, momentum=0.9)
    for gradient in ([1.0, 2.0], [0.5, -1.0], [3.0, 0.0]):
        layer.gradients = [np.array([gradient], np.float32), np.zeros(2, np.float32)]
        descent.step()
        optimizer.apply([np.array(gradient, np.float32)], [variable])
        np.testing.assert_allclose(layer.weights[0][0], np.asarray(variable), rtol=1e-6)


# --- Le même réseau ------------------------------------------------------------------


@pytest.mark.question("S4, le modèle à écrire")
def test_the_keras_twin_is_the_same_network(extract):
    x, _ = extract("mnist")
    layers = network.build_layers(seed=5)
    for layer in layers:  # des biais nuls ne diraient rien
        if len(layer.weights):
            layer.weights[1] += np.linspace(-0.2, 0.2, len(layer.weights[1]), dtype=np.float32)
    scores = network.forward(layers, network.to_floats(x[:20]))
    assert scores.dtype == np.float32
    model = network.to_keras(layers, network.build_scores())
    found = np.asarray(model(network.to_floats(x[:20])))
    np.testing.assert_allclose(found, scores, atol=1e-5)
    twin = network.to_keras(layers, network.build_model())
    np.testing.assert_allclose(np.asarray(twin(x[:20])), softmax(scores), atol=1e-5)
    assert twin.count_params() == 416 + 4640 + 2890
    assert twin.inputs[0].dtype == "uint8" and twin.input_shape == (None, 28, 28)
