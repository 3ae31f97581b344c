"""Détecter en deux étages : proposer des régions, puis nommer et corriger chacune.

D'après : S3 « Yolo, RCNN, fast-RCNN ».

Le premier étage (`proposals.py`) dit où regarder ; `roi.py` découpe ces régions dans les cartes ;
la tête, la même pour toutes, dit ce qu'est chacune, ou qu'il n'y a rien, et corrige sa boîte. Les
deux étages lisent les mêmes cartes et apprennent ensemble.
"""

import keras
import numpy as np
from keras import layers, ops

from convnets.datasets.scenes import SCENE_PX
from exercises.ex17_detection import proposals
from exercises.ex17_detection.anchors import assign, decode, encode
from exercises.ex17_detection.boxes import IOU_FOUND, Detections, select
from exercises.ex17_detection.localization import NUM_CLASSES, trunk
from exercises.ex17_detection.roi import BINS, RoiAlign

WIDTHS = (24, 48)  # canaux des cartes de 32 et 16 pixels de côté : celles de la grille
DENSE_UNITS = 128
BACKGROUND = NUM_CLASSES  # onzième réponse de la tête : rien
MIN_SCORE = 0.01  # une région moins sûre n'est pas une détection
BOX_WEIGHT = 2.0


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
    x = RoiAlign(name="pooled")(maps, boxes)  # (n, r, BINS, BINS, c)
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
        truth: objets `(n, k, 5)` d'`anchors.to_truth`.
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
    # Une boîte d'aire nulle n'a pas d'objet : sa correction, infinie, ne doit rien donner.
    unit = ops.zeros_like(boxes) + np.array([0, 0, 1, 1], np.float32)
    start = ops.where(present[..., None], boxes, unit)
    goal = ops.where(present[..., None], objects[..., :4], unit)
    gaps = proposals.smooth_l1(encode(goal, start) - regions[..., 4:8])
    moved = ops.cast(present, "float32") * ops.sum(gaps, axis=-1)
    return ops.sum(names + BOX_WEIGHT * moved, axis=-1)


# --- Question : lire ses réponses ----------------------------------------------------


def to_detections(
    regions: np.ndarray, *, min_score: float = MIN_SCORE, suppress: bool = True, refine: bool = True
) -> list[Detections]:
    """Relit les boîtes : la classe la plus probable de chaque région.

    Args:
        regions: `(n, 25, 19)`, sortie du réseau.
        min_score: une boîte moins sûre est oubliée.
        suppress: supprimer les doublons.
        refine: appliquer les corrections de la tête ; sinon, garder les propositions.

    Returns:
        Les détections de chaque image, en pixels, du plus sûr au moins sûr.
    """
    boxes = regions[..., :4]
    if refine:
        boxes = ops.convert_to_numpy(decode(regions[..., 4:8], boxes))
    classes = regions[..., 8 : BACKGROUND + 8]
    scores, labels = classes.max(-1), classes.argmax(-1)
    return select(boxes, scores, labels, min_score=min_score, suppress=suppress)
