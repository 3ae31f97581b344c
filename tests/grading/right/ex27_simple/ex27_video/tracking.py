"""Une piste est un dictionnaire ; sa vitesse, l'écart de ses deux dernières boîtes."""

import numpy as np
from scipy.optimize import linear_sum_assignment

from exercises.ex27_video.metrics import overlaps


def match_best(shared):
    shared = np.asarray(shared)
    rows, columns = linear_sum_assignment(np.where(shared < 0.2, 0.0, shared), maximize=True)
    return [[int(i), int(j)] for i, j in zip(rows, columns, strict=True) if shared[i, j] >= 0.2]


def match_nearest(shared):
    pairs, left = [], shared.copy()
    while left.size and left.max() >= 0.2:
        i, j = np.unravel_index(left.argmax(), left.shape)
        pairs.append([int(i), int(j)])
        left[i] = left[:, j] = -1
    return pairs


def track(detections, method):
    known, numbers = [], []
    for now, boxes in enumerate(detections):
        known = [one for one in known if now - one["seen"] <= method.memory]
        shared = np.zeros((len(known), len(boxes)))
        for i, one in enumerate(known):
            expected = one["box"]
            if method.moving:
                expected = expected + one["speed"] * (now - one["seen"])
            shared[i] = overlaps(expected[None], boxes)
        pairs = match_best(shared) if method.optimal else match_nearest(shared)
        owner = {j: known[i] for i, j in pairs}
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
