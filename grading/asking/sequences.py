"""Dire en quoi une liste, ou une suite de mots, diffère de la bonne, sans dire la bonne.

`differences` compare des nombres, place par place. Une liste peut aussi avoir un élément de trop
au début ou à la fin, en perdre un, les ranger autrement, ou ne pas être une liste.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from grading.asking.differences import Difference, first_reason

MAX_ELEMENTS = 3000  # au-delà, chercher une liste dans l'autre ferait attendre
MIN_NUMBERS = 3  # en deçà, des nombres se retrouvent par hasard dans une autre liste
DIGITS = ".5g"  # chiffres qui comptent d'un nombre à virgule


class Pair(NamedTuple):
    """Les éléments d'une liste rendue, et ceux de la bonne."""

    found: list
    expected: list


# --- Lire ----------------------------------------------------------------------------


def frozen(value):
    """Rend une valeur dont les listes et les tableaux sont des tuples : elles se comparent."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    return tuple(map(frozen, value)) if isinstance(value, list | tuple) else value


def has_words(value) -> bool:
    """Dit si une valeur est une chaîne, ou contient des chaînes."""
    if isinstance(value, np.ndarray):
        return value.dtype.kind == "U"
    return isinstance(value, str) or (
        isinstance(value, list | tuple) and any(map(has_words, value))
    )


def are_words(found, expected) -> bool:
    """Dit si c'est de mots qu'il s'agit : la bonne valeur en a, ou n'a rien là où il y en a."""
    is_empty = isinstance(expected, list | tuple) and not expected
    return has_words(expected) or (is_empty and has_words(found))


def _elements(value) -> list | None:
    """Rend les éléments d'une liste, ou d'un tableau à un axe ; None si ce n'en est pas une."""
    is_list = isinstance(value, list | tuple)
    if not is_list and not (isinstance(value, np.ndarray) and value.ndim == 1):
        return None
    every = [_rounded(each) for each in frozen(value)]
    try:
        hash(tuple(every))
    except TypeError:  # un dictionnaire : ce ne sont pas des éléments à comparer
        return None
    return every if len(every) <= MAX_ELEMENTS else None


def _rounded(value):
    return float(f"{value:{DIGITS}}") if isinstance(value, float) else value


# --- Comparer ------------------------------------------------------------------------


def _extra_after(found: list, expected: list) -> bool:
    return len(found) > len(expected) and found[: len(expected)] == expected


def _extra_before(found: list, expected: list) -> bool:
    return len(found) > len(expected) and found[len(found) - len(expected) :] == expected


def _extra_around(found: list, expected: list) -> bool:
    """Les bons éléments se suivent, entre d'autres."""
    starts = range(len(found) - len(expected) + 1)
    return any(found[k : k + len(expected)] == expected for k in starts)


def _extra_among(found: list, expected: list) -> bool:
    """Les bons éléments sont tous là, dans l'ordre, et d'autres sont entre eux."""
    rest = iter(found)
    return len(found) > len(expected) and all(each in rest for each in expected)


def _missing(extra: Callable) -> Callable:
    """Fabrique : c'est la liste rendue qui est dans la bonne ; une liste vide n'est nulle part."""

    def explains(found: list, expected: list) -> bool:
        return bool(found) and extra(expected, found)

    return explains


def _once(found: list, expected: list) -> bool:
    return found == [*dict.fromkeys(expected)]


def _reversed(found: list, expected: list) -> bool:
    return found == expected[::-1]


def _reordered(found: list, expected: list) -> bool:
    return Counter(found) == Counter(expected)


def _not_empty(found: list, expected: list) -> bool:
    return bool(found) and not expected


def _empty(found: list, expected: list) -> bool:
    return bool(expected) and not found


# De la plus précise à la plus vague : la première qui explique tout est dite.
DIFFERENCES = (
    Difference("not_empty", _not_empty),
    Difference("empty_result", _empty),
    Difference("some_extra", _extra_after),
    Difference("extra_before", _extra_before),
    Difference("extra_around", _extra_around),
    Difference("extra_among", _extra_among),
    Difference("repeated_once", _once),
    Difference("some_missing", _missing(_extra_after)),
    Difference("missing_before", _missing(_extra_before)),
    Difference("missing_around", _missing(_extra_around)),
    Difference("missing_among", _missing(_extra_among)),
    Difference("list_reversed", _reversed),
    Difference("reordered", _reordered),
)


def explain(values: Sequence[tuple[object, object]]) -> tuple[str, str] | None:
    """Cherche ce qui explique en quoi toutes ces listes diffèrent.

    Args:
        values: `(valeur rendue, bonne valeur)` de chaque appel manqué.

    Returns:
        L'identifiant d'une raison, et combien d'éléments sont de trop, ou manquent, si c'est à
        chaque appel le même nombre ; None si rien de connu n'explique tout.
    """
    if reason := _of_kind(values):
        return reason, ""
    pairs = [Pair(_elements(found), _elements(expected)) for found, expected in values]
    if any(side is None for pair in pairs for side in pair):
        return None
    if not all(are_words(*each) for each in values) and not _are_many(pairs):
        return None
    reason = first_reason(DIFFERENCES, pairs)
    return (reason, _gap(pairs)) if reason else None


def _of_kind(values: Sequence[tuple[object, object]]) -> str | None:
    """Dit si ce n'est jamais une liste, ou si ce n'en sont jamais les mots."""
    if all(isinstance(a, str) and isinstance(b, list | tuple) for a, b in values):
        return "string_for_list"
    spoken = [found for found, expected in values if has_words(expected)]
    return "numbers_for_words" if spoken and all(map(_are_numbers, spoken)) else None


def _are_numbers(value) -> bool:
    every = _elements(value)
    return bool(every) and all(isinstance(each, int | float) for each in every)


def _are_many(pairs: Sequence[Pair]) -> bool:
    """Dit si des nombres sont assez nombreux, et assez divers, pour se reconnaître."""
    return all(len({*each}) >= MIN_NUMBERS for pair in pairs for each in pair)


def _gap(pairs: Sequence[Pair]) -> str:
    gaps = {len(found) - len(expected) for found, expected in pairs}
    gap = gaps.pop() if len(gaps) == 1 else 0
    if not gap:
        return ""
    said = f"{abs(gap)} élément" + ("s" if abs(gap) > 1 else "")
    return f"{said} de trop" if gap > 0 else f"il manque {said}"


def first_fault(found, expected) -> tuple[str, str]:
    """Dit en quoi une seule réponse, faite de mots, diffère de la bonne."""
    if known := explain([(found, expected)]):
        reason, detail = known
        return reason, " ; ".join(filter(None, [detail, "dans l'appel montré"]))
    ours, theirs = _elements(found), _elements(expected)
    if ours is None or theirs is None:
        is_word = isinstance(found, str) and isinstance(expected, str)
        return ("wrong_values" if is_word else "wrong_type"), ""
    if len(ours) != len(theirs):
        return "wrong_shape", f"attendu : {len(theirs)} éléments ; rendu : {len(ours)}"
    right = [a == b for a, b in zip(ours, theirs, strict=True)]
    share = f"{sum(right)} sur {len(right)} sont justes"
    where = f" ; le premier faux est à l'indice [{right.index(False)}]" if any(right) else ""
    return "wrong_values", f"{share}{where} ; dans l'appel montré"
