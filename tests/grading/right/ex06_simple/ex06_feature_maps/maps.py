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


def active_layers(model):
    names = []
    for layer in model.layers[1:]:
        activation = getattr(layer, "activation", None)
        nonlinear = activation is not None and activation.__name__ != "linear"
        if len(layer.output.shape) == 4 and nonlinear:
            names.append(layer.name)
    return names


def choose_layers(model, text):
    names = [name.strip() for name in text.split(",")] if text else active_layers(model)
    known = [layer.name for layer in model.layers]
    if not names or any(name not in known for name in names):
        raise ValueError(f"couche inconnue : {text}")
    return names


def activation_maps(model, image, layer_names):
    found = {}
    for name in layer_names:
        part = keras.Model(model.inputs, model.get_layer(name).output)
        found[name] = np.array(part(image[None]))[0]
    return found


def strongest(maps, num):
    means = [maps[:, :, k].mean() for k in range(maps.shape[2])]
    return sorted(range(len(means)), key=lambda k: -means[k])[:num]
