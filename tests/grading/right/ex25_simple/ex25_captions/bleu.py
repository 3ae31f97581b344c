"""Des tableaux de comptes, un par longueur."""

from collections import Counter
from itertools import islice

import numpy as np


def runs(words, order):
    return Counter(zip(*(islice(words, k, None) for k in range(order)), strict=False))


def matches(said, truth, order):
    mine, true = runs(said, order), runs(truth, order)
    return sum(min(true[run], count) for run, count in mine.items()), sum(mine.values())


def brevity_penalty(num_said, num_true):
    return np.exp(min(0.0, 1 - num_true / num_said)) if num_said else 0


def bleu(said, truths, *, order=4):
    table = np.zeros((order, 2))
    for pair in zip(said, truths, strict=True):
        table += [matches(*pair, n + 1) for n in range(order)]
    if not table[:, 0].all():
        return 0
    lengths = [sum(map(len, each)) for each in (said, truths)]
    return brevity_penalty(*lengths) * np.exp(np.log(table[:, 0] / table[:, 1]).mean())
