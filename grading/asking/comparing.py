"""Comparer une réponse à la bonne, puis à ce que donneraient les erreurs connues."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial
from typing import NamedTuple

import numpy as np

from grading.asking import arguments, differences, parts, sequences
from grading.asking.credits import RIGHT, Credit, Wrong
from grading.asking.failures import Answer, Failure, failure_of
from grading.asking.parts import Lacking, as_floats, kind_of

TOLERANCE = 1e-4  # écart relatif permis à ce qui se calcule en float32


# --- Comparer ------------------------------------------------------------------------


def numbers(answer: Answer, shape: Sequence[int] | None = None, *, detail="") -> np.ndarray:
    """Rend les nombres d'une réponse, en float64.

    Args:
        answer: la réponse.
        shape: la forme attendue ; toutes conviennent par défaut.
        detail: ce qui précise la raison, par exemple le nom d'une autre fonction.

    Raises:
        Failure: exception, autre chose que des nombres, autre forme, valeur infinie.
    """
    if answer.error:
        raise failure_of(answer.error)
    values = as_floats(answer.value)
    if isinstance(answer.value, Lacking):
        raise Failure("part_missing", answer.value.said)
    if values is None:
        raise Failure("wrong_type", detail or f"rendu : {kind_of(answer.value)}")
    if shape is not None and values.shape != tuple(shape):
        forms = f"forme attendue {tuple(shape)}, rendue {values.shape}"
        raise Failure("wrong_shape", detail or forms)
    if not np.isfinite(values).all():
        raise Failure("not_a_number", detail)
    return values


def same(found, expected, *, tolerance: float = 1e-6) -> bool:
    """Dit si deux résultats ont la même forme et, à `tolerance` près, les mêmes valeurs.

    NaN n'est égal qu'à NaN ; un mot, qu'au même mot.
    """
    if sequences.has_words(expected):
        return sequences.frozen(found) == sequences.frozen(expected)
    found, expected = as_floats(found), as_floats(expected)
    if found is None or expected is None or found.shape != expected.shape:
        return False
    scale = np.abs(expected[np.isfinite(expected)]).max(initial=1.0)
    return bool(
        np.allclose(found, expected, rtol=tolerance, atol=tolerance * scale, equal_nan=True)
    )


class Mistake(NamedTuple):
    """Une erreur connue : ce qu'elle rendrait, et ce qu'elle vaut quand même."""

    reason: str
    compute: Callable  # mêmes arguments que la fonction de l'énoncé
    level: str = "0"


def altered(function: Callable, after: Callable | None = None, **fixed) -> Callable:
    """Rend la même fonction, dont des arguments sont fixés et dont `after` change le résultat."""

    def wrong(*positional, **named):
        value = function(*positional, **{**named, **fixed})
        return value if after is None else after(value)

    return wrong


def once(mistake: Mistake) -> Mistake:
    """Rend la même erreur, calculée une seule fois par appel, aussi souvent qu'elle est essayée."""
    known = {}

    def compute(*positional, **named):
        key = (*map(id, positional), *((name, id(value)) for name, value in named.items()))
        if key not in known:  # les arguments sont gardés : leurs `id` ne resservent pas
            known[key] = mistake.compute(*positional, **named), positional, named
        return known[key][0]

    return mistake._replace(compute=compute)


ANOTHER = "cela n'explique pas tout ce qui est faux"
VAGUE = ("wrong_values", "wrong_shape")  # ce qui se dit quand rien n'explique la différence
CAUSELESS = (*VAGUE, "wrong_parts")  # de même, ou presque
DIRECTIONS = ("too_large", "too_small")  # un sens, sans la cause
UNSETTLED = (*VAGUE, *DIRECTIONS)  # ce qui se dit sans donner de cause
SYMPTOMS = (  # ce qui décrit la différence, sans en dire la cause
    *("times_a_number", "plus_a_number", "stretched", "reordered", "axis_reversed"),
    *("wrong_slice", "lines_times_a_number", "lines_plus_a_number", "lines_stretched", "rolled"),
    *("wrong_parts", "negated", "axes_swapped", "lines_reordered"),
    *("extra_among", "missing_among", "missing_around"),
)
PARTIAL = (  # ce qui n'explique pas chaque valeur : trop faible pour s'ajouter à une erreur connue
    *("reduced_too_much", "every_pair", "some_missing", "some_extra", "all_equal"),
    *("last_everywhere", "rolled", "reordered", "lines_reordered", "wrong_slice", "wrong_border"),
    *("zeros_left", "zeros_filled"),
    *("lines_times_a_number", "lines_plus_a_number", "lines_stretched"),
)
UNEXPLAINED = VAGUE + SYMPTOMS  # ce dont la cause reste à chercher
REFUSED = object()  # ce que « rend » un appel qui doit lever ValueError


def expected_of(compute: Callable, positional, named):
    """Calcule une valeur attendue, ou `REFUSED` si le corrigé lève ValueError."""
    try:
        return compute(*positional, **named)
    except ValueError:
        return REFUSED


def judge(
    answers: Sequence[Answer],
    groups: Sequence[tuple],
    right: Callable,
    mistakes: Sequence[Mistake] = (),
    *,
    tolerance: float = 1e-6,
) -> Credit:
    """Note les réponses d'une fonction pure.

    Args:
        answers: réponses, à la suite, des appels de tous les groupes.
        groups: `(niveau, appels)`, du plus simple au plus complet ; un niveau n'est acquis
            que si les précédents le sont.
        right: la bonne fonction.
        mistakes: erreurs connues, de la plus précise à la plus vague.
        tolerance: écart relatif accepté.

    Returns:
        Le niveau atteint, et l'erreur que toutes les mauvaises réponses trahissent.
    """
    level, wrong, kept = _missed(answers, groups, right, tolerance)
    if not wrong:
        return RIGHT
    every = [each for bad in wrong for each in bad]
    mistakes = [once(each) for each in mistakes]
    if mistake := _explaining(mistakes, every, kept, tolerance):
        return Credit(max(level, Fraction(mistake.level)), mistake.reason, "", every[0])
    # Plusieurs erreurs : la première est dite, celle des appels les plus simples.
    several = len(wrong) > 1 and _are_telling(wrong[0])
    for mistake in mistakes if several else ():
        if _explains(mistake, wrong[0], kept, tolerance):
            return Credit(level, mistake.reason, ANOTHER, every[0])
    reason, detail = _reason(wrong)
    if reason in VAGUE and (mixed := _under_another(mistakes, wrong[0])):
        return Credit(level, mixed, ANOTHER, every[0])
    return Credit(level, reason, detail, every[0])


def _reason(wrong: Sequence[Sequence[Wrong]]) -> tuple[str, str]:
    """Dit en quoi tous les appels manqués diffèrent, ou ceux du premier groupe qui en a."""
    whole = [each for bad in wrong for each in bad]
    every = _common_reason([each for each in whole if _is_comparable(each)] or whole)
    if every and (every[0] not in CAUSELESS or len(wrong) == 1):
        return every
    others = [each for bad in wrong[1:] for each in bad]
    first = _common_reason(wrong[0], more=any(map(_is_comparable, others)))
    return every if every and first[0] in CAUSELESS else first


def _is_comparable(wrong: Wrong) -> bool:
    """Dit si un appel manqué se compare au bon : de ce qui contient NaN, rien ne se conclut."""
    expected = None if wrong.expected is REFUSED else as_floats(wrong.expected)
    return expected is None or bool(np.isfinite(expected).all())


def value_of(right: Callable, positional, named):
    """Rend la bonne valeur d'un appel ; None si elle n'existe pas."""
    try:
        return right(*positional, **named)
    except Exception:  # ces arguments n'ont pas de sens
        return None


def side_by_side(
    calls: Sequence[tuple],
    answers: Sequence[Answer],
    expected: Sequence,
    tolerance: float,
    parts: Sequence = (),
    names: Sequence[str] = (),
) -> list[arguments.Call]:
    """Met côte à côte des appels, ce que le rendu y répond et ce qu'il fallait répondre.

    `names` sont ceux des arguments positionnels.
    """
    return [
        arguments.Call(
            positional,
            named,
            None if answer.error else as_floats(answer.value),
            as_floats(value),
            _is_right(answer, value, tolerance),
            parts[k] if parts else (),
            names,
        )
        for k, ((positional, named), answer, value) in enumerate(
            zip(calls, answers, expected, strict=True)
        )
    ]


def _is_right(answer: Answer, value, tolerance: float) -> bool:
    """Dit si une réponse est la bonne, ou refuse comme il faut un appel qui n'en a pas."""
    if answer.error:
        return value is None and answer.is_refused
    return same(answer.value, value, tolerance=tolerance)


def located(found: Credit, calls: Sequence[arguments.Call], recompute: Callable) -> Credit:
    """Remplace une raison vague par l'argument d'où vient l'erreur, si on le trouve."""
    clue = arguments.find(calls, recompute, vague=found.reason in VAGUE)
    return found._replace(reason=clue.reason, detail=clue.detail) if clue else found


def of_shown(found: Credit) -> Credit:
    """Remplace une raison vague par ce qui explique tout l'appel montré, s'il est seul à l'être."""
    alone = _difference([found.wrong]) if found.reason in VAGUE and found.wrong else None
    if alone in (None, *PARTIAL):
        return found
    detail = differences.factor(_floats([found.wrong])) if alone == "times_a_number" else ""
    return found._replace(reason=alone, detail=f"{detail} ; {ANOTHER}" if detail else ANOTHER)


def _missed(
    answers: Sequence[Answer], groups: Sequence[tuple], right: Callable, tolerance: float
) -> tuple[Fraction, list[list[Wrong]], list[tuple]]:
    """Rend le niveau atteint, les appels manqués de chaque groupe qui en a, et les autres.

    De ceux-là, c'est `(réponse, appel)`.
    """
    missed, kept, start = [], [], 0
    for _, calls in groups:
        bad = []
        for (positional, named), answer in zip(calls, answers[start:], strict=False):
            expected = expected_of(right, positional, named)
            if _agrees(answer, expected, tolerance):
                kept.append((answer, (positional, named)))
            else:
                bad.append(Wrong("", positional, named, answer, expected, Fraction(0)))
        start += len(calls)
        missed.append(bad)
    wrong = [bad for bad in missed if bad]
    if not wrong:
        return Fraction(1), [], kept
    first = next(k for k, bad in enumerate(missed) if bad)
    below = [Fraction(value) for value, _ in groups[:first]]  # et plusieurs peuvent être égaux
    level = max((each for each in below if each < Fraction(groups[first][0])), default=Fraction(0))
    return level, [[each._replace(reached=level) for each in bad] for bad in wrong], kept


def _agrees(answer: Answer, expected, tolerance: float) -> bool:
    if expected is REFUSED:
        return answer.is_refused
    return not answer.error and same(answer.value, expected, tolerance=tolerance)


def _mistaken(mistake: Mistake, positional, named):
    try:
        return expected_of(mistake.compute, positional, named)
    except Exception:  # l'erreur n'a pas de sens pour ces arguments
        return None


def _are_telling(wrong: Sequence[Wrong]) -> bool:
    """Dit si des réponses ne sont pas un seul nombre, qu'une erreur rendrait par hasard."""
    values = [as_floats(each.answer.value) for each in wrong]
    single = [float(value) for value in values if value is not None and value.ndim == 0]
    return len(single) < len(wrong) or len({*single}) > 1


def _explaining(
    mistakes: Sequence[Mistake], wrong: Sequence[Wrong], kept: Sequence[tuple], tolerance: float
) -> Mistake | None:
    """Trouve l'erreur connue qui rendrait les mêmes mauvaises réponses.

    De plusieurs, c'est la première qui rendrait aussi les mêmes bonnes ; à défaut, la première.
    """
    found = [each for each in mistakes if _explains(each, wrong, kept, tolerance)]
    for mistake in found if len(found) > 1 else ():
        if all(_agrees(answer, _mistaken(mistake, *call), tolerance) for answer, call in kept):
            return mistake
    return found[0] if found else None


def _explains(
    mistake: Mistake, wrong: Sequence[Wrong], kept: Sequence[tuple], tolerance: float
) -> bool:
    """Dit si une erreur connue rendrait les mêmes mauvaises réponses.

    Toutes les ValueError se ressemblent : une erreur connue qui ne fait qu'en lever doit rendre de
    plus, aux autres appels, les mêmes bonnes réponses.

    Args:
        mistake: l'erreur connue.
        wrong: des appels manqués.
        kept: `(réponse, appel)` de ceux qui ne le sont pas.
        tolerance: écart relatif accepté.
    """
    values = [_mistaken(mistake, each.positional, each.named) for each in wrong]
    pairs = list(zip([each.answer for each in wrong], values, strict=True))
    if all(value is REFUSED for value in values):
        pairs += [(answer, _mistaken(mistake, *call)) for answer, call in kept]
        if len(pairs) == len(values):
            return False
    return all(_agrees(answer, value, tolerance) for answer, value in pairs)


def _under_another(mistakes: Sequence[Mistake], wrong: Sequence[Wrong]) -> str | None:
    """Nomme l'erreur connue sous laquelle une différence ordinaire explique tout.

    La différence doit expliquer chaque valeur. Si plusieurs erreurs conviennent, rien ne dit
    laquelle est la bonne : aucune n'est nommée.

    Args:
        mistakes: les erreurs connues.
        wrong: les appels manqués du premier groupe qui en a.
    """
    found = set()
    for mistake in mistakes:
        mixed = [
            each._replace(expected=_mistaken(mistake, each.positional, each.named))
            for each in wrong
        ]
        if _difference(mixed) not in (None, *PARTIAL):
            found.add(mistake.reason)
    return found.pop() if len(found) == 1 else None


def _common_reason(wrong: Sequence[Wrong], *, more: bool | None = None) -> tuple[str, str] | None:
    """Dit en quoi des réponses diffèrent des bonnes.

    Args:
        wrong: des appels manqués.
        more: d'autres appels sont manqués aussi ; None : ceux-ci sont tous les appels manqués, et
            une raison qui ne les explique pas tous n'est pas rendue.
    """
    if all(each.expected is REFUSED for each in wrong):
        kinds = {each.answer.error["type"] for each in wrong if each.answer.error}
        return ("other_error", ", ".join(sorted(kinds))) if kinds else ("no_error", "")
    valued = [each for each in wrong if each.expected is not REFUSED]
    pairs = [(each.answer.value, each.expected) for each in valued]
    if by_part := parts.explain(pairs, partial(same, tolerance=TOLERANCE)):
        return by_part
    if lacking := _lacking(pairs):
        return lacking
    if reason := _difference(valued):
        detail = differences.factor(_floats(valued)) if reason == "times_a_number" else ""
        return reason, ANOTHER if more else detail
    if known := sequences.explain(pairs):
        return known[0], ANOTHER if more else known[1]
    return None if more is None else _first_fault(valued[0])


def _first_fault(wrong: Wrong) -> tuple[str, str]:
    """Dit en quoi une réponse diffère de la bonne : sa forme, ou combien de ses valeurs."""
    if wrong.answer.error:
        failure = failure_of(wrong.answer.error)
        return failure.reason, failure.detail
    if sequences.are_words(wrong.answer.value, wrong.expected):
        return sequences.first_fault(wrong.answer.value, wrong.expected)
    expected = as_floats(wrong.expected)
    try:
        values = numbers(wrong.answer, expected.shape)
    except Failure as failure:
        if failure.reason != "not_a_number":
            return failure.reason, failure.detail
        values = as_floats(wrong.answer.value)
    scale = np.abs(expected[np.isfinite(expected)]).max(initial=1e-9)
    right = np.isclose(values, expected, rtol=1e-4, atol=1e-4 * scale, equal_nan=True)
    absent = ~np.isfinite(values) & np.isfinite(expected)
    return (
        ("not_a_number", _where_not(absent, right)) if absent.any() else (VAGUE[0], _where(right))
    )


def _lacking(pairs: Sequence[tuple]) -> tuple[str, str] | None:
    """Dit ce qui manque à toutes les réponses : des éléments, ou tout."""
    said = [parts.lacks(found, expected) for found, expected in pairs]
    if said and all(said) and not any(each is None for each, _ in pairs):
        return "part_missing", said[0].said
    arrays = [(as_floats(found), as_floats(expected)) for found, expected in pairs]
    known = [pair for pair in arrays if pair[0] is not None and pair[1] is not None]
    is_empty = len(known) == len(pairs) > 0 and all(a.size == 0 < b.size for a, b in known)
    return ("empty_result", "") if is_empty else None


def _where(right: np.ndarray) -> str:
    """Dit combien de valeurs sont justes et, s'il y en a, où est la première qui ne l'est pas."""
    if right.size < 2:
        return ""
    share = f"{np.sum(right)} sur {right.size} sont justes"
    if not right.any():
        return share
    index = ", ".join(map(str, np.argwhere(~right)[0])) if not right.all() else ""
    return f"{share} ; la première fausse est à l'indice [{index}]" if index else share


def _where_not(absent: np.ndarray, right: np.ndarray) -> str:
    """Dit combien de valeurs ne sont pas des nombres, où est la première, et ce que vaut le reste.

    Args:
        absent: les valeurs qui devraient être des nombres, et n'en sont pas.
        right: les valeurs justes.
    """
    if absent.size < 2:
        return ""
    rest = " ; tout le reste est juste" if (right | absent).all() and not absent.all() else ""
    index = ", ".join(map(str, np.argwhere(absent)[0]))
    return f"{np.sum(absent)} sur {absent.size}, la première à l'indice [{index}]{rest}"


def _difference(wrong: Sequence[Wrong]) -> str | None:
    """Cherche une différence ordinaire (`differences`) qui explique tout."""
    pairs = _floats(wrong)
    return differences.explain(pairs) if pairs else None


def _floats(wrong: Sequence[Wrong]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Rend ce qui est rendu et attendu, en float64 ; rien si l'un n'est pas fait de nombres."""
    pairs = []
    for each in wrong:
        found = None if each.answer.error else as_floats(each.answer.value)
        expected = as_floats(each.expected)
        if found is None or expected is None or not found.size or not expected.size:
            return []
        if not (np.isfinite(found).all() and np.isfinite(expected).all()):
            return []
        pairs.append((found, expected))
    return pairs


def seen(answer: Answer, part: Callable | None = None) -> Answer:
    """Ne garde d'une réponse que la part qui se compare ; une réponse sans cette part reste telle.

    Args:
        answer: la réponse.
        part: tire cette part d'une valeur ; tout se compare par défaut.
    """
    if part is None or answer.error:
        return answer
    try:
        with np.errstate(all="ignore"):  # un rendu peut diviser par zéro
            return Answer(parts.taken(answer.value, part))
    except KeyError as error:
        if isinstance(answer.value, dict):
            return Answer(Lacking(f"pas de clé {error}"))
        return answer
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        return answer


def seen_as(answer: Answer, ours: Answer, part: Callable | None = None) -> Answer:
    """Ne garde d'une réponse que la part qui se compare, si elle a les éléments de la bonne.

    Args:
        answer: la réponse du rendu.
        ours: celle du corrigé, entière.
        part: tire cette part d'une valeur ; tout se compare par défaut.
    """
    if part is None or answer.error or ours.error:
        return seen(answer, part)
    missing = parts.lacks(answer.value, ours.value)
    return Answer(missing) if missing else seen(answer, part)
