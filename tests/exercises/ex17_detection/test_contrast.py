"""Des carrés nets posés sur un fond lisse : proposés, puis nommés comme ceux des scènes connues."""

import numpy as np
import pytest

from convnets.datasets.scenes import ABSENT, Scenes
from exercises.ex17_detection import contrast as ex17

QUESTION = "S3 Different problems, models & metrics"
PATTERNS = np.random.default_rng(0).integers(150, 255, (2, 20, 20, 3)).astype(np.uint8)


def scenes(num):
    """Dans chaque scène, un carré de classe 3 ou 7, à motif connu, quelque part."""
    rng = np.random.default_rng(num)
    images = np.full((num, 64, 64, 3), 60, np.uint8)
    corners, kinds = rng.integers(2, 40, (num, 2)), rng.integers(2, size=num)
    for image, (x, y), kind in zip(images, corners, kinds, strict=True):
        image[y : y + 20, x : x + 20] = PATTERNS[kind]
    boxes = np.concatenate([corners, corners + 20], axis=1)[:, None].astype(np.float32)
    absent = np.zeros_like(boxes)
    labels = np.stack([np.array([3, 7])[kinds], np.full(num, ABSENT)], axis=1)
    return Scenes(images, np.concatenate([boxes, absent], axis=1), labels, images[..., 0])


@pytest.mark.question(QUESTION)
def test_planted_patterns_are_found_and_named(monkeypatch):
    monkeypatch.setattr(ex17, "NEIGHBOURS", 5)
    known, test = scenes(40), scenes(6)
    for found, boxes, labels in zip(
        ex17.find(test.images, ex17.remember(known)), test.boxes, test.labels, strict=True
    ):
        assert found.labels[0] == labels[0] and found.scores[0] == 1
        np.testing.assert_allclose(found.boxes[0], boxes[0], atol=3)


def test_a_smooth_image_has_nothing():
    (found,) = ex17.find(np.full((1, 64, 64, 3), 90, np.uint8), ex17.remember(scenes(4)))
    assert len(found.boxes) == 0
