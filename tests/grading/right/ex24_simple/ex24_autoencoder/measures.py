"""Des boucles sur les voies et sur les places de la fenêtre."""

import math

import numpy as np


def psnr(truth, found):
    if truth.shape != found.shape:
        raise ValueError("formes différentes")
    gaps = truth.astype("float64") - found.astype("float64")
    error = float((gaps * gaps).sum() / gaps.size)
    return math.inf if error == 0 else 20 * math.log10(255) - 10 * math.log10(error)


def window():
    weights = np.array([math.exp(-(k**2) / (2 * 1.5**2)) for k in range(-5, 6)])
    weights = weights[:, None] * weights[None]
    return weights / weights.sum()


def ssim(truth, found):
    if truth.shape != found.shape:
        raise ValueError("formes différentes")
    weights, values = window(), []
    n, height, width, channels = truth.shape
    for i in range(n):
        for c in range(channels):
            for top in range(height - 10):
                for left in range(width - 10):
                    place = (i, slice(top, top + 11), slice(left, left + 11), c)
                    values.append(similarity(truth[place], found[place], weights))
    return sum(values) / len(values)


def similarity(a, b, weights):
    a, b = a.astype(float), b.astype(float)
    ma, mb = (weights * a).sum(), (weights * b).sum()
    va, vb = (weights * (a - ma) ** 2).sum(), (weights * (b - mb) ** 2).sum()
    both = (weights * (a - ma) * (b - mb)).sum()
    c1, c2 = 2.55**2, 7.65**2
    return (2 * ma * mb + c1) * (2 * both + c2) / ((ma**2 + mb**2 + c1) * (va + vb + c2))


def at_rate(rates, values, rate):
    return np.interp(math.log(rate), np.log(rates), values)


def mean_gain(curve, other):
    low, high = max(curve[0][0], other[0][0]), min(curve[0][-1], other[0][-1])
    if high <= low:
        raise ValueError("rien de commun")
    rates = np.geomspace(low, high, 5001)
    gaps = [at_rate(*curve, rate) - at_rate(*other, rate) for rate in rates]
    return float(np.mean(gaps))
