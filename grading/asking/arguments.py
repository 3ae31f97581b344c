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


# --- Ce que les appels manqués ont de particulier ------------------------------------


class Trait(NamedTuple):
    """Ce qui distingue un appel d'un autre, et comment le dire."""

    value: Any
    sentence: str


def apart(calls: Sequence[Call]) -> Clue | None:
    """Cherche un argument qui sépare les appels justes des appels manqués."""
    right = [_traits(each) for each in calls if each.is_right]
    wrong = [_traits(each) for each in calls if not each.is_right]
    names = sorted({name for each in right + wrong for name in each})
    if not right or not wrong:
        return None
    for same, others, start in ((wrong, right, "manqués quand"), (right, wrong, "justes quand")):
        for name in names:
            trait = same[0].get(name)
            if trait is None or any(each.get(name) != trait for each in same):
                continue
            if all(each.get(name) != trait for each in others):
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


def sides(calls: Sequence[Call]) -> Clue | None:
    """Dit en quoi les formes rendues diffèrent toutes des bonnes."""
    shapes = [
        (each.found.shape, each.expected.shape)
        for each in calls
        if not each.is_right and each.found.shape != each.expected.shape
    ]
    if not shapes or any(len(a) != len(b) for a, b in shapes):
        return None
    if all(sorted(a) == sorted(b) for a, b in shapes):
        return Clue("sides_swapped", "")
    gaps = [{x - y for x, y in zip(a, b, strict=True)} - {0} for a, b in shapes]
    for gap, reason in ((1, "one_too_many"), (-1, "one_missing")):
        if all(each == {gap} for each in gaps):
            return Clue(reason, "")
    places = {k for a, b in shapes for k, (x, y) in enumerate(zip(a, b, strict=True)) if x != y}
    return Clue("one_side_wrong", f"le {place(*places, 'côté')}") if len(places) == 1 else None


def explained_by_argument(calls: Sequence[Call]) -> Clue | None:
    """Dit de quel argument dépend l'écart, quand chaque appel rend un nombre."""
    wrong = [each for each in calls if not each.is_right]
    if any(each.found.shape or each.expected.shape for each in wrong) or len(wrong) < MIN_CALLS:
        return None
    found = np.array([each.found for each in wrong])
    expected = np.array([each.expected for each in wrong])
    for name in wrong[0].arguments():
        values = [each.arguments().get(name) for each in wrong]
        if not all(isinstance(each, int | float) for each in values) or len(set(values)) < 2:
            continue
        numbers = np.array(values, float)
        candidates = [expected + factor * numbers for factor in FACTORS]
        candidates += [expected * numbers]
        candidates += [expected / numbers] if numbers.all() else []
        if any(np.allclose(found, each) for each in candidates):
            return Clue("argument_counted", named(wrong[0], name))
    return None


def direction(calls: Sequence[Call]) -> Clue | None:
    """Dit si tout ce qui est faux est trop grand, ou trop petit."""
    wrong = [each for each in calls if not each.is_right]
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
    wrong = [each for each in calls if not each.is_right]
    if not wrong:
        return None
    if any(each.found is None or each.expected is None for each in wrong):
        return apart(calls)
    for variant in variants(wrong):
        right = recompute(wrong, [variant.change(each) for each in wrong])
        if all(map(_equal, (each.found for each in wrong), right)):
            return variant.clue
    found = explained_by_argument(calls) or sides(calls) or apart(calls)
    return found or direction(calls)


def _equal(found: np.ndarray, value: np.ndarray | None) -> bool:
    return value is not None and found.shape == value.shape and np.allclose(found, value, rtol=1e-4)
