"""Comparer des boîtes : IoU, précision et rappel, précision moyenne, suppression des doublons.

D'après : S3 « Different problems, models & metrics ».

Tout est en NumPy. Une boîte est `x0, y0, x1, y1` : son coin en haut à gauche, puis son coin en bas
à droite, en pixels.
"""

from typing import NamedTuple

import numpy as np

IOU_FOUND = 0.5  # un objet est trouvé si sa boîte est recouverte au moins autant (PASCAL VOC)
IOU_SAME = 0.4  # deux boîtes d'une classe qui se recouvrent plus désignent le même objet
MIN_SCORE = 0.01  # une réponse moins sûre n'est pas une détection


class Detections(NamedTuple):
    """Ce qu'un détecteur a trouvé dans une image, du plus sûr au moins sûr."""

    boxes: np.ndarray  # (n, 4) float
    scores: np.ndarray  # (n,) float dans [0, 1], décroissants
    labels: np.ndarray  # (n,) entiers


# --- Question : de combien deux boîtes se recouvrent-elles ? -------------------------


def iou(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Divise l'aire commune de chaque paire de boîtes par l'aire de leur réunion.

    Args:
        first: boîtes `(n, 4)`, en pixels.
        second: boîtes `(m, 4)`, en pixels.

    Returns:
        `(n, m)` float64 dans [0, 1] : 0 pour deux boîtes disjointes ou d'aire nulle, 1 pour deux
        boîtes égales.

    Raises:
        ValueError: tableaux d'une autre forme.

    Example:
        >>> iou(np.array([[0, 0, 2, 2]]), np.array([[1, 1, 3, 3]]))  # 1 / (4 + 4 - 1)
        array([[0.14285714]])

    Source : S3 « Intersection over Union ».
    """
    for boxes in (first, second):
        if np.ndim(boxes) != 2 or np.shape(boxes)[1] != 4:
            raise ValueError(f"Boîtes de forme {np.shape(boxes)} reçues, (n, 4) attendu.")
    first, second = np.asarray(first, float)[:, None], np.asarray(second, float)[None]
    low = np.maximum(first[..., :2], second[..., :2])  # (n, m, 2) : coin haut gauche commun
    high = np.minimum(first[..., 2:], second[..., 2:])
    common = np.clip(high - low, 0, None).prod(-1)  # (n, m)
    areas = [np.clip(each[..., 2:] - each[..., :2], 0, None).prod(-1) for each in (first, second)]
    union = areas[0] + areas[1] - common
    return np.divide(common, union, out=np.zeros(union.shape), where=union > 0)


# --- Question : une boîte par objet --------------------------------------------------


def non_max_suppression(
    boxes: np.ndarray, scores: np.ndarray, labels: np.ndarray, *, threshold: float = IOU_SAME
) -> np.ndarray:
    """Garde, classe par classe, la boîte la plus sûre parmi celles qui se recouvrent.

    Args:
        boxes: `(n, 4)`, en pixels.
        scores: `(n,)`.
        labels: `(n,)` entiers ; deux boîtes de classes différentes ne s'excluent jamais.
        threshold: IoU au-delà de laquelle la moins sûre des deux est supprimée.

    Returns:
        Indices des boîtes gardées, par scores décroissants.

    Source : Felzenszwalb et al., « Object Detection with Discriminatively Trained Part-Based
    Models », PAMI 32(9), 2010, § 7.
    """
    order = np.argsort(-np.asarray(scores), kind="stable")
    boxes, labels = np.asarray(boxes)[order], np.asarray(labels)[order]
    rivals = (iou(boxes, boxes) > threshold) & (labels[:, None] == labels[None])  # (n, n)
    kept = np.ones(len(order), bool)
    for i in range(len(order)):
        if kept[i]:
            kept[i + 1 :] &= ~rivals[i, i + 1 :]
    return order[kept]


def select(
    boxes: np.ndarray, scores: np.ndarray, labels: np.ndarray, *, min_score: float, suppress: bool
) -> list[Detections]:
    """Garde, image par image, les boîtes assez sûres, sans leurs doublons.

    Args:
        boxes: `(n, m, 4)`, en pixels : toutes les réponses d'un réseau à n images.
        scores: `(n, m)`.
        labels: `(n, m)` entiers.
        min_score: une boîte moins sûre est oubliée.
        suppress: supprimer les doublons.

    Returns:
        Les détections de chaque image, du plus sûr au moins sûr.
    """
    found, threshold = [], IOU_SAME if suppress else 1  # aucune IoU ne dépasse 1
    for i in range(len(boxes)):
        sure = np.flatnonzero(scores[i] >= min_score)
        answers = boxes[i, sure], scores[i, sure], labels[i, sure]
        kept = non_max_suppression(*answers, threshold=threshold)
        found.append(Detections(*(each[kept] for each in answers)))
    return found


# --- Question : les boîtes trouvées sont-elles les bonnes ? --------------------------


def match(found: Detections, boxes: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Dit lesquelles des boîtes trouvées dans une image sont justes.

    Chacune, de la plus sûre à la moins sûre, est comparée à l'objet de sa classe qu'elle recouvre
    le mieux. Elle est juste si l'IoU atteint `IOU_FOUND` et si l'objet n'était pas déjà trouvé :
    un doublon est une erreur.

    Args:
        found: boîtes trouvées, par scores décroissants.
        boxes: boîtes vraies `(m, 4)`.
        labels: leurs classes `(m,)`.

    Returns:
        `(n,)` booléens.

    Source : Everingham et al., « The PASCAL Visual Object Classes Challenge », IJCV 88(2), 2010,
    § 4.2.
    """
    correct = np.zeros(len(found.boxes), bool)
    if len(boxes) == 0:
        return correct
    overlaps = np.where(found.labels[:, None] == labels[None], iou(found.boxes, boxes), -1)
    taken = np.zeros(len(boxes), bool)
    for i, best in enumerate(overlaps.argmax(1)):
        correct[i] = overlaps[i, best] >= IOU_FOUND and not taken[best]
        taken[best] |= correct[i]
    return correct


def precision_recall(
    scores: np.ndarray, correct: np.ndarray, num_objects: int
) -> tuple[np.ndarray, np.ndarray]:
    """Calcule précision et rappel en acceptant de plus en plus de boîtes.

    Args:
        scores: `(n,)`, un par boîte trouvée.
        correct: `(n,)` booléens : cette boîte est-elle juste ?
        num_objects: nombre d'objets vrais, trouvés ou non.

    Returns:
        `(précision, rappel)`, chacun `(n,)` dans [0, 1] : à l'indice i, en gardant les i + 1
        boîtes les plus sûres. Le rappel croît ; sans aucun objet, il est nul.

    Source : S3 « Metrics: accuracy, precision, recall ».
    """
    correct = np.asarray(correct, bool)[np.argsort(-np.asarray(scores), kind="stable")]
    num_correct = np.cumsum(correct)
    return num_correct / np.arange(1, len(correct) + 1), num_correct / max(num_objects, 1)


def average_precision(precision: np.ndarray, recall: np.ndarray) -> float:
    """Mesure l'aire sous la courbe précision-rappel, interpolée en tous ses points.

    À chaque rappel, la précision retenue est la meilleure qu'on ait à ce rappel ou au-delà : la
    courbe ne remonte jamais. Le rappel jamais atteint compte pour une précision nulle.

    Args:
        precision: `(n,)` de `precision_recall`.
        recall: `(n,)`, croissant.

    Returns:
        Une valeur dans [0, 1] ; 0 sans aucune boîte.

    Source : PASCAL VOC, règle de 2010 (tous les points, et non onze).
    """
    envelope = np.maximum.accumulate(np.asarray(precision, float)[::-1])[::-1]
    return float(np.sum(np.diff(recall, prepend=0.0) * envelope))
