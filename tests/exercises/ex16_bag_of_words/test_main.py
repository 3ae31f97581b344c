import keras
import numpy as np
import pytest

from convnets.core import paths as storage
from convnets.core import reports
from convnets.datasets import sources
from convnets.serving.classifier import Classifier
from convnets.training import saving
from exercises.ex16_bag_of_words import classifier, cnn, dictionary

pytestmark = pytest.mark.ci

QUESTION = "S3 Avant le deep"
SIZES = (6, 12)


@pytest.fixture(scope="module")
def ex16():
    from exercises.ex16_bag_of_words import __main__ as ex16_bag_of_words

    return ex16_bag_of_words


@pytest.fixture(scope="module")
def comparison():
    from exercises.ex16_bag_of_words import comparison as ex16_comparison

    return ex16_comparison


@pytest.fixture
def small(comparison, as_dataset, monkeypatch):
    """Un extrait de CIFAR-10, deux petits dictionnaires, des réseaux de quelques filtres."""
    dataset = as_dataset("cifar10")
    monkeypatch.setattr(sources, "load_cifar10", lambda: dataset)
    monkeypatch.setattr(dictionary, "NUM_PATCHES", 1000)
    monkeypatch.setattr(classifier, "MAX_ITERATIONS", 20)
    monkeypatch.setattr(comparison, "SIZES", SIZES)
    monkeypatch.setattr(comparison, "LONG", 2)
    monkeypatch.setattr(cnn, "FILTERS", (4, 4, 4))
    return dataset


@pytest.mark.slow
@pytest.mark.question(QUESTION)
def test_main_compares_saves_and_shows(
    ex16, comparison, small, eager, unrendered, tmp_path, repo, capfd
):
    folder = tmp_path / "m"
    arguments = ["--models-dir", str(folder), "--output", str(tmp_path / "f")]
    training = ["--epochs", "1", "--seeds", "1", "--batch-size", "270"]
    with unrendered():
        assert ex16.main([*training, *arguments]) == 0
    printed = capfd.readouterr().out
    assert "pixels bruts, même classifieur : " in printed and "Secondes de processeur" in printed
    report = reports.read_report("ex16_bag_of_words", models_dir=folder)
    assert report.command == (
        "python -m exercises.ex16_bag_of_words --seeds 1 --epochs 1 --batch-size 270"
        " --precision float32"
    )
    assert report.num_images == {"train": 270, "val": 30, "test": 100}
    metrics = report.metrics
    for each in report.headline:
        assert len(metrics[each.metric].values) == 1
    names = {f"{c}_{s}" for c in ("hard", "hard_quarters", "soft", "soft_quarters") for s in SIZES}
    assert set(report.details["cpu_s"]) == {*names, "pixels", "cnn", "cnn_long"}
    assert set(metrics) == {
        *names,
        "accuracy",
        *(f"accuracy_{k}" for k in ("pixels", "hard", "cnn", "cnn_long")),
    }
    assert report.parameters["pixels"] == (3072 + 1) * 10
    assert report.parameters["bag"] == report.num_parameters
    assert metrics["accuracy_hard"] == metrics["hard_12"]
    # Le modèle de Keras et la chaîne de scikit-learn répondent la même chose.
    assert metrics["accuracy"].values == pytest.approx(metrics["soft_quarters_12"].values)
    assert metrics["accuracy"].mean > 0.15  # le hasard : 0,1
    assert len(report.history["cnn_val_accuracy"]) == 1
    assert len(report.history["cnn_long_val_accuracy"]) == comparison.LONG
    assert {path.name for path in (tmp_path / "f").iterdir()} == {
        "comparaison.png",
        "confusion.png",
        "dictionnaire.png",
        "histogramme.png",
    }

    model = keras.saving.load_model(folder / "ex16_bag_of_words.keras")
    x_test, y_test = small[1]
    guesses = model.predict(x_test, verbose=0).argmax(1)
    accuracy = np.mean(guesses == y_test.reshape(-1))
    assert accuracy == pytest.approx(report.shipped["accuracy"])
    assert report.export_accuracy == pytest.approx(accuracy)

    picture = str(repo / "samples" / "chat.png")
    assert ex16.main([picture, *arguments]) == 0
    assert capfd.readouterr().out.strip() == str(tmp_path / "f" / "chat_mots.png")
    light = Classifier("ex16_bag_of_words", models_dir=folder)  # ce que `./predict` charge
    found = light.predict(light.prepare(picture)[None])[0]
    expected = model.predict(light.prepare(picture)[None], verbose=0)[0]
    softened = expected ** (1 / report.calibration["temperature"])
    np.testing.assert_allclose(found, softened / softened.sum(), atol=1e-4)

    # Reprendre avec d'autres options est refusé, en une phrase.
    assert ex16.main(["--epochs", "1", "--resume", *arguments]) == 1
    assert "vient d'un autre entraînement" in capfd.readouterr().err


def test_main_says_what_is_wrong(ex16, small, tmp_path, repo, capsys):
    arguments = ["--models-dir", str(tmp_path), "--output", str(tmp_path / "f")]
    assert ex16.main(["--limit", "8", *arguments]) == 1
    assert "Augmentez --limit" in capsys.readouterr().err
    assert ex16.main([str(repo / "samples" / "chat.png"), *arguments]) == 1
    assert "Pas de modèle ex16_bag_of_words" in capsys.readouterr().err


@pytest.mark.question(QUESTION)
def test_shipped_model(extract):
    model = saving.load_model("ex16_bag_of_words")
    report = reports.read_report("ex16_bag_of_words")
    x, y = extract("cifar10")
    assert np.mean(model.predict(x, verbose=0).argmax(1) == y.reshape(-1)) > 0.57
    means = {name: metric.mean for name, metric in report.metrics.items()}
    assert means["accuracy"] > means["accuracy_hard"] > means["accuracy_pixels"] > 0.3
    cpu_s = {name: metric["mean"] for name, metric in report.details["cpu_s"].items()}
    assert 0.5 < cpu_s["cnn"] / cpu_s["soft_quarters_800"] < 2  # le même budget, à peu près
    assert 0.9 < report.parameters["cnn"] / report.parameters["bag"] < 1.1
    paths = storage.MODELS_DIR.glob("ex16_bag_of_words.*")
    assert sum(path.stat().st_size for path in paths) < 4_000_000
