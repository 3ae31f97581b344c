"""La leçon entière, à peu d'images, les boucles dessinées et les poids livrés."""

import inspect

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from convnets.core import paths, reports
from convnets.datasets import sources
from convnets.training import saving
from exercises.ex22_by_hand import __main__ as ex22
from exercises.ex22_by_hand import figures, loops, network

SLUG = "ex22_by_hand"
LOSSES = {name: [2.0, 1.0 + k / 1e6] for k, name in enumerate(loops.LOOPS)}


@pytest.mark.ci
@pytest.mark.question("S4, backpropagation pour CNN ?")
def test_lesson_checks_trains_measures_and_saves(
    as_dataset, unrendered, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(paths, "MODELS_DIR", tmp_path / "m")
    monkeypatch.setattr(sources, "load_mnist", lambda: as_dataset("mnist"))
    monkeypatch.setattr(ex22, "run_loops", lambda x, y: LOSSES)
    load = saving.load_model
    monkeypatch.setattr(saving, "load_model", lambda slug: load(slug, models_dir=tmp_path / "m"))
    with unrendered():
        assert ex22.main(["--epochs", "2", "--output", str(tmp_path / "f")]) == 0
    printed = capsys.readouterr().out
    assert "répond comme NumPy à 100,0 %" in printed
    assert "exactitude en validation" in printed and "filtres laissés au hasard" in printed
    names = {path.name for path in (tmp_path / "f").iterdir()}
    assert names == {"boucles.png", "filtres.png"}
    report = reports.read_report(SLUG, models_dir=tmp_path / "m")
    assert report.framing == "digit" and report.metrics["accuracy"].mean > 0.2

    from convnets.serving.classifier import Classifier

    x, y = as_dataset("mnist")[1]
    found = Classifier(SLUG, models_dir=tmp_path / "m").predict(x)
    assert np.mean(found.argmax(1) == y) == pytest.approx(report.metrics["accuracy"].mean)


def test_loop_by_hand_stops_when_its_time_is_over(extract, capsys):
    x, y = (each[:64] for each in extract("mnist"))
    batches = ex22.Batches(x, y, batch_size=32, seed=0, augment=None)
    layers = network.build_linear(seed=0)
    ex22.learn(layers, batches, first=0, epochs=1000, limit_s=0.02, val=(x, y))
    assert "Le temps est passé" in capsys.readouterr().out


def test_predict_joins_its_passes(extract, monkeypatch):
    x, _ = extract("mnist")
    layers = network.build_layers(seed=0)
    whole = network.forward(layers, network.to_floats(x[:25]))
    monkeypatch.setattr(ex22, "PASS", 10)
    np.testing.assert_allclose(ex22.predict(layers, x[:25]), whole, atol=1e-5)


@pytest.mark.question("S4, training loop")
@pytest.mark.parametrize("name", loops.LOOPS)
def test_the_figure_reads_the_loops_in_their_source(name):
    lines = figures.read_loop(name)
    source = inspect.getsource(getattr(loops, name))
    assert len(lines) * figures.LINE_HEIGHT < 1 and max(map(len, lines)) <= 80  # tient au cadre
    assert all(f"    {line}".rstrip() in source.splitlines() for line in lines)
    assert lines[-1].startswith("return ") and not any('"""' in line for line in lines)
    found = [gestures for gestures in map(figures.find_gestures, lines) if gestures]
    assert found == ([[1, 2, 3, 4]] if name == "with_fit" else [[1], [2], [3], [4]])


@pytest.mark.parametrize("absent", [None, "with_torch"])
def test_loops_are_drawn_with_and_without_torch(absent, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, path: drawn.append(figure))
    losses = {name: each for name, each in LOSSES.items() if name != absent}
    figures.save_loops(losses, tmp_path / "boucles.png")
    *panels, curves, gaps = drawn[0].axes
    titles = [panel.get_title("left") for panel in panels]
    assert titles[:2] == ["NumPy, à la main", "Keras, GradientTape"]
    assert titles[2] == "PyTorch" + " (absent de cette machine)" * (absent is not None)
    assert [len(panel.collections) for panel in panels] == [4, 4, 4, 4]  # un geste par couleur
    assert len(curves.lines) == len(losses) == len(gaps.lines)  # là, la tolérance au lieu de NumPy
    assert "3e-06 d'écart" in curves.get_title()


# --- Les mesures et les poids livrés ---------------------------------------------------


def test_published_measures_hold_together():
    report = reports.load_measures(SLUG)
    means = {name: metric.mean for name, metric in report.metrics.items()}
    assert means["accuracy"] >= 0.975 and report.metrics["accuracy"].n == 3
    assert means["accuracy"] > means["accuracy_frozen"] > means["accuracy_linear"] > 0.9
    assert means["accuracy_constant"] == pytest.approx(0.1135)  # les 1 du jeu de test


@pytest.mark.ci
def test_predict_names_a_digit_with_the_shipped_weights(extract, tmp_path, run_predict):
    x, y = extract("mnist")
    Image.fromarray(255 - x[0]).resize((112, 112)).save(tmp_path / "chiffre.png")
    done = run_predict("--model", SLUG, tmp_path / "chiffre.png")
    assert done.stdout.decode() == f"Prédiction: {y[0]}\n", done.stderr
