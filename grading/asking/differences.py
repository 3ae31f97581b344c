"""Dire en quoi des valeurs diffèrent des bonnes, sans dire les bonnes.

Une erreur propre à une question est une `Mistake`. Celles-ci peuvent se faire partout : un signe à
l'envers, deux axes échangés, une somme pour une moyenne, un bord oublié. Chaque fonction reçoit une
valeur rendue et la bonne, en float64, et dit si l'une s'explique par l'autre.
"""

import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

TOLERANCE = 1e-4
MIN_VALUES = 3  # en deçà, presque tout s'explique par presque tout
MAX_AXES = 4  # au-delà, il y a trop de façons d'échanger les axes
MAX_ROLLED = 3000  # valeurs d'un tableau dont on essaie tous les décalages
BORDER = 6  # un bord est au plus d'un sixième du plus grand côté


class Difference(NamedTuple):
    """Une façon de différer : l'identifiant de sa raison, et comment la reconnaître.

    Ce qui se compare est fait de deux tableaux, ou de deux listes (`sequences`).
    """

    reason: str
    explains: Callable[[Any, Any], bool]


def alike(found: np.ndarray, expected: np.ndarray) -> bool:
    """Dit si deux tableaux ont la même forme et presque les mêmes valeurs."""
    if found.shape != expected.shape:
        return False
    scale = np.abs(expected[np.isfinite(expected)]).max(initial=1e-12)
    return bool(
        np.allclose(found, expected, rtol=TOLERANCE, atol=TOLERANCE * scale, equal_nan=True)
    )


# --- Une autre forme -----------------------------------------------------------------


def _axes_swapped(found: np.ndarray, expected: np.ndarray) -> bool:
    """Les valeurs sont bonnes, leurs axes sont dans un autre ordre."""
    if found.ndim != expected.ndim or not 2 <= found.ndim <= MAX_AXES:
        return False
    orders = itertools.permutations(range(found.ndim))
    next(orders)  # l'ordre de départ
    return any(alike(found.transpose(order), expected) for order in orders)


def _other_axes(found: np.ndarray, expected: np.ndarray) -> bool:
    """Les valeurs sont bonnes et dans le même ordre : un axe est de trop, ou manque."""
    return found.shape != expected.shape and alike(found.ravel(), expected.ravel())


def _not_reduced(reduce: Callable) -> Callable:
    """Fabrique : résumer la valeur rendue, le long d'un axe ou en entier, donne la bonne."""

    def explains(found: np.ndarray, expected: np.ndarray) -> bool:
        if found.ndim <= expected.ndim or found.size <= expected.size:
            return False
        axes = [None, *range(found.ndim)]
        return any(alike(np.asarray(reduce(found, axis=axis)), expected) for axis in axes)

    return explains


def _reduced(found: np.ndarray, expected: np.ndarray) -> bool:
    """La valeur rendue est la moyenne, ou la somme, de la bonne le long d'un axe, ou en entier."""
    if found.ndim >= expected.ndim or found.size >= expected.size:
        return False
    axes = [None, *range(expected.ndim)]
    return any(
        alike(found, np.asarray(reduce(expected, axis=axis)))
        for reduce in (np.mean, np.sum)
        for axis in axes
    )


def _every_pair(found: np.ndarray, expected: np.ndarray) -> bool:
    """Une valeur par paire a été calculée, `(n, n)`, au lieu d'une par élément, `(n,)`."""
    return expected.ndim == 1 < len(expected) and found.shape == 2 * expected.shape


def _some_missing(found: np.ndarray, expected: np.ndarray) -> bool:
    """Le début est bon, la fin manque."""
    return _is_start(found, expected)


def _some_extra(found: np.ndarray, expected: np.ndarray) -> bool:
    """Le début est bon, il y a quelque chose en trop après."""
    return _is_start(expected, found)


def _is_start(short: np.ndarray, long: np.ndarray) -> bool:
    if short.ndim != long.ndim or not short.size or short.shape == long.shape:
        return False
    if any(a > b for a, b in zip(short.shape, long.shape, strict=True)):
        return False
    return alike(short, long[tuple(map(slice, short.shape))])


# --- La même forme, d'autres valeurs -------------------------------------------------


def _negated(found: np.ndarray, expected: np.ndarray) -> bool:
    return alike(-found, expected)


def _reversed(found: np.ndarray, expected: np.ndarray) -> bool:
    """Un axe est parcouru à l'envers."""
    sides = range(found.ndim)
    return any(
        alike(np.flip(found, axes), expected)
        for num in (1, 2)
        for axes in itertools.combinations(sides, num)
    )


def _signs_lost(found: np.ndarray, expected: np.ndarray) -> bool:
    return alike(found, np.abs(expected))


def _negatives_zeroed(found: np.ndarray, expected: np.ndarray) -> bool:
    return alike(found, np.maximum(expected, 0))


def _negatives_kept(found: np.ndarray, expected: np.ndarray) -> bool:
    return alike(np.maximum(found, 0), expected)


def _bounded(found: np.ndarray, expected: np.ndarray) -> bool:
    """La valeur rendue est coupée entre 0 et 1, entre -1 et 1, ou entre 0 et 255."""
    return any(alike(found, np.clip(expected, *ends)) for ends in ((0, 1), (-1, 1), (0, 255)))


def _last_everywhere(found: np.ndarray, expected: np.ndarray) -> bool:
    """Le long du premier axe, tout est ce qui devrait être à la dernière place."""
    if found.ndim < 2 or len(found) < MIN_VALUES or not _varies(expected[-1]):
        return False
    return all(alike(each, expected[-1]) for each in found)


def _not_bounded(found: np.ndarray, expected: np.ndarray) -> bool:
    """La bonne valeur est coupée entre 0 et 1, ou entre 0 et 255."""
    return any(alike(np.clip(found, 0, top), expected) for top in (1, 255))


def _truncated(found: np.ndarray, expected: np.ndarray) -> bool:
    """La valeur rendue est la bonne, mise à l'entier ; rien que des 0, ou des 1, n'en dit rien."""
    if np.ptp(found) == 0 and np.isin(found, (0, 1)).all():
        return False
    return any(alike(found, to_integer(expected)) for to_integer in (np.floor, np.rint, np.trunc))


def _not_truncated(found: np.ndarray, expected: np.ndarray) -> bool:
    """La bonne valeur est celle qui est rendue, mise à l'entier."""
    integers = (np.floor, np.rint, np.ceil)
    return _varies(expected) and any(alike(to(found), expected) for to in integers)


def _overflowed(found: np.ndarray, expected: np.ndarray) -> bool:
    """Seul le reste de la division par 256 est juste : le calcul a débordé d'un octet."""
    overflows = expected.min() < 0 or expected.max() > 255
    return overflows and alike(found, np.mod(np.trunc(expected), 256))


def _other_scale(found: np.ndarray, expected: np.ndarray) -> bool:
    """De 0 à 255, ou à 100, au lieu de 0 à 1, ou l'inverse ; à l'entier près s'il le faut."""
    as_they_are = (lambda values: values, np.trunc, np.rint)
    is_other = _varies(expected) and any(
        alike(found, to(factor * expected)) or alike(to(factor * found), expected)
        for factor in (100, 255)
        for to in as_they_are
    )
    return is_other or _are_percents(found, expected)


def _are_percents(found: np.ndarray, expected: np.ndarray) -> bool:
    """Deux parts différentes, chacune cent fois trop grande : ce ne peut être un hasard."""
    are_parts = len(np.unique(expected)) > 1 and (expected > 0).all() and (expected < 1).all()
    return are_parts and alike(found, 100 * expected)


def _times(found: np.ndarray, expected: np.ndarray) -> bool:
    """Un même facteur multiplie toutes les valeurs."""
    size = np.vdot(expected, expected)
    factor = np.vdot(found, expected) / size if size else 0.0
    return abs(factor) > 1e-9 and _varies(expected) and alike(found, factor * expected)


def _over_maximum(found: np.ndarray, expected: np.ndarray) -> bool:
    """Les valeurs sont divisées par la plus grande d'entre elles, en valeur absolue ou non."""
    return any(_is_over(found, expected, top) for top in (expected.max(), abs(expected).max()))


def _over_sum(found: np.ndarray, expected: np.ndarray) -> bool:
    """Chaque valeur est une part de leur somme."""
    return _is_over(found, expected, expected.sum())


def _is_over(found: np.ndarray, expected: np.ndarray, divisor: float) -> bool:
    is_telling = divisor != 0 and not np.isclose(abs(divisor), 1)
    return _varies(expected) and bool(is_telling) and alike(found * divisor, expected)


def _plus(found: np.ndarray, expected: np.ndarray) -> bool:
    """Toutes les valeurs ont en trop un même nombre."""
    return _varies(expected) and alike(found - (found - expected).mean(), expected)


def _rescaled(found: np.ndarray, expected: np.ndarray) -> bool:
    """Les valeurs sont les bonnes, multipliées par un nombre, plus un autre."""
    centred = expected - expected.mean()
    return len(np.unique(expected)) > 2 * MIN_VALUES and _times(found - found.mean(), centred)


def _each_line(explains: Callable) -> Callable:
    """Fabrique : la différence s'explique place par place le long d'un axe, d'une façon chacune."""

    def each(found: np.ndarray, expected: np.ndarray) -> bool:
        return any(
            all(
                alike(ours, theirs) or explains(ours, theirs)
                for ours, theirs in zip(
                    np.moveaxis(found, axis, 0), np.moveaxis(expected, axis, 0), strict=True
                )
            )
            for axis in range(found.ndim if found.ndim > 1 else 0)
        )

    return each


def _varies(values: np.ndarray) -> bool:
    """Dit si assez de valeurs diffèrent pour qu'un seul nombre ne les explique pas par hasard."""
    return len(np.unique(values)) > MIN_VALUES


def _squared(found: np.ndarray, expected: np.ndarray) -> bool:
    return _varies(expected) and alike(found, np.square(expected))


def _root(found: np.ndarray, expected: np.ndarray) -> bool:
    return _varies(expected) and alike(np.square(found), np.abs(expected))


def _logarithm(found: np.ndarray, expected: np.ndarray) -> bool:
    logarithms = (np.log, np.log2, np.log10)
    return _varies(expected) and any(alike(found, of(abs(expected) + 1e-30)) for of in logarithms)


def _exponential(found: np.ndarray, expected: np.ndarray) -> bool:
    return _varies(expected) and alike(np.log(np.abs(found) + 1e-30), expected)


def _reordered(found: np.ndarray, expected: np.ndarray) -> bool:
    """Les mêmes valeurs, dans un autre ordre."""
    return alike(np.sort(found.ravel()), np.sort(expected.ravel()))


def _lines_reordered(found: np.ndarray, expected: np.ndarray) -> bool:
    """Le long d'un axe, les mêmes lignes, dans un autre ordre."""
    return any(
        alike(_sorted_lines(found, axis), _sorted_lines(expected, axis))
        for axis in range(found.ndim if found.ndim > 1 else 0)
    )


def _sorted_lines(values: np.ndarray, axis: int) -> np.ndarray:
    lines = np.moveaxis(values, axis, 0).reshape(values.shape[axis], -1)
    return lines[np.lexsort(lines.T[::-1])]


def _rolled(found: np.ndarray, expected: np.ndarray) -> bool:
    """Les mêmes valeurs, décalées le long d'un axe ou de deux ; ce qui sort rentre."""
    if not _reordered(found, expected) or not _varies(expected) or expected.size > MAX_ROLLED:
        return False
    return any(
        alike(np.roll(found, shift, axes), expected)
        for count in (1, 2, 3)
        for axes in itertools.combinations(range(found.ndim), count)
        for shift in itertools.product(*(range(found.shape[axis]) for axis in axes))
    )


def _zeros_left(found: np.ndarray, expected: np.ndarray) -> bool:
    """Tout ce qui est faux vaut zéro."""
    wrong = ~np.isclose(found, expected, rtol=TOLERANCE, atol=TOLERANCE * np.abs(expected).max())
    return _varies(expected) and not wrong.all() and not found[wrong].any()


def _zeros_filled(found: np.ndarray, expected: np.ndarray) -> bool:
    """La bonne valeur est nulle partout où celle qui est rendue est fausse."""
    wrong = ~np.isclose(found, expected, rtol=TOLERANCE, atol=TOLERANCE * np.abs(expected).max())
    return _varies(expected) and not wrong.all() and not expected[wrong].any()


def _complemented(found: np.ndarray, expected: np.ndarray) -> bool:
    """Vrai et faux, ou 1 et 0, sont échangés."""
    return set(np.unique(expected).tolist()) == {0, 1} and alike(found, 1 - expected)


def _all_equal(found: np.ndarray, expected: np.ndarray) -> bool:
    """Une seule et même valeur partout."""
    return bool(np.ptp(found) == 0) and _varies(expected)


def _wrong_border(found: np.ndarray, expected: np.ndarray) -> bool:
    """Tout est juste, sauf près de la première ou de la dernière place d'un axe."""
    if not found.ndim or max(found.shape) < 2 + MIN_VALUES:  # presque pas d'intérieur
        return False
    wrong = ~np.isclose(found, expected, rtol=TOLERANCE, atol=TOLERANCE * np.abs(expected).max())
    return not wrong.all() and any(
        not wrong[
            tuple(slice(k, -k) if side > 2 * k else slice(None) for side in found.shape)
        ].any()
        for k in range(1, max(1, max(found.shape) // BORDER) + 1)
    )


def _wrong_slice(found: np.ndarray, expected: np.ndarray) -> bool:
    """Tout est juste, sauf une place d'un axe : un canal, une classe, une ligne."""
    if found.ndim < 2:
        return False
    wrong = ~np.isclose(found, expected, rtol=TOLERANCE, atol=TOLERANCE * np.abs(expected).max())
    axes = [axis for axis, side in enumerate(found.shape) if side > 1]
    return any(
        len(np.unique(place)) == 1 for axis, place in enumerate(np.nonzero(wrong)) if axis in axes
    )


# De la plus précise à la plus vague : la première qui explique tout est dite.
SHAPES = (
    Difference("axes_swapped", _axes_swapped),
    Difference("other_axes", _other_axes),
    Difference("mean_forgotten", _not_reduced(np.mean)),
    Difference("sum_forgotten", _not_reduced(np.sum)),
    Difference("reduced_too_much", _reduced),
    Difference("every_pair", _every_pair),
    Difference("some_missing", _some_missing),
    Difference("some_extra", _some_extra),
)
VALUES = (
    Difference("imprecise", alike),
    Difference("all_equal", _all_equal),
    Difference("last_everywhere", _last_everywhere),
    Difference("complemented", _complemented),
    Difference("negated", _negated),
    Difference("axes_swapped", _axes_swapped),
    Difference("axis_reversed", _reversed),
    Difference("signs_lost", _signs_lost),
    Difference("negatives_zeroed", _negatives_zeroed),
    Difference("negatives_kept", _negatives_kept),
    Difference("bounded", _bounded),
    Difference("not_bounded", _not_bounded),
    Difference("truncated", _truncated),
    Difference("not_truncated", _not_truncated),
    Difference("integer_overflow", _overflowed),
    Difference("other_scale", _other_scale),
    Difference("divided_by_maximum", _over_maximum),
    Difference("divided_by_sum", _over_sum),
    Difference("times_a_number", _times),
    Difference("plus_a_number", _plus),
    Difference("squared", _squared),
    Difference("root_taken", _root),
    Difference("logarithm_taken", _logarithm),
    Difference("exponential_taken", _exponential),
    Difference("stretched", _rescaled),
    Difference("rolled", _rolled),
    Difference("lines_reordered", _lines_reordered),
    Difference("reordered", _reordered),
    Difference("wrong_slice", _wrong_slice),
    Difference("wrong_border", _wrong_border),
    Difference("zeros_left", _zeros_left),
    Difference("zeros_filled", _zeros_filled),
    Difference("lines_times_a_number", _each_line(_times)),
    Difference("lines_plus_a_number", _each_line(_plus)),
    Difference("lines_stretched", _each_line(_rescaled)),
)


def explain(pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> str | None:
    """Cherche ce qui explique toutes les différences.

    Args:
        pairs: `(valeur rendue, bonne valeur)` de chaque appel manqué, en float64, finies.

    Returns:
        L'identifiant d'une raison ; None si rien de connu n'explique tout.
    """
    of_shape = [(found, expected) for found, expected in pairs if found.shape != expected.shape]
    known = SHAPES if of_shape else VALUES
    pairs = of_shape or pairs
    if known is VALUES and all(found.size < MIN_VALUES for found, _ in pairs):
        pairs = [_joined(pairs)]  # des nombres seuls s'expliquent ensemble
    if max(max(found.size, expected.size) for found, expected in pairs) < MIN_VALUES:
        is_percent = known is VALUES and all(_are_percents(*pair) for pair in pairs)
        return "other_scale" if is_percent else None
    with np.errstate(all="ignore"):
        return first_reason(known, pairs)


def first_reason(known: Sequence[Difference], pairs: Sequence[tuple]) -> str | None:
    """Rend la première des raisons connues qui explique toutes les paires."""
    return next((each.reason for each in known if all(map_pairs(each, pairs))), None)


def factor(pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> str:
    """Dit de combien de fois des valeurs sont trop grandes, ou trop petites.

    Args:
        pairs: `(valeur rendue, bonne valeur)` de chaque appel manqué ; un facteur les sépare.

    Returns:
        Par exemple `"3 fois trop petites"` ; rien, si ce nombre n'est pas entier ou change d'un
        appel à l'autre.
    """
    found = [np.vdot(ours, theirs) / np.vdot(theirs, theirs) for ours, theirs in pairs]
    if not np.allclose(found, found[0], rtol=1e-3) or not found[0]:
        return ""
    size = abs(found[0])
    said = "grandes" if size > 1 else "petites"
    said += ", et de signe opposé" if found[0] < 0 else ""
    times = max(size, 1 / size)
    return f"{times:.0f} fois trop {said}" if np.isclose(times, round(times), rtol=1e-3) else ""


def _joined(pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Met bout à bout les valeurs de plusieurs paires."""
    found, expected = zip(*pairs, strict=True)
    flat = [np.concatenate([each.ravel() for each in side]) for side in (found, expected)]
    return tuple(flat)


def map_pairs(difference: Difference, pairs: Sequence) -> list[bool]:
    """Dit, de chaque paire, si cette différence l'explique."""
    return [difference.explains(found, expected) for found, expected in pairs]
