"""Ce que les pages disent d'une note, en toutes lettres."""

import re
from datetime import date, datetime
from fractions import Fraction

from convnets.core.cli import agreed
from grading.report import number
from grading.term.elements import Html, join, tag
from grading.term.marks import ABSENT, UNREADABLE, ExerciseMark, QuestionMark, Student

MONTHS = (
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split()
)


def day(when: date) -> str:
    """Écrit un jour : `"1er octobre 2026"`."""
    return f"{'1er' if when.day == 1 else when.day} {MONTHS[when.month - 1]} {when.year}"


def instant(when: datetime) -> str:
    """Écrit un jour et une heure : `"1er octobre 2026 à 23 h 59"`."""
    return f"{day(when)} à {when.hour} h {when.minute:02}"


def points(value: Fraction) -> str:
    """Écrit une note ou des points : `"17,125"`, trois décimales au plus."""
    return number(value, decimals=3)


def name(student: Student) -> Html:
    """Écrit le nom d'un élève, dans son sens de lecture à lui."""
    return tag("bdi", student.name)


def title(mark: ExerciseMark) -> str:
    """Nomme un exercice : `"ex02 — Reconnaître des vêtements"`."""
    return f"{mark.exercise} — {mark.title}"


def prose(said: str) -> Html:
    """Met en page une phrase de `reasons.toml` : ce qui est entre accents graves est du code."""
    parts = re.split(r"`([^`]+)`", said)
    return join(*(tag("code", part) if i % 2 else part for i, part in enumerate(parts)))


def wanted(question: QuestionMark) -> str:
    """Écrit ce qu'une question demande, avec une majuscule."""
    return question.title[:1].upper() + question.title[1:]


def without_detail(question: QuestionMark) -> str:
    """Rend la raison d'une question, sans ce qui n'est vrai que d'un rendu."""
    return question.reason.removesuffix(f" ({question.detail})")


def handing_in(mark: ExerciseMark) -> str:
    """Dit ce qui a été reçu, et quand, en une phrase."""
    if not mark.asked:
        return "Cet exercice n'est pas encore à rendre."
    if mark.status == ABSENT:
        return "Aucun rendu n'a été reçu pour cet exercice."
    if mark.status == UNREADABLE:
        return "Un rendu a été reçu, mais il n'a pas pu être lu."
    when = f"Rendu le {instant(mark.handed_at)}" if mark.handed_at else "Rendu reçu"
    if not mark.days_late:
        return f"{when}, dans les temps." if mark.handed_at else f"{when}."
    return f"{when}, avec {agreed(mark.days_late, 'jour')} de retard."


def steps(mark: ExerciseMark) -> list[str]:
    """Dit comment la note d'un exercice a été calculée, une phrase par étape."""
    said = []
    if mark.questions:
        got = sum(question.points for question in mark.questions)
        whole = sum(question.out_of for question in mark.questions)
        scaled = got * mark.out_of == whole * mark.mark_before  # rien d'autre n'est demandé
        out_of = f" sur {points(whole)}" if scaled else ""
        before = f", soit {points(mark.mark_before)} sur {mark.out_of}"
        same = got == mark.mark_before and whole == mark.out_of
        if not same or mark.days_late or mark.override:
            said.append(f"Questions : {points(got)}{out_of}{'' if same else before}.")
    if mark.days_late:
        late = agreed(mark.days_late, "jour commencé", "jours commencés")
        many = "points retirés" if mark.penalty >= 2 else "point retiré"
        lost = f"{points(mark.penalty)} {many}" if mark.penalty else "sans pénalité"
        said.append(f"Retard : {late}, {lost}.")
    if mark.override:
        decided = f"{points(mark.override.points)} sur {mark.out_of}"
        end = "" if mark.override.reason.rstrip().endswith((".", "!", "?", "…")) else "."
        said.append(f"Note décidée par votre enseignant : {decided}. {mark.override.reason}{end}")
    return said
