"""Dire de quel argument vient une erreur, quand les valeurs seules ne l'expliquent pas.

`differences` compare ce qui est rendu à ce qui est attendu. Ce module regarde aussi les appels :
le résultat est-il celui d'un appel où deux arguments seraient échangés, ou l'un d'eux oublié ? Les
appels manqués ont-ils un argument que les appels justes n'ont pas ?
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

MAX_POSITIONAL = 4  # au-delà, il y a trop de façons d'échanger deux arguments
FACTORS = (1, -1, 2, -2, 0.5, -0.5)
MIN_CALLS = 3  # en deçà, un écart ressemble par hasard à un argument


class Call(NamedTuple):
    """Un appel : ses arguments, et ce qui en est rendu et attendu."""

    positional: Sequence
    named: dict
    found: np.ndarray | None  # en float64 ; None si ce ne sont pas des nombres
    expected: np.ndarray | None
    is_right: bool
    part: Sequence = ()  # ce qui se compare d'une réponse (`questions.seen`) ; () : tout

    def arguments(self) -> dict[str, Any]:
        """Rend les arguments par leur nom, ou par leur place : `"1er argument"`."""
        return {place(k): each for k, each in enumerate(self.positional)} | self.named


class Clue(NamedTuple):
    """L'identifiant d'une raison, et l'argument dont elle parle."""

    reason: str
    detail: str


class Variant(NamedTuple):
    """Une autre façon de faire un appel, et ce qu'elle dirait d'un rendu qui la suit."""

    clue: Clue
    change: Callable[[Call], tuple]  # rend les arguments, (positionnels, nommés)


def place(index: int, what: str = "argument") -> str:
    """Nomme un argument positionnel, ou un côté d'un tableau, par son rang."""
    return f"1er {what}" if index == 0 else f"{index + 1}e {what}"


def named(call: Call, name: str) -> str:
    """Écrit le nom d'un argument dans une phrase : `` `stride` `` ou `le 2e argument`."""
    return f"`{name}`" if name in call.named else f"le {name}"


# --- Le même résultat qu'un autre appel ----------------------------------------------


def variants(calls: Sequence[Call]) -> Iterator[Variant]:
    """Rend les autres façons de faire ces appels : deux arguments échangés, un argument oublié."""
    count = min((len(each.positional) for each in calls), default=0)
    for i, j in itertools.combinations(range(min(count, MAX_POSITIONAL)), 2):
        detail = f"le {place(i)} et le {place(j)}"
        yield Variant(Clue("arguments_swapped", detail), lambda call, i=i, j=j: _swap(call, i, j))
    for name in sorted({name for each in calls for name in each.named}):
        yield Variant(
            Clue("argument_ignored", f"`{name}`"), lambda call, name=name: _drop(call, name)
        )


def _swap(call: Call, i: int, j: int) -> tuple:
    positional = list(call.positional)
    positional[i], positional[j] = positional[j], positional[i]
    return tuple(positional), call.named


def _drop(call: Call, dropped: str) -> tuple:
    return call.positional, {k: value for k, value in call.named.items() if k != dropped}


def another_call(wrong: Sequence[Call], recompute: Callable) -> Clue | None:
    """Dit si le rendu répond comme à d'autres appels ; `recompute` est celui de `find`."""
    for variant in variants(wrong):
        values = recompute(wrong, [variant.change(each) for each in wrong])
        if all(_equal(each.found, value) for each, value in zip(wrong, values, strict=True)):
            return variant.clue
    return None


# --- Ce que les appels manqués ont de particulier ------------------------------------


class Trait(NamedTuple):
    """Ce qui distingue un appel d'un autre, et comment le dire."""

    value: Any
    sentence: str


def apart(right: Sequence[Call], wrong: Sequence[Call]) -> Clue | None:
    """Cherche un argument qui sépare les appels justes des appels manqués."""
    if not right or not wrong:
        return None
    passed, missed = [_traits(each) for each in right], [_traits(each) for each in wrong]
    return _only(missed, passed, "manqués quand") or _only(passed, missed, "justes quand")


def _only(these: Sequence[dict], others: Sequence[dict], start: str) -> Clue | None:
    """Cherche un trait que tous ces appels ont, et qu'aucun des autres n'a."""
    for name, trait in sorted(these[0].items()):
        shared = all(each.get(name) == trait for each in these)
        if shared and all(each.get(name) != trait for each in others):
            return Clue("only_some_calls", f"{start} {trait.sentence}")
    return None


def _traits(call: Call) -> dict[str, Trait]:
    """Rend ce qui se compare d'un appel à l'autre : les valeurs simples, l'allure des tableaux."""
    traits = {}
    for name, value in call.arguments().items():
        argument = named(call, name)
        if isinstance(value, bool | int | float | str | None):
            traits[name] = Trait(value, f"{argument} vaut {value!r}")
        elif isinstance(value, np.ndarray) and value.size and value.dtype.kind in "iuf":
            if value.ndim == 2:
                is_square = value.shape[0] == value.shape[1]
                said = "est carré" if is_square else "n'est pas carré"
                traits[f"{name}, forme"] = Trait(is_square, f"{argument} {said}")
            has_negatives = bool(value.min() < 0)
            said = "a des valeurs négatives" if has_negatives else "n'a pas de valeur négative"
            traits[f"{name}, signe"] = Trait(has_negatives, f"{argument} {said}")
    return traits


# --- La taille, et l'écart -----------------------------------------------------------


def sides(wrong: Sequence[Call]) -> Clue | None:
    """Dit en quoi les formes rendues diffèrent toutes des bonnes."""
    pairs = [(each.found.shape, each.expected.shape) for each in wrong]
    pairs = [(found, expected) for found, expected in pairs if found != expected]
    if not pairs or any(len(found) != len(expected) for found, expected in pairs):
        return None
    if all(sorted(found) == sorted(expected) for found, expected in pairs):
        return Clue("sides_swapped", "")
    gaps = [np.subtract(found, expected) for found, expected in pairs]
    sizes = {size for gap in gaps for size in gap.tolist()} - {0}
    if sizes == {1}:
        return Clue("one_too_many", "")
    if sizes == {-1}:
        return Clue("one_missing", "")
    axes = {axis for gap in gaps for axis in np.flatnonzero(gap).tolist()}
    return Clue("one_side_wrong", f"le {place(*axes, 'côté')}") if len(axes) == 1 else None


def explained_by_argument(wrong: Sequence[Call]) -> Clue | None:
    """Dit de quel argument dépend l'écart, quand chaque appel rend un nombre."""
    if any(each.found.shape or each.expected.shape for each in wrong) or len(wrong) < MIN_CALLS:
        return None
    found = np.array([each.found for each in wrong])
    expected = np.array([each.expected for each in wrong])
    for name in wrong[0].arguments():
        values = [each.arguments().get(name) for each in wrong]
        varies = all(isinstance(each, int | float) for each in values) and len(set(values)) > 1
        if varies and _depends(found, expected, np.array(values, float)):
            return Clue("argument_counted", named(wrong[0], name))
    return None


def _depends(found: np.ndarray, expected: np.ndarray, values: np.ndarray) -> bool:
    """Dit si l'écart est un multiple simple d'un argument, ou s'il multiplie ou divise."""
    candidates = [expected + factor * values for factor in FACTORS]
    candidates.append(expected * values)
    if values.all():
        candidates.append(expected / values)
    return any(np.allclose(found, each) for each in candidates)


def direction(wrong: Sequence[Call]) -> Clue | None:
    """Dit si tout ce qui est faux est trop grand, ou trop petit."""
    if any(each.found.shape != each.expected.shape for each in wrong):
        return None
    gaps = np.concatenate([(each.found - each.expected).ravel() for each in wrong])
    scale = max(float(np.abs(each.expected).max(initial=0)) for each in wrong)
    gaps = gaps[~(np.abs(gaps) <= 1e-6 * max(scale, 1e-6))]
    if len(gaps) < MIN_CALLS or not np.isfinite(gaps).all():
        return None
    if (gaps > 0).all():
        return Clue("too_large", "")
    return Clue("too_small", "") if (gaps < 0).all() else None


def find(calls: Sequence[Call], recompute: Callable) -> Clue | None:
    """Cherche de quel argument vient l'erreur.

    Args:
        calls: tous les appels, justes et manqués ; le rendu y a répondu par des nombres.
        recompute: reçoit des appels, et leurs nouveaux arguments, `(positionnels, nommés)` ; rend
            la bonne valeur de chacun, en float64, ou None s'il n'a pas de sens.

    Returns:
        Une raison et l'argument dont elle parle ; None si rien de cela n'explique l'erreur.
    """
    right = [each for each in calls if each.is_right]
    wrong = [each for each in calls if not each.is_right]
    if not wrong:
        return None
    if any(each.found is None or each.expected is None for each in wrong):
        return apart(right, wrong)
    return (
        another_call(wrong, recompute)
        or explained_by_argument(wrong)
        or sides(wrong)
        or apart(right, wrong)
        or direction(wrong)
    )


def _equal(found: np.ndarray, value: np.ndarray | None) -> bool:
    return value is not None and found.shape == value.shape and np.allclose(found, value, rtol=1e-4)
