import keras
import numpy as np
import pytest
from keras import layers, ops

QUESTION = "S3 The Transformer Wave"


@pytest.fixture(scope="module")
def attention():
    from exercises.ex19_vision_transformer import attention as ex19_attention

    return ex19_attention


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
def test_weights_come_in_order(attention):
    weights = attention.attention_weights(looking_model(3), np.zeros((2, 8, 8), np.uint8))
    assert weights.shape == (2, 2, 1, 5, 5)
    np.testing.assert_allclose(weights[:, 0, 0, :, 3], 1, atol=1e-6)
    np.testing.assert_allclose(weights[:, 1], 0.2, atol=1e-6)
    assert attention.class_map(weights[:, 0, 0]).round(4).tolist() == [[[0, 0], [1, 0]]] * 2


def random_attention(*shape):
    weights = np.random.default_rng(0).random(shape)
    return weights / weights.sum(-1, keepdims=True)


@pytest.mark.question(QUESTION)
def test_rollout_counts_every_path(attention):
    """La part du jeton j dans le jeton i : la somme sur tous les chemins de j à i."""
    weights = random_attention(2, 3, 4, 5, 5)
    expected = np.zeros((2, 5, 5))
    for n in range(2):
        steps = [(weights[n, block].mean(0) + np.eye(5)) / 2 for block in range(3)]
        for i in range(5):
            for a in range(5):
                for b in range(5):
                    for j in range(5):
                        expected[n, i, j] += steps[2][i, a] * steps[1][a, b] * steps[0][b, j]
    found = attention.rollout(weights)
    np.testing.assert_allclose(found, expected)
    np.testing.assert_allclose(found.sum(-1), 1)


@pytest.mark.question(QUESTION)
def test_similarity_is_the_cosine(attention):
    tokens = keras.Input((3,), dtype="int32")
    table = layers.Embedding(1, 12, name="positions")(tokens)
    model = keras.Model(tokens, [table, layers.Embedding(1, 3, name="class_token")(tokens)])
    rows = np.array([[1, 0, 0], [2, 0, 0], [0, 3, 0], [-1, 0, 0]], np.float32)
    model.get_layer("positions").set_weights([rows.reshape(1, 12)])
    expected = [[1, 1, 0, -1], [1, 1, 0, -1], [0, 0, 1, 0], [-1, -1, 0, 1]]
    np.testing.assert_allclose(attention.position_similarity(model), expected, atol=1e-6)


def test_neighbours_share_a_side(attention):
    """Sur 3 × 3 cases : 12 côtés communs, et rien d'une ligne à l'autre ni en diagonale."""
    similarity = np.zeros((9, 9))
    for a, b in (
        (0, 1),
        (1, 2),
        (3, 4),
        (4, 5),
        (6, 7),
        (7, 8),
        (0, 3),
        (3, 6),
        (1, 4),
        (4, 7),
        (2, 5),
        (5, 8),
    ):
        similarity[a, b] = similarity[b, a] = 1
    assert attention.near_and_far(similarity) == (1, 0)
    assert attention.near_and_far(np.eye(9)) == (0, 0)  # soi-même ne compte pas


@pytest.mark.question(QUESTION)
def test_shuffling_moves_whole_patches(attention):
    x = np.random.default_rng(0).integers(0, 256, (30, 8, 12), np.uint8)
    before = x.copy()
    found = attention.shuffle_patches(x, patch_px=4, seed=0)
    assert found.shape == x.shape and found.dtype == np.uint8
    np.testing.assert_array_equal(x, before)
    orders = []
    for image, mixed in zip(x, found, strict=True):
        cut = [
            [each[r : r + 4, c : c + 4].tobytes() for r in (0, 4) for c in (0, 4, 8)]
            for each in (image, mixed)
        ]
        orders.append(tuple(cut[0].index(piece) for piece in cut[1]))
        assert sorted(orders[-1]) == list(range(6))
    assert len(set(orders)) > 20  # chaque image à sa façon
    np.testing.assert_array_equal(found, attention.shuffle_patches(x, patch_px=4, seed=0))
    assert (found != attention.shuffle_patches(x, patch_px=4, seed=1)).any()
