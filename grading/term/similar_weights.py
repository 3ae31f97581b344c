"""Comparer les poids de rendus : partis du même point, ou non.

Deux réseaux de même forme entraînés depuis des graines différentes n'ont rien en commun : le
cosinus de leurs tableaux de poids reste près de 0. Il reste près de 1 si l'un est fait de l'autre,
et tout autant si la graine était la même : les deux ont alors commencé par les mêmes nombres.
"""

import hashlib
from collections.abc import Mapping
from functools import partial
from itertools import combinations
from typing import NamedTuple

import numpy as np

from grading import pupil, submission
from grading.sandbox import Limits
from grading.submission import Submission

# Mesuré sur un petit réseau (Fashion-MNIST, 4000 images, 5 époques), médiane de ses tableaux :
# de -0,09 à 0,06 entre graines ; 0,999 après une époque de plus, 0,98 après cinq, 0,93 après
# quinze ; 0,97 à 0,98 entre deux entraînements de même graine, d'autres durées, pas ou lots.
# LeNet, 30 000 chiffres : -0,06 d'une graine à l'autre ; de même graine, 0,94 à 0,97.
ALIKE = 0.5
LIMITS = Limits(cpu_s=60, memory_mb=2048)


class SameStart(NamedTuple):
    """Deux rendus dont les poids sont partis du même point.

    Attributes:
        names: leurs élèves.
        identical: ce sont les mêmes fichiers.
        cosine: médiane sur les tableaux de poids, de `ALIKE` à 1.
    """

    names: tuple[str, str]
    identical: bool
    cosine: float


def cosine(ours: list, theirs: list) -> float:
    """Rend le cosinus médian des tableaux de deux réseaux, pris dans l'ordre.

    Args:
        ours: rendu par `probes.digest`.
        theirs: de même.

    Returns:
        Entre -1 et 1 ; un tableau sans vis-à-vis de même forme compte pour 0.
    """
    found = [0.0] * max(len(ours), len(theirs), 1)
    for rank, ((shape, one), (other_shape, two)) in enumerate(zip(ours, theirs, strict=False)):
        one, two = np.asarray(one, float), np.asarray(two, float)
        norms = np.linalg.norm(one) * np.linalg.norm(two)
        if tuple(shape) == tuple(other_shape) and norms > 0:
            found[rank] = float(one @ two / norms)
    return float(np.median(found))


def digests(submitted: Mapping[str, Submission], slug: str) -> dict[str, tuple[bytes, list]]:
    """Résume les poids des rendus qui en ont, chacun lu par un enfant à lui.

    Args:
        submitted: rendus, par élève.
        slug: nom de l'exercice, `"ex02_fashion"`.

    Returns:
        Par élève, le SHA-256 du fichier et son résumé (`probes.digest`) ; un fichier illisible
        n'y est pas.
    """
    contents = {name: submission.weights(each, slug) for name, each in submitted.items()}
    contents = {name: content for name, content in contents.items() if content is not None}
    found: dict[str, tuple[bytes, list]] = {}
    if len(contents) < 2:
        return found
    workshop = pupil.Workshop("numpy")
    try:
        for name, content in contents.items():
            child = pupil.Child(workshop, partial(submission.stage, submitted=None), LIMITS)
            try:
                digest = child.ask({"op": "digest", "content": content}, 60)["value"]
                found[name] = hashlib.sha256(content).digest(), digest
            except pupil.Failure:
                continue
            finally:
                child.kill()
    finally:
        workshop.close()
    return found


def compare_weights(submitted: Mapping[str, Submission], slug: str) -> list[SameStart]:
    """Cherche les rendus dont les poids sont partis du même point.

    Args:
        submitted: rendus, par élève.
        slug: nom de l'exercice, `"ex02_fashion"`.

    Returns:
        Les paires, les plus proches d'abord.
    """
    found, pairs = digests(submitted, slug), []
    for one, two in combinations(found, 2):
        (key, ours), (other_key, theirs) = found[one], found[two]
        near = 1.0 if key == other_key else cosine(ours, theirs)
        if near >= ALIKE:
            pairs.append(SameStart((one, two), key == other_key, near))
    return sorted(pairs, key=lambda pair: (not pair.identical, -pair.cosine, pair.names))
