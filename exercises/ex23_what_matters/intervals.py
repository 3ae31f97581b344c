"""La différence de deux réseaux sur les mêmes images, et son intervalle à 95 %.

D'après : S1, exercice 2, « ce qui fonctionne le mieux ».

Deux hasards font bouger une différence d'exactitude : celui de l'apprentissage (une graine : poids
de départ, ordre des images) et celui des images de test. Comparer par paires en ôte une part : les
deux réseaux ont même graine et répondent aux mêmes images ; seules comptent celles où l'un a
raison et l'autre tort. Ce qui reste des deux hasards est estimé, puis additionné.
"""

from typing import NamedTuple

import numpy as np
from scipy import stats

LEVEL = 0.95


class Gap(NamedTuple):
    """De combien une exactitude dépasse celle de la référence : parts, dans [-1, 1]."""

    difference: float
    low: float  # bornes de l'intervalle à 95 %
    high: float


# --- Question : de combien, à combien près ? -----------------------------------------


def paired_gap(right: np.ndarray, reference: np.ndarray) -> Gap:
    """Compare un réseau à la référence, graine par graine, image par image.

    La variance de la différence moyenne est la somme de deux termes, un par hasard : celle des
    moyennes par graine, divisée par le nombre de graines, et celle des moyennes par image, divisée
    par le nombre d'images. La somme compte deux fois ce que les deux ont en commun : elle est
    plutôt trop grande. Le nombre de degrés de liberté est celui de Satterthwaite : peu de graines
    élargissent l'intervalle, si ce sont elles qui font varier la différence. Approximation : à
    trois graines, l'intervalle « à 95 % » contient la vérité de 92 à 99 fois sur 100, selon la part
    de chaque hasard (simulé dans les tests). Avec une seule graine, le premier terme est inconnu :
    l'intervalle ne dit que le hasard des images.

    Args:
        right: vrai où le réseau a raison, `(graines, images)` booléens.
        reference: de même pour la référence ; mêmes graines, mêmes images.

    Returns:
        La différence des exactitudes et son intervalle, de largeur nulle si la variance l'est.

    Raises:
        ValueError: tableaux de formes différentes, ou moins de deux images.

    Source : Cameron, Gelbach et Miller, « Robust Inference With Multiway Clustering », Journal of
    Business & Economic Statistics 29(2), 2011 (les deux termes ; le troisième, qu'ils retranchent,
    est laissé) ; Satterthwaite, Biometrics Bulletin 2(6), 1946 (les degrés de liberté).
    """
    if right.shape != reference.shape or right.ndim != 2 or right.shape[1] < 2:
        raise ValueError(
            f"Réponses de formes {right.shape} et {reference.shape} : deux tableaux (graines, "
            "images) de même forme sont attendus, d'au moins deux images."
        )
    gaps = right.astype(np.float64) - reference  # -1, 0 ou 1
    parts = [(axis.var(ddof=1) / axis.size, axis.size - 1) for axis in _means(gaps)]
    difference, variance = float(gaps.mean()), sum(part for part, _ in parts)
    if variance == 0:
        return Gap(difference, difference, difference)
    freedom = variance**2 / sum(part**2 / count for part, count in parts)
    reach = float(stats.t.ppf((1 + LEVEL) / 2, freedom) * variance**0.5)
    return Gap(difference, difference - reach, difference + reach)


def _means(gaps: np.ndarray) -> list[np.ndarray]:
    """Rend les moyennes par graine, s'il y en a plusieurs, et par image."""
    by_image = [gaps.mean(axis=0)]
    return [gaps.mean(axis=1), *by_image] if len(gaps) > 1 else by_image


# --- Question : a-t-on montré quelque chose ? ----------------------------------------


def sign(gap: Gap) -> int:
    """Rend 1 si l'intervalle est au-dessus de zéro, -1 au-dessous, 0 s'il contient zéro."""
    return int(gap.low > 0) - int(gap.high < 0)
