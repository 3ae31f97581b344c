"""Poser une question : ce qu'elle peut demander au rendu qu'elle note, et où elle s'inscrit.

Une question est une fonction `question(ask) -> Credit` inscrite par `@question("ex00.relu")`. Elle
ne voit du rendu que des données (`failures.Answer`). La bonne réponse est celle du corrigé, appelé
comme le rendu (`Ask.compare`), ou celle d'une fonction donnée (`Ask.judge`). Si tout est dans les
entrées, `@compared("ex17.iou")` inscrit une fonction qui les rend.
"""

import importlib
import itertools
import time
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from functools import partial
from typing import NamedTuple

import numpy as np

from grading.asking.arguments import Call, place
from grading.asking.comparing import (
    ANOTHER,
    TOLERANCE,
    UNEXPLAINED,
    UNSETTLED,
    VAGUE,
    Mistake,
    as_floats,
    judge,
    located,
    of_shown,
    once,
    same,
    seen,
    seen_as,
    side_by_side,
    value_of,
)
from grading.asking.credits import Credit, Wrong
from grading.asking.failures import Answer, Failure, failure_of
from grading.asking.parts import are_exchanged, name_of, with_names
from grading.inside.neighbours import on_one_thread
from grading.scale import Rule

SEARCH_S = 2.0  # de processeur : passé ce temps, `check` répond sans chercher davantage
MAX_GIVEN = 20_000  # valeurs données en tout ; au-delà, deux changements prennent trop de place
MIN_SIZE = 8  # valeurs rendues en tout ; en deçà, deux changements expliquent presque tout
TENSORS = {"operation": "through", "weights": []}  # comment appeler une fonction de tenseurs


class Ask:
    """Ce qu'une question peut demander au rendu qu'elle note.

    Args:
        rule: la question.
        rng: hasard de la session, le même pour tous les rendus.
        desk: ce qui sait parler au rendu, et le connaît (`grader.Grader`).
        seeks_cause: chercher ce qui explique une réponse fausse ; c'est ce qui prend du temps.
    """

    def __init__(self, rule: Rule, rng: np.random.Generator, desk, *, seeks_cause: bool = True):
        self.rule, self.rng, self.desk = rule, rng, desk
        self.settings = rule.settings
        self.seeks_cause = seeks_cause
        self.searched_s = 0.0

    @property
    def reference(self) -> "Ask":
        """De quoi demander les mêmes choses au corrigé."""
        return Ask(self.rule, self.rng, self.desk.reference)

    def calls(
        self, function: str, calls: Sequence[tuple], *, operation: str = "call", **arguments
    ) -> list[Answer]:
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
            Failure: le rendu n'a rien rendu.
        """
        prepared = [[list(positional), named] for positional, named in calls]
        found = self.op(operation, function=function, calls=prepared, **arguments)
        known = isinstance(found, list) and len(found) == len(calls)
        if not known or not all(map(_is_answer, found)):
            raise Failure("forged_answer")
        answers = [
            Answer(each.get("value"), each.get("error"), _places(each.get("changed")))
            for each in found
        ]
        if all(answer.error for answer in answers):
            first = answers[0].error
            if len({(each.error.get("type"), each.error.get("line")) for each in answers}) == 1:
                failure = failure_of(first)
                failure.call = calls[0]
                raise failure
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
        try:
            answers = self.calls(function, calls, **how)
        except Failure as failure:
            return _stopped(failure, function)
        found = judge(answers, groups, right, mistakes, tolerance=tolerance)
        if self._seeks(found):
            whole = [(*each, ()) for each in groups]
            values = [value_of(right, *call) for call in calls]
            compared_ = Compared(whole, answers, values, tolerance)
            found = self._explained(
                found,
                function,
                compared_,
                lambda _, changed: [as_floats(value_of(right, *each)) for each in changed],
                **how,
            )
        pairs = _first_pairs(groups, answers, right) if found.level == 1 else ()
        return shown_as(self._remarked(found, function, answers, pairs), function, calls, calls)

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
        groups = [(level, some, part) for level, some, *part in groups]
        calls, parts = _each_call(groups)
        try:
            found = self.calls(function, calls, **how)
        except Failure as failure:
            return _stopped(failure, function)
        try:
            ours = self.reference.calls(function, calls, **how)
        except Failure as failure:
            raise LookupError(f"le corrigé ne répond pas : {failure.reason}") from failure
        answers = [
            seen_as(each, known, *part)
            for each, known, part in zip(found, ours, parts, strict=True)
        ]
        expected = [seen(each, *part) for each, part in zip(ours, parts, strict=True)]
        answers, expected = self._with_fields(function, answers, expected)
        known = _with_answers(groups, expected)
        mistakes = [each._replace(compute=partial(_made_by, once(each))) for each in mistakes]
        compared_ = judge(answers, known, _known, mistakes, tolerance=tolerance)
        if self.seeks_cause and compared_.detail == ANOTHER and mistakes:
            # Une seule opération vaut mieux que deux erreurs, si elle explique tout.
            near = self._near(compared_, function, groups, answers, **how)
            compared_ = near if near.reason == "one_operation" else compared_
        whole = [(a.value, b.value) for a, b in zip(found, ours, strict=True) if not b.error]
        if compared_.reason and any(parts) and are_exchanged(whole, same):
            compared_ = compared_._replace(reason="parts_exchanged", detail="")
        if self._seeks(compared_):
            values = [None if each.error else each.value for each in expected]
            side = Compared(groups, answers, values, tolerance)
            again = partial(self._recomputed, function, how)
            compared_ = self._explained(compared_, function, side, again, **how)
        compared_ = self._remarked(compared_, function, found, whole, ours)
        judged = [call for _, some in known for call in some]
        shown = shown_as(compared_, function, judged, calls)
        return _whole(shown, _rank(compared_, judged), parts, found, ours)

    def _explained(
        self, found: Credit, function: str, side: "Compared", again: Callable, **how
    ) -> Credit:
        """Cherche ce qui explique une réponse fausse : une opération, puis un argument.

        Args:
            found: ce que `judge` a rendu.
            function: le nom de la fonction.
            side: ses réponses, et les bonnes.
            again: refait des appels dont les arguments ont changé (voir `arguments.find`).
            how: ce que demande de plus `calls`.
        """
        found = self._near(found, function, side.groups, side.answers, **how)
        if not self._seeks(found):
            return found
        calls, parts = _each_call(side.groups)
        names = self.parameters(function)
        every = side_by_side(calls, side.answers, side.values, side.tolerance, parts, names)
        return of_shown(located(found, every, again))

    def _remarked(
        self,
        found: Credit,
        function: str,
        answers: Sequence[Answer],
        pairs: Sequence[tuple],
        ours: Sequence[Answer] = (),
    ) -> Credit:
        """Dit d'une fonction qu'elle change ce qu'elle reçoit, si rien de précis n'est dit d'elle.

        D'une réponse juste, c'est une remarque : elle garde tous ses points. De même si elle est
        faite de nombres à virgule, là où le corrigé rend des entiers, de nombres, là où il rend
        des booléens, ou de float64, là où il rend des float32.

        Args:
            found: ce qui en est déjà dit.
            function: son nom.
            answers: ses réponses.
            pairs: des valeurs rendues, et les bonnes, si tout est juste.
            ours: les réponses du corrigé, s'il a été appelé.
        """
        if found.reason is not None and (found.reason not in UNSETTLED or not self.seeks_cause):
            return found
        if changed := self._changed(function, answers, ours):
            return found._replace(reason="changed_in_place", detail=changed)
        if found.level < 1:
            return found
        said = (reason for reason, differs in OTHER_TYPES if any(differs(*each) for each in pairs))
        return found._replace(reason=next(said, found.reason))

    def _changed(self, function: str, answers: Sequence[Answer], ours: Sequence[Answer]) -> str:
        """Nomme les arguments qu'une fonction change, et que le corrigé ne change pas."""
        meant = {name for each in ours for name in each.changed}
        changed = [name for each in answers for name in each.changed if name not in meant]
        if not changed:
            return ""
        known = self.parameters(function)
        names = [known[k] if k in range(len(known)) else k for k in changed]
        said = [f"`{k}`" if isinstance(k, str) else f"le {place(k)}" for k in names]
        return ", ".join(dict.fromkeys(said))

    def _seeks(self, found: Credit) -> bool:
        """Dit s'il faut chercher ce qui explique une réponse fausse, que rien n'explique encore."""
        return self.seeks_cause and found.reason in UNEXPLAINED

    def _recomputed(
        self, function: str, how: dict, calls: Sequence[Call], changed: list[tuple]
    ) -> list[np.ndarray | None]:
        """Rend ce que répond le corrigé à des appels dont les arguments ont changé."""
        try:
            ours = self.reference.calls(function, changed, **how)
        except Failure:
            return [None] * len(changed)
        return [
            None if answer.error else as_floats(seen(answer, *call.part).value)
            for answer, call in zip(ours, calls, strict=True)
        ]

    def _with_fields(self, function: str, *several: list[Answer]) -> list[list[Answer]]:
        """Nomme les éléments de réponses entières, si la fonction annonce un `NamedTuple`."""
        if not any(isinstance(each.value, tuple) for each in several[-1]):
            return list(several)
        try:
            names = tuple(self.reference.op("fields", function=function))
        except (Failure, LookupError):
            names = ()
        return [[each._replace(value=with_names(each.value, names)) for each in a] for a in several]

    def _near(
        self, found: Credit, function: str, groups: Sequence[tuple], answers: Sequence, **how
    ) -> Credit:
        """Cherche si le corrigé, changé d'une opération, répondrait comme le rendu.

        Args:
            found: ce que `judge` a rendu.
            function: le nom de la fonction.
            groups: `(niveau, appels, part)`.
            answers: ce qu'y répond le rendu, parts seulement.
            how: ce que demande de plus `calls`.

        Returns:
            Le même crédit, avec l'opération changée pour raison, si elle explique tout, ou tout un
            groupe d'appels : celle qui n'explique qu'un appel peut tomber juste par hasard.
        """
        rows = [
            (call, answer, part)
            for (call, part), answer in zip(
                ((call, part) for _, some, part in groups for call in some), answers, strict=True
            )
        ]
        missed = [row for row in rows if row[1] is found.wrong.answer][:1]
        how = {"function": function, "call": how.pop("operation", "call"), **how}
        reasons, single = {1: "one_operation", 2: "two_operations"}, []
        # Deux changements n'expliquent pas mieux que deux erreurs, ou tombent juste par hasard.
        says_little = found.detail == ANOTHER or _num_values(answers) < MIN_SIZE
        if says_little or _num_given(call for call, *_ in rows) > MAX_GIVEN:
            del reasons[2]
        try:
            for count, reason in reasons.items():
                if self.searched_s >= SEARCH_S:
                    break
                start = time.process_time()
                near = self._agreeing(missed, count=count, **how)
                if _has_other_axes(found):
                    near = [each for each in near if not _is_arithmetic(each[2])]
                numbers = [number for _, number, _ in near]
                single = numbers if count == 1 else single
                whole = numbers and self._agreeing(rows, count=count, only=numbers, **how)
                if whole:
                    return found._replace(reason=reason, detail=min(whole)[2])
                self.searched_s += time.process_time() - start
            first = _first_missed(groups, rows, found)
            if single and first and (some := self._agreeing(first, count=1, only=single, **how)):
                said = f"{min(some)[2]} ; {ANOTHER}"
                return found._replace(reason="first_operation", detail=said)
        except (Failure, LookupError, NotImplementedError):  # le corrigé n'a pas pu être changé
            pass
        return found

    def _agreeing(self, rows: Sequence[tuple], **how) -> list[tuple[int, int, str]]:
        """Rend les calculs voisins qui répondent comme le rendu : `(rang, numéro, ce qui change)`.

        Args:
            rows: `(appel, réponse du rendu, part)`.
            how: ce que demande `inside.neighbours`.
        """
        calls = [[list(positional), named] for (positional, named), _, _ in rows]
        agreeing = [
            (rank, number, said, written)
            for number, said, rank, near, written in self.reference.op(
                "neighbours", calls=calls, **how
            )
            if all(
                _answers_alike(answer, each, part)
                for (_, answer, part), each in zip(rows, near, strict=True)
            )
        ]
        if any(written for *_, written in agreeing) and (own := self._words(how["function"])):
            agreeing = [each for each in agreeing if _are_written(each[3], own)]
        return [(rank, number, said) for rank, number, said, _ in agreeing]

    def _words(self, function: str) -> list[str]:
        """Rend ce qu'écrit une fonction du rendu ; [] si son code ne se lit pas."""
        try:
            found = self.op("words", function=function)
        except (Failure, LookupError):
            return []
        return [str(each) for each in found] if isinstance(found, list) else []

    def parameters(self, function: str) -> list[str]:
        """Rend les noms des arguments d'une fonction du rendu, dans l'ordre ; [] s'ils manquent."""
        try:
            found = self.op("parameters", function=function)
        except (Failure, LookupError):
            return []
        known = isinstance(found, list) and all(isinstance(each, str) for each in found)
        return [each for each in found if each.isidentifier()] if known else []

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


ARITHMETIC = (  # ce que `inside.neighbours` dit d'un nombre, d'une opération ou d'un terme
    *("un nombre", "un terme", "un facteur", "une soustraction", "une multiplication"),
    *("une division", "une puissance", "un reste"),
)


class Compared(NamedTuple):
    """Les réponses d'une fonction, côte à côte avec les bonnes."""

    groups: Sequence[tuple]  # (niveau, appels, part)
    answers: Sequence[Answer]  # la part qui se compare
    values: Sequence  # les bonnes, de cette part ; None s'il n'y en a pas
    tolerance: float


def _stopped(failure: Failure, function: str) -> Credit:
    """Rend le crédit d'une fonction que tous ses appels arrêtent de même ; montre le premier.

    Raises:
        Failure: elle ne vient pas d'un appel, ou n'est pas une exception du calcul.
    """
    if failure.call is None or failure.reason != "exception":
        raise failure
    wrong = Wrong(function, *failure.call, Answer(None, failure.error), None, Fraction(0))
    return Credit(Fraction(0), failure.reason, failure.detail, wrong)


def _each_call(groups: Sequence[tuple]) -> tuple[list, list]:
    """Rend tous les appels de groupes `(niveau, appels, part)`, et ce qui se compare de chacun."""
    calls = [call for _, some, _ in groups for call in some]
    return calls, [part for _, some, part in groups for _ in some]


def _with_answers(groups: Sequence[tuple], expected: Sequence[Answer]) -> list[tuple]:
    """Rend les groupes tels que `judge` les lit : chaque appel y porte sa bonne réponse."""
    waiting = iter(expected)
    return [
        (level, [((next(waiting), call, part), {}) for call in some])
        for level, some, part in groups
    ]


def _first_pairs(groups: Sequence[tuple], answers: Sequence[Answer], right: Callable) -> list:
    """Rend, du premier appel de chaque groupe, la valeur rendue et la bonne."""
    starts = itertools.accumulate([len(some) for _, some, *_ in groups], initial=0)
    return [
        (answers[start].value, value_of(right, *some[0]))
        for start, (_, some, *_) in zip(starts, groups, strict=False)
        if some
    ]


def _are_written(written: Sequence[Sequence[str]], own: Sequence[str]) -> bool:
    """Dit si, de chaque suite de mots, l'un au moins est dans ce qu'écrit une fonction."""
    return all(any(word in each for word in words for each in own) for words in written)


def _places(changed) -> tuple:
    """Lit les rangs et les noms des tableaux qu'un appel a changés."""
    known = changed if isinstance(changed, list) else []
    return tuple(
        k for k in known if isinstance(k, int) or (isinstance(k, str) and k.isidentifier())
    )


def _are_of_kinds(ours: str, theirs: str, value, expected) -> bool:
    """Dit si un nombre, ou un tableau, est d'un genre de NumPy, et le bon d'un autre."""
    numeric = np.ndarray | np.generic | int | float
    if not isinstance(value, numeric) or not isinstance(expected, numeric):
        return False
    return np.asarray(value).dtype.kind in ours and np.asarray(expected).dtype.kind in theirs


def _are_doubles_for_singles(value, expected) -> bool:
    """Dit si un tableau est en float64, et le bon en float32 ; d'un seul nombre, rien."""
    both = (value, expected)
    if not all(isinstance(each, np.ndarray) and each.ndim for each in both):
        return False
    return (value.dtype, expected.dtype) == (np.float64, np.float32)


OTHER_TYPES = (  # d'un résultat juste, ce qui se remarque de son type : la première qui convient
    ("floats_for_integers", partial(_are_of_kinds, "f", "iu")),
    ("numbers_for_booleans", partial(_are_of_kinds, "iuf", "b")),
    ("doubles_for_singles", _are_doubles_for_singles),
)


def _first_missed(groups: Sequence[tuple], rows: Sequence[tuple], found: Credit) -> Sequence[tuple]:
    """Rend les appels du premier groupe manqué ; rien, s'ils sont tous là, ou disent trop peu."""
    start = 0
    for _, some, _ in groups:
        own = rows[start : start + len(some)]
        start += len(some)
        if any(row[1] is found.wrong.answer for row in own):
            several = 1 < len(own) < len(rows) and not any(part for *_, part in rows)
            enough = _num_values([row[1] for row in own]) >= 2 * MIN_SIZE
            return own if several and enough else ()
    return ()


def _num_values(answers: Sequence[Answer]) -> int:
    """Compte les nombres de toutes les réponses ; ce qui n'en est pas un tableau en vaut assez."""
    values = [as_floats(each.value) for each in answers if not each.error]
    return sum(MIN_SIZE if each is None else each.size for each in values)


def _num_given(calls: Iterable[tuple]) -> int:
    """Compte les valeurs des tableaux que reçoivent des appels."""
    given = [each for positional, named in calls for each in (*positional, *named.values())]
    return sum(each.size for each in given if isinstance(each, np.ndarray))


def _has_other_axes(found: Credit) -> bool:
    """Dit si le résultat manqué n'a pas le nombre d'axes du bon."""
    ours, theirs = as_floats(found.wrong.answer.value), as_floats(found.wrong.expected)
    return ours is not None and theirs is not None and ours.ndim != theirs.ndim


def _is_arithmetic(said: str) -> bool:
    """Dit si ce qui change d'un calcul voisin est un de ses nombres, qui n'ôte ni n'ajoute d'axe.

    Un tel calcul n'a ces axes que par accident, par exemple si le nombre changé comptait des axes.
    """
    return any(part.strip().startswith(ARITHMETIC) for part in said.split(" ; "))


def _answers_alike(answer: Answer, near: dict, part: Sequence) -> bool:
    """Dit si le rendu répond comme un calcul voisin."""
    if answer.error or "error" in near:
        return bool(answer.error) and "error" in near
    try:
        return same(answer.value, seen(Answer(near["value"]), *part).value, tolerance=TOLERANCE)
    except ValueError:  # une suite irrégulière, que rien ne compare
        return False


def _is_answer(found) -> bool:
    """Dit si ce que rend un appel est une valeur ou une erreur."""
    return isinstance(found, dict) and ("value" in found or isinstance(found.get("error"), dict))


def as_bytes(content) -> bytes:
    """Rend un fichier venu d'un rendu.

    Raises:
        Failure: ce n'en est pas un.
    """
    if not isinstance(content, bytes):
        raise Failure("forged_answer")
    return content


def shown_as(found: Credit, function: str, judged: Sequence, calls: Sequence) -> Credit:
    """Complète un crédit : la fonction appelée, et l'appel tel que le rendu l'a reçu.

    Args:
        found: ce que `judge` a rendu.
        function: le nom de la fonction.
        judged: les appels donnés à `judge`.
        calls: ceux que le rendu a reçus, dans le même ordre.
    """
    if found.wrong is None:
        return found
    positional, named = calls[_rank(found, judged)]
    wrong = found.wrong._replace(function=function, positional=positional, named=named)
    return found._replace(wrong=wrong)


def _rank(found: Credit, judged: Sequence) -> int:
    """Rend le rang de l'appel manqué parmi ceux qui ont été donnés à `judge` ; -1 sans lui."""
    if found.wrong is None:
        return -1
    given = (found.wrong.positional, found.wrong.named)
    return next(k for k, each in enumerate(judged) if each[0] is given[0] and each[1] is given[1])


def _made_by(mistake: Mistake, _, call: tuple, part: Sequence):
    """Rend ce que donnerait une erreur connue, ou la part qui s'en compare."""
    positional, named = call
    return seen(Answer(mistake.compute(*positional, **named)), *part).value


def _known(answer: Answer, *_):
    """Rend ce qu'a répondu le corrigé, ou lève la ValueError qu'il a levée."""
    if answer.error and not answer.is_refused:
        raise LookupError(f"le corrigé s'arrête : {answer.error['message']}")
    if answer.error:
        raise ValueError(answer.error["message"])
    return answer.value


def _whole(found: Credit, number: int, parts: Sequence, answers, ours) -> Credit:
    """Note dans un crédit, à côté de la part comparée, son nom et tout ce que la fonction rend.

    Ce qui se dit de cette part seule ne dit rien à qui ne la connaît pas : c'est tu.
    """
    if found.wrong is None:
        return found
    values = [each[number].value for each in (answers, ours)]
    if name := name_of(*parts[number], whole=values[1]):
        return found._replace(wrong=found.wrong._replace(part=name))
    if not parts[number] or not all(map(_has_form, values)):
        return found
    wrong = found.wrong._replace(whole=(answers[number], ours[number].value))
    inside = found.reason in VAGUE and found.detail != ANOTHER
    return found._replace(wrong=wrong, detail="" if inside else found.detail)


def _has_form(value) -> bool:
    """Dit si une valeur est un tableau, de nombres réels ou complexes, ou se lit comme tel."""
    return isinstance(value, np.ndarray) or as_floats(value) is not None


QUESTIONS: dict[str, Callable[[Ask], Credit]] = {}


def question(identifier: str):
    """Inscrit une fonction comme la question `"exNN.nom"` du barème, qui calcule sur un fil."""

    def register(function):
        QUESTIONS[identifier] = on_one_thread(function)  # la dernière inscrite l'emporte
        return function

    return register


def compared(identifier: str, **how):
    """Inscrit une fonction qui rend des groupes d'appels comme la question `"exNN.nom"` du barème.

    La question appelle `nom` chez le rendu et dans le corrigé (voir `Ask.compare`, à qui va `how`).
    """

    def register(function):
        def compare(ask: Ask) -> Credit:
            return ask.compare(ask.rule.name, function(ask), **how)

        question(identifier)(compare)
        return function

    return register


def load(exercise: str) -> dict[str, Callable[[Ask], Credit]]:
    """Importe les questions d'un exercice ; rend toutes celles qui sont inscrites."""
    importlib.import_module(f"grading.questions.{exercise}")
    return QUESTIONS
