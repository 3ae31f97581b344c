"""Fashion-MNIST : le réseau de l'énoncé (S1, exercice 2), avec Keras seul.

Copiez ce fichier dans un dossier vide, puis lancez : python ex02_fashion.py
"""

import keras
from keras import layers

EPOCHS = 5  # chaque époque montre une fois toutes les images d'entraînement


def build_model():
    """Construit le réseau imposé : images (n, 28, 28), de 0 à 255 → probabilités (n, 10)."""
    return keras.Sequential(
        [
            keras.Input((28, 28)),
            layers.Rescaling(1 / 127.5, -1),  # de 0…255 à -1…1
            layers.Reshape((28, 28, 1)),  # une image grise a un seul canal
            layers.Conv2D(32, 5, padding="same", activation="relu"),  # (n, 28, 28, 32)
            layers.MaxPooling2D(2),  # (n, 14, 14, 32)
            layers.Conv2D(64, 3, padding="same", activation="relu"),  # (n, 14, 14, 64)
            layers.MaxPooling2D(2),  # (n, 7, 7, 64)
            layers.Conv2D(128, 3, padding="same", activation="relu"),  # (n, 7, 7, 128)
            layers.Flatten(),  # (n, 6272)
            layers.Dense(256, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )


def main():
    """Charge les images, entraîne le réseau, le mesure et l'enregistre."""
    (x_train, y_train), (x_test, y_test) = keras.datasets.fashion_mnist.load_data()
    model = build_model()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x_train, y_train, batch_size=128, epochs=EPOCHS, validation_split=1 / 6)
    loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
    print(f"Exactitude sur les {len(y_test)} images de test : {accuracy:.2%}")
    model.save("ex02_fashion.keras")


if __name__ == "__main__":
    main()
