"""Comparer des boîtes, une paire après l'autre."""

from typing import NamedTuple

import numpy as np

IOU_FOUND = 0.5
IOU_SAME = 0.4


class Detections(NamedTuple):
    boxes: np.ndarray
    scores: np.ndarray
    labels: np.ndarray


def iou(first, second):
    if np.ndim(first) != 2 or np.ndim(second) != 2 or len(first[0]) != 4 or len(second[0]) != 4:
        raise ValueError("il faut des tableaux (n, 4)")
    found = np.zeros((len(first), len(second)))
    for i, a in enumerate(first):
        for j, b in enumerate(second):
            width = min(a[2], b[2]) - max(a[0], b[0])
            height = min(a[3], b[3]) - max(a[1], b[1])
            if width > 0 and height > 0:
                common = width * height
                area_a = (a[2] - a[0]) * (a[3] - a[1])
                area_b = (b[2] - b[0]) * (b[3] - b[1])
                found[i, j] = common / (area_a + area_b - common)
    return found


def non_max_suppression(boxes, scores, labels, *, threshold=IOU_SAME):
    overlaps = iou(boxes, boxes)
    kept = []
    for i in np.argsort(scores)[::-1]:
        alone = True
        for j in kept:
            if labels[i] == labels[j] and overlaps[i, j] > threshold:
                alone = False
        if alone:
            kept.append(i)
    return kept


def match(found, boxes, labels):
    correct = []
    taken = []
    for box, label in zip(found.boxes, found.labels, strict=True):
        best, best_iou = None, 0
        for j in range(len(boxes)):
            value = iou([box], [boxes[j]])[0, 0]
            if labels[j] == label and value > best_iou:
                best, best_iou = j, value
        right = best_iou >= IOU_FOUND and best not in taken
        if right:
            taken.append(best)
        correct.append(right)
    return np.array(correct)


def precision_recall(scores, correct, num_objects):
    precision, recall, num_right = [], [], 0
    for rank, i in enumerate(np.argsort(scores)[::-1], start=1):
        num_right += correct[i]
        precision.append(num_right / rank)
        recall.append(num_right / num_objects if num_objects else 0)
    return np.array(precision), np.array(recall)


def average_precision(precision, recall):
    area, previous = 0, 0
    for k in range(len(recall)):
        area += (recall[k] - previous) * max(precision[k:])
        previous = recall[k]
    return area
