"""Noter un rendu question par question : qui parle à quel enfant, et ce qu'on en retient."""

import contextlib
import hashlib
import os
import zlib
from collections.abc import Sequence
from fractions import Fraction
from functools import partial
from typing import NamedTuple

import numpy as np

from grading import pupil, questions, submission
from grading.sandbox import Limits
from grading.scale import Rule, read_scale
from grading.submission import Submission

EXTRA_CPU_S = 60  # par enfant : importer ce que l'atelier n'a pas chargé
MODELS = {"ex03.command": ("ex03_cifar10",)}  # questions dont l'enfant lit des poids
WEIGHTS_MB = 2048  # pour lire un fichier de poids, qui peut être piégé
CHANGES_STATE = {"command", "record"}  # opérations après lesquelles l'enfant n'est plus neuf


class Options(NamedTuple):
    """Ce que l'enseignant a demandé."""

    seed: int = 0
    fill_missing: bool = False


class Mark(NamedTuple):
    """La note d'une question."""

    submission: str
    rule: Rule
    level: Fraction
    reason: str | None
    detail: str

    @property
    def points(self) -> Fraction:
        """Points obtenus."""
        return self.level * self.rule.points


class Grader:
    """Note des rendus ; à fermer.

    Args:
        options: ce que l'enseignant a demandé.
        submissions: tous les rendus de la session, à comparer entre eux.
    """

    def __init__(self, options: Options, *, submissions: Sequence[Submission] = ()):
        self.options, self.submissions = options, submissions
        self._workshops, self._desks, self._digests = {}, {}, {}
        self.reference = Desk(self, submission.reference())

    def workshop(self, engine: str) -> pupil.Workshop:
        """Rend l'atelier d'un moteur, ouvert à la première demande."""
        if engine not in self._workshops:
            self._workshops[engine] = pupil.Workshop(engine)
        return self._workshops[engine]

    def grade(self, submitted: Submission, rule: Rule) -> Mark:
        """Pose une question à un rendu.

        Args:
            submitted: le rendu.
            rule: la question.

        Returns:
            Sa note ; jamais une exception, quoi que fasse le rendu.
        """
        if rule.module not in submitted.modules:
            missing = submission.file_of(rule.module)
            return Mark(submitted.name, rule, Fraction(0), "not_handed_in", missing)
        ask = questions.Ask(rule, self.draw(rule), self._desk(submitted))
        try:
            found = questions.load(rule.exercise)[rule.id](ask)
        except pupil.Failure as failure:
            found = questions.Credit(Fraction(0), failure.reason, failure.detail)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            if submitted.shipped:
                raise
            # Une forme que la question n'attendait pas, ou une faute de la question : on ne sait
            # lequel des deux, et personne n'est accusé.
            found = questions.Credit(Fraction(0), "unread_answer", type(error).__name__)
        self.reference.close()  # ses réponses sont gardées
        return Mark(submitted.name, rule, found.level, found.reason, pupil.clean(found.detail))

    def digest(self, content: bytes) -> list:
        """Résume les poids d'un fichier (voir `probes.digest`), chacun dans un enfant à lui.

        Returns:
            Les poids ; rien si le fichier ne se lit pas.
        """
        key = hashlib.sha256(content).digest()
        if key not in self._digests:
            child = clean_child(self, memory_mb=WEIGHTS_MB)
            try:
                self._digests[key] = child.ask({"op": "digest", "content": content}, 60)["value"]
            except pupil.Failure:
                self._digests[key] = []
            child.kill()
        return self._digests[key]

    def draw(self, rule: Rule) -> np.random.Generator:
        """Rend le hasard d'une question : celui de la session, le même pour tous les rendus."""
        return np.random.default_rng([self.options.seed, zlib.crc32(rule.id.encode())])

    def _desk(self, submitted: Submission) -> "Desk":
        if submitted not in self._desks:
            for desk in self._desks.values():  # on passe d'un élève au suivant
                desk.close()
            self._desks = {submitted: Desk(self, submitted)}
        return self._desks[submitted]

    def close(self) -> None:
        """Tue les enfants et ferme les ateliers."""
        for desk in (*self._desks.values(), self.reference):
            desk.close()
        for workshop in self._workshops.values():
            workshop.close()


class Desk:
    """Un rendu et ses enfants, un par module ; les réponses déjà obtenues sont gardées.

    Args:
        grader: le correcteur.
        submitted: le rendu.
    """

    def __init__(self, grader: Grader, submitted: Submission):
        self._grader, self.submission, self.options = grader, submitted, grader.options
        self._clean: pupil.Child | None = None
        self._children: dict[tuple, pupil.Child] = {}
        self._known: dict[str, dict | pupil.Failure] = {}
        self._broken: dict[str, pupil.Failure] = {}

    def ask(self, rule: Rule, operation: str, arguments: dict) -> dict:
        """Pose une demande à l'enfant du module, ou rend la réponse qu'il y a déjà faite.

        Raises:
            pupil.Failure: voir `pupil.Child.ask`.
        """
        program = rule.exercise if operation == "record" else rule.module
        key = repr((program, operation, sorted(arguments))) + str(_fingerprint(arguments))
        if key not in self._known:
            try:
                self._known[key] = self._ask(rule, operation, arguments)
            except pupil.Failure as failure:
                self._known[key] = failure
        known = self._known[key]
        if isinstance(known, pupil.Failure):
            raise known
        return known

    def _ask(self, rule: Rule, operation: str, arguments: dict) -> dict:
        # Un programme exécuté comme le fait son auteur n'est pas importé d'abord.
        child = self._staged(rule) if operation == "record" else self._child(rule)
        try:
            return child.ask({"op": operation, **arguments}, rule.seconds)
        finally:
            if operation in CHANGES_STATE:
                child.kill()

    def _child(self, rule: Rule) -> pupil.Child:
        """Rend un enfant vivant qui a importé le module ; s'il ne s'importe pas, le redit."""
        if rule.module in self._broken:
            raise self._broken[rule.module]
        models = MODELS.get(rule.id, ())
        key = rule.module, models
        child = self._children.get(key)
        if child is not None and child.status is None:
            return child
        child = self._children[key] = self._staged(rule)
        try:
            child.ask({"op": "load", "module": rule.module}, rule.seconds)
        except pupil.Failure as failure:
            if failure.reason in ("exception", "missing_name"):
                detail = f"dès l'import du fichier : {failure.detail}"
                failure = pupil.Failure("exception", detail)
            self._broken[rule.module] = failure
            child.kill()
            raise failure from None
        return child

    def _staged(self, rule: Rule) -> pupil.Child:
        """Fait naître un enfant qui a les fichiers du rendu, et n'en a rien importé."""
        models = MODELS.get(rule.id, ())
        exercise = read_scale()[rule.exercise]
        seconds = sum(each.seconds for each in exercise.rules if each.module == rule.module)
        stage = partial(
            submission.stage,
            submitted=self.submission,
            fill=self.options.fill_missing,
            models=models,
            shipped_models=bool(submission.own_command(self.submission)) or self.submission.shipped,
        )
        return pupil.Child(
            self._grader.workshop(rule.engine),
            stage,
            Limits(cpu_s=seconds + EXTRA_CPU_S, memory_mb=rule.memory_mb),
        )

    def ask_clean(self, rule: Rule, operation: str, arguments: dict):
        """Lance une opération sur des données du rendu, loin de son code ; rend sa valeur."""
        key = f"{operation} {_fingerprint(arguments)}"
        if key not in self._known:
            child = self._clean_child(rule)
            self._known[key] = child.ask({"op": operation, **arguments}, rule.seconds)
        return self._known[key]["value"]

    def _clean_child(self, rule: Rule) -> pupil.Child:
        """Rend l'enfant qui n'importe aucun rendu ; il n'en lit qu'un, pour n'en servir qu'un."""
        if self._clean is None or self._clean.status is not None:
            self._clean = clean_child(self._grader, memory_mb=rule.memory_mb)
        return self._clean

    def digest(self, content: bytes) -> list:
        """Voir `Grader.digest`."""
        return self._grader.digest(content)

    @property
    def reference(self) -> "Desk":
        """Le corrigé, à qui l'on pose les mêmes questions ; c'est lui-même quand on le note."""
        return self if self.submission.shipped else self._grader.reference

    @property
    def others(self) -> list[Submission]:
        """Les autres rendus de la session."""
        return [each for each in self._grader.submissions if each != self.submission]

    def close(self) -> None:
        """Tue les enfants de ce rendu."""
        for child in [*self._children.values(), *([self._clean] if self._clean else [])]:
            with contextlib.suppress(OSError, RuntimeError):  # l'atelier s'est arrêté avant lui
                child.kill()


def clean_child(grader: Grader, *, memory_mb: int) -> pupil.Child:
    """Fait naître un enfant qui n'a le code d'aucun rendu."""
    stage = partial(submission.stage, submitted=None)
    return pupil.Child(grader.workshop("keras"), stage, Limits(cpu_s=600, memory_mb=memory_mb))


def _fingerprint(value) -> int:
    """Résume des arguments, tableaux compris, pour reconnaître une demande déjà faite."""
    if isinstance(value, np.ndarray):
        return zlib.crc32(value.tobytes(), zlib.crc32(repr((value.shape, value.dtype)).encode()))
    if isinstance(value, dict):
        return _fingerprint([each for pair in value.items() for each in pair])
    if isinstance(value, list | tuple):
        return zlib.crc32(repr([_fingerprint(each) for each in value]).encode())
    if isinstance(value, bytes):
        return zlib.crc32(value)
    return zlib.crc32(repr(value).encode())


def random_seed() -> int:
    """Tire la graine d'une session."""
    return int.from_bytes(os.urandom(4), "big")
