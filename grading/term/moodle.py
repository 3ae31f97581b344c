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

from grading.report import number
from grading.scale import FULL
from grading.term import sheets
from grading.term.course import Work
from grading.term.sheets import Sheet, read_date
from grading.term.students import Student, in_part, named, words

TITLES = {  # de ses colonnes
    "identifiant": "identifiant|identifier",
    "nom": "nom complet|full name",
    "note": "note|grade",
    "maximum": "note maximale|maximum grade",
    "rendu": r"(dernière modification|last modified) \((?!note|grade).*",
}


class Row(NamedTuple):
    """Ce que la feuille dit d'un élève : `line` est le rang de sa ligne dans `path`."""

    name: str
    participant: str
    handed_at: datetime | None = None
    line: int = 0
    path: Path | None = None


def owner(
    name: str, number: str, students: Sequence[Student], told: str = ""
) -> tuple[Student | None, bool]:
    """Dit à qui est un rendu, ou une ligne de la feuille de Moodle.

    Args:
        name: prénom et nom dans un ordre ou dans l'autre, une partie, `"dupont"`, ou un numéro.
        number: numéro que Moodle lui donne pour ce devoir, "" s'il n'y en a pas.
        students: la classe.
        told: numéro de l'élève, si l'enseignant l'a dit.

    Returns:
        L'élève, ou None s'il n'y en a pas, ou plus d'un ; et si c'est sûr.
    """
    if told:
        return next((each for each in students if each.number == told), None), True
    alike = named(name, students)
    wanted = words(name)
    longer = [each for each in students if wanted and words(each.name) < wanted]
    part = [*alike, *in_part(name, students), *longer]
    if len(alike) == 1 or len(part) == 1:
        return (alike or part)[0], bool(alike)
    # Homonymes, ou anonymat (« Participant », sans nom) : seul un numéro peut le dire.
    among = students if len(wanted) < 2 else alike
    return next((each for each in among if each.number in (number, name)), None), True


def read_worksheet(
    path: Path, students: Sequence[Student], work: Work
) -> tuple[Sheet, dict[str, Row]]:
    """Lit une feuille d'évaluation.

    Args:
        path: le CSV exporté de Moodle.
        students: élèves qui peuvent y être.
        work: l'exercice, qui dit peut-être à qui est un numéro de participant.

    Returns:
        La feuille, et ce qu'elle dit de chaque élève, par numéro d'élève.

    Raises:
        OSError: fichier illisible.
        ValueError: ce n'est pas une feuille de Moodle, ou pas celle de ces élèves.
    """
    sheet = sheets.read(path, TITLES, ("identifiant", "note"), whole=False)
    rows: dict[str, Row] = {}
    for line, said in sheet.records():
        number = re.sub(r"\D", "", said["identifiant"])
        name, when = said.get("nom", ""), said.get("rendu", "").strip("-")
        told = work.owners.get(number, ())
        student, _ = owner(name, number, students, told[0] if len(told) == 1 else "")
        if student is None:
            told = f"« {name or said['identifiant']} » n'est pas dans la liste, ou a un homonyme"
            work.say(f"{path.name} : {told}.")
            continue
        if student.number in rows:
            raise ValueError(f"{path.name} : {student.name} y est deux fois.")
        handed_at = read_date(when, f"{path.name}, ligne {line + 1} : ") if when else None
        rows[student.number] = Row(name or student.name, number, handed_at, line, path)
    if not rows:
        raise ValueError(f"{path.name} n'est pas la feuille de ces élèves : elle n'en a aucun.")
    return sheet, rows


def filled(sheet: Sheet, marks: Mapping[int, Fraction]) -> bytes:
    """Remplit une feuille : les notes y entrent, le reste n'y change pas.

    Args:
        sheet: la feuille.
        marks: par rang de ligne, la note sur 20 ; une ligne absente d'ici garde sa case.

    Returns:
        Le fichier à rendre à Moodle.

    Raises:
        ValueError: une note maximale n'est pas un nombre.
    """
    for line, said in sheet.records():
        if line in marks:
            maximum = said.get("maximum", str(FULL))
            try:
                text = number(marks[line] * Fraction(maximum.replace(",", ".")) / FULL)
            except ValueError:
                raise ValueError(f"Note maximale : « {maximum} » n'est pas un nombre.") from None
            written = text if "," in maximum else text.replace(",", ".")
            sheet.rows[line][sheet.columns["note"]] = written
    return sheet.encode()


def feedback(pages: Mapping[Row, str], name: str) -> bytes:
    """Fait le zip que Moodle distribue : « Téléverser plusieurs fichiers de feedback ».

    Args:
        pages: par ligne de la feuille, la page de l'élève.
        name: nom que prend chaque page, `"ex02.html"`.
    """
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for row, page in pages.items():
            # Moodle coupe ce nom à chaque « _ » : il n'y en a donc pas dans celui de l'élève.
            folder = re.sub(r'[_/\\:*?"<>|]', " ", row.name)
            archive.writestr(f"{folder}_{row.participant}_assignfeedback_file_/{name}", page)
    return made.getvalue()
