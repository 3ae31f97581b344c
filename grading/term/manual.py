"""Les questions que l'enseignant note : un fichier créé vide, puis lu, jamais récrit."""

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from grading.report import exact
from grading.term import sheets
from grading.term.course import Work
from grading.term.marks import Student

REMARK = "remarque"
FIRST = ["numéro", "nom", "classe"]


class Given(NamedTuple):
    """Ce que l'enseignant a écrit d'une réponse."""

    points: Fraction
    remark: str


def read_manual(
    work: Work, students: Sequence[Student]
) -> tuple[dict[tuple[str, str], Given], list[str]]:
    """Lit les notes manuelles d'un exercice ; crée le fichier s'il n'existe pas.

    Args:
        work: l'exercice.
        students: la classe, une ligne chacun dans un fichier neuf.

    Returns:
        Ce qui est noté, par numéro d'élève et question ; et ce que l'enseignant doit savoir.

    Raises:
        ValueError: le fichier ne se lit pas, un nombre de points impossible, un élève inconnu.
    """
    path, ids = work.manual_file, [each.id for each in work.manual]
    if not ids:
        return {}, []
    if not path.exists():
        _create(work, students)
        return {}, [f"{path} est à remplir : une ligne par élève, des points et une remarque."]
    rows = sheets.read_rows(path)
    titles = [title.casefold().partition(" (")[0] for title in rows[0]] if rows else []
    for wanted in (FIRST[0], *ids):
        if wanted not in titles:
            raise ValueError(f"{path.name} n'a pas de colonne « {wanted} » ; ajoutez-la.")
    known = {*FIRST, *ids, *(f"{each}, {REMARK}" for each in ids)}
    unknown = [title for title in titles if title not in known]
    remarks = [f"{path.name} : colonnes non lues, {', '.join(unknown)}."] if unknown else []
    # Un tableur a pu perdre les zéros du début d'un numéro.
    numbered = {each.number.lstrip("0"): each for each in students}
    found, seen = {}, set()
    for line, cells in enumerate(rows[1:], 2):
        said, where = dict(zip(titles, cells, strict=False)), f"{path.name}, ligne {line}"
        student = numbered.get(said[FIRST[0]].lstrip("0"))
        if student is None:
            raise ValueError(f"{where} : aucun élève n'a le numéro « {said[FIRST[0]]} ».")
        if student.number in seen:
            raise ValueError(f"{where} : {student.name} y est deux fois.")
        seen.add(student.number)
        for question in work.manual:
            remark = said.get(f"{question.id}, {REMARK}", "").removeprefix("'")
            if said.get(question.id):
                points = _points(said[question.id], question, f"{where}, {student.name}")
                found[student.number, question.id] = Given(points, remark)
    absent = [each.name for each in students if each.number not in seen]
    remarks += [f"{path.name} n'a pas de ligne pour {', '.join(absent)}."] if absent else []
    return found, remarks


def _points(text: str, question, where: str) -> Fraction:
    try:
        points = sheets.read_number(text)
    except ValueError as error:
        raise ValueError(f"{where}, {question.id} : {error}.") from error
    if not 0 <= points <= question.points:
        raise ValueError(
            f"{where}, {question.id} : {text} points ; attendu de 0 à {exact(question.points)}."
        )
    return points


def _create(work: Work, students: Sequence[Student]) -> None:
    titles = list(FIRST)
    for question in work.manual:
        titles += [f"{question.id} (sur {exact(question.points)})", f"{question.id}, {REMARK}"]
    rows = [[each.number, each.name, each.group] for each in students]
    sheets.write(work.manual_file, [titles, *rows])
