import zipfile

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image

from convnets.core import paths, reports
from convnets.datasets import sources
from convnets.training import export, saving

QUESTION = "S3 The Transformer Wave"


@pytest.fixture(scope="module")
def ex19():
    from exercises.ex19_vision_transformer import __main__ as ex19_vision_transformer

    return ex19_vision_transformer


@pytest.fixture(scope="module")
def network(ex19):
    """Un transformeur dont tous les poids comptent : ni zéros, ni presque zéros."""
    model = ex19.build_transformer()
    scramble(model, seed=0)
    return model


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
def test_parameter_counts(ex19):
    counts = {name: build().count_params() for name, build in ex19.NETWORKS.items()}
    w, h = ex19.WIDTH, ex19.HIDDEN
    block = 4 * (w * w + w) + 2 * 2 * w + (w * h + h) + (h * w + w)
    alone = (16 + 1) * w + w + ex19.DEPTH * block + 2 * w + (w + 1) * 10
    assert counts == {"transformer": 60682, "no_positions": 58330, "cnn": 60414}
    assert counts["no_positions"] == alone and counts["transformer"] == alone + 49 * w
    assert abs(counts["cnn"] / counts["transformer"] - 1) < 0.03
    a, b, c = ex19.CNN_FILTERS
    assert counts["cnn"] == 9 * (a + a * b + b * c) + 4 * (a + b + c) + (c + 1) * 10


@pytest.mark.parametrize("name", ["transformer", "no_positions", "cnn"])
def test_networks_take_pixels_and_give_probabilities(ex19, name):
    model = ex19.NETWORKS[name]()
    assert model.name == name and model.inputs[0].dtype == "uint8"
    assert model.input_shape == (None, 28, 28) and model.output_shape == (None, 10)
    probabilities = call(model, noise(3))
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-5)


# --- Les morceaux --------------------------------------------------------------------


@pytest.mark.question(QUESTION)
def test_patches_are_the_ones_a_loop_cuts(ex19):
    images = keras.Input((12, 20))  # ni carrée, ni 28
    cut = keras.Model(images, ex19.cut_patches(images))
    x = np.random.default_rng(0).normal(size=(2, 12, 20)).astype(np.float32)
    found = call(cut, x)
    assert found.shape == (2, 15, 16)
    for n in range(2):
        for row in range(3):
            for column in range(5):
                piece = x[n, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4]
                np.testing.assert_array_equal(found[n, 5 * row + column], piece.reshape(-1))


def test_learned_rows_are_the_same_for_every_image(ex19):
    tokens = keras.Input((5, 6))
    model = keras.Model(tokens, ex19.learned_rows(tokens, 4, name="rows"))
    assert model.count_params() == 24
    table = np.arange(24, dtype=np.float32)
    model.get_layer("rows").set_weights([table[None]])
    x = np.random.default_rng(0).normal(size=(3, 5, 6))
    for row in call(model, x):
        np.testing.assert_array_equal(row, table.reshape(4, 6))


# --- L'attention ---------------------------------------------------------------------


def attention_layer(ex19, num_tokens, width):
    tokens = keras.Input((num_tokens, width))
    model = keras.Model(tokens, ex19.attend(tokens, name="attention1"))
    scramble(model, seed=3)
    x = np.random.default_rng(4).normal(size=(2, num_tokens, width)).astype(np.float32)
    return model, x


@pytest.mark.question(QUESTION)
def test_attention_is_the_published_formula(ex19):
    """Boucles sur les images, les têtes, les jetons : aucune opération par lot."""
    model, x = attention_layer(ex19, num_tokens=5, width=12)
    kernels = {
        role: model.get_layer(f"attention1_{role}").get_weights()
        for role in ("query", "key", "value", "output")
    }
    expected, size = np.zeros_like(x), 12 // ex19.HEADS
    expected_weights = np.zeros((2, ex19.HEADS, 5, 5))
    for n in range(2):
        heads = np.zeros((5, 12))
        for head in range(ex19.HEADS):
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
def test_attention_is_that_of_keras(ex19):
    model, x = attention_layer(ex19, num_tokens=7, width=8)
    reference = layers.MultiHeadAttention(ex19.HEADS, 8 // ex19.HEADS)
    reference.build(x.shape, x.shape)
    arrays = []
    for role in ("query", "key", "value", "output"):
        arrays += model.get_layer(f"attention1_{role}").get_weights()
    reference.set_weights(
        [a.reshape(w.shape) for a, w in zip(arrays, reference.get_weights(), strict=True)]
    )
    expected, weights = reference(x, x, return_attention_scores=True)
    np.testing.assert_allclose(call(model, x), expected, rtol=1e-4, atol=1e-5)
    found = keras.Model(model.inputs[0], model.get_layer("attention1").output)
    np.testing.assert_allclose(call(found, x), weights, atol=1e-5)


@pytest.mark.question(QUESTION)
def test_the_whole_network_redone_in_numpy(ex19, network):
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
    for block in range(1, ex19.DEPTH + 1):
        z = norm(tokens)
        q, k, v = (
            apply(z, by_layer[f"attention{block}_{role}"]).reshape(2, 50, ex19.HEADS, -1)
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


@pytest.mark.question(QUESTION)
def test_only_positions_see_the_order(ex19, network, extract):
    blind = ex19.build_transformer(positions=False)
    scramble(blind, seed=0)
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


def test_equal_positions_are_no_positions(ex19, network):
    """Planté : des positions toutes égales ne disent rien, et le réseau redevient aveugle."""
    copy = keras.models.clone_model(network)
    copy.set_weights(network.get_weights())
    copy.get_layer("positions").set_weights([np.full((1, 49 * 48), 0.3)])
    x = noise(4)
    order = np.random.default_rng(2).permutation(49)
    np.testing.assert_allclose(call(copy, x), call(copy, permuted(x, order)), atol=1e-5)


# --- La boucle entière ---------------------------------------------------------------


@pytest.fixture(scope="module")
def small(ex19):
    """De petits réseaux : un seul bloc, des jetons de huit valeurs."""
    patch = pytest.MonkeyPatch()
    for name, value in {"WIDTH": 8, "HIDDEN": 8, "DEPTH": 1, "CNN_FILTERS": (4, 4, 4)}.items():
        patch.setattr(ex19, name, value)
    yield ex19
    patch.undo()


@pytest.mark.question(QUESTION)
def test_main_trains_saves_resumes_and_explains(
    small, eager, as_dataset, tmp_path, monkeypatch, capfd
):
    dataset = as_dataset("fashion_mnist")
    monkeypatch.setattr(sources, "load_fashion_mnist", lambda: dataset)
    folder, figures = tmp_path / "m", tmp_path / "f"
    arguments = ["--models-dir", str(folder), "--output", str(figures)]
    trial = ["--seeds", "1", "--batch-size", "90", *arguments]
    assert small.main([*trial, "--epochs", "2"]) == 0
    printed = capfd.readouterr().out
    assert (
        "Transformeur sans positions (" in printed and f"Figures écrites dans {figures}/" in printed
    )
    assert {path.name for path in figures.iterdir()} == {
        "comparaison.png",
        "attention.png",
        "positions.png",
    }
    report = reports.read_sidecar("ex19_vision_transformer", models_dir=folder)
    assert report["num_images"] == {"train": 270, "val": 30, "test": 100}
    assert {shown["metric"] for shown in report["headline"]} < set(report["metrics"])
    assert report["parameters"]["transformer"] == report["num_parameters"]
    assert len(report["curves"]["cnn_val_accuracy"]["mean"]) == 2
    assert report["duration_s"]["mean"] == pytest.approx(
        sum(each["mean"] for each in report["durations_s"].values())
    )
    metrics = {name: metric["mean"] for name, metric in report["metrics"].items()}
    assert metrics["accuracy_no_positions"] == metrics["accuracy_no_positions_shuffled"]

    # Relu, sans rien de nous, le modèle redit exactement sa précision.
    x_test, y_test = dataset[1]
    with zipfile.ZipFile(folder / "ex19_vision_transformer.keras") as archive:
        assert b"exercises" not in archive.read("config.json")
    model = keras.saving.load_model(folder / "ex19_vision_transformer.keras", compile=False)
    probabilities = call(model, x_test)
    assert np.mean(probabilities.argmax(1) == y_test) == pytest.approx(metrics["accuracy"])
    guesses = export.export_guesses(
        (folder / "ex19_vision_transformer.tflite").read_bytes(), x_test
    )
    np.testing.assert_array_equal(guesses, probabilities.argmax(1))

    # Une reprise avec d'autres options est refusée, en une phrase.
    assert small.main([*trial, "--epochs", "3", "--resume"]) == 1
    assert "vient d'un autre entraînement" in capfd.readouterr().err

    # Le modèle livré explique une image.
    Image.fromarray(x_test[0]).save(tmp_path / "habit.png")
    assert small.main([str(tmp_path / "habit.png"), *arguments]) == 0
    assert capfd.readouterr().out.strip() == str(figures / "habit_attention.png")
    assert (figures / "habit_attention.png").stat().st_size > 3000


def test_main_says_what_is_wrong(ex19, tmp_path, repo, capsys, monkeypatch, as_dataset):
    picture = str(repo / "samples" / "chat.png")
    assert ex19.main([picture, "--models-dir", str(tmp_path)]) == 1
    assert "python -m exercises.ex19_vision_transformer" in capsys.readouterr().err
    monkeypatch.setattr(sources, "load_fashion_mnist", lambda: as_dataset("fashion_mnist"))
    assert ex19.main(["--limit", "20", "--models-dir", str(tmp_path)]) == 1
    assert "ne font pas un lot de" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        ex19.main(["--epochs", "0"])
    assert "nombre entier d'au moins 1" in capsys.readouterr().err


@pytest.mark.question(QUESTION)
def test_shipped_model(ex19, extract):
    if not (paths.MODELS_DIR / "ex19_vision_transformer.json").exists():
        pytest.skip("ex19_vision_transformer n'est pas encore entraîné")
    model = saving.load_model("ex19_vision_transformer")
    report = reports.read_sidecar("ex19_vision_transformer")
    assert model.count_params() == report["num_parameters"] == 60682
    assert abs(report["parameters"]["cnn"] / report["parameters"]["transformer"] - 1) < 0.03
    x, y = extract("fashion_mnist")
    assert np.mean(model.predict(x, verbose=0).argmax(1) == y) > 0.75  # 400 images, fixes
    metrics = {name: metric["mean"] for name, metric in report["metrics"].items()}
    assert report["metrics"]["accuracy"]["n"] >= 3
    assert metrics["accuracy"] > metrics["accuracy_no_positions"]
    assert metrics["accuracy_shuffled"] < metrics["accuracy"] - 0.1
    cosines = {name: each["mean"] for name, each in report["position_similarity"].items()}
    assert cosines["neighbours"] > cosines["others"] + 0.1
    gap = metrics["accuracy_no_positions"] - metrics["accuracy_no_positions_shuffled"]
    assert abs(gap) < 0.001
