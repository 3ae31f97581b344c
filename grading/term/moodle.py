"""La feuille d'évaluation de Moodle, en français ou en anglais, et le zip de ses commentaires.

Moodle donne à chaque élève un numéro de participant par devoir : « Participant 812 » dans la
feuille, `Prénom Nom_812_assignsubmission_file_` dans l'export des rendus.
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

TITLES = {  # de ses colonnes
    "participant": r"identifiant|identifier",
    "name": r"nom complet|full name",
    "grade": r"note|grade",
    "maximum": r"note maximale|maximum grade",
    "handed": r"(dernière modification|last modified) \((?!note|grade).*",
}


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
        csv: son contenu.
        columns: rang des colonnes de `TITLES` qu'elle a.
        rows: ce qu'elle dit de chaque élève, par numéro d'élève.
        unknown: noms qui ne sont pas dans la liste des élèves.
    """

    path: Path
    csv: sheets.Csv
    columns: dict[str, int]
    rows: dict[str, Row]
    unknown: tuple[str, ...]


def read_worksheet(path: Path, students: Sequence[Student], owners: Mapping[str, str]) -> Worksheet:
    """Lit une feuille d'évaluation.

    Args:
        path: le CSV exporté de Moodle.
        students: élèves qui peuvent y être.
        owners: numéros d'élève, par numéro de participant : ce que l'enseignant en dit.

    Raises:
        OSError: fichier illisible.
        ValueError: ce n'est pas une feuille de Moodle, ou pas celle de ces élèves.
    """
    csv = sheets.read_csv(path)
    titles = csv.rows[0] if csv.rows else []
    columns = {
        key: k
        for key, title in TITLES.items()
        for k, found in enumerate(titles)
        if re.fullmatch(title, found.casefold())
    }
    if not {"participant", "grade"} <= set(columns):
        raise ValueError(
            f"{path.name} n'est pas une feuille d'évaluation de Moodle : attendu Identifiant, Note "
            f"(Identifier, Grade), reçu {', '.join(titles) or 'un fichier vide'}."
        )
    rows, unknown = {}, []
    for line, cells in enumerate(csv.rows[1:], 1):
        said = {key: cells[k] for key, k in columns.items() if k < len(cells)}
        number = re.sub(r"\D", "", said.get("participant", ""))
        name, when = said.get("name", ""), said.get("handed", "-")
        if not number:
            continue
        student, _ = names.owner(name, number, students, owners.get(number, ""))
        if student is None:
            unknown.append(name or said["participant"])
        elif student.number in rows:
            raise ValueError(f"{path.name} : {student.name} y est deux fois.")
        else:
            try:
                handed_at = None if when in ("", "-") else read_date(when)
            except ValueError as error:
                raise ValueError(f"{path.name}, ligne {line + 1} : {error}.") from error
            rows[student.number] = Row(line, number, name or student.name, handed_at)
    if not rows:
        raise ValueError(
            f"{path.name} n'est pas la feuille de ces élèves : aucun de ses "
            f"{len(unknown)} participants n'est dans la liste."
        )
    return Worksheet(path, csv, columns, rows, tuple(unknown))


def filled(sheet: Worksheet, marks: dict[str, Fraction]) -> bytes:
    """Remplit une feuille : les notes y entrent, le reste n'y change pas.

    Args:
        sheet: la feuille.
        marks: par numéro d'élève, sa note sur 20 ; un élève absent d'ici garde sa cellule.

    Returns:
        Le fichier à rendre à Moodle.
    """
    rows, grade = [list(cells) for cells in sheet.csv.rows], sheet.columns["grade"]
    maximum = sheet.columns.get("maximum")
    for number, row in sheet.rows.items():
        if number in marks:
            written = str(FULL) if maximum is None else rows[row.line][maximum]
            mark = marks[number] * sheets.read_number(written) / FULL
            text = f"{float(mark):.5f}".rstrip("0").rstrip(".")
            rows[row.line][grade] = text.replace(".", ",") if "," in written else text
    return sheet.csv._replace(rows=rows).encode()


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
