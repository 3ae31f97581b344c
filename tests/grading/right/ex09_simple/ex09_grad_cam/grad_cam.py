"""Grad-CAM au plus simple : une boucle sur les cartes."""

import numpy as np
import tensorflow as tf

from convnets.explaining.maps import float_model, resize_map


def maps_and_gradients(model, image, class_index, *, layer_name=None):
    network = float_model(model, layer_name=layer_name)
    x = tf.Variable(image[None].astype("float32"))
    with tf.GradientTape() as tape:
        maps, scores = network(x)
        score = tf.reduce_sum(scores * tf.one_hot([class_index], scores.shape[1]))
    return maps.numpy()[0], tape.gradient(score, maps).numpy()[0]


def grad_cam_map(maps, gradients):
    total = np.zeros(maps.shape[:2])
    for k in range(maps.shape[2]):
        total += gradients[:, :, k].mean() * maps[:, :, k]
    return total


def grad_cam_plus_plus_map(maps, gradients):
    total = np.zeros(maps.shape[:2])
    for k in range(maps.shape[2]):
        size = max(maps[:, :, k].sum(), 0)
        g = gradients[:, :, k]
        g = g[g > 0]
        total += (g / (2 + size * g)).sum() * maps[:, :, k]
    return total


def enlarge(heatmap, image):
    large = resize_map(np.maximum(heatmap, 0), image.shape[0], image.shape[1])
    return large / large.max() if large.max() > 0 else large


def grad_cam(model, image, class_index, *, layer_name=None):
    maps, gradients = maps_and_gradients(model, image, class_index, layer_name=layer_name)
    return enlarge(grad_cam_map(maps, gradients), image)
