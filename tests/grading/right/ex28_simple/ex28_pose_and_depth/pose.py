"""Une articulation à la fois, avec des boucles."""

import math

import numpy as np


def decode(scores, *, refine=True):
    n, height, width, num = scores.shape
    places = np.zeros((n, num, 2))
    for i in range(n):
        for k in range(num):
            plane = scores[i, :, :, k]
            row, column = np.unravel_index(np.argmax(plane), (height, width))
            x, y = column + 0.5, row + 0.5
            if refine and 0 < column < width - 1:
                x += summit(plane[row, column - 1], plane[row, column], plane[row, column + 1])
            if refine and 0 < row < height - 1:
                y += summit(plane[row - 1, column], plane[row, column], plane[row + 1, column])
            places[i, k] = 2 * x, 2 * y
    return places


def summit(before, here, after):
    curve = before - 2 * here + after
    return 0 if curve == 0 else (before - after) / (2 * curve)


def pck(found, puppets, fraction=0.2, *, hidden=None):
    results = []
    for i, joints in enumerate(puppets.joints):
        torso = math.dist(joints[1], joints[8])
        for k, joint in enumerate(joints):
            if hidden is None or bool(puppets.visible[i, k]) is not hidden:
                results.append(math.dist(found[i, k], joint) <= fraction * torso)
    return sum(results) / len(results)
