"""Une piste est un dictionnaire ; sa vitesse, l'écart de ses deux dernières boîtes."""

import numpy as np
from scipy.optimize import linear_sum_assignment


def iou(a, b):
    sides = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    common = np.prod(np.maximum(sides, 0))
    return common / (np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - common)


def match_nearest(shared):
    left, pairs = np.array(shared, float), []
    while left.size and left.max() >= 0.2:
        i, j = np.unravel_index(np.argmax(left), left.shape)
        pairs.append((int(i), int(j)))
        left[i, :] = 0
        left[:, j] = 0
    return pairs


def match_best(shared):
    shared = np.asarray(shared)
    rows, columns = linear_sum_assignment(np.where(shared < 0.2, 0.0, shared), maximize=True)
    return [[int(i), int(j)] for i, j in zip(rows, columns, strict=True) if shared[i, j] >= 0.2]


def track(detections, method):
    known, numbers = [], []
    for now, boxes in enumerate(detections):
        known = [one for one in known if now - one["seen"] <= method.memory]
        shared = np.zeros((len(known), len(boxes)))
        for i, one in enumerate(known):
            expected = one["box"]
            if method.moving:
                expected = expected + one["speed"] * (now - one["seen"])
            shared[i] = [iou(expected, box) for box in boxes]
        match = match_best if method.optimal else match_nearest
        owner = {j: known[i] for i, j in match(shared)}
        names = []
        for j, box in enumerate(boxes):
            if j not in owner:
                number = 1 + sum(len(each) for each in numbers) + j
                owner[j] = {"name": number, "speed": 0 * box}
                known.append(owner[j])
            else:
                owner[j]["speed"] = (box - owner[j]["box"]) / (now - owner[j]["seen"])
            owner[j].update(box=box, seen=now)
            names.append(owner[j]["name"])
        numbers.append(np.array(names, int))
    return numbers
