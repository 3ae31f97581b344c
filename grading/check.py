"""Se vérifier soi-même : `check("ex07.drops")`, dans un notebook ou un fichier `.py`.

C'est la question du correcteur, posée aux fonctions que l'appelant vient d'écrire, dans son propre
processus : rien n'y est enfermé, rien n'est noté, rien n'est gardé. La réponse dit ce qui est
acquis et ce qui reste à faire d'après le barème publié, et montre le premier appel manqué ; jamais
la valeur attendue.
"""

import ast
import atexit
import contextlib
import functools
import importlib
import inspect
import itertools
import json
import os
import random
import secrets
import signal
import sys
import tempfile
import textwrap
import threading
import types
import warnings
import zlib
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np

from grading import sealed
from grading.asking import failures, grader, sequences
from grading.asking.ask import Ask, load
from grading.asking.comparing import ANOTHER, REFUSED, UNEXPLAINED, kind_of
from grading.asking.credits import REMARKS, Credit, Wrong
from grading.asking.parts import Lacking
from grading.inside import messages, probes, sandbox
from grading.inside.alarm import OutOfTimeError
from grading.reading import handin
from grading.scale import Rule, read_reasons, read_scale

ENCLOSED = {"command", *grader.PROGRAMS}  # ce que seul un processus à part sait faire
HANDED_IN = ("weights", "command")  # questions posées à des fichiers rendus, et non à des fonctions
LIMIT_S = 20  # de processeur, pour les appels d'une question
SMALL = 12  # valeurs d'un tableau qui se montre en entier
WIDTH = 96


class Verdict(NamedTuple):
    """Ce qu'une question dit des fonctions de l'élève."""

    rule: Rule
    credit: Credit
    waits_for: str = ""  # la fonction dont celle-ci se sert, et qui n'est pas encore juste

    @property
    def is_right(self) -> bool:
        """Dit si la question a tous ses points."""
        return self.credit.level == 1


# --- Appeler les fonctions dans ce processus -----------------------------------------


def _load_operations() -> None:
    """Ajoute aux opérations de `probes` les autres ; celles de `models`, si Keras est là."""
    importlib.import_module("grading.inside.neighbours")
    if "keras" in sys.modules:
        importlib.import_module("grading.inside.models")


@contextlib.contextmanager
def _untouched() -> Iterator[None]:
    """Laisse le hasard de Python et de NumPy, et le dossier courant, comme ils étaient."""
    drawn, seeded = random.getstate(), np.random.get_state()
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        try:
            yield
        finally:
            random.setstate(drawn)
            np.random.set_state(seeded)


@contextlib.contextmanager
def _without_bars() -> Iterator[None]:
    """Tait les barres de progression de Keras, s'il est chargé ; ce que l'élève imprime reste."""
    bar = sys.modules["keras"].utils.Progbar if "keras" in sys.modules else None
    if bar is None:
        yield
        return
    kept, bar.update = bar.update, lambda *_, **__: None
    try:
        yield
    finally:
        bar.update = kept


@contextlib.contextmanager
def _without_autograph() -> Iterator[None]:
    """Tait AutoGraph, qui dit en anglais, dans un notebook, ne pas lire le code d'une fonction."""
    spoken = sys.modules.get("tensorflow.python.autograph.utils.ag_logging")
    if spoken is None:
        yield
        return
    kept, spoken.echo_log_to_stdout = spoken.echo_log_to_stdout, False
    try:
        yield
    finally:
        spoken.echo_log_to_stdout = kept


@contextlib.contextmanager
def _limited(seconds: int) -> Iterator[None]:
    """Arrête une boucle sans fin, par une exception qui en dit la ligne ; zéro : ne compte pas.

    Raises:
        OutOfTimeError: le temps de processeur est passé.
    """
    countable = threading.current_thread() is threading.main_thread()
    if not seconds or not countable or not hasattr(signal, "setitimer"):  # dans une page, non plus
        yield
        return

    def ring(*_):
        raise OutOfTimeError

    before = signal.signal(signal.SIGPROF, ring)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Tait les avertissements de ce que calcule le correcteur : ils montreraient le corrigé."""
    _HEARD.append((warnings.filters[:], np.geterr()))
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            yield
    finally:
        _HEARD.pop()


@contextlib.contextmanager
def _heard() -> Iterator[None]:
    """Rend à l'élève, le temps d'un de ses calculs, les avertissements que `_quiet` tait."""
    filters, errors = _HEARD[-1] if _HEARD else (warnings.filters, np.geterr())
    with warnings.catch_warnings(), np.errstate(**errors):
        warnings.filters[:] = filters
        yield


_HEARD: list[tuple[list, dict]] = []  # ce qui se dit hors de `_quiet`


class Desk:
    """Pose les questions aux fonctions d'un espace de noms, ou à celles du corrigé.

    Un appel déjà fait n'est pas refait : sa réponse est gardée.

    Args:
        space: les variables globales de l'élève ; None pour le corrigé.
    """

    others = ()

    def __init__(self, space: dict | None):
        self.space = space
        self.asked: list[str] = []  # les fonctions appelées
        self.answered: dict[bytes, bytes] = {}  # les réponses, par appel

    @property
    def submission(self):
        """Le rendu entier, ses poids, sa commande : il n'y en a pas ici."""
        raise NotImplementedError("la question demande le rendu entier")

    @functools.cached_property
    def reference(self) -> "Desk":
        """Le corrigé, à qui l'on pose les mêmes questions."""
        return Desk(None)

    def ask(self, rule: Rule, operation: str, arguments: dict, *, clean: bool = False) -> dict:
        """Fait ce que ferait l'enfant du correcteur (voir `probes.answer`).

        Une autre fonction que la question emploie, et que l'élève n'a pas, est celle du corrigé.

        Raises:
            failures.Failure: la fonction manque, ou s'arrête.
            NotImplementedError: seul un processus à part sait le faire.
        """
        if operation in ENCLOSED:
            raise NotImplementedError(operation)
        function = arguments.get("function", rule.name)
        if self.space is not None and function not in {*self.space, rule.name}:
            return self.reference.ask(rule, operation, arguments)
        self.asked.append(function)
        _load_operations()
        if operation not in probes.OPERATIONS:
            importlib.import_module("keras")
            _load_operations()
        request = messages.pack([operation, arguments])
        if request in self.answered:
            return {"value": messages.unpack(self.answered[request])}
        _, arguments = messages.unpack(request, ingredients=True)
        with _untouched(), _without_bars(), _without_autograph(), self._in_place(rule):
            try:
                with _limited(LIMIT_S if self.space or operation == "neighbours" else 0):
                    value = probes.OPERATIONS[operation](**arguments)
                self.answered[request] = messages.pack(value)
                return {"value": messages.unpack(self.answered[request])}
            except OutOfTimeError as error:
                place = probes.describe_error(error)
                where = f"ligne {place['line']} de {place['file']}" if place["line"] else ""
                raise failures.Failure("timeout", where) from error
            except Exception as error:
                raise failures.failure_of(probes.describe_error(error)) from error

    @contextlib.contextmanager
    def _in_place(self, rule: Rule) -> Iterator[None]:
        """Met les fonctions à la place du module de la question."""
        if self.space is None:
            with sealed.apart():
                yield
            return
        name = f"exercises.{rule.module}"
        kept, module = sys.modules.get(name), types.ModuleType(name)
        vars(module).update(self.space, __name__=name)
        sys.modules[name], probes.SPACE[:] = module, [self.space]
        try:
            with _heard():
                yield
        finally:
            probes.SPACE.clear()
            sys.modules.pop(name)
            if kept is not None:
                sys.modules[name] = kept


# --- Poser une question --------------------------------------------------------------


def find_rule(identifier: str) -> Rule:
    """Rend la question d'un nom : `"ex07.drops"`.

    Raises:
        ValueError: pas de question de ce nom.
    """
    exercise, _, name = identifier.partition(".")
    rules = read_scale()[exercise].rules if exercise in read_scale() else ()
    for rule in rules:
        if rule.name == name:
            return rule
    known = ", ".join(rule.id for rule in rules) or ", ".join(read_scale())
    raise ValueError(f"Pas de question {identifier!r} ; au choix : {known}.")


def answer(
    rule: Rule,
    space: dict,
    *,
    seed: int | None = None,
    first: Callable[[Verdict], None] | None = None,
) -> Verdict:
    """Pose une question aux fonctions d'un espace de noms.

    Args:
        rule: la question.
        space: variables globales où ces fonctions sont définies.
        seed: graine des essais ; tirée au hasard par défaut.
        first: reçoit le verdict dès qu'il est connu, avant que sa cause soit cherchée.

    Returns:
        Le verdict. Si une autre fonction du barème, dont celle-ci se sert, est fausse, il la nomme.

    Raises:
        NotImplementedError: la question exécute le programme entier.
        sealed.UnsealedError: le corrigé a changé et l'original est introuvable.
    """
    seed = secrets.randbits(32) if seed is None else seed
    ask = _asked(rule, Desk(space), seed, seeks_cause=False)
    found = _credit(ask, seed)
    before = _wrong_before(ask, seed, {rule.name}) if found.level < 1 else None
    verdict = Verdict(rule, found, before.name if before else "")
    if first:
        first(verdict)
    if before or (found.reason not in UNEXPLAINED and found.detail != ANOTHER):
        return verdict
    return Verdict(rule, _credit(_asked(rule, ask.desk, seed), seed))


def _asked(rule: Rule, desk: Desk, seed: int, *, seeks_cause: bool = True) -> Ask:
    rng = np.random.default_rng([seed, zlib.crc32(rule.id.encode())])
    return Ask(rule, rng, desk, seeks_cause=seeks_cause)


def _wrong_before(ask: Ask, seed: int, tried: set[str]) -> Rule | None:
    """Rend la première fonction fausse dont une fonction fausse se sert, ou sa question.

    Args:
        ask: la question, déjà posée.
        seed: graine des essais.
        tried: noms à ne pas essayer ; ceux qui le sont s'y ajoutent.
    """
    graded = {each.name: each for each in read_scale()[ask.rule.exercise].rules}
    used = [each.name for each in needed(ask.rule, ask.desk.space)]
    for name in dict.fromkeys([*used, *ask.desk.asked]):
        if name in graded and name not in tried:
            tried.add(name)
            other = _asked(graded[name], Desk(ask.desk.space), seed, seeks_cause=False)
            if _credit(other, seed).level == 1:
                continue
            if cause := _wrong_before(other, seed, tried):
                return cause
            if ask.rule.name not in other.desk.asked:  # sans quoi rien ne dit laquelle est fausse
                return other.rule
    return None


def _credit(ask: Ask, seed: int) -> Credit:
    try:
        with _quiet():
            return load(ask.rule.exercise)[ask.rule.id](ask)
    except NotImplementedError:
        return _enclosed(ask.rule, ask.desk.space, seed)
    except failures.Failure as failure:
        return Credit(Fraction(0), failure.reason, failure.detail)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        if isinstance(error, sealed.UnsealedError):
            raise
        return Credit(Fraction(0), "unread_answer", type(error).__name__)


def _enclosed(rule: Rule, space: dict, seed: int) -> Credit:
    """Pose à un processus à part une question qui exécute le programme entier.

    Le premier appel charge TensorFlow, et le garde pour les suivants.

    Raises:
        NotImplementedError: la question porte sur des fichiers rendus.
        sandbox.WrongSystemError: ce n'est pas Linux.
    """
    if rule.name in HANDED_IN or not {"get_ipython", "__file__"} & {*space}:
        raise NotImplementedError(rule.id)
    sandbox.check_system()
    prepare(seed)
    with tempfile.TemporaryDirectory() as folder:
        return _ASIDE[0].answer(rule, _program(space, Path(folder)))


class _Aside:
    """Le processus à part, qui exécute des programmes entiers.

    Args:
        seed: graine des essais.
    """

    def __init__(self, seed: int):
        self._grader = grader.Grader(grader.Options(seed, fill_missing=True))
        self._folder = tempfile.TemporaryDirectory()
        self._content, self._submission = b"", None  # le dernier programme, et sa copie
        self._loading = self._grader.load_keras()

    def answer(self, rule: Rule, path: Path) -> Credit:
        """Pose une question à un programme ; celui qui n'a pas changé n'est pas exécuté deux fois.

        Args:
            rule: la question.
            path: fichier du programme, ou notebook.
        """
        if self._loading.is_alive():
            print("TensorFlow se charge dans un processus à part…", flush=True)
            self._loading.join()
        content = rule.exercise.encode() + path.read_bytes()
        if content != self._content:
            folder = Path(tempfile.mkdtemp(dir=self._folder.name))
            chosen = [f"{rule.exercise}={path.name}"]
            found = handin.collect(path, folder, chosen=chosen, one=True)
            self._content, self._submission = content, found.submissions[0]
        return self._grader.answer(self._submission, rule)

    def close(self) -> None:
        """Arrête le processus et efface ses copies."""
        self._loading.join()
        self._grader.close()
        self._folder.cleanup()


_ASIDE: list[_Aside] = []


def runs_programs(exercise: str) -> bool:
    """Dit si des questions d'un exercice, `"ex02"`, exécutent le programme entier."""
    from grading.questions import networks  # absent d'une page, où rien ne s'exécute à part

    return exercise in networks.DATASETS


def prepare(seed: int | None = None) -> None:
    """Fait charger TensorFlow par un processus à part, sans attendre qu'il ait fini.

    Les questions sur un réseau y exécutent le programme entier. Sans effet la seconde fois, ni hors
    de Linux, où rien ne s'enferme.

    Args:
        seed: graine des essais ; tirée au hasard par défaut.
    """
    with contextlib.suppress(sandbox.WrongSystemError):
        sandbox.check_system()
        if not _ASIDE:
            _ASIDE.append(_Aside(secrets.randbits(32) if seed is None else seed))
            atexit.register(_ASIDE[0].close)


def _program(space: dict, folder: Path) -> Path:
    """Rend le fichier de l'appelant ; d'un notebook, ses cellules telles qu'il les a exécutées."""
    if "get_ipython" not in space:
        return Path(space["__file__"]).absolute()
    cells = [
        {
            "cell_type": "code",
            "metadata": {},
            "outputs": [],
            "execution_count": None,
            "source": each,
        }
        for each in space["In"]
        if each.strip() and not _only_checks(each)
    ]
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    path = folder / "notebook.ipynb"
    path.write_text(json.dumps(notebook), encoding="utf-8")
    return path


def _only_checks(cell: str) -> bool:
    """Dit si une cellule ne fait que se vérifier : elle n'est pas du programme."""
    try:
        steps = ast.parse(cell).body
    except SyntaxError:  # une commande d'IPython
        return False
    return all(ast.unparse(each).startswith("check(") for each in steps)


def needed(rule: Rule, space: dict) -> list[Rule]:
    """Rend les questions dont une fonction se sert, d'après ce qu'elle appelle vraiment.

    Args:
        rule: la question.
        space: variables globales de l'élève.

    Returns:
        D'autres questions du même exercice, les plus profondes d'abord.
    """
    graded = {each.name: each for each in read_scale()[rule.exercise].rules}
    found: dict[str, Rule] = {}
    waiting, seen = [rule.name], {rule.name}
    while waiting:
        for name in _names_of(space.get(waiting.pop(0))):
            if name in space and name not in seen and callable(space[name]):
                seen.add(name)
                waiting.append(name)
                found |= {name: graded[name]} if name in graded else {}
    return list(found.values())[::-1]


def _names_of(function) -> list[str]:
    """Rend les noms que lit le code d'une fonction, ou d'une classe, et ce qu'elle contient."""
    if inspect.isclass(function):
        return [name for each in vars(function).values() for name in _names_of(each)]
    return [name for code in probes.codes(function) for name in code.co_names]


# --- Le dire -------------------------------------------------------------------------


def check(identifier: str, *, hint: bool = False) -> None:
    """Pose la question d'un nom à vos fonctions, et dit ce qui est acquis et ce qui reste.

    Args:
        identifier: `"ex07.drops"` : l'exercice, un point, la question.
        hint: donner aussi l'indice.

    Raises:
        ValueError: pas de question de ce nom.

    Example:
        >>> check("ex07.positions")
        ex07.positions ✓ juste
    """
    rule = find_rule(identifier)
    space = sys._getframe(1).f_globals
    try:
        verdict = answer(rule, space, first=lambda known: _print(opening(known)))
        _print(ending(verdict, hint=hint))
    except NotImplementedError:
        print(
            f"{identifier} : cette question porte sur les fichiers que vous rendrez. "
            f"Vérifiez-la par python -m grading DOSSIER --exercises {rule.exercise}"
        )
    except (sealed.UnsealedError, sandbox.WrongSystemError, FileNotFoundError) as error:
        print(f"{identifier} ne peut pas être vérifiée : {error}")


def _print(said: Sequence[str]) -> None:
    print(*said, sep="\n", end="\n" if said else "", flush=True)


def rows(verdict: Verdict, *, hint: bool = False, more: str = "") -> list[str]:
    """Écrit un verdict, en quelques lignes.

    Args:
        verdict: ce qu'il faut dire.
        hint: donner l'indice.
        more: dit comment l'obtenir, sinon.
    """
    return opening(verdict) + ending(verdict, hint=hint, more=more)


def opening(verdict: Verdict) -> list[str]:
    """Écrit ce qui se sait d'un verdict avant sa cause : ce qui est acquis, l'appel manqué."""
    rule, found, wait = verdict.rule, verdict.credit, verdict.waits_for
    if verdict.is_right and found.reason in REMARKS:
        remark = f"{read_reasons()[found.reason].text} ({found.detail})".removesuffix(" ()")
        return [f"{rule.id} ✓ juste", *_wrapped(f"Remarque : {remark}")]
    if verdict.is_right:
        return [f"{rule.id} ✓ juste"]
    said = [f"{rule.id} — {rule.title} : pas encore."]
    if wait:
        text = f"Attend `{wait}`, dont elle se sert et qui n'est pas encore juste : "
        return [*said, f'  {text}check("{rule.exercise}.{wait}")']
    said += _wrapped(progress(rule, found))
    if found.wrong and found.wrong.function:  # sans quoi l'appel n'est pas celui du rendu
        said += _wrapped(shown_call(found.wrong))
    if found.wrong:
        said += _wrapped(shown_forms(found))
    return said


def ending(verdict: Verdict, *, hint: bool = False, more: str = "") -> list[str]:
    """Écrit la cause d'un verdict, et son indice ; rien, s'il est juste ou s'il attend."""
    rule, found = verdict.rule, verdict.credit
    if verdict.is_right or verdict.waits_for:
        return []
    known = read_reasons()[found.reason]
    received = shown_forms(found) if found.wrong else ""
    is_known = received in (found.detail, f"reçu : {found.detail}")  # `opening` vient de le dire
    detail = f" ({found.detail})" if found.detail and not is_known else ""
    said = _wrapped(f"{known.text}{detail}")
    if hint:
        return [*said, *_wrapped(f"→ {known.hint}")]
    return [*said, f"  {more}" if more else f'  Un indice : check("{rule.id}", hint=True)']


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="    ")


def progress(rule: Rule, found: Credit) -> str:
    """Dit ce qui est acquis et ce qui reste, d'après le barème : `"acquis : … — à faire : …"`."""
    reached = found.wrong.reached if found.wrong else found.level
    levels = [each.split(" : ", 1) for each in rule.levels]
    have = [text for share, text in levels if Fraction(share) <= reached]
    done = " ; ".join(_without_and(each) for each in have) or "rien encore"
    todo = rule.left(reached) or "ce que dit la phrase suivante"
    return f"acquis : {done} — à faire : {todo}"


def _without_and(text: str) -> str:
    return text.removeprefix("et ")


def shown_call(wrong: Wrong) -> str:
    """Écrit un appel, tableaux résumés : `"positions(7, 3, 2)"`."""
    given = [shown(each) for each in wrong.positional]
    given += [f"{key}={shown(each)}" for key, each in wrong.named.items()]
    return f"{wrong.function}({', '.join(given)})"


def shown(value) -> str:
    """Écrit un argument : un petit tableau en entier, un grand par sa forme et son type."""
    if isinstance(value, messages.Ingredient) and value.name in NAMED:
        inside = ", ".join(f"{key}={shown(each)}" for key, each in value.options.items())
        return f"<{inside}>"
    if isinstance(value, messages.Ingredient):
        return f"<{INGREDIENTS.get(value.name, 'objet')} de l'essai>"
    if isinstance(value, np.ndarray):
        return _shown_array(value)
    if isinstance(value, list | tuple) and any(isinstance(each, SHOWN) for each in value):
        inside = _shown_elements(value)
        return f"[{inside}]" if isinstance(value, list) else f"({inside})"
    if isinstance(value, dict):
        inside = ", ".join(f"{key!r}: {shown(each)}" for key, each in value.items())
        return f"{{{inside}}}"
    text = repr(round(float(value), 4) if isinstance(value, float) else value)
    return text if len(text) <= WIDTH else f"{text[: WIDTH - 1]}…"


def _shown_elements(values: Sequence) -> str:
    """Écrit les premiers éléments d'une liste, jusqu'à deux lignes, puis combien ils sont."""
    said = list(itertools.accumulate(map(shown, values), "{}, {}".format))
    fits = [each for each in said if len(each) <= 2 * WIDTH] or said[:1]
    return fits[-1] if len(fits) == len(said) else f"{fits[-1]}, … {len(said)} éléments"


def _shown_array(array: np.ndarray) -> str:
    if not 0 < array.size <= SMALL:
        return f"<tableau {array.shape} {array.dtype}>"
    written = array.round(3) if array.dtype.kind == "f" else array
    return " ".join(f"{written.tolist()}".split())


SHOWN = (np.ndarray, messages.Ingredient, dict)  # ce qui a sa propre écriture
NAMED = ("record", "namespace")  # des objets dont les attributs se montrent
TYPED = ("integers_for_floats", "wrong_type")  # ce qui se voit au type, et non à la forme
INGREDIENTS = {"glance": "réseau", "small_network": "réseau", "plain_network": "réseau"}
INGREDIENTS |= {"iterator": "générateur"}


def shown_forms(found: Credit) -> str:
    """Dit ce qui était attendu et ce qui est reçu : des formes, jamais des valeurs."""
    answered, expected = found.wrong.whole or (found.wrong.answer, found.wrong.expected)
    if expected is REFUSED:
        received = answered.error["type"] if answered.error else "aucune erreur"
        return f"attendu : ValueError ; reçu : {received}"
    if isinstance(answered.value, Lacking):
        return answered.value.said
    if answered.error:
        failure = failures.failure_of(answered.error)
        return f"reçu : {failure.detail or failure.reason}"
    of = f" pour {found.wrong.part}" if found.wrong.part else ""
    forms = f"attendu{of} : {form_of(expected)} ; reçu : {form_of(answered.value)}"
    is_told = found.reason in TYPED and _is_of_other_kind(answered.value, expected)
    return f"{forms}, {answered.value.dtype}" if is_told else forms


def _is_of_other_kind(value, expected) -> bool:
    """Dit si un tableau est fait d'entiers, et le bon de nombres à virgule, ou l'inverse."""
    are_arrays = isinstance(value, np.ndarray) and isinstance(expected, np.ndarray)
    return are_arrays and value.dtype.kind != expected.dtype.kind


def form_of(value) -> str:
    """Écrit la forme d'une valeur : `"tableau (3, 4)"`, `"un nombre"`, `"None"`."""
    if value is None or isinstance(value, messages.Opaque | Lacking | str | bytes | dict):
        return kind_of(value)
    if names := getattr(value, "names", ()):
        return " et ".join(names)
    try:
        shape = np.shape(value)
    except ValueError:
        return _form_of_parts(value)
    kind = "tableau" if isinstance(value, np.ndarray) else type(value).__name__
    words = " de chaînes" if sequences.has_words(value) else ""
    return f"{kind} {shape}{words}" if shape else "un nombre"


def _form_of_parts(values: Sequence) -> str:
    """Écrit la forme de tableaux qui n'ont pas la même : `"tableau (4, 3) et tableau (8, 3)"`."""
    if len(values) <= SMALL and all(isinstance(each, np.ndarray) for each in values):
        return " et ".join(map(form_of, values))
    return "des lignes de longueurs différentes"


def file_space(path: os.PathLike) -> dict:
    """Exécute un fichier `.py` comme un module ; rend ses variables globales."""
    import runpy

    return runpy.run_path(os.fspath(path))
