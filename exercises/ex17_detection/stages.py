"""La figure des deux étages : propositions, régions lues, boîtes gardées, dans une scène.

D'après : S3 « Yolo, RCNN, fast-RCNN ».
"""

from pathlib import Path

import keras
import numpy as np

from convnets.datasets.scenes import ABSENT, Scenes
from convnets.figures.style import new_figure
from exercises.ex17_detection.boxes import Detections
from exercises.ex17_detection.figures import CLASS_COLORS, draw_scene
from exercises.ex17_detection.proposals import NUM_PROPOSALS
from exercises.ex17_detection.two_stage import BACKGROUND, to_detections

COLUMNS = 5  # régions par ligne
NOTHING = "#9a9a9a"  # couleur d'une région où la tête ne voit rien


# --- Question : que voit chaque étage ? ----------------------------------------------


def save_stages(path: Path, model: keras.Model, scenes: Scenes, *, min_score: float) -> Path:
    """Dessine ce que chaque étage fait de la première scène où il y a le plus d'objets.

    Args:
        path: fichier PNG.
        model: le détecteur à deux étages.
        scenes: les scènes et leur vérité.
        min_score: score à partir duquel il garde une boîte.

    Returns:
        `path`.
    """
    chosen = int((scenes.labels != ABSENT).sum(axis=1).argmax())
    image, truth = scenes.images[chosen], scenes.boxes[chosen][scenes.labels[chosen] != ABSENT]
    outputs = model.predict(image[None], verbose=0)
    regions, pooled = outputs["regions"][0], read_regions(model, outputs)
    labels = regions[:, 8:].argmax(axis=1)
    with new_figure(path, columns=3, size=(4.0, 4.4)) as (figure, axes):
        left, middle, right = axes[0]
        draw_scene(left, image, _nothing(), truth)
        for (x0, y0, x1, y1), label in zip(regions[:, :4], labels, strict=True):
            left.add_patch(_frame(x0, y0, x1 - x0, y1 - y0, _color(label)))
        left.set_title(f"1. {NUM_PROPOSALS} propositions")
        draw_regions(middle, pooled, labels)
        middle.set_title("2. ce que RoIAlign lit de chacune")
        found = to_detections(regions[None], min_score=min_score)[0]
        draw_scene(right, image, found, truth)
        right.set_title("3. nommées, corrigées, sans doublon")
        figure.suptitle("Deux étages (en gris, ce que la tête prend pour du fond)")
    return path


def read_regions(model: keras.Model, outputs: dict[str, np.ndarray]) -> np.ndarray:
    """Rend ce que la tête a lu de chaque région d'une image : `(25, BINS, BINS, c)`."""
    head = model.get_layer("head")
    reader = keras.Model(head.inputs, head.get_layer("pooled").output)
    boxes = outputs["regions"][..., :4]
    return reader.predict([outputs["maps"], boxes], verbose=0)[0]


def draw_regions(axis, pooled: np.ndarray, labels: np.ndarray) -> None:
    """Dessine, cinq par ligne, la moyenne des cartes lues dans chaque région.

    Args:
        axis: cadre Matplotlib.
        pooled: `(r, BINS, BINS, c)`, de la plus sûre à la moins sûre.
        labels: ce que la tête dit de chacune `(r,)` ; sa couleur est celle du cadre.
    """
    for number, (each, label) in enumerate(zip(pooled.mean(axis=-1), labels, strict=True)):
        row, column = divmod(number, COLUMNS)
        extent = (column, column + 0.86, row + 0.86, row)
        axis.imshow(each, extent=extent, cmap="gray", vmin=0, vmax=pooled.mean(axis=-1).max())
        axis.add_patch(_frame(column, row, 0.86, 0.86, _color(label)))
    axis.set(xlim=(-0.05, COLUMNS - 0.09), ylim=(len(pooled) / COLUMNS - 0.09, -0.05))
    axis.set_aspect("equal")
    axis.axis("off")


def _color(label: int) -> str:
    return NOTHING if label == BACKGROUND else CLASS_COLORS[label]


def _frame(x: float, y: float, width: float, height: float, color: str):
    from matplotlib.patches import Rectangle

    lw = 1.0 if color == NOTHING else 2.0
    return Rectangle((x, y), width, height, fill=False, color=color, lw=lw)


def _nothing() -> Detections:
    return Detections(np.empty((0, 4)), np.empty(0), np.empty(0, int))
