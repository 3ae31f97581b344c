"""Une tache à la fois, divisée par sa somme."""

import numpy as np


def density_map(heads):
    density = np.zeros((64, 64))
    rows, columns = np.mgrid[0:64, 0:64] + 0.5
    for x, y in heads:
        if np.isnan(x) or np.isnan(y):
            continue
        spot = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 8)
        density += spot / np.sum(spot)
    return density.astype("float32")
