"""Les notes d'un trimestre : questions, retard, décisions de l'enseignant, moyenne."""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from typing import NamedTuple

from convnets.core.cli import agreed
from grading.asking.grader import Mark
from grading.report import UNGRADED, Total, grouped, number, total
from grading.scale import FULL, read_scale
from grading.term.course import Course, Decision, Late
from grading.term.hand_ins import Gathered
from grading.term.students import Student

# Ce que vaut `status`, ou `UNGRADED`.
HANDED_IN, ABSENT, EXEMPT = "rendu", "absent", "dispensé"
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
        status: `HANDED_IN`, `ABSENT`, `EXEMPT`, ou `UNGRADED` si rien ne s'y note.
        handed_at: instant du rendu ; None s'il n'est pas connu, ou sans rendu.
        dated: date du fichier le plus récent, qui ne compte pas ; None sans rendu.
        days_late: jours de retard commencés.
        notes: ce qu'il faut savoir du rendu et de sa note, une phrase chacun, sans point.
        partners: noms de ceux avec qui il a travaillé.
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
    partners: tuple[str, ...] = ()

    @property
    def asked(self) -> bool:
        """Faux pour qui en est dispensé, et tant que l'exercice n'est pas à rendre."""
        return self.status == HANDED_IN or (bool(self.weight) and self.status != EXEMPT)

    @property
    def points(self) -> Fraction | None:
        """Points des questions ; None si l'une d'elles n'est pas jugée."""
        points = [each.points for each in self.marks]
        return None if None in points else sum(points, Fraction(0))

    @property
    def state(self) -> list[str]:
        """Dit ce qu'il faut savoir de la note : rendu ou non, retard, décision, ce qui manque."""
        known = self.asked or self.status == EXEMPT
        return [self.status if known else NOT_YET, *self.notes]


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


class Decided(NamedTuple):
    """Ce que l'enseignant a décidé pour un élève et un exercice.

    Attributes:
        exempt: l'exercice ne compte pas pour lui.
        whole: la table qui donne la note de l'exercice ; None s'il n'y en a pas.
        questions: par identifiant de question, la table qui en donne les points.
        due: son échéance ; None, celle de sa classe.
        comments: ce qu'il doit lire, une phrase chacun.
    """

    exempt: bool = False
    whole: Decision | None = None
    questions: dict[str, Decision] = {}
    due: datetime | None = None
    comments: tuple[str, ...] = ()


def decided(decisions: Sequence[Decision]) -> Decided:
    """Réunit les tables qui parlent d'un élève et d'un exercice."""
    with_points = [each for each in decisions if each.points is not None]
    whole = [each for each in with_points if not each.rule]
    extended = [each.due for each in decisions if each.due]
    # La raison d'une note est dite avec elle ; les autres sont des phrases à lire.
    reasons = [each.reason for each in decisions if each.reason and each.points is None]
    return Decided(
        any(each.exempt for each in decisions),
        whole[0] if whole else None,
        {each.rule.id: each for each in with_points if each.rule},
        extended[0] if extended else None,
        (*reasons, *(each.comment for each in decisions if each.comment)),
    )


def rounded(mark: Fraction, step: Fraction | None) -> Fraction:
    """Arrondit une note au multiple de `step` le plus proche, au plus haut s'il y en a deux."""
    return mark if step is None else step * math.floor(mark / step + Fraction(1, 2))


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
    course: Course, gathered: Gathered, student: Student, choices: Decided
) -> ExerciseMark:
    """Fait la note d'un élève à un exercice.

    Avant l'échéance, ne rien avoir rendu ne coûte rien.

    Args:
        course: le trimestre, qui dit ce que coûte un retard et comment arrondir.
        gathered: ce qui a été reçu pour l'exercice, et ses notes.
        student: l'élève.
        choices: ce que l'enseignant a décidé.

    Returns:
        La note ; de poids 0 tant que l'exercice n'est pas à rendre, ou pour qui en est dispensé.
    """
    work, received = gathered.work, _received(gathered, student, choices)
    marks = _question_marks(gathered, student, received.status, choices)
    before = _before(marks, received.status)
    mark, lost = before.mark, ZERO
    if mark is not None:
        lost = penalty(mark, course.late, received.days_late)
        mark = rounded(mark - lost, course.rounding)
    if choices.whole:
        mark = choices.whole.points
    notes = [
        gathered.notes.get(student.number, ""),
        *_about_dates(received, choices, None if before.mark is None else lost),
        *_about_mark(mark, before, choices),
    ]
    known = read_scale()[work.exercise]
    return ExerciseMark(
        work.exercise,
        known.title,
        _weight(gathered, student, received, choices),
        tuple(marks),
        before,
        mark,
        EXEMPT if choices.exempt else received.status,
        received.handed_at,
        gathered.dates.get(student.number),
        received.days_late,
        tuple(each.rstrip(".") for each in notes if each),
        _partners(course, gathered, student),
    )


class _Received(NamedTuple):
    """Ce qu'on sait d'un rendu sans le noter ; `early` : son échéance n'est pas passée."""

    status: str
    due: datetime | None
    early: bool
    handed_at: datetime | None
    days_late: int


def _received(gathered: Gathered, student: Student, choices: Decided) -> _Received:
    """Dit si un élève a rendu son travail, et quand."""
    due = choices.due or gathered.work.due.get(student.group)
    early = due is not None and datetime.now() <= due
    if gathered.holder(student.number) in gathered.submissions:
        handed_at = _handed_at(gathered, student)
        return _Received(HANDED_IN, due, early, handed_at, days_late(handed_at, due))
    if student.number in gathered.notes:
        return _Received(UNGRADED, due, early, _handed_at(gathered, student), 0)
    return _Received(ABSENT, due, early, None, 0)


def _about_dates(received: _Received, choices: Decided, lost: Fraction | None) -> list[str]:
    """Dit l'échéance reportée, et ce que coûte un retard, None s'il n'est pas encore connu."""
    said = []
    if choices.due:
        said.append(f"Échéance reportée au {choices.due:%d/%m/%Y à %H:%M}")
    if received.days_late:
        begun = agreed(received.days_late, "jour commencé", "jours commencés")
        taken = "à retirer"
        if lost is not None:
            taken = f"{number(lost)} {'point' if lost < 2 else 'points'} en moins"
        said.append(f"Retard : {begun}, {taken}")
    if received.status == ABSENT and received.early and not choices.exempt:
        said.append(f"À rendre avant le {received.due:%d/%m/%Y à %H:%M}")
    return said


def _about_mark(mark: Fraction | None, before: Total, choices: Decided) -> list[str]:
    """Dit ce que l'enseignant a décidé, ou qu'il lui reste une note à donner."""
    said = []
    if choices.whole:
        given = f"{number(mark)} sur {FULL}. {choices.whole.reason}"
        said.append(f"Note décidée par l'enseignant : {given}")
    elif mark is None and not choices.exempt:
        said.append(f"Note à donner par l'enseignant ({before})")
    return [*said, *choices.comments]


def _weight(
    gathered: Gathered, student: Student, received: _Received, choices: Decided
) -> Fraction:
    """Rend le poids de l'exercice : 0 s'il n'est pas à rendre, ou si l'élève en est dispensé."""
    work = gathered.work
    not_yet = received.early or student.group not in work.hand_ins
    given = choices.whole or choices.questions
    if choices.exempt or (received.status == ABSENT and not_yet and not given):
        return ZERO
    return read_scale()[work.exercise].weight if work.weight is None else work.weight


def _question_marks(
    gathered: Gathered, student: Student, status: str, choices: Decided
) -> list[Mark]:
    """Rend les notes des questions ; celles que l'enseignant donne remplacent celles vues."""
    marks = gathered.marks.get(gathered.holder(student.number), [])
    if choices.questions and not marks:
        level = ZERO if status == ABSENT else None
        marks = [Mark(student.number, rule, level, None, "") for rule in gathered.work.rules]
    return [
        _given(mark, choices.questions[mark.rule.id]) if mark.rule.id in choices.questions else mark
        for mark in marks
    ]


def _given(mark: Mark, decision: Decision) -> Mark:
    """Rend la note que l'enseignant donne à une question."""
    said = f"Points donnés par l'enseignant. {decision.reason}"
    return mark._replace(level=decision.points / mark.rule.points, reason=None, detail=said)


def _handed_at(gathered: Gathered, student: Student) -> datetime | None:
    """Rend l'instant du rendu ; pour un groupe, celui du dernier de ses membres qui a rendu."""
    rows = [gathered.rows.get(number) for number in gathered.team(student.number)]
    return max((row.handed_at for row in rows if row and row.handed_at), default=None)


def _partners(course: Course, gathered: Gathered, student: Student) -> tuple[str, ...]:
    """Nomme ceux avec qui un élève a travaillé."""
    team = set(gathered.team(student.number)) - {student.number}
    return tuple(each.name for each in course.students if each.number in team)


def _before(marks: Sequence[Mark], status: str) -> Total:
    """Fait la note des questions, qui est inconnue si rien du rendu n'a pu être noté."""
    if marks:
        return total(marks)
    return NOTHING_GRADED if status == UNGRADED else Total(ZERO, ZERO)


def student_marks(course: Course, heard: Sequence[Gathered], student: Student) -> StudentMarks:
    """Fait les notes d'un élève, et leur moyenne pondérée, de ce qu'il lit de chaque exercice."""
    mine = grouped(
        (each for each in course.decisions if each.student == student.number),
        lambda each: each.exercise,
    )
    marks = tuple(
        exercise_mark(course, each, student, decided(mine.get(each.work.exercise, ())))
        for each in heard
    )
    weight = sum(each.weight for each in marks)
    if not weight or any(each.mark is None for each in marks if each.weight):
        return StudentMarks(student, marks, None)
    whole = sum(each.weight * each.mark for each in marks if each.weight)
    return StudentMarks(student, marks, rounded(whole / weight, course.rounding))
