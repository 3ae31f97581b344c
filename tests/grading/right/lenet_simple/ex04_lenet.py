"""LeNet et le réseau dense au plus simple : compile, fit, predict."""

import keras
import numpy as np
from keras import layers


def build_lenet():
    images = keras.Input((28, 28), dtype="uint8")
    x = layers.Rescaling(1 / 255)(images)
    x = layers.Reshape((28, 28, 1))(x)
    x = layers.Conv2D(6, 5, padding="same", activation="relu")(x)
    x = layers.MaxPooling2D()(x)
    x = layers.Conv2D(16, 5, activation="relu")(x)
    x = layers.MaxPooling2D()(x)
    x = layers.Flatten()(x)
    x = layers.Dense(120, activation="relu")(x)
    x = layers.Dense(84, activation="relu")(x)
    x = layers.Dense(10, activation="softmax")(x)
    return keras.Model(images, x, name="lenet")


def build_dense():
    images = keras.Input((28, 28), dtype="uint8")
    x = layers.Rescaling(1 / 255)(images)
    x = layers.Flatten()(x)
    x = layers.Dense(78, activation="relu")(x)
    x = layers.Dense(10, activation="softmax")(x)
    return keras.Model(images, x, name="dense")


def augment(images, *, indices, epoch, rng):
    return images


def train(x_train, y_train, x_val, y_val, *, seed, options):
    keras.utils.set_random_seed(seed)
    images, outputs = keras.Input((28, 28), dtype="uint8"), {}
    for name, model in {"dense": build_dense(), "lenet": build_lenet()}.items():
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        history = model.fit(
            x_train,
            y_train,
            batch_size=32,
            epochs=options.epochs,
            validation_data=(x_val, y_val),
            verbose=2,
        )
        outputs[name] = model(images)
    return keras.Model(images, outputs), history.history


def evaluate(model, x, y):
    found = model.predict(x, verbose=0)
    lenet, dense = (float(np.mean(found[name].argmax(axis=1) == y)) for name in ("lenet", "dense"))
    measures = {"accuracy": lenet, "error": 1 - lenet}
    measures |= {"accuracy_dense": dense, "error_dense": 1 - dense}
    return measures | {"probabilities": found["lenet"]}


def show(options, report, x_test, y_test, probabilities):
    print(f"Images mal classées : {np.sum(probabilities.argmax(axis=1) != y_test)}")
