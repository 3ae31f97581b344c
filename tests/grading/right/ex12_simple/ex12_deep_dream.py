"""Une bande à chaque pas, et les rapports aux réponses du début."""

import numpy as np
import tensorflow as tf

from convnets.explaining import dreams


def response(maps, guide=None):
    if guide is None:
        return tf.reduce_mean(maps**2)
    places = tf.reshape(maps, (-1, maps.shape[-1]))
    best = tf.reduce_max(tf.matmul(places, guide, transpose_b=True), axis=1)
    return tf.reduce_mean(best)


def responses(model, image, guide=None):
    found = model(image[None])
    return tf.stack([response(found[k], guide[k] if guide else None) for k in found])


def shift(image, offset):
    down, right = offset
    return np.roll(np.roll(image, down, axis=0), right, axis=1)


def dream(model, image, weights, *, guide=None, options):
    rng = np.random.default_rng(options.seed)
    weights = np.array(weights, dtype=np.float32)
    weights = weights / weights.sum()
    change = None
    curves = []
    height, width = image.shape[:2]
    sizes = dreams.octave_sizes(height, width, options.octaves, scale=1.4)
    dreams.check_size(model, *sizes[0])
    for h, w in sizes:
        small = dreams.resize(image, h, w)
        picture = small if change is None else small + dreams.resize(change, h, w)
        picture = np.clip(picture, 0, 255)
        start = responses(model, tf.constant(picture), guide)
        curve = []
        for _ in range(options.steps):
            offset = rng.integers(-32, 33, size=2)
            moved = tf.constant(shift(picture, offset))
            with tf.GradientTape() as tape:
                tape.watch(moved)
                value = tf.reduce_sum(weights * responses(model, moved, guide) / start)
            gradient = shift(tape.gradient(value, moved).numpy(), -offset)
            gradient = 2.0 * gradient / np.mean(np.abs(gradient))
            picture = np.clip(picture + gradient, 0, 255)
            curve.append(float(value))
        curves.append(curve)
        change = picture - small
    return picture, curves
