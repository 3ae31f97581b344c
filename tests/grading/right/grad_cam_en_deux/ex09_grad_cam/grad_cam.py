"""Le réseau coupé en deux : les cartes, puis ce qui en fait un score, couche à couche.

Sans `float_model` : on ne dérive que ce qui suit les cartes.
"""

import keras
import numpy as np
import tensorflow as tf


def _cartes(model, layer_name):
    names = [layer.name for layer in model.layers if len(layer.output.shape) == 4]
    name = layer_name or names[-1]
    if name not in names:
        raise ValueError(f"{name} : au choix, {names}")
    return name


def maps_and_gradients(model, image, class_index, *, layer_name=None):
    name = _cartes(model, layer_name)
    number = [layer.name for layer in model.layers].index(name)
    maps = keras.Model(model.inputs, model.get_layer(name).output)(image[np.newaxis])
    maps = tf.Variable(maps)
    with tf.GradientTape() as tape:
        x = maps
        for layer in model.layers[number + 1 : -1]:
            x = layer(x)
        kernel, bias = model.layers[-1].get_weights()
        score = tf.tensordot(x, kernel[:, class_index], 1) + bias[class_index]
    return maps.numpy()[0], tape.gradient(score, maps).numpy()[0]


def grad_cam_map(maps, gradients):
    return np.einsum("ijk,k->ij", maps, np.einsum("ijk->k", gradients) / maps[..., 0].size)


def grad_cam_plus_plus_map(maps, gradients):
    total = np.clip(maps.sum(axis=(0, 1)), 0, None)
    alpha = gradients**2 / (2 * gradients**2 + total * np.abs(gradients) ** 3 + 1e-30)
    return maps @ (alpha * np.maximum(gradients, 0)).sum(axis=(0, 1))


def enlarge(heatmap, image):
    positive = np.maximum(np.asarray(heatmap, np.float32), 0)
    large = tf.image.resize(positive[..., np.newaxis], image.shape[:2]).numpy()[..., 0]
    highest = large.max()
    return np.divide(large, highest, out=np.zeros_like(large), where=highest > 0)


def grad_cam(model, image, class_index, *, layer_name=None):
    pair = maps_and_gradients(model, image, class_index, layer_name=layer_name)
    return enlarge(grad_cam_map(*pair), image)


def grad_cam_plus_plus(model, image, class_index, *, layer_name=None):
    pair = maps_and_gradients(model, image, class_index, layer_name=layer_name)
    return enlarge(grad_cam_plus_plus_map(*pair), image)
