"""CIFAR-10 : un petit réseau, normalisation adaptée aux données, tout dans un fichier."""

import keras
import numpy as np
from keras import layers


def build_model():
    model = keras.Sequential(
        [keras.Input((32, 32, 3), dtype="uint8"), layers.Rescaling(1 / 64, offset=-2)]
    )
    for filters in (8, 16, 24):
        model.add(layers.Conv2D(filters, 3, padding="same", activation="relu"))
        model.add(layers.MaxPooling2D())
    model.add(layers.Flatten())
    model.add(layers.Dropout(0.2))
    model.add(layers.Dense(10, activation="softmax"))
    return model


def train(x_train, y_train, x_val, y_val, *, seed, options):
    keras.utils.set_random_seed(seed)
    model = build_model()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x_train, y_train, 16, options.epochs, 0, None, 0.0, (x_val, y_val))
    return model, history.history


def evaluate(model, x, y):
    probabilities = np.concatenate(
        [model.predict_on_batch(x[k : k + 50]) for k in range(0, len(x), 50)]
    )
    return {
        "accuracy": float(np.mean(probabilities.argmax(1) == y[:, 0])),
        "probabilities": probabilities,
    }
