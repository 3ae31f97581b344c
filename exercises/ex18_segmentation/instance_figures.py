"""Dessiner des objets séparés, ce que chaque pixel désigne, et l'AP de chaque réponse.

D'après : S3 « Different problems, models & metrics » (segmentation d'instances).
Commande : python -m exercises.ex18_segmentation.instances

Un objet trouvé a la couleur du vrai objet qu'il recouvre le mieux : une tache qui en réunit deux
n'a qu'une couleur.
"""

from argparse import Namespace
from pathlib import Path

import numpy as np

from convnets.core.cli import agreed, percent
from convnets.core.reports import Report, format_seeds
from convnets.datasets.sources import FASHION_CLASSES_FR
from convnets.figures.style import COLORS, new_figure, output_dir
from convnets.serving.classifier import prepare
from convnets.training import saving
from exercises.ex18_segmentation.answers import ANSWERS_FR
from exercises.ex18_segmentation.crowds import OVERLAPS, OVERLAPS_FR, Crowds
from exercises.ex18_segmentation.grouping import (
    UNIT_PX,
    Instances,
    components,
    find_centers,
    group,
    split,
)
from exercises.ex18_segmentation.mask_ap import mask_iou

OBJECT_COLORS = ("#4FB3FF", "#FF8C1A", "#F5E642", "#B050E0", "#0E7A3B", "#FFB8E0")
ARROW_PX = 3  # une flèche sur trois, en lignes et en colonnes


def save_all(options: Namespace, report: Report, model, test: Crowds) -> None:
    """Écrit les deux figures, et une scène de test à segmenter soi-même."""
    from PIL import Image

    folder = output_dir(options)
    save_bars(folder / "ap.png", report)
    save_scenes(folder / "objets.png", model, test)
    path = folder / "scene.png"
    Image.fromarray(test.images[len(OVERLAPS) - 1]).save(path)
    print(
        f"Figures écrites dans {folder}/ ; une scène à segmenter : "
        f"python -m exercises.{options.command} {path}"
    )


# --- Question : à qui est chaque pixel ? ---------------------------------------------


def paint_objects(objects: Instances, like: Instances | None = None) -> np.ndarray:
    """Peint chaque objet de sa couleur.

    Args:
        objects: les objets d'une scène.
        like: ceux dont prendre les couleurs, au plus grand recouvrement ; None : les siennes.

    Returns:
        `(s, s, 3)` uint8, noir hors des objets ; gris, un objet qui ne recouvre aucun de `like`.
    """
    palette = np.array([[int(c[k : k + 2], 16) for k in (1, 3, 5)] for c in OBJECT_COLORS])
    painted = np.zeros((*objects.masks.shape[1:], 3), np.uint8)
    ious = None if like is None else mask_iou(objects.masks, like.masks)
    for k, mask in enumerate(objects.masks):
        rank = k if ious is None else ious[k].argmax()
        alone = ious is not None and not ious[k].any()
        painted[mask] = 128 if alone else palette[rank % len(palette)]
    return painted


def draw_aims(axis, image: np.ndarray, outputs: np.ndarray) -> None:
    """Dessine sur l'image où chaque pixel d'objet envoie, et les centres trouvés."""
    probabilities, heights, shifts = split(outputs)
    axis.imshow(image // 2)
    rows, columns = np.nonzero(probabilities.argmax(-1) > 0)
    kept = (rows % ARROW_PX == 0) & (columns % ARROW_PX == 0)
    rows, columns = rows[kept], columns[kept]
    down, right = UNIT_PX * shifts[rows, columns].T
    axis.quiver(
        *(columns, rows, right, down),
        color="white",
        angles="xy",
        scale_units="xy",
        scale=1,
        width=0.006,
    )
    centers = find_centers(heights)
    axis.plot(centers[:, 1], centers[:, 0], "o", color=COLORS[1], markersize=6, mec="black")


def save_scenes(path: Path, model, test: Crowds) -> None:
    """Écrit une ligne par sorte de scène : l'image, la vérité, les flèches, et deux réponses.

    Args:
        path: fichier PNG.
        model: le réseau.
        test: scènes ; la première de chaque sorte qui a trois objets est montrée, ou la première.
    """
    titles = ("scène", "vérité", "où chaque pixel envoie", "taches", "pixels regroupés")
    num_rows = len(OVERLAPS)
    with new_figure(path, columns=len(titles), rows=num_rows, size=(2.2, 2.2)) as (_, axes):
        for rank, row in enumerate(axes):
            mine = np.flatnonzero(test.overlaps == rank)
            counts = test.owners[mine].max(axis=(1, 2))
            i = mine[(counts == 3).argmax()]
            outputs = model.predict(test.images[i : i + 1], verbose=0)[0]
            masks = test.owners[i] == np.arange(1, test.owners[i].max() + 1)[:, None, None]
            true = Instances(masks, np.zeros(len(masks), int), np.ones(len(masks)))
            row[0].imshow(test.images[i])
            row[1].imshow(paint_objects(true))
            draw_aims(row[2], test.images[i], outputs)
            row[3].imshow(paint_objects(components(split(outputs)[0]), true))
            row[4].imshow(paint_objects(group(outputs), true))
            row[0].set_ylabel(OVERLAPS_FR[rank], fontsize=9)
        for axis, title in zip(axes[0], titles, strict=True):
            axis.set_title(title)
        for axis in axes.flat:
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)


# --- Question : ce que vaut chaque réponse -------------------------------------------


def save_bars(path: Path, report: Report) -> None:
    """Écrit l'AP de chaque réponse par sorte de scène, classe ignorée.

    Args:
        path: fichier PNG.
        report: compte rendu, `models/ex18_instances.json`.
    """
    titles = {"any_ap50": "AP50 : IoU d'au moins 0,5", "any_ap": "AP : IoU de 0,5 à 0,95"}
    width = 0.8 / len(ANSWERS_FR)
    with new_figure(path, columns=2, size=(6.4, 4.2)) as (figure, axes):
        for axis, (measure, title) in zip(axes[0], titles.items(), strict=True):
            for k, (name, label) in enumerate(ANSWERS_FR.items()):
                found = [report.metrics[f"{name}_{measure}_{overlap}"] for overlap in OVERLAPS]
                drawn = axis.bar(
                    np.arange(len(found)) + (k - (len(ANSWERS_FR) - 1) / 2) * width,
                    [100 * each.mean for each in found],
                    0.92 * width,
                    yerr=[100 * (each.sd or np.nan) for each in found],
                    capsize=2,
                    color=COLORS[k],
                    hatch="//" if name.startswith("true") else None,
                    edgecolor="white",
                    label=label,
                )
                axis.bar_label(drawn, [f"{100 * each.mean:.0f}" for each in found], fontsize=7)
            names = [name.replace(" au plus", "\nau plus") for name in OVERLAPS_FR]
            axis.set_xticks(range(len(names)), names)
            axis.set(title=title, ylabel="%, scènes de test", ylim=(0, 106))
        handles = axes[0, 0].get_legend_handles_labels()
        figure.legend(*handles, loc="outside lower center", ncols=len(ANSWERS_FR))
        seeds = format_seeds(report.metrics["group_ap"])
        figure.suptitle(
            "Un masque par objet, classe ignorée : moyenne et écart-type "
            f"({seeds}) ; hachuré : ceux qui connaissent la vérité"
        )


# --- Question : les objets d'une image -----------------------------------------------


def segment(options: Namespace) -> int:
    """Sépare les objets d'une image, les dessine et les nomme ; rend 0."""
    model = saving.load_model(options.module, models_dir=options.models_dir)
    image = prepare(options.image, model.input_shape[1:])
    outputs = model.predict(image[None], verbose=0)[0]
    found = group(outputs)
    print(f"{agreed(len(found.labels), 'objet')} :" if len(found.labels) else "Aucun objet trouvé.")
    for k in np.argsort(-found.scores, kind="stable"):
        size = agreed(int(found.masks[k].sum()), "pixel")
        print(
            f"  {FASHION_CLASSES_FR[found.labels[k]]:<15} {size}, score {percent(found.scores[k])}"
        )
    path = output_dir(options) / f"{Path(options.image).stem}_objets.png"
    with new_figure(path, columns=3, size=(2.6, 2.8)) as (_, axes):
        axes[0, 0].imshow(image)
        draw_aims(axes[0, 1], image, outputs)
        axes[0, 2].imshow(paint_objects(found))
        titles = ("image", "où chaque pixel envoie", "un masque par objet")
        for axis, title in zip(axes[0], titles, strict=True):
            axis.set_title(title)
            axis.set_axis_off()
    print(path)
    return 0
