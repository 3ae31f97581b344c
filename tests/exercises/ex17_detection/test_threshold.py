"""Le seuil de couleur : des taches posées, retrouvées."""

import numpy as np
import pytest

from convnets.datasets.scenes import ABSENT, Scenes
from exercises.ex17_detection import threshold as ex17

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
