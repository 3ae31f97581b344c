"""L'intervalle à 95 % d'une mesure faite sur plusieurs graines et plusieurs images.

Deux hasards font bouger une mesure : celui de l'apprentissage (une graine : poids de départ, ordre
des images) et celui des images qui la mesurent. L'intervalle tient compte des deux. Deux méthodes
se comparent par paires : mêmes graines, mêmes images ; la différence de chaque paire est alors la
mesure. L'exercice 23 construit ce calcul et le simule ; toute leçon qui compare appelle celui-ci.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

LEVEL = 0.95


class Interval(NamedTuple):
    """Une moyenne, et les bornes de son intervalle à 95 %, dans l'unité de la mesure."""

    mean: float
    low: float
    high: float


def mean_interval(values: np.ndarray) -> Interval:
    """Rend la moyenne d'une mesure, et son intervalle sur les graines et sur les images.

    La variance de la moyenne est la somme de deux termes : la variance des moyennes par graine,
    divisée par le nombre de graines, et celle des moyennes par image, divisée par le nombre
    d'images. Satterthwaite donne le nombre de degrés de liberté : peu de graines élargissent
    l'intervalle, si ce sont elles qui font varier la mesure. Une seule graine ne dit rien du hasard
    de l'apprentissage : l'intervalle n'est alors que celui des images ; et de même avec une image.

    Args:
        values: nombres `(graines, images)` : une réponse juste vaut 1, une fausse 0 ; ou une perte,
            ou la différence de deux méthodes sur la même image.

    Returns:
        La moyenne et son intervalle.

    Raises:
        ValueError: pas un tableau de deux axes, ou moins de deux valeurs.

    Source : Cameron, Gelbach et Miller, « Robust Inference With Multiway Clustering », Journal of
    Business & Economic Statistics 29(2), 2011 ; Satterthwaite, Biometrics Bulletin 2(6), 1946.
    """
    values = np.asarray(values, np.float64)
    if values.ndim != 2 or values.size < 2:
        raise ValueError(
            f"Mesures de forme {values.shape} : un tableau (graines, images) est attendu, "
            "d'au moins deux valeurs."
        )
    mean, variance, shares = float(values.mean()), 0.0, 0.0
    for means in (values.mean(axis=1), values.mean(axis=0)):  # par graine, puis par image
        if len(means) > 1:
            part = means.var(ddof=1) / len(means)
            variance += part
            shares += part**2 / (len(means) - 1)
    if variance == 0:
        return Interval(mean, mean, mean)
    reach = float(stats.t.ppf((1 + LEVEL) / 2, variance**2 / shares) * variance**0.5)
    return Interval(mean, mean - reach, mean + reach)


def paired_gap(values: np.ndarray, reference: np.ndarray) -> Interval:
    """Compare une méthode à une autre, sur les mêmes graines et les mêmes images.

    Args:
        values: mesures de la méthode, `(graines, images)`, nombres ou booléens.
        reference: celles de l'autre, dans le même ordre.

    Returns:
        La différence moyenne, `values` moins `reference`, et son intervalle.

    Raises:
        ValueError: tableaux de formes différentes, ou ce que refuse `mean_interval`.
    """
    if np.shape(values) != np.shape(reference):
        raise ValueError(
            f"Mesures de formes {np.shape(values)} et {np.shape(reference)} : les deux méthodes "
            "doivent avoir les mêmes graines et les mêmes images."
        )
    return mean_interval(np.asarray(values, np.float64) - np.asarray(reference, np.float64))


def by_image(values: dict[str, np.ndarray]) -> tuple[dict[str, float], dict[str, list]]:
    """Rend ce qu'une graine garde de chaque méthode, prêt à écrire en JSON.

    Args:
        values: par méthode, ce que vaut chaque image, `(n,)` ; des booléens, si elle est juste.

    Returns:
        Par méthode, la moyenne des images ; par méthode, ce que vaut chacune, ce que lit `stack`.
    """
    means = {name: float(each.mean()) for name, each in values.items()}
    return means, {name: (1 * each).tolist() for name, each in values.items()}


def stack(found: Sequence[dict[str, list]]) -> dict[str, np.ndarray]:
    """Réunit ce que garde chaque graine, par méthode : `(graines, images)`."""
    return {name: np.array([each[name] for each in found]) for name in found[0]}


def against_others(found: Sequence[dict[str, list]], name: str) -> dict[str, list[float]]:
    """Compare une méthode à chaque autre, sur toutes les graines et toutes les images.

    Args:
        found: par graine, ce que vaut chaque méthode à chaque image.
        name: la méthode comparée.

    Returns:
        Pour chaque autre, `[moyenne, bas, haut]` de ce que `name` a de plus (voir `paired_gap`).
    """
    values = stack(found)
    own = values.pop(name)
    return {other: list(paired_gap(own, each)) for other, each in values.items()}


def paired_gaps(
    found: Sequence[dict[str, list]], pairs: Sequence[tuple[str, str]]
) -> dict[str, list[float]]:
    """Compare des méthodes deux à deux, sur toutes les graines et toutes les images.

    Args:
        found: par graine, ce que vaut chaque méthode à chaque image.
        pairs: les deux noms de chaque comparaison.

    Returns:
        Pour chaque paire, sous le nom `"un - autre"`, `[moyenne, bas, haut]` de ce que la première
        méthode a de plus (voir `paired_gap`).
    """
    values = stack(found)
    return {
        f"{one} - {other}": list(paired_gap(values[one], values[other])) for one, other in pairs
    }


def sign(gap: Interval) -> int:
    """Rend 1 si l'intervalle est au-dessus de zéro, -1 au-dessous, 0 s'il contient zéro."""
    return int(gap.low > 0) - int(gap.high < 0)
