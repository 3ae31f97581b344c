"""Les questions : ce qu'on demande à un rendu, et ce qu'on en dit.

Une question est une fonction `question(ask) -> Credit` inscrite par `@question("ex00.relu")`,
et une section du fichier TOML voisin (`ex00.toml`). Elle ne voit du rendu que des données
(`pupil`), compare ces données à la bonne réponse, puis à ce que donneraient les erreurs connues.
La bonne réponse est celle du corrigé, appelé comme le rendu (`Ask.compare`), ou celle d'une
fonction donnée (`Ask.judge`). Si tout est dans les entrées, `@compared("ex17.iou")` inscrit une
fonction qui les rend.
"""

import importlib
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial
from typing import NamedTuple

import numpy as np

from grading import messages, pupil
from grading.questions import differences
from grading.scale import Rule

TOLERANCE = 1e-4  # écart relatif permis à ce qui se calcule en float32
TENSORS = {"operation": "through", "weights": []}  # comment appeler une fonction de tenseurs


class Wrong(NamedTuple):
    """Le premier appel qui n'a pas donné ce qu'il fallait."""

    function: str
    positional: tuple
    named: dict
    answer: pupil.Answer
    expected: object
    reached: Fraction  # le niveau acquis, sans ce que vaut quand même une erreur connue


class Credit(NamedTuple):
    """Ce que vaut une réponse : une part des points, et pourquoi ce n'est pas tout."""

    level: Fraction
    # Identifiant d'une raison (`scale.read_reasons`) ; None si tout est juste.
    reason: str | None = None
    detail: str = ""
    wrong: Wrong | None = None


RIGHT = Credit(Fraction(1))


def credit(level, reason: str | None = None, detail: str = "") -> Credit:
    """Fabrique un crédit ; `level` est une fraction, ou son écriture : `"1/2"`."""
    return Credit(Fraction(level), reason, detail)


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


class Ask:
    """Ce qu'une question peut demander au rendu qu'elle note.

    Args:
        rule: la question.
        rng: hasard de la session, le même pour tous les rendus.
        desk: ce qui sait parler au rendu, et le connaît (`grader.Grader`).
    """

    def __init__(self, rule: Rule, rng: np.random.Generator, desk):
        self.rule, self.rng, self.desk = rule, rng, desk
        self.settings = rule.settings

    def calls(
        self, function: str, calls: Sequence[tuple], *, operation: str = "call", **arguments
    ) -> list[pupil.Answer]:
        """Appelle une fonction du rendu.

        Args:
            function: son nom, dans le module de la question.
            calls: `(positionnels, nommés)` de chaque appel.
            operation: celle de `probes` qui appelle : `"call"`, `"through"` ou
                `"chained"`.
            arguments: ce que cette opération demande de plus.

        Returns:
            Une réponse par appel.

        Raises:
            pupil.Failure: le rendu n'a rien rendu.
        """
        prepared = [[list(positional), named] for positional, named in calls]
        found = self.op(operation, function=function, calls=prepared, **arguments)
        known = isinstance(found, list) and len(found) == len(calls)
        if not known or not all(map(_is_answer, found)):
            raise pupil.Failure("forged_answer")
        answers = [pupil.Answer(each.get("value"), each.get("error")) for each in found]
        if all(answer.error for answer in answers):
            first = answers[0].error
            if len({(each.error.get("type"), each.error.get("line")) for each in answers}) == 1:
                raise pupil.failure_of(first)
        return answers

    def judge(
        self,
        function: str,
        groups: Sequence[tuple],
        right: Callable,
        mistakes: Sequence["Mistake"] = (),
        *,
        tolerance: float = 1e-6,
        **how,
    ) -> Credit:
        """Appelle une fonction du rendu, groupe après groupe, et note ses réponses.

        Args:
            function: son nom.
            groups: `(niveau, appels)`, comme pour `judge`.
            right: la bonne fonction.
            mistakes: erreurs connues, comme pour `judge`.
            tolerance: écart relatif accepté.
            how: ce que demande de plus `calls`.
        """
        calls = [call for _, some in groups for call in some]
        answers = self.calls(function, calls, **how)
        found = judge(answers, groups, right, mistakes, tolerance=tolerance)
        return _shown(found, function, calls, calls)

    def compare(
        self,
        function: str,
        groups: Sequence[tuple],
        *,
        mistakes: Sequence["Mistake"] = (),
        tolerance: float = 1e-6,
        **how,
    ) -> Credit:
        """Appelle une fonction du rendu et celle du corrigé, et compare ce qu'elles rendent.

        Args:
            function: son nom.
            groups: `(niveau, appels)`, comme pour `judge`, ou `(niveau, appels, part)`, où `part`
                tire d'une valeur ce qui se compare (voir `seen`).
            mistakes: erreurs connues, comme pour `judge`.
            tolerance: écart relatif accepté.
            how: ce que demande de plus `calls`.

        Raises:
            LookupError: le corrigé ne répond pas ; ce n'est pas la faute du rendu.
        """
        calls = [call for _, some, *_ in groups for call in some]
        parts = [part for _, some, *part in groups for _ in some]
        found = self.calls(function, calls, **how)
        try:
            ours = Ask(self.rule, self.rng, self.desk.reference).calls(function, calls, **how)
        except pupil.Failure as failure:
            raise LookupError(f"le corrigé ne répond pas : {failure.reason}") from failure
        answers = [seen(each, *part) for each, part in zip(found, parts, strict=True)]
        expected = iter([seen(each, *part) for each, part in zip(ours, parts, strict=True)])
        known = [
            (level, [((next(expected), call, part), {}) for call in some])
            for level, some, *part in groups
        ]
        mistakes = [each._replace(compute=partial(_made_by, each)) for each in mistakes]
        compared_ = judge(answers, known, _known, mistakes, tolerance=tolerance)
        return _shown(compared_, function, [call for _, some in known for call in some], calls)

    def op(self, operation: str, /, **arguments):
        """Lance une opération de `probes` dans le module de la question ; rend sa valeur."""
        request = {"module": self.rule.module, **arguments}
        return self.desk.ask(self.rule, operation, request)["value"]

    def clean(self, operation: str, /, **arguments):
        """Lance une opération dans un processus où aucun rendu n'a été importé."""
        return self.desk.ask(self.rule, operation, arguments, clean=True)["value"]

    def model(self, function: str = "build_model", *positional, shape=(), **named) -> bytes:
        """Rend le fichier `.keras` du modèle que construit le rendu (voir `probes.export`)."""
        arguments = {"positional": list(positional), "named": named, "shape": list(shape)}
        return as_bytes(self.op("export", function=function, **arguments))


def _is_answer(found) -> bool:
    """Dit si ce que rend un appel est une valeur ou une erreur."""
    return isinstance(found, dict) and ("value" in found or isinstance(found.get("error"), dict))


def as_bytes(content) -> bytes:
    """Rend un fichier venu d'un rendu.

    Raises:
        pupil.Failure: ce n'en est pas un.
    """
    if not isinstance(content, bytes):
        raise pupil.Failure("forged_answer")
    return content


QUESTIONS: dict[str, Callable[[Ask], Credit]] = {}


def question(identifier: str):
    """Inscrit une fonction comme la question `"exNN.nom"` du barème."""

    def register(function):
        QUESTIONS[identifier] = function  # la dernière inscrite l'emporte
        return function

    return register


def compared(identifier: str, **how):
    """Inscrit une fonction qui rend des groupes d'appels comme la question `"exNN.nom"` du barème.

    La question appelle `nom` chez le rendu et dans le corrigé (voir `Ask.compare`, à qui va `how`).
    """

    def register(function):
        QUESTIONS[identifier] = lambda ask: ask.compare(ask.rule.name, function(ask), **how)
        return function

    return register


def load(exercise: str) -> dict[str, Callable[[Ask], Credit]]:
    """Importe les questions d'un exercice ; rend toutes celles qui sont inscrites."""
    importlib.import_module(f"grading.questions.{exercise}")
    return QUESTIONS


def pixels(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Tire une image d'octets."""
    return rng.integers(0, 256, shape).astype(np.uint8)


# --- Comparer ------------------------------------------------------------------------


def as_floats(value) -> np.ndarray | None:
    """Rend des nombres en float64, `Fraction` comprises ; None si ce n'en sont pas."""
    if isinstance(value, str | bytes | dict | messages.Opaque | None):
        return None
    try:
        array = np.asarray(value, dtype=object)
        said = any(isinstance(each, str | bytes) for each in array.flat)
        return None if said else array.astype(np.float64)
    except (TypeError, ValueError, OverflowError, ZeroDivisionError):
        return None


def numbers(answer: pupil.Answer, shape: Sequence[int] | None = None, *, detail="") -> np.ndarray:
    """Rend les nombres d'une réponse, en float64.

    Args:
        answer: la réponse.
        shape: la forme attendue ; toutes conviennent par défaut.
        detail: ce qui précise la raison, par exemple le nom d'une autre fonction.

    Raises:
        pupil.Failure: exception, autre chose que des nombres, autre forme, valeur infinie.
    """
    if answer.error:
        raise pupil.failure_of(answer.error)
    values = as_floats(answer.value)
    if values is None:
        raise pupil.Failure("wrong_type", detail)
    if shape is not None and values.shape != tuple(shape):
        raise pupil.Failure("wrong_shape", detail)
    if not np.isfinite(values).all():
        raise pupil.Failure("not_a_number", detail)
    return values


def same(found, expected, *, tolerance: float = 1e-6) -> bool:
    """Dit si deux résultats ont la même forme et, à `tolerance` près, les mêmes valeurs.

    NaN n'est égal qu'à NaN.
    """
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


def altered(function: Callable, after: Callable = lambda value: value, **fixed) -> Callable:
    """Rend la même fonction, dont des arguments sont fixés et dont `after` change le résultat."""
    return lambda *positional, **named: after(function(*positional, **{**named, **fixed}))


ANOTHER = "et une autre erreur, à voir ensuite"
VAGUE = ("wrong_values", "wrong_shape")  # ce qui se dit quand rien n'explique la différence
REFUSED = object()  # ce que « rend » un appel qui doit lever ValueError


def expected_of(compute: Callable, positional, named):
    """Calcule une valeur attendue, ou `REFUSED` si le corrigé lève ValueError."""
    try:
        return compute(*positional, **named)
    except ValueError:
        return REFUSED


def judge(
    answers: Sequence[pupil.Answer],
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
    level, wrong, start, open_ = Fraction(0), [], 0, True
    for value, calls in groups:
        bad = []
        for (positional, named), answer in zip(calls, answers[start:], strict=False):
            expected = expected_of(right, positional, named)
            if not _agrees(answer, expected, tolerance):
                bad.append(Wrong("", positional, named, answer, expected, level))
        start += len(calls)
        open_ = open_ and not bad
        level = Fraction(value) if open_ else level
        wrong.append(bad)
    wrong = [bad for bad in wrong if bad]
    every = [each for bad in wrong for each in bad]
    if not every:
        return RIGHT
    for mistake in mistakes:
        if _explains(mistake, every, tolerance):
            return Credit(max(level, Fraction(mistake.level)), mistake.reason, "", every[0])
    # Plusieurs erreurs : la première est dite, celle des appels les plus simples.
    for mistake in mistakes:
        if len(wrong) > 1 and _explains(mistake, wrong[0], tolerance):
            return Credit(level, mistake.reason, ANOTHER, every[0])
    reason, detail = _common_reason(every) or _common_reason(wrong[0], more=len(wrong) > 1)
    for mistake in mistakes if reason in VAGUE else ():  # l'une, et une autre par-dessus
        mixed = [each._replace(expected=_mistaken(mistake, *each[1:3])) for each in wrong[0]]
        if _difference(mixed):
            return Credit(level, mistake.reason, ANOTHER, every[0])
    return Credit(level, reason, detail, every[0])


def _agrees(answer: pupil.Answer, expected, tolerance: float) -> bool:
    if expected is REFUSED:
        return bool(answer.error) and "ValueError" in answer.error.get("families", ())
    return not answer.error and same(answer.value, expected, tolerance=tolerance)


def _mistaken(mistake: Mistake, positional, named):
    try:
        return expected_of(mistake.compute, positional, named)
    except Exception:  # l'erreur n'a pas de sens pour ces arguments
        return None


def _explains(mistake: Mistake, wrong: Sequence[Wrong], tolerance: float) -> bool:
    """Dit si une erreur connue rendrait les mêmes mauvaises réponses."""
    return all(
        _agrees(each.answer, _mistaken(mistake, each.positional, each.named), tolerance)
        for each in wrong
    )


def _common_reason(wrong: Sequence[Wrong], *, more: bool | None = None) -> tuple[str, str] | None:
    """Dit en quoi des réponses diffèrent des bonnes.

    Args:
        wrong: des appels manqués.
        more: d'autres appels sont manqués aussi ; None : ceux-ci sont tous les appels manqués, et
            une raison qui ne les explique pas tous n'est pas rendue.
    """
    if all(each.expected is REFUSED for each in wrong):
        return "no_error", ""
    if reason := _difference([each for each in wrong if each.expected is not REFUSED]):
        return reason, ANOTHER if more else ""
    if more is None:
        return None
    first = next(each for each in wrong if each.expected is not REFUSED)
    expected = as_floats(first.expected)
    try:
        values = numbers(first.answer, expected.shape)
    except pupil.Failure as failure:
        return failure.reason, failure.detail or _forms(failure.reason, first.answer, expected)
    scale = np.abs(expected[np.isfinite(expected)]).max(initial=1e-9)
    right = np.isclose(values, expected, rtol=1e-4, atol=1e-4 * scale)
    share = f"{np.sum(right)} sur {right.size} sont justes" if right.size > 1 else ""
    return "wrong_values", share


def _difference(wrong: Sequence[Wrong]) -> str | None:
    """Cherche une différence ordinaire (`differences`) qui explique tout."""
    pairs = []
    for each in wrong:
        found = None if each.answer.error else as_floats(each.answer.value)
        expected = as_floats(each.expected)
        if found is None or expected is None or not found.size or not expected.size:
            return None
        if not (np.isfinite(found).all() and np.isfinite(expected).all()):
            return None
        pairs.append((found, expected))
    return differences.explain(pairs) if pairs else None


def _forms(reason: str, answer: pupil.Answer, expected: np.ndarray) -> str:
    """Dit les deux formes, ou ce qui est rendu à la place de nombres."""
    if reason == "wrong_shape":
        found = as_floats(answer.value).shape
        return f"forme attendue {expected.shape}, rendue {found}"
    return f"rendu : {kind_of(answer.value)}" if reason == "wrong_type" else ""


def kind_of(value) -> str:
    """Nomme ce qu'est une valeur, pour qui l'a rendue : `"None"`, `"tableau (3, 4)"`, `"Graph"`."""
    if isinstance(value, messages.Opaque):
        return value.type_name
    if isinstance(value, np.ndarray):
        return f"tableau {value.shape}"
    return "None, il manque un `return`" if value is None else type(value).__name__


def _shown(found: Credit, function: str, judged: Sequence, calls: Sequence) -> Credit:
    """Complète un crédit : la fonction appelée, et l'appel tel que le rendu l'a reçu."""
    if found.wrong is None:
        return found
    given = (found.wrong.positional, found.wrong.named)
    number = next(k for k, each in enumerate(judged) if each[0] is given[0] and each[1] is given[1])
    positional, named = calls[number]
    wrong = found.wrong._replace(function=function, positional=positional, named=named)
    return found._replace(wrong=wrong)


def seen(answer: pupil.Answer, part: Callable | None = None) -> pupil.Answer:
    """Ne garde d'une réponse que la part qui se compare ; une réponse sans cette part reste telle.

    Args:
        answer: la réponse.
        part: tire cette part d'une valeur ; tout se compare par défaut.
    """
    if part is None or answer.error:
        return answer
    try:
        with np.errstate(all="ignore"):  # un rendu peut diviser par zéro
            return pupil.Answer(part(answer.value))
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        return answer


def _made_by(mistake: Mistake, _, call: tuple, part: Sequence):
    """Rend ce que donnerait une erreur connue, ou la part qui s'en compare."""
    positional, named = call
    return seen(pupil.Answer(mistake.compute(*positional, **named)), *part).value


def _known(answer: pupil.Answer, *_):
    """Rend ce qu'a répondu le corrigé, ou lève la ValueError qu'il a levée."""
    if answer.error and "ValueError" not in answer.error["families"]:
        raise LookupError(f"le corrigé s'arrête : {answer.error['message']}")
    if answer.error:
        raise ValueError(answer.error["message"])
    return answer.value
