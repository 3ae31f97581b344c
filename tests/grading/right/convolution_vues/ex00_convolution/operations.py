"""Convolutions sans boucle, avec des vues et einsum ; tout le reste vient du cours."""

import numpy as np

from exercises.ex00_convolution.geometry import as_numbers, pads, per_axis


def _glisser(tableau, formes, pas, ecarts):
    """Un autre nom pour l'outil privé."""
    cotes = [(k - 1) * d + 1 for k, d in zip(formes, ecarts, strict=True)]
    vues = np.lib.stride_tricks.sliding_window_view(tableau, cotes, axis=(0, 1)[: len(formes)])
    coupe = tuple(slice(None, None, s) for s in pas)
    dedans = tuple(slice(None, None, d) for d in ecarts)
    milieu = (slice(None),) * (tableau.ndim - len(formes))
    return vues[coupe + milieu + dedans]


def conv1d(signal, kernel, *, stride=1, padding=0, dilation=1, flip=False):
    signal, kernel = as_numbers(signal), as_numbers(kernel)
    signal = np.pad(
        signal, pads(len(signal), len(kernel), stride=stride, padding=padding, dilation=dilation)
    )
    vues = _glisser(signal, (len(kernel),), (stride,), (dilation,))
    return vues @ (kernel[::-1] if flip else kernel)


def conv2d(image, kernel, *, stride=1, padding=0, dilation=1, flip=False):
    image, kernel = as_numbers(image), as_numbers(kernel)
    plain = image.ndim == 2
    if plain:
        image, kernel = image[..., None], kernel[..., None, None]
    kernel = kernel[::-1, ::-1] if flip else kernel
    stride, padding, dilation = per_axis(stride), per_axis(padding), per_axis(dilation)
    around = [
        pads(n, k, stride=s, padding=p, dilation=d)
        for n, k, s, p, d in zip(image.shape, kernel.shape, stride, padding, dilation, strict=False)
    ]
    vues = _glisser(np.pad(image, [*around, (0, 0)]), kernel.shape[:2], stride, dilation)
    output = np.einsum("hwcab,abcn->hwn", vues, kernel)
    return output[..., 0] if plain else output
