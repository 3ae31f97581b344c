"""Couche par couche, d'après les formes."""

from collections import namedtuple

from keras import layers

Size = namedtuple("Size", "parameters operations dense_share")


def operations(model):
    total = 0
    for layer in model.layers:
        if isinstance(layer, (layers.Conv2D, layers.DepthwiseConv2D)):
            _, height, width, _ = layer.output.shape
            if height is None or width is None:
                raise ValueError("La taille des images doit être connue.")
            kh, kw, read, filters = layer.kernel.shape
            total += height * width * kh * kw * read * filters
        elif isinstance(layer, layers.Dense):
            read, units = layer.kernel.shape
            total += read * units
        elif layer.weights and not isinstance(layer, layers.BatchNormalization):
            raise ValueError(f"Je ne sais pas compter {layer.name}.")
    return total


def measure(model):
    total, dense = 0, 0
    for layer in model.layers:
        total += layer.count_params()
        if isinstance(layer, layers.Dense):
            dense += layer.count_params()
    return Size(total, operations(model), dense / total)
