"""Les pages d'un trimestre : une par élève, et celle de la classe.

Chacune tient en un fichier, sans script et sans rien demander au réseau : elle se donne sur une
clé, s'imprime, et ne montre à un élève que ce qui est à lui. Les gabarits sont dans `templates/`.
"""

import functools
import re
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from statistics import mean, median

import jinja2
from markupsafe import Markup, escape

from convnets.core.cli import agreed, percent
from grading.report import number
from grading.term.marks import (
    ABSENT,
    FULL,
    HANDED_IN,
    NOT_YET,
    UNREADABLE,
    ExerciseMark,
    StudentMarks,
    Term,
)
from grading.term.sheets import write_file

STUDENTS, CLASS = "eleves", "classe.html"
SIGNED = 'name="generator" content="python -m grading"'  # nos pages seules peuvent être effacées
BIN = 2  # largeur d'une barre de la distribution, en points
NUM_MISTAKES = 3  # par question
SUMMARY = {"Moyenne": mean, "Médiane": median, "Plus basse": min, "Plus haute": max}
# De contrôle, moitiés de caractères, et ceux qui retournent le sens de lecture de ce qui suit.
UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069"
    "\ud800-\udfff\ufffe\uffff]"
)


# --- Écrire --------------------------------------------------------------------------


def write_pages(term: Term) -> list[Path]:
    """Écrit `eleves/<élève>.html` et `classe.html` ; efface les pages d'une autre liste.

    Args:
        term: le trimestre noté.

    Returns:
        Les fichiers écrits, celui de la classe en dernier.

    Raises:
        OSError: dossier impossible à écrire.
    """
    folder = term.output / STUDENTS
    course = f"{term.title}, {term.date:%d/%m/%Y}"
    pages = {
        folder / f"{each.student.slug}.html": student_page(each, course=course)
        for each in term.students
    }
    for path in set(folder.glob("*.html")) - set(pages):
        if SIGNED in path.read_text(encoding="utf-8", errors="replace")[:1000]:
            path.unlink()
    pages[term.output / CLASS] = class_page(term)
    return [write_file(path, page) for path, page in pages.items()]


def student_page(marks: StudentMarks, exercise: str | None = None, *, course: str = "") -> str:
    """Fait la page d'un élève.

    Args:
        marks: ses notes.
        exercise: le seul exercice à montrer, `"ex02"` ; None : tous, et la note du trimestre.
        course: ce qui est écrit au-dessus de son nom.

    Returns:
        Une page HTML entière.
    """
    shown = [each for each in marks.exercises if exercise in (None, each.exercise)]
    return render("eleve.html", marks=marks, shown=shown, only=exercise, course=course)


def class_page(term: Term) -> str:
    """Fait la page de la classe, pour l'enseignant."""
    everyone = [each.exercises for each in term.students]
    marks = [each.mark for each in term.students if each.mark is not None]
    bins = Counter(min(int(mark // BIN) * BIN, FULL - BIN) for mark in marks)
    groups = []
    for group in dict.fromkeys(each.student.group for each in term.students):
        found = [each.mark for each in term.students if each.student.group == group]
        groups.append([group or "–", len(found), *_summary(found)])
    return render(
        "classe.html",
        term=term,
        bins=[(start, bins[start]) for start in range(0, FULL, BIN)],
        groups=groups,
        exercises=[_exercise(each) for each in zip(*everyone, strict=True)],
        summary=list(SUMMARY),
    )


def _exercise(marks: Sequence[ExerciseMark]) -> dict:
    """Rassemble ce que la page de la classe dit d'un exercice."""
    name, title = marks[0].exercise, marks[0].title
    asked = [each for each in marks if each.asked]
    statuses = Counter(each.status for each in asked)
    counts = [statuses[status] for status in (HANDED_IN, ABSENT, UNREADABLE)]
    late = sum(each.days_late > 0 for each in asked)
    summed = _summary([each.mark for each in asked if each.status == HANDED_IN])
    answers = {}
    for question in (question for each in marks for question in each.questions):
        answers.setdefault(question.id, []).append(question)
    return {
        "name": name,
        "title": title,
        "row": [f"{name} — {title}", *counts, late, *summed],
        "questions": [_question(found) for found in answers.values()],
    }


def _question(found: list) -> dict:
    full, none = sum(q.points == q.out_of for q in found), sum(q.points == 0 for q in found)
    # La raison, sans ce qui n'est vrai que d'un rendu.
    reasons = Counter(q.reason.removesuffix(f" ({q.detail})") for q in found if q.reason)
    return {
        "title": found[0].title,
        "out_of": found[0].out_of,
        "count": len(found),
        "full": full,
        "none": none,
        "part": len(found) - full - none,
        "mean": mean(q.points for q in found),
        "mistakes": reasons.most_common(NUM_MISTAKES),
    }


def _summary(marks: Sequence[Fraction | None]) -> list[str]:
    """Résume des notes par les nombres de `SUMMARY`."""
    known = [mark for mark in marks if mark is not None]
    return [number(each(known)) if known else "–" for each in SUMMARY.values()]


# --- Dire ----------------------------------------------------------------------------


def state(mark: ExerciseMark) -> list[str]:
    """Dit ce qu'il faut savoir d'une note : rendu ou non, retard, décision, ce qui manque."""
    said = [mark.status if mark.asked else NOT_YET]
    if mark.days_late:
        said.append(f"{agreed(mark.days_late, 'jour')} de retard, −{points(mark.penalty)}")
    if mark.override:
        said.append(f"note décidée, {points(mark.override.points)}, {mark.override.reason}")
    said += [f"à noter : {each}" for each in mark.pending]
    return said + ([mark.note] if mark.note else [])


def points(value: Fraction) -> str:
    """Écrit une note ou des points : `"17,125"`, trois décimales au plus."""
    return number(value, decimals=3)


def prose(said: str) -> Markup:
    """Met en page une phrase de `reasons.toml` : ce qui est entre accents graves est du code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(_visible(said)))))


def render(name: str, **content) -> str:
    """Remplit un gabarit ; tout texte y est échappé."""
    return _environment().get_template(name).render(full=FULL, **content)


@functools.cache
def _environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "agreed": agreed,
        "percent": percent,
        "points": points,
        "prose": prose,
        "state": state,
        "zip": zip,
    }
    return made


def _visible(value):
    """Remplace par « � » ce qui ne s'affiche pas."""
    return UNSEEN.sub("\N{REPLACEMENT CHARACTER}", value) if type(value) is str else value
