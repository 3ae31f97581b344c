"""Sa propre boucle, sur les pixels eux-mêmes ; les fréquences par deux matrices."""

import keras
import numpy as np
import tensorflow as tf

from convnets.explaining import dreams


def feature_distance(maps, target):
    return (tf.norm(maps - target) / tf.norm(target)) ** 2


def frequencies(height, width):
    distance = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width))
    scale = np.float32(np.sqrt(height * width) / np.maximum(distance, 0.5 / width))
    scale /= np.sqrt(np.mean((scale / np.sqrt(height * width)) ** 2))

    def encode(images):
        spectrum = np.fft.rfft2(np.asarray(images)[0], axes=(0, 1)).transpose(2, 0, 1) / scale
        return tf.constant(np.stack([spectrum.real, spectrum.imag]), tf.float32)

    def decode(numbers):
        real, imaginary = np.asarray(numbers)
        spectrum = ((real + 1j * imaginary) * scale).transpose(1, 2, 0)
        image = np.fft.irfft2(spectrum, (height, width), axes=(0, 1))
        return tf.constant(image[None], tf.float32)

    return encode, decode


def reconstruct(model, image, *, options):
    target = list(model(image[None]).values())[0]
    generator = tf.random.Generator.from_seed(options.seed)
    pixels = tf.Variable(generator.uniform((1, *image.shape), 110, 140))
    adam = keras.optimizers.Adam(5.0)
    for _ in range(options.steps):
        with tf.GradientTape() as tape:
            maps = list(model(pixels).values())[0]
            loss = feature_distance(maps, target)
            loss += options.tv_weight * dreams.total_variation(pixels / 255)
        adam.apply_gradients([(tape.gradient(loss, pixels), pixels)])
        pixels.assign(tf.clip_by_value(pixels, 0, 255))
    error = float(feature_distance(list(model(pixels).values())[0], target)) ** 0.5
    found = pixels[0].numpy()
    return found, error, float(np.std(found - image) ** 2 + np.mean(found - image) ** 2) ** 0.5
