import keras
import numpy as np
import pytest
from scipy.special import erf, softmax

from exercises.ex19_vision_transformer import networks
from exercises.ex19_vision_transformer.attention import shuffle_patches

QUESTION = "S3 The Transformer Wave"


@pytest.fixture(scope="module")
def built():
    """Les trois réseaux, dont tous les poids comptent : ni zéros, ni presque zéros."""
    models = {name: build() for name, build in networks.NETWORKS.items()}
    for model in models.values():
        scramble(model, seed=0)
    return models


@pytest.fixture(scope="module")
def network(built):
    return built["transformer"]


def scramble(model, *, seed):
    rng = np.random.default_rng(seed)
    for variable in model.trainable_variables:
        variable.assign(rng.normal(0.1, 0.3, variable.shape))


def call(model, x):
    """Ce que rend un modèle, sans le temps que `predict` met à construire un graphe."""
    return np.asarray(model(x))


# --- La forme des réseaux ------------------------------------------------------------


@pytest.mark.question(QUESTION)
def test_parameter_counts(built):
    counts = {name: model.count_params() for name, model in built.items()}
    assert counts == {
        "transformer": 60682,
        "no_positions": 58330,
        "cnn": 60414,
        "hybrid": 60410,
        "dense": 60430,
    }


# --- Les morceaux --------------------------------------------------------------------


@pytest.mark.question(QUESTION)
@pytest.mark.parametrize("row", [0, 5, 18])
def test_what_a_token_sees(row):
    """Un pixel change : un seul morceau ; par convolutions, tout jeton dont les 7 × 7 l'ont."""
    images = keras.Input((28, 28))
    model = keras.Model(images, [networks.cut_patches(images), networks.convolve(images)])
    x = np.zeros((2, 28, 28), np.float32)
    x[1, row, 9] = 100
    seen = {"patches": ([row // 4], [2]), "stem": ([], [])}
    for axis, place in enumerate((row, 9)):  # le jeton j voit les pixels de 4j à 4j + 6
        seen["stem"][axis].extend(j for j in range(7) if 4 * j <= place <= 4 * j + 6)
    for tokens, (rows, columns) in zip(model(x), seen.values(), strict=True):
        changed = np.abs(np.asarray(tokens)[1] - np.asarray(tokens)[0]).max(-1) > 1e-6
        expected = np.zeros((7, 7), bool)
        expected[np.ix_(rows, columns)] = True
        np.testing.assert_array_equal(changed.reshape(7, 7), expected)


# --- Le réseau entier -----------------------------------------------------------------


@pytest.mark.question(QUESTION)
def test_the_whole_network_redone_in_numpy(network):
    """Le transformeur entier, des pixels aux probabilités, à partir des seuls poids."""
    x = np.random.default_rng(0).integers(0, 256, (2, 28, 28), np.uint8)
    by_layer = {layer.name: layer.get_weights() for layer in network.layers}
    norms = iter([w for n, w in by_layer.items() if n.startswith("layer_normalization")])
    dense = iter([w for n, w in by_layer.items() if n.startswith("dense")])

    def apply(tokens, weights):
        return tokens @ weights[0] + weights[1]

    def norm(tokens):
        gamma, beta = next(norms)
        centred = tokens - tokens.mean(-1, keepdims=True)
        return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-3) * gamma + beta

    def gelu(z):
        return z * (1 + erf(z / np.sqrt(2))) / 2

    windows = np.lib.stride_tricks.sliding_window_view(x / 127.5 - 1, (4, 4), axis=(1, 2))
    patches = windows[:, ::4, ::4].reshape(2, 49, 16)
    tokens = apply(patches, next(dense)) + by_layer["positions"][0].reshape(49, 48)
    first = np.broadcast_to(by_layer["class_token"][0], (2, 1, 48))
    tokens = np.concatenate([first, tokens], axis=1)
    for block in range(1, networks.DEPTH + 1):
        z = norm(tokens)
        q, k, v = (
            apply(z, by_layer[f"attention{block}_{role}"]).reshape(2, 50, networks.HEADS, -1)
            for role in ("query", "key", "value")
        )
        share = softmax(np.einsum("nihd,njhd->nhij", q, k) / np.sqrt(q.shape[-1]), axis=-1)
        mixed = np.einsum("nhij,njhd->nihd", share, v).reshape(2, 50, 48)
        tokens = tokens + apply(mixed, by_layer[f"attention{block}_output"])
        tokens = tokens + apply(gelu(apply(norm(tokens), next(dense))), next(dense))
    expected = softmax(apply(norm(tokens[:, 0]), next(dense)), axis=-1)
    np.testing.assert_allclose(call(network, x), expected, atol=1e-4)


# --- Sans positions, l'ordre des morceaux n'existe pas -------------------------------


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_only_positions_see_the_order(built, network, extract):
    blind = built["no_positions"]
    x = extract("fashion_mnist")[0][:20]
    before = call(blind, x)
    assert np.ptp(before, axis=0).max() > 1e-2  # il distingue bien une image d'une autre
    mixed = shuffle_patches(x, patch_px=4, seed=0)
    np.testing.assert_allclose(call(blind, mixed), before, atol=1e-5)
    changes = abs(call(network, mixed) - call(network, x)).max(1)
    assert np.median(changes) > 1e-3  # cent fois la tolérance d'au-dessus
