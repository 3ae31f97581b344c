"""Compter les paramètres : les réseaux des documents, construits pour être mesurés.

D'après : S0 (BasicCNNModel), S1 exercice 2, S2 (LeNet, TD 1), S3 (ConvNet).
Commande : python -m exercises.ex00_convolution --example N15
Nombres attendus : exercises/ex00_convolution/examples.json.

Rien n'est entraîné ici.
"""

from itertools import takewhile

import keras
from keras import layers


def parameters(model: keras.Model) -> list[int]:
    """Rend le nombre de paramètres de chaque couche qui en a, dans l'ordre."""
    return [layer.count_params() for layer in model.layers if layer.count_params()]


def sides(model: keras.Model) -> list[int]:
    """Rend le côté de l'image après l'entrée et chaque étage qui le change, puis le vecteur.

    Args:
        model: réseau sans branche, à entrée carrée.

    Returns:
        Par exemple `[32, 28, 14, 10, 5, 400]` pour LeNet-5.
    """
    before = takewhile(lambda layer: not isinstance(layer, layers.Dense), model.layers)
    return list(dict.fromkeys(layer.output.shape[1] for layer in before))


# --- S3 : un étage de convolution ----------------------------------------------------


def build_convnet() -> keras.Model:
    """Construit l'étage de S3 : 16 filtres 5×5, puis un pooling 3×3 de pas **1**.

    Returns:
        Images `(n, 28, 28, 1)` → cartes `(n, 22, 22, 16)`.

    Source : S3, « Récapitulatif des paramètres ».
    """
    images = keras.Input((28, 28, 1))
    x = layers.Conv2D(16, 5)(images)  # (n, 24, 24, 16)
    return keras.Model(images, layers.MaxPooling2D(3, strides=1)(x))


# --- S0 : BasicCNNModel --------------------------------------------------------------


def build_basic_cnn() -> keras.Model:
    """Construit le réseau de S0 : deux convolutions, un maximum global, 1000 sorties.

    Returns:
        Images `(n, h, w, 3)` de taille libre → probabilités `(n, 1000)`.

    Source : S0, dernier encadré (écrit là-bas en PyTorch).
    """
    images = keras.Input((None, None, 3))
    x = layers.Conv2D(50, 3, activation="relu")(images)
    x = layers.Conv2D(100, 3, activation="relu")(x)
    x = layers.GlobalMaxPooling2D()(x)  # (n, 100)
    return keras.Model(images, layers.Dense(10 * 10 * 10, activation="softmax")(x))


# --- S2 et S3 : LeNet-5, et son équivalent dense -------------------------------------


def build_lenet(side: int = 32) -> keras.Model:
    """Construit LeNet-5 dans sa lecture moderne : maximum, ReLU, softmax.

    Args:
        side: 32, comme en 1998, ou 28, la taille de MNIST (première convolution « same »).

    Returns:
        Images `(n, side, side, 1)` → probabilités `(n, 10)`.

    Source : S2 §1.3 ; LeCun et al., Proc. IEEE 86(11), 1998, figure 2.
    """
    images = keras.Input((side, side, 1))
    padding = "same" if side == 28 else "valid"
    x = layers.Conv2D(6, 5, padding=padding, activation="relu")(images)  # (n, 28, 28, 6)
    x = layers.MaxPooling2D()(x)  # (n, 14, 14, 6)
    x = layers.Conv2D(16, 5, activation="relu")(x)  # (n, 10, 10, 16)
    x = layers.MaxPooling2D()(x)  # (n, 5, 5, 16)
    x = layers.Flatten()(x)  # (n, 400)
    x = layers.Dense(120, activation="relu")(x)
    x = layers.Dense(84, activation="relu")(x)
    return keras.Model(images, layers.Dense(10, activation="softmax")(x))


def build_dense(hidden: int) -> keras.Model:
    """Construit le réseau complètement connecté 784-`hidden`-10 du TD 1.

    Args:
        hidden: neurones de la couche cachée.

    Returns:
        Images `(n, 28, 28, 1)` → probabilités `(n, 10)`.

    Source : S2, TD, question 1.
    """
    images = keras.Input((28, 28, 1))
    x = layers.Dense(hidden, activation="relu")(layers.Flatten()(images))
    return keras.Model(images, layers.Dense(10, activation="softmax")(x))


# --- S1, exercice 2 ------------------------------------------------------------------


def build_fashion() -> keras.Model:
    """Construit l'architecture imposée, avec des tailles qui sont un choix : 32, 64, 64.

    Returns:
        Images `(n, 28, 28, 1)` → probabilités `(n, 10)`.

    Source : S1, exercice 2.
    """
    images = keras.Input((28, 28, 1))
    x = layers.Conv2D(32, 3, activation="relu")(images)  # (n, 26, 26, 32)
    x = layers.MaxPooling2D()(x)  # (n, 13, 13, 32)
    x = layers.Conv2D(64, 3, activation="relu")(x)  # (n, 11, 11, 64)
    x = layers.MaxPooling2D()(x)  # (n, 5, 5, 64)
    x = layers.Conv2D(64, 3, activation="relu")(x)  # (n, 3, 3, 64)
    x = layers.Flatten()(x)  # (n, 576)
    x = layers.Dense(64, activation="relu")(x)
    return keras.Model(images, layers.Dense(10, activation="softmax")(x))
