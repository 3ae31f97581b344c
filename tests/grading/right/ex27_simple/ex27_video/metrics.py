"""Des dictionnaires et des boucles, et toutes les correspondances essayées."""

import itertools

import numpy as np


def overlap(a, b):
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    common = max(0, width) * max(0, height)
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - common
    return common / union if union else 0.0


def overlaps(first, second):
    found = np.zeros((len(first), len(second)))
    for i, a in enumerate(first):
        for j, b in enumerate(second):
            found[i, j] = overlap(a, b)
    return found


def count_faults(truth, found):
    misses, alarms, switches, names = 0, 0, 0, {}
    for t in range(len(truth.ids)):
        shared = overlaps(truth.boxes[t], found.boxes[t])
        objects, said = list(truth.ids[t]), list(found.ids[t])
        given = {}
        for i, each in enumerate(objects):
            if names.get(each) in said and shared[i, said.index(names[each])] >= 0.5:
                given[i] = said.index(names[each])
        order = sorted(np.ndindex(shared.shape), key=lambda pair: -shared[pair])
        for i, j in order:
            if shared[i, j] >= 0.5 and i not in given and j not in given.values():
                given[i] = j
        for i, j in given.items():
            if objects[i] in names and names[objects[i]] != said[j]:
                switches += 1
            names[objects[i]] = said[j]
        misses += len(objects) - len(given)
        alarms += len(said) - len(given)
    return misses, alarms, switches


def count_identified(truth, found):
    together = {}
    for t in range(len(truth.ids)):
        for i, j in np.argwhere(overlaps(truth.boxes[t], found.boxes[t]) >= 0.5):
            pair = int(truth.ids[t][i]), int(found.ids[t][j])
            together[pair] = together.get(pair, 0) + 1
    objects = sorted({i for i, _ in together})
    names = sorted({j for _, j in together}) + [None] * len(objects)
    return max(
        sum(together.get(pair, 0) for pair in zip(objects, chosen, strict=True))
        for chosen in itertools.permutations(names[:9], len(objects))
    )


def mota(counts):
    return 1 - (counts.misses + counts.false_alarms + counts.switches) / counts.truths
