import numpy as np
import pytest

from convnets.core import reports
from convnets.datasets import sources
from convnets.training import export, saving

QUESTION = "S3, réseaux de graphes"


@pytest.fixture(scope="module")
def ex21():
    from exercises.ex21_graphs import __main__ as ex21_graphs

    return ex21_graphs


@pytest.fixture
def trial(ex21, as_dataset, tmp_path, monkeypatch):
    """Un essai entier en quelques secondes : deux réseaux, un tirage, peu de pas."""
    from exercises.ex21_graphs import networks, tasks

    updates = {name: ex21.UPDATES[name] for name in ("sum", "alone")}
    monkeypatch.setattr(ex21, "UPDATES", updates)
    monkeypatch.setattr(networks, "STEPS", 3)
    monkeypatch.setattr(tasks, "NUM_DRAWS", 1)
    monkeypatch.setattr(sources, "load_fashion_mnist", lambda: as_dataset("fashion_mnist"))
    monkeypatch.setattr(ex21.ex21_figures, "DEPTHS", range(2))
    names = {"accuracy", "accuracy_alone"}
    panels = [
        (title, unit, [bar for bar in bars if bar[0] in names or "acc" not in bar[0]])
        for title, unit, bars in ex21.ex21_figures.PANELS
    ]
    monkeypatch.setattr(ex21.ex21_figures, "PANELS", panels)
    return [
        "--epochs",
        "1",
        "--seeds",
        "1",
        "--models-dir",
        str(tmp_path / "m"),
        "--output",
        str(tmp_path / "f"),
    ]


@pytest.mark.question(QUESTION)
def test_check_convolution_prints_the_numbers_of_the_course(ex21):
    lines = ex21.check_convolution().splitlines()
    assert [line.replace(" ", "") for line in lines[:5]] == [
        "22311",
        "14341",
        "12433",
        "12341",
        "02211",
    ]
    assert lines[5].endswith("égale à la convolution « same ».")


@pytest.mark.question(QUESTION)
def test_main_trains_measures_saves_and_redraws(ex21, trial, as_dataset, tmp_path, capsys):
    assert ex21.main(trial) == 0
    printed = capsys.readouterr().out
    assert "égale à la convolution" in printed and "propagation d'étiquettes" in printed
    figures = {path.name for path in (tmp_path / "f").iterdir()}
    assert figures == {"club.png", "mesures.png", "champ.png", "courbes.png", "confusion.png"}
    report = reports.read_sidecar("ex21_graphs", models_dir=tmp_path / "m")
    metrics = report["metrics"]
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
    assert all(0 <= metric["mean"] <= 1 and metric["n"] == 1 for metric in metrics.values())
    assert report["parameters"]["sum"] == report["num_parameters"]
    assert report["num_images"] == {"train": 270, "val": 30, "test": 100}

    # Relu par Keras seul, puis par le moteur de ./predict : les mêmes réponses.
    x, y = as_dataset("fashion_mnist")[1]
    model = saving.load_model("ex21_graphs", models_dir=tmp_path / "m")
    probabilities = model.predict(x, verbose=0)
    assert (probabilities.argmax(1) == y).mean() == pytest.approx(report["shipped"]["accuracy"])
    content = (tmp_path / "m" / "ex21_graphs.tflite").read_bytes()
    assert (export.export_guesses(content, x) == probabilities.argmax(1)).mean() > 0.98

    # D'autres options, et la reprise refuse.
    assert ex21.main([*trial, "--resume", "--batch-size", "20"]) == 1
    assert "vient d'un autre entraînement" in capsys.readouterr().err

    # --show redessine sans entraîner.
    for path in (tmp_path / "f").iterdir():
        path.unlink()
    assert ex21.main([*trial, "--show"]) == 0
    assert {path.name for path in (tmp_path / "f").iterdir()} == figures


def test_show_without_a_model(ex21, tmp_path, capsys):
    assert ex21.main(["--show", "--models-dir", str(tmp_path)]) == 1
    assert "Entraînez-le d'abord : python -m exercises.ex21_graphs" in capsys.readouterr().err


def test_controls_are_the_ones_of_the_measured_model(ex21):
    """Chaque mesure vient de son réseau, et le réseau livré choisit ses témoins."""

    class Constant:
        def __init__(self, answer):
            self.answer = answer

        def predict(self, x, **options):
            return np.eye(10)[np.full(len(x), self.answer)]

    first, second = Constant(1), Constant(2)
    controls = {first: {"alone": Constant(3)}, second: {"alone": Constant(2)}}
    y = np.array([1, 1, 2, 3])
    found = ex21.evaluate(controls, first, np.zeros((4, 28, 28)), y)
    assert (found["accuracy"], found["accuracy_alone"]) == (0.5, 0.25)
    assert found["probabilities"][:, 1].all()
    found = ex21.evaluate(controls, second, np.zeros((4, 28, 28)), y)
    assert (found["accuracy"], found["accuracy_alone"]) == (0.25, 0.25)
