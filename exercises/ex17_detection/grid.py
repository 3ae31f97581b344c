"""Détecter plusieurs objets : une grille de cases, et chaque case décrit l'objet centré en elle.

D'après : S3 « Different problems, models & metrics » (« Yolo »).

Combien d'objets ? Le réseau n'a pas à le dire : chaque case rend la probabilité qu'un objet y ait
son centre, la boîte qu'il aurait et sa classe. Une scène a 64 cases, et les photographies de
`cells.py` en ont plus. Deux cases voisines voient parfois le même objet ; la suppression des
doublons (`boxes.non_max_suppression`) n'en garde qu'une.
"""

import keras
import numpy as np
from keras import layers, ops
from keras.utils.bounding_boxes import compute_iou

from convnets.datasets.scenes import ABSENT, SCENE_PX
from exercises.ex17_detection.boxes import MIN_SCORE, Detections, select
from exercises.ex17_detection.localization import NUM_CLASSES, stage, trunk

CELL_PX = 8  # côté d'une case : l'image, divisée trois fois par deux
WIDTHS = (24, 48, 96)  # canaux des cartes de 32, 16 et 8 pixels de côté
BOX_WEIGHT = 2.0


# --- Question : la vérité, case par case ---------------------------------------------


def encode(
    boxes: np.ndarray,
    labels: np.ndarray,
    *,
    side_px: int = SCENE_PX,
    num_classes: int = NUM_CLASSES,
) -> np.ndarray:
    """Écrit les objets de chaque scène dans la case de leur centre.

    Args:
        boxes: `(n, k, 4)`, `x0, y0, x1, y1` en pixels.
        labels: `(n, k)` entiers, `ABSENT` pour une ligne vide.
        side_px: côté des images.
        num_classes: combien de classes.

    Returns:
        `(n, g, g, 5 + classes)` float32, g cases par côté : 1 s'il y a un objet ; son centre en x
        et en y, en parts de la case ; sa largeur et sa hauteur, en parts de l'image ; sa classe.
        Zéro ailleurs. Si deux objets ont leur centre dans la même case, le dernier reste : il est
        devant.

    Source : Redmon et al., « You Only Look Once », arXiv 1506.02640, § 2.
    """
    side = side_px // CELL_PX
    targets = np.zeros((len(boxes), side, side, 5 + num_classes), np.float32)
    scenes, ranks = np.nonzero(labels != ABSENT)  # (m,) : tous les objets, scène par scène
    low, high = boxes[scenes, ranks, :2], boxes[scenes, ranks, 2:]
    centers, sizes = (low + high) / 2 / CELL_PX, (high - low) / side_px  # (m, 2)
    cells = np.minimum(centers.astype(int), side - 1)
    present, classes = np.ones((len(scenes), 1)), np.eye(num_classes)[labels[scenes, ranks]]
    objects = np.concatenate([present, centers - cells, sizes, classes], axis=1)
    targets[scenes, cells[:, 1], cells[:, 0]] = objects  # à égalité de case, le dernier reste
    return targets


def decode(
    grids: np.ndarray, *, min_score: float = MIN_SCORE, suppress: bool = True
) -> list[Detections]:
    """Relit les boîtes d'une grille : la classe la plus probable de chaque case.

    Args:
        grids: `(n, g, g, 5 + classes)`, sortie du réseau ou cibles d'`encode`.
        min_score: une boîte moins sûre est oubliée. Le score est la probabilité d'un objet
            multipliée par celle de sa classe.
        suppress: supprimer les doublons.

    Returns:
        Les détections de chaque image, en pixels, du plus sûr au moins sûr.
    """
    side = grids.shape[1]
    side_px, (rows, columns) = side * CELL_PX, np.divmod(np.arange(side**2), side)
    cells = grids.reshape(len(grids), side**2, -1)  # (n, g × g, 5 + classes)
    centers = (cells[..., 1:3] + np.stack([columns, rows], axis=-1)) * CELL_PX
    half = cells[..., 3:5] * side_px / 2
    boxes = np.clip(np.concatenate([centers - half, centers + half], axis=-1), 0, side_px)
    scores, labels = cells[..., 0] * cells[..., 5:].max(-1), cells[..., 5:].argmax(-1)
    return select(boxes, scores, labels, min_score=min_score, suppress=suppress)


# --- Question : le réseau et sa perte ------------------------------------------------


def build_model(
    *,
    side_px: int = SCENE_PX,
    num_classes: int = NUM_CLASSES,
    around: int = 0,
    name: str = "ex17_detection",
) -> keras.Model:
    """Construit le détecteur, tout en convolutions : la même question à chaque case.

    Args:
        side_px: côté des images.
        num_classes: combien de classes.
        around: convolutions de plus sur la dernière carte : chaque case voit plus loin autour.
        name: nom du modèle.

    Returns:
        Modèle : images uint8 `(n, s, s, 3)` → `(n, s / 8, s / 8, 5 + classes)` float32 dans [0, 1].
    """
    images = keras.Input((side_px, side_px, 3), dtype="uint8")
    x = stage(trunk(images, WIDTHS), WIDTHS[-1], around, strides=1)  # (n, s / 8, s / 8, 96)
    box = layers.Conv2D(5, 1, activation="sigmoid", name="box")(x)
    classes = layers.Conv2D(num_classes, 1, activation="softmax", name="classes")
    outputs = layers.Concatenate()([box, classes(x)])
    return keras.Model(images, outputs, name=name)


def loss(y_true, y_pred):
    """Additionne, sur les cases, l'erreur sur l'objet, et là où il y en a un, boîte et classe.

    Args:
        y_true: cibles d'`encode`, `(n, g, g, 5 + classes)`.
        y_pred: sortie du réseau, de même forme.

    Returns:
        `(n,)` float32.

    Source : Redmon et al., arXiv 1506.02640, équation 3 ; entropies croisées et IoU à la place
    des carrés (Yu et al., « UnitBox », arXiv 1608.01471, pour l'IoU).
    """
    present, side = y_true[..., 0], y_pred.shape[1]  # (n, g, g)
    objects = ops.binary_crossentropy(present, y_pred[..., 0])
    units_px = CELL_PX * np.array([1, 1, side, side], np.float32)
    boxes = [ops.reshape(each[..., 1:5] * units_px, (-1, 1, 4)) for each in (y_true, y_pred)]
    overlaps = ops.reshape(compute_iou(*boxes, "center_xyWH"), (-1, side, side))  # case par case
    classes = ops.categorical_crossentropy(y_true[..., 5:], y_pred[..., 5:])
    return ops.sum(objects + present * (BOX_WEIGHT * (1 - overlaps) + classes), axis=(1, 2))
