"""Les ancres : des boîtes posées d'avance, que le réseau n'a plus qu'à accepter et à corriger.

D'après : S3 « Yolo, RCNN, fast-RCNN ».

Un objet est large, un autre est haut. En chaque case de la carte sont posées six ancres, de deux
tailles et de trois formes. La vérité dit de chacune si elle entoure un objet, et comment la
corriger : ce sont les deux questions auxquelles répond `proposals.py`.

Les fonctions de ce fichier sont en `keras.ops` : la perte les appelle à chaque pas.
"""

import numpy as np
from keras import ops

from convnets.datasets.scenes import ABSENT, SCENE_PX, Scenes

STRIDE_PX = 8  # écart entre deux ancres de même forme : une case de la carte
SIDES_PX = (16, 26)  # côté d'un carré de même aire
SHAPES = (0.5, 1.0, 2.0)  # hauteur divisée par largeur
NUM_PER_CELL = len(SIDES_PX) * len(SHAPES)
MAX_STRETCH = np.log(SCENE_PX)  # un agrandissement de plus dépasserait l'image


# --- Question : des boîtes de plusieurs tailles et de plusieurs formes ----------------


def make_anchors() -> np.ndarray:
    """Pose six ancres au centre de chaque case.

    Returns:
        `(384, 4)` float32, en pixels ; case par case, de gauche à droite puis de haut en bas. Elles
        peuvent déborder de l'image.

    Source : Ren et al., « Faster R-CNN », arXiv 1506.01497, § 3.1.1.
    """
    centers = np.arange(STRIDE_PX / 2, SCENE_PX, STRIDE_PX)
    sides, shapes = np.repeat(SIDES_PX, len(SHAPES)), np.tile(SHAPES, len(SIDES_PX))
    sizes = np.stack([sides / np.sqrt(shapes), sides * np.sqrt(shapes)], axis=-1)  # (6, 2)
    y, x = np.meshgrid(centers, centers, indexing="ij")
    cells = np.stack([x, y], axis=-1).reshape(-1, 1, 2)  # (64, 1, 2)
    boxes = np.concatenate([cells - sizes / 2, cells + sizes / 2], axis=-1)  # (64, 6, 4)
    return boxes.reshape(-1, 4).astype(np.float32)


# --- Question : quelle ancre entoure quel objet ? ------------------------------------


def to_truth(scenes: Scenes) -> np.ndarray:
    """Met bout à bout boîtes et classes : `(n, k, 5)` float32, la classe à la fin."""
    return np.concatenate([scenes.boxes, scenes.labels[..., None]], axis=-1).astype(np.float32)


def pair_iou(first, second):
    """Rend l'IoU de chaque boîte `(…, n, 4)` avec chaque boîte `(…, m, 4)` : `(…, n, m)`."""
    first, second = first[..., :, None, :], second[..., None, :, :]
    low = ops.maximum(first[..., :2], second[..., :2])
    high = ops.minimum(first[..., 2:], second[..., 2:])
    common = ops.prod(ops.maximum(high - low, 0), axis=-1)
    areas = [ops.prod(each[..., 2:] - each[..., :2], axis=-1) for each in (first, second)]
    return common / ops.maximum(areas[0] + areas[1] - common, 1e-6)


def assign(boxes, truth):
    """Donne à chaque boîte l'objet qu'elle recouvre le mieux.

    Args:
        boxes: `(n, m, 4)`, en pixels : des ancres, ou des propositions.
        truth: objets `(n, k, 5)` de `to_truth`.

    Returns:
        `(objets, IoU)` : `(n, m, 5)`, l'objet donné à chaque boîte, et `(n, m, k)`, son IoU avec
        tous. Une ligne vide, d'aire nulle, a une IoU nulle.
    """
    overlaps = pair_iou(boxes, truth[..., :4]) * ops.cast(truth[:, None, :, 4] != ABSENT, "float32")
    best = ops.argmax(overlaps, axis=-1)  # (n, m)
    return ops.take_along_axis(truth, best[..., None], axis=1), overlaps


# --- Question : comment corriger une boîte ? -----------------------------------------


def encode(boxes, references):
    """Écrit une boîte comme une correction d'une autre.

    Args:
        boxes: boîtes à atteindre `(…, 4)`, en pixels.
        references: boîtes de départ, de même forme, d'aire non nulle.

    Returns:
        `(…, 4)` : de combien déplacer le centre, en parts de la largeur et de la hauteur, puis
        les logarithmes des deux agrandissements. Tout est nul quand rien n'est à corriger.

    Source : Girshick et al., « R-CNN », arXiv 1311.2524, annexe C.
    """
    (center, size), (start, extent) = _center_size(boxes), _center_size(references)
    shift = (center - start) / extent
    return ops.concatenate([shift, ops.log(ops.maximum(size, 1e-3) / extent)], axis=-1)


def decode(corrections, references):
    """Applique des corrections : l'inverse d'`encode`, sans déborder de l'image."""
    start, extent = _center_size(references)
    center = start + corrections[..., :2] * extent
    half = extent * ops.exp(ops.clip(corrections[..., 2:], -MAX_STRETCH, MAX_STRETCH)) / 2
    return ops.clip(ops.concatenate([center - half, center + half], axis=-1), 0, SCENE_PX)


def _center_size(boxes):
    low, high = boxes[..., :2], boxes[..., 2:4]
    return (low + high) / 2, high - low
