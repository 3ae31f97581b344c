"""Le même petit CNN trois fois : à la main, en Keras, en PyTorch ; et les poids de l'un à l'autre.

D'après : S4, le modèle PyTorch que le billet laisse à écrire.
Commande : python -m exercises.ex22_by_hand

PyTorch n'est pas demandé par le cours : sans lui, sa colonne est laissée de côté.
"""

import keras
import numpy as np

from exercises.ex22_by_hand.convolution import Convolution
from exercises.ex22_by_hand.dense import Dense, Flatten, Relu
from exercises.ex22_by_hand.pooling import AveragePooling, MaxPooling

FILTERS = (16, 32)  # de chaque convolution : assez pour 98 % et moins d'une minute d'apprentissage
SIDE = 3  # côté des dernières cartes, en pixels


# --- Question : le réseau, à la main -------------------------------------------------


def build_layers(*, seed: int) -> list:
    """Construit le réseau à la main, chaque sorte de couche au moins une fois.

    Args:
        seed: graine des poids, tirés d'une loi normale de variance 2 / (valeurs lues).

    Returns:
        Huit couches, de poids float32 : images `(n, 28, 28, 1)` → scores `(n, 10)`.

    Source : He et al., arXiv 1502.01852, 2015 (la variance des poids).
    """
    rng, (first, second) = np.random.default_rng(seed), FILTERS
    return [
        Convolution(*_draw(rng, 5, 5, 1, first), stride=2, padding=2),  # 14 × 14
        Relu(),
        MaxPooling(2),  # 7 × 7
        Convolution(*_draw(rng, 3, 3, first, second), padding=1),  # 7 × 7
        Relu(),
        AveragePooling(3, stride=2),  # 3 × 3
        Flatten(),
        Dense(*_draw(rng, SIDE * SIDE * second, 10)),
    ]


def build_linear(*, seed: int) -> list:
    """Construit un classifieur linéaire, le témoin : chaque pixel pèse pour chaque classe.

    Args:
        seed: graine des poids.

    Returns:
        Deux couches : images `(n, 28, 28, 1)` → scores `(n, 10)`.
    """
    return [Flatten(), Dense(*_draw(np.random.default_rng(seed), 28 * 28, 10))]


def _draw(rng: np.random.Generator, *shape: int) -> tuple[np.ndarray, np.ndarray]:
    """Rend les poids d'une couche, tirés au hasard, et ses biais, nuls."""
    scale = np.sqrt(2 / np.prod(shape[:-1]))
    weights = (scale * rng.standard_normal(shape)).astype(np.float32)
    return weights, np.zeros(shape[-1], np.float32)


# --- Question : tout l'aller, tout le retour, un pas ---------------------------------


def to_floats(images: np.ndarray) -> np.ndarray:
    """Prépare des images : uint8 `(n, 28, 28)` → float32 `(n, 28, 28, 1)` dans [0, 1].

    Le fond vaut alors 0, comme le padding.
    """
    return images[..., np.newaxis] / np.float32(255)


def forward(layers: list, x: np.ndarray) -> np.ndarray:
    """Traverse les couches dans l'ordre ; chacune garde ce dont le retour aura besoin."""
    for layer in layers:
        x = layer.forward(x)
    return x


def backward(layers: list, dy: np.ndarray) -> np.ndarray:
    """Traverse les couches à l'envers : la règle de dérivation des fonctions composées.

    Chaque couche reçoit le gradient de sa sortie, note celui de ses poids, et rend celui de son
    entrée, qui est la sortie de la précédente.
    """
    for layer in reversed(layers):
        dy = layer.backward(dy)
    return dy


class Descent:
    """La descente de gradient avec élan : `v ← μ·v - η·dL/dw`, puis `w ← w + v`.

    Args:
        layers: couches à apprendre. Chacune a deux listes du même ordre, `weights` et
            `gradients`, vides si elle n'a pas de poids. `step` lit `gradients` et change sur place
            les tableaux de `weights`.
        learning_rate: η, le taux d'apprentissage.
        momentum: μ, la part de l'élan gardée d'un pas à l'autre.

    Source : Polyak, 1964 ; dans cette forme, Sutskever et al., ICML 2013.
    """

    def __init__(self, layers: list, *, learning_rate: float, momentum: float):
        self.layers, self.learning_rate, self.momentum = layers, learning_rate, momentum
        self.velocities = [[np.zeros_like(each) for each in layer.weights] for layer in layers]

    def step(self) -> None:
        """Change les poids d'après les gradients que le retour vient de noter."""
        for layer, velocities in zip(self.layers, self.velocities, strict=True):
            for weight, velocity, gradient in zip(
                layer.weights, velocities, layer.gradients, strict=True
            ):
                velocity *= self.momentum
                velocity -= self.learning_rate * gradient
                weight += velocity


# --- Question : le même en Keras -----------------------------------------------------


def build_scores() -> keras.Model:
    """Construit le même réseau en Keras : flottants `(n, 28, 28, 1)` → scores `(n, 10)`.

    Avec un pas de 2, le padding `same` de Keras n'ajouterait une deuxième ligne de zéros qu'en bas
    et à droite. Les zéros sont donc ajoutés à part : deux de chaque côté, comme à la main.
    """
    from keras import layers  # `layers` est ailleurs, dans ce fichier, la liste des nôtres

    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.ZeroPadding2D(2),  # (n, 32, 32, 1)
            layers.Conv2D(FILTERS[0], 5, strides=2, activation="relu"),  # (n, 14, 14, 16)
            layers.MaxPooling2D(2),  # (n, 7, 7, 16)
            layers.Conv2D(FILTERS[1], 3, padding="same", activation="relu"),  # (n, 7, 7, 32)
            layers.AveragePooling2D(3, strides=2),  # (n, 3, 3, 32)
            layers.Flatten(),  # (n, 288)
            layers.Dense(10),
        ]
    )


def build_model() -> keras.Model:
    """Construit le modèle que lit `./predict` : `build_scores`, de l'image aux probabilités.

    Returns:
        Modèle : images uint8 `(n, 28, 28)` → probabilités `(n, 10)` float32.
    """
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((28, 28), dtype="uint8"),
            layers.Rescaling(1 / 255, dtype="float32"),
            layers.Reshape((28, 28, 1)),
            *build_scores().layers,
            layers.Softmax(dtype="float32"),
        ],
        name="ex22_by_hand",
    )


def weights_of(layers: list) -> list[np.ndarray]:
    """Rend une copie des poids, dans l'ordre et les formes de `keras.Model.set_weights`."""
    return [weight.copy() for layer in layers for weight in layer.weights]


def to_keras(layers: list, model: keras.Model) -> keras.Model:
    """Copie les poids d'un réseau à la main dans son jumeau Keras, qu'il rend."""
    model.set_weights(weights_of(layers))
    return model


# --- Question : le même en PyTorch ---------------------------------------------------


def to_torch(layers: list):
    """Écrit le même réseau en PyTorch, avec les poids d'un réseau à la main.

    PyTorch range les canaux avant les lignes : un noyau `(kh, kw, c, f)` y devient
    `(f, c, kh, kw)`, et la couche dense lit les cartes dans cet autre ordre.

    Args:
        layers: rendues par `build_layers`.

    Returns:
        `torch.nn.Sequential` : `(n, 1, 28, 28)` → scores `(n, 10)`, dans le format des poids.
    """
    import torch
    from torch import nn

    model = nn.Sequential(
        nn.Conv2d(1, FILTERS[0], 5, stride=2, padding=2),  # (n, 16, 14, 14)
        nn.ReLU(),
        nn.MaxPool2d(2),  # (n, 16, 7, 7)
        nn.Conv2d(FILTERS[0], FILTERS[1], 3, padding=1),  # (n, 32, 7, 7)
        nn.ReLU(),
        nn.AvgPool2d(3, stride=2),  # (n, 32, 3, 3)
        nn.Flatten(),  # (n, 288)
        nn.Linear(SIDE * SIDE * FILTERS[1], 10),
    )
    weights = weights_of(layers)
    for k in (0, 2):
        weights[k] = weights[k].transpose(3, 2, 0, 1)
    matrix = weights[4].reshape(SIDE, SIDE, FILTERS[1], 10)
    weights[4] = matrix.transpose(3, 2, 0, 1).reshape(10, -1)
    for parameter, weight in zip(model.parameters(), weights, strict=True):
        parameter.data = torch.tensor(weight)
    return model
