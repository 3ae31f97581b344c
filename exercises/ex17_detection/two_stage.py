"""Détecter en deux étages : proposer des régions, puis nommer et corriger chacune.

D'après : S3 « Yolo, RCNN, fast-RCNN ».

Le premier étage (`proposals.py`) propose des régions. Une couche dense demande une entrée de taille
fixe, et les régions n'en ont pas : RoIAlign tire de chacune autant de nombres. La tête, la même
pour toutes les régions, dit ce que contient chacune, ou qu'elle ne contient rien, et corrige sa
boîte. Les deux étages lisent les mêmes cartes et apprennent ensemble.
"""

import keras
import numpy as np
from keras import layers, ops

from convnets.datasets.scenes import SCENE_PX
from exercises.ex17_detection import proposals
from exercises.ex17_detection.boxes import IOU_FOUND, MIN_SCORE, Detections, select
from exercises.ex17_detection.localization import HUBER_DELTA, NUM_CLASSES, trunk
from exercises.ex17_detection.proposals import BOX_WEIGHT, assign, decode, encode

BINS = 7  # cases par côté d'une région
WIDTHS = (24, 48)  # canaux des cartes de 32 et 16 pixels de côté : celles de la grille
DENSE_UNITS = 128
BACKGROUND = NUM_CLASSES  # onzième réponse de la tête : rien


# --- Question : lire une carte entre ses pixels --------------------------------------


def weights(low, high, side: int):
    """Pèse les pixels d'un axe pour lire la carte au centre de chaque case d'une région.

    L'interpolation linéaire donne à un pixel le poids 1 − distance, s'il est à moins d'un pixel.
    Hors de la carte, on lit le pixel du bord.

    Args:
        low: début de chaque région `(n, r)`, en pixels de la carte, 0 étant son bord.
        high: sa fin, de même.
        side: pixels de la carte sur cet axe.

    Returns:
        `(n, r, BINS, side)` float32 ; pour chaque case, une somme de 1.
    """
    steps = (np.arange(BINS, dtype=np.float32) + 0.5) / BINS
    places = low[..., None] + (high - low)[..., None] * steps  # (n, r, BINS)
    places = ops.clip(places - 0.5, 0, side - 1)  # le centre du pixel k est en k + 1/2
    return ops.maximum(1 - ops.abs(places[..., None] - np.arange(side, dtype=np.float32)), 0)


class RoiAlign(layers.Layer):
    """Lit les cartes dans chaque région, au centre de `BINS` × `BINS` cases égales.

    Ces centres tombent entre les pixels. RoI pooling, plus ancien, les arrondit au pixel : sur une
    carte de 16 pixels, c'est beaucoup. L'interpolation se fait un axe après l'autre : RoIAlign est
    deux produits de matrices, et le gradient les remonte.

    Source : He et al., « Mask R-CNN », arXiv 1703.06870, § 3, une lecture par case au lieu de
    quatre ; Jaderberg et al., arXiv 1506.02025, équation 5, pour l'interpolation.
    """

    def call(self, maps, boxes):
        """Lit des cartes `(n, s, s, c)` dans des régions `(n, r, 4)`, en pixels de l'image.

        Returns:
            `(n, r, BINS, BINS, c)`.
        """
        side = maps.shape[1]
        scaled = boxes * (side / SCENE_PX)
        columns = weights(scaled[..., 0], scaled[..., 2], side)  # (n, r, BINS, s)
        rows = weights(scaled[..., 1], scaled[..., 3], side)
        lines = ops.einsum("nriy,nyxc->nrixc", rows, maps)  # (n, r, BINS, s, c)
        return ops.matmul(columns[:, :, None], lines)


# --- Question : le réseau, et ses deux étages ----------------------------------------


class TwoStage(keras.Model):
    """Un réseau dont la tête apprend aussi des vraies boîtes.

    Aux premiers pas, aucune proposition n'entoure un objet : elle n'aurait rien à nommer.
    """

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Rend la perte moyenne d'un lot, y étant les objets `(n, k, 5)`."""
        shown = self.get_layer("head")([y_pred["maps"], y[..., :4]])
        lost = proposals.loss(y, y_pred["anchors"])
        return ops.mean(lost + head_loss(y, y_pred["regions"]) + head_loss(y, shown))


def build_model() -> keras.Model:
    """Construit le détecteur à deux étages.

    Returns:
        Modèle : images uint8 `(n, 64, 64, 3)` → `anchors`, la réponse de chaque ancre
        `(n, 384, 5)` ; `regions`, celle de la tête `(n, 25, 19)` ; `maps`, les cartes `(n, 16, 16,
        48)` où elle a lu.

    Source : Ren et al., « Faster R-CNN », arXiv 1506.01497, § 3.
    """
    images = keras.Input((SCENE_PX, SCENE_PX, 3), dtype="uint8")
    maps = trunk(images, WIDTHS)  # (n, 16, 16, 48)
    answers = proposals.region_network(maps)  # (n, 384, 5)
    boxes = proposals.Propose()(answers)  # (n, 25, 4)
    regions = build_head(maps.shape[1:])([maps, boxes])  # (n, 25, 19)
    outputs = {"anchors": answers, "regions": regions, "maps": maps}
    return TwoStage(images, outputs, name="ex17_two_stage")


def build_head(shape: tuple[int, int, int]) -> keras.Model:
    """Construit la tête : elle nomme et corrige chaque région, sans voir les autres.

    Args:
        shape: forme d'une carte, `(s, s, c)`.

    Returns:
        Modèle : cartes `(n, s, s, c)` et boîtes `(n, r, 4)` → `(n, r, 19)` : la boîte reçue, quatre
        corrections, puis onze probabilités, la dernière celle du fond.

    Source : Girshick, « Fast R-CNN », arXiv 1504.08083, § 2.
    """
    maps, boxes = keras.Input(shape), keras.Input((None, 4), dtype="float32")
    x = RoiAlign()(maps, boxes)  # (n, r, BINS, BINS, c)
    x = layers.Reshape((-1, BINS * BINS * shape[2]))(x)
    x = layers.Dense(DENSE_UNITS, activation="relu")(x)  # (n, r, 128)
    corrections = layers.Dense(4)(x)
    classes = layers.Dense(NUM_CLASSES + 1, activation="softmax")(x)
    answers = layers.Concatenate()([boxes, corrections, classes])
    return keras.Model([maps, boxes], answers, name="head")


# --- Question : que doit répondre la tête ? ------------------------------------------


def head_loss(truth, regions):
    """Additionne, sur les régions, l'erreur de nom et, là où il y a un objet, celle de boîte.

    Args:
        truth: objets `(n, k, 5)` de `proposals.to_truth`.
        regions: `(n, r, 19)` : boîte, correction, probabilités.

    Returns:
        `(n,)` float32.

    Source : Girshick, « Fast R-CNN », arXiv 1504.08083, équation 1.
    """
    boxes = regions[..., :4]
    objects, overlaps = assign(boxes, truth)
    present = ops.max(overlaps, axis=-1) >= IOU_FOUND  # (n, r)
    labels = ops.cast(ops.where(present, objects[..., 4], BACKGROUND), "int32")
    names = ops.sparse_categorical_crossentropy(labels, regions[..., 8:])
    box = keras.losses.huber(encode(objects[..., :4], boxes), regions[..., 4:8], HUBER_DELTA)
    return ops.sum(names + BOX_WEIGHT * ops.cast(present, "float32") * box, axis=-1)


# --- Question : lire ses réponses ----------------------------------------------------


def to_detections(
    regions: np.ndarray, *, min_score: float = MIN_SCORE, suppress: bool = True
) -> list[Detections]:
    """Relit les boîtes corrigées : la classe la plus probable de chaque région.

    Args:
        regions: `(n, 25, 19)`, sortie du réseau.
        min_score: une boîte moins sûre est oubliée.
        suppress: supprimer les doublons.

    Returns:
        Les détections de chaque image, en pixels, du plus sûr au moins sûr.
    """
    boxes = ops.convert_to_numpy(decode(regions[..., 4:8], regions[..., :4]))
    classes = regions[..., 8 : BACKGROUND + 8]
    scores, labels = classes.max(-1), classes.argmax(-1)
    return select(boxes, scores, labels, min_score=min_score, suppress=suppress)
