"""Dessiner des masques et comparer trois réseaux.

D'après : S3 « Different problems, models & metrics ».
Commande : python -m exercises.ex18_segmentation

Dix couleurs, c'est beaucoup : celles-ci sont choisies loin l'une de l'autre, aussi pour un
daltonien, et chaque objet porte le numéro de sa classe.
"""

from argparse import Namespace
from pathlib import Path

import numpy as np

from convnets.core.cli import percent
from convnets.core.reports import Metric
from convnets.datasets.sources import FASHION_CLASSES_FR
from convnets.figures.style import COLORS, new_figure, output_dir
from convnets.serving.classifier import prepare
from convnets.training import saving
from exercises.ex18_segmentation.networks import NUM_CLASSES
from exercises.ex18_segmentation.training import predict_masks

CLASSES_FR = ["Fond", *FASHION_CLASSES_FR]
GROUND_COLOR = "#000000"
PALETTE = (
    GROUND_COLOR,
    "#4FB3FF",
    "#2233AA",
    "#F5E642",
    "#FF8C1A",
    "#0E7A3B",
    "#FFB8E0",
    "#B0101C",
    "#FFFFFF",
    "#B050E0",
    "#7E7E7E",
)
MIN_LABEL_PX = 30  # une tache plus petite n'est pas numérotée
MEASURES_FR = {
    "mean_iou": "IoU moyenne\n(11 classes)",
    "object_mean_iou": "IoU moyenne\n(sans le fond)",
    "object_iou": "IoU objet\nou fond",
    "contour_accuracy": "exactitude près\nd'un contour",
    "accuracy": "exactitude,\ntous pixels",
}


def paint(mask: np.ndarray) -> np.ndarray:
    """Donne à chaque pixel la couleur de sa classe.

    Args:
        mask: `(h, w)` entiers de 0 à 10.

    Returns:
        `(h, w, 3)` uint8.
    """
    colors = [[int(code[k : k + 2], 16) for k in (1, 3, 5)] for code in PALETTE]
    return np.array(colors, np.uint8)[mask]


def label_spots(mask: np.ndarray) -> list[tuple[int, int, int]]:
    """Choisit où écrire le numéro de chaque tache d'une seule classe.

    Args:
        mask: `(h, w)` entiers de 0 à 10.

    Returns:
        `(ligne, colonne, classe)` du pixel le plus intérieur de chaque tache d'au moins
        `MIN_LABEL_PX` pixels, fond excepté.
    """
    from scipy import ndimage

    spots = []
    for class_index in np.unique(mask[mask > 0]):
        blobs, num_blobs = ndimage.label(mask == class_index)
        for blob in range(1, num_blobs + 1):
            inside = np.pad(blobs == blob, 1)  # le bord de l'image est un bord de la tache
            if inside.sum() >= MIN_LABEL_PX:
                depth = ndimage.distance_transform_edt(inside)
                row, column = np.unravel_index(depth.argmax(), depth.shape)
                spots.append((int(row) - 1, int(column) - 1, int(class_index)))
    return spots


def _draw(axis, mask: np.ndarray) -> None:
    axis.imshow(paint(mask), interpolation="nearest")
    for row, column, class_index in label_spots(mask):
        dark = sum(paint(np.array([[class_index]]))[0, 0].astype(int)) < 384
        axis.text(
            column,
            row,
            class_index,
            ha="center",
            va="center",
            fontsize=9,
            color="white" if dark else "black",
            fontweight="bold",
        )


def save_masks(path: Path, images: np.ndarray, masks: dict[str, np.ndarray]) -> None:
    """Écrit, une scène par ligne, l'image et des masques côte à côte, avec leur légende.

    Args:
        path: fichier PNG.
        images: scènes uint8 `(n, h, w, 3)`.
        masks: `{titre: masques (n, h, w)}`, dans l'ordre des colonnes.
    """
    from matplotlib.patches import Patch

    titles = ["scène", *masks]
    with new_figure(path, columns=len(titles), rows=len(images), size=(2.0, 2.1)) as (figure, axes):
        for row, image in enumerate(images):
            axes[row, 0].imshow(image)
            for axis, each in zip(axes[row, 1:], masks.values(), strict=True):
                _draw(axis, each[row])
        for axis, title in zip(axes[0], titles, strict=True):
            axis.set_title(title)
        for axis in axes.flat:
            axis.set_axis_off()
        shown = np.unique(np.concatenate([each.reshape(-1) for each in masks.values()]))
        handles = [
            Patch(facecolor=PALETTE[k], edgecolor="#1a1a1a", label=f"{k} {CLASSES_FR[k]}")
            for k in shown
        ]
        columns = min(6, 3 * len(titles) // 2)  # la légende ne dépasse pas la figure
        figure.legend(handles=handles, loc="outside lower center", ncols=columns, fontsize=9)


def save_comparison(path: Path, metrics: dict[str, Metric], names: dict[str, str]) -> None:
    """Compare des réponses, une barre par réponse et par mesure, écart-type compris.

    Args:
        path: fichier PNG.
        metrics: mesures du compte rendu, par exemple `unet_mean_iou`.
        names: `{"unet": "U-Net", ...}`, dans l'ordre des barres.
    """
    with new_figure(path, size=(9.0, 4.0)) as (_, axes):
        axis, width = axes[0, 0], 0.8 / len(names)
        for k, (name, label) in enumerate(names.items()):
            found = [metrics[f"{name}_{measure}"] for measure in MEASURES_FR]
            axis.bar(
                np.arange(len(found)) + (k - (len(names) - 1) / 2) * width,
                [100 * each.mean for each in found],
                0.92 * width,
                yerr=[100 * (each.sd or np.nan) for each in found],
                capsize=2,
                color="#9a9a9a" if name == "background" else COLORS[k],
                label=label,
            )
        axis.set_xticks(range(len(MEASURES_FR)), MEASURES_FR.values())
        axis.set(ylabel="%, scènes de test", ylim=(0, 100), title="Même budget, mêmes scènes")
        axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=len(names))


def segment(options: Namespace) -> int:
    """Dessine le masque d'une image à côté d'elle, et dit ce qu'il contient ; rend 0."""
    model = saving.load_model(options.module, models_dir=options.models_dir)
    image = prepare(options.image, model.input_shape[1:])
    mask = predict_masks(model, image[None])[0]
    shares = np.bincount(mask.reshape(-1), minlength=NUM_CLASSES) / mask.size
    for k in np.argsort(-shares, kind="stable"):
        if shares[k]:
            print(f"{CLASSES_FR[k]:<15} {percent(shares[k]):>7}")
    path = output_dir(options) / f"{Path(options.image).stem}_masque.png"
    save_masks(path, image[None], {"masque du U-Net": mask[None]})
    print(path)
    return 0
