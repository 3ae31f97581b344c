"""Des tableaux tels que les tableurs et Moodle les écrivent : encodage, séparateur, guillemets.

Un CSV est gardé cellule par cellule dans son écriture d'origine : ce qu'on n'y change pas en
ressort octet pour octet.
"""

import codecs
import re
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

MARKS = {  # marques d'ordre des octets
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?")


class RawCsv(NamedTuple):
    """Un CSV dans son écriture d'origine.

    Attributes:
        mark: marque d'ordre des octets, `b""` s'il n'y en a pas.
        encoding: encodage.
        delimiter: séparateur.
        rows: cellules telles qu'elles sont écrites, guillemets compris.
        ends: fin de chaque ligne.
    """

    mark: bytes
    encoding: str
    delimiter: str
    rows: list[list[str]]
    ends: list[str]

    def cell(self, row: int, column: int) -> str:
        """Rend le texte d'une cellule, sans ses guillemets ; "" si la ligne est trop courte."""
        cells = self.rows[row]
        return unquoted(cells[column]) if column < len(cells) else ""

    def put(self, row: int, column: int, text: str) -> None:
        """Change une cellule ; elle garde ses guillemets, et en prend si le texte en demande."""
        old = self.rows[row][column]
        needed = (
            old.strip().startswith('"') or re.search(r'["\r\n]', text) or self.delimiter in text
        )
        self.rows[row][column] = '"' + text.replace('"', '""') + '"' if needed else text

    def encode(self) -> bytes:
        """Rend les octets du fichier."""
        lines = (
            self.delimiter.join(cells) + end
            for cells, end in zip(self.rows, self.ends, strict=True)
        )
        return self.mark + "".join(lines).encode(self.encoding)


def read_raw(path: Path) -> RawCsv:
    """Lit un CSV sans rien perdre de son écriture.

    Raises:
        OSError: fichier absent ou illisible.
    """
    content = path.read_bytes()
    mark = next((each for each in MARKS if content.startswith(each)), b"")
    content = content[len(mark) :]
    for encoding in [MARKS[mark]] if mark else ["utf-8", "cp1252", "latin-1"]:
        try:
            text = content.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise ValueError(f"{path} n'est pas un texte ; enregistrez-le en CSV, en UTF-8.")
    bare = re.sub(r'"[^"]*"', "", text.split("\n", 1)[0])
    delimiter = max(";,\t", key=bare.count)
    rows, ends, cells = [], [], []
    cell = re.compile(rf'(\s*"(?:[^"]|"")*"[^{delimiter}\r\n]*|[^{delimiter}\r\n]*)')
    place = 0
    while place < len(text) or cells:
        found = cell.match(text, place)
        cells.append(found[0])
        place = found.end()
        if text[place : place + 1] == delimiter:
            place += 1
            continue
        end = re.compile(r"\r\n|\r|\n|$").match(text, place)[0]
        place += len(end)
        rows.append(cells)
        ends.append(end)
        cells = []
    return RawCsv(mark, encoding, delimiter, rows, ends)


def unquoted(cell: str) -> str:
    """Rend le texte d'une cellule, sans ses guillemets ni les blancs autour."""
    text = cell.strip()
    if len(text) >= 2 and text[0] == text[-1] == '"':
        text = text[1:-1].replace('""', '"')
    return text.strip()


def read_rows(path: Path) -> list[list[str]]:
    """Lit un tableau, `.csv` ou `.xlsx`, en textes ; les lignes vides sont passées.

    Raises:
        FileNotFoundError: pas de fichier.
        ValueError: ce n'est pas un tableau.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} n'existe pas ; attendu : un tableau .csv ou .xlsx.")
    if path.suffix.lower() == ".xlsx":
        rows = _read_xlsx(path)
    else:
        raw = read_raw(path)
        rows = [[unquoted(cell) for cell in cells] for cells in raw.rows]
    return [cells for cells in rows if any(cells)]


def _read_xlsx(path: Path) -> list[list[str]]:
    import zipfile

    import openpyxl

    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise ValueError(f"{path} n'est pas un classeur .xlsx lisible.") from error
    rows = [[_text(value) for value in cells] for cells in book.active.iter_rows(values_only=True)]
    book.close()
    return rows


def _text(value) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def read_number(text: str) -> Fraction:
    """Lit un nombre, à virgule ou à point : `"17,5"`.

    Raises:
        ValueError: ce n'est pas un nombre.
    """
    text = text.strip().removeprefix("'").replace("\u202f", "").replace("\xa0", "")
    if not NUMBER.fullmatch(text):
        raise ValueError(f"« {text} » n'est pas un nombre")
    return Fraction(text.replace(",", "."))


def write_xlsx(path: Path, rows: list[list], *, title: str) -> None:
    """Écrit un classeur d'une feuille : les nombres en nombres, les textes en textes.

    Args:
        path: fichier à écrire.
        rows: lignes, la première est celle des titres ; `Fraction`, `int`, `str` ou None.
        title: nom de la feuille.
    """
    import openpyxl
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = title
    for line, cells in enumerate(rows, 1):
        for column, value in enumerate(cells, 1):
            cell = sheet.cell(line, column)
            if isinstance(value, str):
                cell.value = ILLEGAL_CHARACTERS_RE.sub("", value)
                cell.data_type = "s"  # « =1+1 » venu d'un rendu reste un texte
            elif value is not None:
                cell.value = int(value) if value == int(value) else float(value)
                cell.number_format = "General" if value == int(value) else "0.00#"
            if line == 1:
                cell.font = Font(bold=True)
    for column, cells in enumerate(zip(*rows, strict=True), 1):
        longest = max(len(each) for each in cells if isinstance(each, str))
        sheet.column_dimensions[get_column_letter(column)].width = min(longest + 2, 30)
    sheet.freeze_panes = "C2"
    book.save(path)
