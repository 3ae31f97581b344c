"""Tous les gradients d'un coup : la dérivée d'une somme d'images indépendantes."""

import keras
import numpy as np
import tensorflow as tf

from convnets.explaining.maps import float_model, normalise


def mean_gradient(model, class_index, batches):
    images = tf.cast(tf.concat(list(batches), axis=0), tf.float32)
    network, chosen = float_model(model), tf.one_hot(class_index, model.output_shape[-1])
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(images)
        total = tf.reduce_sum(network(images)[1] @ chosen[:, tf.newaxis])
    gradients = tape.gradient(total, images)
    return np.zeros(images.shape[1:]) if gradients is None else gradients.numpy().mean(axis=0)


def sensitivity(model, image, class_index):
    gradient = mean_gradient(model, class_index, image[np.newaxis, np.newaxis])
    return np.maximum(gradient.max(axis=2), -gradient.min(axis=2))


def saliency(model, image, class_index):
    return normalise(sensitivity(model, image, class_index))


def smooth_sensitivity(model, image, class_index, *, num_samples=50, noise=0.1, seed=0):
    if not 0 <= noise <= 1 or seed < 0:
        raise ValueError("bruit de 0 à 1, graine positive")
    spread = noise * (int(image.max()) - int(image.min()))
    drawn = keras.random.normal((num_samples, *image.shape), stddev=spread, seed=seed)
    gradient = mean_gradient(model, class_index, [image + drawn.numpy()])
    return abs(gradient).max(axis=2)


def smooth_grad(model, image, class_index, **options):
    return normalise(smooth_sensitivity(model, image, class_index, **options))


def attributions(model, image, class_index, *, steps=64, baseline="black"):
    try:
        start = {"black": 0.0, "grey": 128.0}[baseline]
    except KeyError:
        raise ValueError(f"référence {baseline}") from None
    ends = np.linspace(0, 1, steps + 1)
    middles = (ends[1:] + ends[:-1]) / 2
    path = np.multiply.outer(middles, image - start) + start
    return mean_gradient(model, class_index, np.split(path, steps)) * (image - start)


def shares(model, image, class_index, **options):
    return attributions(model, image, class_index, **options) @ np.ones(3)


def integrated_gradients(model, image, class_index, **options):
    return normalise(shares(model, image, class_index, **options))
