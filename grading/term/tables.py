"""Le tableau du trimestre : un élève par ligne, une question par colonne, la raison à côté."""

from pathlib import Path

from grading.report import exact
from grading.term import sheets
from grading.term.course import Course
from grading.term.marks import FULL, Term
from grading.term.pages import state


def write_tables(course: Course, term: Term) -> list[Path]:
    """Écrit `notes.csv` et `notes.xlsx` ; rend leurs chemins."""
    rows = table(course, term)
    return [sheets.write(term.output / f"notes{suffix}", rows) for suffix in (".csv", ".xlsx")]


def table(course: Course, term: Term) -> list[list]:
    """Fait le tableau.

    Args:
        course: le trimestre, tel qu'il est demandé.
        term: ses notes.

    Returns:
        Des lignes de même longueur, les titres d'abord : textes, `Fraction`, None pour une case
        vide.
    """
    titles, columns = ["nom", "numéro", "classe", f"note /{FULL}"], []
    for work in course.works:
        asked = [(rule.id, rule.points, "raison") for rule in work.rules]
        manual = [(f"{work.exercise}.{each.id}", each.points, "remarque") for each in work.manual]
        columns.append([name for name, _, _ in (*asked, *manual)])
        titles += [f"{work.exercise} /{FULL}", f"{work.exercise}, état"]
        for name, points, said in (*asked, *manual):
            titles += [f"{name} /{exact(points)}", f"{name}, {said}"]
    rows = [titles]
    for each in term.students:
        row = [*each.student, each.mark]
        for mark, names in zip(each.exercises, columns, strict=True):
            row += [mark.mark if mark.asked else None, " ; ".join(state(mark))]
            found = {question.id: question for question in mark.questions}
            for question in map(found.get, names):
                said = question and (question.remark or question.reason or None)
                row += [question and question.points, said]
        rows.append(row)
    return rows
