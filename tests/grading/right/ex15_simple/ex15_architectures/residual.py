"""Un bloc après l'autre, l'entrée de chacun gardée à part."""

import keras
from keras import layers


def build_deep(depth, *, shortcuts):
    if depth % 2 == 1 or depth <= 0:
        raise ValueError(f"profondeur {depth} : il faut un nombre pair")
    inputs = keras.Input((32, 32, 3))
    x = layers.Rescaling(1 / 255)(inputs)
    x = layers.Conv2D(16, 4, strides=4, activation="relu")(x)
    for _ in range(depth // 2):
        before = x
        x = layers.Conv2D(16, 3, padding="same")(x)
        x = layers.Activation("relu")(x)
        x = layers.Conv2D(16, 3, padding="same")(x)
        if shortcuts:
            x = layers.add([before, x])
        x = layers.Activation("relu")(x)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(10, activation="softmax")(x))
