"""Une somme de produits par fenêtre."""

import numpy as np

from exercises.ex00_convolution.geometry import as_numbers, output_shape, windows


def conv1d(signal, kernel, *, stride=1, padding=0, dilation=1, flip=False):
    if np.ndim(signal) != 1 or np.ndim(kernel) != 1:
        raise ValueError("un signal et un noyau n'ont qu'une dimension")
    image, kernel = as_numbers(signal)[None, :], as_numbers(kernel)[None, :]
    options = {"stride": (1, stride), "padding": (0, padding), "dilation": (1, dilation)}
    return conv2d(image, kernel, flip=flip, **options)[0]


def conv2d(image, kernel, *, stride=1, padding=0, dilation=1, flip=False):
    image, kernel = as_numbers(image), as_numbers(kernel)
    if flip:
        kernel = kernel[::-1, ::-1]
    options = {"stride": stride, "padding": padding, "dilation": dilation}
    output = np.zeros(output_shape(image, kernel.shape[:2], **options) + kernel.shape[3:])
    for position, patch in windows(image, kernel.shape[:2], **options):
        output[position] = np.tensordot(patch, kernel, axes=patch.ndim)
    return output
