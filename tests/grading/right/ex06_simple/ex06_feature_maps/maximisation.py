"""La montée de gradient au plus simple : un filtre à la fois, sans fuite."""

import keras
import numpy as np
import tensorflow as tf

from convnets.explaining.maps import float_model


def maps_model(model, layer_name, *, leak=0):
    network = float_model(model, layer_name=layer_name)
    return keras.Model(network.inputs, network.outputs[0])


def responses(network, images, filters):
    maps = network(images)
    return tf.stack([tf.reduce_mean(maps[i, :, :, k]) for i, k in enumerate(filters)])


def smooth(images, share):
    around = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    left, right = around[:, 1:-1, :-2], around[:, 1:-1, 2:]
    above, below = around[:, :-2, 1:-1], around[:, 2:, 1:-1]
    return (1 - share) * images + share * (left + right + above + below) / 4


def maximise(model, layer_name, filters, *, steps=60, seed=0):
    if seed < 0:
        raise ValueError("graine négative")
    network, found = maps_model(model, layer_name), []
    for k in filters:
        if k < 0 or k >= network.output_shape[3]:
            raise ValueError(f"pas de filtre {k}")
        image = np.random.default_rng(seed).normal(128, 20, (1, *model.input_shape[1:]))
        for _ in range(steps):
            x = tf.Variable(image, dtype="float32")
            with tf.GradientTape() as tape:
                answer = responses(network, x, [k])
            gradient = tape.gradient(answer, x).numpy()
            image = image + 10 * gradient / (np.abs(gradient).mean() + 1e-12)
            image = smooth(image, 0.15)
            image = np.clip(image + 0.02 * (128 - image), 0, 255)
        found.append(image[0].round().astype("uint8"))
    return np.array(found)
