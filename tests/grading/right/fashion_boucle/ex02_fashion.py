"""Fashion-MNIST par une boucle à la main : GradientTape, et des logits."""

import keras
import numpy as np
import tensorflow as tf
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
    x = layers.Dense(10)(x)
    return keras.Model(images, x)


def train(x_train, y_train, x_val, y_val, *, seed, options):
    keras.utils.set_random_seed(seed)
    model, optimizer = build_model(), keras.optimizers.SGD(0.01)
    history = {"loss": [], "val_accuracy": []}
    size = options.batch_size or 32
    for _ in range(options.epochs):
        for start in range(0, len(x_train), size):
            x, y = x_train[start : start + size], y_train[start : start + size]
            with tf.GradientTape() as tape:
                logits = model(x, training=True)
                losses = tf.nn.sparse_softmax_cross_entropy_with_logits(y.astype("int32"), logits)
                loss = tf.reduce_mean(losses)
            gradients = tape.gradient(loss, model.trainable_variables)
            optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        history["loss"].append(float(loss))
        history["val_accuracy"].append(evaluate(model, x_val, y_val)["accuracy"])
    return model, history


def evaluate(model, x, y):
    probabilities = model.predict(x, verbose=0)
    accuracy = float(np.mean(probabilities.argmax(axis=1) == y))
    return {"accuracy": accuracy, "probabilities": probabilities}
