"""Fashion-MNIST avec Sequential, ReLU, d'autres nombres de filtres, étiquettes entières."""

import keras
import numpy as np
from keras import layers

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


def build_model():
    return keras.Sequential(
        [
            keras.Input((28, 28)),
            layers.Rescaling(1 / 255),
            layers.Reshape((28, 28, 1)),
            layers.Conv2D(8, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(12, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(16, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(24, activation="relu"),
            layers.Dropout(0.3),
            layers.Dense(10, activation="softmax"),
        ]
    )


def train(x_train, y_train, x_val, y_val, *, seed, options):
    keras.utils.set_random_seed(seed)
    model = build_model()
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(
        x_train,
        y_train,
        batch_size=options.batch_size or 32,
        epochs=options.epochs,
        validation_data=(x_val, y_val),
        verbose=0,
    )
    return model, history.history


def evaluate(model, x, y):
    probabilities = model.predict(x, verbose=0)
    correct = 0
    for row, label in zip(probabilities, np.ravel(y), strict=False):
        if np.argmax(row) == label:
            correct += 1
    return {"accuracy": correct / len(x), "probabilities": probabilities}
