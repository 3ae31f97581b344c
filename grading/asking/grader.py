"""Noter un rendu question par question : qui parle à quel enfant, et ce qu'on en retient."""

import contextlib
import hashlib
import os
import threading
import zlib
from collections.abc import Sequence
from fractions import Fraction
from functools import partial
from typing import NamedTuple

import numpy as np

from grading.asking import staging
from grading.asking.ask import Ask, load
from grading.asking.credits import REMARKS, RIGHT, Credit
from grading.asking.failures import Failure, clean
from grading.asking.workshop import Child, Workshop, leave_empty
from grading.inside import messages
from grading.inside.sandbox import Limits
from grading.reading import notebooks, submission
from grading.reading.archives import RefusedError
from grading.reading.submission import Submission
from grading.scale import Rule, read_reasons, read_scale

IMPORT_S = 20  # au moins : un module du cours que le fichier importe charge peut-être Keras
EXTRA_CPU_S = 60  # par enfant : importer ce que l'atelier n'a pas chargé
MODELS = {"ex03.command": ("ex03_cifar10",)}  # questions dont l'enfant lit des poids
WEIGHTS_MB = 2048  # pour lire un fichier de poids, qui peut être piégé
MAX_DETAIL = 400  # caractères de ce qui précise une raison : une citation s'y ferme
PROGRAMS = {"record", "record_filters"}  # exécutent un programme comme le fait son auteur
CHANGES_STATE = {"command", *PROGRAMS}  # après quoi l'enfant n'est plus neuf


class Options(NamedTuple):
    """Ce que l'enseignant a demandé."""

    seed: int = 0
    fill_missing: bool = False


class Mark(NamedTuple):
    """La note d'une question."""

    submission: str
    rule: Rule
    level: Fraction | None  # part des points ; None si la question n'a pas pu être jugée
    reason: str | None
    detail: str
    tried: tuple[str, ...] = ()  # ce que le programme a tenté, qui est interdit

    @property
    def points(self) -> Fraction | None:
        """Points obtenus ; None si la question n'a pas pu être jugée."""
        return None if self.level is None else self.level * self.rule.points


class Grader:
    """Note des rendus ; à fermer.

    Args:
        options: ce que l'enseignant a demandé.
        submissions: tous les rendus de la session, à comparer entre eux.
    """

    def __init__(self, options: Options, *, submissions: Sequence[Submission] = ()):
        self.options, self.submissions = options, submissions
        self._workshops: dict[str, Workshop] = {}
        self._digests: dict[bytes, list] = {}
        self._children: dict[tuple, Child] = {}
        self._reference: Grader | None = None
        self._enter(submission.reference())

    def _enter(self, submitted: Submission) -> None:
        """Passe d'un élève au suivant."""
        self._leave()
        self.submission = submitted
        self.others = [each for each in self.submissions if each != submitted]
        self._children: dict[tuple, Child] = {}
        self._known: dict[bytes, dict | Failure] = {}
        self._broken: dict[str, Failure] = {}
        self._tried: dict[str, None] = {}  # dans l'ordre

    def _leave(self) -> None:
        """Tue les enfants d'un rendu."""
        for child in self._children.values():
            with contextlib.suppress(OSError, RuntimeError):  # l'atelier s'est arrêté avant lui
                child.kill()

    @property
    def reference(self) -> "Grader":
        """Le corrigé, à qui l'on pose les mêmes questions ; c'est lui-même quand on le note."""
        if self.submission == submission.reference():
            return self
        if self._reference is None:  # ses réponses sont gardées d'un rendu à l'autre
            self._reference = Grader(self.options)
            self._reference._workshops = self._workshops
        return self._reference

    def workshop(self, engine: str) -> Workshop:
        """Rend l'atelier d'un moteur, ouvert à la première demande, ou après son arrêt."""
        if engine in self._workshops and self._workshops[engine].is_over:
            self._workshops.pop(engine).close()
        if engine not in self._workshops:
            self._workshops[engine] = Workshop(engine)
        return self._workshops[engine]

    def load_keras(self) -> threading.Thread:
        """Ouvre l'atelier de Keras sans attendre ; une erreur sera redite à la première question.

        Returns:
            Ce qui le charge : à attendre avant toute question, et avant `close`.
        """
        loading = threading.Thread(target=self._load_keras, daemon=True)
        loading.start()
        return loading

    def _load_keras(self) -> None:
        with contextlib.suppress(OSError, RuntimeError):
            self.workshop("keras")

    def grade(self, submitted: Submission, rule: Rule) -> Mark:
        """Pose une question à un rendu.

        Args:
            submitted: le rendu.
            rule: la question.

        Returns:
            Sa note ; jamais une exception, quoi que fasse le rendu.
        """
        found = self.answer(submitted, rule)
        if found.level == 1 and found.reason in REMARKS:  # pour l'élève seul, par `check`
            found = RIGHT
        unjudged = found.level == 0 and found.reason and read_reasons()[found.reason].blank
        level = None if unjudged else found.level
        detail, tried = clean(found.detail, limit=MAX_DETAIL), tuple(self._tried)
        return Mark(submitted.name, rule, level, found.reason, detail, tried)

    def answer(self, submitted: Submission, rule: Rule) -> Credit:
        """Pose une question à un rendu ; rend ce qu'elle en dit, premier appel manqué compris."""
        if submitted != self.submission:
            self._enter(submitted)
        if rule.module not in submitted.modules:
            missing = submission.file_of(rule.module)
            return Credit(Fraction(0), "not_handed_in", missing)
        found = self._credit(rule)
        if self._reference:
            self._reference._leave()
        return found

    def _credit(self, rule: Rule) -> Credit:
        """Pose une question ; si l'atelier s'arrête, la pose une seconde fois dans un autre."""
        for _ in range(2):
            # Le hasard de la session, le même pour tous les rendus.
            rng = np.random.default_rng([self.options.seed, zlib.crc32(rule.id.encode())])
            try:
                return load(rule.exercise)[rule.id](Ask(rule, rng, self))
            except Failure as failure:
                return Credit(Fraction(0), failure.reason, failure.detail)
            except RuntimeError:
                self._children.clear()  # morts avec leur atelier
            except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
                if self.submission.shipped:
                    raise
                # Une forme que la question n'attendait pas, ou une faute de la question : on ne
                # sait lequel des deux, et personne n'est accusé.
                return Credit(Fraction(0), "unread_answer", type(error).__name__)
        return Credit(Fraction(0), "grader_stopped")

    def digest(self, content: bytes) -> list:
        """Résume les poids d'un fichier (voir `probes.digest`), chacun dans un enfant à lui.

        Returns:
            Les poids ; rien si le fichier ne se lit pas.
        """
        key = hashlib.sha256(content).digest()
        if key not in self._digests:
            self._digests[key], child = [], self._clean_child(WEIGHTS_MB)
            with contextlib.suppress(Failure):
                self._digests[key] = child.ask({"op": "digest", "content": content}, 60)["value"]
            child.kill()
        return self._digests[key]

    def close(self) -> None:
        """Tue les enfants et ferme les ateliers."""
        for each in filter(None, (self, self._reference)):
            each._leave()
        for each in self._workshops.values():
            each.close()

    def ask(self, rule: Rule, operation: str, arguments: dict, *, clean: bool = False) -> dict:
        """Pose une demande à l'enfant du module, ou rend la réponse qu'il y a déjà faite.

        Args:
            rule: la question.
            operation: voir `probes.OPERATIONS`.
            arguments: de même.
            clean: demander à un enfant qui n'a importé aucun rendu.

        Raises:
            Failure: voir `Child.ask`.
        """
        program = rule.exercise if operation in PROGRAMS else rule.module
        key = hashlib.sha256(messages.pack([program, operation, arguments, clean])).digest()
        if key not in self._known:
            try:
                self._known[key] = self._ask(rule, operation, arguments, clean)
            except Failure as failure:
                self._known[key] = failure
        known = self._known[key]
        if isinstance(known, Failure):
            raise known
        return known

    def _ask(self, rule: Rule, operation: str, arguments: dict, clean: bool) -> dict:
        # Un programme exécuté comme le fait son auteur n'est pas importé d'abord.
        child = self._staged(rule) if operation in PROGRAMS else self._child(rule, clean)
        try:
            return child.ask({"op": operation, **arguments}, rule.seconds)
        finally:
            self._tried.update(dict.fromkeys(child.tried))
            if operation in CHANGES_STATE:
                child.kill()

    def _child(self, rule: Rule, clean: bool) -> Child:
        """Rend un enfant vivant, qui a importé le module sauf s'il n'a rien du rendu."""
        key = ("",) if clean else (rule.module, *MODELS.get(rule.id, ()))
        child = self._children.get(key)
        if child is None or child.status is not None:
            child = self._clean_child(rule.memory_mb) if clean else self._loaded(rule)
            self._children[key] = child
        return child

    def _loaded(self, rule: Rule) -> Child:
        """Fait naître un enfant qui importe le module ; s'il ne s'importe pas, le redit."""
        if rule.module in self._broken:
            raise self._broken[rule.module]
        child = self._staged(rule)
        try:
            child.ask({"op": "load", "module": rule.module}, max(rule.seconds, IMPORT_S))
        except Failure as failure:
            if failure.reason in ("exception", "missing_name", "missing_file"):
                kind = "exception" if failure.reason == "missing_name" else failure.reason
                failure = Failure(kind, f"dès l'import du fichier : {failure.detail}")
            self._broken[rule.module] = failure
            self._tried.update(dict.fromkeys(child.tried))
            child.kill()
            raise failure from None
        return child

    def _staged(self, rule: Rule) -> Child:
        """Fait naître un enfant qui a les fichiers du rendu, et n'en a rien importé."""
        seconds = sum(
            each.seconds for each in read_scale()[rule.exercise].rules if each.module == rule.module
        )
        stage = partial(
            staging.stage,
            submitted=self.submission,
            fill=self.options.fill_missing,
            models=MODELS.get(rule.id, ()),
            shipped_models=bool(staging.own_command(self.submission)) or self.submission.shipped,
        )
        limits = Limits(cpu_s=seconds + EXTRA_CPU_S, memory_mb=rule.memory_mb)
        return Child(self.workshop(self._engine(rule)), stage, limits)

    def _engine(self, rule: Rule) -> str:
        """Choisit l'atelier : celui qui a déjà chargé Keras, si le fichier l'importe."""
        if rule.engine == "keras":
            return "keras"
        try:
            source = notebooks.handed(rule.module, self.submission.root)
        except (OSError, RefusedError):
            return rule.engine
        return "keras" if notebooks.loads_keras(source) else rule.engine

    def _clean_child(self, memory_mb: int) -> Child:
        """Fait naître un enfant qui n'a le code d'aucun rendu."""
        limits = Limits(cpu_s=600, memory_mb=memory_mb)
        return Child(self.workshop("keras"), leave_empty, limits)


def random_seed() -> int:
    """Tire la graine d'une session."""
    return int.from_bytes(os.urandom(4), "big")
