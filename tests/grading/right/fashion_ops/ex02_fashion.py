"""Fashion-MNIST avec keras.ops.relu, et une normalisation apprise par adapt."""

import keras
import numpy as np
from keras import layers, ops

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
    images = keras.Input((28, 28), dtype="uint8")
    x = layers.Normalization(axis=None, name="echelle")(images)
    x = layers.Reshape((28, 28, 1))(x)
    x = ops.relu(layers.Conv2D(16, 3)(x))
    x = layers.MaxPooling2D()(x)
    x = ops.relu(layers.Conv2D(32, 3)(x))
    x = layers.MaxPooling2D()(x)
    x = layers.Conv2D(64, 3, activation="relu")(x)
    x = layers.Flatten()(x)
    x = ops.maximum(layers.Dense(64)(x), 0.0)
    x = layers.Dense(10, activation="softmax")(x)
    return keras.Model(images, x)


def augment(images, *, indices, epoch, rng):
    return images


def train(x_train, y_train, x_val, y_val, *, seed, options):
    keras.utils.set_random_seed(seed)
    model = build_model()
    model.get_layer("echelle").adapt(x_train)
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(
        x_train,
        y_train,
        batch_size=options.batch_size or 32,
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
