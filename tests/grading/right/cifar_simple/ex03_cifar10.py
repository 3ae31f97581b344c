"""CIFAR-10 au plus simple : des convolutions, des poolings, compile, fit, predict."""

import keras
import numpy as np
from keras import layers
from PIL import Image

from convnets.datasets import sources


def build_model():
    images = keras.Input((32, 32, 3), dtype="uint8")
    x = layers.Rescaling(1 / 255)(images)
    for filters in (32, 64, 128):
        x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
        x = layers.MaxPooling2D()(x)
    x = layers.Flatten()(x)
    x = layers.Dense(64, activation="relu")(x)
    x = layers.Dense(10, activation="softmax")(x)
    return keras.Model(images, x)


def augment(images, *, indices, epoch, rng):
    return images


def train(x_train, y_train, x_val, y_val, *, seed, options):
    keras.utils.set_random_seed(seed)
    model = build_model()
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(
        x_train,
        y_train,
        batch_size=32,
        epochs=options.epochs,
        validation_data=(x_val, y_val),
        verbose=2,
    )
    return model, history.history


def evaluate(model, x, y):
    probabilities = model.predict(x, verbose=0)
    accuracy = float(np.mean(probabilities.argmax(axis=1) == y.reshape(-1)))
    return {"accuracy": accuracy, "probabilities": probabilities}


def predict(model, path):
    picture = Image.open(path).convert("RGB").resize((32, 32))
    scores = model.predict(np.array(picture)[np.newaxis], verbose=0)
    return sources.CIFAR10_CLASSES_FR[scores.argmax()]
