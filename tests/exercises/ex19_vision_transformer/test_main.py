import zipfile
from dataclasses import replace

import keras
import numpy as np
import pytest
from PIL import Image

from convnets.core import reports
from convnets.datasets import sources
from convnets.figures.charts import class_table
from convnets.training import export, saving
from exercises.ex19_vision_transformer import comparison, networks

pytestmark = pytest.mark.ci

QUESTION = "S3 The Transformer Wave"


@pytest.fixture(scope="module")
def ex19():
    from exercises.ex19_vision_transformer import __main__ as ex19_vision_transformer

    return ex19_vision_transformer


@pytest.fixture
def small(ex19, monkeypatch):
    """De petits réseaux : un seul bloc, seize jetons de huit valeurs."""
    for module in (networks, comparison):
        monkeypatch.setattr(module, "PATCH_PX", 7)
    sizes = {"WIDTH": 8, "HIDDEN": 8, "DEPTH": 1, "CNN_FILTERS": (4, 4, 4)}
    for name, value in {**sizes, "STEM_FILTERS": (4, 4), "HYBRID_DEPTH": 1}.items():
        monkeypatch.setattr(networks, name, value)
    absent = ("transformer_few", "hybrid_few")  # les réseaux se valent, cinq suffisent
    for table in ("STAGES", "FEW", "HEADLINE"):
        kept = {k: v for k, v in getattr(comparison, table).items() if not k.endswith(absent)}
        monkeypatch.setattr(comparison, table, kept)
    return ex19


@pytest.mark.slow
@pytest.mark.question(QUESTION)
def test_main_trains_saves_resumes_and_explains(
    small, eager, unrendered, as_dataset, tmp_path, monkeypatch, capfd
):
    dataset = as_dataset("fashion_mnist")
    monkeypatch.setattr(sources, "load_fashion_mnist", lambda: dataset)
    folder, figures = tmp_path / "m", tmp_path / "f"
    arguments = ["--models-dir", str(folder), "--output", str(figures)]
    trial = ["--seeds", "1", "--batch-size", "270", "--precision", "float32", *arguments]
    with unrendered():
        assert small.main([*trial, "--epochs", "1"]) == 0
    printed = capfd.readouterr().out
    assert (
        "Transformeur sans positions (" in printed and f"Figures écrites dans {figures}/" in printed
    )
    assert {path.name for path in figures.iterdir()} == {
        "comparaison.png",
        "attention.png",
        "attention_hybride.png",
        "positions.png",
    }
    report = reports.read_report("ex19_vision_transformer", models_dir=folder)
    assert report.num_images == {"train": 270, "val": 30, "test": 100}
    assert class_table(report.confusion_matrix, report.classes_fr) in printed
    assert {shown.metric for shown in report.headline} < set(report.metrics)
    assert report.parameters["transformer"] == report.num_parameters
    curves = report.details["curves"]
    assert (
        len(curves["cnn_val_accuracy"]["mean"]) == len(curves["hybrid_val_accuracy"]["mean"]) == 1
    )
    assert len(curves["cnn_few_val_accuracy"]["mean"]) == comparison.FEW_EPOCHS
    assert list(report.parameters) == list(networks.NETWORKS)  # de même taille avec peu d'images
    assert report.duration_s.mean == pytest.approx(
        sum(each["mean"] for each in report.details["durations_s"].values())
    )
    metrics = {name: metric.mean for name, metric in report.metrics.items()}
    assert metrics["accuracy_no_positions"] == metrics["accuracy_no_positions_shuffled"]

    # Relu, sans rien de nous, le modèle redit exactement son exactitude.
    x_test, y_test = dataset[1]
    with zipfile.ZipFile(folder / "ex19_vision_transformer.keras") as archive:
        assert b"exercises" not in archive.read("config.json")
    model = keras.saving.load_model(folder / "ex19_vision_transformer.keras", compile=False)
    probabilities = np.asarray(model(x_test))
    assert np.mean(probabilities.argmax(1) == y_test) == pytest.approx(metrics["accuracy"])
    guesses = export.export_guesses(
        (folder / "ex19_vision_transformer.tflite").read_bytes(), x_test
    )
    np.testing.assert_array_equal(guesses, probabilities.argmax(1))

    # Un réseau que le compte rendu n'a pas s'y ajoute, tel qu'il y serait.
    durations = {n: each for n, each in report.details["durations_s"].items() if n != "cnn_few"}
    metrics = {n: each for n, each in report.metrics.items() if n != "accuracy_cnn_few"}
    without = replace(
        report, metrics=metrics, headline=[], details={**report.details, "durations_s": durations}
    )
    reports.save_report(without, folder / "ex19_vision_transformer.json")
    with unrendered():
        assert small.main([*trial, "--missing"]) == 0
    added = reports.read_report("ex19_vision_transformer", models_dir=folder)
    assert added.metrics == report.metrics and added.headline == report.headline
    assert added.details["curves"] == report.details["curves"] and added.files == report.files
    assert added.parameters == report.parameters
    capfd.readouterr()

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
    assert "Pas de modèle ex19_vision_transformer" in capsys.readouterr().err
    monkeypatch.setattr(sources, "load_fashion_mnist", lambda: as_dataset("fashion_mnist"))
    assert ex19.main(["--limit", "20", "--models-dir", str(tmp_path)]) == 1
    assert "ne font pas un lot de" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        ex19.main(["--epochs", "0"])
    assert "nombre entier d'au moins 1" in capsys.readouterr().err


@pytest.mark.question(QUESTION)
def test_shipped_model(extract):
    model = saving.load_model("ex19_vision_transformer")
    report = reports.read_report("ex19_vision_transformer")
    assert model.count_params() == report.num_parameters == 60682
    for name in ("cnn", "hybrid"):
        assert abs(report.parameters[name] / report.parameters["transformer"] - 1) < 0.03
    x, y = extract("fashion_mnist")
    assert np.mean(np.asarray(model(x)).argmax(1) == y) > 0.75  # 400 images, fixes
    metrics = {name: metric.mean for name, metric in report.metrics.items()}
    assert report.metrics["accuracy"].n >= 3
    assert metrics["accuracy"] > metrics["accuracy_no_positions"]
    assert metrics["accuracy_hybrid"] > metrics["accuracy"] + 0.01
    assert metrics["accuracy_shuffled"] < metrics["accuracy"] - 0.1
    cosines = {name: each["mean"] for name, each in report.details["position_similarity"].items()}
    assert cosines["neighbours"] > cosines["others"] + 0.1
    gap = metrics["accuracy_no_positions"] - metrics["accuracy_no_positions_shuffled"]
    assert abs(gap) < 0.001
