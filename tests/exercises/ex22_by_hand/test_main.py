"""La leçon entière, à peu d'images et les poids livrés."""

import numpy as np
import pytest
from PIL import Image

from convnets.core import reports
from convnets.core.cli import percent
from convnets.serving.classifier import Classifier
from exercises.ex22_by_hand import __main__ as ex22
from exercises.ex22_by_hand import loops, network

SLUG = "ex22_by_hand"
LOSSES = {name: [2.0, 1.0 + k / 1e6] for k, name in enumerate(loops.LOOPS)}


@pytest.mark.ci
@pytest.mark.question("S4, backpropagation pour CNN ?")
def test_lesson_checks_trains_measures_and_saves(
    small_data, unrendered, tmp_path, monkeypatch, capsys, short_runs
):
    short_runs(tmp_path / "m")
    dataset = small_data("mnist")
    monkeypatch.setattr(ex22, "run_loops", lambda x, y: LOSSES)
    with unrendered():
        assert ex22.main(["--epochs", "2", "--output", str(tmp_path / "f")]) == 0
    printed = capsys.readouterr().out
    *_, learned, frozen, _, _ = (line for line in printed.splitlines() if line.endswith(" %"))
    assert [path.name for path in (tmp_path / "f").iterdir()] == ["filtres.png"]
    report = reports.read_report(SLUG, models_dir=tmp_path / "m")
    assert report.framing == "digit" and report.metrics["accuracy"].mean > 0.2
    assert learned.endswith(percent(report.metrics["accuracy"].mean))  # NumPy et Keras d'accord
    assert frozen.startswith("la même, filtres") and frozen.split()[-2] != learned.split()[-2]

    # Mesurée, la leçon garde les images de test que chacun classe bien.
    with unrendered():
        measured = ex22.run(0, epochs=1)
    means = {name: np.mean(right) for name, right in measured.kept["pooled"].items()}
    assert means == pytest.approx(measured.metrics) and "accuracy_nearest" in means

    x, y = dataset[1]
    found = Classifier(SLUG, models_dir=tmp_path / "m").predict(x)
    assert np.mean(found.argmax(1) == y) == pytest.approx(report.metrics["accuracy"].mean)


def test_loop_by_hand_stops_when_its_time_is_over(extract, capsys):
    x, y = (each[:64] for each in extract("mnist"))
    batches = ex22.Batches(x, y, batch_size=32, seed=0, augment=None)
    layers = network.build_linear(seed=0)
    ex22.learn(layers, batches, first=0, epochs=1000, limit_s=0.02, val=(x, y))
    assert "Le temps est passé" in capsys.readouterr().out


def test_every_image_is_measured(extract, monkeypatch):
    x, y = (each[:25] for each in extract("mnist"))
    layers = network.build_layers(seed=0)
    guesses = network.forward(layers, network.to_floats(x)).argmax(1)
    monkeypatch.setattr(ex22, "PASS", 10)
    assert ex22.is_right(layers, x, guesses).all()
    np.testing.assert_array_equal(ex22.is_right(layers, x, y), guesses == y)


def test_the_nearest_learned_image_gives_its_class(extract):
    x, y = (each[:60] for each in extract("mnist"))
    moved = np.where(x[:9] > 0, x[:9] - 1, 1).astype(np.uint8)  # un niveau de gris d'écart
    np.testing.assert_array_equal(ex22.copy_nearest(x, y, moved), y[:9])


# --- Les mesures et les poids livrés ---------------------------------------------------


def test_published_measures_hold_together():
    report = reports.load_measures(SLUG)
    means = {name: metric.mean for name, metric in report.metrics.items()}
    assert means["accuracy"] >= 0.975 and report.metrics["accuracy"].n == 5
    known = ("accuracy", "accuracy_nearest", "accuracy_frozen", "accuracy_linear")
    assert sorted(means, key=means.get, reverse=True)[:-1] == [*known]
    assert means["accuracy_constant"] == pytest.approx(0.1135)  # les 1 du jeu de test


@pytest.mark.ci
def test_predict_names_a_digit_with_the_shipped_weights(extract, tmp_path, run_predict):
    x, y = extract("mnist")
    Image.fromarray(255 - x[0]).resize((112, 112)).save(tmp_path / "chiffre.png")
    done = run_predict("--model", SLUG, tmp_path / "chiffre.png")
    assert done.stdout.decode() == f"Prédiction: {y[0]}\n", done.stderr
