"""Trouver des cellules sans rien apprendre : un seuil de couleur, puis des taches.

D'après : S3 « Different problems, models & metrics ».
Commande : python -m exercises.ex17_detection.cells, dont ce seuil est un témoin.

Le colorant du frottis teint en violet les globules blancs et les plaquettes. Un pixel violet a plus
de bleu que de vert. Des pixels violets qui se touchent forment une tache : grande, c'est un globule
blanc ; petite, une plaquette. Les globules rouges, roses comme le fond, sont hors de portée de ce
témoin.
"""

from typing import NamedTuple

import numpy as np
from scipy import ndimage

from convnets.datasets import cells
from convnets.datasets.scenes import Scenes
from exercises.ex17_detection import metrics
from exercises.ex17_detection.boxes import Detections

BLUR_PX = 2.0  # écart-type du flou : il efface le grain sans joindre deux cellules
LEAST_CELL_PX = 20  # entre les petits globules blancs (32 pixels) et les grandes plaquettes (16)
LARGEST_PX = {"WBC": 80, "Platelets": LEAST_CELL_PX}  # le côté d'une tache de score 1
THRESHOLDS = (15, 20, 25, 30, 35, 40)  # niveaux de bleu de plus que de vert, essayés
MARGINS_PX = (0, 1, 2, 3, 4)  # de la boîte autour de la tache, essayées


class Rule(NamedTuple):
    """Ce qui se règle, pour une classe."""

    threshold: float  # un pixel est violet au-delà
    margin_px: int  # ajoutée de chaque côté de la tache


# --- Question : où est le violet ? ---------------------------------------------------


def purple(images: np.ndarray) -> np.ndarray:
    """Rend ce que chaque pixel a de bleu de plus que de vert, un peu flou.

    Args:
        images: uint8 `(n, h, w, 3)`.

    Returns:
        float32 `(n, h, w)`, de −255 à 255.
    """
    excess = images[..., 2].astype(np.float32) - images[..., 1]
    return ndimage.gaussian_filter(excess, (0, BLUR_PX, BLUR_PX))


def find_spots(excess: np.ndarray, rule: Rule, name: str) -> Detections:
    """Entoure les taches violettes d'une image qui ont la taille d'une classe.

    Args:
        excess: une image de `purple`, `(h, w)`.
        rule: le seuil et la marge.
        name: `"WBC"`, les taches larges d'au moins `LEAST_CELL_PX`, ou `"Platelets"`, les autres.

    Returns:
        Une boîte par tache. Son score est le côté du carré de même aire, en part de `LARGEST_PX`.
    """
    spots, count = ndimage.label(excess > rule.threshold)
    sides = np.sqrt(np.bincount(spots.ravel(), minlength=count + 1)[1:])  # le fond porte 0
    windows = ndimage.find_objects(spots)
    boxes = np.array([[x.start, y.start, x.stop, y.stop] for y, x in windows], float)
    boxes = boxes.reshape(-1, 4) + rule.margin_px * np.array([-1, -1, 1, 1])
    chosen = np.flatnonzero((sides >= LEAST_CELL_PX) == (name == "WBC"))
    order = chosen[np.argsort(-sides[chosen], kind="stable")]
    scores = np.minimum(sides[order] / LARGEST_PX[name], 1)
    return Detections(boxes[order], scores, np.full(len(order), cells.CLASSES.index(name)))


# --- Question : quels réglages ? -----------------------------------------------------


def choose_rule(scenes: Scenes, name: str) -> Rule:
    """Rend le seuil et la marge de la meilleure précision moyenne, sur des images connues."""
    excess = purple(scenes.images)
    rules = [Rule(threshold, margin) for threshold in THRESHOLDS for margin in MARGINS_PX]
    values = []
    for rule in rules:
        judged = metrics.judge([find_spots(each, rule, name) for each in excess], scenes)
        values.append(metrics.average_precisions(judged, cells.CLASSES)[f"ap {name}"])
    return rules[int(np.argmax(values))]


def find_all(images: np.ndarray, rules: dict[str, Rule]) -> list[Detections]:
    """Rend, image par image, les taches de toutes les classes."""
    found = []
    for excess in purple(images):
        each = [find_spots(excess, rule, name) for name, rule in rules.items()]
        joined = Detections(*map(np.concatenate, zip(*each, strict=True)))
        order = np.argsort(-joined.scores, kind="stable")
        found.append(Detections(*(field[order] for field in joined)))
    return found
