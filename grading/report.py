"""Le compte rendu d'une correction : tableau du terminal, JSON, CSV, Markdown."""

import csv
import io
import json
import re
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from grading.scale import FULL, Exercise, Reason

SUFFIXES = (".json", ".csv", ".md")
BYTE_ORDER_MARK = "\ufeff"  # sans elle, un tableur lit l'UTF-8 comme du Windows-1252
FORMULA = re.compile(r"[=+\-@\t\r]")
MONTH = r"(jan|f[eé]v|feb|mar|avr|apr|ma[iy]|ju[iln]|ao[uû]|aug|sep|oct|nov|d[eé]c)\w*"
DATE = re.compile(  # ou heure, ou fraction : des nombres séparés, ou un nombre et un mois
    rf"\s*(\d+(\s*[-/.:,]\s*\d+)+|\d+[\s./-]*{MONTH}\W*\d*|{MONTH}\W*\d+)\s*", re.IGNORECASE
)


class Line(NamedTuple):
    """La note d'une question, prête à écrire."""

    submission: str
    exercise: str
    question: str
    module: str
    title: str
    points: Fraction
    out_of: Fraction
    level: Fraction
    reason: str  # identifiant, vide si tout est juste
    text: str  # la raison en français, et sa précision
    hint: str  # vide, si l'enseignant ne le demande pas

    @property
    def id(self) -> str:
        """Nom de la question, par exemple `"ex02.architecture"`."""
        return f"{self.exercise}.{self.question}"


def explain(reason: str | None, detail: str, reasons: dict[str, Reason], hint: bool):
    """Rend `(phrase, indice)` d'une raison ; l'indice est vide s'il n'est pas demandé."""
    if reason is None:
        return "", ""
    known = reasons[reason]
    text = f"{known.text} ({detail})" if detail else known.text
    return text, known.hint if hint else ""


def totals(lines: Sequence[Line], scale: dict[str, Exercise]) -> dict[str, dict[str, Fraction]]:
    """Additionne les points.

    Args:
        lines: notes des questions.
        scale: le barème.

    Returns:
        Pour chaque rendu, la note sur 20 de chacun de ses exercices, et `"note"`, leur moyenne
        pondérée.
    """
    marks: dict[str, dict[str, Fraction]] = {}
    for name in dict.fromkeys(line.submission for line in lines):
        mine = [line for line in lines if line.submission == name]
        found = {}
        for exercise in dict.fromkeys(line.exercise for line in mine):
            each = [line for line in mine if line.exercise == exercise]
            whole = sum(line.out_of for line in each)
            found[exercise] = FULL * sum(line.points for line in each) / whole
        weight = sum(scale[exercise].weight for exercise in found)
        found["note"] = sum(scale[e].weight * mark for e, mark in found.items()) / weight
        marks[name] = found
    return marks


def number(value: Fraction, *, decimals: int = 2) -> str:
    """Écrit un nombre de points : `"14,5"`, `decimals` décimales au plus."""
    return f"{float(value):.{decimals}f}".rstrip("0").rstrip(".").replace(".", ",")


def exact(value: Fraction) -> str:
    """Écrit un nombre de points sans le couper, à cinq décimales au plus : `"17,125"`."""
    return number(value, decimals=5)


def table(lines: Sequence[Line], scale: dict[str, Exercise], *, every: bool) -> list[str]:
    """Fait le tableau final.

    Args:
        lines: notes des questions.
        scale: le barème.
        every: une ligne par question ; sinon, une par rendu.

    Returns:
        Des lignes de texte.
    """
    marks = totals(lines, scale)
    exercises = [name for name in scale if any(line.exercise == name for line in lines)]
    width = max([len(name) for name in marks] + [8])
    rows = []
    if len(marks) > 1 or not every:
        head = "".join(f"{name:>9}" for name in exercises)
        rows.append(f"{'rendu':<{width}}{head}{'note /20':>11}")
        for name, found in marks.items():
            cells = "".join(f"{number(found[e]) if e in found else '-':>9}" for e in exercises)
            rows.append(f"{name:<{width}}{cells}{number(found['note']):>11}")
    if not every:
        return rows
    for name, found in marks.items():
        rows += ["", f"{name} : {number(found['note'])}/{FULL}"]
        for exercise in exercises:
            mine = [line for line in lines if (line.submission, line.exercise) == (name, exercise)]
            if not mine:
                continue
            title = scale[exercise].title
            rows.append(f"  {exercise} — {title} : {number(found[exercise])}/{FULL}")
            for line in mine:
                score = f"{number(line.points)}/{number(line.out_of)}"
                rows.append(f"    {line.question:<20}{score:>9}  {line.text}".rstrip())
                rows += [f"    {'':<20}{'':>9}  → {line.hint}"] if line.hint else []
    return rows


def header_rows(header: dict) -> list[str]:
    """Écrit l'en-tête : une ligne par valeur, et une par élève pour ce qui est dit d'eux."""
    rows = []
    for key, value in header.items():
        if isinstance(value, dict):
            rows.append(f"{key} :")
            for name, said in value.items():
                texts = [said] if isinstance(said, str) else said
                rows += [f"  - {name} : {text}" for text in texts]
        else:
            text = value if isinstance(value, str | int) else ", ".join(value)
            rows.append(f"{key} : {text}")
    return rows


def write(path: Path, lines: Sequence[Line], scale: dict[str, Exercise], header: dict) -> None:
    """Écrit le compte rendu ; la fin du nom dit le format.

    Args:
        path: fichier `.json`, `.csv` ou `.md`.
        lines: notes des questions.
        scale: le barème.
        header: graine, protections en vigueur, exercices notés, élèves sans rendu, remarques,
            avertissement.

    Raises:
        ValueError: autre fin de nom.
        OSError: fichier impossible à écrire.
    """
    writers = {".json": _as_json, ".csv": _as_csv, ".md": _as_markdown}
    if path.suffix not in writers:
        raise ValueError(f"{path} : le compte rendu s'écrit en {', '.join(SUFFIXES)}.")
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(writers[path.suffix](lines, scale, header), encoding="utf-8")
    temporary.replace(path)


def _as_json(lines, scale, header) -> str:
    marks = totals(lines, scale)
    content = {
        **header,
        "submissions": [
            {
                "name": name,
                "mark": round(float(marks[name]["note"]), 4),
                "exercises": {e: round(float(v), 4) for e, v in marks[name].items() if e != "note"},
                "questions": [
                    {
                        "id": line.id,
                        "module": line.module,
                        "title": line.title,
                        "points": float(line.points),
                        "out_of": float(line.out_of),
                        "level": str(line.level),
                        "reason": line.reason or None,
                        "text": line.text,
                        "hint": line.hint,
                    }
                    for line in lines
                    if line.submission == name
                ],
            }
            for name in marks
        ],
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _as_csv(lines, scale, header) -> str:
    """Écrit une ligne par élève : sa note, ses exercices, ses questions, ce qui en est dit."""
    file = io.StringIO()
    file.write(BYTE_ORDER_MARK)
    writer = csv.writer(file, delimiter=";")  # ce qu'attend un tableur en français
    questions = list(dict.fromkeys(line.id for line in lines))
    exercises = [name for name in scale if any(line.exercise == name for line in lines)]
    titles = [*exercises, *questions]
    writer.writerow(["rendu", f"note /{FULL}", *titles, "remarques"])
    remarks = header.get("remarques", {})
    for name, found in totals(lines, scale).items():
        points = {line.id: line.points for line in lines if line.submission == name} | found
        cells = [exact(points[title]) if title in points else "" for title in titles]
        said = " ; ".join(remarks.get(name, ()))
        writer.writerow([plain(name), exact(found["note"]), *cells, plain(said)])
    for name, why in header.get("sans rendu", {}).items():
        writer.writerow([plain(name), 0, *[""] * len(titles), plain(f"sans rendu : {why}")])
    if "attention" in header:
        writer.writerow(["", "", *[""] * len(titles), header["attention"]])
    return file.getvalue()


def plain(text: str) -> str:
    """Rend un texte qu'un tableur garde tel quel : ni formule, ni date, ni heure, ni nombre.

    Une apostrophe est mise devant ceux qu'il prendrait pour autre chose : `=1+1`, `1/2`, `3-4`.
    """
    return f"'{text}" if FORMULA.match(text) or DATE.fullmatch(text) else text


def _as_markdown(lines, scale, header) -> str:
    marks, rows = totals(lines, scale), ["# Correction", ""]
    rows += [_escape(row if row.startswith("  -") else f"- {row}") for row in header_rows(header)]
    exercises = [name for name in scale if any(line.exercise == name for line in lines)]
    rows += [
        "",
        f"| rendu | {' | '.join(exercises)} | note /{FULL} |",
        f"|---|{'---|' * len(exercises)}---|",
    ]
    for name, found in marks.items():
        cells = " | ".join(number(found[e]) if e in found else "-" for e in exercises)
        rows.append(f"| {_escape(name)} | {cells} | **{number(found['note'])}** |")
    for name in marks:
        rows += [
            "",
            f"## {_escape(name)}",
            "",
            "| question | points | niveau | raison |",
            "|---|---|---|---|",
        ]
        for line in (line for line in lines if line.submission == name):
            text = f"{line.text} *→ {line.hint}*" if line.hint else line.text
            rows.append(
                f"| {line.id} — {line.title} | {number(line.points)}/"
                f"{number(line.out_of)} | {line.level} | {_escape(text) if line.reason else ''} |"
            )
    return "\n".join(rows) + "\n"


def _escape(text: str) -> str:
    """Rend inoffensif, dans un tableau Markdown, un texte venu d'un rendu."""
    for mark in "\\|[]<>":
        text = text.replace(mark, f"\\{mark}" if mark != "<" else "&lt;")
    return text
