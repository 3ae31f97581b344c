"""Combien de couches garder, et l'oubli catastrophique, sur une petite base."""

import json

import numpy as np
import pytest

from exercises.common import data, pretrained, storage

QUESTION = "S3 Fine-tuning approach"
pytestmark = pytest.mark.filterwarnings("ignore:Even though the `tf.config")


@pytest.fixture(autouse=True)
def eager():
    """Sans construire de graphe : les réseaux sont minuscules, et il y en a beaucoup."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture(scope="module")
def ex05():
    from exercises import ex05_layers

    return ex05_layers


@pytest.fixture(scope="module")
def forgetting():
    from exercises import ex05_forgetting

    return ex05_forgetting


@pytest.fixture(scope="module")
def tuning():
    from exercises import ex05_fine_tuning

    return ex05_fine_tuning


def tiny_inception(*, input_px=150):
    """Une base de quelques poids, avec des noms de couches d'InceptionV3 et des normalisations."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    images = keras.Input((input_px, input_px, 3))
    x = layers.AveragePooling2D(input_px // 5)(images)
    for k in (2, 8, 9, 10):
        x = layers.Conv2D(6, 1, use_bias=False)(x)
        x = layers.BatchNormalization(scale=False)(x)
        x = layers.LeakyReLU(name=f"mixed{k}")(x)
    base = keras.Model(images, x)
    return base, pretrained.Provenance("base d'essai", pretrained.weights_sha256(base), "")


@pytest.fixture
def tiny(tmp_path, monkeypatch, as_dataset):
    """La petite base, un extrait de CIFAR-10, un cache à part."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(pretrained, "inception_v3", tiny_inception)
    monkeypatch.setattr(data, "load_cifar10", lambda: as_dataset("cifar10"))
    return tiny_inception()[0]


def arguments(tmp_path, *more):
    return ["--epochs", "1", "--limit", "12", "--models-dir", str(tmp_path / "m"),
            "--output", str(tmp_path / "f"), *more]  # fmt: skip


# --- Partager et réapprendre ----------------------------------------------------------


@pytest.mark.question(QUESTION)
def test_the_two_halves_make_the_base(tuning, tiny):
    import keras

    start, end = tuning.split_base(tiny, "mixed8")
    images = np.random.default_rng(0).uniform(-1, 1, (3, 150, 150, 3)).astype(np.float32)
    whole = keras.Model(tiny.input, keras.layers.GlobalAveragePooling2D()(tiny.output))
    np.testing.assert_allclose(end(start(images)), whole(images), atol=1e-6)
    assert start.count_params() + end.count_params() == tiny.count_params()


@pytest.mark.question(QUESTION)
def test_fine_tuning_moves_the_end_and_spares_the_statistics(tuning, tiny):
    from keras import layers

    from exercises import ex05_head as top

    start, end = tuning.split_base(tiny, "mixed8")
    maps = np.random.default_rng(0).normal(size=(40, 5, 5, 6)).astype(np.float32)
    labels = (maps.mean((1, 2))[:, 0] > 0).astype(int)
    head = top.build_head(np.asarray(end(maps)), 2, seed=0)
    head.set_weights([np.eye(6, 2), np.zeros(2)])
    before = {layer.name: layer.get_weights() for layer in tiny.layers if layer.weights}
    head_before = head.get_weights()
    tuning.fine_tune(end, head, (maps, labels), learning_rate=1e-2, epochs=1, seed=0)
    moved = {
        name for name, weights in before.items()
        if any((a != b).any() for a, b in zip(weights, tiny.get_layer(name).get_weights(),
                                              strict=True))
    }  # fmt: skip
    convolutions = {layer.name for layer in end.layers if isinstance(layer, layers.Conv2D)}
    assert moved == convolutions and len(convolutions) == 2  # ni le bas, ni les normalisations
    assert (head.get_weights()[0] != head_before[0]).any()


# --- Combien de couches garder --------------------------------------------------------


@pytest.mark.question(QUESTION)
def test_the_whole_study_of_layers(ex05, tiny, tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(ex05, "CUTS", ("mixed2", "mixed10"))
    monkeypatch.setattr(ex05, "RELEARNED_AFTER", ("mixed9",))
    monkeypatch.setattr(ex05.top, "EPOCHS", 2)
    assert ex05.main(arguments(tmp_path)) == 0
    printed = capfd.readouterr().out
    assert "12 images pour apprendre, 12 pour mesurer." in printed
    assert not (tmp_path / "m" / "ex05_layers.json").exists()  # un essai ne remplace rien
    folder = tmp_path / "m" / "runs" / "ex05_layers"
    report = storage.read_sidecar("ex05_layers", models_dir=folder)
    titles = ["coupée après mixed2", "coupée après mixed10", "réapprise après mixed9"]
    assert list(report["choices"]) == titles
    assert [report["metrics"][f"accuracy {title}"]["n"] for title in titles] == [1, 1, 1]
    assert all(choice["duration_s"] > 0 for choice in report["choices"].values())
    cut, whole, relearned = report["choices"].values()
    assert cut["num_parameters"] < whole["num_parameters"] == tiny.count_params()
    assert relearned["relearned_parameters"] == 6 * 6  # une convolution 1×1, sans biais
    assert (tmp_path / "f" / "couches.png").stat().st_size > 5000
    assert report["command"].endswith("ex05_layers --seeds 1 --epochs 1 --limit 12")


def test_a_full_run_goes_to_the_models_folder(ex05, tmp_path):
    from types import SimpleNamespace

    from exercises.ex05_report import write_report

    options = SimpleNamespace(module="ex05_layers", seeds=1, epochs=3, limit=None,
                              models_dir=tmp_path / "m")  # fmt: skip
    path = write_report({"metrics": {}}, options)
    assert [each.name for each in path.parent.iterdir()] == ["ex05_layers.json"]
    report = storage.read_sidecar("ex05_layers", models_dir=tmp_path / "m")
    assert report["command"] == "python -m exercises.ex05_layers --seeds 1 --epochs 3"
    assert report["environment"]["versions"]["keras"]


# --- L'oubli ---------------------------------------------------------------------------


@pytest.mark.question(QUESTION)
def test_a_frozen_base_forgets_nothing_and_a_large_rate_everything(
    forgetting, tuning, tiny, monkeypatch
):
    """Vérité plantée : la seconde tâche est du bruit, l'apprendre à grands pas détruit tout."""
    monkeypatch.setattr(forgetting, "RATES", (1e-6, 1.0))
    monkeypatch.setattr(forgetting.top, "LEARNING_RATE", 0.1)
    monkeypatch.setattr(forgetting.top, "EPOCHS", 6)
    rng = np.random.default_rng(0)
    _, end = tuning.split_base(tiny, "mixed8")
    signs = rng.choice([-1, 1], 60)
    maps = (rng.normal(0, 0.1, (60, 5, 5, 6)) + signs[:, None, None, None]).astype(np.float32)
    first, second = (maps, (signs > 0).astype(int)), (maps, rng.integers(0, 2, 60))
    tasks = [{"train": task, "test": task} for task in (first, second)]
    before = end.get_weights()
    found = forgetting.measure_forgetting(end, tasks, epochs=4, seed=0)
    assert list(found)[0] == "first before" and found["first before"] == 1
    assert found["first frozen"] == found["first before"]
    assert found["first 1e-06"] == 1 and found["first 1e+00"] < 0.8
    for initial, weights in zip(before, end.get_weights(), strict=True):
        np.testing.assert_array_equal(initial, weights)  # la base est rendue intacte


@pytest.mark.question(QUESTION)
def test_the_whole_study_of_forgetting(forgetting, tiny, tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(forgetting, "RATES", (1e-2,))
    monkeypatch.setattr(forgetting.top, "EPOCHS", 2)
    assert forgetting.main(arguments(tmp_path)) == 0
    assert "chat ou chien" in capfd.readouterr().out
    folder = tmp_path / "m" / "runs" / "ex05_forgetting"
    report = storage.read_sidecar("ex05_forgetting", models_dir=folder)
    assert set(report["metrics"]) == {
        "first before", "first frozen", "second frozen", "first 1e-02", "second 1e-02"
    }  # fmt: skip
    assert report["metrics"]["first before"] == report["metrics"]["first frozen"]
    assert report["num_images"] == [{"train": 12, "test": 12}] * 2
    assert len({task[split] for task in report["data_sha256"] for split in task}) == 4
    assert (tmp_path / "f" / "oubli.png").stat().st_size > 5000


# --- Ce qui est livré -----------------------------------------------------------------


def shipped(slug):
    path = storage.MODELS_DIR / f"{slug}.json"
    if not path.exists():
        pytest.skip(f"{path.name} n'est pas encore mesuré")
    return {
        name: metric["mean"]
        for name, metric in json.loads(path.read_text(encoding="utf-8"))["metrics"].items()
    }


@pytest.mark.question(QUESTION)
def test_shipped_study_of_layers_covers_the_issue(ex05):
    metrics = shipped("ex05_layers")
    cuts = [metrics[f"accuracy coupée après {name}"] for name in ex05.CUTS]
    assert set(ex05.CUTS) >= {"mixed2", "mixed4", "mixed6", "mixed8", "mixed10"}
    assert cuts[0] < cuts[-1]  # les dernières couches apportent quelque chose
    assert {f"accuracy réapprise après {name}" for name in ex05.RELEARNED_AFTER} <= set(metrics)


@pytest.mark.question(QUESTION)
def test_shipped_study_shows_forgetting(forgetting):
    metrics = shipped("ex05_forgetting")
    assert metrics["first frozen"] == metrics["first before"]
    worst = metrics[f"first {forgetting.rate_name(max(forgetting.RATES))}"]
    assert worst < metrics["first before"] - 0.2
