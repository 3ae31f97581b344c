"""La descente du cours, et la transformée de Fourier de TensorFlow."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from convnets.explaining import dreams


class Reconstruction(NamedTuple):
    image: np.ndarray
    error: float
    pixel_error: float


def feature_distance(maps, target):
    return tf.reduce_sum((maps - target) ** 2) / tf.reduce_sum(target**2)


def frequencies(height, width):
    rows, columns = np.fft.fftfreq(height), np.fft.rfftfreq(width)
    f = np.sqrt(rows[:, None] ** 2 + columns[None] ** 2)
    f[0, 0] = np.sort(f.ravel())[1]
    scale = 1 / f
    scale = scale * np.sqrt(height * width) / np.sqrt(np.mean(scale**2))
    scale = tf.cast(scale, tf.complex64)

    def encode(images):
        channels = tf.transpose(images[0], [2, 0, 1])
        found = tf.signal.rfft2d(channels) / scale
        return tf.stack([tf.math.real(found), tf.math.imag(found)])

    def decode(numbers):
        channels = tf.signal.irfft2d(tf.complex(numbers[0], numbers[1]) * scale, [height, width])
        return tf.transpose(channels, [1, 2, 0])[None]

    return dreams.Basis(encode, decode)


def reconstruct(model, image, *, options):
    wanted = model(image[None])
    (name,) = wanted

    def losses(pixels):
        return {
            "distance": feature_distance(model(pixels)[name], wanted[name]),
            "lisse": options.tv_weight * dreams.total_variation(pixels / 255),
        }

    rng = np.random.default_rng(options.seed)
    start = np.float32(127 + rng.normal(0, 5, image.shape))
    basis = frequencies(image.shape[0], image.shape[1])
    found, _ = dreams.descend(
        losses, start, steps=options.steps, rate=2.0, title="image", basis=basis
    )
    distance = float(feature_distance(model(found[None])[name], wanted[name]))
    return Reconstruction(found, np.sqrt(distance), float(np.sqrt(np.mean((found - image) ** 2))))
