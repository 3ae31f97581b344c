"""Lire `cours.toml` : les classes, les élèves, les exercices demandés, ce que vaut un retard.

Ce qui dépend de la classe (rendus, échéance, feuille de Moodle, liste des élèves) s'écrit une fois
pour toutes, ou dans une table, une valeur par classe. Tout est vérifié avant que rien ne soit noté.
"""

import re
import tomllib
from collections.abc import Iterable
from datetime import date, datetime, time
from fractions import Fraction
from pathlib import Path
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NonNegativeInt,
    StrictBool,
    StringConstraints,
    ValidationError,
    ValidationInfo,
)

from convnets.core.cli import printable
from grading.scale import FULL, Rule, read_scale
from grading.term import sheets
from grading.term.dates import read_date
from grading.term.marks import Override, Student

COLUMNS = {  # titres des colonnes d'une liste d'élèves
    "name": ("nom complet", "full name", "name", "élève", "nom et prénom"),
    "last": ("nom", "nom de famille", "last name", "surname"),
    "first": ("prénom", "first name"),
    "number": ("numéro", "number", "identifiant", "identifier", "id", "n°"),
    "group": ("classe", "groupe", "group", "class"),
}
SAID = {  # ce que pydantic trouve à redire, en français
    "missing": "il manque {key}",
    "extra_forbidden": "{key} n'est pas connu ; au choix : {known}",
    "bool_type": "attendu true ou false, reçu {input!r}",
    "string_type": "attendu un texte entre guillemets, reçu {input!r}",
    "string_too_short": "ce texte est vide",
    "string_pattern_mismatch": "attendu des lettres minuscules et des chiffres, reçu {input!r}",
    "greater_than": "attendu un nombre de plus de {gt}",
    "greater_than_equal": "attendu un nombre d'au moins {ge}",
    "less_than_equal": "attendu une note sur {le}, reçu {input}",
    "value_error": "{error}",
}


# --- Des valeurs ---------------------------------------------------------------------


def _amount(value) -> Fraction:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"attendu un nombre, reçu {value!r}")
    return sheets.read_number(str(value))


def _moment(value) -> datetime:
    if isinstance(value, datetime):
        return value.astimezone().replace(tzinfo=None) if value.tzinfo else value
    if isinstance(value, date):
        return datetime.combine(value, time(23, 59, 59))
    return read_date(str(value))


def _number(value) -> str:
    text = str(value).strip()
    if isinstance(value, bool) or not re.fullmatch(r"[A-Za-z0-9]+", text):
        raise ValueError(
            f"numéro {value!r} : attendu des chiffres, ou des lettres sans accent, sans espace"
        )
    return text


def _known(value, info: ValidationInfo) -> str:
    number = _number(value)
    if number not in [each.number for each in info.context["students"]]:
        raise ValueError(f"aucun élève n'a le numéro {number}")
    return number


def _existing(value, info: ValidationInfo) -> Path:
    path = info.context["home"] / str(value)
    if not path.exists():
        raise ValueError(f"{path} n'existe pas")
    return path


def _per_group(value, info: ValidationInfo) -> dict:
    """Lit une valeur pour tous, ou une table d'une valeur par classe."""
    groups = dict.fromkeys(each.group for each in info.context["students"])
    unknown = [name for name in value if name not in groups] if isinstance(value, dict) else []
    if unknown:
        raise ValueError(
            f"{unknown[0]} n'est pas une classe ; au choix : {', '.join(groups) or 'aucune'}"
        )
    return value if isinstance(value, dict) else dict.fromkeys(groups, value)


def _exercise(value) -> str:
    exercise, scale = str(value)[:4], read_scale()
    if exercise not in scale:
        raise ValueError(f"{exercise} n'est pas au barème ; au choix : {', '.join(scale)}")
    return exercise


def _once(names: Iterable[str], said: str) -> None:
    """Refuse deux fois le même nom."""
    seen = list(names)
    twice = next((name for name in seen if seen.count(name) > 1), None)
    if twice:
        raise ValueError(said.format(twice))


Text = Annotated[str, StringConstraints(strict=True, strip_whitespace=True, min_length=1)]
Name = Annotated[str, StringConstraints(strict=True, pattern=r"^[a-z][a-z0-9_]*$")]
Amount = Annotated[Fraction, BeforeValidator(_amount), Field(ge=0)]
Known = Annotated[str, BeforeValidator(_known)]
Exercise = Annotated[str, BeforeValidator(_exercise)]
Paths = Annotated[
    dict[str, Annotated[Path, BeforeValidator(_existing)]], BeforeValidator(_per_group)
]
Dates = Annotated[
    dict[str, Annotated[datetime, BeforeValidator(_moment)]], BeforeValidator(_per_group)
]


# --- Des tables ----------------------------------------------------------------------


class Table(BaseModel):
    """Une table de `cours.toml` : une clé inconnue est refusée."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Late(Table):
    """Ce que coûte un retard : des points sur 20 par jour commencé, et au plus."""

    points_per_day: Amount = Fraction(0)
    maximum: Amount = Fraction(FULL)
    refused_after_days: NonNegativeInt | None = None


class Manual(Table):
    """Une question que l'enseignant note."""

    id: Name
    title: Text
    points: Annotated[Amount, Field(gt=0)]


class Work(Table):
    """Un exercice demandé.

    Attributes:
        exercise: `"ex02"`.
        weight: son poids dans la note du trimestre, None pour celui du barème.
        hand_ins: par classe, un dossier ou un zip ; une classe absente n'a rien à rendre encore.
        due: par classe, l'échéance ; une classe absente n'en a pas.
        worksheets: par classe, la feuille d'évaluation de Moodle.
        late: ce que coûte un retard, où il n'est pas celui de tous les exercices.
        manual: questions que l'enseignant note.
        manual_file: fichier où il les note.
        chosen: réponses aux doutes du correcteur, `"ex02=tp2.ipynb"`.
        owners: numéro de l'élève à qui est un rendu, par nom de dossier ou numéro de participant.
        without_weights: ne pas noter les poids enregistrés.
    """

    exercise: Exercise = Field(alias="id")
    weight: Amount | None = None
    hand_ins: Paths = {}
    due: Dates = {}
    worksheets: Paths = Field({}, alias="worksheet")
    late: Late = Late()
    manual: tuple[Manual, ...] = ()
    manual_file: Path | None = None
    chosen: tuple[Text, ...] = Field((), alias="as")
    owners: dict[str, Known] = {}
    without_weights: StrictBool = False

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Questions que le correcteur pose."""
        rules = read_scale()[self.exercise].rules
        return tuple(r for r in rules if r.name != "weights" or not self.without_weights)


class Decision(Table):
    """Une note que l'enseignant met à la place de celle d'un exercice."""

    student: Known
    exercise: Exercise
    points: Annotated[Amount, Field(le=FULL)]
    reason: Text


def _works(works: tuple[Work, ...]) -> tuple[Work, ...]:
    _once((each.exercise for each in works), "{} y est deux fois")
    for each in works:
        asked = [rule.name for rule in read_scale()[each.exercise].rules]
        _once([*asked, *(one.id for one in each.manual)], "deux questions se nomment {}")
    return works


def _decisions(decisions: tuple[Decision, ...]) -> tuple[Decision, ...]:
    _once((f"{each.student}, {each.exercise}" for each in decisions), "deux décisions pour {}")
    return decisions


class Course(Table):
    """Un trimestre, tel que l'enseignant le décrit.

    Attributes:
        title: titre du cours.
        students: élèves, dans l'ordre de la liste.
        late: ce que coûte un retard.
        works: exercices demandés.
        decisions: notes que l'enseignant décide.
        hints: les élèves lisent un indice par erreur.
        similarity: comparer les rendus entre eux.
        seed: graine des essais, None pour en tirer une et la garder.
        output: dossier des pages et des tableaux.
    """

    title: Text
    students: tuple[Student, ...]
    late: Late = Late()
    works: Annotated[tuple[Work, ...], AfterValidator(_works)] = Field(alias="exercises")
    decisions: Annotated[tuple[Decision, ...], AfterValidator(_decisions)] = Field(
        (), alias="overrides"
    )
    hints: StrictBool = False
    similarity: StrictBool = True
    seed: NonNegativeInt | None = None
    output: Path = Path("notes")

    @property
    def overrides(self) -> dict[tuple[str, str], Override]:
        """Décisions, par numéro d'élève et exercice."""
        return {
            (each.student, each.exercise): Override(each.points, each.reason)
            for each in self.decisions
        }


TABLES = {"exercises": Work, "late": Late, "manual": Manual, "overrides": Decision}


# --- Lire ----------------------------------------------------------------------------


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
    content, home = _read_toml(path), path.parent
    if "students" not in content:
        raise ValueError(f"{path.name} : il manque students.")
    students = _students(content["students"], home)
    try:
        known = {"students": students}
        course = Course.model_validate(content | known, context=known | {"home": home})
    except ValidationError as error:
        raise ValueError(f"{path.name}, {_said(error.errors()[0], content)}.") from error
    asked = {each.exercise for each in course.works}
    for each in course.decisions:
        if each.exercise not in asked:
            raise ValueError(f"overrides : {each.exercise} n'est pas demandé ce trimestre.")
    works = [_completed(each, course.late, home) for each in course.works]
    return course.model_copy(update={"works": tuple(works), "output": home / course.output})


def _completed(work: Work, late: Late, home: Path) -> Work:
    """Met dans un exercice ce que le trimestre, ou le barème, dit pour lui."""
    own = {name: getattr(work.late, name) for name in work.late.model_fields_set}
    weight = read_scale()[work.exercise].weight if work.weight is None else work.weight
    manual_file = home / (work.manual_file or f"{work.exercise}-a-noter.csv")
    return work.model_copy(
        update={"late": late.model_copy(update=own), "weight": weight, "manual_file": manual_file}
    )


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


def _said(fault: dict, content: dict) -> str:
    """Dit en français une faute que pydantic a trouvée, et où elle est."""
    *places, key = fault["loc"]
    table = next((TABLES[each] for each in reversed(places) if each in TABLES), Course)
    known = [field.alias or name for name, field in table.model_fields.items()]
    given = {"key": key, "known": ", ".join(known), "input": fault["input"]}
    said = SAID.get(fault["type"], "reçu {input!r}, qui n'est pas ce qui est attendu ici")
    where = [f"n° {each + 1}" if isinstance(each, int) else str(each) for each in places]
    if places[:1] == ["exercises"] and len(places) > 1:
        where[:2] = [str(content["exercises"][places[1]].get("id", "un exercice"))[:4]]
    if fault["type"] not in ("missing", "extra_forbidden"):
        where.append(str(key))
    return f"{', '.join(where)} : {said.format(**given | fault.get('ctx', {}))}".lstrip(" :")


# --- Les élèves ----------------------------------------------------------------------


def _students(value, home: Path) -> tuple[Student, ...]:
    """Lit les élèves : un fichier, ou un fichier par classe."""
    found = []
    for group, name in (value if isinstance(value, dict) else {"": value}).items():
        found += _read_students(home / str(name), group)
    if not found:
        raise ValueError("students : aucun élève.")
    _once((each.number for each in found), "students : deux élèves ont le numéro {}.")
    return tuple(found)


def _read_students(path: Path, group: str) -> list[Student]:
    """Lit une liste d'élèves : colonnes nom, numéro et classe, ou la feuille de Moodle."""
    rows = sheets.read_rows(path)
    if not rows:
        raise ValueError(f"{path.name} est vide.")
    titles = [title.casefold() for title in rows[0]]
    place = {
        key: next((k for k, title in enumerate(titles) if title in known), None)
        for key, known in COLUMNS.items()
    }
    name, number = place["name"] is None and place["last"] is None, place["number"] is None
    if name or number:
        missing = "nom" if name else "numéro"
        raise ValueError(
            f"{path.name} n'a pas de colonne « {missing} » ; reçu : {', '.join(rows[0])}."
        )
    ignored = [title for k, title in enumerate(rows[0]) if k not in place.values()]
    if ignored:
        print(f"{path.name} : colonnes non lues, {', '.join(map(printable, ignored))}.")
    found = []
    for line, cells in enumerate(rows[1:], 2):
        said = {
            key: cells[k] if k is not None and k < len(cells) else "" for key, k in place.items()
        }
        name = said["name"] or f"{said['first']} {said['last']}".strip()
        given = re.sub(r"^\D*?[\s.]*(?=\d+$)", "", said["number"])  # « Participant 123 »
        if not name:
            raise ValueError(f"{path.name}, ligne {line} : il manque le nom.")
        try:
            found.append(Student(name, _number(given), group or said["group"]))
        except ValueError as error:
            raise ValueError(f"{path.name}, ligne {line}, {name} : {error}.") from error
    return found
