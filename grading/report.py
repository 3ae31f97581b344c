"""Le compte rendu d'une correction : tableau du terminal, JSON, CSV."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

from convnets.core.files import own_suffix, replacing
from grading.asking.comparing import VAGUE
from grading.asking.grader import Mark
from grading.scale import FULL, read_reasons, read_scale

UTF8 = "utf-8-sig"  # sans cette marque, un tableur lit l'UTF-8 comme du Windows-1252
UNGRADED = "non noté"
WHOLE = f"note /{FULL}"
WITHOUT, NOT_YET = "sans rendu", "pas encore noté"  # ce que dit l'en-tête d'élèves sans note
FORMULA = re.compile(r"[=+\-@\t\r]")


class Total(NamedTuple):
    """Une note sur 20, connue, ou entre deux valeurs tant que des questions ne sont pas jugées."""

    least: Fraction
    most: Fraction

    @property
    def mark(self) -> Fraction | None:
        """La note ; None si elle n'est pas connue."""
        return self.least if self.least == self.most else None

    def __str__(self) -> str:
        """Écrit la note : `"17,125"`, `"de 12 à 16"`, ou `"non noté"`."""
        if self.mark is not None:
            return number(self.mark)
        if (self.least, self.most) == (0, FULL):
            return UNGRADED
        return f"de {number(self.least)} à {number(self.most)}"

    @property
    def out_of(self) -> str:
        """Écrit la note et son maximum : `"17,125/20"`."""
        return str(self) if str(self) == UNGRADED else f"{self}/{FULL}"


class Result(NamedTuple):
    """Ce qu'a obtenu un rendu : sa note, celle de ses exercices, celles de ses questions."""

    name: str
    total: Total
    exercises: dict[str, Total]
    marks: list[Mark]


# --- Une note ------------------------------------------------------------------------


def write_mark(mark: Mark) -> dict:
    """Met une note sous une forme que JSON écrit."""
    level = None if mark.level is None else str(mark.level)
    return {**mark._asdict(), "rule": mark.rule.id, "level": level}


def read_mark(content: dict) -> Mark:
    """Relit ce que `write_mark` a écrit."""
    exercise = read_scale()[content["rule"].partition(".")[0]]
    (rule,) = (each for each in exercise.rules if each.id == content["rule"])
    level = None if content["level"] is None else Fraction(content["level"])
    tried = tuple(content.get("tried", ()))
    return Mark(**{**content, "rule": rule, "level": level, "tried": tried})


def explain(mark: Mark) -> tuple[str, str]:
    """Rend la raison d'une note, précisée, et un indice ; d'une note sans raison, la précision."""
    if mark.reason is None:
        return mark.detail, ""
    known, detail = read_reasons()[mark.reason], mark.detail
    if mark.reason in VAGUE and mark.level is not None:  # le barème dit au moins où
        left = f"à faire : {mark.rule.left(mark.level)}"
        detail = f"{left} ; {detail}" if detail else left
    return f"{known.text} ({detail})" if detail else known.text, known.hint


def grouped(items: Iterable, key: Callable) -> dict[object, list]:
    """Range des choses par ce que rend `key`, dans l'ordre où elles viennent."""
    found: dict[object, list] = {}
    for item in items:
        found.setdefault(key(item), []).append(item)
    return found


def total(marks: Sequence[Mark]) -> Total:
    """Fait la note sur 20 d'un exercice, de celles de ses questions."""
    whole = sum(mark.rule.points for mark in marks)
    least = sum(mark.points or 0 for mark in marks)
    unknown = sum(mark.rule.points for mark in marks if mark.points is None)
    return Total(FULL * least / whole, FULL * (least + unknown) / whole)


def results(marks: Sequence[Mark]) -> list[Result]:
    """Fait, de chaque rendu, la note sur 20 de ses exercices et leur moyenne pondérée."""
    scale, made = read_scale(), []
    for name, mine in grouped(marks, attrgetter("submission")).items():
        exercises = {
            exercise: total(each)
            for exercise, each in grouped(mine, attrgetter("rule.exercise")).items()
        }
        weights = {exercise: scale[exercise].weight for exercise in exercises}
        ends = [
            sum(weights[exercise] * each[end] for exercise, each in exercises.items())
            / sum(weights.values())
            for end in (0, 1)
        ]
        made.append(Result(name, Total(*ends), exercises, mine))
    return made


def alerts(marks: Sequence[Mark]) -> dict[str, list[str]]:
    """Dit de quels rendus l'enseignant doit regarder le programme, et pourquoi, en une ligne.

    Returns:
        Par rendu, une phrase pour chaque raison, et les questions où elle a été vue.
    """
    told = {}
    for name, mine in grouped(marks, attrgetter("submission")).items():
        known = [each for each in mine if each.reason and read_reasons()[each.reason].alert]
        sentences = []
        for reason, each in grouped(known, attrgetter("reason")).items():
            places = ", ".join(mark.rule.id for mark in each)
            sentences.append(f"{read_reasons()[reason].text.rstrip('.')} ({places})")
        tried = dict.fromkeys(said for mark in mine for said in mark.tried)
        sentences += [f"Le programme a tenté de {said}" for said in tried]
        if sentences:
            told[name] = [" ; ".join(sentences)]
    return told


def number(value: Fraction | None) -> str:
    """Écrit une note ou des points, à trois décimales au plus : `"17,125"` ; « – » pour None."""
    return "–" if value is None else f"{float(value):.3f}".rstrip("0").rstrip(".").replace(".", ",")


# --- Le terminal ---------------------------------------------------------------------


def table(marks: Sequence[Mark], *, every: bool, hint: bool = False) -> list[str]:
    """Fait le tableau final, en lignes de texte.

    Args:
        marks: notes des questions.
        every: une ligne par question ; sinon, une par rendu.
        hint: donner l'indice de chaque erreur.
    """
    found, rows = results(marks), []
    if len(found) > 1 or not every:
        from convnets.figures import charts  # matplotlib, dont le reste se passe

        names = _exercises(found)
        lines = [[each.name, *map(each.exercises.get, names), each.total] for each in found]
        shown = [[str(c) if isinstance(c, Total) else c for c in line] for line in lines]
        rows += charts.table(["rendu", *names, WHOLE], shown).splitlines()
    for each in found if every else ():
        rows += ["", f"{each.name} : {each.total.out_of}"]
        for exercise, mine in each.exercises.items():
            title = read_scale()[exercise].title
            rows.append(f"  {exercise} — {title} : {mine.out_of}")
            asked = [mark for mark in each.marks if mark.rule.exercise == exercise]
            rows += [row for mark in asked for row in _question_rows(mark, hint)]
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
    write_file(path, (_as_json if path.suffix == ".json" else _as_csv)(marks, header, hint))


def file_name(name: str) -> str:
    """Rend un nom de fichier qui ressemble à celui d'un rendu, sans dossier ni signe à part."""
    return re.sub(r'[\x00-\x1f/\\:*?"<>|]+|^\.+', "-", name)[:100]


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


def rounded(value: Fraction | None) -> float | None:
    """Arrondit une note à quatre décimales ; None reste None."""
    return None if value is None else round(float(value), 4)


def _as_json(marks, header, hint) -> str:
    content = [
        {
            "name": each.name,
            "mark": rounded(each.total.mark),
            "between": [rounded(end) for end in each.total],
            "exercises": {name: rounded(total.mark) for name, total in each.exercises.items()},
            "questions": [_question_record(mark, hint) for mark in each.marks],
        }
        for each in results(marks)
    ]
    return json.dumps({**header, "submissions": content}, indent=1, ensure_ascii=False) + "\n"


def _question_record(mark: Mark, hint: bool) -> dict:
    """Met la note d'une question sous la forme qu'a le fichier JSON."""
    text, clue = explain(mark)
    return {
        "id": mark.rule.id,
        "module": mark.rule.module,
        "title": mark.rule.title,
        "points": None if mark.points is None else float(mark.points),
        "out_of": float(mark.rule.points),
        "level": None if mark.level is None else str(mark.level),
        "reason": mark.reason,
        "text": text,
        "hint": clue if hint else "",
    }


def _as_csv(marks, header, hint) -> bytes:
    """Écrit une ligne par élève : sa note, ses exercices, ses questions, ce qui en est dit.

    Une note ou des points qui ne sont pas connus sont une case vide.
    """
    found = results(marks)
    rows = [_graded_row(each, header, hint) for each in found]
    rows += _rows_without_marks(header, {each.name for each in found})
    if "attention" in header:
        rows.append({"remarques": header["attention"]})
    identifiers = dict.fromkeys(mark.rule.id for mark in marks)
    questions = [title for name in identifiers for title in (name, f"{name}, raison")]
    heads = ["rendu", WHOLE, *_exercises(found), *questions, "remarques"]
    return csv_bytes([heads, *([row.get(head, "") for head in heads] for row in rows)])


def _graded_row(result: Result, header: dict, hint: bool) -> dict[str, str]:
    """Écrit la ligne d'un rendu, par titre de colonne ; sans note s'il lui en manque une."""
    totals = {WHOLE: result.total, **result.exercises}
    if result.name in header.get(NOT_YET, ()):
        totals = {}
    points = {title: total.mark for title, total in totals.items()}
    points |= {mark.rule.id: mark.points for mark in result.marks}
    return {
        "rendu": plain(result.name),
        **{title: number(value) for title, value in points.items() if value is not None},
        **{f"{mark.rule.id}, raison": plain(_reason(mark, hint)) for mark in result.marks},
        "remarques": plain(_remarks(result, header)),
    }


def _rows_without_marks(header: dict, known: set[str]) -> list[dict[str, str]]:
    """Écrit la ligne de chaque élève qui n'a aucune note, et dit pourquoi ; 0 sans rendu."""
    rows = []
    for key in (WITHOUT, UNGRADED, NOT_YET):
        for name, why in header.get(key, {}).items():
            if name not in known:
                points = {WHOLE: "0"} if key == WITHOUT else {}
                rows.append({"rendu": plain(name), **points, "remarques": plain(f"{key} : {why}")})
    return rows


def _reason(mark: Mark, hint: bool) -> str:
    """Écrit la raison d'une note, et son indice s'il est demandé."""
    text, clue = explain(mark)
    return f"{text} Indice : {clue}" if hint and clue else text


def _remarks(result: Result, header: dict) -> str:
    """Écrit ce qui est dit d'un rendu : sa note si elle n'est pas connue, puis le reste."""
    said = [
        f"{exercise} : {total.out_of}, à finir par l'enseignant"
        for exercise, total in result.exercises.items()
        if total.mark is None
    ]
    for key in (NOT_YET, "à regarder", "remarques"):
        more = header.get(key, {}).get(result.name, ())
        said += [f"{key} : {more}"] if isinstance(more, str) else more
    return " ; ".join(said)


def plain(text: str) -> str:
    """Rend un texte qu'un tableur ne calcule pas : une apostrophe précède `=1+1`."""
    return f"'{text}" if FORMULA.match(text) else text
