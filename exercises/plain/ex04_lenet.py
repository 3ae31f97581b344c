"""LeNet contre un réseau dense d'autant de poids, sur MNIST (TD, question 1), avec Keras seul.

Copiez ce fichier dans un dossier vide, puis lancez : python ex04_lenet.py
"""

import keras
from keras import layers

EPOCHS = 5  # les mêmes pour les deux réseaux


def build_lenet():
    """Construit LeNet : images (n, 28, 28), de 0 à 255 → probabilités (n, 10) ; 61 706 poids."""
    return keras.Sequential(
        [
            keras.Input((28, 28)),
            layers.Rescaling(1 / 127.5, -1),  # de 0…255 à -1…1
            layers.Reshape((28, 28, 1)),
            layers.Conv2D(6, 5, padding="same", activation="relu"),  # (n, 28, 28, 6)
            layers.MaxPooling2D(2),  # (n, 14, 14, 6)
            layers.Conv2D(16, 5, activation="relu"),  # (n, 10, 10, 16)
            layers.MaxPooling2D(2),  # (n, 5, 5, 16)
            layers.Flatten(),  # (n, 400)
            layers.Dense(120, activation="relu"),
            layers.Dense(84, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )


def build_dense():
    """Construit un réseau sans convolution, d'autant de poids à 0,5 % près : 62 020."""
    return keras.Sequential(
        [
            keras.Input((28, 28)),
            layers.Rescaling(1 / 127.5, -1),
            layers.Flatten(),  # (n, 784)
            layers.Dense(78, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )


def main():
    """Entraîne les deux réseaux de la même façon, et donne l'erreur de chacun."""
    (x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
    for name, model in (("lenet", build_lenet()), ("dense", build_dense())):
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        model.fit(x_train, y_train, batch_size=128, epochs=EPOCHS, validation_split=1 / 6)
        loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
        print(f"{name} : {1 - accuracy:.2%} d'erreur sur les {len(y_test)} chiffres de test")
        model.save(f"{name}.keras")


if __name__ == "__main__":
    main()
