"""Les filtres et les cartes au plus simple."""

import keras
import numpy as np


def first_kernels(model):
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            kernel = layer.get_weights()[0]
            break
    if kernel.shape[2] != 3:
        raise ValueError("la première convolution ne lit pas trois couleurs")
    found = []
    for k in range(kernel.shape[3]):
        one = kernel[:, :, :, k]
        found.append(0.5 + 0.5 * one / max(np.abs(one).max(), 1e-12))
    return np.array(found)


def activation_maps(model, image, layer_names):
    found = {}
    for name in layer_names:
        part = keras.Model(model.inputs, model.get_layer(name).output)
        found[name] = np.array(part(image[None]))[0]
    return found


def strongest(maps, num):
    means = [maps[:, :, k].mean() for k in range(maps.shape[2])]
    return sorted(range(len(means)), key=lambda k: -means[k])[:num]
