"""Lire `cours.toml` : les classes, les élèves, les exercices demandés, ce que vaut un retard.

Ce qui dépend de la classe (rendus, échéance, feuille de Moodle, liste des élèves) s'écrit une fois
pour toutes, ou dans une table, une valeur par classe. Tout est vérifié avant que rien ne soit noté.
"""

import re
import tomllib
from collections.abc import Callable
from datetime import date, datetime
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from grading.scale import FULL, Rule, read_scale
from grading.term import sheets
from grading.term.dates import END_OF_DAY, read_date
from grading.term.marks import Override, Student

MANUAL_SUFFIXES = (".csv", ".xlsx", ".toml")
NAME = re.compile(r"[a-z][a-z0-9_]*")
COLUMNS = {  # titres des colonnes d'une liste d'élèves
    "name": ("nom complet", "full name", "name", "élève", "eleve", "étudiant", "nom et prénom"),
    "last": ("nom", "nom de famille", "last name", "surname"),
    "first": ("prénom", "prenom", "first name"),
    "number": ("numéro", "numero", "number", "identifiant", "identifier", "id", "n°"),
    "group": ("classe", "groupe", "group", "class"),
}


class Late(NamedTuple):
    """Ce que coûte un retard.

    Attributes:
        points_per_day: points sur 20 retirés par jour commencé.
        maximum: points retirés au plus.
        refused_after_days: nombre de jours après lequel le rendu vaut 0 ; None s'il n'y en a pas.
    """

    points_per_day: Fraction = Fraction(0)
    maximum: Fraction = Fraction(FULL)
    refused_after_days: int | None = None


class Manual(NamedTuple):
    """Une question que l'enseignant note."""

    id: str
    title: str
    points: Fraction


class Work(NamedTuple):
    """Un exercice demandé.

    Attributes:
        exercise: `"ex02"`.
        weight: son poids dans la note du trimestre.
        hand_ins: par classe, un dossier ou un zip ; une classe absente n'a rien à rendre encore.
        due: par classe, l'échéance ; une classe absente n'en a pas.
        worksheets: par classe, la feuille d'évaluation de Moodle.
        late: ce que coûte un retard.
        manual: questions que l'enseignant note.
        manual_file: fichier où il les note.
        chosen: réponses aux doutes du correcteur, `"ex02=tp2.ipynb"`.
        owners: numéro de l'élève à qui est un rendu, par nom de dossier ou numéro de participant.
        without_weights: ne pas noter les poids enregistrés.
        grade_column: titre de la colonne de la note dans la feuille de Moodle, "" pour la chercher.
        submitted_column: de même, de la colonne de la date du rendu.
    """

    exercise: str
    weight: Fraction
    hand_ins: dict[str, Path]
    due: dict[str, datetime]
    worksheets: dict[str, Path]
    late: Late
    manual: tuple[Manual, ...]
    manual_file: Path
    chosen: tuple[str, ...]
    owners: dict[str, str]
    without_weights: bool
    grade_column: str
    submitted_column: str

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Questions que le correcteur pose."""
        rules = read_scale()[self.exercise].rules
        return tuple(r for r in rules if r.name != "weights" or not self.without_weights)


class Course(NamedTuple):
    """Un trimestre, tel que l'enseignant le décrit.

    Attributes:
        path: le fichier lu.
        title: titre du cours.
        students: élèves, dans l'ordre de la liste.
        works: exercices demandés.
        overrides: décisions de l'enseignant, par numéro d'élève et exercice.
        hints: les élèves lisent un indice par erreur.
        pseudonyms: remplacer les noms dans les pages et les tableaux.
        similarity: comparer les rendus entre eux.
        seed: graine des essais, None pour en tirer une et la garder.
        output: dossier des pages et des tableaux.
    """

    path: Path
    title: str
    students: tuple[Student, ...]
    works: tuple[Work, ...]
    overrides: dict[tuple[str, str], Override]
    hints: bool
    pseudonyms: bool
    similarity: bool
    seed: int | None
    output: Path


class _Table:
    """Une table de `cours.toml`, dont chaque clé est lue une fois, et vérifiée.

    Args:
        content: la table.
        where: ce qu'elle est, pour les messages.
    """

    def __init__(self, content, where: str):
        if not isinstance(content, dict):
            raise ValueError(f"{where} : attendu une table, reçu {content!r}.")
        self._content, self.where = dict(content), where

    def get(self, key: str, convert: Callable, default=None, *, needed: bool = False):
        """Rend une valeur convertie, ou `default`."""
        if key not in self._content:
            if needed:
                raise ValueError(f"{self.where} : il manque {key}.")
            return default
        value = self._content.pop(key)
        try:
            return convert(value)
        except (TypeError, ValueError, FileNotFoundError) as error:
            raise ValueError(f"{self.where}, {key} : {str(error).rstrip('.')}.") from error

    def end(self, *known: str) -> None:
        """Refuse les clés que personne n'a lues."""
        if self._content:
            raise ValueError(
                f"{self.where} : {', '.join(map(str, self._content))} n'est pas connu ; "
                f"au choix : {', '.join(known)}."
            )


def read_course(path: Path) -> Course:
    """Lit la description d'un trimestre.

    Args:
        path: `cours.toml` ; les chemins qu'il contient partent de son dossier.

    Returns:
        Le trimestre, vérifié ; les rendus, eux, ne sont pas encore lus.

    Raises:
        FileNotFoundError: ce fichier, ou un de ceux qu'il nomme, n'existe pas.
        ValueError: une phrase qui dit ce qui n'est pas lisible.
    """
    path = Path(path).absolute()
    if not path.is_file():
        raise FileNotFoundError(f"{path} n'existe pas ; donnez la description d'un trimestre.")
    top = _Table(_read_toml(path), path.name)
    home = path.parent
    students = top.get("students", lambda value: _students(value, home), needed=True)
    groups = tuple(dict.fromkeys(each.group for each in students))
    late = top.get("late", lambda value: _late(value, Late()), Late())
    works = top.get(
        "exercises", lambda value: _works(value, home, groups, late, students), needed=True
    )
    overrides = top.get("overrides", lambda value: _overrides(value, students, works), {})
    title = top.get("title", _text, needed=True)
    course = Course(
        path,
        title,
        students,
        works,
        overrides,
        top.get("hints", _yes_or_no, False),
        top.get("pseudonyms", _yes_or_no, False),
        top.get("similarity", _yes_or_no, True),
        top.get("seed", _natural),
        home / top.get("output", _text, "notes"),
    )
    top.end(
        *("title", "students", "exercises", "late", "overrides", "hints", "pseudonyms"),
        *("similarity", "seed", "output"),
    )
    return course


def _read_toml(path: Path) -> dict:
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} n'est pas en UTF-8 ; enregistrez-le ainsi.") from error
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line (\d+)", str(error))
        place = f"ligne {line[1]}" if line else "à la fin"
        if "date" in str(error).lower():
            raise ValueError(f"{path}, {place} : cette date n'existe pas.") from error
        raise ValueError(
            f"{path}, {place} : ce n'est pas du TOML ; vérifiez guillemets, crochets et virgules "
            f"(Python dit : « {error} »)."
        ) from error


# --- Des valeurs ---------------------------------------------------------------------


def _text(value) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"attendu un texte entre guillemets, reçu {value!r}")
    return value.strip()


def _yes_or_no(value) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"attendu true ou false, reçu {value!r}")
    return value


def _natural(value) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"attendu un nombre entier d'au moins 0, reçu {value!r}")
    return value


def _amount(value) -> Fraction:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"attendu un nombre, reçu {value!r}")
    amount = sheets.read_number(str(value))
    if amount < 0:
        raise ValueError(f"attendu un nombre d'au moins 0, reçu {value}")
    return amount


def _positive(value) -> Fraction:
    amount = _amount(value)
    if not amount:
        raise ValueError("attendu un nombre de points de plus de 0")
    return amount


def _mark(value) -> Fraction:
    amount = _amount(value)
    if amount > FULL:
        raise ValueError(f"attendu une note sur {FULL}, reçu {value}")
    return amount


def _moment(value) -> datetime:
    if isinstance(value, datetime):
        return value.astimezone().replace(tzinfo=None) if value.tzinfo else value
    if isinstance(value, date):
        return datetime.combine(value, END_OF_DAY)
    return read_date(str(value))


def _number(value) -> str:
    text = str(value).strip()
    if isinstance(value, bool) or not re.fullmatch(r"[A-Za-z0-9]+", text):
        raise ValueError(
            f"numéro {value!r} : attendu des chiffres, ou des lettres sans accent, sans espace"
        )
    return text


def _per_group(value, convert: Callable, groups: tuple[str, ...]) -> dict:
    """Lit une valeur pour tous, ou une table d'une valeur par classe."""
    if not isinstance(value, dict):
        return dict.fromkeys(groups, convert(value))
    unknown = [name for name in value if name not in groups]
    if unknown:
        raise ValueError(
            f"{unknown[0]} n'est pas une classe ; au choix : {', '.join(groups) or 'aucune'}"
        )
    return {name: convert(each) for name, each in value.items()}


def _existing(home: Path) -> Callable:
    def convert(value) -> Path:
        path = home / _text(value)
        if not path.exists():
            raise ValueError(f"{path} n'existe pas")
        return path

    return convert


# --- Les élèves ----------------------------------------------------------------------


def _students(value, home: Path) -> tuple[Student, ...]:
    """Lit les élèves : des tables, un fichier, ou un fichier par classe."""
    if isinstance(value, str):
        found = _read_students(home / value, "")
    elif isinstance(value, dict):
        found = [
            each for group, name in value.items() for each in _read_students(home / name, group)
        ]
    elif isinstance(value, list):
        found = []
        for each in value:
            table = _Table(each, "un élève")
            name = table.get("name", _text, needed=True)
            number = table.get("number", _number, needed=True)
            found.append(Student(name, number, table.get("group", _text, "")))
            table.end("name", "number", "group")
    else:
        raise ValueError("attendu un fichier .csv ou .xlsx, ou une liste d'élèves")
    if not found:
        raise ValueError("aucun élève")
    seen: dict[str, Student] = {}
    for each in found:
        other = seen.setdefault(each.number.casefold(), each)
        if other is not each:
            raise ValueError(f"{other.name} et {each.name} ont le même numéro, {each.number}")
    return tuple(found)


def _read_students(path: Path, group: str) -> list[Student]:
    """Lit une liste d'élèves : colonnes nom, numéro et classe, ou la feuille de Moodle."""
    rows = sheets.read_rows(path)
    if not rows:
        raise ValueError(f"{path.name} est vide")
    titles = [title.casefold() for title in rows[0]]
    place = {
        key: next((k for k, title in enumerate(titles) if title in known), None)
        for key, known in COLUMNS.items()
    }
    if place["name"] is None and place["first"] is None:
        place["name"], place["last"] = place["last"], None
    if place["name"] is None and place["last"] is None:
        raise ValueError(f"{path.name} n'a pas de colonne « nom » ; reçu : {', '.join(rows[0])}")
    if place["number"] is None:
        raise ValueError(f"{path.name} n'a pas de colonne « numéro » ; reçu : {', '.join(rows[0])}")

    def cell(cells: list[str], key: str) -> str:
        where = place[key]
        return cells[where] if where is not None and where < len(cells) else ""

    found = []
    for line, cells in enumerate(rows[1:], 2):
        name = cell(cells, "name") or f"{cell(cells, 'first')} {cell(cells, 'last')}".strip()
        participant = re.fullmatch(r"\D*?[\s.]*(\d+)", cell(cells, "number"))  # « Participant 123 »
        number = participant[1] if participant else cell(cells, "number")
        if not name:
            raise ValueError(f"{path.name}, ligne {line} : il manque le nom")
        try:
            found.append(Student(name, _number(number), group or cell(cells, "group")))
        except ValueError as error:
            raise ValueError(f"{path.name}, ligne {line}, {name} : {error}") from error
    return found


# --- Les exercices -------------------------------------------------------------------


def _late(value, default: Late) -> Late:
    table = _Table(value, "late")
    late = Late(
        table.get("points_per_day", _amount, default.points_per_day),
        table.get("maximum", _amount, default.maximum),
        table.get("refused_after_days", _natural, default.refused_after_days),
    )
    table.end(*Late._fields)
    return late


def _works(value, home: Path, groups, late: Late, students) -> tuple[Work, ...]:
    if not isinstance(value, list) or not value:
        raise ValueError("attendu une section [[exercises]] par exercice")
    works = [_work(each, home, groups, late, students) for each in value]
    names = [work.exercise for work in works]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise ValueError(f"{twice} y est deux fois")
    return tuple(works)


def _work(value, home: Path, groups, late: Late, students) -> Work:
    scale = read_scale()
    table = _Table(value, "un exercice")
    exercise = table.get("id", _text, needed=True)[:4]
    if exercise not in scale:
        raise ValueError(f"{exercise} n'est pas au barème ; au choix : {', '.join(scale)}")
    table.where = exercise
    exists = _existing(home)
    manual = table.get("manual", lambda each: _manual(each, exercise), ())
    work = Work(
        exercise,
        table.get("weight", _amount, scale[exercise].weight),
        table.get("hand_ins", lambda each: _per_group(each, exists, groups), {}),
        table.get("due", lambda each: _per_group(each, _moment, groups), {}),
        table.get("worksheet", lambda each: _per_group(each, exists, groups), {}),
        table.get("late", lambda each: _late(each, late), late),
        manual,
        home / table.get("manual_file", _manual_file, f"{exercise}-a-noter.csv"),
        table.get("as", lambda each: tuple(map(_text, each)), ()),
        table.get("owners", lambda each: _owners(each, students), {}),
        table.get("without_weights", _yes_or_no, False),
        table.get("grade_column", _text, ""),
        table.get("submitted_column", _text, ""),
    )
    table.end(
        *("id", "weight", "hand_ins", "due", "worksheet", "late", "manual", "manual_file", "as"),
        *("owners", "without_weights", "grade_column", "submitted_column"),
    )
    return work


def _manual_file(value) -> str:
    if Path(_text(value)).suffix.lower() not in MANUAL_SUFFIXES:
        raise ValueError(f"attendu un nom en {', '.join(MANUAL_SUFFIXES)}, reçu {value}")
    return value


def _manual(value, exercise: str) -> tuple[Manual, ...]:
    if not isinstance(value, list):
        raise ValueError("attendu une section [[exercises.manual]] par question")
    found = []
    for each in value:
        table = _Table(each, "une question manuelle")
        found.append(
            Manual(
                table.get("id", _manual_id, needed=True),
                table.get("title", _text, needed=True),
                table.get("points", _positive, needed=True),
            )
        )
        table.end(*Manual._fields)
    names = [rule.name for rule in read_scale()[exercise].rules] + [each.id for each in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise ValueError(f"deux questions se nomment {twice}")
    return tuple(found)


def _manual_id(value) -> str:
    if not NAME.fullmatch(_text(value)):
        raise ValueError(f"attendu des lettres minuscules et des chiffres, reçu {value!r}")
    return value


def _owners(value, students) -> dict[str, str]:
    if not isinstance(value, dict):
        raise ValueError('attendu une table, "nom du dossier" = "numéro de l\'élève"')
    return {folder: _known(number, students).number for folder, number in value.items()}


def _known(value, students) -> Student:
    number = _number(value)
    for each in students:
        if each.number == number:
            return each
    raise ValueError(f"aucun élève n'a le numéro {number}")


def _overrides(value, students, works) -> dict[tuple[str, str], Override]:
    if not isinstance(value, list):
        raise ValueError("attendu une section [[overrides]] par décision")
    found = {}
    for each in value:
        table = _Table(each, "une décision")
        student = table.get("student", lambda number: _known(number, students), needed=True)
        exercise = table.get("exercise", _text, needed=True)[:4]
        if exercise not in [work.exercise for work in works]:
            raise ValueError(f"{exercise} n'est pas demandé ce trimestre")
        table.where = f"{student.name}, {exercise}"
        key = student.number, exercise
        if key in found:
            raise ValueError(f"deux décisions pour {student.name}, {exercise}")
        found[key] = Override(
            table.get("points", _mark, needed=True), table.get("reason", _text, needed=True)
        )
        table.end("student", "exercise", "points", "reason")
    return found
