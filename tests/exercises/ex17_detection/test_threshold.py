"""Le seuil de couleur : des taches posées, retrouvées ; des précisions tirées de nouveau."""

import numpy as np
import pytest

from convnets.datasets import cells
from convnets.datasets.scenes import ABSENT, Scenes
from exercises.ex17_detection import metrics
from exercises.ex17_detection import threshold as ex17
from exercises.ex17_detection.boxes import Detections

QUESTION = "S3 Crowd Understanding"
PINK, VIOLET = (190, 184, 187), (150, 116, 205)
WHITE_CELL, PLATELET = [20, 30, 60, 80], [100, 100, 110, 112]  # x0, y0, x1, y1


@pytest.fixture
def scenes():
    """Deux photographies : dans chacune, un grand objet violet et un petit."""
    images = np.full((2, 160, 160, 3), PINK, np.uint8)
    for image in images:
        for x0, y0, x1, y1 in (WHITE_CELL, PLATELET):
            image[y0:y1, x0:x1] = VIOLET
    boxes = np.array([[WHITE_CELL, PLATELET, [0, 0, 0, 0]]] * 2, np.float32)
    labels = np.array([[1, 2, ABSENT]] * 2, np.int32)
    return Scenes(images, boxes, labels, None)


@pytest.mark.question(QUESTION)
def test_planted_spots_are_found_and_told_apart_by_their_size(scenes):
    rules = {name: ex17.choose_rule(scenes, name) for name in ("WBC", "Platelets")}
    for found in ex17.find_all(scenes.images, rules):
        assert found.labels.tolist() == [1, 2] or found.labels.tolist() == [2, 1]
        order = np.argsort(found.labels)
        np.testing.assert_allclose(found.boxes[order], [WHITE_CELL, PLATELET], atol=3)


def test_a_pink_photograph_has_no_spot():
    excess = ex17.purple(np.full((1, 160, 160, 3), PINK, np.uint8))[0]
    assert len(ex17.find_spots(excess, ex17.Rule(20, 0), "WBC").boxes) == 0


def test_photographs_put_together_give_the_usual_precision(scenes):
    wrong = Detections(np.array([[0.0, 0, 5, 5]]), np.array([0.9]), np.array([1]))
    right = Detections(np.array([WHITE_CELL], float), np.array([0.6]), np.array([1]))
    rows = ex17.answers([wrong, right], scenes, 1)
    whole = metrics.average_precisions(metrics.judge([wrong, right], scenes), cells.CLASSES)
    assert (
        ex17.pooled_precision(rows) == whole["ap WBC"] == 0.25
    )  # un objet sur deux, après une faute
    drawn = ex17.resampled_precisions(rows)
    assert set(drawn.round(3)) == {0, 0.25, 1}  # deux fois l'une, une de chaque, deux fois l'autre
