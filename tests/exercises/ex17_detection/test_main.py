import dataclasses
import json

import keras
import numpy as np
import pytest
from PIL import Image

from convnets.core import reports
from convnets.core.files import file_sha256
from convnets.datasets import scenes, sources
from convnets.training import progress, saving

pytestmark = pytest.mark.ci

QUESTION = "S3 Different problems, models & metrics"
# Les mesures des deux étages et des étiquettes, et des temps.
ADDED = ("two_stage_", "labels_", "exact_", "sigmoid ", "softmax ", "threshold_", "cpu_s_")
ADDED += ("recall_proposals", "recall_regular")


@pytest.fixture(scope="module")
def ex17():
    from exercises.ex17_detection import __main__ as ex17_detection

    return ex17_detection


@pytest.fixture
def small_data(monkeypatch, as_dataset):
    """Deux jeux en miniature, des réseaux de quelques cartes, et deux scènes par figure."""
    from exercises.ex17_detection import figures, grid, labels, localization, proposals, two_stage

    monkeypatch.setattr(figures, "NUM_SHOWN", 2)
    monkeypatch.setattr(grid, "WIDTHS", (4, 4, 4))
    monkeypatch.setattr(localization, "WIDTHS", (4, 4))
    monkeypatch.setattr(localization, "DENSE_UNITS", 8)
    monkeypatch.setattr(labels, "WIDTHS", (4,))
    monkeypatch.setattr(two_stage, "WIDTHS", (4, 4))
    monkeypatch.setattr(two_stage, "DENSE_UNITS", 8)
    monkeypatch.setattr(proposals, "WIDTH", 4)
    monkeypatch.setattr(proposals, "NUM_PROPOSALS", 1)
    for name in ("fashion_mnist", "cifar10"):
        dataset = as_dataset(name)
        monkeypatch.setattr(sources, f"load_{name}", lambda dataset=dataset: dataset)


@pytest.mark.slow
@pytest.mark.question(QUESTION)
def test_main_trains_measures_saves_and_draws(
    ex17, small_data, as_dataset, eager, unrendered, tmp_path, repo, capfd
):
    from convnets.serving.engine import Engine
    from exercises.ex17_detection import comparison, metrics, training

    folders = ["--models-dir", str(tmp_path / "m"), "--output", str(tmp_path / "f")]
    small = ["--limit", "24", "--batch-size", "24", "--seeds", "1", "--precision", "float32"]
    with unrendered():
        assert ex17.main([*small, "--epochs", "2", *folders]) == 0
    assert capfd.readouterr().out.splitlines()[-1] == (
        f"Pour s'en servir : python -m exercises.ex17_detection photo.png"
        f" --models-dir {tmp_path / 'm'}"
    )
    report = reports.read_report("ex17_detection", models_dir=tmp_path / "m")
    assert report.command == (
        "python -m exercises.ex17_detection --seeds 1 --epochs 2 --limit 24 --batch-size 24"
        " --precision float32"
    )
    assert report.num_images == {"train": 24, "val": 4, "test": 24}
    assert {shown.metric for shown in report.headline} <= set(report.metrics)
    assert len(report.history["loss"]) == len(report.history["localization_loss"]) == 2
    assert report.history["loss"][-1] < report.history["loss"][0]
    assert {path.name for path in (tmp_path / "f").iterdir()} == {
        "localisation.png",
        "detection.png",
        "doublons.png",
        "precision_rappel.png",
        "detecteurs.png",
        "etages.png",
        "etiquettes.png",
    }

    # Relu par Keras seul, le modèle redonne les mesures ; l'export donne les mêmes grilles.
    model = keras.saving.load_model(tmp_path / "m" / "ex17_detection.keras")
    made = training.make_scenes(
        as_dataset("fashion_mnist"),
        as_dataset("cifar10"),
        num_objects=comparison.NUM_OBJECTS,
        limit=24,
    )["test"]
    grids = model.predict(made.images, verbose=0)
    again = metrics.evaluate(grids, made, min_score=report.details["min_score"])
    assert again == pytest.approx({name: report.shipped[name] for name in again})
    export = (tmp_path / "m" / "ex17_detection.tflite").read_bytes()
    np.testing.assert_allclose(Engine(export).predict(made.images), grids, atol=1e-4)

    # Un entraînement d'autres options ne se reprend pas.
    capfd.readouterr()
    assert ex17.main([*small, "--epochs", "3", "--resume", *folders]) == 1
    assert "vient d'un autre entraînement" in capfd.readouterr().err

    assert ex17.main([str(repo / "samples" / "pont.png"), *folders]) == 0
    assert capfd.readouterr().out.splitlines()[-1] == str(tmp_path / "f" / "pont_boites.png")


@pytest.mark.slow
@pytest.mark.question(QUESTION)
def test_missing_networks_are_added_to_an_older_report(
    ex17, small_data, eager, unrendered, tmp_path
):
    """Un compte rendu privé des deux étages et des étiquettes les retrouve, pareils."""
    folders = ["--models-dir", str(tmp_path / "m"), "--output", str(tmp_path / "f")]
    small = ["--batch-size", "24", *folders]
    with unrendered():
        options = ["--limit", "24", "--epochs", "2", "--precision", "float32"]
        assert ex17.main([*options, *small]) == 0
        path = tmp_path / "m" / "ex17_detection.json"
        whole = reports.load_report(path)
        kept = {name: each for name, each in whole.metrics.items() if not name.startswith(ADDED)}
        history = {name: whole.history[name] for name in ("loss", "duration_s")}
        headline = [shown for shown in whole.headline if shown.metric in kept]
        reports.replace_report(
            dataclasses.replace(whole, metrics=kept, history=history, headline=headline), path
        )
        assert "map" in kept and len(whole.metrics) > len(kept) + 30
        weights = file_sha256(tmp_path / "m" / "ex17_detection.keras")
        assert ex17.main(["--missing", *small]) == 0
    found = reports.read_report("ex17_detection", models_dir=tmp_path / "m")
    assert file_sha256(tmp_path / "m" / "ex17_detection.keras") == weights
    for name in ("iou", "map", "two_stage_map", "recall_proposals", "labels_map_sigmoid"):
        assert found.metrics[name].mean == pytest.approx(whole.metrics[name].mean, abs=1e-6)
    assert found.headline == whole.headline and found.history["loss"] == whole.history["loss"]
    assert found.metrics["cpu_s_grid"].mean > 0 < found.metrics["cpu_s_two_stage"].mean


def test_nothing_is_relearned_when_nothing_is_missing(ex17, monkeypatch, capsys):
    monkeypatch.setattr(sources, "load_cifar10", lambda: pytest.fail("trop tard"))
    monkeypatch.setattr(sources, "load_fashion_mnist", lambda: pytest.fail("trop tard"))
    assert ex17.main(["--missing"]) == 0
    assert capsys.readouterr().out.startswith("Rien à ajouter")


def test_missing_networks_do_not_propose_minutes(ex17, monkeypatch):
    """Ses époques sont celles du compte rendu : `--minutes` n'y changerait rien."""
    from exercises.ex17_detection import comparison

    report, asked = reports.read_report("ex17_detection"), []
    metrics = {name: each for name, each in report.metrics.items() if name != "exact_sigmoid"}
    older = dataclasses.replace(report, metrics=metrics, headline=[])
    monkeypatch.setattr(comparison, "read_report", lambda *_, **__: older)
    for name in ("load_cifar10", "load_fashion_mnist"):
        monkeypatch.setattr(sources, name, lambda: None)
    monkeypatch.setattr(comparison, "make_scenes", lambda *_, **__: {})

    def learn(*_, options, **__):
        asked.append(progress._current.proposes)
        raise ValueError("assez vu")

    monkeypatch.setattr(comparison, "measure_more", learn)
    assert ex17.main(["--missing"]) == 1
    assert asked == [False]


@pytest.mark.question(QUESTION)
def test_a_picture_is_searched_with_the_saved_model(ex17, extract, tmp_path, capsys):
    """Un réseau qui rend la vérité plantée : elle est écrite et dessinée."""
    from exercises.ex17_detection.grid import encode

    objects, labels = extract("fashion_mnist")
    made = scenes.compose_scenes(
        objects, labels, extract("cifar10")[0], num_scenes=1, num_objects=(2, 2), seed=0
    )
    Image.fromarray(made.images[0]).save(tmp_path / "scene.png")
    truth = encode(made.boxes, made.labels)
    images = keras.Input((64, 64, 3), dtype="uint8")
    zeros = keras.layers.GlobalMaxPooling2D()(keras.layers.Rescaling(0.0)(images))
    planted = keras.layers.Dense(truth.size)
    model = keras.Model(images, keras.layers.Reshape(truth.shape[1:])(planted(zeros)))

    def save(answer):
        planted.set_weights([np.zeros((3, truth.size)), answer.ravel()])
        model.save(tmp_path / "ex17_detection.keras")
        report = reports.Report(
            command="",
            metrics={},
            input_shape=[64, 64, 3],
            details={"min_score": 0.5},
            files={"ex17_detection.keras": file_sha256(tmp_path / "ex17_detection.keras")},
        )
        content = json.dumps(dataclasses.asdict(report))
        (tmp_path / "ex17_detection.json").write_text(content, encoding="utf-8")

    save(truth)
    folders = ["--models-dir", str(tmp_path), "--output", str(tmp_path / "f")]
    assert ex17.main([str(tmp_path / "scene.png"), *folders]) == 0
    *lines, path = capsys.readouterr().out.splitlines()
    expected = {
        f"{sources.FASHION_CLASSES_FR[label]}, 100,0 % : de ({x0}, {y0}) à ({x1}, {y1})"
        for (x0, y0, x1, y1), label in zip(made.boxes[0].astype(int), made.labels[0], strict=True)
    }
    assert set(lines) == expected and len(lines) == 2
    assert path == str(tmp_path / "f" / "scene_boites.png")
    save(0 * truth)
    assert ex17.main([str(tmp_path / "scene.png"), *folders]) == 0
    assert "Aucun objet trouvé" in capsys.readouterr().out


def test_main_says_what_is_wrong(ex17, small_data, tmp_path, repo, capsys):
    folders = ["--models-dir", str(tmp_path), "--output", str(tmp_path / "f")]
    assert ex17.main([str(repo / "samples" / "chat.png"), *folders]) == 1
    assert "Pas de modèle ex17_detection" in capsys.readouterr().err
    assert ex17.main(["--limit", "10", *folders]) == 1
    assert "réduisez la taille du lot" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.question(QUESTION)
def test_shipped_model(extract):
    from exercises.ex17_detection import metrics

    model, report = saving.load_model("ex17_detection"), reports.read_report("ex17_detection")
    objects, labels = extract("fashion_mnist")
    made = scenes.compose_scenes(
        objects, labels, extract("cifar10")[0], num_scenes=60, num_objects=(1, 4), seed=0
    )
    grids = model.predict(made.images, verbose=0)
    found = metrics.evaluate(grids, made, min_score=report.details["min_score"])
    assert found["map"] > 0.4 and found["precision"] > 0.4 and found["recall"] > 0.4
    means = {name: metric.mean for name, metric in report.metrics.items()}
    assert means["iou"] > 0.5 > 0.25 > means["iou_mean_box"]
    assert means["map"] > means["map_without_nms"] > means["map_one_box"]
    assert means["two_stage_map"] > means["two_stage_map_unrefined"] > means["map_one_box"]
    assert means["two_stage_map"] > means["two_stage_map_without_nms"]
    assert means["recall_proposals"] > 0.9 > means["recall_regular"]
    assert abs(means["cpu_s_two_stage"] / means["cpu_s_grid"] - 1) < 0.1  # à temps égal
    for name in ("labels_map", "exact"):
        sigmoid, softmax, constant = (
            means[f"{name}_{end}"] for end in ("sigmoid", "softmax", "constant")
        )
        assert sigmoid > softmax > constant
