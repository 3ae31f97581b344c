import keras
import numpy as np
import pytest
from keras import layers, ops

from exercises.ex19_vision_transformer import attention

QUESTION = "S3 The Transformer Wave"


def looking_model(target):
    """Planté : tout jeton, celui de classe compris, ne regarde que le jeton `target`."""
    images = keras.Input((8, 8), dtype="uint8")
    scores = ops.zeros_like(layers.Rescaling(1.0)(images)[:, None, :5, :5])  # (n, 1, 5, 5)
    towards = np.zeros(5, np.float32)
    towards[target] = 50
    first = layers.Softmax(name="one")(scores + towards)
    second = layers.Softmax(name="two")(scores)
    return keras.Model(images, layers.Flatten()(first + second))


@pytest.mark.question(QUESTION)
def test_weights_come_in_order():
    weights = attention.attention_weights(looking_model(3), np.zeros((2, 8, 8), np.uint8))
    assert weights.shape == (2, 2, 1, 5, 5)
    np.testing.assert_allclose(weights[:, 0, 0, :, 3], 1, atol=1e-6)
    np.testing.assert_allclose(weights[:, 1], 0.2, atol=1e-6)
    assert attention.class_map(weights[:, 0, 0]).round(4).tolist() == [[[0, 0], [1, 0]]] * 2


@pytest.mark.question(QUESTION)
def test_rollout_multiplies_the_blocks_from_last_to_first():
    """La part du jeton j dans le jeton i : la somme sur tous les chemins de j à i."""
    weights = np.random.default_rng(0).dirichlet(np.ones(5), size=(2, 3, 4, 5))
    first, second, third = np.moveaxis((weights.mean(2) + np.eye(5)) / 2, 1, 0)
    expected = np.einsum("nia,nab,nbj->nij", third, second, first)
    np.testing.assert_allclose(attention.rollout(weights), expected)


@pytest.mark.question(QUESTION)
def test_similarity_is_the_cosine():
    tokens = keras.Input((3,), dtype="int32")
    table = layers.Embedding(1, 12, name="positions")(tokens)
    model = keras.Model(tokens, [table, layers.Embedding(1, 3, name="class_token")(tokens)])
    rows = np.array([[1, 0, 0], [2, 0, 0], [0, 3, 0], [-1, 0, 0]], np.float32)
    model.get_layer("positions").set_weights([rows.reshape(1, 12)])
    expected = [[1, 1, 0, -1], [1, 1, 0, -1], [0, 0, 1, 0], [-1, -1, 0, 1]]
    np.testing.assert_allclose(attention.position_similarity(model), expected, atol=1e-6)


@pytest.mark.question(QUESTION)
def test_shuffling_moves_whole_patches():
    x = np.random.default_rng(0).integers(0, 256, (30, 8, 12), np.uint8)
    found, again, other = (attention.shuffle_patches(x, patch_px=4, seed=k) for k in (0, 0, 1))
    assert found.dtype == np.uint8 and (found == again).all() and (found != other).any()

    def cut(image):
        return [image[r : r + 4, c : c + 4].tobytes() for r in (0, 4) for c in (0, 4, 8)]

    orders = {
        tuple(cut(image).index(piece) for piece in cut(mixed))
        for image, mixed in zip(x, found, strict=True)
    }
    assert len(orders) > 20  # chaque image à sa façon
    assert all(sorted(order) == [*range(6)] for order in orders)
