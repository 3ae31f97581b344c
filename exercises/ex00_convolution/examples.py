"""Les exemples des documents, refaits un par un ; les nombres attendus sont ailleurs.

D'après : S0 à S4, l'endroit est donné avec chaque exemple.
Commande : python -m exercises.ex00_convolution
Nombres attendus : examples.json, à côté, mêmes clés que ce que rendent ces fonctions.

Un thème de l'exercice 00, dont l'entrée est `ex00_convolution`. Chaque fonction calcule et
rend un dictionnaire ; elle ne lit rien de ce qu'elle devrait trouver, sauf `n20`, dont la
grille imprimée est la donnée.
"""

from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from exercises.ex00_convolution import x_or_o
from exercises.ex00_convolution.geometry import output_size, windows
from exercises.ex00_convolution.operations import (
    IMAGE,
    KERNEL,
    SIGNAL,
    SIGNAL_KERNEL,
    conv1d,
    conv2d,
)
from exercises.ex00_convolution.pooling import pool2d, relu

EDGE_IMAGE = np.repeat([0, 200], 3)[:, np.newaxis] * np.ones((1, 6), np.int64)  # (6, 6), un bord
# Rouge, vert, bleu : une image 3×3 et un filtre 2×2 de même profondeur, choisis ici.
CHANNELS = [
    [[1, 0, 2], [0, 1, 0], [2, 0, 1]],
    [[0, 1, 0], [1, 0, 1], [0, 1, 0]],
    [[1, 1, 0], [0, 0, 1], [1, 0, 0]],
]
CHANNEL_KERNELS = [[[1, 0], [0, 1]], [[0, 1], [1, 0]], [[1, 1], [-1, 0]]]


class Example(NamedTuple):
    """Un exemple : où il est, ce qu'il montre, et la fonction qui le refait."""

    document: str
    title: str
    compute: Callable[[dict], dict]
    shown: str | None  # la clé montrée sur la ligne ; None pour la première


EXAMPLES: dict[str, Example] = {}


def example(document: str, title: str, *, shown: str | None = None):
    """Inscrit une fonction `n7` sous l'identifiant `N7`, dans l'ordre du fichier."""

    def register(compute):
        EXAMPLES[compute.__name__.upper()] = Example(document, title, compute, shown)
        return compute

    return register


def _truncated(values) -> np.ndarray:
    return np.vectorize(x_or_o.truncate, otypes=[object])(values)


# --- Convolutions et pooling ---------------------------------------------------------


@example("S2 §1", "convolution 1-D de 1 0 2 4 3 par 3 2", shown="sortie")
def n1(given):
    """La corrélation croisée de S2 ; le noyau retourné donne autre chose."""
    output = conv1d(SIGNAL, SIGNAL_KERNEL)
    flipped = conv1d(SIGNAL, SIGNAL_KERNEL, flip=True)
    return {"première valeur": output[0], "sortie": output, "noyau retourné": flipped}


@example("S2 §1", "max-pooling de N1, fenêtre 2, pas 1 puis pas 2")
def n2(given):
    """Ni la fenêtre ni les valeurs ne survivent dans le texte : les deux pas sont montrés."""
    signal = conv1d(SIGNAL, SIGNAL_KERNEL)[np.newaxis]  # (1, 4)
    return {"pas un": pool2d(signal, (1, 2), stride=1)[0], "pas deux": pool2d(signal, (1, 2))[0]}


@example("S3", "image 5×5 par un noyau 3×3", shown="sortie")
def n3(given):
    """Neuf positions ; le texte n'a gardé que les deux premières lignes."""
    output = conv2d(IMAGE, KERNEL)
    return {"lignes imprimées": output[:2], "sortie": output, "positions": output.size}


@example("cours", "N3 avec padding « same »")
def n4(given):
    """Les zéros ajoutés gardent la taille de l'image."""
    return {"sortie": conv2d(IMAGE, KERNEL, padding="same")}


@example("S0", "filtre 1 sur un carré du X : produits et moyenne")
def n5(given):
    """La matrice des produits a la taille du filtre."""
    kernel = x_or_o.read_picture(x_or_o.FILTERS[0])
    _, patch = list(windows(x_or_o.read_picture(x_or_o.X), (3, 3)))[24]  # au milieu du X
    products = patch * kernel
    mean = Fraction(int(products.sum()), products.size)
    return {
        "moyenne": x_or_o.truncate(mean),
        "produits": products,
        "somme": products.sum(),
        "taille": products.shape,
        "exacte": mean,
    }


@example("S0", "X (9×9) par trois filtres : moyenne des produits")
def n6(given):
    """Trois cartes 7×7, tronquées à deux décimales sur les diapositives."""
    picture = x_or_o.read_picture(x_or_o.X)
    printed = _truncated(x_or_o.chain(picture).maps)
    return {
        "cartes": printed,
        "image": picture,
        "totaux imprimés": printed.sum(axis=(1, 2)),
        "neuvièmes": x_or_o.chain(picture).maps * 9,
    }


@example("S0", "ReLU des cartes de N6")
def n7(given):
    """Les valeurs négatives deviennent 0, les autres ne changent pas."""
    rectified = relu(x_or_o.chain(x_or_o.read_picture(x_or_o.X)).maps)
    return {"première carte": _truncated(rectified[0]), "neuvièmes": rectified * 9}


@example("S0", "max-pooling 2×2 de pas 2 : 7×7 → 4×4")
def n8(given):
    """« same » garde la septième ligne ; « valid », le défaut de Keras, la perd."""
    maps = x_or_o.chain(x_or_o.read_picture(x_or_o.X)).rectified
    pooled = np.stack([pool2d(each, 2, padding="same") for each in maps])
    printed = _truncated(pooled)
    return {
        "cartes": printed,
        "totaux imprimés": printed.sum(axis=(1, 2)),
        "neuvièmes": pooled * 9,
        "taille sans padding": pool2d(maps[0], 2).shape,
    }


@example("S0", "empilement : second étage, puis dépliement", shown="vecteur")
def n9(given):
    """Deux pooling de suite : chaque carte tient en 2×2, et l'image en 12 valeurs."""
    stages, votes = (
        x_or_o.chain(x_or_o.read_picture(x_or_o.X)),
        x_or_o.votes(x_or_o.read_picture(x_or_o.X)),
    )
    return {
        "second pooling": _truncated(stages.second),
        "vecteur": stages.vector * 9,
        "votes pour X et O": votes,
    }


@example("S0", "X déformé : image imprimée, résultats non", shown="vecteur")
def n10(given):
    """Loin du X pixel à pixel, tout près par ses 12 valeurs."""
    x, deformed = x_or_o.read_picture(x_or_o.X), x_or_o.read_picture(x_or_o.DEFORMED_X)
    stages, a, b = (
        x_or_o.chain(deformed),
        x_or_o.chain(x).vector * 9,
        x_or_o.chain(deformed).vector * 9,
    )
    cosine = (a @ b) / np.sqrt(float((a @ a) * (b @ b)))
    return {
        "image": deformed,
        "neuvièmes": stages.maps * 9,
        "second pooling": _truncated(stages.second),
        "vecteur": b,
        "pixels communs": (x == deformed).sum(),
        "cosinus": Fraction(f"{cosine:.3f}"),
        "votes pour X et O": x_or_o.votes(deformed),
    }


@example("S0", "image 32×32, filtre 5×5 : côté de la sortie")
def n11(given):
    """Sans padding, la sortie perd quatre cases."""
    return {"côté": output_size(32, 5)}


@example("S3", "(W − K + 2P) / S + 1, pour W 224, K 11, S 4", shown="avec partie entière")
def n12(given):
    """La formule imprimée ne tombe pas juste ; AlexNet part en fait de 227 pixels."""
    return {
        "sans partie entière": Fraction(224 - 11, 4) + 1,
        "avec partie entière": output_size(224, 11, stride=4),
        "AlexNet": output_size(227, 11, stride=4),
        "pooling de sept par deux": output_size(7, 2, stride=2),
        "noyau dilaté": output_size(7, 3, dilation=2),
    }
