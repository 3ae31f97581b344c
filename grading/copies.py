"""Reconnaître des poids copiés : ceux du dépôt, ou ceux d'un autre rendu."""

import functools
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from grading import submission

CLOSE = 0.3  # écart moyen de deux tableaux, en écarts-types ; plus de 0,8 entre modèles livrés
SHIPPED = 0.5  # part des tableaux qui suffit pour dire que des poids viennent du dépôt


def shared(ours: Sequence, theirs: Sequence) -> float:
    """Rend la part des tableaux de poids de `ours` qui sont aussi dans `theirs`.

    Args:
        ours: rendu par `probes.digest`.
        theirs: de même.

    Returns:
        Entre 0 et 1 ; 0 si l'un des deux est vide.
    """
    found = [
        any(_same(np.asarray(values), np.asarray(each)) for other, each in theirs if shape == other)
        for shape, values in ours
    ]
    return sum(found) / len(found) if found else 0.0


def _same(ours: np.ndarray, theirs: np.ndarray) -> bool:
    gap = np.abs(ours - theirs).mean() if ours.shape == theirs.shape else np.inf
    return bool(gap <= CLOSE * (theirs.std() + 1e-6))


@functools.cache
def shipped(slug: str, suffix: str) -> tuple[Path, ...]:
    """Liste les poids livrés dont les images ont la taille de celles d'un exercice.

    Args:
        slug: nom de l'exercice.
        suffix: fin de nom, `".keras"` par exemple.

    Returns:
        Des fichiers de `models/`.
    """
    paths = sorted((submission.REPO / "models").glob(f"*{suffix}"))
    reports = [submission.published(slug, ".json"), *(each.with_suffix(".json") for each in paths)]
    shape, *shapes = (json.loads(each.read_bytes()).get("input_shape") for each in reports)
    return tuple(path for path, each in zip(paths, shapes, strict=True) if each == shape)


def judge(ask, slug: str) -> tuple[str, str] | None:
    """Cherche d'où viennent les poids d'un rendu, `.keras` et `.tflite`.

    Args:
        ask: la question.
        slug: nom de l'exercice, `"ex03_cifar10"` par exemple.

    Returns:
        `(raison, précision)` s'ils sont d'ailleurs ; None s'ils sont à lui, ou absents.
    """
    if ask.desk.submission.shipped:
        return None
    for suffix in (".keras", ".tflite"):
        content = submission.weights(ask.desk.submission, slug, suffix)
        # Un modèle livré en prolonge parfois un autre : le plus proche est nommé.
        share, name = max(
            (
                (_share(ask, content, each.read_bytes(), suffix), each.name)
                for each in shipped(slug, suffix)
                if content
            ),
            default=(0, ""),
        )
        if share >= SHIPPED:
            return "weights_copied", name
        for other in ask.desk.others if content else ():
            theirs = submission.weights(other, slug, suffix)
            if theirs and _share(ask, content, theirs, suffix) == 1:
                return "weights_shared", other.name
    return None


def _share(ask, ours: bytes, theirs: bytes, suffix: str) -> float:
    """Rend la part de poids communs à deux fichiers ; d'un `.tflite`, on sait s'il est le même."""
    if ours == theirs or suffix == ".tflite":
        return float(ours == theirs)
    return shared(ask.desk.digest(ours), ask.desk.digest(theirs))
