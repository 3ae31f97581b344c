"""Juger un suivi : MOTA compte les fautes image par image, IDF1 l'identité sur toute la durée.

D'après : S3 « Object Tracking ».
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

IOU_FOUND = 0.5  # un objet est trouvé si sa boîte est recouverte au moins autant


class Tracks(NamedTuple):
    """Des boîtes et leurs identités, image par image : la vérité, ou ce qu'un suivi en dit."""

    ids: Sequence[np.ndarray]  # (n,) entiers par image, chacun une fois au plus
    boxes: Sequence[np.ndarray]  # (n, 4) par image : x0, y0, x1, y1


class Counts(NamedTuple):
    """Ce qu'il faut compter dans une vidéo ; d'une vidéo à l'autre, les comptes s'ajoutent."""

    truths: int  # boîtes vraies
    found: int  # boîtes rendues
    misses: int  # boîtes vraies que rien ne recouvre
    false_alarms: int  # boîtes rendues qui ne recouvrent rien
    switches: int  # objets dont l'identité rendue vient de changer
    identified: int  # boîtes de la bonne identité, la meilleure correspondance étant choisie


def overlaps(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Rend l'IoU `(n, m)` de chaque paire de boîtes `(n, 4)` et `(m, 4)` ; voir l'exercice 17."""
    first, second = first[:, None], second[None]
    sides = np.minimum(first[..., 2:], second[..., 2:]) - np.maximum(
        first[..., :2], second[..., :2]
    )
    common = np.clip(sides, 0, None).prod(-1)
    area = [np.clip(each[..., 2:] - each[..., :2], 0, None).prod(-1) for each in (first, second)]
    union = area[0] + area[1] - common
    return np.divide(common, union, out=np.zeros(union.shape), where=union > 0)


# --- Question : combien de fautes, image par image ? ---------------------------------


def count_faults(truth: Tracks, found: Tracks) -> tuple[int, int, int]:
    """Compte oublis, fausses alarmes et changements d'identité.

    Une boîte recouvre un objet si leur IoU est d'au moins 0,5. Un objet garde la boîte de
    l'identité qu'il avait tant qu'elle le recouvre ; les autres sont appariés au mieux, de la plus
    grande somme d'IoU. Un changement d'identité se compte même après une absence.

    Args:
        truth: la vérité.
        found: ce que rend un suivi, sur les mêmes images.

    Returns:
        `(oublis, fausses alarmes, changements)`.

    Source : Bernardin et Stiefelhagen, « Evaluating Multiple Object Tracking Performance: The
    CLEAR MOT Metrics », EURASIP JIVP, 2008.
    """
    misses = false_alarms = switches = 0
    last = {}  # dernière identité rendue de chaque objet
    for true_ids, true_boxes, ids, boxes in zip(*truth, *found, strict=True):
        shared = overlaps(true_boxes, boxes)
        # Garder une identité vaut mieux que tout recouvrement, qui ne dépasse pas 1.
        kept = np.array([[last.get(i) == j for j in ids] for i in true_ids]).reshape(shared.shape)
        value = np.where(shared >= IOU_FOUND, shared + len(ids) * kept, 0)
        pairs = [(i, j) for i, j in zip(*linear_sum_assignment(-value), strict=True) if value[i, j]]
        for i, j in pairs:
            switches += int(last.get(true_ids[i], ids[j]) != ids[j])
            last[true_ids[i]] = ids[j]
        misses += len(true_ids) - len(pairs)
        false_alarms += len(ids) - len(pairs)
    return misses, false_alarms, switches


# --- Question : combien de temps la bonne identité ? ---------------------------------


def count_identified(truth: Tracks, found: Tracks) -> int:
    """Compte les boîtes bien identifiées, chaque objet n'ayant droit qu'à une identité rendue.

    La correspondance, une pour toute la vidéo, est celle qui en compte le plus : une boîte compte
    si elle recouvre l'objet de son identité, d'une IoU d'au moins 0,5.

    Args:
        truth: la vérité.
        found: ce que rend un suivi, sur les mêmes images.

    Source : Ristani, Solera, Zou, Cucchiara et Tomasi, « Performance Measures and a Data Set for
    Multi-Target, Multi-Camera Tracking », arXiv 1609.01775, 2016.
    """
    rows, columns = (
        {identity: k for k, identity in enumerate(dict.fromkeys(np.concatenate(each.ids).tolist()))}
        for each in (truth, found)
    )
    together = np.zeros((len(rows), len(columns)), int)  # images où l'un recouvre l'autre
    for true_ids, true_boxes, ids, boxes in zip(*truth, *found, strict=True):
        for i, j in np.argwhere(overlaps(true_boxes, boxes) >= IOU_FOUND):
            together[rows[int(true_ids[i])], columns[int(ids[j])]] += 1
    return int(together[linear_sum_assignment(-together)].sum())


# --- Question : deux nombres ---------------------------------------------------------


def count(truth: Tracks, found: Tracks) -> Counts:
    """Compte tout ce que demandent `mota` et `idf1` dans une vidéo."""
    sizes = (sum(map(len, each.ids)) for each in (truth, found))
    return Counts(*sizes, *count_faults(truth, found), count_identified(truth, found))


def mota(counts: Counts) -> float:
    """Rend `1 − (oublis + fausses alarmes + changements) / boîtes vraies` : au plus 1."""
    faults = counts.misses + counts.false_alarms + counts.switches
    return 1 - faults / counts.truths


def idf1(counts: Counts) -> float:
    """Rend la moyenne harmonique du rappel et de la précision d'identité, dans [0, 1]."""
    return 2 * counts.identified / (counts.truths + counts.found)
