"""Dessiner des masques : une couleur par classe, et le nom de chaque tache.

D'après : S3 « Different problems, models & metrics ».
Commande : python -m exercises.ex18_segmentation
"""

from pathlib import Path

import numpy as np

from convnets.datasets.sources import FASHION_CLASSES_FR
from convnets.figures.charts import Picture, picture_rows

CLASSES_FR = ["Fond", *FASHION_CLASSES_FR]
MIN_NAMED_PX = 30  # une tache plus petite n'est pas nommée
COLORS = {"cmap": "nipy_spectral", "limits": (0, 10.5)}  # noir pour le fond


def save_masks(path: Path, images: np.ndarray, masks: dict[str, np.ndarray]) -> None:
    """Écrit une ligne de scènes, et au-dessous une ligne par façon de les segmenter.

    Args:
        path: fichier PNG.
        images: scènes uint8 `(n, h, w, 3)`.
        masks: `{nom de la ligne: masques}`, entiers de 0 à 10, `(n, h, w)` ou plus de n.
    """
    rows = {"scène": list(images)}
    for row, each in masks.items():
        rows[row] = [Picture(mask, **COLORS) for mask in each[: len(images)]]

    def draw(axis, row: str, rank: int) -> None:
        if row in masks:
            name_spots(axis, masks[row][rank])

    picture_rows(path, rows, draw=draw)


def name_spots(axis, mask: np.ndarray) -> None:
    """Écrit au milieu de chaque tache le nom de sa classe.

    Args:
        axis: cadre où le masque est dessiné.
        mask: `(h, w)` entiers de 0 à 10.
    """
    from scipy import ndimage

    look = {"ha": "center", "va": "center", "fontsize": 6, "color": "white"}
    for class_index in np.unique(mask[mask > 0]):
        spots, num_spots = ndimage.label(mask == class_index)
        for k in range(1, num_spots + 1):
            rows, columns = np.nonzero(spots == k)
            if len(rows) >= MIN_NAMED_PX:
                middle, name = (columns.mean(), rows.mean()), CLASSES_FR[class_index]
                axis.text(*middle, name, bbox={"facecolor": "black", "pad": 1, "lw": 0}, **look)
