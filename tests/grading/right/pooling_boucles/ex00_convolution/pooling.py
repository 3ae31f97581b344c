"""Pooling avec des boucles, et une ReLU avec where."""

import numpy as np

from exercises.ex00_convolution.geometry import output_size, pads, per_axis


def pool2d(image, window=2, *, stride=None, padding=0, mode="max"):
    image = np.asarray(image, dtype=float)
    (kh, kw) = per_axis(window)
    (sh, sw) = per_axis(window if stride is None else stride)
    (ph, pw) = per_axis(padding)
    top, _ = pads(image.shape[0], kh, stride=sh, padding=ph)
    left, _ = pads(image.shape[1], kw, stride=sw, padding=pw)
    height = output_size(image.shape[0], kh, stride=sh, padding=ph)
    width = output_size(image.shape[1], kw, stride=sw, padding=pw)
    rows = []
    for i in range(height):
        row = []
        for j in range(width):
            y, x = i * sh - top, j * sw - left
            cells = image[max(0, y) : y + kh, max(0, x) : x + kw]
            cells = cells.reshape(-1, *image.shape[2:])
            row.append({"max": cells.max, "sum": cells.sum, "average": cells.mean}[mode](axis=0))
        rows.append(row)
    return np.array(rows)


def relu(values):
    values = np.asarray(values)
    return np.where(values > 0, values, 0)
