"""Reconnaître des poids copiés : ceux du dépôt, ou ceux d'un autre rendu."""

import functools
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from grading import sealed
from grading.reading import submission

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
def shipped(slug: str, suffix: str) -> dict[str, bytes]:
    """Lit les poids livrés dont les images ont la taille de celles d'un exercice.

    Ce que la leçon d'un élève a enregistré à leur place n'en est pas : ce sont ceux du cours, tels
    que `sealed` les retrouve.

    Args:
        slug: nom de l'exercice.
        suffix: fin de nom, `".keras"` par exemple.

    Returns:
        Par nom de fichier, son contenu ; ceux qui sont introuvables manquent.
    """
    shape = _input_shape(submission.published(slug, ".json"))
    paths = [
        path
        for path in sealed.seals()
        if path.startswith("models/")
        and path.endswith(suffix)
        and _input_shape((submission.REPO / path).with_suffix(".json")) == shape
    ]
    return {Path(path).name: content for path, content in sealed.originals(paths).items()}


def _input_shape(report: Path) -> list | None:
    """Lit la forme d'une image dans un compte rendu de `models/` ; None s'il ne la dit pas."""
    return json.loads(report.read_bytes()).get("input_shape") if report.is_file() else None


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
                (_share(ask, content, theirs, suffix), name)
                for name, theirs in shipped(slug, suffix).items()
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
