"""Un filtre de Kalman à huit nombres, matrices écrites en entier."""

import numpy as np
from scipy.optimize import linear_sum_assignment

MOVE = np.eye(8) + np.diag(np.ones(4), 4)
SEE = np.eye(4, 8)


class Filter:
    def __init__(self, box, number, frame):
        self.x = np.concatenate([box, np.zeros(4)])
        self.p = np.diag([1.0] * 4 + [9.0] * 4)
        self.number, self.last = number, frame

    def forward(self):
        self.x = MOVE @ self.x
        self.p = MOVE @ self.p @ MOVE.T + 0.01 * np.eye(8)

    def update(self, box, frame):
        gain = self.p @ SEE.T @ np.linalg.inv(SEE @ self.p @ SEE.T + np.eye(4))
        self.x = self.x + gain @ (box - SEE @ self.x)
        self.p = (np.eye(8) - gain @ SEE) @ self.p
        self.last = frame


def iou(a, b):
    low, high = np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])
    both = np.prod(np.clip(high - low, 0, None))
    return both / (np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - both)


def match_nearest(shared):
    pairs = []
    for i, j in sorted(np.ndindex(*shared.shape), key=lambda pair: shared[pair], reverse=True):
        used = any(i == row or j == column for row, column in pairs)
        if shared[i, j] >= 0.2 and not used:
            pairs.append((i, j))
    return pairs


def match_best(shared):
    cost = np.where(np.asarray(shared) >= 0.2, -np.asarray(shared), 0.0)
    rows, columns = linear_sum_assignment(cost)
    return [(i, j) for i, j in zip(rows, columns, strict=True) if cost[i, j] < 0]


def track(detections, method):
    alive, numbers, fresh = [], [], iter(range(10**6))
    for frame, boxes in enumerate(detections):
        alive = [each for each in alive if frame - each.last <= method.memory]
        for each in alive:
            if method.moving:
                each.forward()
        shared = np.array([[iou(each.x[:4], box) for box in boxes] for each in alive])
        shared = shared.reshape(len(alive), len(boxes))
        owners = {j: alive[i] for i, j in (match_best if method.optimal else match_nearest)(shared)}
        for j, box in enumerate(boxes):
            if j not in owners:
                owners[j] = Filter(box, next(fresh), frame)
                alive.append(owners[j])
            elif method.moving:
                owners[j].update(box, frame)
            else:
                owners[j].x[:4], owners[j].last = box, frame
        numbers.append([owners[j].number for j in range(len(boxes))])
    return numbers
