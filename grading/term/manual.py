"""Les questions que l'enseignant note : un fichier créé vide, puis lu, jamais récrit."""

import csv
import io
import json
import re
import tomllib
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from convnets.core.files import own_suffix, replacing
from grading.report import BYTE_ORDER_MARK, exact, plain
from grading.term import sheets
from grading.term.course import Work
from grading.term.marks import Student

REMARK = "remarque"
FIRST = ("numéro", "nom", "classe")


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
    path = work.manual_file
    if not work.manual:
        return {}, []
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path, suffix=own_suffix() + path.suffix) as temporary:
            _create(temporary, work, students)
        return {}, [f"{path} est à remplir : une ligne par élève, des points et une remarque."]
    rows = _read_toml(path, work) if path.suffix.lower() == ".toml" else _read_table(path, work)
    found, seen = {}, set()
    for where, number, cells in rows:
        student = _student(number, students)
        if student is None:
            raise ValueError(f"{path.name}, {where} : aucun élève n'a le numéro « {number} ».")
        if student.number in seen:
            raise ValueError(f"{path.name}, {where} : {student.name} y est deux fois.")
        seen.add(student.number)
        for question in work.manual:
            points, remark = cells[question.id]
            if not points:
                continue
            try:
                given = sheets.read_number(points)
            except ValueError as error:
                raise ValueError(
                    f"{path.name}, {where}, {student.name}, {question.id} : {error}."
                ) from error
            if not 0 <= given <= question.points:
                raise ValueError(
                    f"{path.name}, {where}, {student.name}, {question.id} : {points} points ; "
                    f"attendu de 0 à {exact(question.points)}."
                )
            found[student.number, question.id] = Given(given, remark.removeprefix("'"))
    absent = [each.name for each in students if each.number not in seen]
    remarks = [f"{path.name} n'a pas de ligne pour {', '.join(absent)}."] if absent else []
    return found, remarks


def _student(number: str, students: Sequence[Student]) -> Student | None:
    """Trouve un élève ; un tableur a pu perdre les zéros du début de son numéro."""
    same = [each for each in students if each.number == number]
    close = [each for each in students if each.number.lstrip("0") == number.lstrip("0")]
    return next(iter([*same, *(close if len(close) == 1 else [])]), None)


# --- Créer ---------------------------------------------------------------------------


def _create(path: Path, work: Work, students: Sequence[Student]) -> None:
    titles = list(FIRST)
    for question in work.manual:
        titles += [f"{question.id} (sur {exact(question.points)})", f"{question.id}, {REMARK}"]
    rows = [[each.number, each.name, each.group] for each in students]
    blank = [""] * 2 * len(work.manual)
    if path.suffix == ".csv":
        file = io.StringIO()
        file.write(BYTE_ORDER_MARK)
        table = [titles, *([*map(plain, row), *blank] for row in rows)]
        csv.writer(file, delimiter=";").writerows(table)
        path.write_text(file.getvalue(), encoding="utf-8", newline="")
    elif path.suffix == ".xlsx":
        sheets.write_xlsx(path, [titles, *([*row, *blank] for row in rows)], title=work.exercise)
    else:
        path.write_text(_as_toml(work, students), encoding="utf-8")


def _as_toml(work: Work, students: Sequence[Student]) -> str:
    lines = [f"# {work.exercise} : points et remarques ; des points vides sont encore à donner."]
    lines += [f"# {each.id} : {each.title}, sur {exact(each.points)}" for each in work.manual]
    for each in students:
        name = json.dumps(each.name, ensure_ascii=False)
        lines += ["", f"[{each.number}]", f"name = {name}"]
        lines += [f'{question.id} = {{ points = "", remark = "" }}' for question in work.manual]
    return "\n".join(lines) + "\n"


# --- Lire ----------------------------------------------------------------------------


def _read_table(path: Path, work: Work):
    """Rend, par ligne, où elle est, le numéro de l'élève et `{question: (points, remarque)}`."""
    rows = sheets.read_rows(path)
    titles = [title.casefold() for title in rows[0]] if rows else []
    columns = {}
    for question in work.manual:
        first = [re.split("[ ,:]", title)[0] for title in titles]
        mine = [k for k, word in enumerate(first) if word == question.id]
        points = [k for k in mine if REMARK not in titles[k]]
        remarks = [k for k in mine if REMARK in titles[k]]
        if not points:
            raise ValueError(
                f"{path.name} n'a pas de colonne « {question.id} » : ajoutez-la, et "
                f"« {question.id}, {REMARK} »."
            )
        columns[question.id] = points[0], remarks[0] if remarks else None
    if FIRST[0] not in titles:
        raise ValueError(f"{path.name} n'a pas de colonne « {FIRST[0]} ».")
    number = titles.index(FIRST[0])

    def cell(cells: list[str], k: int | None) -> str:
        return cells[k] if k is not None and k < len(cells) else ""

    return [
        (
            f"ligne {line}",
            cell(cells, number),
            {name: (cell(cells, k), cell(cells, said)) for name, (k, said) in columns.items()},
        )
        for line, cells in enumerate(rows[1:], 2)
    ]


def _read_toml(path: Path, work: Work):
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        return [
            (
                f"[{number}]",
                number,
                {
                    question.id: tuple(
                        str(each.get(question.id, {}).get(key, "")) for key in ("points", "remark")
                    )
                    for question in work.manual
                },
            )
            for number, each in content.items()
        ]
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, AttributeError) as error:
        raise ValueError(f"{path.name} n'est pas lisible ({error}).") from error
