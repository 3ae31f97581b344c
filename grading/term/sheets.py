"""Des tableaux tels que les tableurs et Moodle les écrivent, `.csv` et `.xlsx`."""

import codecs
import csv
import io
import re
import zipfile
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from convnets.core.files import own_suffix, replacing
from grading.report import exact, plain

UTF8 = "utf-8-sig"  # sans cette marque, un tableur lit l'UTF-8 comme du Windows-1252
NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?")


class Csv(NamedTuple):
    """Un CSV : ses cases, et comment il est écrit."""

    rows: list[list[str]]
    delimiter: str
    encoding: str

    def encode(self) -> bytes:
        """Rend les octets du fichier."""
        file = io.StringIO()
        csv.writer(file, delimiter=self.delimiter).writerows(self.rows)
        return file.getvalue().encode(self.encoding)


def read_csv(path: Path) -> Csv:
    """Lit un CSV ; les blancs autour des cases sont ôtés.

    Raises:
        OSError: fichier absent ou illisible.
    """
    content = path.read_bytes()
    encoding = UTF8 if content.startswith(codecs.BOM_UTF8) else "utf-8"
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        encoding = "cp1252"
        text = content.decode(encoding, errors="replace")
    delimiter = max(";,\t", key=re.sub(r'"[^"]*"', "", text.split("\n", 1)[0]).count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    return Csv([[cell.strip() for cell in cells] for cells in rows], delimiter, encoding)


def read_rows(path: Path) -> list[list[str]]:
    """Lit un tableau en textes ; les lignes vides sont passées.

    Raises:
        FileNotFoundError: pas de fichier.
        ValueError: ce n'est pas un tableau.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} n'existe pas ; attendu : un tableau .csv ou .xlsx.")
    rows = _read_xlsx(path) if path.suffix.lower() == ".xlsx" else read_csv(path).rows
    return [cells for cells in rows if any(cells)]


def _read_xlsx(path: Path) -> list[list[str]]:
    import openpyxl

    try:
        sheet = openpyxl.load_workbook(path, data_only=True).active
    except (zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise ValueError(f"{path} n'est pas un classeur .xlsx lisible.") from error
    return [[_text(value) for value in cells] for cells in sheet.iter_rows(values_only=True)]


def _text(value) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value).strip()


def read_number(text: str) -> Fraction:
    """Lit un nombre, à virgule ou à point : `"17,5"`.

    Raises:
        ValueError: ce n'est pas un nombre.
    """
    text = text.strip().removeprefix("'")
    if not NUMBER.fullmatch(text):
        raise ValueError(f"« {text} » n'est pas un nombre")
    return Fraction(text.replace(",", "."))


def write_file(path: Path, content: str | bytes) -> Path:
    """Écrit un fichier d'un coup ; rend son chemin."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path, suffix=own_suffix()) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def write(path: Path, rows: Sequence[list]) -> Path:
    """Écrit un tableau, `.csv` ou `.xlsx` : les nombres en nombres, les textes en textes.

    Args:
        path: fichier à écrire.
        rows: lignes, la première est celle des titres ; `Fraction`, `int`, `str` ou None.

    Returns:
        Son chemin.
    """
    if path.suffix.lower() != ".xlsx":
        return write_file(path, Csv([list(map(_written, row)) for row in rows], ";", UTF8).encode())
    import openpyxl
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    book = openpyxl.Workbook()
    book.active.freeze_panes = "C2"
    for line, cells in enumerate(rows, 1):
        for column, value in enumerate(cells, 1):
            if isinstance(value, str):
                text = ILLEGAL_CHARACTERS_RE.sub("", value)
                book.active.cell(line, column, text).data_type = "s"  # « =1+1 » reste un texte
            elif value is not None:
                book.active.cell(line, column, int(value) if value == int(value) else float(value))
    made = io.BytesIO()
    book.save(made)
    return write_file(path, made.getvalue())


def _written(value) -> str:
    if value is None:
        return ""
    return plain(value) if isinstance(value, str) else exact(value)
