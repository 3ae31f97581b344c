"""Fashion-MNIST par une classe de modèle, inscrite pour être relue."""

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


@keras.saving.register_keras_serializable()
class Network(keras.Model):
    def __init__(self, **options):
        super().__init__(**options)
        self.scale = layers.Rescaling(1 / 255)
        self.add_channel = layers.Reshape((28, 28, 1))
        self.convolutions = [layers.Conv2D(n, 3, activation="relu") for n in (16, 32, 64)]
        self.poolings = [layers.MaxPooling2D() for _ in range(2)]
        self.flatten = layers.Flatten()
        self.hidden = layers.Dense(64, activation="relu")
        self.classes = layers.Dense(10, activation="softmax")

    def call(self, images):
        x = self.add_channel(self.scale(images))
        for convolution, pooling in zip(self.convolutions, self.poolings, strict=False):
            x = pooling(convolution(x))
        x = self.flatten(self.convolutions[2](x))
        return self.classes(self.hidden(x))


def build_model():
    return Network()


def augment(images, *, indices, epoch, rng):
    return images


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
        verbose=2,
    )
    return model, history.history


def evaluate(model, x, y):
    probabilities = model.predict(x, verbose=0)
    accuracy = float(np.mean(probabilities.argmax(axis=1) == y))
    return {"accuracy": accuracy, "probabilities": probabilities}


def show(options, report, x_test, y_test, probabilities):
    print(f"Images mal classées : {np.sum(probabilities.argmax(axis=1) != y_test)}")
