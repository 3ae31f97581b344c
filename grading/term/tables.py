"""Le tableau du trimestre : un élève par ligne, une question par colonne, la raison à côté."""

import csv
import io
from fractions import Fraction

from convnets.core.cli import agreed
from convnets.core.files import own_suffix, replacing
from grading.report import BYTE_ORDER_MARK, exact, plain
from grading.term import sheets
from grading.term.course import Course, Work
from grading.term.marks import ABSENT, FULL, NOT_YET, ExerciseMark, Term


def write_tables(course: Course, term: Term) -> list:
    """Écrit `notes.csv` et `notes.xlsx` ; rend leurs chemins."""
    rows = table(course, term)
    paths = [term.output / f"notes{suffix}" for suffix in (".csv", ".xlsx")]
    file = io.StringIO()
    file.write(BYTE_ORDER_MARK)
    csv.writer(file, delimiter=";").writerows([_shown(value) for value in row] for row in rows)
    with replacing(paths[0], suffix=own_suffix()) as temporary:
        temporary.write_text(file.getvalue(), encoding="utf-8", newline="")
    with replacing(paths[1], suffix=own_suffix()) as temporary:
        sheets.write_xlsx(temporary, rows, title="Notes")
    return paths


def _shown(value) -> str:
    if value is None:
        return ""
    return plain(value) if isinstance(value, str) else exact(value)


def table(course: Course, term: Term) -> list[list]:
    """Fait le tableau.

    Args:
        course: le trimestre, tel qu'il est demandé.
        term: ses notes.

    Returns:
        Des lignes de même longueur, les titres d'abord : textes, `Fraction`, None pour une case
        vide.
    """
    titles = ["nom", "numéro", "classe", f"note /{FULL}"]
    for work in course.works:
        titles += [f"{work.exercise} /{FULL}", f"{work.exercise}, état"]
        for name, points, said in _columns(work):
            titles += [f"{name} /{exact(points)}", f"{name}, {said}"]
    rows = [titles]
    for each in term.students:
        row = [each.student.name, each.student.number, each.student.group, each.mark]
        for work, mark in zip(course.works, each.exercises, strict=True):
            row += [_mark(mark), _state(mark)]
            found = {question.id: question for question in mark.questions}
            for name, _, _ in _columns(work):
                question = found.get(name)
                row += (
                    [question.points, question.remark or question.reason or None]
                    if question
                    else [None, None]
                )
        rows.append(row)
    return rows


def _columns(work: Work) -> list[tuple[str, Fraction, str]]:
    """Rend les questions d'un exercice : nom, points, et ce que dit la colonne voisine."""
    asked = [(rule.id, rule.points, "raison") for rule in work.rules]
    manual = [(f"{work.exercise}.{each.id}", each.points, "remarque") for each in work.manual]
    return asked + manual


def _mark(mark: ExerciseMark) -> Fraction | None:
    return None if mark.status == ABSENT and not mark.weight else mark.mark


def _state(mark: ExerciseMark) -> str:
    parts = [mark.status if mark.asked else NOT_YET]
    if mark.days_late:
        parts.append(f"{agreed(mark.days_late, 'jour')} de retard, −{exact(mark.penalty)}")
    if mark.override:
        parts.append(f"décision : {mark.override.reason}")
    if mark.note:
        parts.append(mark.note)
    return " ; ".join(parts)
