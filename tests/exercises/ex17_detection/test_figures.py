import numpy as np

from convnets.figures.style import COLORS
from exercises.ex17_detection import figures
from exercises.ex17_detection.boxes import Detections


def test_boxes_are_drawn_where_they_are_with_their_names():
    found = Detections(np.array([[3, 5, 30, 40]]), np.array([0.934]), np.array([8]))
    shown = figures.show(np.zeros((64, 64, 3), np.uint8), found, np.array([[4, 6, 31, 41]]))
    (true, nothing, white), (box, name, color) = shown.boxes
    assert true.tolist() == [3.5, 5.5, 30.5, 40.5] and (nothing, white) == ("", "white")
    assert box.tolist() == [2.5, 4.5, 29.5, 39.5] and (name, color) == ("Sac 93 %", COLORS[1])


def test_a_class_without_object_has_no_bar():
    assert figures.by_class({"ap Bag": 0.5}, "ap")["Sac"] == 0.5
    assert figures.by_class({"ap Bag": 0.5}, "ap")["Robe"] is None
