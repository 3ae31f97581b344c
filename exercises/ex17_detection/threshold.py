"""Trouver des cellules sans rien apprendre : un seuil de couleur, puis des taches.

D'après : S3 « Different problems, models & metrics ».
Commande : python -m recipes.witnesses ex17_detection.threshold

Le colorant du frottis teint en violet les globules blancs et les plaquettes. Un pixel violet a plus
de bleu que de vert. Des pixels violets qui se touchent forment une tache : grande, c'est un globule
blanc ; petite, une plaquette. Les globules rouges, roses comme le fond, sont hors de portée de ce
témoin.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from convnets.core import intervals
from convnets.core.reports import read_report
from convnets.datasets import cells
from convnets.datasets.scenes import Scenes
from convnets.training import saving
from exercises.ex17_detection import metrics
from exercises.ex17_detection.boxes import Detections, average_precision, match, precision_recall
from exercises.ex17_detection.cells import (
    believe,
    choose_scores,
    count,
    find,
    miscounts,
    read_scenes,
)

BLUR_PX = 2.0  # écart-type du flou : il efface le grain sans joindre deux cellules
LEAST_CELL_PX = 20  # entre les petits globules blancs (32 pixels) et les grandes plaquettes (16)
LARGEST_PX = {"WBC": 80, "Platelets": LEAST_CELL_PX}  # le côté d'une tache de score 1
THRESHOLDS = (15, 20, 25, 30, 35, 40)  # niveaux de bleu de plus que de vert, essayés
MARGINS_PX = (0, 1, 2, 3, 4)  # de la boîte autour de la tache, essayées
RESAMPLED = 1000  # tirages de photographies, pour l'intervalle d'une précision moyenne


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


# --- Question : et sur d'autres photographies ? --------------------------------------


class Answers(NamedTuple):
    """Ce qu'une classe de détections vaut, dans une photographie."""

    scores: np.ndarray  # (n,)
    correct: np.ndarray  # (n,) booléens
    num_true: int


def answers(found: list[Detections], scenes: Scenes, label: int) -> list[Answers]:
    """Juge les détections d'une classe, photographie par photographie."""
    rows = []
    for each, boxes, labels in zip(found, scenes.boxes, scenes.labels, strict=True):
        mine = each.labels == label
        kept = Detections(*(field[mine] for field in each))
        true = labels == label
        rows.append(Answers(kept.scores, match(kept, boxes[true], labels[true]), int(true.sum())))
    return rows


def pooled_precision(rows: Sequence[Answers]) -> float:
    """Rend la précision moyenne de photographies mises ensemble ; 0 sans aucun objet."""
    scores = np.concatenate([row.scores for row in rows])
    correct = np.concatenate([row.correct for row in rows])
    count = sum(row.num_true for row in rows)
    return average_precision(*precision_recall(scores, correct, count))


def resampled_precisions(rows: Sequence[Answers], *, seed: int = 0) -> np.ndarray:
    """Rend la précision moyenne de photographies tirées avec remise, `RESAMPLED` fois.

    Une précision moyenne n'est pas une moyenne de photographies : son intervalle est celui que
    ces tirages bornent 95 fois sur 100 (*bootstrap*). La même graine tire les mêmes photographies.

    Args:
        rows: ce que valent les détections de chaque photographie.
        seed: graine des tirages.

    Returns:
        `(RESAMPLED,)`.

    Source : Efron, « Bootstrap Methods: Another Look at the Jackknife », Annals of Statistics 7(1),
    1979.
    """
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, len(rows), (RESAMPLED, len(rows)))
    return np.array([pooled_precision([rows[i] for i in each]) for each in drawn])


class Precision(NamedTuple):
    """Une précision moyenne, et celle de photographies tirées avec remise."""

    value: float
    drawn: np.ndarray  # (RESAMPLED,)


def measure_precision(found: list[Detections], scenes: Scenes, label: int) -> Precision:
    """Rend la précision moyenne des détections d'une classe."""
    rows = answers(found, scenes, label)
    return Precision(pooled_precision(rows), resampled_precisions(rows))


# --- Question : que vaut un réseau, à côté ? -----------------------------------------


def witnesses() -> dict[str, float]:
    """Mesure le seuil de couleur à côté du réseau livré, sur les mêmes photographies de test.

    Le seuil, la marge et la taille des taches à compter sont choisis sur les photographies
    d'apprentissage et de validation.

    Returns:
        Pour les globules blancs et les plaquettes, `ap WBC`, la précision moyenne des taches,
        `ap_gap WBC`, ce qu'elle a de plus que celle du réseau, et ce que rend `compare_counts` ;
        pour les trois classes, `network ap RBC`, la précision moyenne du réseau livré. Chaque nom
        suivi de `low` ou de `high` est une borne de l'intervalle à 95 %, de photographies
        seulement.
    """
    parts = {name: read_scenes(part) for name, part in cells.load_cells().items()}
    train, val, test = parts.values()
    images, boxes, labels = (np.concatenate([train[k], val[k]]) for k in range(3))
    known = Scenes(images, boxes, labels, None)
    rules = {name: choose_rule(known, name) for name in LARGEST_PX}
    min_sides = choose_scores(find_all(images, rules), labels)
    print(f"Réglages : {rules} ; scores : {min_sides}")
    spots = find_all(test.images, rules)
    found = find(saving.load_model("ex17_cells"), test.images)
    counted = believe(spots, min_sides)
    network_counted = believe(found, read_report("ex17_cells").details["min_scores"])
    measures = {}
    for label, name in enumerate(cells.CLASSES):
        its = measure_precision(found, test, label)
        measures |= bounded(f"network ap {name}", its)
        if name in rules:
            mine = measure_precision(spots, test, label)
            gap = Precision(mine.value - its.value, mine.drawn - its.drawn)
            measures |= bounded(f"ap {name}", mine) | bounded(f"ap_gap {name}", gap)
            measures |= compare_counts(counted, network_counted, test, label)
    return {name: float(value) for name, value in measures.items()}


def compare_counts(
    ours: list[Detections], network: list[Detections], test: Scenes, label: int
) -> dict[str, float]:
    """Compare les comptes du seuil à ceux du réseau, pour une classe.

    Args:
        ours: les taches qui sont comptées, photographie par photographie.
        network: les détections du réseau qui le sont.
        test: les photographies.
        label: numéro de la classe.

    Returns:
        `error WBC` et `network error WBC`, l'erreur des deux comptes par photographie ;
        `error_gap WBC`, la première moins la seconde.
    """
    name = cells.CLASSES[label]
    mine, its = (
        miscounts([count(each.labels) for each in counted], test.labels)[:, label]
        for counted in (ours, network)
    )
    gap = intervals.paired_gap(mine[None], its[None])  # une graine : les photographies seules
    measures = {f"error {name}": mine.mean(), f"network error {name}": its.mean()}
    return measures | dict(zip(names(f"error_gap {name}"), gap, strict=True))


def names(name: str) -> tuple[str, str, str]:
    """Nomme une mesure et les deux bornes de son intervalle."""
    return name, f"{name} low", f"{name} high"


def bounded(name: str, precision: Precision) -> dict[str, float]:
    """Rend une mesure, et l'intervalle où tombent 95 tirages sur 100."""
    ends = np.percentile(precision.drawn, (2.5, 97.5))
    return dict(zip(names(name), (precision.value, *ends), strict=True))
