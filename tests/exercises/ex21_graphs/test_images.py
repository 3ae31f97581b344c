import numpy as np
import pytest

QUESTION = "S3, réseaux de graphes"


@pytest.fixture(scope="module")
def ex21():
    from exercises.ex21_graphs import images as ex21_images

    return ex21_images


@pytest.mark.question(QUESTION)
def test_networks_have_the_same_size(ex21):
    import keras

    with keras.StatelessScope(initialize_variables=False):  # sans tirer de poids
        counts = {update: ex21.build_model(update).count_params() for update in ex21.UPDATES}
    # entrée, normalisations, puis par passage : ψ et la couche qui suit ; enfin la tête.
    each = (64 * 32 + 32) + (9 * 32 + 32) + (32 * 32 + 32)
    messages = (18 * 32 + 32) + 3 * 4 * 32 + 2 * each + (64 * 10 + 10)
    assert counts["sum"] == counts["mean"] == counts["max"] == messages
    for control in ("alone", "conv"):
        assert counts[control] == pytest.approx(messages, rel=0.03)
    model = ex21.build_model()
    assert model.input_shape == (None, 28, 28) and model.inputs[0].dtype == "uint8"
    assert model.output_shape == (None, 10)


def test_a_node_has_the_pixels_of_its_block_and_its_place(ex21):
    import keras

    inputs = keras.Input((28, 28), dtype="uint8")
    model = keras.Model(inputs, ex21.image_nodes(inputs))
    images = np.random.default_rng(0).integers(0, 256, (2, 28, 28), np.uint8)
    found = np.asarray(model(images))
    assert found.shape == (2, 49, 18)
    for node, row, column in ((0, 0, 0), (10, 1, 3), (48, 6, 6)):
        block = images[1, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4]
        np.testing.assert_allclose(found[1, node, :16], block.reshape(-1) / 127.5 - 1, atol=1e-5)
        np.testing.assert_allclose(found[1, node, 16:], [row / 3 - 1, column / 3 - 1], atol=1e-6)


@pytest.mark.question(QUESTION)
@pytest.mark.parametrize(("update", "side"), [("alone", 1), ("conv", 3), ("sum", 3), ("max", 3)])
def test_what_an_update_lets_a_node_see(ex21, update, side):
    """Un seul nœud change : qui s'en aperçoit, en une mise à jour ?"""
    import keras

    keras.utils.set_random_seed(0)
    inputs = keras.Input((49, ex21.UNITS))
    model = keras.Model(inputs, ex21.UPDATES[update](inputs))
    nodes = np.random.default_rng(0).normal(size=(1, 49, ex21.UNITS)).astype(np.float32)
    changed = nodes.copy()
    changed[0, 3 * 7 + 4] += 3
    moved = np.abs(np.asarray(model(changed)) - np.asarray(model(nodes)))[0].max(-1) > 1e-5
    expected = np.zeros((7, 7), bool)
    half = side // 2
    expected[3 - half : 4 + half, 4 - half : 5 + half] = True
    assert (moved.reshape(7, 7) == expected).all()
