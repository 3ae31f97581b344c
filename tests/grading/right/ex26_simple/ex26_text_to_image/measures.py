"""La racine de matrice de SciPy."""

import numpy as np
from scipy import linalg


def frechet(found, truth):
    gap = np.mean(found, axis=0) - np.mean(truth, axis=0)
    first, second = np.cov(found.T), np.cov(truth.T)
    root = np.real(linalg.sqrtm(first @ second))
    return float(gap @ gap + np.trace(first + second - 2 * root))
