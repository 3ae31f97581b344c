"""Fashion-MNIST qui rend des logits, appris par une boucle à soi."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

class_names = ("T-shirt/top Trouser Pullover Dress Coat Sandal Shirt Sneaker Bag").split()
class_names.append("Ankle boot")


def build_model():
    inputs = layers.Input((28, 28, 1), dtype="uint8")
    x = layers.Rescaling(1 / 127.5, offset=-1)(inputs)
    for filters in (6, 10):
        x = layers.Conv2D(filters, 5, padding="same")(x)
        x = layers.LeakyReLU()(x)
        x = layers.MaxPooling2D()(x)
        x = layers.Dropout(0.1)(x)
    x = layers.Conv2D(14, 3)(x)
    x = layers.ReLU()(x)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dense(20)(x)
    x = layers.ELU()(x)
    return keras.Model(inputs, layers.Dense(10)(x))


def train(x_train, y_train, x_val, y_val, *, seed, options):
    model = build_model()
    model.compile(
        "sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"]
    )
    batches = (
        tf.data.Dataset.from_tensor_slices((x_train[..., None], y_train)).shuffle(100).batch(16)
    )
    checks = tf.data.Dataset.from_tensor_slices((x_val[..., None], y_val)).batch(16)
    return model, dict(model.fit(batches, validation_data=checks, epochs=options.epochs).history)


def evaluate(model, x, y):
    scores = np.asarray(model(x if len(model.input_shape) == 3 else x[..., None], training=False))
    return {"probabilities": scores, "accuracy": float((scores.argmax(-1) == np.ravel(y)).mean())}
