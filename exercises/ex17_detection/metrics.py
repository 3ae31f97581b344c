"""Mesurer un détecteur : précision, rappel et précision moyenne, avec et sans doublons.

D'après : S3 « Different problems, models & metrics » (« accuracy, precision, recall »).
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from convnets.datasets import sources
from convnets.datasets.scenes import ABSENT, Scenes
from exercises.ex17_detection.boxes import (
    IOU_FOUND,
    Detections,
    average_precision,
    match,
    precision_recall,
)
from exercises.ex17_detection.localization import NUM_CLASSES
from exercises.ex17_detection.proposals import recall, regular_boxes, to_truth
from exercises.ex17_detection.two_stage import to_detections


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


def scene_precision(judged: Sequence[Judged]) -> np.ndarray:
    """Rend ce que pèse chaque scène dans la moyenne des précisions moyennes.

    Une précision moyenne n'est pas une moyenne de scènes : elle range ensemble les boîtes de
    toutes. Elle est donc calculée de nouveau sans chaque scène ; ce qu'elle y perd, autant de fois
    qu'il y a d'autres scènes, est ce que pèse celle-ci (*jackknife*).

    Args:
        judged: les détections jugées de chaque scène, n en tout.

    Returns:
        `(n,)`, de moyenne `mean_average_precision` ; une seule scène vaut donc cette moyenne.

    Source : Efron et Stein, « The Jackknife Estimate of Variance », Annals of Statistics 9(3),
    1981.
    """
    whole, num = join(judged), len(judged)
    owners = np.repeat(np.arange(num), [len(each.scores) for each in judged])
    objects = np.stack([each.num_objects for each in judged])  # (n, 10)
    lost = np.zeros(num)
    present = np.flatnonzero(whole.num_objects)
    for label in present:
        mine = whole.labels == label
        answers = whole.scores[mine], whole.correct[mine]
        value = average_precision(*precision_recall(*answers, whole.num_objects[label]))
        for scene in np.unique([*owners[mine], *np.flatnonzero(objects[:, label])]):
            kept = owners[mine] != scene
            left = whole.num_objects[label] - objects[scene, label]
            others = precision_recall(*(each[kept] for each in answers), left)
            lost[scene] += value - average_precision(*others)
    lost /= len(present)
    return mean_average_precision(whole) + (num - 1) * (lost - lost.mean())


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


def evaluate(
    find: Callable[..., list[Detections]], scenes: Scenes, *, min_score: float
) -> dict[str, float]:
    """Mesure un détecteur, avec et sans suppression des doublons.

    Args:
        find: `find(suppress=…)` rend les détections de chaque scène.
        scenes: les scènes.
        min_score: score à partir duquel précision et rappel gardent une boîte.

    Returns:
        `map`, la moyenne sur les classes des précisions moyennes, `precision` et `recall`, puis
        les mêmes suivies de `_without_nms` ; `ap Coat`… pour chaque classe présente.
    """
    measures = {}
    for end, suppress in (("_without_nms", False), ("", True)):
        judged = judge(find(suppress=suppress), scenes)
        kept = judged.correct[judged.scores >= min_score]
        measures[f"map{end}"] = mean_average_precision(judged)
        measures[f"precision{end}"] = float(kept.sum() / max(len(kept), 1))
        measures[f"recall{end}"] = float(kept.sum() / judged.num_objects.sum())
    return measures | average_precisions(judged)


def evaluate_stages(regions: np.ndarray, scenes: Scenes, *, min_score: float) -> dict[str, float]:
    """Mesure un détecteur à deux étages, et ce que vaut chacun des deux.

    Args:
        regions: ce que dit la tête `(n, 25, 19)`.
        scenes: les scènes.
        min_score: score à partir duquel précision et rappel gardent une boîte.

    Returns:
        Les mesures d'`evaluate`, précédées de `two_stage_` ; `recall_proposals`, la part des objets
        qu'une proposition au moins recouvre d'une IoU de 0,5 ; `recall_regular`, la même, de boîtes
        posées sans regarder l'image.
    """
    measures = evaluate(partial(to_detections, regions), scenes, min_score=min_score)
    truth = to_truth(scenes)
    return {f"two_stage_{name}": value for name, value in measures.items()} | {
        "recall_proposals": recall(regions[..., :4], truth, IOU_FOUND),
        "recall_regular": recall(regular_boxes(), truth, IOU_FOUND),
    }
