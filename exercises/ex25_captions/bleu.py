"""BLEU : à quel point une phrase ressemble à celle qu'il fallait dire.

D'après : S3, figure (4) ; Papineni et al., « BLEU: a Method for Automatic Evaluation of
Machine Translation », ACL 2002, §2.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np

MAX_ORDER = 4


# --- Question : combien de suites de mots sont justes ? ------------------------------


def runs(words: Sequence[str], order: int) -> Counter:
    """Compte les suites de `order` mots d'une phrase."""
    return Counter(tuple(words[k : k + order]) for k in range(len(words) - order + 1))


def matches(said: Sequence[str], truth: Sequence[str], order: int) -> tuple[int, int]:
    """Compte les suites d'une phrase, et celles que la vraie phrase contient aussi.

    Une suite ne compte pas plus de fois que la vraie phrase ne la contient : sans cela, toutes les
    suites d'« un un » seraient justes.

    Args:
        said: mots de la phrase à juger.
        truth: mots de la vraie phrase.
        order: longueur des suites.

    Returns:
        `(suites justes, suites)`.
    """
    found = runs(said, order)
    return (found & runs(truth, order)).total(), found.total()


# --- Question : en faire une mesure --------------------------------------------------


def brevity_penalty(num_said: int, num_true: int) -> float:
    """Punit une phrase de c mots, plus courte que la vraie de r mots : exp(1 − r / c) ; 1 sinon."""
    if num_said >= num_true:
        return 1.0
    return float(np.exp(1 - num_true / num_said)) if num_said else 0.0


def bleu(
    said: Sequence[Sequence[str]], truths: Sequence[Sequence[str]], *, order: int = MAX_ORDER
) -> float:
    """Mesure des phrases, une référence chacune : BLEU-1 à BLEU-4.

    Les suites justes sont comptées sur toutes les phrases à la fois, et non phrase par phrase : une
    phrase de trois mots n'a aucune suite de quatre.

    Args:
        said: mots de chaque phrase à juger.
        truths: mots de chaque vraie phrase, dans le même ordre.
        order: longueur des plus longues suites.

    Returns:
        Moyenne géométrique des parts justes de chaque longueur, fois la pénalité de brièveté ; 0
        si, d'une longueur, aucune suite n'est juste, ou s'il n'y a aucune suite.
    """
    shares = []
    for n in range(1, order + 1):
        counts = [matches(*pair, n) for pair in zip(said, truths, strict=True)]
        right, total = np.sum(counts, axis=0)
        if not right:
            return 0.0
        shares.append(right / total)
    lengths = (sum(len(words) for words in each) for each in (said, truths))
    return brevity_penalty(*lengths) * float(np.exp(np.mean(np.log(shares))))
