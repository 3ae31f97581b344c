"""Le module Inception, et un réseau ordinaire qui fait autant d'opérations.

D'après : S0 « ImageNet Challenge 2014 ».
Commande : python -m exercises.ex15_architectures

GoogLeNet et VGG sont de la même année. VGG empile des 3×3 ; GoogLeNet regarde à plusieurs échelles
à la fois, et paie ses grands noyaux de convolutions 1×1 qui réduisent d'abord le nombre de cartes.
Les deux réseaux d'ici ont même début, mêmes poolings, même fin, autant de couches à la suite et
autant d'opérations : seul ce qui est entre les poolings diffère.
"""

from collections.abc import Callable
from typing import NamedTuple

import keras
from keras import layers

from exercises.ex15_architectures.networks import convolution

STEM = 32  # filtres de la première convolution


class Widths(NamedTuple):
    """Filtres de chaque branche d'un module."""

    one: int  # 1×1
    reduce_three: int  # 1×1 d'avant la 3×3
    three: int
    reduce_five: int  # 1×1 d'avant la 5×5
    five: int
    pooled: int  # 1×1 d'après le pooling


MODULES = (  # ceux nommés 3a, 3b et 4a dans l'article, largeurs divisées par 4
    Widths(16, 24, 32, 4, 8, 8),
    Widths(32, 32, 48, 8, 24, 16),
    Widths(48, 24, 52, 4, 12, 16),
)
TWIN_FILTERS = (24, 32, 56)  # deux 3×3 de chaque : autant d'opérations, à 0,5 % près


# --- Question : quatre échelles à la fois --------------------------------------------


def inception_module(x, widths: Widths):
    """Met bout à bout les cartes de quatre branches, de 1×1, 3×3, 5×5 et pooling.

    Le pooling garde le maximum de fenêtres 3×3, de pas 1. Une ReLU suit chaque convolution, et
    toutes les cartes gardent la taille de celles de `x`.

    Args:
        x: cartes `(n, h, w, c)`.
        widths: filtres de chaque branche.

    Returns:
        Cartes `(n, h, w, one + three + five + pooled)`, par des couches de Keras : avec une classe
        à soi, le modèle enregistré ne se relirait pas sans votre code.

    Source : Szegedy et al., « Going deeper with convolutions », CVPR 2015, figure 2b et tableau 1.
    """
    one = convolution(x, widths.one, 1)
    three = convolution(convolution(x, widths.reduce_three, 1), widths.three, 3)
    five = convolution(convolution(x, widths.reduce_five, 1), widths.five, 5)
    pooled = convolution(layers.MaxPooling2D(3, 1, padding="same")(x), widths.pooled, 1)
    return layers.Concatenate()([one, three, five, pooled])


def plain_pair(x, filters: int):
    """Pose deux convolutions 3×3, comme VGG : autant de couches à la suite qu'un module."""
    return convolution(convolution(x, filters, 3), filters, 3)


# --- Question : autant d'opérations, avec et sans modules ----------------------------


def build_inception() -> keras.Model:
    """Construit un GoogLeNet réduit à trois modules.

    Returns:
        Modèle : images uint8 `(n, 32, 32, 3)` → probabilités `(n, 10)`. Comme dans l'article, la
        moyenne de chaque carte remplace les couches denses ; les sorties auxiliaires sont omises.
    """
    return _build(inception_module, MODULES, "inception")


def build_twin() -> keras.Model:
    """Construit le même réseau, deux convolutions 3×3 à la place de chaque module."""
    return _build(plain_pair, TWIN_FILTERS, "inception_twin")


def _build(block: Callable, sizes: tuple, name: str) -> keras.Model:
    images = keras.Input((32, 32, 3), dtype="uint8")
    x = layers.Rescaling(1 / 64, -2.0, dtype="float32")(images)
    x = layers.MaxPooling2D()(convolution(x, STEM, 3))  # (n, 16, 16, 32)
    first, second, third = sizes
    x = layers.MaxPooling2D()(block(block(x, first), second))  # (n, 8, 8, …)
    x = layers.Dense(10)(layers.GlobalAveragePooling2D()(block(x, third)))
    return keras.Model(images, layers.Softmax(dtype="float32")(x), name=name)


PAIR = {"inception": build_inception, "inception_twin": build_twin}
PAIR_NAMES_FR = {
    "inception": "Inception réduit (2014)",
    "inception_twin": "le même, en 3×3 ordinaires",
}
