"""La liste des boîtes qui restent, comme on l'écrit souvent."""

import numpy as np


def iou(first, second):
    first, second = np.asarray(first, "float64"), np.asarray(second, "float64")
    if first.shape[1:] != (4,) or second.shape[1:] != (4,):
        raise ValueError(f"{first.shape}, {second.shape}")
    ax0, ay0, ax1, ay1 = first.T[:, :, None]
    bx0, by0, bx1, by1 = second.T[:, None, :]
    width = np.maximum(0, np.minimum(ax1, bx1) - np.maximum(ax0, bx0))
    height = np.maximum(0, np.minimum(ay1, by1) - np.maximum(ay0, by0))
    common = width * height
    areas = (ax1 - ax0) * (ay1 - ay0) + (bx1 - bx0) * (by1 - by0)
    return common / (areas - common + 1e-9)


def non_max_suppression(boxes, scores, labels, *, threshold=0.4):
    far = boxes + labels[:, None] * (2 * boxes.max() + 1)
    left, kept = np.argsort(-scores), []
    while left.size:
        best, left = left[0], left[1:]
        kept.append(best)
        left = left[iou(far[[best]], far[left])[0] <= threshold]
    return np.array(kept)


def match(found, boxes, labels):
    theirs, _, classes = found
    taken = []
    correct = np.zeros(len(theirs), int)
    for i in range(len(theirs)):
        mine = [j for j in range(len(boxes)) if labels[j] == classes[i]]
        if mine:
            overlaps = iou(theirs[i : i + 1], boxes[mine])[0]
            best = mine[overlaps.argmax()]
            if overlaps.max() >= 0.5 and best not in taken:
                correct[i] = 1
                taken.append(best)
    return correct


def precision_recall(scores, correct, num_objects):
    ranked = np.asarray(correct)[np.argsort(-scores)].astype(int)
    right, wrong = ranked.cumsum(), (1 - ranked).cumsum()
    return right / (right + wrong), right / max(num_objects, 1)


def average_precision(precision, recall):
    recall = np.concatenate([[0], recall, [1]])
    precision = np.concatenate([[0], precision, [0]])
    for k in range(len(precision) - 2, -1, -1):
        precision[k] = max(precision[k], precision[k + 1])
    changes = np.flatnonzero(recall[1:] != recall[:-1])
    return np.sum((recall[changes + 1] - recall[changes]) * precision[changes + 1])
