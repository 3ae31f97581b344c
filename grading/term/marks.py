"""Les notes d'un trimestre, telles que les pages, les tableaux et les comparaisons les lisent."""

import re
import unicodedata
from datetime import date, datetime
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

FULL = 20  # un exercice, et le trimestre, sont notés sur 20
HANDED_IN, ABSENT, UNREADABLE = "rendu", "absent", "illisible"  # ce que vaut `status`
NOT_YET = "pas encore à rendre"  # ce qui s'en dit tant que l'exercice n'est pas demandé


class Student(NamedTuple):
    """Un élève.

    Attributes:
        name: prénom et nom.
        number: son numéro dans la liste de l'enseignant, qui n'est qu'à lui.
        group: sa classe, "" s'il n'y en a qu'une.
    """

    name: str
    number: str
    group: str

    @property
    def label(self) -> str:
        """Son nom, et sa classe s'il y en a plusieurs."""
        return f"{self.name} ({self.group})" if self.group else self.name

    @property
    def slug(self) -> str:
        """Nom de fichier de sa page, sans suffixe, à lui seul : `"ines-alami-12345"`."""
        plain = unicodedata.normalize("NFKD", f"{self.name} {self.number}").casefold()
        return re.sub(r"[^a-z0-9]+", "-", plain.encode("ascii", "ignore").decode()).strip("-")


class QuestionMark(NamedTuple):
    """La note d'une question.

    Attributes:
        id: `"ex02.train"`.
        title: ce qui est demandé.
        points: points obtenus.
        out_of: points de la question, dans l'échelle de son exercice.
        reason: la phrase que lit l'élève, "" si la réponse est juste.
        detail: ce que la raison précise (un nom de fonction, une mesure…), déjà dans `reason`.
        hint: un indice, "" si l'enseignant n'en donne pas.
        manual: notée par l'enseignant.
        remark: ce qu'il en a écrit, "" si rien.
    """

    id: str
    title: str
    points: Fraction
    out_of: Fraction
    reason: str = ""
    detail: str = ""
    hint: str = ""
    manual: bool = False
    remark: str = ""


class Override(NamedTuple):
    """Une note décidée par l'enseignant, à la place de celle de l'exercice.

    Attributes:
        points: la note, sur 20.
        reason: pourquoi, en une phrase que l'élève lit.
    """

    points: Fraction
    reason: str


class ExerciseMark(NamedTuple):
    """La note d'un exercice.

    Attributes:
        exercise: `"ex02"`.
        title: son titre.
        weight: son poids dans la note du trimestre.
        questions: notes des questions, dans l'ordre du barème, les manuelles à la fin ; vide sans
            rendu lisible.
        mark_before: note sur 20 des questions, avant le retard et la décision de l'enseignant.
        mark: note sur 20 retenue.
        status: `HANDED_IN`, `ABSENT` ou `UNREADABLE`.
        handed_at: instant du rendu ; None s'il n'est pas connu, ou sans rendu.
        days_late: jours de retard commencés.
        penalty: points retirés pour le retard, sur 20.
        override: décision de l'enseignant.
        folder: dossier du rendu tel qu'il a été noté, modules et poids ; None sans rendu lisible.
        note: ce qu'il faut dire du rendu (illisible, refusé, cellules laissées de côté…).
        pending: ce que demandent les questions manuelles qui attendent encore leurs points.
    """

    exercise: str
    title: str
    weight: Fraction
    questions: tuple[QuestionMark, ...]
    mark_before: Fraction
    mark: Fraction
    status: str = HANDED_IN
    handed_at: datetime | None = None
    days_late: int = 0
    penalty: Fraction = Fraction(0)
    override: Override | None = None
    folder: Path | None = None
    note: str = ""
    pending: tuple[str, ...] = ()

    @property
    def asked(self) -> bool:
        """Faux tant que l'exercice n'est pas à rendre : son absence ne dit rien."""
        return bool(self.weight) or self.status == HANDED_IN


class StudentMarks(NamedTuple):
    """Les notes d'un élève.

    Attributes:
        student: l'élève.
        exercises: ses exercices, dans l'ordre de `cours.toml`.
        mark: note du trimestre sur 20, None tant que rien n'est demandé.
    """

    student: Student
    exercises: tuple[ExerciseMark, ...]
    mark: Fraction | None


class Term(NamedTuple):
    """Un trimestre noté.

    Attributes:
        title: titre du cours.
        date: jour de la correction.
        students: élèves, dans l'ordre de la liste de l'enseignant.
        hints: les élèves lisent un indice par erreur.
        output: dossier des pages et des tableaux.
    """

    title: str
    date: date
    students: tuple[StudentMarks, ...]
    hints: bool
    output: Path
