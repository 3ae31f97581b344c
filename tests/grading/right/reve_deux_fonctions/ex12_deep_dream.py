"""Une fonction par octave ; les pixels sont une variable, et rien n'est décalé."""

import numpy as np
import tensorflow as tf
from keras import ops

from convnets.explaining import dreams


def response(maps, guide=None):
    maps = ops.convert_to_tensor(maps)
    if guide is None:
        return ops.sum(maps * maps) / ops.cast(ops.size(maps), "float32")
    scores = ops.einsum("nijc,mc->nijm", maps, ops.convert_to_tensor(guide))
    return ops.mean(ops.amax(scores, axis=-1))


def shift(image, offset):
    rows = (np.arange(image.shape[0]) - offset[0]) % image.shape[0]
    columns = (np.arange(image.shape[1]) - offset[1]) % image.shape[1]
    return image[rows][:, columns]


def one_octave(model, picture, weights, guide, steps):
    pixels = tf.Variable(picture[None])
    start, curve = None, []
    for _ in range(steps):
        with tf.GradientTape() as tape:
            maps = model(pixels)
            values = [response(maps[name], guide and guide[name]) for name in maps]
            start = start or [float(value) for value in values]
            parts = zip(weights, values, start, strict=True)
            total = sum(weight * value / first for weight, value, first in parts)
        gradient = tape.gradient(total, pixels)
        pixels.assign_add(2 * gradient / tf.reduce_mean(tf.abs(gradient)))
        pixels.assign(tf.clip_by_value(pixels, 0, 255))
        curve.append(float(total))
    return pixels[0].numpy(), curve


def dream(model, image, weights, *, guide=None, options):
    sizes = dreams.octave_sizes(*image.shape[:2], options.octaves, scale=1.4)
    weights = [weight / sum(weights) for weight in weights]
    pictures = [dreams.resize(image, *size) for size in sizes]
    change, curves = np.zeros_like(pictures[0]), []
    for picture in pictures:
        start = np.clip(picture + dreams.resize(change, *picture.shape[:2]), 0, 255)
        found, curve = one_octave(model, start, weights, guide, options.steps)
        change = found - picture
        curves.append(curve)
    return found, np.array(curves)
