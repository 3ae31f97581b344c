"""Les tailles, puis les fenêtres l'une après l'autre."""

import numpy as np


def as_numbers(values):
    return np.asarray(values, dtype=float)


def per_axis(value):
    return value if isinstance(value, tuple) else (value, value)


def pads(size, kernel, *, stride=1, padding=0, dilation=1):
    if min(size, kernel, stride, dilation) < 1:
        raise ValueError("une taille est trop petite")
    if padding == "valid":
        return 0, 0
    if padding == "same":
        covered = dilation * (kernel - 1) + 1
        missing = max(0, (-(-size // stride) - 1) * stride + covered - size)
        return missing // 2, missing - missing // 2
    if isinstance(padding, str) or min(per_axis(padding)) < 0:
        raise ValueError("ce padding n'existe pas")
    return per_axis(padding)


def output_size(size, kernel, *, stride=1, padding=0, dilation=1):
    before, after = pads(size, kernel, stride=stride, padding=padding, dilation=dilation)
    room = size + before + after - dilation * (kernel - 1) - 1
    if room < 0:
        raise ValueError("la fenêtre ne tient pas")
    return room // stride + 1


def output_shape(image, kernel_shape, *, stride=1, padding=0, dilation=1):
    options = (per_axis(each) for each in (stride, padding, dilation))
    axes = zip(image.shape, kernel_shape, *options, strict=False)  # les canaux restent seuls
    return tuple(output_size(n, k, stride=s, padding=p, dilation=d) for n, k, s, p, d in axes)


def windows(image, kernel_shape, *, stride=1, padding=0, dilation=1):
    image = as_numbers(image)
    options = {"stride": stride, "padding": padding, "dilation": dilation}
    height, width = output_shape(image, kernel_shape, **options)
    (sy, sx), (py, px), (dy, dx) = per_axis(stride), per_axis(padding), per_axis(dilation)
    (kh, kw), rows, columns = kernel_shape, image.shape[0], image.shape[1]
    margins = [
        pads(rows, kh, stride=sy, padding=py, dilation=dy),
        pads(columns, kw, stride=sx, padding=px, dilation=dx),
    ]
    padded = np.pad(image, margins + [(0, 0)] * (image.ndim - 2))
    for i in range(height):
        for j in range(width):
            y, x = i * sy, j * sx
            yield (i, j), padded[y : y + dy * kh : dy, x : x + dx * kw : dx]
