"""Les pantins dépliés, qui sont un `NamedTuple` ; une boucle par carte."""

import numpy as np


def decode(scores, *, refine=True):
    num, height, width, joints = scores.shape
    found = np.zeros((num, joints, 2))
    for i, j in np.ndindex(num, joints):
        plane = scores[i, :, :, j]
        y, x = np.unravel_index(np.argmax(plane), (height, width))
        for axis, (cell, line) in enumerate(((x, plane[y]), (y, plane[:, x]))):
            found[i, j, axis] = 2 * cell + 1
            if refine and 0 < cell < len(line) - 1:
                left, here, right = line[cell - 1 : cell + 2]
                found[i, j, axis] += (left - right) / (left - 2 * here + right)
    return found.tolist()


def pck(found, puppets, fraction=0.2, *, hidden=None):
    images, joints, visible = puppets
    asked = []
    for k in range(len(images)):
        limit = fraction * np.hypot(*(joints[k, 1] - joints[k, 8]))
        near = np.hypot(*(found[k] - joints[k]).T) <= limit
        asked += near[[hidden is None or seen != hidden for seen in visible[k]]].tolist()
    return sum(asked) / len(asked)
