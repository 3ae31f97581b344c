"""Compter une foule : la somme d'une carte de densité.

D'après : S3 « Crowd Understanding ».

Une carte de densité a une tache de somme 1 par tête : même si des taches se recouvrent, la somme de
la carte est le compte. Il n'y a donc aucune tête à détecter.
"""

import keras
import numpy as np
from keras import layers

from exercises.ex28_pose_and_depth.puppets import SIDE_PX
from exercises.ex28_pose_and_depth.training import block

SPREAD_PX = 2.0  # écart-type d'une tache
SCALE = 100.0  # le réseau rend des têtes pour cent pixels : une tache seule y vaut 4 au plus
WIDTHS = (16, 32, 48)  # canaux des cartes de 64, 32 et 16 pixels de côté


# --- Question : que doit rendre le réseau ? ------------------------------------------


def density_map(heads: np.ndarray) -> np.ndarray:
    """Dessine une tache gaussienne par tête, de somme 1 dans l'image, même au bord.

    Son écart-type est de 2 pixels. Le pixel i couvre [i, i + 1[ : son centre est en i + 0,5.

    Args:
        heads: `(k, 2)` : x, y en pixels ; les lignes de NaN ne comptent pas.

    Returns:
        `(64, 64)` float32, de somme k : des têtes par pixel.

    Source : Lempitsky et Zisserman, « Learning to Count Objects in Images », NIPS 2010.
    """
    heads = heads[~np.isnan(heads[:, 0])]
    gaps = np.arange(SIDE_PX) + 0.5 - heads[..., None]  # (k, 2, 64)
    spots = np.exp(-(gaps**2) / (2 * SPREAD_PX**2))
    spots /= spots.sum(-1, keepdims=True)  # ce qui sortirait de l'image est rendu à l'intérieur
    return (spots[:, 1].T @ spots[:, 0]).astype(np.float32)


# --- Question : le réseau ------------------------------------------------------------


def build_model() -> keras.Model:
    """Construit le réseau, tout en convolutions.

    Returns:
        Modèle : images uint8 `(n, 64, 64, 3)` → `(n, 64, 64)` float32, des têtes pour cent pixels.
    """
    images = keras.Input((SIDE_PX, SIDE_PX, 3), dtype="uint8")
    x = layers.Rescaling(1 / 127.5, -1)(images)
    kept = []
    for k, width in enumerate(WIDTHS):
        x = block(layers.Conv2D(width, 3, 2 if k else 1, padding="same", use_bias=False), x)
        kept.append(x)  # (n, 64, 64, 16), (n, 32, 32, 32), (n, 16, 16, 48)
    x = block(layers.Conv2D(WIDTHS[-1], 3, padding="same", use_bias=False), x)
    for width, skip in zip(WIDTHS[-2::-1], kept[-2::-1], strict=True):
        up = layers.Conv2DTranspose(width, 4, 2, padding="same", use_bias=False)
        x = block(up, x) + skip
    x = block(layers.Conv2D(WIDTHS[0], 3, padding="same", use_bias=False), x)
    # La densité n'est pas bornée : une fonction qui l'écraserait près de zéro laisserait un peu de
    # foule partout, et la somme de 4 096 pixels en compterait.
    x = layers.Conv2D(1, 1, dtype="float32")(x)
    return keras.Model(images, x[..., 0], name="crowd_density")


# --- Question : combien sont-ils ? ---------------------------------------------------


def count_density(answers: np.ndarray) -> np.ndarray:
    """Compte en sommant la densité que rend le réseau : `(n, 64, 64)` → `(n,)`."""
    return answers.sum((1, 2)) / SCALE
