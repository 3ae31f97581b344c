"""Remettre chaque maximum à sa place : le « unpooling » de SegNet.

D'après : S3 « Different problems, models & metrics » (figure de SegNet).
Commande : python -m exercises.ex18_segmentation

Un max-pooling 2 × 2 oublie où était chaque maximum. SegNet s'en souvient : l'indice retenu est ici
un masque, 1 à la place du maximum de chaque fenêtre et 0 aux trois autres. Tout s'écrit avec des
couches de Keras et `keras.ops` : le même code marche sur tout moteur, et un modèle relu n'a besoin
de rien d'autre.
"""

import keras
import numpy as np
from keras import layers, ops

POOL_PX = 2  # côté d'une fenêtre
PRIORITY = ((4, 3), (2, 1))  # à égalité dans une fenêtre, la place du plus grand nombre gagne


def max_pool_with_places(maps):
    """Prend le maximum de chaque fenêtre 2 × 2, et retient où il était.

    Après un ReLU, une fenêtre est souvent toute nulle : à égalité, c'est la première place qui
    compte, de gauche à droite puis de haut en bas, comme `tf.nn.max_pool_with_argmax`. Pour la
    trouver, les places gagnantes reçoivent 4, 3, 2 ou 1 : la plus forte est la première.

    Args:
        maps: tenseur `(n, h, w, c)`, h et w pairs et connus, symbolique (`KerasTensor`) quand on
            construit un modèle : n n'y est pas connu.

    Returns:
        `(pooled, places)` : les maximums `(n, h/2, w/2, c)`, et le masque `(n, h, w, c)`, de même
        type, qui vaut 1 une fois par fenêtre et par carte, 0 ailleurs.

    Raises:
        ValueError: côté impair ou inconnu.

    Source : Badrinarayanan, Kendall et Cipolla, arXiv 1511.00561, section 3.
    """
    height, width = maps.shape[1:3]
    if not height or not width or height % POOL_PX or width % POOL_PX:
        raise ValueError(
            f"Cartes de {height} × {width} reçues ; des côtés pairs sont attendus : changez la "
            "taille des images."
        )
    repeats = height // POOL_PX, width // POOL_PX
    order = np.tile(np.array(PRIORITY, np.float32), repeats)[None, ..., None]
    dtype = keras.backend.standardize_dtype(maps.dtype)  # sans arrondi entre carte et maximum
    shrink = layers.MaxPooling2D(POOL_PX, dtype=dtype)
    enlarge = layers.UpSampling2D(POOL_PX, dtype=dtype)
    pooled = shrink(maps)  # (n, h/2, w/2, c)
    ranks = ops.where(ops.equal(maps, enlarge(pooled)), order, 0.0)  # (n, h, w, c)
    ranks = ops.cast(ranks, dtype)
    return pooled, ops.cast(ops.equal(ranks, enlarge(shrink(ranks))), dtype)


def unpool(values, places):
    """Pose chaque valeur à la place retenue de sa fenêtre, et zéro aux trois autres.

    Args:
        values: tenseur `(n, h/2, w/2, c)`, symbolique (`KerasTensor`) lui aussi.
        places: masque `(n, h, w, c)` de `max_pool_with_places`.

    Returns:
        Tenseur `(n, h, w, c)`.

    Source : Badrinarayanan, Kendall et Cipolla, arXiv 1511.00561, figure 3.
    """
    return layers.UpSampling2D(POOL_PX)(values) * places
