from collections import namedtuple

import numpy as np
from scipy.stats import t

Gap = namedtuple("Gap", "difference low high")


def paired_gap(right, reference):
    if right.shape != reference.shape or right.shape[1] < 2:
        raise ValueError("les formes ne vont pas ensemble, ou une seule image")
    gaps = right.astype(int) - reference.astype(int)
    seeds, images = gaps.shape
    by_image = gaps.mean(axis=0).var(ddof=1) / images
    by_seed = gaps.mean(axis=1).var(ddof=1) / seeds if seeds > 1 else 0.0
    error = np.sqrt(by_image + by_seed)
    freedom = by_image**2 / (images - 1)
    if seeds > 1:
        freedom += by_seed**2 / (seeds - 1)
    middle = gaps.mean()
    if error == 0:
        return Gap(middle, middle, middle)
    reach = t.ppf(0.975, error**4 / freedom) * error
    return Gap(middle, middle - reach, middle + reach)


def sign(gap):
    if gap.low > 0:
        return 1
    return -1 if gap.high < 0 else 0
