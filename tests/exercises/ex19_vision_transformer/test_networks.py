import keras
import numpy as np
import pytest

QUESTION = "S3 The Transformer Wave"


@pytest.fixture(scope="module")
def networks():
    from exercises.ex19_vision_transformer import networks as ex19_networks

    return ex19_networks


@pytest.fixture(scope="module")
def built(networks):
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


def noise(n, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, 28, 28), np.uint8)


def call(model, x):
    """Ce que rend un modèle, sans le temps que `predict` met à construire un graphe."""
    return np.asarray(model(x))


def softmax(x):
    x = np.exp(x - x.max(-1, keepdims=True))
    return x / x.sum(-1, keepdims=True)


# --- La forme des réseaux ------------------------------------------------------------


@pytest.mark.question(QUESTION)
def test_parameter_counts(networks, built):
    counts = {name: model.count_params() for name, model in built.items()}
    w, h = networks.WIDTH, networks.HIDDEN
    block = 4 * (w * w + w) + 2 * 2 * w + (w * h + h) + (h * w + w)
    alone = (16 + 1) * w + w + networks.DEPTH * block + 2 * w + (w + 1) * 10
    assert counts == {"transformer": 60682, "no_positions": 58330, "cnn": 60414, "hybrid": 60410}
    assert counts["no_positions"] == alone and counts["transformer"] == alone + 49 * w
    assert abs(counts["cnn"] / counts["transformer"] - 1) < 0.03
    a, b, c = networks.CNN_FILTERS
    assert counts["cnn"] == 9 * (a + a * b + b * c) + 4 * (a + b + c) + (c + 1) * 10
    a, b = networks.STEM_FILTERS
    stem = 9 * (a + a * b) + 4 * (a + b) + (b + 1) * w
    assert counts["hybrid"] == counts["transformer"] - block - (16 + 1) * w + stem
    assert abs(counts["hybrid"] / counts["transformer"] - 1) < 0.05


# --- Les morceaux --------------------------------------------------------------------


@pytest.mark.question(QUESTION)
def test_patches_are_the_ones_a_loop_cuts(networks):
    images = keras.Input((12, 20))  # ni carrée, ni 28
    cut = keras.Model(images, networks.cut_patches(images))
    x = np.random.default_rng(0).normal(size=(2, 12, 20)).astype(np.float32)
    found = call(cut, x)
    assert found.shape == (2, 15, 16)
    for n in range(2):
        for row in range(3):
            for column in range(5):
                piece = x[n, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4]
                np.testing.assert_array_equal(found[n, 5 * row + column], piece.reshape(-1))


@pytest.mark.question(QUESTION)
@pytest.mark.parametrize("row", [0, 5, 18])
def test_what_a_token_sees(networks, row):
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


# --- L'attention ---------------------------------------------------------------------


def attention_layer(networks, num_tokens, width):
    tokens = keras.Input((num_tokens, width))
    model = keras.Model(tokens, networks.attend(tokens, name="attention1"))
    scramble(model, seed=3)
    x = np.random.default_rng(4).normal(size=(2, num_tokens, width)).astype(np.float32)
    return model, x


@pytest.mark.question(QUESTION)
def test_attention_is_the_published_formula(networks):
    """Boucles sur les images, les têtes, les jetons : aucune opération par lot."""
    model, x = attention_layer(networks, num_tokens=5, width=12)
    kernels = {
        role: model.get_layer(f"attention1_{role}").get_weights()
        for role in ("query", "key", "value", "output")
    }
    expected, size = np.zeros_like(x), 12 // networks.HEADS
    expected_weights = np.zeros((2, networks.HEADS, 5, 5))
    for n in range(2):
        heads = np.zeros((5, 12))
        for head in range(networks.HEADS):
            own = slice(head * size, (head + 1) * size)
            q, k, v = (
                [token @ kernels[role][0][:, own] + kernels[role][1][own] for token in x[n]]
                for role in ("query", "key", "value")
            )
            for i in range(5):
                scores = np.array([q[i] @ k[j] for j in range(5)]) / np.sqrt(size)
                share = np.exp(scores) / np.exp(scores).sum()
                expected_weights[n, head, i] = share
                heads[i, own] = sum(share[j] * v[j] for j in range(5))
        expected[n] = heads @ kernels["output"][0] + kernels["output"][1]
    np.testing.assert_allclose(call(model, x), expected, rtol=1e-4, atol=1e-5)
    weights = keras.Model(model.inputs[0], model.get_layer("attention1").output)
    np.testing.assert_allclose(call(weights, x), expected_weights, atol=1e-5)


@pytest.mark.question(QUESTION)
def test_the_whole_network_redone_in_numpy(networks, network):
    """Le transformeur entier, des pixels aux probabilités, à partir des seuls poids."""
    x = noise(2)
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
        from scipy.special import erf

        return z * (1 + erf(z / np.sqrt(2))) / 2

    pixels = x / 127.5 - 1
    patches = np.stack(
        [
            [
                image[r : r + 4, c : c + 4].reshape(-1)
                for r in range(0, 28, 4)
                for c in range(0, 28, 4)
            ]
            for image in pixels
        ]
    )
    tokens = apply(patches, next(dense)) + by_layer["positions"][0].reshape(49, 48)
    first = np.broadcast_to(by_layer["class_token"][0], (2, 1, 48))
    tokens = np.concatenate([first, tokens], axis=1)
    for block in range(1, networks.DEPTH + 1):
        z = norm(tokens)
        q, k, v = (
            apply(z, by_layer[f"attention{block}_{role}"]).reshape(2, 50, networks.HEADS, -1)
            for role in ("query", "key", "value")
        )
        share = softmax(np.einsum("nihd,njhd->nhij", q, k) / np.sqrt(q.shape[-1]))
        mixed = np.einsum("nhij,njhd->nihd", share, v).reshape(2, 50, 48)
        tokens = tokens + apply(mixed, by_layer[f"attention{block}_output"])
        tokens = tokens + apply(gelu(apply(norm(tokens), next(dense))), next(dense))
    expected = softmax(apply(norm(tokens[:, 0]), next(dense)))
    assert next(norms, None) is None and next(dense, None) is None
    np.testing.assert_allclose(call(network, x), expected, atol=1e-4)


# --- Sans positions, l'ordre des morceaux n'existe pas -------------------------------


def permuted(x, order):
    """Range autrement les 49 morceaux, les mêmes places pour toutes les images."""
    result = np.empty_like(x)
    for target, source in enumerate(order):
        (r, c), (i, j) = divmod(target, 7), divmod(source, 7)
        result[:, 4 * r : 4 * r + 4, 4 * c : 4 * c + 4] = x[:, 4 * i : 4 * i + 4, 4 * j : 4 * j + 4]
    return result


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_only_positions_see_the_order(built, network, extract):
    blind = built["no_positions"]
    x = extract("fashion_mnist")[0][:20]
    before = call(blind, x)
    assert np.ptp(before, axis=0).max() > 1e-2  # il distingue bien une image d'une autre
    for order in (np.arange(49)[::-1], np.random.default_rng(1).permutation(49)):
        after = call(blind, permuted(x, order))
        np.testing.assert_allclose(after, before, atol=1e-5)
        changes = abs(call(network, permuted(x, order)) - call(network, x)).max(1)
        assert np.median(changes) > 1e-3  # cent fois la tolérance d'au-dessus
    # Un seul pixel qui change de morceau, et non de place dans le sien : pareil, sauf positions.
    one = np.zeros((2, 28, 28), np.uint8)
    one[0, 5, 6] = one[1, 17, 22] = 255
    first, second = call(blind, one)
    np.testing.assert_allclose(first, second, atol=1e-5)
    first, second = call(network, one)
    assert abs(first - second).max() > 1e-4
