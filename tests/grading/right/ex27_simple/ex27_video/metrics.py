"""Des dictionnaires et des boucles, et toutes les correspondances essayées."""

import itertools

import numpy as np


def overlaps(first, second):
    a, b = first[:, None], second[None]
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    common = np.maximum(sides, 0).prod(axis=-1)
    areas = [(each[..., 2:] - each[..., :2]).prod(axis=-1) for each in (a, b)]
    return common / np.maximum(sum(areas) - common, 1e-9)


def best_pairs(shared, rest, free):
    if not rest:
        return 0, {}
    first, others = rest[0], rest[1:]
    tried = [best_pairs(shared, others, free)]
    for j in free:
        if shared[first, j] >= 0.5:
            total, pairs = best_pairs(shared, others, free - {j})
            tried.append((total + shared[first, j], {first: j, **pairs}))
    return max(tried, key=lambda each: each[0])


def count_faults(truth, found):
    misses, alarms, switches, names = 0, 0, 0, {}
    for t in range(len(truth.ids)):
        shared = overlaps(truth.boxes[t], found.boxes[t])
        objects, said = list(truth.ids[t]), list(found.ids[t])
        given = {}
        for i, each in enumerate(objects):
            if names.get(each) in said and shared[i, said.index(names[each])] >= 0.5:
                given[i] = said.index(names[each])
        rest = [i for i in range(len(objects)) if i not in given]
        free = set(range(len(said))) - set(given.values())
        given.update(best_pairs(shared, rest, free)[1])
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
