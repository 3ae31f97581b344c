"""Faire des notes : questions, retard, décisions de l'enseignant, moyenne du trimestre."""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from fractions import Fraction

from convnets.core.cli import agreed
from grading import report
from grading.scale import Exercise, Reason
from grading.term.answers import SHARED, Answer
from grading.term.course import Late, Work
from grading.term.hand_ins import HandIn
from grading.term.manual import Given
from grading.term.marks import (
    ABSENT,
    FULL,
    HANDED_IN,
    UNREADABLE,
    ExerciseMark,
    Override,
    QuestionMark,
)


def days_late(handed_at: datetime | None, due: datetime | None) -> int:
    """Compte les jours de retard commencés ; 0 si l'une des deux dates manque."""
    if handed_at is None or due is None or handed_at <= due:
        return 0
    return math.ceil((handed_at - due) / timedelta(days=1))


def penalty(mark: Fraction, late: Late, days: int) -> Fraction:
    """Rend les points qu'un retard retire à une note sur 20, sans qu'elle passe sous 0."""
    if late.refused_after_days is not None and days > late.refused_after_days:
        return mark
    return min(mark, late.maximum, late.points_per_day * days)


def automatic(
    answers: Sequence[Answer], exercise: Exercise, reasons: dict[str, Reason], hint: bool
) -> list[QuestionMark]:
    """Écrit les notes des questions que le correcteur a posées."""
    rules, marks = {rule.id: rule for rule in exercise.rules}, []
    for answer in answers:
        rule = rules[answer.id]
        detail = "" if answer.reason == SHARED else answer.detail  # il nommerait un autre élève
        text, clue = report.explain(answer.reason or None, detail, reasons, hint)
        points = answer.level * rule.points
        marks.append(QuestionMark(rule.id, rule.title, points, rule.points, text, detail, clue))
    return marks


def by_hand(work: Work, given: dict[str, Given]) -> list[QuestionMark]:
    """Écrit les notes des questions manuelles déjà notées."""
    return [
        QuestionMark(
            f"{work.exercise}.{each.id}",
            each.title,
            given[each.id].points,
            each.points,
            manual=True,
            remark=given[each.id].remark,
        )
        for each in work.manual
        if each.id in given
    ]


def exercise_mark(
    work: Work,
    exercise: Exercise,
    hand_in: HandIn | None,
    questions: Sequence[QuestionMark],
    *,
    due: datetime | None,
    override: Override | None,
) -> ExerciseMark:
    """Fait la note d'un élève à un exercice.

    Args:
        work: l'exercice demandé.
        exercise: son barème.
        hand_in: le rendu, None s'il n'y en a pas.
        questions: notes de ses questions ; celles qui manquent encore ne comptent pas.
        due: échéance de sa classe ; avant elle, ne rien avoir rendu ne coûte rien.
        override: décision de l'enseignant.

    Returns:
        La note ; de poids 0 tant que l'exercice n'est pas encore demandé à cet élève.
    """
    notes = [hand_in.note] if hand_in and hand_in.note else []
    status, folder = ABSENT, None
    if hand_in and hand_in.submission is None:
        status = UNREADABLE
    elif hand_in and hand_in.answers(work.exercise):
        status, folder = HANDED_IN, hand_in.submission.home
    elif hand_in:
        notes.append(f"Le rendu ne contient rien pour {work.exercise}")
    manual = [each for each in questions if each.manual]
    whole = sum(rule.points for rule in work.rules) + sum(each.out_of for each in manual)
    before = FULL * sum((each.points for each in questions), Fraction(0)) / whole
    handed_at = hand_in.handed_at if hand_in and status != ABSENT else None
    days = days_late(handed_at, due) if status == HANDED_IN else 0
    lost = penalty(before, work.late, days) if days else Fraction(0)
    limit = work.late.refused_after_days
    if days and limit is not None and days > limit:
        notes.append(f"Refusé : {agreed(days, 'jour')} de retard, {limit} au plus")
    marked = {each.id for each in manual}
    missing = [each.title for each in work.manual if f"{work.exercise}.{each.id}" not in marked]
    waited = status == ABSENT and not questions and override is None
    early = waited and due is not None and datetime.now() <= due
    if early:
        notes.append(f"À rendre avant le {due:%d/%m/%Y à %H:%M}")
    return ExerciseMark(
        work.exercise,
        exercise.title,
        Fraction(0) if early else work.weight,
        tuple(questions),
        before,
        override.points if override else before - lost,
        status,
        handed_at,
        days,
        lost,
        override,
        folder,
        "".join(f"{each.rstrip('.')}. " for each in notes).strip(),
        tuple(missing) if status == HANDED_IN else (),
    )


def average(marks: Sequence[ExerciseMark]) -> Fraction | None:
    """Rend la note du trimestre, moyenne pondérée ; None si rien n'est encore demandé."""
    weight = sum(each.weight for each in marks)
    return sum(each.weight * each.mark for each in marks) / weight if weight else None
