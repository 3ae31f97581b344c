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
    by_shape: dict[tuple, list[np.ndarray]] = {}
    for shape, values in theirs:
        by_shape.setdefault(tuple(shape), []).append(np.asarray(values))
    found = [
        any(_same(np.asarray(values), each) for each in by_shape.get(tuple(shape), []))
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
    shape = _input_shape(submission.published(slug, ".json"))
    paths = sorted((submission.REPO / "models").glob(f"*{suffix}"))
    return tuple(path for path in paths if _input_shape(path.with_suffix(".json")) == shape)


def _input_shape(report: Path):
    return json.loads(report.read_text(encoding="utf-8")).get("input_shape")


def judge(ask, slug: str) -> tuple[str, str] | None:
    """Cherche d'où viennent les poids d'un rendu, `.keras` et `.tflite`.

    Args:
        ask: la question.
        slug: nom de l'exercice, `"ex03_cifar10"` par exemple.

    Returns:
        `(raison, précision)` s'ils sont d'ailleurs ; None s'ils sont à lui, ou absents.
    """
    if ask.submission.shipped:
        return None
    for suffix in (".keras", ".tflite"):
        content = submission.weights(ask.submission, slug, suffix)
        if content is None:
            continue
        for path in shipped(slug, suffix):
            if content == path.read_bytes():
                return "weights_copied", path.name
        for other in ask.others:
            if content == submission.weights(other, slug, suffix):
                return "weights_shared", other.name
    content = submission.weights(ask.submission, slug)
    ours = ask.digest(content) if content else []
    for path in shipped(slug, ".keras") if ours else ():
        if shared(ours, ask.digest(path.read_bytes())) >= SHIPPED:
            return "weights_copied", path.name
    for other in ask.others if ours else ():
        theirs = submission.weights(other, slug)
        if theirs and shared(ours, ask.digest(theirs)) == 1:
            return "weights_shared", other.name
    return None
