"""Mesurer un détecteur : la précision moyenne de chaque classe, et ce qu'y pèse chaque scène.

D'après : S3 « Different problems, models & metrics » (« accuracy, precision, recall »).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from convnets.datasets import sources
from convnets.datasets.scenes import ABSENT, Scenes
from exercises.ex17_detection.boxes import Detections, average_precision, match, precision_recall
from exercises.ex17_detection.localization import NUM_CLASSES


class Judged(NamedTuple):
    """Toutes les détections d'un jeu, jugées."""

    scores: np.ndarray  # (n,) float dans [0, 1]
    correct: np.ndarray  # (n,) booléens
    labels: np.ndarray  # (n,) entiers
    num_objects: np.ndarray  # (10,) : combien d'objets de chaque classe il fallait trouver


# --- Question : juger les détections d'un jeu ----------------------------------------


def judge(found: list[Detections], scenes: Scenes) -> Judged:
    """Compare les détections de chaque scène à ses objets.

    Args:
        found: détections de chaque scène.
        scenes: les scènes, dans le même ordre.

    Returns:
        Les détections de toutes les scènes, mises bout à bout.
    """
    return join(judge_each(found, scenes))


def judge_each(found: list[Detections], scenes: Scenes) -> list[Judged]:
    """Compare les détections de chaque scène à ses objets ; rend celles de chaque scène à part."""
    judged = []
    for each, boxes, labels in zip(found, scenes.boxes, scenes.labels, strict=True):
        present = labels != ABSENT
        correct = match(each, boxes[present], labels[present])
        counts = np.bincount(labels[present], minlength=NUM_CLASSES)
        judged.append(Judged(each.scores, correct, each.labels, counts))
    return judged


def join(judged: Sequence[Judged]) -> Judged:
    """Met bout à bout les détections jugées de plusieurs scènes."""
    scores, correct, labels, counts = zip(*judged, strict=True)
    return Judged(*map(np.concatenate, (scores, correct, labels)), np.sum(counts, axis=0))


def average_precisions(
    judged: Judged, names: Sequence[str] = sources.FASHION_CLASSES
) -> dict[str, float]:
    """Rend la précision moyenne de chaque classe présente : `ap Coat`…, dans [0, 1]."""
    values = {}
    for label in np.flatnonzero(judged.num_objects):
        mine = judged.labels == label
        values[f"ap {names[label]}"] = average_precision(
            *precision_recall(judged.scores[mine], judged.correct[mine], judged.num_objects[label])
        )
    return values


def mean_average_precision(judged: Judged) -> float:
    """Rend la moyenne des précisions moyennes des classes présentes, dans [0, 1]."""
    return float(np.mean(list(average_precisions(judged).values())))


# --- Question : que pèse chaque scène ? ----------------------------------------------


def class_precision(judged: Sequence[Judged], label: int) -> np.ndarray:
    """Rend ce que pèse chaque scène dans la précision moyenne d'une classe.

    Une précision moyenne n'est pas une moyenne de scènes : elle range ensemble les boîtes de
    toutes. Elle est donc calculée de nouveau sans chaque scène ; ce qu'elle y perd, autant de fois
    qu'il y a d'autres scènes, est ce que pèse celle-ci (*jackknife*).

    Args:
        judged: les détections jugées de chaque scène, n en tout.
        label: numéro de la classe ; une scène au moins a un de ses objets.

    Returns:
        `(n,)`, dont la moyenne est la précision moyenne de la classe.

    Source : Efron et Stein, « The Jackknife Estimate of Variance », Annals of Statistics 9(3),
    1981.
    """
    objects = np.array([each.num_objects[label] for each in judged])
    mine = [each.labels == label for each in judged]
    scores = np.concatenate([each.scores[kept] for each, kept in zip(judged, mine, strict=True)])
    correct = np.concatenate([each.correct[kept] for each, kept in zip(judged, mine, strict=True)])
    owners = np.repeat(np.arange(len(judged)), [kept.sum() for kept in mine])
    value = average_precision(*precision_recall(scores, correct, objects.sum()))
    lost = np.zeros(len(judged))
    for scene in np.unique([*owners, *np.flatnonzero(objects)]):  # les autres n'y changent rien
        kept = owners != scene
        left = precision_recall(scores[kept], correct[kept], objects.sum() - objects[scene])
        lost[scene] = value - average_precision(*left)
    return value + (len(judged) - 1) * (lost - lost.mean())


def scene_precision(judged: Sequence[Judged]) -> np.ndarray:
    """Rend ce que pèse chaque scène dans la moyenne des précisions moyennes.

    Args:
        judged: les détections jugées de chaque scène, n en tout.

    Returns:
        `(n,)`, la moyenne de `class_precision` sur les classes présentes : sa moyenne est donc
        `mean_average_precision`.
    """
    present = np.flatnonzero(join(judged).num_objects)
    return np.mean([class_precision(judged, label) for label in present], axis=0)


# --- Question : à partir de quel score croire une boîte ? ----------------------------


def choose_score(judged: Judged) -> float:
    """Rend le score à partir duquel garder une boîte : celui du meilleur F1.

    Args:
        judged: détections jugées d'un jeu de validation.

    Returns:
        Un score de `judged` ; 1 s'il n'a aucune détection.
    """
    order = np.argsort(-judged.scores, kind="stable")
    num_found = np.arange(1, len(order) + 1)
    f1 = 2 * np.cumsum(judged.correct[order]) / (num_found + judged.num_objects.sum())
    return float(judged.scores[order[f1.argmax()]]) if len(order) else 1.0
