"""De chaque région, quelle que soit sa taille, tirer autant de nombres : RoIAlign.

D'après : S3 « Yolo, RCNN, fast-RCNN ».

Une couche dense demande une entrée de taille fixe ; les régions n'en ont pas. On divise chacune en
7 × 7 cases égales et on lit la carte au centre de chaque case, entre les pixels s'il le faut. RoI
pooling, plus ancien, arrondit ces places au pixel : sur une carte de 16 pixels, c'est beaucoup.
"""

import numpy as np
from keras import layers, ops

from convnets.datasets.scenes import SCENE_PX

BINS = 7  # cases par côté d'une région


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


def roi_align(maps, boxes):
    """Lit une carte dans chaque région, sur une grille de `BINS` × `BINS` places.

    L'interpolation de deux axes est le produit de celles de chacun : RoIAlign est deux produits de
    matrices, et le gradient les remonte.

    Args:
        maps: cartes `(n, s, s, c)`.
        boxes: régions `(n, r, 4)`, en pixels de l'image.

    Returns:
        `(n, r, BINS, BINS, c)`.

    Source : He et al., « Mask R-CNN », arXiv 1703.06870, § 3, une lecture par case au lieu de
    quatre ; Jaderberg et al., arXiv 1506.02025, équation 5, pour l'interpolation.
    """
    side, depth = maps.shape[1], maps.shape[3]
    regions, scaled = ops.shape(boxes)[1], boxes * (side / SCENE_PX)
    columns = weights(scaled[..., 0], scaled[..., 2], side)  # (n, r, BINS, s)
    rows = weights(scaled[..., 1], scaled[..., 3], side)
    flat = ops.reshape(maps, (-1, side, side * depth))
    lines = ops.matmul(ops.reshape(rows, (-1, regions * BINS, side)), flat)
    lines = ops.reshape(lines, (-1, regions, BINS, side, depth))
    return ops.matmul(columns[:, :, None], lines)


class RoiAlign(layers.Layer):
    """La même chose, comme une couche : `(cartes, régions)` → `(n, r, BINS, BINS, c)`."""

    def call(self, maps, boxes):
        """Aucun poids : tout est dans `roi_align`."""
        return roi_align(maps, boxes)
