"""Les notes d'un trimestre : questions, retard, décisions de l'enseignant, moyenne."""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from typing import NamedTuple

from convnets.core.cli import agreed
from grading.asking.grader import Mark
from grading.report import UNGRADED, Total, number, total
from grading.scale import FULL, read_scale
from grading.term.course import Course, Decision, Late, Student
from grading.term.hand_ins import Gathered

HANDED_IN, ABSENT = "rendu", "absent"  # ce que vaut `status`, ou `UNGRADED`
ZERO = Fraction(0)
NOTHING_GRADED = Total(ZERO, Fraction(FULL))
NOT_YET = "pas encore à rendre"  # ce qui s'en dit tant que l'exercice n'est pas demandé


class ExerciseMark(NamedTuple):
    """La note d'un exercice.

    Attributes:
        exercise: `"ex02"`.
        title: son titre.
        weight: son poids dans la note du trimestre.
        marks: notes des questions, dans l'ordre du barème.
        before: note sur 20 des questions, avant le retard et la décision de l'enseignant.
        mark: note sur 20 retenue ; None si l'enseignant doit la donner.
        status: `HANDED_IN`, `ABSENT`, ou `UNGRADED` si rien ne s'y note.
        handed_at: instant du rendu ; None s'il n'est pas connu, ou sans rendu.
        dated: date du fichier le plus récent, qui ne compte pas ; None sans rendu.
        days_late: jours de retard commencés.
        notes: ce qu'il faut savoir du rendu et de sa note, une phrase chacun, sans point.
    """

    exercise: str
    title: str
    weight: Fraction
    marks: tuple[Mark, ...]
    before: Total
    mark: Fraction | None
    status: str = HANDED_IN
    handed_at: datetime | None = None
    dated: datetime | None = None
    days_late: int = 0
    notes: tuple[str, ...] = ()

    @property
    def asked(self) -> bool:
        """Faux tant que l'exercice n'est pas à rendre : son absence ne dit rien."""
        return bool(self.weight) or self.status == HANDED_IN

    @property
    def points(self) -> Fraction | None:
        """Points des questions ; None si l'une d'elles n'est pas jugée."""
        points = [each.points for each in self.marks]
        return None if None in points else sum(points, Fraction(0))

    @property
    def state(self) -> list[str]:
        """Dit ce qu'il faut savoir de la note : rendu ou non, retard, décision, ce qui manque."""
        return [self.status if self.asked else NOT_YET, *self.notes]


class StudentMarks(NamedTuple):
    """Les notes d'un élève.

    Attributes:
        student: l'élève.
        exercises: ses exercices, dans l'ordre de `cours.toml`.
        mark: note du trimestre sur 20 ; None tant que rien n'est demandé, ou qu'une note manque.
    """

    student: Student
    exercises: tuple[ExerciseMark, ...]
    mark: Fraction | None


def days_late(handed_at: datetime | None, due: datetime | None) -> int:
    """Compte les jours de retard commencés ; 0 si l'une des deux dates manque."""
    late = handed_at - due if handed_at and due else timedelta()
    return max(0, math.ceil(late / timedelta(days=1)))


def penalty(mark: Fraction, late: Late, days: int) -> Fraction:
    """Rend les points qu'un retard retire à une note sur 20, sans qu'elle passe sous 0."""
    if late.refused_after_days is not None and days > late.refused_after_days:
        return mark
    return min(mark, late.maximum, late.points_per_day * days)


def exercise_mark(
    gathered: Gathered, student: Student, late: Late, decision: Decision | None
) -> ExerciseMark:
    """Fait la note d'un élève à un exercice.

    Avant l'échéance, ne rien avoir rendu ne coûte rien.

    Args:
        gathered: ce qui a été reçu pour l'exercice, et ses notes.
        student: l'élève.
        late: ce que coûte un retard.
        decision: décision de l'enseignant.

    Returns:
        La note ; de poids 0 tant que l'exercice n'est pas encore à rendre.
    """
    work, due = gathered.work, gathered.work.due.get(student.group)
    row, note = gathered.rows.get(student.number), gathered.notes.get(student.number)
    marks = gathered.marks.get(student.number, [])
    status = ABSENT if note is None else UNGRADED
    if student.number in gathered.submissions:
        status = HANDED_IN
    handed_at = row.handed_at if row and status != ABSENT else None
    days = days_late(handed_at, due) if status == HANDED_IN else 0
    before = _before(marks, status)
    lost = ZERO if before.mark is None else penalty(before.mark, late, days)
    notes = [note] if note else []
    if days:
        begun = agreed(days, "jour commencé", "jours commencés")
        taken = "à retirer" if before.mark is None else f"{number(lost)} en moins"
        notes.append(f"Retard : {begun}, {taken}")
    mark = None if before.mark is None else before.mark - lost
    if decision:
        mark = decision.points
        notes.append(
            f"Note décidée par l'enseignant : {number(mark)} sur {FULL}. {decision.reason}"
        )
    elif mark is None:
        notes.append(f"Note à donner par l'enseignant ({before})")
    early = due is not None and datetime.now() <= due
    if early and status == ABSENT:
        notes.append(f"À rendre avant le {due:%d/%m/%Y à %H:%M}")
    waited = status == ABSENT and (early or student.group not in work.hand_ins)
    known = read_scale()[work.exercise]
    weight = known.weight if work.weight is None else work.weight
    return ExerciseMark(
        work.exercise,
        known.title,
        Fraction(0) if waited and not decision else weight,
        tuple(marks),
        before,
        mark,
        status,
        handed_at,
        gathered.dates.get(student.number),
        days,
        tuple(each.rstrip(".") for each in notes),
    )


def _before(marks: Sequence[Mark], status: str) -> Total:
    """Fait la note des questions, qui est inconnue si rien du rendu n'a pu être noté."""
    if marks:
        return total(marks)
    return NOTHING_GRADED if status == UNGRADED else Total(ZERO, ZERO)


def student_marks(course: Course, heard: Sequence[Gathered], student: Student) -> StudentMarks:
    """Fait les notes d'un élève, et leur moyenne pondérée."""
    decided = {each.exercise: each for each in course.decisions if each.student == student.number}
    marks = tuple(
        exercise_mark(each, student, course.late, decided.get(each.work.exercise)) for each in heard
    )
    weight = sum(each.weight for each in marks)
    if not weight or any(each.mark is None for each in marks if each.weight):
        return StudentMarks(student, marks, None)
    whole = sum(each.weight * each.mark for each in marks if each.weight)
    return StudentMarks(student, marks, whole / weight)
