"""Ce qu'une réponse contient : des nombres, ou plusieurs éléments, dont chacun se compare.

D'un tuple dont un élément est faux, ou de deux éléments échangés, les nombres mis bout à bout ne
disent rien : c'est l'élément qu'il faut nommer.
"""

import itertools
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import NamedTuple

import numpy as np

from grading.asking import differences
from grading.inside import messages

MAX_PARTS = 5  # au-delà, nommer chaque élément n'aide plus
ORDINALS = ("1er", "2e", "3e", "4e", "5e")


class Lacking(NamedTuple):
    """Ce qui tient lieu d'une part que la réponse n'a pas."""

    said: str


class Keyed(tuple):
    """Les valeurs de plusieurs clés d'un dictionnaire, ou des champs d'un `NamedTuple`.

    `names` sont ces clés, ou ces champs.
    """

    names: tuple[str, ...] = ()


def with_names(value, names: tuple[str, ...]):
    """Nomme les éléments d'une valeur, si elle en a autant que de noms."""
    if not names or not isinstance(value, tuple | list) or len(value) != len(names):
        return value
    found = Keyed(value)
    found.names = names
    return found


def as_floats(value) -> np.ndarray | None:
    """Rend des nombres en float64, `Fraction` comprises ; None si ce n'en sont pas."""
    if isinstance(value, str | bytes | dict | messages.Opaque | Lacking | None):
        return None
    try:
        array = _as_array(value)
        if array.dtype.kind in "biuf":
            return array.astype(np.float64)
        array = np.asarray(value, dtype=object)
        said = any(isinstance(each, str | bytes) for each in array.flat)
        return None if said else array.astype(np.float64)
    except (TypeError, ValueError, OverflowError, ZeroDivisionError):
        return None


def _as_array(value) -> np.ndarray:
    """Fait un tableau d'une valeur ; d'objets, si ses listes n'ont pas la même longueur."""
    try:
        return np.asarray(value)
    except ValueError:
        return np.asarray(value, dtype=object)


def kind_of(value) -> str:
    """Nomme ce qu'est une valeur, pour qui l'a rendue : `"None"`, `"tableau (3, 4)"`, `"Graph"`."""
    if isinstance(value, messages.Opaque):
        return value.type_name
    if isinstance(value, Lacking):
        return value.said
    if isinstance(value, np.ndarray):
        return f"tableau {value.shape} {value.dtype}"
    return "None, il manque un `return`" if value is None else type(value).__name__


def lacks(value, expected) -> Lacking | None:
    """Dit ce qui manque à une valeur qui n'a pas les éléments de la bonne ; None si elle les a."""
    if isinstance(value, np.ndarray) and isinstance(expected, tuple) and value.shape:
        return None if len(value) == len(expected) else _counted(value, expected)
    if isinstance(expected, tuple) and not isinstance(value, tuple | list):
        return _counted(value, expected)
    if isinstance(expected, tuple) and len(value) < len(expected):
        return Lacking(f"attendu : {len(expected)} éléments ; rendu : {len(value)}")
    if isinstance(expected, dict) and not isinstance(value, dict):
        return Lacking(f"attendu : un dictionnaire ; rendu : {kind_of(value)}")
    return None


def _counted(value, expected: tuple) -> Lacking:
    return Lacking(f"attendu : {len(expected)} éléments ; rendu : {kind_of(value)}")


def taken(value, part: Callable):
    """Tire une part d'une valeur ; de plusieurs clés, garde leurs noms.

    Raises:
        ArithmeticError, AttributeError, LookupError, TypeError, ValueError: la part n'y est pas.
    """
    found = part(value)
    if isinstance(part, itemgetter) and isinstance(value, dict) and isinstance(found, tuple):
        found = with_names(found, part.__reduce__()[1])
    return found


def name_of(part: Callable | None = None, *, whole=None) -> str:
    """Nomme l'élément que tire une part : "`accuracy`", "le 2e élément" ; "" s'ils sont plusieurs.

    Args:
        part: ce qui se compare d'une valeur ; None si c'est tout.
        whole: la valeur entière.
    """
    keys = part.__reduce__()[1] if isinstance(part, itemgetter) else ()
    if len(keys) == 1 and isinstance(whole, dict):
        return f"`{keys[0]}`"
    if len(keys) == 1 and isinstance(whole, tuple | list) and keys[0] in range(len(ORDINALS)):
        return f"le {ORDINALS[keys[0]]} élément"
    return ""


# --- L'élément qui est faux ----------------------------------------------------------


def explain(pairs: Sequence[tuple[object, object]], same: Callable) -> tuple[str, str] | None:
    """Nomme les éléments faux de réponses qui en ont plusieurs.

    Args:
        pairs: `(valeur rendue, bonne valeur)` de chaque appel manqué.
        same: dit si deux valeurs sont égales.

    Returns:
        Une raison et ce qui la précise ; None si ce ne sont pas des éléments à nommer.
    """
    if not _have_parts(pairs):
        return None
    if are_exchanged(pairs, same):
        return "parts_exchanged", ""
    count = len(pairs[0][1])
    columns = [[(found[k], expected[k]) for found, expected in pairs] for k in range(count)]
    every = {_difference(column) for column in columns}
    if len(every) == 1 and None not in every:
        return every.pop(), ""
    wrong = [k for k in range(count) if not all(same(*pair) for pair in columns[k])]
    names = getattr(pairs[0][1], "names", ()) or [f"le {each}" for each in ORDINALS[:count]]
    if len(wrong) == 1 and (reason := _difference(columns[wrong[0]])):
        return reason, f"seul élément faux : {names[wrong[0]]}"
    return _named(wrong, names, columns)


def _named(
    wrong: Sequence[int], names: Sequence[str], columns: Sequence[Sequence[tuple]]
) -> tuple[str, str] | None:
    """Dit quels éléments sont bons, et lesquels sont faux ; None si rien ne les distingue."""
    directions = {k: _direction(columns[k]) for k in wrong}
    if len(wrong) == len(columns) and not any(directions.values()):
        return None
    good = ", ".join(names[k] for k in range(len(columns)) if k not in wrong) or "aucun"
    said = ", ".join(names[k] + directions[k] for k in wrong)
    return "wrong_parts", f"bon : {good} ; faux : {said}"


def _have_parts(pairs: Sequence[tuple[object, object]]) -> bool:
    """Dit si toutes les réponses, et les bonnes, ont autant d'éléments, et assez peu."""
    count = len(pairs[0][1]) if pairs and isinstance(pairs[0][1], tuple) else 0
    return 2 <= count <= MAX_PARTS and all(
        isinstance(found, tuple | list)
        and isinstance(expected, tuple)
        and len(found) == len(expected) == count
        for found, expected in pairs
    )


def are_exchanged(pairs: Sequence[tuple], same: Callable) -> bool:
    """Dit si les bons éléments sont rendus, dans un autre ordre, le même à chaque appel.

    D'un dictionnaire, ce sont les valeurs, dans l'ordre des clés.
    """
    pairs = [_in_order(*pair) for pair in pairs]
    pairs = [pair for pair in pairs if not _is_one(*pair) or not same(*pair)]  # un seul ne dit rien
    if not pairs:
        return False
    counts = {len(each) if isinstance(each, tuple | list) else 0 for pair in pairs for each in pair}
    if len(counts) != 1 or not 2 <= counts.pop() <= MAX_PARTS:
        return False
    orders = itertools.permutations(range(len(pairs[0][1])))
    next(orders)  # l'ordre demandé
    return any(
        all(
            same(found[k], expected[place])
            for found, expected in pairs
            for k, place in enumerate(order)
        )
        for order in orders
    )


def _is_one(found, expected) -> bool:
    """Dit si deux listes n'ont chacune qu'un élément."""
    return all(isinstance(each, list) and len(each) == 1 for each in (found, expected))


def _in_order(found, expected) -> tuple:
    """Rend deux valeurs ; de dictionnaires de mêmes clés, ce qu'ils contiennent, dans cet ordre."""
    if not isinstance(found, dict) or not isinstance(expected, dict) or {*found} != {*expected}:
        return found, expected
    return [found[key] for key in expected], [*expected.values()]


def _difference(column: Sequence[tuple]) -> str | None:
    """Cherche une différence ordinaire (`differences`) qui explique tout d'un élément."""
    pairs = [(as_floats(found), as_floats(expected)) for found, expected in column]
    every = [each for pair in pairs for each in pair]
    known = all(each is not None and each.size and np.isfinite(each).all() for each in every)
    return differences.explain(pairs) if known else None


def _direction(column: Sequence[tuple]) -> str:
    """Dit d'un élément que sa forme est fausse, ou qu'il est toujours trop grand, ou trop petit."""
    gaps = []
    for found, expected in column:
        ours, theirs = as_floats(found), as_floats(expected)
        if ours is None or theirs is None:
            return ""
        if ours.shape != theirs.shape:
            return f" (forme {ours.shape} au lieu de {theirs.shape})"
        gap = ours - theirs
        gaps.append(gap[np.abs(gap) > 1e-9].ravel())
    every = np.concatenate(gaps)
    if not len(every) or not np.isfinite(every).all():
        return ""
    return " (trop grand)" if (every > 0).all() else " (trop petit)" if (every < 0).all() else ""
