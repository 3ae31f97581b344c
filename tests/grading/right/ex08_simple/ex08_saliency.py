"""Les trois cartes au plus simple : une image à la fois, toutes les images ensuite."""

import numpy as np
import tensorflow as tf

from convnets.explaining.maps import float_model


def mean_gradient(model, class_index, batches):
    network, found = float_model(model), []
    for batch in batches:
        for image in batch:
            x = tf.Variable(np.array([image]), dtype="float32")
            with tf.GradientTape() as tape:
                score = network(x)[1][0, class_index]
            found.append(tape.gradient(score, x, unconnected_gradients="zero")[0].numpy())
    return np.mean(found, axis=0)


def sensitivity(model, image, class_index):
    return np.max(np.abs(mean_gradient(model, class_index, [[image]])), axis=-1)


def smooth_sensitivity(model, image, class_index, *, num_samples=50, noise=0.1, seed=0):
    if noise < 0 or noise > 1 or seed < 0:
        raise ValueError("bruit ou graine impossible")
    np.random.seed(seed)
    size = (num_samples, *image.shape)
    copies = image + np.random.normal(0, noise * (float(image.max()) - float(image.min())), size)
    return np.abs(mean_gradient(model, class_index, [copies])).max(axis=-1)


def attributions(model, image, class_index, *, steps=64, baseline="black"):
    if baseline not in ("black", "grey"):
        raise ValueError("référence inconnue")
    start = np.full(image.shape, 0.0 if baseline == "black" else 128.0)
    images = [start + (k + 0.5) / steps * (image - start) for k in range(steps)]
    return (image - start) * mean_gradient(model, class_index, [images])


def shares(model, image, class_index, **options):
    return attributions(model, image, class_index, **options).sum(axis=-1)


def integrated_gradients(model, image, class_index, **options):
    heatmap = np.maximum(shares(model, image, class_index, **options), 0)
    return heatmap / heatmap.max() if heatmap.max() > 0 else heatmap
