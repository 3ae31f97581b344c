"""La feuille d'évaluation de Moodle, et le zip de ses fichiers de commentaires.

Moodle donne à chaque élève un numéro de participant par devoir : « Participant 812 » dans la
feuille, `Prénom Nom_812_assignsubmission_file_` dans l'export des rendus. Les titres des colonnes
changent avec la langue ; la feuille est donc lue d'après ce qu'elle contient.
"""

import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from grading.scale import FULL
from grading.term import names, sheets
from grading.term.dates import read_date
from grading.term.marks import Student

PARTICIPANT = re.compile(r"[^\d@]+(\d+)")
GRADE = ("note", "grade", "bewertung", "calificación", "valutazione", "nota", "cijfer", "punkte")
SUBMITTED = ("submission", "travail", "remis", "soumi", "abgabe", "entrega", "envio", "consegna")
GRADED = ("grade", "note", "bewertung", "calificación", "valutazione", "nota", "cijfer")
NOTHING = ("", "-", "–", "—")


class Row(NamedTuple):
    """Ce que la feuille dit d'un élève."""

    line: int
    participant: str
    name: str
    handed_at: datetime | None


class Worksheet(NamedTuple):
    """Une feuille d'évaluation de Moodle.

    Attributes:
        path: le fichier exporté par l'enseignant, qui n'est jamais récrit.
        raw: son contenu.
        grade: colonne de la note.
        maximum: colonne de la note maximale, None s'il n'y en a pas.
        rows: ce qu'elle dit de chaque élève, par numéro d'élève.
        dated: elle dit quand chacun a rendu.
        unknown: noms qui ne sont pas dans la liste des élèves.
    """

    path: Path
    raw: sheets.RawCsv
    grade: int
    maximum: int | None
    rows: dict[str, Row]
    dated: bool
    unknown: tuple[str, ...]


def read_worksheet(
    path: Path,
    students: Sequence[Student],
    *,
    owners: Mapping[str, str] | None = None,
    grade_column: str = "",
    submitted_column: str = "",
) -> Worksheet:
    """Lit une feuille d'évaluation, dans n'importe quelle langue.

    Args:
        path: le CSV exporté de Moodle.
        students: élèves qui peuvent y être.
        owners: numéros d'élève, par numéro de participant : ce que l'enseignant en dit.
        grade_column: titre de la colonne de la note ; "" pour la chercher.
        submitted_column: de même, de la colonne de la date du rendu.

    Raises:
        OSError: fichier illisible.
        ValueError: ce n'est pas une feuille de Moodle, ou pas celle de ces élèves.
    """
    raw = sheets.read_raw(path)
    titles = [sheets.unquoted(cell) for cell in raw.rows[0]] if raw.rows else []
    lines = [k for k, cells in enumerate(raw.rows) if k and any(map(str.strip, cells))]
    columns = [[raw.cell(line, k) for line in lines] for k in range(len(titles))]
    participant = next((k for k, cells in enumerate(columns) if _are_participants(cells)), None)
    if participant is None:
        raise ValueError(
            f"{path.name} n'est pas une feuille d'évaluation de Moodle : aucune colonne "
            "« Participant 12345 »."
        )
    grade, maximum = _grade_columns(path, titles, columns, grade_column)
    known = [[names.find(cell, students)[0] for cell in cells] for cells in columns]
    best = max(range(len(columns)), key=lambda k: len([each for each in known[k] if each]))
    submitted = _submitted_column(path, titles, columns, submitted_column)
    rows, unknown = {}, []
    for k, line in enumerate(lines):
        number = PARTICIPANT.fullmatch(columns[participant][k])[1]
        name = columns[best][k] if any(known[best]) else ""
        told = (owners or {}).get(number)
        student = next((s for s in students if s.number == told), known[best][k])
        if student is None:  # homonymes, ou anonymat : seul le numéro peut le dire
            named = [each for each in students if names.words(each.name) == names.words(name)]
            among = named if name else students
            student = next((each for each in among if each.number == number), None)
        if student is None:
            unknown.append(name or columns[participant][k])
            continue
        if student.number in rows:
            raise ValueError(f"{path.name} : {student.name} y est deux fois.")
        handed_at = None
        if submitted is not None and columns[submitted][k] not in NOTHING:
            try:
                handed_at = read_date(columns[submitted][k])
            except ValueError as error:
                raise ValueError(f"{path.name}, ligne {line + 1} : {error}.") from error
        rows[student.number] = Row(line, number, name or student.name, handed_at)
    if not rows:
        raise ValueError(
            f"{path.name} n'est pas la feuille de ces élèves : aucun de ses "
            f"{len(lines)} participants n'est dans la liste."
        )
    return Worksheet(path, raw, grade, maximum, rows, submitted is not None, tuple(unknown))


def _are_participants(cells: list[str]) -> bool:
    found = [PARTICIPANT.fullmatch(cell) for cell in cells]
    return bool(cells) and all(found) and len({each[1] for each in found}) == len(cells)


def _grade_columns(path: Path, titles, columns, wanted: str) -> tuple[int, int | None]:
    """Trouve la note et la note maximale, sa voisine, qui est la même pour tous."""
    folded = [title.casefold() for title in titles]
    grade = next((k for k, cells in enumerate(columns) if _is_grade(columns, k)), None)
    if wanted:
        if wanted.casefold() not in folded:
            raise ValueError(
                f"{path.name} n'a pas de colonne « {wanted} » ; au choix : {', '.join(titles)}."
            )
        grade = folded.index(wanted.casefold())
    if grade is None:
        grade = next((k for k, title in enumerate(folded) if title in GRADE), None)
    if grade is None:
        raise ValueError(
            f"{path.name} : quelle est la colonne de la note ? Écrivez grade_column, au choix : "
            f"{', '.join(titles)}."
        )
    return grade, grade + 1 if _is_grade(columns, grade) else None


def _is_grade(columns, k: int) -> bool:
    """Dit si une colonne est vide ou chiffrée, et la suivante une note maximale."""
    if k + 1 >= len(columns) or len(set(columns[k + 1])) != 1:
        return False
    try:
        maximum = sheets.read_number(columns[k + 1][0])
        values = [sheets.read_number(cell) for cell in columns[k] if cell not in NOTHING]
    except ValueError:
        return False
    return maximum > 0 and all(0 <= value <= maximum for value in values)


def _submitted_column(path: Path, titles, columns, wanted: str) -> int | None:
    """Trouve la colonne de la date du rendu ; None si aucune ne se lit comme telle."""
    folded = [title.casefold() for title in titles]
    if wanted:
        if wanted.casefold() not in folded:
            raise ValueError(
                f"{path.name} n'a pas de colonne « {wanted} » ; au choix : {', '.join(titles)}."
            )
        return folded.index(wanted.casefold())
    dated = [k for k, cells in enumerate(columns) if _is_date(cells)]
    for k, title in enumerate(folded):
        inside = title.rpartition("(")[2]  # « Dernière modification (travail remis) »
        if any(word in inside for word in SUBMITTED) and (
            k in dated or any(re.search(r"\b\d{4}\b.*\d:\d\d", cell) for cell in columns[k])
        ):
            return k
    others = [k for k in dated if not any(w in folded[k].rpartition("(")[2] for w in GRADED)]
    return others[0] if others else None


def _is_date(cells: list[str]) -> bool:
    dates = [cell for cell in cells if cell not in NOTHING]
    try:
        return bool([read_date(cell) for cell in dates])
    except ValueError:
        return False


def filled(sheet: Worksheet, marks: dict[str, Fraction]) -> bytes:
    """Remplit une feuille : les notes y entrent, tout le reste y demeure octet pour octet.

    Args:
        sheet: la feuille.
        marks: par numéro d'élève, sa note sur 20 ; un élève absent d'ici garde sa cellule.

    Returns:
        Le fichier à rendre à Moodle.
    """
    raw = sheet.raw._replace(rows=[list(cells) for cells in sheet.raw.rows])
    comma = _decimal_mark(sheet)
    for number, row in sheet.rows.items():
        if number not in marks:
            continue
        mark = marks[number]
        if sheet.maximum is not None:
            mark = mark * sheets.read_number(raw.cell(row.line, sheet.maximum)) / FULL
        text = f"{float(mark):.5f}".rstrip("0").rstrip(".")
        raw.put(row.line, sheet.grade, text.replace(".", comma))
    return raw.encode()


def _decimal_mark(sheet: Worksheet) -> str:
    """Rend la marque décimale de la feuille : celle de ses notes, ou de leur maximum."""
    columns = [k for k in (sheet.grade, sheet.maximum) if k is not None]
    cells = [sheet.raw.cell(row.line, k) for k in columns for row in sheet.rows.values()]
    return "," if any("," in cell for cell in cells) else "."


def feedback(pages: dict[tuple[str, str], str], name: str) -> bytes:
    """Fait le zip que Moodle distribue : « Téléverser plusieurs fichiers de feedback ».

    Args:
        pages: par nom complet et numéro de participant, la page de l'élève.
        name: nom que prend chaque page, `"ex02.html"`.

    Returns:
        Le zip, le même pour les mêmes pages.
    """
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for (owner, participant), page in pages.items():
            # Moodle coupe ce nom à chaque « _ » : il n'y en a donc pas dans celui de l'élève.
            folder = re.sub(r'[_/\\:*?"<>|]', " ", owner)
            member = zipfile.ZipInfo(f"{folder}_{participant}_assignfeedback_file_/{name}")
            member.compress_type, member.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(member, page.encode())
    return made.getvalue()
