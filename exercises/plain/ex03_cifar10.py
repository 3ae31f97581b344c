"""CIFAR-10 : nommer ce que montre une image (S1, exercice 3), avec Keras et NumPy seuls.

Copiez ce fichier dans un dossier vide, lancez python ex03_cifar10.py pour entraîner le réseau,
puis python ex03_cifar10.py avion.png pour nommer une image.
"""

import sys

import keras
import numpy as np
from keras import layers

CLASSES = "Avion Voiture Oiseau Chat Cerf Chien Grenouille Cheval Bateau Camion".split()
EPOCHS = 5


def build_model():
    """Construit le réseau : images (n, 32, 32, 3), de 0 à 255 → probabilités (n, 10)."""
    return keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            layers.Rescaling(1 / 127.5, -1),  # de 0…255 à -1…1
            layers.Conv2D(32, 3, padding="same", activation="relu"),  # (n, 32, 32, 32)
            layers.MaxPooling2D(2),  # (n, 16, 16, 32)
            layers.Conv2D(64, 3, padding="same", activation="relu"),  # (n, 16, 16, 64)
            layers.MaxPooling2D(2),  # (n, 8, 8, 64)
            layers.Conv2D(128, 3, padding="same", activation="relu"),  # (n, 8, 8, 128)
            layers.MaxPooling2D(2),  # (n, 4, 4, 128)
            layers.Flatten(),  # (n, 2048)
            layers.Dense(128, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )


def train():
    """Entraîne le réseau, le mesure et l'enregistre."""
    (x_train, y_train), (x_test, y_test) = keras.datasets.cifar10.load_data()
    model = build_model()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x_train, y_train, batch_size=128, epochs=EPOCHS, validation_split=1 / 5)
    loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
    print(f"Exactitude sur les {len(y_test)} images de test : {accuracy:.2%}")
    model.save("ex03_cifar10.keras")


def predict(path):
    """Relit le réseau enregistré, et rend le nom de ce que montre une image."""
    image = keras.utils.load_img(path, target_size=(32, 32))  # réduite à 32×32 pixels
    model = keras.saving.load_model("ex03_cifar10.keras")
    return CLASSES[model.predict(np.array(image)[None], verbose=0).argmax()]


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print("Prédiction:", predict(sys.argv[1]))
    else:
        train()
