"""Les figures de la détection : boîtes dessinées, deux étages, précision et rappel.

D'après : S3 « Different problems, models & metrics ».

Les vraies boîtes sont en blanc ; les boîtes trouvées, en orange.
"""

from pathlib import Path

import keras
import numpy as np
from keras import ops

from convnets.datasets.scenes import ABSENT, Scenes
from convnets.datasets.sources import FASHION_CLASSES_FR
from convnets.figures.charts import Picture, mosaic, number, picture_rows
from convnets.figures.style import COLORS, GREY, new_figure
from exercises.ex17_detection.boxes import Detections, precision_recall
from exercises.ex17_detection.metrics import Judged
from exercises.ex17_detection.proposals import NUM_PROPOSALS
from exercises.ex17_detection.two_stage import BACKGROUND, RoiAlign, to_detections

NUM_SHOWN = 8  # scènes d'une figure, en deux lignes
COLUMNS = 5  # régions par ligne


# --- Question : où sont les objets ? -------------------------------------------------


def show(image: np.ndarray, found: Detections, truth=(), caption: str = "") -> Picture:
    """Montre une image, ses vraies boîtes et celles qu'on a trouvées, avec leur nom."""
    # Le 0 de `Picture` est le centre du premier pixel, et celui d'une boîte est son bord.
    true = [(box - 0.5, "", "white") for box in truth]
    named = [
        (box - 0.5, f"{FASHION_CLASSES_FR[label]} {number(100 * score)} %", COLORS[1])
        for box, score, label in zip(*found, strict=True)
    ]
    return Picture(image, caption, boxes=true + named)


def save_scenes(path: Path, scenes: Scenes, found: list[Detections]) -> None:
    """Dessine les premières scènes d'un jeu, sans choisir, et les boîtes trouvées dans chacune."""
    pictures = [
        show(image, each, boxes[labels != ABSENT])
        for image, each, boxes, labels in zip(
            scenes.images[:NUM_SHOWN], found[:NUM_SHOWN], scenes.boxes, scenes.labels, strict=False
        )
    ]
    rows = {"": pictures[: NUM_SHOWN // 2], " ": pictures[NUM_SHOWN // 2 :]}
    picture_rows(path, rows, side=2.6, title="De 1 à 4 objets : le détecteur (en blanc, la vérité)")


# --- Question : que voit chaque étage ? ----------------------------------------------


def save_stages(path: Path, model: keras.Model, scenes: Scenes, *, min_score: float) -> None:
    """Dessine ce que chaque étage fait de la première scène où il y a le plus d'objets.

    Args:
        path: fichier PNG.
        model: le détecteur à deux étages.
        scenes: les scènes et leur vérité.
        min_score: score à partir duquel il garde une boîte.
    """
    present = scenes.labels != ABSENT
    chosen = present.sum(axis=1).argmax()
    image, truth = scenes.images[chosen], scenes.boxes[chosen][present[chosen]]
    outputs = model.predict(image[None], verbose=0)
    regions = outputs["regions"]
    proposed = [
        (region[:4] - 0.5, "", GREY if region[8:].argmax() == BACKGROUND else COLORS[1])
        for region in regions[0]
    ]
    pooled = RoiAlign()(outputs["maps"], regions[..., :4])[0]  # (25, BINS, BINS, c)
    pooled = ops.convert_to_numpy(pooled).mean(axis=-1, keepdims=True)
    read = mosaic((255 * pooled / pooled.max()).astype(np.uint8), COLUMNS)
    found = to_detections(regions, min_score=min_score)[0]
    row = [
        Picture(image, f"1. {NUM_PROPOSALS} propositions\n(en gris, du fond)", boxes=proposed),
        Picture(read[..., 0], "2. ce que RoIAlign\nlit de chacune"),
        show(image, found, truth, "3. nommées, corrigées,\nsans doublon"),
    ]
    picture_rows(path, {"": row}, side=3.4)


# --- Question : que vaut le détecteur ? ----------------------------------------------


def save_curves(path: Path, judged: dict[str, Judged]) -> None:
    """Trace la précision selon le rappel, toutes classes ensemble.

    Args:
        path: fichier PNG.
        judged: par nom de courbe, des détections jugées.
    """
    with new_figure(path, size=(5.4, 4.2)) as (_, axes):
        axis = axes[0, 0]
        for (name, each), style in zip(judged.items(), ("-", "--", ":"), strict=False):
            precision, recall = precision_recall(each.scores, each.correct, each.num_objects.sum())
            axis.plot(recall, precision, style, label=name)
        axis.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="rappel", ylabel="précision")
        axis.legend(loc="lower left")
