"""CIFAR-10 en logits, un modèle dans un modèle, la base d'un côté et la tête de l'autre."""

import keras
import numpy as np
from keras import layers


def build_model(width=8):
    base = keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(width, 3),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Conv2D(width, 3, strides=2, activation="relu"),
            layers.GlobalMaxPooling2D(),
        ],
        name="base",
    )
    images = keras.Input((32, 32, 3), dtype="uint8")
    return keras.Model(images, layers.Dense(10)(base(images)))


def train(x_train, y_train, x_val, y_val, *, seed, options):
    model = build_model()
    loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)
    model.compile(keras.optimizers.SGD(0.01), loss=loss, metrics=["accuracy"])
    columns = [np.eye(10)[np.ravel(y)] for y in (y_train, y_val)]
    history = model.fit(
        x_train,
        columns[0],
        batch_size=8,
        epochs=options.epochs,
        shuffle=True,
        validation_data=(x_val, columns[1]),
    )
    return model, history.history


def evaluate(model, x, y):
    scores = model.predict(x, verbose=0)
    return {
        "accuracy": np.float32((scores.argmax(1) == np.ravel(y)).mean()).item(),
        "probabilities": keras.ops.convert_to_numpy(keras.ops.softmax(scores)),
    }
