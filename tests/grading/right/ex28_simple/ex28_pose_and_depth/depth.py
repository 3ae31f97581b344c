"""Des fenêtres glissantes de NumPy, et les deux caméras de l'énoncé."""

import numpy as np


def windows(values, window_px):
    half = window_px // 2
    padded = np.pad(values, ((0, 0), (half, half), (half, half)), mode="reflect")
    return np.lib.stride_tricks.sliding_window_view(padded, (window_px, window_px), axis=(1, 2))


def match_windows(images, kind, *, window_px):
    left, right = images[:, 0].astype(float), images[:, 1].astype(float)
    costs = []
    for disparity in range(32):
        moved = np.zeros_like(right)
        moved[:, :, disparity:] = right[:, :, : right.shape[2] - disparity]
        if kind == "sad":
            cost = windows(np.abs(left - moved), window_px).sum(axis=(3, 4))
        else:
            a, b = windows(left, window_px), windows(moved, window_px)
            a = a - a.mean(axis=(3, 4), keepdims=True)
            b = b - b.mean(axis=(3, 4), keepdims=True)
            norms = np.sqrt((a**2).sum(axis=(3, 4)) * (b**2).sum(axis=(3, 4)))
            cost = -(a * b).sum(axis=(3, 4)) / np.maximum(norms, 1e-9)
        costs.append(cost)
    costs = np.array(costs)
    best = np.argmin(costs, axis=0)
    found = best.astype(float)
    for place, d in np.ndenumerate(best):
        if 0 < d < 31:
            before, here, after = (costs[(d + step, *place)] for step in (-1, 0, 1))
            found[place] += (before - after) / (2 * (before + after - 2 * here))
    return found


def depth_cm(disparity):
    return 600.0 / disparity
