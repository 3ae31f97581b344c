"""Localiser un objet : un réseau rend sa boîte, quatre nombres, et sa classe.

D'après : S3 « Different problems, models & metrics », `(pos_x, pos_y, width, height)`.

Chaque scène n'a qu'un objet : trouver sa boîte est une régression. Le témoin donne toujours la même
boîte, la moyenne.
"""

from collections.abc import Sequence

import keras
import numpy as np
from keras import layers, ops

from convnets.datasets import sources
from convnets.datasets.scenes import SCENE_PX
from exercises.ex17_detection.boxes import iou

NUM_CLASSES = len(sources.FASHION_CLASSES)
WIDTHS = (16, 32, 64, 64)  # canaux des cartes de 32, 16, 8 et 4 pixels de côté
DENSE_UNITS = 64
HUBER_DELTA = 0.1  # écart en deçà duquel la perte d'une boîte est quadratique, et non linéaire
BOX_WEIGHT = 200.0  # les écarts sont en parts du côté : leur perte est petite


# --- Question : un réseau qui rend quatre nombres et une classe ----------------------


def trunk(images, widths: Sequence[int]):
    """Enchaîne des convolutions, chaque largeur divisant par deux le côté des cartes.

    Args:
        images: entrée Keras uint8 `(n, s, s, 3)`.
        widths: nombres de canaux ; tout étage après le premier a une seconde convolution.

    Returns:
        Cartes `(n, s / 2^k, s / 2^k, widths[-1])`, k largeurs étant données.
    """
    x = layers.Rescaling(1 / 127.5, -1)(images)
    for k, width in enumerate(widths):
        x = stage(x, width, 2 if k else 1)
    return x


def stage(x, width: int, depth: int = 2, *, strides: int = 2):
    """Divise par `strides` le côté des cartes : `depth` convolutions, la première de ce pas."""
    for k in range(depth):
        step = 1 if k else strides
        x = layers.Conv2D(width, 3, strides=step, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization()(x)
        x = layers.Activation("relu")(x)
    return x


def build_model() -> keras.Model:
    """Construit le réseau qui localise un objet.

    La classe ne dépend pas du lieu : elle lit le maximum de chaque carte. La boîte en dépend :
    elle lit les cartes entières, mises à plat.

    Returns:
        Modèle : images uint8 `(n, 64, 64, 3)` → `(n, 14)` float32 : centre en x et en y, largeur
        et hauteur, en parts du côté, sans borne ; puis dix probabilités.
    """
    images = keras.Input((SCENE_PX, SCENE_PX, 3), dtype="uint8")
    maps = trunk(images, WIDTHS)  # (n, 4, 4, 64)
    # GELU et non ReLU : une unité éteinte dès les premiers pas le resterait (une graine sur trois).
    x = layers.Dense(DENSE_UNITS, activation="gelu")(layers.Flatten()(maps))
    box = layers.Dense(4)(x)  # une régression : rien ne borne ces nombres
    x = layers.GlobalMaxPooling2D()(maps)  # (n, 64)
    classes = layers.Dense(NUM_CLASSES, activation="softmax")(x)
    outputs = layers.Concatenate()([box, classes])
    return keras.Model(images, outputs, name="ex17_localization")


def to_targets(boxes: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Écrit boîtes et classes comme le réseau les rend.

    Args:
        boxes: `(n, 4)`, `x0, y0, x1, y1` en pixels.
        labels: `(n,)` entiers.

    Returns:
        `(n, 14)` float32.
    """
    low, high = boxes[:, :2], boxes[:, 2:]
    each = [(low + high) / 2 / SCENE_PX, (high - low) / SCENE_PX, np.eye(NUM_CLASSES)[labels]]
    return np.concatenate(each, axis=1).astype(np.float32)


def to_boxes(outputs: np.ndarray) -> np.ndarray:
    """Relit les boîtes d'une sortie `(n, 14)` : `(n, 4)`, en pixels, sans déborder de l'image."""
    center, half = outputs[:, :2] * SCENE_PX, outputs[:, 2:4] * SCENE_PX / 2
    return np.clip(np.concatenate([center - half, center + half], axis=1), 0, SCENE_PX)


def loss(y_true, y_pred):
    """Additionne une régression robuste de la boîte et l'entropie croisée de la classe.

    Args:
        y_true: cibles `(n, 14)` de `to_targets`.
        y_pred: sortie du réseau, de même forme.

    Returns:
        `(n,)` float32.

    Source : Girshick, « Fast R-CNN », arXiv 1504.08083, équations 1 à 3 (la perte L1 lissée).
    """
    box = keras.losses.huber(y_true[:, :4], y_pred[:, :4], HUBER_DELTA)
    return BOX_WEIGHT * box + ops.categorical_crossentropy(y_true[:, 4:], y_pred[:, 4:])


# --- Question : que vaut-il, et que vaut la boîte moyenne ? --------------------------


def scene_iou(outputs: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Rend l'IoU de la boîte répondue et de la vraie, scène par scène : `(n,)`.

    Args:
        outputs: sortie du réseau `(n, 14)`.
        boxes: boîtes vraies `(n, 4)`.
    """
    pairs = zip(to_boxes(outputs), boxes, strict=True)
    return np.array([iou(found[None], true[None]).item() for found, true in pairs])
