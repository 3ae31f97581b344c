"""Fashion-MNIST au plus simple : les couches de l'énoncé, compile, fit, predict."""

import keras
import numpy as np
from keras import layers

from convnets.datasets import sources

class_names = [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
]


def load_data(limit=None):
    (x_train, y_train), test = sources.load_fashion_mnist()
    x_train, y_train = x_train[:limit], y_train[:limit]
    num_val = len(x_train) // 10
    return (x_train[num_val:], y_train[num_val:], x_train[:num_val], y_train[:num_val], *test)


def build_model():
    images = keras.Input((28, 28), dtype="uint8")
    x = layers.Rescaling(1 / 255)(images)
    x = layers.Reshape((28, 28, 1))(x)
    x = layers.Conv2D(16, 3, activation="relu")(x)
    x = layers.MaxPooling2D()(x)
    x = layers.Conv2D(32, 3, activation="relu")(x)
    x = layers.MaxPooling2D()(x)
    x = layers.Conv2D(64, 3, activation="relu")(x)
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
    accuracy = float(np.mean(probabilities.argmax(axis=1) == y))
    return {"accuracy": accuracy, "probabilities": probabilities}


def show(options, report, x_test, y_test, probabilities):
    print(f"Images mal classées : {np.sum(probabilities.argmax(axis=1) != y_test)}")
