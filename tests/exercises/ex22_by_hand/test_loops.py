"""La même boucle, écrite quatre fois : les mêmes pertes."""

from importlib.util import find_spec

import keras
import numpy as np
import pytest

from exercises.ex22_by_hand import loops, network
from exercises.ex22_by_hand.loss import softmax
from tests.conftest import load_extract

QUESTION = "S4, training loop"


@pytest.fixture(scope="module")
def losses():
    """Peu de pas, de peu d'images : les cinquante de la commande sont un essai long."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loops, "NUM_STEPS", 15)
        patch.setattr(loops, "BATCH_SIZE", 16)
        return loops.run_loops(*load_extract("mnist"))


def same_losses(losses, steps):
    assert {*loops.LOOPS} - {*losses} == (set() if find_spec("torch") else {"with_torch"})
    assert {len(each) for each in losses.values()} == {steps}
    for each in losses.values():
        np.testing.assert_allclose(each, losses["by_hand"], rtol=0, atol=1e-4)
    assert keras.config.floatx() == keras.config.dtype_policy().name == "float32"


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_hand_tape_and_fit_write_the_same_losses(losses):
    """Et PyTorch, là où il est installé."""
    same_losses(losses, 15)
    assert np.ptp(losses["by_hand"]) > 0.1  # des pertes qui changent, et de la même façon


@pytest.mark.slow
@pytest.mark.question(QUESTION)
@pytest.mark.parametrize("seed", range(3))  # en float32, la graine 1 s'écartait de 7e-4
def test_fifty_steps_stay_together(seed):
    assert (loops.NUM_STEPS, loops.BATCH_SIZE) == (50, 64)
    losses = loops.run_loops(*load_extract("mnist"), seed=seed)
    same_losses(losses, 50)
    assert np.mean(losses["by_hand"][-5:]) < 0.8 * np.mean(losses["by_hand"][:5])


@pytest.mark.question(QUESTION)
def test_torch_alone_writes_them_too():
    pytest.importorskip("torch")
    x, y = load_extract("mnist")
    x = network.to_floats(x)
    layers = network.build_layers(seed=3)
    batches = [(x[:32], y[:32]), (x[32:64], y[32:64]), (x[64:96], y[64:96])]
    found = loops.with_torch(network.to_torch(layers), batches)
    descent = network.Descent(layers, learning_rate=loops.LEARNING_RATE, momentum=loops.MOMENTUM)
    np.testing.assert_allclose(loops.by_hand(layers, batches, descent), found, atol=1e-5)


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


def test_weights_are_drawn_from_the_seed():
    first, again, other = (network.weights_of(network.build_layers(seed=k)) for k in (0, 0, 1))
    assert (first[0] == again[0]).all() and (first[0] != other[0]).any()
    matrix = network.build_linear(seed=0)[1].weights[0]
    assert matrix.shape == (784, 10) and matrix.std() == pytest.approx(np.sqrt(2 / 784), rel=0.05)
