"""Ce que le réseau des rues ne sait pas."""

import numpy as np
import pytest

from convnets.core import reports
from convnets.datasets.streets import CLASSES_FR, VOID, Streets
from exercises.ex18_segmentation import doubt

QUESTION = "S3 Different problems, models & metrics"


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
    assert found == {"said": 0.5, "said_accuracy": 1}


@pytest.mark.question(QUESTION)
def test_what_is_badly_known_is_named():
    metrics = {f"weighted_iou_{key}": reports.Metric(0.5) for key in CLASSES_FR}
    details = {"min_probability": 0.6, "usual": 0.3}
    report = reports.Report("", metrics | {"said_accuracy": reports.Metric(0.9)}, details=details)
    assert "au moins 25,0 %" in doubt.say_weak(report)
    report.metrics["weighted_iou_pole"] = reports.Metric(0.1)
    assert "Poteau (10,0 %)" in doubt.say_weak(report)
    assert "90,0 %" in doubt.say_doubt(0.3, report)
    assert "ressemble peu" in doubt.say_doubt(0.31, report)
