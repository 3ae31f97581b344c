"""Dessiner des masques, des objets séparés, et ce que vaut chaque réponse.

D'après : S3 « Different problems, models & metrics » (segmentation, instances).
Commandes : python -m exercises.ex18_segmentation
            python -m exercises.ex18_segmentation.instances
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from scipy import ndimage

from convnets.datasets.sources import FASHION_CLASSES_FR
from convnets.figures.charts import Picture, bars, picture_rows
from convnets.figures.style import COLORS, new_figure
from exercises.ex18_segmentation.crowds import OVERLAPS, OVERLAPS_FR, Crowds
from exercises.ex18_segmentation.grouping import (
    UNIT_PX,
    components,
    find_centers,
    group,
    one_by_one,
    split,
)
from exercises.ex18_segmentation.mask_ap import mask_iou

CLASSES_FR = ["Fond", *FASHION_CLASSES_FR]
MIN_NAMED = 1 / 80  # part d'une image en dessous de laquelle une tache n'est pas nommée
HEADS = ("scène", "vérité", "où chaque pixel envoie", "taches", "pixels regroupés")
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


def paint(masks: np.ndarray, like: np.ndarray) -> Picture:
    """Peint chaque objet trouvé de la couleur du vrai objet qu'il recouvre le mieux.

    Args:
        masks: `(k, s, s)` booléens ; une tache qui réunit deux objets n'a qu'une couleur.
        like: `(m, s, s)`, les vrais objets.
    """
    painted = np.zeros(masks.shape[1:], int)  # noir, là où il n'y a pas d'objet
    for mask, ious in zip(masks, mask_iou(masks, like), strict=True):
        painted[mask] = 1 + ious.argmax()
    return Picture(painted, cmap="nipy_spectral", limits=(0, 5.5))


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


def save_scenes(path: Path, model, test: Crowds) -> None:
    """Écrit une ligne par sorte de scène : l'image, la vérité, les flèches, et deux réponses.

    Args:
        path: fichier PNG.
        model: le réseau.
        test: scènes ; la première de chaque sorte qui a trois objets est montrée, ou la première.
    """
    rows, outputs = {}, {}
    for rank, name in enumerate(OVERLAPS_FR):
        mine = np.flatnonzero(test.overlaps == rank)
        shown = mine[(test.owners[mine].max(axis=(1, 2)) == 3).argmax()]
        image, owners = test.images[shown], test.owners[shown]
        outputs[name] = model.predict(image[None], verbose=0)[0]
        true = one_by_one(owners)
        spots, objects = components(split(outputs[name])[0]), group(outputs[name])
        painted = [paint(masks, true) for masks in (true, spots.masks, objects.masks)]
        rows[name] = [image, painted[0], image // 2, *painted[1:]]

    def draw(axis, name: str, column: int) -> None:
        if HEADS[column] == "où chaque pixel envoie":
            draw_aims(axis, outputs[name])

    picture_rows(path, rows, heads=HEADS, draw=draw)


# --- Question : ce que vaut chaque réponse -------------------------------------------


def save_bars(path: Path, metrics: Mapping, answers: dict[str, str]) -> None:
    """Écrit l'AP de chaque réponse par sorte de scène, classe ignorée.

    Args:
        path: fichier PNG.
        metrics: mesures de `run`, ou leurs moyennes sur plusieurs graines.
        answers: nom de chaque réponse, par exemple `{"group": "pixels regroupés"}`.
    """
    titles = {"any_ap50": "AP50 : IoU d'au moins 0,5", "any_ap": "AP : IoU de 0,5 à 0,95"}
    names = {
        name.replace(" au plus", "\nau plus"): end
        for name, end in zip(OVERLAPS_FR, OVERLAPS, strict=True)
    }
    with new_figure(path, columns=2, size=(6.4, 4.2)) as (_, axes):
        for axis, (key, title) in zip(axes[0], titles.items(), strict=True):
            groups = {
                label: {name: metrics[f"{answer}_{key}_{end}"] for name, end in names.items()}
                for answer, label in answers.items()
            }
            bars(axis, groups, digits=0)
            axis.set(title=title, ylim=(0, 130))
            axis.legend(loc="upper center", ncols=2)
