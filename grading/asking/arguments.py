"""Dire de quel argument vient une erreur, quand les valeurs seules ne l'expliquent pas.

`differences` compare ce qui est rendu à ce qui est attendu. Ce module regarde aussi les appels :
le résultat est-il celui d'un appel où deux arguments seraient échangés, ou l'un d'eux oublié ? Les
appels manqués ont-ils un argument que les appels justes n'ont pas ? Et le facteur de trop est-il le
nombre de cases d'un argument ?
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from grading.inside import messages

MAX_POSITIONAL = 4  # au-delà, il y a trop de façons d'échanger deux arguments
FACTORS = (1, -1, 2, -2, 0.5, -0.5)
MIN_CALLS = 3  # en deçà, un écart ressemble par hasard à un argument
NUM_QUICK = 7  # des `CHANGES` qui s'essaient même sur un réseau
MAX_VALUES = 10_000  # d'un argument que l'on change pour voir


class Call(NamedTuple):
    """Un appel : ses arguments, et ce qui en est rendu et attendu."""

    positional: Sequence
    named: dict
    found: np.ndarray | None  # en float64 ; None si ce ne sont pas des nombres
    expected: np.ndarray | None
    is_right: bool
    part: Sequence = ()  # ce qui se compare d'une réponse (`questions.seen`) ; () : tout
    names: Sequence[str] = ()  # des arguments positionnels, si on les connaît

    @property
    def is_numeric(self) -> bool:
        """Dit si ce qui est rendu et ce qui est attendu sont des nombres."""
        return self.found is not None and self.expected is not None

    def arguments(self) -> dict[str, Any]:
        """Rend les arguments par leur nom, ou par leur place : `"1er argument"`."""
        return {self.name(k): each for k, each in enumerate(self.positional)} | self.named

    def name(self, index: int) -> str:
        """Nomme un argument positionnel."""
        return self.names[index] if index < len(self.names) else place(index)


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
    return f"`{name}`" if name in call.named or name in call.names else f"le {name}"


# --- Le même résultat qu'un autre appel ----------------------------------------------


def variants(calls: Sequence[Call]) -> Iterator[Variant]:
    """Rend les autres façons de faire ces appels.

    Deux arguments sont échangés, l'un est oublié, ou l'un est pris autrement qu'il n'est donné.
    """
    yield from _swapped(calls)
    yield from _forgotten(calls)
    first = calls[0]
    changes = CHANGES[:NUM_QUICK] if _is_costly(first) else CHANGES
    for name in first.arguments():
        for said, change in changes:
            if all(change(each.arguments().get(name)) is not None for each in calls):
                clue = Clue("argument_changed", f"{named(first, name)} {said}")
                yield Variant(clue, partial(_change, name=name, change=change))


def _num_positional(calls: Sequence[Call]) -> int:
    """Rend le nombre d'arguments positionnels que tous les appels ont."""
    return min((len(each.positional) for each in calls), default=0)


def _swapped(calls: Sequence[Call]) -> Iterator[Variant]:
    """Échange deux arguments de la même sorte : un réseau ne se prend pas pour une image."""
    first = calls[0]
    for i, j in itertools.combinations(range(min(_num_positional(calls), MAX_POSITIONAL)), 2):
        if type(first.positional[i]) is type(first.positional[j]):
            detail = " et ".join(named(first, first.name(k)) for k in (i, j))
            clue = Clue("arguments_swapped", detail)
            yield Variant(clue, lambda call, i=i, j=j: _swap(call, i, j))


def _forgotten(calls: Sequence[Call]) -> Iterator[Variant]:
    """Oublie un argument nommé, plusieurs, ou le dernier positionnel, qui peut être facultatif."""
    given = sorted({name for each in calls for name in each.named})
    for name in given:
        clue = Clue("argument_ignored", f"`{name}`")
        yield Variant(clue, lambda call, name=name: _drop(call, name))
    for several in _several(given):
        clue = Clue("arguments_ignored", ", ".join(f"`{name}`" for name in several))
        yield Variant(clue, lambda call, several=several: _drop(call, *several))
    count = _num_positional(calls)
    if count > 1:
        clue = Clue("argument_ignored", named(calls[0], calls[0].name(count - 1)))
        yield Variant(clue, lambda call: (call.positional[:-1], call.named))


def _swap(call: Call, i: int, j: int) -> tuple:
    positional = list(call.positional)
    positional[i], positional[j] = positional[j], positional[i]
    return tuple(positional), call.named


def _several(names: Sequence[str]) -> list[tuple[str, ...]]:
    """Rend les façons d'oublier deux arguments, puis tous."""
    pairs = [*itertools.combinations(names, 2)]
    return pairs if len(names) < 3 else [*pairs, tuple(names)]


def _drop(call: Call, *dropped: str) -> tuple:
    return call.positional, {k: value for k, value in call.named.items() if k not in dropped}


def _change(call: Call, name: str, change: Callable) -> tuple:
    positional = [
        change(each) if call.name(k) == name else each for k, each in enumerate(call.positional)
    ]
    kept = {k: change(each) if k == name else each for k, each in call.named.items()}
    return tuple(positional), kept


def _is_costly(call: Call) -> bool:
    """Dit si l'appel demande un réseau : le refaire dix fois ferait attendre."""
    return any(isinstance(each, messages.Ingredient) for each in call.positional)


def _is_array(value) -> bool:
    known = isinstance(value, np.ndarray) and value.dtype.kind in "iuf"
    return known and 1 < value.size <= MAX_VALUES


def _is_number(value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_offset(value) -> bool:
    """Dit si ce sont quelques nombres : un décalage, une taille."""
    if isinstance(value, list | tuple):
        return 0 < len(value) <= 4 and all(map(_is_number, value))
    is_array = isinstance(value, np.ndarray) and value.ndim == 1
    return is_array and value.size <= 4 and value.dtype.kind in "if"


def _as_given(numbers: list, value):
    """Rend des nombres comme `value` les donne : un couple reste un couple."""
    return np.array(numbers) if isinstance(value, np.ndarray) else type(value)(numbers)


def _opposite(value):
    if _is_offset(value):
        return _as_given([-each for each in value], value)
    return -value if _is_array(value) else None


def _opposite_number(value):
    return -value if _is_number(value) else None


def _complement(value):
    is_share = isinstance(value, float) and 0 <= value <= 1
    is_mask = _is_array(value) and set(np.unique(value).tolist()) == {0, 1}
    return 1 - value if is_share or is_mask else None


def _one_more(value):
    return value + 1 if isinstance(value, int) and not isinstance(value, bool) else None


def _one_less(value):
    return value - 1 if isinstance(value, int) and not isinstance(value, bool) else None


def _only_one(value):
    return 1 if isinstance(value, int) and not isinstance(value, bool) and value > 1 else None


def _backwards(value):
    return value[::-1] if _is_offset(value) else None


def _absolute(value):
    return np.abs(value) if _is_array(value) and value.min() < 0 else None


def _positive(value):
    return np.maximum(value, 0) if _is_array(value) and value.min() < 0 else None


def _from_0_to_1(value):
    if isinstance(value, list) and value and all(map(_is_picture, value)):
        return [each / np.float32(255) for each in value]
    is_picture = _is_array(value) and (value.dtype == np.uint8 or _is_picture(value))
    return value / 255 if is_picture else None


def _is_picture(value) -> bool:
    """Dit si un tableau de nombres à virgule est une image, ou un lot d'images, de 0 à 255."""
    known = _is_array(value) and value.dtype.kind == "f" and value.ndim > 2
    return known and 0 <= value.min() and 1 < value.max() <= 255


def _modulus(value):
    return np.abs(value) if isinstance(value, np.ndarray) and value.dtype.kind == "c" else None


def _transposed(value):
    return np.swapaxes(value, 0, 1) if _is_array(value) and value.ndim > 1 else None


CHANGES = (  # ce que devient un argument, en toutes lettres, et comment ; None : sans objet
    ("remplacé par un moins lui-même", _complement),
    ("augmenté de un", _one_more),
    ("diminué de un", _one_less),
    ("remplacé par 1", _only_one),  # avant l'opposé, qui a parfois l'effet de 1 : une fenêtre
    ("pris à l'opposé", _opposite_number),
    ("lu de la fin au début", _backwards),
    ("divisé par 255", _from_0_to_1),
    ("pris à l'opposé", _opposite),
    ("pris en valeur absolue", _absolute),
    ("privé de sa phase", _modulus),
    ("privé de ses valeurs négatives", _positive),
    ("dont les deux premiers côtés sont échangés", _transposed),
)


def another_call(wrong: Sequence[Call], recompute: Callable) -> Clue | None:
    """Dit si le rendu répond comme à d'autres appels ; `recompute` est celui de `find`."""
    if all(_is_flat(each.found) for each in wrong):  # trop d'autres appels y répondraient de même
        return None
    for variant in variants(wrong):
        # Un appel d'abord : les autres ne sont refaits que s'il s'explique.
        if all(_is_answered(variant, calls, recompute) for calls in (wrong[:1], wrong)):
            return variant.clue
    return None


def _is_flat(answer: np.ndarray) -> bool:
    """Dit si un tableau ne contient qu'une valeur, répétée : ce n'est la trace d'aucun argument."""
    return answer.size != 1 and (not answer.size or (answer == answer.flat[0]).all())


def _is_answered(variant: Variant, calls: Sequence[Call], recompute: Callable) -> bool:
    values = recompute(calls, [variant.change(each) for each in calls])
    return all(_equal(each.found, value) for each, value in zip(calls, values, strict=True))


def held(calls: Sequence[Call], wrong: Sequence[Call], recompute: Callable) -> Clue | None:
    """Dit si un nombre est pris pour le même dans tous les appels.

    Tous les appels sont refaits, les justes aussi : c'est ce qui permet de dire « toujours ».
    """
    first = wrong[0]
    if _is_costly(first) or len(wrong) < 2 or not all(each.is_numeric for each in calls):
        return None
    if all(_is_flat(each.found) for each in wrong):
        return None
    for name, kept in _other_numbers(first, calls):
        variant = Variant(
            Clue("argument_held", f"{named(first, name)}, toujours {kept}"),
            partial(_change, name=name, change=partial(_kept, kept)),
        )
        if all(_is_answered(variant, each, recompute) for each in (wrong[:1], calls)):
            return variant.clue
    return None


def _other_numbers(first: Call, calls: Sequence[Call]) -> Iterator[tuple[str, float]]:
    """Rend les nombres qu'un argument de `first` vaut dans d'autres appels, et son nom."""
    for name, value in first.arguments().items():
        values = [each.arguments().get(name) for each in calls]
        if all(map(_is_number, values)):
            yield from ((name, kept) for kept in sorted({*values} - {value}))


def _kept(kept, _):
    return kept


# --- Ce que les appels manqués ont de particulier ------------------------------------


# Ce qui se dit des seuls côtés d'un tableau (voir `sides`).
OF_SIDES = ("sides_swapped", "one_side_wrong", "one_too_many", "one_missing")
GIVEN = object()  # la valeur d'un trait : l'argument est donné


class Trait(NamedTuple):
    """Ce qui distingue un appel d'un autre, et comment le dire."""

    value: Any
    sentence: str


def apart(right: Sequence[Call], wrong: Sequence[Call]) -> Clue | None:
    """Cherche un argument qui sépare les appels justes des appels manqués."""
    if not right or not wrong:
        return None
    right = [each for each in right if not _is_idle(each)]
    if not right:
        return None
    passed, missed = [_traits(each) for each in right], [_traits(each) for each in wrong]
    return _only(missed, passed, "manqués quand") or _only(passed, missed, "justes quand")


def _is_idle(call: Call) -> bool:
    """Dit si le bon résultat est un des arguments : y répondre juste ne prouve rien."""
    return call.expected is not None and any(
        isinstance(each, np.ndarray) and _equal(np.asarray(each, float), call.expected)
        for each in call.positional
        if _is_array(each)
    )


def _only(these: Sequence[dict], others: Sequence[dict], start: str) -> Clue | None:
    """Cherche un trait que tous ces appels ont, et qu'aucun des autres n'a.

    De deux arguments qui séparent les mêmes appels, rien ne dit lequel compte : aucun n'est nommé.
    """
    known = [
        (name, trait)
        for name, trait in sorted(these[0].items())
        if trait.value is GIVEN or all(name in each for each in others)
    ]
    found = [
        (name, trait)
        for name, trait in known
        if all(each.get(name) == trait for each in these)
        and all(each.get(name) != trait for each in others)
    ]
    if len({name.partition(", ")[0] for name, _ in found}) != 1:
        return None
    return Clue("only_some_calls", f"{start} {found[0][1].sentence}")


def _traits(call: Call) -> dict[str, Trait]:
    """Rend ce qui se compare d'un appel à l'autre : les valeurs simples, l'allure des tableaux."""
    traits = {}
    for name, value in call.arguments().items():
        argument = named(call, name)
        if isinstance(value, list) and value and isinstance(value[0], str):
            continue  # une étape de `probes.chained` : ce n'est pas un argument du rendu
        traits[f"{name}, donné"] = Trait(GIVEN, f"{argument} est donné")
        if isinstance(value, bool | int | float | str | None):
            traits[name] = Trait(value, f"{argument} vaut {value!r}")
        elif isinstance(value, list | tuple):
            is_alone = len(value) == 1
            said = "n'a qu'un élément" if is_alone else "n'a pas un seul élément"
            traits[f"{name}, longueur"] = Trait(is_alone, f"{argument} {said}")
        elif isinstance(value, np.ndarray) and value.size and value.dtype.kind in "iuf":
            if value.ndim == 2:
                is_square = value.shape[0] == value.shape[1]
                said = "est carré" if is_square else "n'est pas carré"
                traits[f"{name}, forme"] = Trait(is_square, f"{argument} {said}")
            if value.min() < value.max():  # d'un aplat, le signe ne dit pas ce qui compte
                has_negatives = bool(value.min() < 0)
                said = "a des valeurs négatives" if has_negatives else "n'a pas de valeur négative"
                traits[f"{name}, signe"] = Trait(has_negatives, f"{argument} {said}")
    return traits


# --- La taille, et l'écart -----------------------------------------------------------


def sides(wrong: Sequence[Call]) -> Clue | None:
    """Dit en quoi les formes rendues diffèrent toutes des bonnes."""
    pairs = [(each.found.shape, each.expected.shape) for each in wrong]
    pairs = [(found, expected) for found, expected in pairs if found != expected]
    if not pairs:
        return None
    if any(len(found) != len(expected) for found, expected in pairs):
        return _axes(pairs)
    if all(sorted(found) == sorted(expected) for found, expected in pairs):
        return Clue("sides_swapped", "")
    return _gaps_of_sides([np.subtract(found, expected) for found, expected in pairs])


def _axes(pairs: Sequence[tuple]) -> Clue | None:
    """Dit si des axes manquent à toutes les formes rendues, ou sont de trop."""
    fewer = {len(found) < len(expected) for found, expected in pairs}
    if len(fewer) != 1:
        return None
    is_fewer = fewer.pop()
    known = [
        _removed(expected, found) if is_fewer else _removed(found, expected)
        for found, expected in pairs
    ]
    common = set.intersection(*map(set, known))
    which = place(*common, "axe") if len(common) == 1 else ""
    return Clue("axis_missing" if is_fewer else "axis_added", which and f"le {which}")


def _removed(longer: Sequence[int], shorter: Sequence[int]) -> list[int]:
    """Rend les axes dont le retrait ferait d'une forme l'autre."""
    return [
        axis
        for axis in range(len(longer))
        if (*longer[:axis], *longer[axis + 1 :]) == tuple(shorter)
    ]


def same_for_all(calls: Sequence[Call]) -> Clue | None:
    """Dit si la réponse est toujours la même, quels que soient les arguments."""
    numeric = [each for each in calls if each.is_numeric]
    first = [each for each in numeric if each.part == numeric[0].part]
    several = any(not _equal(each.expected, first[0].expected) for each in first)
    is_same = all(_equal(each.found, first[0].found) for each in first)
    return Clue("same_for_all", "") if len(first) >= MIN_CALLS and several and is_same else None


def _gaps_of_sides(gaps: Sequence[np.ndarray]) -> Clue | None:
    """Dit si les côtés ont tous une place de trop, ou de moins, ou si un seul côté est faux."""
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
    expected = np.concatenate([each.expected.ravel() for each in wrong])
    scale = float(np.abs(expected[np.isfinite(expected)]).max(initial=0))
    gaps = gaps[np.abs(gaps) > 1e-6 * max(scale, 1e-6)]  # et non ce qui n'est pas un nombre
    if len(gaps) < MIN_CALLS or not np.isfinite(gaps).all():
        return None
    is_true_or_false = set(np.unique(expected).tolist()) == {0, 1}
    if (gaps > 0).all():
        return Clue("too_many_true" if is_true_or_false else "too_large", "")
    if (gaps < 0).all():
        return Clue("too_few_true" if is_true_or_false else "too_small", "")
    return None


def multiplied(wrong: Sequence[Call]) -> Clue | None:
    """Dit si le facteur de trop est le nombre de cases d'un argument, ou de certains de ses côtés.

    C'est une somme prise pour une moyenne, ou l'inverse.
    """
    for name, value in _arrays(wrong[0]).items():
        for axes in _some_axes(value.ndim):
            for power, clue in ((1, "summed"), (-1, "averaged")):
                if all(_is_times(each, name, axes, power) for each in wrong):
                    sides = " × ".join(str(value.shape[axis]) for axis in axes)
                    whole = wrong[0].arguments()[name[0]] is value  # d'une liste, le nom tromperait
                    said = named(wrong[0], name[0]) if whole else "l'un des tableaux donnés"
                    return Clue(clue, f"{sides} : côtés de {said}")
    return None


def _arrays(call: Call) -> dict[tuple[str, int], np.ndarray]:
    """Rend les tableaux d'un appel, et ceux de ses listes : par argument, et par rang."""
    found = {}
    for name, value in call.arguments().items():
        inside = value if isinstance(value, list | tuple) else [value]
        found |= {(name, rank): each for rank, each in enumerate(inside) if _is_array(each)}
    return found


def _some_axes(ndim: int) -> Iterator[tuple[int, ...]]:
    for count in range(ndim, 0, -1):
        yield from itertools.combinations(range(ndim), count)


def _is_times(call: Call, name: tuple[str, int], axes: Sequence[int], power: int) -> bool:
    value = _arrays(call).get(name)
    if np.ndim(value) <= max(axes) or call.found.shape != call.expected.shape:
        return False
    factor = float(np.prod([np.shape(value)[axis] for axis in axes])) ** power
    return factor != 1 and bool(call.expected.any()) and _equal(call.found, factor * call.expected)


def find(calls: Sequence[Call], recompute: Callable, *, vague: bool = True) -> Clue | None:
    """Cherche de quel argument vient l'erreur.

    Args:
        calls: tous les appels, justes et manqués ; le rendu y a répondu par des nombres.
        recompute: reçoit des appels, et leurs nouveaux arguments, `(positionnels, nommés)` ; rend
            la bonne valeur de chacun, en float64, ou None s'il n'a pas de sens.
        vague: rien n'a encore été dit de précis : une simple direction vaut mieux.

    Returns:
        Une raison et l'argument dont elle parle ; None si rien de cela n'explique l'erreur.
    """
    numeric = [each for each in calls if each.is_numeric and not each.is_right]
    if not numeric:
        return _where(calls)
    if clue := another_call(numeric, recompute) or held(calls, numeric, recompute):
        return clue
    first = [each for each in numeric if each.part == numeric[0].part]  # ce qui manque d'abord
    if (clue := multiplied(first)) or not vague:
        return clue
    if clue := same_for_all(calls) or _of_values(first):
        return clue
    clue, way = _where(calls), direction(first) or direction(numeric)
    return way._replace(detail=clue.detail if clue else "") if way else clue


def _where(calls: Sequence[Call]) -> Clue | None:
    """Cherche l'argument qui sépare les appels justes des appels manqués."""
    right = [each for each in calls if each.is_right]
    return apart(right, [each for each in calls if not each.is_right])


def _of_values(wrong: Sequence[Call]) -> Clue | None:
    """Cherche, d'après les valeurs, l'argument d'où vient l'écart."""
    by_size = sides(wrong) or sides(wrong[:1])  # de l'appel montré, à défaut de tous
    return explained_by_argument(wrong) or by_size or added(wrong) or moved(wrong)


def added(wrong: Sequence[Call]) -> Clue | None:
    """Dit si le résultat ne diffère du bon que d'un argument, ajouté ou retranché."""
    for name in wrong[0].arguments():
        for sign in (1, -1):
            if all(_is_added(each, name, sign) for each in wrong):
                return Clue("argument_added", named(wrong[0], name))
    return None


def _is_added(call: Call, name: str, sign: int) -> bool:
    value = call.arguments().get(name)
    fits = _is_array(value) and value.shape == call.found.shape == call.expected.shape
    return (
        fits
        and bool(value.any())
        and np.allclose(
            call.found,
            call.expected + sign * value.astype(float),  # -1 ne multiplie pas des octets
            atol=1e-4 * np.abs(call.found).max(),
        )
    )


def moved(wrong: Sequence[Call]) -> Clue | None:
    """Dit si un argument change dans la bonne direction, mais pas de la bonne quantité."""
    for name, value in wrong[0].arguments().items():
        if _is_array(value) and all(_is_part_of_the_way(each, name) for each in wrong):
            return Clue("wrong_step", named(wrong[0], name))
    return None


def _is_part_of_the_way(call: Call, name: str) -> bool:
    start = call.arguments().get(name)
    if not _is_array(start) or not start.shape == call.found.shape == call.expected.shape:
        return False
    way, gone = (call.expected - start).ravel(), (call.found - start).ravel()
    size = way @ way
    return bool(size) and np.allclose(gone, gone @ way / size * way, atol=1e-4 * abs(way).max())


def _equal(found: np.ndarray, value: np.ndarray | None) -> bool:
    return value is not None and found.shape == value.shape and np.allclose(found, value, rtol=1e-4)
