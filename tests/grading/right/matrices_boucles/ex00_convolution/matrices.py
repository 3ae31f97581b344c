"""Matrices construites case par case."""

import numpy as np

from exercises.ex00_convolution.geometry import windows


def im2col(image, kernel_shape, *, stride=1, padding=0, dilation=1):
    image, rows = np.asarray(image, float), []
    for _, patch in windows(image, kernel_shape, stride=stride, padding=padding, dilation=dilation):
        rows.append([value for value in patch.ravel()])
    return rows


def toeplitz_matrix(kernel, image_shape, *, stride=1, padding=0, dilation=1):
    columns = []
    for index in range(image_shape[0] * image_shape[1]):
        one = np.zeros(image_shape)
        one.flat[index] = 1
        seen = im2col(one, np.shape(kernel), stride=stride, padding=padding, dilation=dilation)
        columns.append(np.array(seen) @ np.ravel(kernel))
    return np.array(columns).T


def kernel_gradient(image, output_gradient, kernel_shape, *, stride=1, padding=0, dilation=1):
    options = {"stride": stride, "padding": padding, "dilation": dilation}
    seen = np.array(im2col(image, kernel_shape, **options))
    output_gradient = np.asarray(output_gradient, float)
    filters = output_gradient.shape[2:]
    flat = output_gradient.reshape(len(seen), -1)
    channels = np.shape(image)[2:]
    return (seen.T @ flat).reshape(*kernel_shape, *channels, *filters)
