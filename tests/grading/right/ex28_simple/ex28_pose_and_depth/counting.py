"""Toutes les taches d'un coup, par un produit tensoriel."""

import numpy as np


def density_map(heads):
    heads = np.asarray(heads, dtype=float)
    heads = heads[np.isfinite(heads).all(axis=1)]
    grid = np.stack(np.meshgrid(np.arange(64) + 0.5, np.arange(64) + 0.5), axis=-1)
    squares = ((grid[None] - heads[:, None, None]) ** 2).sum(axis=-1)
    spots = np.exp(-squares / (2 * 2.0**2))
    return (spots / spots.sum(axis=(1, 2), keepdims=True)).sum(axis=0)
