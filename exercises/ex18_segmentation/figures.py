"""Dessiner des masques, et des objets séparés.

D'après : S3 « Different problems, models & metrics » (segmentation, instances).
Commandes : python -m exercises.ex18_segmentation
            python -m exercises.ex18_segmentation.instances
"""

from pathlib import Path

import numpy as np
from scipy import ndimage

from convnets.datasets.scenes import Scenes
from convnets.datasets.sources import FASHION_CLASSES_FR
from convnets.figures.charts import Picture, picture_rows
from convnets.figures.style import COLORS
from exercises.ex18_segmentation.grouping import (
    UNIT_PX,
    components,
    find_centers,
    group,
    one_by_one,
    split,
)

CLASSES_FR = ["Fond", *FASHION_CLASSES_FR]
MIN_NAMED = 1 / 80  # part d'une image en dessous de laquelle une tache n'est pas nommée
HEADS = ("scène", "vérité", "où chaque pixel envoie", "taches", "pixels regroupés")
NUM_SHOWN = 4  # scènes, prises à intervalles égaux : quatre classes
ARROW_PX = 3  # une flèche sur trois, en lignes et en colonnes


# --- Question : de quoi est chaque pixel ? -------------------------------------------


def save_masks(
    path: Path, images: np.ndarray, masks: dict[str, np.ndarray], names=CLASSES_FR
) -> None:
    """Écrit une ligne d'images, et au-dessous une ligne par façon de les segmenter.

    Args:
        path: fichier PNG.
        images: uint8 `(n, h, w, 3)`.
        masks: `{nom de la ligne: masques}`, entiers `(n, h, w)` ou plus de n ; 0 est noir.
        names: nom de chaque classe.
    """
    look = {"cmap": "nipy_spectral", "limits": (0, len(names) - 0.5)}
    rows = {"image": list(images)}
    for row, each in masks.items():
        rows[row] = [Picture(mask, **look) for mask in each[: len(images)]]

    def draw(axis, row: str, rank: int) -> None:
        if row in masks:
            name_spots(axis, masks[row][rank], names)

    picture_rows(path, rows, draw=draw)


def name_spots(axis, mask: np.ndarray, names=CLASSES_FR) -> None:
    """Écrit au milieu de chaque tache le nom de sa classe.

    Args:
        axis: cadre où le masque est dessiné.
        mask: `(h, w)` entiers ; 0 n'est pas nommé.
        names: nom de chaque classe.
    """
    look = {"ha": "center", "va": "center", "fontsize": 6, "color": "white"}
    look["bbox"] = {"facecolor": "black", "pad": 1, "lw": 0}
    for class_index in np.unique(mask[mask > 0]):
        spots, num_spots = ndimage.label(mask == class_index)
        for k in range(1, num_spots + 1):
            rows, columns = np.nonzero(spots == k)
            if len(rows) >= MIN_NAMED * mask.size:
                axis.text(columns.mean(), rows.mean(), names[class_index], **look)


# --- Question : à qui est chaque pixel ? ---------------------------------------------


def paint(masks: np.ndarray) -> Picture:
    """Peint chaque objet `(k, s, s)` d'une couleur ; une tache qui en réunit deux n'en a qu'une."""
    painted = np.arange(1, len(masks) + 1)[:, None, None] * masks
    return Picture(painted.max(axis=0, initial=0), cmap="nipy_spectral", limits=(0, 5.5))


def draw_aims(axis, outputs: np.ndarray) -> None:
    """Dessine où chaque pixel d'objet envoie, et les centres trouvés."""
    probabilities, heights, shifts = split(outputs)
    spaced = (np.indices(heights.shape) % ARROW_PX == 0).all(axis=0)
    rows, columns = np.nonzero(spaced & (probabilities.argmax(-1) > 0))
    down, right = UNIT_PX * shifts[rows, columns].T
    look = {"color": "white", "angles": "xy", "scale_units": "xy", "scale": 1, "width": 0.006}
    axis.quiver(columns, rows, right, down, **look)
    centers = find_centers(heights)
    axis.plot(centers[:, 1], centers[:, 0], "o", color=COLORS[1], markersize=6, mec="black")


def save_scenes(path: Path, model, test: Scenes) -> None:
    """Écrit une ligne par scène : l'image, la vérité, les flèches, et deux réponses.

    Args:
        path: fichier PNG.
        model: le réseau.
        test: scènes ; `NUM_SHOWN` sont montrées.
    """
    rows, outputs = {}, {}
    for shown in np.linspace(0, len(test.images) - 1, NUM_SHOWN).astype(int):
        name, image = FASHION_CLASSES_FR[test.labels[shown, 0]], test.images[shown]
        outputs[name] = model.predict(image[None], verbose=0)[0]
        spots, objects = components(split(outputs[name])[0]), group(outputs[name])
        masks = one_by_one(test.owners[shown]), spots.masks, objects.masks
        true, *answers = map(paint, masks)
        rows[name] = [image, true, image // 2, *answers]

    def draw(axis, name: str, column: int) -> None:
        if HEADS[column] == "où chaque pixel envoie":
            draw_aims(axis, outputs[name])

    picture_rows(path, rows, heads=HEADS, draw=draw)
