import keras
import numpy as np
import pytest

from exercises.ex21_graphs import images as ex21

QUESTION = "S3, réseaux de graphes"


@pytest.mark.question(QUESTION)
def test_networks_have_the_same_size():
    with keras.StatelessScope(initialize_variables=False):  # sans tirer de poids
        counts = {update: ex21.build_model(update).count_params() for update in ex21.UPDATES}
    # entrée, normalisations, puis par passage : ψ et la couche qui suit ; enfin la tête.
    each = (64 * 32 + 32) + (9 * 32 + 32) + (32 * 32 + 32)
    messages = (18 * 32 + 32) + 3 * 4 * 32 + 2 * each + (64 * 10 + 10)
    assert counts["sum"] == counts["mean"] == counts["max"] == messages
    assert counts["alone"] == pytest.approx(messages, rel=0.03)
    assert counts["conv"] == pytest.approx(messages, rel=0.03)


def test_a_node_has_the_pixels_of_its_block_and_its_place():
    inputs = keras.Input((28, 28), dtype="uint8")
    model = keras.Model(inputs, ex21.image_nodes(inputs))
    images = np.random.default_rng(0).integers(0, 256, (2, 28, 28), np.uint8)
    found = np.asarray(model(images))
    assert found.shape == (2, 49, 18)
    block = images[1, 4:8, 12:16].reshape(-1) / 127.5 - 1  # le nœud 10 : ligne 1, colonne 3
    np.testing.assert_allclose(found[1, 10], [*block, 1 / 3 - 1, 3 / 3 - 1], atol=1e-5)


@pytest.mark.question(QUESTION)
@pytest.mark.parametrize(("update", "side"), [("alone", 1), ("conv", 3), ("sum", 3), ("max", 3)])
def test_what_an_update_lets_a_node_see(update, side):
    """Un seul nœud change : qui s'en aperçoit, en une mise à jour ?"""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((49, ex21.UNITS))
    model = keras.Model(inputs, ex21.UPDATES[update](inputs))
    nodes = np.random.default_rng(0).normal(size=(2, 49, ex21.UNITS)).astype(np.float32)
    nodes[1] = nodes[0]
    nodes[1, 3 * 7 + 4] += 3
    first, second = np.asarray(model(nodes)).reshape(2, 7, 7, -1)
    moved = np.argwhere(np.abs(second - first).max(-1) > 1e-5)
    assert len(moved) == side**2 and np.abs(moved - [3, 4]).max() == side // 2
