"""L'addition avec `+`, la ReLU avec `keras.ops`, la première convolution en 3×3, sans ReLU."""

import keras
from keras import layers, ops


def build_deep(depth, *, shortcuts):
    if depth not in range(2, 1000, 2):
        raise ValueError("profondeur paire attendue")
    images = keras.Input((32, 32, 3), dtype="uint8")
    x = ops.cast(images, "float32") / 127.5 - 1
    x = layers.BatchNormalization()(layers.Conv2D(8, 3, strides=4, padding="same")(x))
    for _ in range(depth // 2):
        y = ops.relu(layers.BatchNormalization()(layers.Conv2D(8, 3, padding="same")(x)))
        y = layers.BatchNormalization()(layers.Conv2D(8, 3, padding="same")(y))
        x = ops.relu(x + y if shortcuts else y)
    x = layers.Dense(10, activation="softmax")(layers.Flatten()(x))
    return keras.Model(images, x)
