"""Juger des masques d'objets : la précision moyenne (AP), à IoU 0,5, puis jusqu'à 0,95.

D'après : S3 « Different problems, models & metrics ».
Commande : python -m exercises.ex18_segmentation.instances

L'IoU d'un masque de classes ne compte pas les objets : deux vêtements collés en une seule tache y
valent autant que deux vêtements séparés. L'AP demande un masque par objet, une fois chacun.
"""

import numpy as np
from scipy.spatial.distance import cdist

from exercises.ex18_segmentation.grouping import Instances

THRESHOLDS = np.arange(50, 100, 5) / 100  # IoU à partir desquelles un masque est bon


# --- Question : deux masques sont-ils le même objet ? --------------------------------


def mask_iou(found: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Calcule l'intersection sur l'union de chaque masque trouvé et de chaque vrai masque.

    Args:
        found: `(k, h, w)` booléens.
        true: `(m, h, w)` booléens.

    Returns:
        `(k, m)` float64 dans [0, 1].
    """
    num_pixels = true.shape[1] * true.shape[2]
    # La distance de Jaccard est un moins l'IoU.
    return 1 - cdist(found.reshape(-1, num_pixels), true.reshape(-1, num_pixels), "jaccard")


def match(scores: np.ndarray, ious: np.ndarray, *, threshold: float) -> np.ndarray:
    """Dit quels masques sont bons : chaque vrai objet n'en justifie qu'un.

    Args:
        scores: `(k,)` ; le plus sûr choisit d'abord.
        ious: `(k, m)`, de `mask_iou`.
        threshold: IoU à partir de laquelle un masque est bon.

    Returns:
        `(k,)` booléens : un vrai objet encore libre atteint ce seuil ; c'est le plus proche qui
        est pris.
    """
    correct, free = np.zeros(len(scores), bool), np.ones(ious.shape[1], bool)
    for k in np.argsort(-scores, kind="stable"):
        candidates = np.where(free, ious[k], 0.0)
        if candidates.max(initial=0) >= threshold:
            correct[k] = True
            free[candidates.argmax()] = False
    return correct


# --- Question : la précision moyenne -------------------------------------------------


def average_precision(scores: np.ndarray, correct: np.ndarray, num_true: int) -> float:
    """Calcule l'aire sous la courbe précision-rappel, interpolée en tous les points.

    Args:
        scores: `(k,)`, toutes scènes confondues.
        correct: `(k,)` booléens.
        num_true: nombre d'objets qu'il fallait trouver, au moins un.

    Returns:
        Dans [0, 1] : à chaque objet trouvé, le rappel monte de `1 / num_true`, et la précision qui
        compte est la meilleure qu'on ait encore à ce rappel ou au-delà.
    """
    correct = correct[np.argsort(-scores, kind="stable")]
    precision = np.cumsum(correct) / np.arange(1, len(correct) + 1)
    best_from_here = np.maximum.accumulate(precision[::-1])[::-1]
    return float(best_from_here[correct].sum() / num_true)


def average_precisions(found: list[Instances], true: list[Instances]) -> np.ndarray:
    """Calcule l'AP d'un jeu de scènes à chaque seuil d'IoU, sans tenir compte des classes.

    Args:
        found: les objets trouvés, scène par scène.
        true: les vrais objets, dans le même ordre ; leurs scores ne servent pas.

    Returns:
        `(10,)` dans [0, 1], un nombre par seuil de `THRESHOLDS`.

    Source : Lin et al., COCO, arXiv 1405.0312, 2014, et ses règles d'évaluation ; celles-ci
    interpolent en 101 points, et non en tous.
    """
    scores = [each.scores for each in found]
    ious = [mask_iou(f.masks, t.masks) for f, t in zip(found, true, strict=True)]
    num_true, values = sum(len(each.labels) for each in true), []
    for threshold in THRESHOLDS:
        correct = [match(*pair, threshold=threshold) for pair in zip(scores, ious, strict=True)]
        pooled = np.concatenate(scores), np.concatenate(correct)
        values.append(average_precision(*pooled, num_true))
    return np.array(values)


def ap50_each(found: list[Instances], true: list[Instances]) -> np.ndarray:
    """Rend l'AP de chaque scène, prise seule, au premier seuil de `THRESHOLDS` : `(n,)`.

    Un masque n'y est rangé que parmi ceux de sa scène : leur moyenne n'est pas l'AP50 du jeu, mais
    deux réponses s'y comparent scène par scène.
    """
    values = []
    for one, other in zip(found, true, strict=True):
        ious = mask_iou(one.masks, other.masks)
        correct = match(one.scores, ious, threshold=THRESHOLDS[0])
        values.append(average_precision(one.scores, correct, len(other.labels)))
    return np.array(values)
