"""Ce que vaut une réponse : une part des points, une raison, le premier appel manqué."""

from fractions import Fraction
from typing import NamedTuple

from grading.asking.failures import Answer


class Wrong(NamedTuple):
    """Le premier appel qui n'a pas donné ce qu'il fallait."""

    function: str
    positional: tuple
    named: dict
    answer: Answer
    expected: object
    reached: Fraction  # le niveau acquis, sans ce que vaut quand même une erreur connue
    whole: tuple | None = None  # réponse et bonne valeur entières, si une part en est comparée
    part: str = ""  # ce qui se compare, si c'est un élément qui se nomme : "`accuracy`"


class Credit(NamedTuple):
    """Ce que vaut une réponse : une part des points, et pourquoi ce n'est pas tout."""

    level: Fraction
    # Identifiant d'une raison (`scale.read_reasons`) ; None si tout est juste.
    reason: str | None = None
    detail: str = ""
    wrong: Wrong | None = None


RIGHT = Credit(Fraction(1))
# Ce qui se dit aussi d'une réponse juste.
REMARKS = ("changed_in_place", "floats_for_integers", "numbers_for_booleans", "doubles_for_singles")


def credit(level, reason: str | None = None, detail: str = "") -> Credit:
    """Fabrique un crédit ; `level` est une fraction, ou son écriture : `"1/2"`."""
    return Credit(Fraction(level), reason, detail)


def at_call(fault: Credit, function: str, call: tuple, answer: Answer, expected: object) -> Credit:
    """Note dans un crédit l'appel, `(positionnels, nommés)`, qui montre la faute.

    `expected` ne sert qu'à dire la forme et le type attendus ; une réponse juste n'a pas d'appel.
    """
    if fault.reason is None:
        return fault
    return fault._replace(wrong=Wrong(function, *call, answer, expected, fault.level))


def first_fault(*faults: tuple) -> Credit:
    """Rend le crédit de la première faute qui a été commise.

    Args:
        faults: `(niveau qui reste, raison, est-ce le cas ?)`, et un détail si l'on veut, de la
            plus grave à la moins grave.
    """
    for level, reason, committed, *detail in faults:
        if committed:
            return credit(level, reason, *detail)
    return RIGHT
