"""Convolutions écrites avec quatre boucles."""

import math

import numpy as np


def _two(value):
    return value if isinstance(value, (tuple, list)) else (value, value)


def _sides(n, k, step, padding, gap):
    reach = gap * (k - 1) + 1
    if padding == "same":
        out = math.ceil(n / step)
        lost = max(0, (out - 1) * step + reach - n)
        return lost // 2, lost - lost // 2, out
    before, after = (0, 0) if padding == "valid" else _two(padding)
    if n + before + after < reach:
        raise ValueError("la fenêtre ne tient pas")
    return before, after, (n + before + after - reach) // step + 1


def conv1d(signal, kernel, *, stride=1, padding=0, dilation=1, flip=False):
    signal, kernel = [float(v) for v in signal], [float(v) for v in kernel]
    if flip:
        kernel.reverse()
    before, after, out = _sides(len(signal), len(kernel), stride, padding, dilation)
    signal = [0.0] * before + signal + [0.0] * after
    return [
        sum(signal[t * stride + a * dilation] * k for a, k in enumerate(kernel)) for t in range(out)
    ]


def conv2d(image, kernel, *, stride=1, padding=0, dilation=1, flip=False):
    image, kernel = np.asarray(image, float), np.asarray(kernel, float)
    grey = image.ndim == 2
    if grey:
        image, kernel = image[..., None], kernel[..., None, None]
    if flip:
        kernel = np.rot90(kernel, 2)
    axes = []
    for axis in range(2):
        axes.append(
            _sides(
                image.shape[axis],
                kernel.shape[axis],
                _two(stride)[axis],
                _two(padding)[axis] if isinstance(padding, (tuple, list)) else padding,
                _two(dilation)[axis],
            )
        )
    (top, bottom, height), (left, right, width) = axes
    image = np.pad(image, ((top, bottom), (left, right), (0, 0)))
    output = np.zeros((height, width, kernel.shape[3]))
    for i in range(height):
        for j in range(width):
            for a in range(kernel.shape[0]):
                for b in range(kernel.shape[1]):
                    pixel = image[
                        i * _two(stride)[0] + a * _two(dilation)[0],
                        j * _two(stride)[1] + b * _two(dilation)[1],
                    ]
                    output[i, j] += pixel @ kernel[a, b]
    return output[..., 0] if grey else output
