"""Les classes rares qui pèsent plus lourd, et ce que le réseau ne sait pas."""

import numpy as np
import pytest

from convnets.core import reports
from convnets.datasets.streets import CLASSES_FR, VOID, Streets
from exercises.ex18_segmentation import doubt, rare_classes

QUESTION = "S3 Different problems, models & metrics"


@pytest.mark.question(QUESTION)
def test_a_rare_class_weighs_more():
    """Trois photographies de quatre pixels ; la classe 2 n'est que dans la dernière."""
    masks = np.array([[[0, 0, 0, 1]], [[0, 0, 0, VOID]], [[0, 0, 2, 1]]], np.uint8)
    # Fréquences : 8/11 ; 2/8, dans les deux photographies où elle est ; 1/4, dans la sienne.
    weights = rare_classes.balance(masks)
    assert weights[:3] == pytest.approx([0.25 / (8 / 11), 1, 1])
    assert not weights[3:].any()


@pytest.mark.question(QUESTION)
def test_the_error_of_a_pixel_counts_as_its_class():
    masks = np.array([[[0, 1], [2, VOID]]], np.uint8)
    answers = np.full((1, 2, 2, 11), 0.05, np.float32)
    answers[0, [0, 0, 1], [0, 1, 0], [0, 1, 2]] = 0.5, 0.25, 0.125
    weights = np.arange(11.0)
    expected = -(0 * np.log(0.5) + 1 * np.log(0.25) + 2 * np.log(0.125)) / 4
    assert float(rare_classes.weighted_loss(weights)(masks, answers)) == pytest.approx(expected)


class Planted:
    """Un réseau qui répond toujours la classe 0, sûr de lui à gauche, hésitant à droite."""

    def predict(self, images, **options):
        answers = np.zeros((*images.shape[:3], 11))
        answers[..., 1], answers[..., 0] = 0.4, 0.6
        answers[:, :, : images.shape[2] // 2, 0] = 0.8
        return answers


@pytest.mark.question(QUESTION)
def test_the_network_knows_where_it_is_not_to_be_believed():
    """Il a raison à gauche, et tort à droite : le seuil sépare les deux moitiés."""
    masks = np.zeros((2, 4, 8), np.uint8)
    masks[:, :, 4:], masks[1, 0] = 5, VOID
    parts = Streets(np.zeros((2, 4, 8, 3), np.uint8), masks, masks)
    chosen = doubt.find_doubt(Planted(), parts)
    assert chosen == (0.8, 0.5)
    found = doubt.measure_doubt(Planted(), parts, chosen)
    assert found == {"said": 0.5, "said_accuracy": 1, "unsaid_accuracy": 0, "unusual": 0}


@pytest.mark.question(QUESTION)
def test_what_is_badly_known_is_named():
    metrics = {f"iou_{key}": reports.Metric(0.5) for key in CLASSES_FR}
    details = {"min_probability": 0.6, "usual": 0.3}
    report = reports.Report("", metrics | {"said_accuracy": reports.Metric(0.9)}, details=details)
    assert "au moins 25,0 %" in doubt.say_weak(report)
    report.metrics["iou_pole"] = reports.Metric(0.1)
    assert "Poteau (10,0 %)" in doubt.say_weak(report)
    assert "90,0 %" in doubt.say_doubt(0.3, report)
    assert "ressemble peu" in doubt.say_doubt(0.31, report)


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_the_lesson(tiny_streets, eager, unrendered, tmp_path, monkeypatch, capsys, short_runs):
    short_runs(tmp_path)
    with unrendered():
        arguments = ["--epochs", "1", "--limit", "2", "--output", str(tmp_path / "f")]
        assert rare_classes.main(arguments) == 0
        proposed = capsys.readouterr().out.split()[-3:]
        assert proposed[0] == "--model"
        assert rare_classes.main([*proposed, "--output", str(tmp_path / "f")]) == 0
    said = capsys.readouterr().out
    assert "des pixels" in said and "Il connaît mal" in said
    report = reports.read_report("ex18_rare_classes", models_dir=tmp_path)
    assert set(report.details) == {"min_probability", "usual"}
