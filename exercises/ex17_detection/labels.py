"""Plusieurs étiquettes par image : dire tout ce qu'une scène contient, sans dire où.

D'après : S3 « How to switch to multi-class? ».

Un softmax répartit une seule réponse entre les classes : leur somme vaut 1, et chaque objet de plus
diminue la part des autres. Une sigmoïde par classe pose dix questions séparées, chacune avec sa
réponse entre 0 et 1. Le réseau est le même ; seules changent la dernière activation et la perte.
"""

import keras
import numpy as np
from keras import layers, ops

from convnets.datasets.scenes import SCENE_PX
from exercises.ex17_detection.localization import NUM_CLASSES, WIDTHS, trunk
from exercises.ex17_detection.metrics import Judged, join, mean_average_precision

# --- Question : la vérité, un ensemble de classes ------------------------------------


def to_sets(labels: np.ndarray) -> np.ndarray:
    """Écrit les classes présentes dans chaque scène.

    Args:
        labels: `(n, k)` entiers, `ABSENT` pour une place vide ; deux objets peuvent être d'une
            même classe.

    Returns:
        `(n, 10)` float32 : 1 pour une classe présente, 0 pour les autres.
    """
    found = labels[..., None] == np.arange(NUM_CLASSES)  # (n, k, 10) ; ABSENT n'en est aucune
    return found.any(axis=1).astype(np.float32)


# --- Question : un réseau, deux fins -------------------------------------------------


def build_model(activation: str) -> keras.Model:
    """Construit le réseau : le maximum de chaque carte, puis dix nombres.

    Args:
        activation: `"sigmoid"`, dix réponses séparées, ou `"softmax"`, une seule à partager.

    Returns:
        Modèle : images uint8 `(n, 64, 64, 3)` → `(n, 10)` float32 dans [0, 1].
    """
    images = keras.Input((SCENE_PX, SCENE_PX, 3), dtype="uint8")
    x = layers.GlobalMaxPooling2D()(trunk(images, WIDTHS))
    answers = layers.Dense(NUM_CLASSES, activation=activation)(x)
    return keras.Model(images, answers, name=f"ex17_{activation}")


def separate_loss(y_true, y_pred):
    """Additionne dix entropies croisées binaires, une par classe : `(n,)`."""
    return ops.sum(ops.binary_crossentropy(y_true, y_pred), axis=-1)


def shared_loss(y_true, y_pred):
    """Rend l'entropie croisée avec une réponse partagée entre les classes présentes : `(n,)`.

    Un softmax ne peut faire mieux que ceci : si deux classes sont présentes, donner la moitié à
    chacune.
    """
    return ops.categorical_crossentropy(y_true / ops.sum(y_true, axis=-1, keepdims=True), y_pred)


# --- Question : que valent des ensembles ? -------------------------------------------


def rank_precision(answers: np.ndarray, sets: np.ndarray) -> float:
    """Rend la moyenne, sur les classes, de leur précision moyenne.

    Chaque classe range les scènes par réponse, sans seuil, comme on range des boîtes.

    Args:
        answers: réponses `(n, 10)` à des scènes.
        sets: leurs classes `(n, 10)`, de `to_sets`.
    """
    return mean_average_precision(join(judge_sets(answers, sets)))


def judge_sets(answers: np.ndarray, sets: np.ndarray) -> list[Judged]:
    """Juge les dix réponses à chaque scène, comme dix boîtes (voir `rank_precision`)."""
    classes = np.arange(NUM_CLASSES)
    return [Judged(said, own > 0, classes, own) for said, own in zip(answers, sets, strict=True)]
