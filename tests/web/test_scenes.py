"""Les pages « Boîtes » et « Masques » : leurs scènes, et leurs calculs comparés aux exercices."""

import json

import numpy as np
import pytest
from PIL import Image

from exercises.ex17_detection import boxes as lesson
from exercises.ex17_detection import grid
from tests.web.node import needs_node, run_script
from web import scenes


@pytest.mark.parametrize("index", range(scenes.NUM_SCENES))
def test_boxes_of_a_scene_surround_its_masks(index):
    content = json.loads((scenes.FOLDER / "scenes.json").read_text(encoding="utf-8"))
    mask = np.asarray(Image.open(scenes.FOLDER / f"{index}_masques.png"))
    assert Image.open(scenes.FOLDER / f"{index}.png").size == mask.shape
    truth = content["scenes"][index]
    for (x0, y0, x1, y1), label in zip(truth["boxes"], truth["labels"], strict=True):
        inside = mask[int(y0) : int(y1), int(x0) : int(x1)] == label + 1
        assert inside.any(0).all() or truth["labels"].count(label) > 1
    assert set(np.unique(mask)) == {0, *(label + 1 for label in truth["labels"])}


@needs_node
def test_iou_is_the_lesson_s():
    rng = np.random.default_rng(0)
    corners = np.sort(rng.integers(0, 20, (30, 2, 2)), axis=1).reshape(30, 4)
    found = run_script(
        "console.log(JSON.stringify(given.map((a) => given.map((b) => boxes.iou(a, b)))));",
        corners.tolist(),
    )
    np.testing.assert_allclose(found, lesson.iou(corners, corners), atol=1e-12)


@needs_node
def test_a_grid_is_read_as_the_lesson_does():
    values = np.random.default_rng(1).random((grid.GRID, grid.GRID, grid.DEPTH))
    values = values.astype(np.float32)
    found = run_script(
        "const read = boxes.readGrid(Float32Array.from(given.values), given.shape, 64);"
        "console.log(JSON.stringify([read, boxes.suppress(read, 0.4)]));",
        {"values": values.ravel().tolist(), "shape": [1, *values.shape]},
    )
    for got, suppressed in zip(found, (False, True), strict=True):
        [want] = grid.decode(values[None], min_score=0, suppress=suppressed)
        np.testing.assert_allclose([each["box"] for each in got], want.boxes, atol=1e-4)
        np.testing.assert_allclose([each["score"] for each in got], want.scores, atol=1e-6)
        assert [each["label"] for each in got] == want.labels.tolist()


@needs_node
def test_masks_are_compared_class_by_class():
    found = run_script(
        "const {accuracy, ious} = masks.compare(...given.map((each) => Uint8Array.from(each)));"
        "console.log(JSON.stringify([accuracy, [...ious], "
        "Array.from(masks.readMask(Float32Array.from([0.1, 0.9, 0.7, 0.3]), 2))]));",
        [[0, 0, 1, 2], [0, 1, 1, 1]],
    )
    assert found == [0.5, [[0, 0.5], [1, 1 / 3], [2, 0]], [1, 0]]
