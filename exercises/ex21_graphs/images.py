"""Une image comme un graphe de carrés, classée par un réseau à messages ou par ses témoins.

D'après : S3 (diapositives), « Graph Neural Networks » : une perte sur le graphe entier.
Commande : python -m exercises.ex21_graphs

Les arcs sont les mêmes pour toutes les images : ce sont des constantes du modèle, qui lit donc des
images, comme un réseau de convolution.
"""

from collections.abc import Callable
from functools import partial

import keras
import numpy as np
from keras import layers, ops

from exercises.ex21_graphs.messages import gated, graph_head, grid_graph, pass_messages

BLOCK_PX = 4  # un nœud est un carré de 4 × 4 pixels
SIDE = 28 // BLOCK_PX  # nœuds par côté
UNITS = 32  # valeurs par nœud
DEPTH = 2  # passages de messages : un nœud finit par voir 5 × 5 nœuds
ALONE_UNITS = 52  # largeurs des témoins, choisies pour qu'ils aient
CONV_FILTERS = 11  # autant de paramètres que le réseau de graphes
DENSE_UNITS = 11  # de même, pour le réseau dense qui lit les pixels
WIDE_UNITS = 64  # six fois plus de paramètres


# --- Question : une image comme un graphe --------------------------------------------


def image_nodes(images):
    """Fait de chaque carré de pixels un nœud : `(b, 28, 28)` uint8 → `(b, 49, 18)`.

    Un nœud a les 16 pixels de son carré, dans [-1, 1], puis sa ligne et sa colonne, de même.
    """
    x = layers.Rescaling(1 / 127.5, -1)(images)
    x = layers.Reshape((SIDE, BLOCK_PX, SIDE, BLOCK_PX))(x)
    x = layers.Permute((1, 3, 2, 4))(x)  # (b, 7, 7, 4, 4)
    x = layers.Reshape((SIDE**2, BLOCK_PX**2))(x)  # (b, 49, 16)
    places = np.indices((SIDE, SIDE)).reshape(2, -1).T * (2 / (SIDE - 1)) - 1  # (49, 2)
    places = ops.zeros_like(x[..., :2]) + places.astype(np.float32)
    return ops.concatenate([x, places], axis=-1)


def gather_messages(nodes, *, aggregate: str):
    """Passe des messages à porte entre les carrés voisins : `(b, 49, 32)` → `(b, 49, 32)`."""
    grid = grid_graph(SIDE, SIDE)
    return pass_messages(nodes, grid, gated(UNITS), aggregate=aggregate)


def learn_alone(nodes):
    """Transforme chaque nœud sans regarder les autres : `(b, 49, 32)` → `(b, 49, ALONE_UNITS)`."""
    return layers.Dense(ALONE_UNITS, activation="relu")(nodes)


def convolve_squares(nodes):
    """Applique une convolution 3 × 3 à la grille des carrés ; rend des nœuds."""
    grid = layers.Reshape((SIDE, SIDE, UNITS))(nodes)
    grid = layers.Conv2D(CONV_FILTERS, 3, padding="same", activation="relu")(grid)
    return layers.Reshape((SIDE**2, CONV_FILTERS))(grid)


UPDATES: dict[str, Callable] = {
    "sum": partial(gather_messages, aggregate="sum"),
    "mean": partial(gather_messages, aggregate="mean"),
    "max": partial(gather_messages, aggregate="max"),
    "alone": learn_alone,
    "conv": convolve_squares,
}


def build_model(update: str = "sum") -> keras.Model:
    """Construit le réseau : rien n'y change que la façon dont un nœud apprend de ses voisins.

    Args:
        update: `"sum"`, `"mean"` ou `"max"`, par messages ; `"conv"`, une convolution des mêmes
            carrés ; `"alone"`, chaque nœud sans les autres.

    Returns:
        Modèle : images uint8 `(n, 28, 28)` → probabilités `(n, 10)` float32.
    """
    images = keras.Input((28, 28), dtype="uint8")
    nodes = layers.Dense(UNITS)(image_nodes(images))  # (n, 49, 32)
    for _ in range(DEPTH):
        received = UPDATES[update](layers.BatchNormalization(momentum=0.9)(nodes))
        nodes = nodes + layers.Dense(UNITS)(received)  # (n, 49, 32)
    nodes = layers.BatchNormalization(momentum=0.9)(nodes)
    return keras.Model(images, graph_head(nodes, 10), name=f"ex21_{update}")


# --- Question : faut-il un graphe ? --------------------------------------------------


def build_perceptron(*units: int) -> keras.Model:
    """Construit un témoin qui lit les pixels bout à bout, et ignore quels pixels sont voisins.

    Args:
        units: neurones de chaque couche cachée ; aucun : un classifieur linéaire.

    Returns:
        Modèle : images uint8 `(n, 28, 28)` → probabilités `(n, 10)` float32.
    """
    images = keras.Input((28, 28), dtype="uint8")
    x = layers.Flatten()(layers.Rescaling(1 / 127.5, -1)(images))  # (n, 784)
    for count in units:
        x = layers.Dense(count, activation="relu")(x)
    return keras.Model(images, layers.Dense(10, activation="softmax")(x), name="ex21_dense")


NETWORKS: dict[str, Callable[[], keras.Model]] = {
    **{update: partial(build_model, update) for update in UPDATES},
    "linear": build_perceptron,
    "dense": partial(build_perceptron, DENSE_UNITS),
    "wide": partial(build_perceptron, WIDE_UNITS),
}
