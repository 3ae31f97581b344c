"""BLEU au plus simple : des boucles et des listes."""

import math


def matches(said, truth, order):
    wanted = [truth[k : k + order] for k in range(len(truth) - order + 1)]
    total = right = 0
    for k in range(len(said) - order + 1):
        total += 1
        run = said[k : k + order]
        if run in wanted:
            wanted.remove(run)
            right += 1
    return right, total


def brevity_penalty(num_said, num_true):
    if num_said == 0:
        return 0.0
    return min(1.0, math.exp(1 - num_true / num_said))


def bleu(said, truths, *, order=4):
    product = 1.0
    for n in range(1, order + 1):
        right = total = 0
        for one, other in zip(said, truths, strict=True):
            found = matches(one, other, n)
            right += found[0]
            total += found[1]
        if right == 0:
            return 0.0
        product *= right / total
    num_said, num_true = sum(len(each) for each in said), sum(len(each) for each in truths)
    return brevity_penalty(num_said, num_true) * product ** (1 / order)
