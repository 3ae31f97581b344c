"""Les matrices, une fenêtre ou un pixel à la fois."""

import numpy as np

from exercises.ex00_convolution.geometry import as_numbers, output_shape, windows


def im2col(image, kernel_shape, *, stride=1, padding=0, dilation=1):
    patches = windows(image, kernel_shape, stride=stride, padding=padding, dilation=dilation)
    return np.array([patch.ravel() for _, patch in patches])


def toeplitz_matrix(kernel, image_shape, *, stride=1, padding=0, dilation=1):
    options = {"stride": stride, "padding": padding, "dilation": dilation}
    kernel, columns = as_numbers(kernel), []
    for pixel in range(image_shape[0] * image_shape[1]):
        image = np.zeros(image_shape)
        image.flat[pixel] = 1
        columns.append(im2col(image, kernel.shape, **options) @ kernel.ravel())
    return np.array(columns).T


def kernel_gradient(image, output_gradient, kernel_shape, *, stride=1, padding=0, dilation=1):
    options = {"stride": stride, "padding": padding, "dilation": dilation}
    output_gradient, total = as_numbers(output_gradient), 0
    if output_gradient.shape[:2] != output_shape(image, kernel_shape, **options):
        raise ValueError("le gradient n'a pas la forme de la sortie")
    for position, patch in windows(image, kernel_shape, **options):
        total = total + np.multiply.outer(patch, output_gradient[position])
    return total
