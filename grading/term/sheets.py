"""Des tableaux tels que les tableurs et Moodle les écrivent : `.csv`, et `.xlsx` à lire."""

import codecs
import csv
import io
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import openpyxl
from dateutil import parser

from convnets.core.cli import printable
from grading.report import UTF8, csv_bytes, number, plain, write_file

# Une date sans heure finit à 23 h 59 ; une date sans jour, lue de deux façons, n'en est pas une.
DEFAULTS = (datetime(2001, 1, 1, 23, 59), datetime(2002, 2, 2, 23, 59))
FRENCH_DAYS = "lundi mardi mercredi jeudi vendredi samedi dimanche".split()
FRENCH_MONTHS = (
    "janvier janv",
    "février févr fevrier",
    "mars",
    "avril avr",
    "mai",
    "juin",
    "juillet juil",
    "août aout",
    "septembre",
    "octobre",
    "novembre",
    "décembre déc decembre",
)


class _Words(parser.parserinfo):
    """Les mots d'une date."""

    JUMP = [*parser.parserinfo.JUMP, "à", "le", "du", "er", "1er"]
    WEEKDAYS = [(*a, b) for a, b in zip(parser.parserinfo.WEEKDAYS, FRENCH_DAYS, strict=True)]
    MONTHS = [
        (*a, *b.split()) for a, b in zip(parser.parserinfo.MONTHS, FRENCH_MONTHS, strict=True)
    ]


WORDS = _Words(dayfirst=True)


class Sheet(NamedTuple):
    """Un tableau : ses cases, comment il est écrit, et les colonnes qui y sont lues."""

    rows: list[list[str]]
    delimiter: str = ";"
    encoding: str = UTF8
    columns: Mapping[str, int] = {}

    def records(self) -> Iterator[tuple[int, dict[str, str]]]:
        """Rend le rang de chaque ligne qui n'est pas vide, et ses cases, par nom de colonne."""
        for line, cells in enumerate(self.rows):
            if line and any(cells):
                filled = [*cells, *[""] * len(self.rows[0])]  # un tableur coupe une fin vide
                yield line, {key: filled[k] for key, k in self.columns.items()}

    def encode(self) -> bytes:
        """Rend les octets du fichier `.csv`."""
        return csv_bytes(self.rows, self.delimiter, self.encoding)


def read(
    path: Path, titles: Mapping[str, str], needed: Sequence[str], *, whole: bool = True
) -> Sheet:
    """Lit un tableau, et y cherche des colonnes.

    Args:
        path: fichier `.csv` ou `.xlsx` ; la première ligne est celle des titres.
        titles: par nom de colonne, l'expression régulière de ses titres.
        needed: noms des colonnes qui doivent y être.
        whole: dire les colonnes qui ne sont pas lues.

    Raises:
        OSError: fichier absent ou illisible.
        ValueError: ce n'est pas un tableau, ou il y manque une colonne.
    """
    sheet = read_xlsx(path) if path.suffix.lower() == ".xlsx" else read_csv(path)
    found = sheet.rows[0] if sheet.rows else []
    columns = {
        name: k
        for k, title in reversed(list(enumerate(found)))
        for name, said in titles.items()
        if re.fullmatch(said, title.lower())
    }
    for name in needed:
        if name not in columns:
            raise ValueError(
                f"{path.name} n'a pas de colonne « {name} » ; reçu : "
                f"{', '.join(found) or 'un fichier vide'}."
            )
    ignored = [printable(title) for k, title in enumerate(found) if k not in columns.values()]
    if ignored and whole:
        print(f"{path.name} : colonnes non lues, {', '.join(ignored)}.")
    return sheet._replace(columns=columns)


def read_csv(path: Path) -> Sheet:
    """Lit un CSV ; les blancs autour des cases sont ôtés."""
    content = path.read_bytes()
    encoding = UTF8 if content.startswith(codecs.BOM_UTF8) else "utf-8"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        encoding = "cp1252"
        text = content.decode(encoding, errors="replace")
    delimiter = max(";,\t", key=re.sub(r'"[^"]*"', "", text.split("\n", 1)[0]).count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    return Sheet([[cell.strip() for cell in cells] for cells in rows], delimiter, encoding)


def read_xlsx(path: Path) -> Sheet:
    """Lit la première feuille d'un classeur, en textes."""
    try:
        sheet = openpyxl.load_workbook(path, data_only=True).active
    except (zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise ValueError(f"{path} n'est pas un classeur .xlsx lisible.") from error
    rows = sheet.iter_rows(values_only=True)
    return Sheet([["" if cell is None else str(cell).strip() for cell in row] for row in rows])


def read_date(text: str, where: str = "") -> datetime:
    """Lit une date, et son heure si elle y est.

    Args:
        text: `"lundi 12 octobre 2026, 23:52"`, `"Monday, 12 October 2026, 11:52 PM"`,
            `"12/10/2026 23:52"` (le jour d'abord), `"2026-10-12T23:52"`.
        where: où elle est écrite.

    Returns:
        L'instant, à l'heure de cette machine.

    Raises:
        ValueError: ce n'en est pas une.
    """
    try:
        iso = text.strip()[:4].isdigit()
        (moment,) = {parser.parse(text, WORDS, default=day, dayfirst=not iso) for day in DEFAULTS}
    except (ValueError, OverflowError) as error:
        raise ValueError(
            f"{where}date illisible : « {text} » ; attendu, par exemple, 2026-10-12 23:59 ou "
            "12/10/2026 23:59"
        ) from error
    return moment.astimezone().replace(tzinfo=None) if moment.tzinfo else moment


def write(path: Path, rows: Sequence[list]) -> Path:
    """Écrit un tableau : un texte que le tableur garde, un nombre à virgule, "" pour None."""

    def written(value) -> str:
        return plain(value or "") if isinstance(value, str | None) else number(value)

    return write_file(path, csv_bytes([map(written, row) for row in rows]))
