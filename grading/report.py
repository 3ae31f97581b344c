"""Le compte rendu d'une correction : tableau du terminal, JSON, CSV."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from convnets.core.files import own_suffix, replacing
from grading.grader import Mark
from grading.scale import FULL, read_reasons, read_scale

UTF8 = "utf-8-sig"  # sans cette marque, un tableur lit l'UTF-8 comme du Windows-1252
FORMULA = re.compile(r"[=+\-@\t\r]")


class Result(NamedTuple):
    """Ce qu'a obtenu un rendu : sa note, celle de ses exercices, celles de ses questions."""

    name: str
    mark: Fraction
    exercises: dict[str, Fraction]
    marks: list[Mark]


# --- Une note ------------------------------------------------------------------------


def write_mark(mark: Mark) -> dict:
    """Met une note sous une forme que JSON écrit."""
    return {**mark._asdict(), "rule": mark.rule.id, "level": str(mark.level)}


def read_mark(content: dict) -> Mark:
    """Relit ce que `write_mark` a écrit."""
    exercise = read_scale()[content["rule"].partition(".")[0]]
    (rule,) = (each for each in exercise.rules if each.id == content["rule"])
    return Mark(**{**content, "rule": rule, "level": Fraction(content["level"])})


def explain(mark: Mark) -> tuple[str, str]:
    """Rend la raison d'une note, précisée, et un indice ; d'une note sans raison, la précision."""
    if mark.reason is None:
        return mark.detail, ""
    known = read_reasons()[mark.reason]
    return f"{known.text} ({mark.detail})" if mark.detail else known.text, known.hint


def grouped(items: Iterable, key: Callable) -> dict[object, list]:
    """Range des choses par ce que rend `key`, dans l'ordre où elles viennent."""
    found: dict[object, list] = {}
    for item in items:
        found.setdefault(key(item), []).append(item)
    return found


def results(marks: Sequence[Mark]) -> list[Result]:
    """Fait, de chaque rendu, la note sur 20 de ses exercices et leur moyenne pondérée."""
    scale, found = read_scale(), []
    for name, mine in grouped(marks, lambda mark: mark.submission).items():
        exercises = {
            exercise: FULL * sum(m.points for m in each) / sum(m.rule.points for m in each)
            for exercise, each in grouped(mine, lambda mark: mark.rule.exercise).items()
        }
        weight = sum(scale[exercise].weight for exercise in exercises)
        total = sum(scale[exercise].weight * mark for exercise, mark in exercises.items())
        found.append(Result(name, total / weight, exercises, mine))
    return found


def number(value: Fraction) -> str:
    """Écrit une note ou des points, à trois décimales au plus : `"17,125"`."""
    return f"{float(value):.3f}".rstrip("0").rstrip(".").replace(".", ",")


# --- Le terminal ---------------------------------------------------------------------


def table(marks: Sequence[Mark], *, every: bool, hint: bool = False) -> list[str]:
    """Fait le tableau final, en lignes de texte.

    Args:
        marks: notes des questions.
        every: une ligne par question ; sinon, une par rendu.
        hint: donner l'indice de chaque erreur.
    """
    from convnets.figures import charts  # matplotlib, dont le reste se passe

    found, rows = results(marks), []
    if len(found) > 1 or not every:
        names = _exercises(found)
        lines = [[each.name, *map(each.exercises.get, names), each.mark] for each in found]
        shown = [[number(c) if isinstance(c, Fraction) else c for c in line] for line in lines]
        rows += charts.table(["rendu", *names, f"note /{FULL}"], shown).splitlines()
    for each in found if every else ():
        rows += ["", f"{each.name} : {number(each.mark)}/{FULL}"]
        for exercise, total in each.exercises.items():
            title = read_scale()[exercise].title
            rows.append(f"  {exercise} — {title} : {number(total)}/{FULL}")
            mine = [mark for mark in each.marks if mark.rule.exercise == exercise]
            rows += [row for mark in mine for row in _question_rows(mark, hint)]
    return rows


def _question_rows(mark: Mark, hint: bool) -> list[str]:
    score, (text, clue) = f"{number(mark.points)}/{number(mark.rule.points)}", explain(mark)
    row = f"    {mark.rule.name:<20}{score:>9}  {text}".rstrip()
    return [row, f"{'':<33}  → {clue}"] if hint and clue else [row]


def _exercises(found: Sequence[Result]) -> list[str]:
    return [name for name in read_scale() if any(name in each.exercises for each in found)]


def header_rows(header: dict) -> list[str]:
    """Écrit l'en-tête : une ligne par valeur, et une par élève pour ce qui est dit d'eux."""
    rows = []
    for key, value in header.items():
        told = value if isinstance(value, dict) else {}
        shown = ", ".join(value) if isinstance(value, list) else value
        rows.append(f"{key} :" if told else f"{key} : {shown}")
        for name, said in told.items():
            rows += [f"  - {name} : {text}" for text in ([said] if isinstance(said, str) else said)]
    return rows


# --- Les fichiers --------------------------------------------------------------------


def write(path: Path, marks: Sequence[Mark], header: dict, *, hint: bool = False) -> None:
    """Écrit le compte rendu, en JSON si son nom finit par `.json`, sinon en CSV.

    Args:
        path: fichier `.json` ou `.csv` ; son dossier est créé au besoin.
        marks: notes des questions.
        header: graine, protections en vigueur, exercices notés, élèves sans rendu, remarques,
            avertissement.
        hint: donner l'indice de chaque erreur.

    Raises:
        OSError: fichier impossible à écrire.
    """
    json_asked = path.suffix == ".json"
    write_file(path, _as_json(marks, header, hint) if json_asked else _as_csv(marks, header))


def write_file(path: Path, content: str | bytes) -> Path:
    """Écrit un fichier d'un coup ; rend son chemin."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path, suffix=own_suffix()) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def csv_bytes(rows: Iterable, delimiter: str = ";", encoding: str = UTF8) -> bytes:
    """Rend les octets d'un fichier `.csv` ; « ; » est ce qu'attend un tableur en français."""
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter).writerows(rows)
    return file.getvalue().encode(encoding)


def _as_json(marks, header, hint) -> str:
    content = [
        {
            "name": each.name,
            "mark": round(float(each.mark), 4),
            "exercises": {name: round(float(mark), 4) for name, mark in each.exercises.items()},
            "questions": [
                {
                    "id": mark.rule.id,
                    "module": mark.rule.module,
                    "title": mark.rule.title,
                    "points": float(mark.points),
                    "out_of": float(mark.rule.points),
                    "level": str(mark.level),
                    "reason": mark.reason,
                    "text": explain(mark)[0],
                    "hint": explain(mark)[1] if hint else "",
                }
                for mark in each.marks
            ],
        }
        for each in results(marks)
    ]
    return json.dumps({**header, "submissions": content}, indent=1, ensure_ascii=False) + "\n"


def _as_csv(marks, header) -> bytes:
    """Écrit une ligne par élève : sa note, ses exercices, ses questions, ce qui en est dit."""
    found = results(marks)
    titles = [*_exercises(found), *dict.fromkeys(mark.rule.id for mark in marks)]
    total, remarks, rows = f"note /{FULL}", header.get("remarques", {}), []
    for name, mark, exercises, mine in found:
        points = {total: mark} | exercises | {each.rule.id: each.points for each in mine}
        cells = {title: number(value) for title, value in points.items()}
        said = " ; ".join(remarks.get(name, ()))
        rows.append({"rendu": plain(name), **cells, "remarques": plain(said)})
    for name, why in header.get("sans rendu", {}).items():
        rows.append({"rendu": plain(name), total: 0, "remarques": plain(f"sans rendu : {why}")})
    if "attention" in header:
        rows.append({"remarques": header["attention"]})
    heads = ["rendu", total, *titles, "remarques"]
    return csv_bytes([heads, *([row.get(head, "") for head in heads] for row in rows)])


def plain(text: str) -> str:
    """Rend un texte qu'un tableur ne calcule pas : une apostrophe précède `=1+1`."""
    return f"'{text}" if FORMULA.match(text) else text
