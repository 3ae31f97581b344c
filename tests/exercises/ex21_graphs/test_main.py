from pathlib import Path

import pytest

from convnets.core import reports
from convnets.datasets import sources
from convnets.training import export, saving

pytestmark = pytest.mark.ci

QUESTION = "S3, réseaux de graphes"


@pytest.fixture(scope="module")
def ex21():
    from exercises.ex21_graphs import __main__ as ex21_graphs

    return ex21_graphs


@pytest.fixture
def trial(as_dataset, tmp_path, monkeypatch):
    """Un essai entier en quelques secondes : deux réseaux étroits, un tirage, peu de pas."""
    from exercises.ex21_graphs import comparison, figures, images, real_graphs, tasks

    updates = {name: comparison.UPDATES[name] for name in ("sum", "alone")}
    monkeypatch.setattr(comparison, "UPDATES", updates)
    kept = [each for each in comparison.HEADLINE if each[0] != "accuracy_conv"]
    monkeypatch.setattr(comparison, "HEADLINE", kept)
    monkeypatch.setattr(real_graphs, "STEPS", 1)
    monkeypatch.setattr(tasks, "NUM_DRAWS", 1)
    monkeypatch.setattr(sources, "load_fashion_mnist", lambda: as_dataset("fashion_mnist"))
    monkeypatch.setattr(figures, "DEPTHS", range(2))
    monkeypatch.setattr(figures, "GRID_PX", 9)
    for name, value in {"UNITS": 8, "ALONE_UNITS": 8, "DEPTH": 1}.items():
        monkeypatch.setattr(images, name, value)
    names = {"accuracy", "accuracy_alone"}
    panels = [
        (title, unit, [bar for bar in bars if bar[0] in names or "acc" not in bar[0]])
        for title, unit, bars in figures.PANELS
    ]
    monkeypatch.setattr(figures, "PANELS", panels)
    return [
        "--epochs",
        "1",
        "--seeds",
        "1",
        "--batch-size",
        "135",
        "--precision",
        "float32",
        "--models-dir",
        str(tmp_path / "m"),
        "--output",
        str(tmp_path / "f"),
    ]


@pytest.mark.slow
@pytest.mark.question(QUESTION)
def test_main_trains_measures_saves_and_redraws(
    ex21, trial, eager, unrendered, as_dataset, tmp_path, capsys
):
    from exercises.ex21_graphs import figures as ex21_figures

    (tmp_path / "f").mkdir()
    with unrendered(), pytest.MonkeyPatch.context() as patch:  # `--show` composera ces deux-là
        patch.setattr(ex21_figures, "save_club", lambda network, first, path: path.touch())
        patch.setattr(ex21_figures, "save_receptive_field", Path.touch)
        assert ex21.main(trial) == 0
    printed = capsys.readouterr().out
    assert "égale à la convolution" in printed and "propagation d'étiquettes" in printed
    figures = {path.name for path in (tmp_path / "f").iterdir()}
    assert figures == {"club.png", "mesures.png", "champ.png", "courbes.png", "confusion.png"}
    report = reports.read_report("ex21_graphs", models_dir=tmp_path / "m")
    metrics = report.metrics
    assert {
        "accuracy",
        "accuracy_alone",
        "nodes",
        "nodes_mlp",
        "nodes_propagation",
        "nodes_logistic",
        "nodes_majority",
        "edges",
        "edges_common",
        "edges_degrees",
    } == set(metrics)
    assert all(0 <= metric.mean <= 1 and metric.n == 1 for metric in metrics.values())
    assert report.parameters["sum"] == report.num_parameters
    assert report.num_images == {"train": 270, "val": 30, "test": 100}

    # Relu par Keras seul, puis par le moteur de ./predict : les mêmes réponses.
    x, y = as_dataset("fashion_mnist")[1]
    model = saving.load_model("ex21_graphs", models_dir=tmp_path / "m")
    probabilities = model.predict(x, verbose=0)
    assert (probabilities.argmax(1) == y).mean() == pytest.approx(report.shipped["accuracy"])
    content = (tmp_path / "m" / "ex21_graphs.tflite").read_bytes()
    assert (export.export_guesses(content, x) == probabilities.argmax(1)).mean() > 0.98

    # D'autres options, et la reprise refuse.
    assert ex21.main([*trial, "--resume", "--batch-size", "20"]) == 1
    assert "vient d'un autre entraînement" in capsys.readouterr().err

    # --show redessine sans entraîner.
    for path in (tmp_path / "f").iterdir():
        path.unlink()
    with unrendered():
        assert ex21.main([*trial, "--show"]) == 0
    assert {path.name for path in (tmp_path / "f").iterdir()} == figures


def test_show_without_a_model(ex21, tmp_path, capsys):
    assert ex21.main(["--show", "--models-dir", str(tmp_path)]) == 1
    assert "Pas de modèle ex21_graphs" in capsys.readouterr().err
