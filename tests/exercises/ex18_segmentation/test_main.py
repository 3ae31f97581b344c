import dataclasses
import json

import keras
import numpy as np
import pytest

from convnets.core import reports
from convnets.datasets import scenes, sources
from convnets.serving.classifier import Classifier
from convnets.serving.engine import Engine
from convnets.training import saving
from exercises.ex18_segmentation.measures import measure

pytestmark = pytest.mark.ci

QUESTION = "S3 Different problems, models & metrics"


@pytest.fixture(scope="module")
def ex18():
    from exercises.ex18_segmentation import __main__ as ex18_segmentation

    return ex18_segmentation


@pytest.fixture(scope="module")
def training():
    from exercises.ex18_segmentation import training as ex18_training

    return ex18_training


@pytest.fixture
def small(training, as_dataset, monkeypatch):
    """Deux jeux en miniature, des réseaux de quelques cartes, une scène par figure."""
    from exercises.ex18_segmentation import comparison

    monkeypatch.setattr(comparison, "NUM_SHOWN", 1)
    datasets = as_dataset("fashion_mnist"), as_dataset("cifar10")
    monkeypatch.setattr(sources, "load_fashion_mnist", lambda: datasets[0])
    monkeypatch.setattr(sources, "load_cifar10", lambda: datasets[1])
    build_model = training.build_model
    monkeypatch.setattr(training, "build_model", lambda kind: build_model(kind, channels=(4, 6)))
    return datasets


# --- La boucle entière ---------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.question(QUESTION)
def test_main_trains_saves_and_segments(ex18, training, small, eager, unrendered, tmp_path, capsys):
    folder, figures = tmp_path / "m", tmp_path / "f"
    arguments = ["--models-dir", str(folder), "--output", str(figures)]
    trial = ["--epochs", "2", "--seeds", "1", "--limit", "12", "--batch-size", "12"]
    trial += ["--precision", "float32"]
    with unrendered():
        assert ex18.main([*trial, *arguments]) == 0
    printed = capsys.readouterr().out
    report = reports.read_report("ex18_segmentation", models_dir=folder)
    assert report.command == (
        "python -m exercises.ex18_segmentation --seeds 1 --epochs 2 --limit 12 --batch-size 12"
        " --precision float32"
    )
    assert report.num_images == {"train": 12, "val": 1, "test": 12}
    assert len(report.history["segnet_loss"]) == 2
    assert report.history["unet_loss"][1] < report.history["unet_loss"][0]
    assert {each.metric for each in report.headline} <= set(report.metrics)
    assert {p.name for p in figures.iterdir()} == {"masques.png", "comparaison.png", "scene.png"}
    assert "sans connexions :" in printed and str(figures / "scene.png") in printed
    json.dumps(dataclasses.asdict(report), allow_nan=False)

    # Relu par Keras seul, le modèle redonne ce que dit le compte rendu ; son export aussi.
    model = keras.saving.load_model(folder / "ex18_segmentation.keras")
    test = training.make_scenes(*small, limit=12)["test"]
    predicted = training.predict_masks(model, test.images)
    found = measure(test.masks, predicted)
    assert {k: pytest.approx(v) for k, v in found.items()} | {"seed": 0} == report.shipped
    assert report.metrics["unet_mean_iou"].values == [pytest.approx(found["mean_iou"])]
    assert np.sum(report.confusion_matrix) == test.masks.size
    assert np.trace(report.confusion_matrix) == np.sum(predicted == test.masks)
    engine = Engine((folder / "ex18_segmentation.tflite").read_bytes())
    np.testing.assert_allclose(
        engine.predict(test.images[:4]), model.predict(test.images[:4], verbose=0), atol=1e-4
    )
    background = np.zeros_like(test.masks)
    for name, value in measure(test.masks, background).items():
        assert report.metrics[f"background_{name}"].mean == pytest.approx(value)

    # Une image : son masque, et ce qu'il contient.
    assert ex18.main([str(figures / "scene.png"), *arguments]) == 0
    lines = capsys.readouterr().out.strip().splitlines()
    assert lines[-1] == str(figures / "scene_masque.png")
    assert (figures / "scene_masque.png").stat().st_size > 5000
    shares = [float(line.split()[-2].replace(",", ".")) for line in lines[:-1]]
    assert sum(shares) == pytest.approx(100, abs=0.6)
    assert shares == sorted(shares, reverse=True)

    # Ce n'est pas un modèle pour ./predict, qui le dit.
    with pytest.raises(ValueError, match="ne répond pas par une classe"):
        Classifier("ex18_segmentation", models_dir=folder)

    # --resume refuse le point de reprise d'un autre entraînement.
    assert ex18.main(["--epochs", "3", *trial[2:], *arguments, "--resume"]) == 1
    assert "vient d'un autre entraînement" in capsys.readouterr().err


def test_main_says_what_is_wrong(ex18, tmp_path, repo, capsys):
    photo = str(repo / "samples" / "chat.png")
    assert ex18.main([photo, "--models-dir", str(tmp_path)]) == 1
    assert "Pas de modèle ex18_segmentation" in capsys.readouterr().err


def test_an_image_that_is_not_one(ex18, training, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(saving, "load_model", lambda *_, **__: training.build_model("unet"))
    assert ex18.main([str(tmp_path / "absent.png")]) == 1
    assert "aucun fichier ici" in capsys.readouterr().err


@pytest.mark.question(QUESTION)
def test_shipped_model(training, extract):
    model = saving.load_model("ex18_segmentation")
    report = reports.read_report("ex18_segmentation")
    objects, labels = extract("fashion_mnist")
    made = scenes.compose_scenes(
        objects,
        labels,
        extract("cifar10")[0],
        num_scenes=100,
        num_objects=training.NUM_OBJECTS,
        seed=9,
    )
    found = measure(made.masks, training.predict_masks(model, made.images))
    assert found["mean_iou"] == pytest.approx(report.shipped["mean_iou"], abs=0.08)
    assert found["mean_iou"] > report.metrics["background_mean_iou"].mean + 0.2
