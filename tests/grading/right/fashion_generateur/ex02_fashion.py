"""Fashion-MNIST : lots tirés par un générateur, validation par model.evaluate."""

import keras
import numpy as np
from keras import layers

from convnets.datasets import sources

class_names = sources.FASHION_CLASSES


def _bloc(x, filtres, *, reduire):
    x = layers.SeparableConv2D(filtres, 3, padding="same")(x)
    x = layers.BatchNormalization()(x)
    x = layers.Activation("swish")(x)
    return layers.MaxPooling2D(3, strides=2)(x) if reduire else x


def build_model():
    entree = keras.Input((28, 28), dtype="uint8")
    x = layers.Reshape((28, 28, 1))(entree)
    x = layers.Rescaling(scale=1.0 / 255, dtype="float32")(x)
    x = layers.Conv2D(8, 3, padding="same")(x)
    x = layers.BatchNormalization()(x)
    x = layers.Activation("relu")(x)
    x = layers.MaxPooling2D()(x)
    x = _bloc(x, 10, reduire=True)
    x = _bloc(x, 12, reduire=False)
    x = layers.Flatten()(x)
    x = layers.Dense(16, activation="tanh")(x)
    x = layers.Dense(10)(x)
    return keras.Model(entree, layers.Softmax()(x))


def _lots(x, y, taille, rng):
    while True:
        choisis = rng.integers(0, len(x), taille)
        yield x[choisis][:, :, ::-1], keras.utils.to_categorical(y[choisis], 10)


def train(x_train, y_train, x_val, y_val, *, seed, options):
    model = build_model()
    model.compile(keras.optimizers.Adam(1e-3), keras.losses.CategoricalCrossentropy())
    lots = _lots(x_train, y_train, 8, np.random.default_rng(seed))
    suivi = model.fit(
        lots,
        steps_per_epoch=3,
        epochs=options.epochs,
        verbose=2,
        validation_data=(x_val, keras.utils.to_categorical(y_val, 10)),
    )
    return model, suivi.history


def evaluate(model, x, y):
    model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    _, accuracy = model.evaluate(x, y, verbose=0)
    return {"accuracy": accuracy, "probabilities": model.predict(x, verbose=0, batch_size=32)}
