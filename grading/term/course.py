"""Lire `cours.toml` : les classes, les élèves, les exercices demandés, ce que vaut un retard.

Ce qui dépend de la classe (rendus, échéance, feuille de Moodle, liste des élèves) s'écrit une fois
pour toutes, ou dans une table, une valeur par classe. Tout est vérifié avant que rien ne soit noté.
"""

import re
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

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
from grading.term.sheets import read_date

COLUMNS = {  # titres des colonnes d'une liste d'élèves
    "nom": "nom|nom complet|nom de famille|nom et prénom|élève|full name|name|last name|surname",
    "prénom": "prénom|first name",
    "numéro": "numéro|number|identifiant|identifier|id|n°",
    "classe": "classe|groupe|group|class",
}
SAID = {  # ce que pydantic trouve à redire, en français
    "missing": "il manque",
    "extra_forbidden": "{place}",
    "bool_type": "attendu true ou false, reçu {input!r}",
    "string_type": "attendu un texte entre guillemets, reçu {input!r}",
    "string_too_short": "ce texte est vide",
    "literal_error": "{input} n'est pas au barème ; au choix : {listed}",
    "greater_than_equal": "attendu un nombre d'au moins {ge}",
    "less_than_equal": "attendu une note sur {le}, reçu {input}",
    "value_error": "{error}",
}


# --- Des valeurs ---------------------------------------------------------------------


def _per_group(value, info: ValidationInfo) -> dict:
    """Lit une valeur pour tous, ou une table d'une valeur par classe."""
    groups = dict.fromkeys(each.group for each in info.context["students"])
    if not isinstance(value, dict):
        return dict.fromkeys(groups, value)
    for name in value:
        if name not in groups:
            raise ValueError(f"{name} n'est pas une classe ; au choix : {', '.join(groups)}")
    return value


def _once(names: Iterable[str], said: str) -> None:
    """Refuse deux fois le même nom."""
    for name, times in Counter(names).most_common(1):
        if times > 1:
            raise ValueError(said.format(name))


Text = Annotated[str, StringConstraints(strict=True, strip_whitespace=True, min_length=1)]
Amount = Annotated[Decimal, Field(ge=0), AfterValidator(Fraction)]
Number = Annotated[str, BeforeValidator(str)]
Exercise = Literal[tuple(read_scale())]
Place = Annotated[Path, AfterValidator(lambda path, info: info.context["home"] / path)]
Moment = Annotated[datetime, BeforeValidator(lambda value: read_date(str(value)))]
Paths = Annotated[dict[str, Place], BeforeValidator(_per_group)]
Dates = Annotated[dict[str, Moment], BeforeValidator(_per_group)]


# --- Des tables ----------------------------------------------------------------------


class Student(NamedTuple):
    """Un élève.

    Attributes:
        name: prénom et nom.
        number: son numéro dans la liste de l'enseignant, qui n'est qu'à lui.
        group: sa classe, "" s'il n'y en a qu'une.
    """

    name: str
    number: str
    group: str

    @property
    def slug(self) -> str:
        """Nom de fichier de sa page, sans suffixe, à lui seul : `"ines-alami-12345"`."""
        plain = unicodedata.normalize("NFKD", f"{self.name} {self.number}").casefold()
        return re.sub(r"[^a-z0-9]+", "-", plain.encode("ascii", "ignore").decode()).strip("-")


class Table(BaseModel):
    """Une table de `cours.toml` : une clé inconnue est refusée."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Late(Table):
    """Ce que coûte un retard : des points sur 20 par jour commencé, et au plus."""

    points_per_day: Amount = Fraction(0)
    maximum: Amount = Fraction(FULL)
    refused_after_days: NonNegativeInt | None = None


class Work(Table):
    """Un exercice demandé.

    Attributes:
        exercise: `"ex02"`.
        weight: son poids dans la note du trimestre, None pour celui du barème.
        hand_ins: par classe, un dossier ou un zip ; une classe absente n'a rien à rendre encore.
        due: par classe, l'échéance ; une classe absente n'en a pas.
        worksheets: par classe, la feuille d'évaluation de Moodle.
        chosen: réponses aux doutes du correcteur, `"ex02=tp2.ipynb"`.
        owners: numéro de l'élève à qui est un rendu, par nom de dossier ou numéro de participant.
        without_weights: ne pas noter les poids enregistrés.
    """

    exercise: Exercise = Field(alias="id")
    weight: Amount | None = None
    hand_ins: Paths = {}
    due: Dates = {}
    worksheets: Paths = Field({}, alias="worksheet")
    chosen: tuple[Text, ...] = Field((), alias="as")
    owners: dict[str, Number] = {}
    without_weights: StrictBool = False

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Questions que le correcteur pose."""
        rules = read_scale()[self.exercise].rules
        return tuple(r for r in rules if r.name != "weights" or not self.without_weights)

    def say(self, text: str) -> None:
        """Dit à l'enseignant ce qu'il doit savoir de cet exercice."""
        print(f"{self.exercise} : {printable(text)}")


class Decision(Table):
    """Une note que l'enseignant met à la place de celle d'un exercice."""

    student: Number
    exercise: Exercise
    points: Annotated[Decimal, Field(ge=0, le=FULL), AfterValidator(Fraction)]
    reason: Text


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
    works: tuple[Work, ...] = Field(alias="exercises")
    decisions: tuple[Decision, ...] = Field((), alias="overrides")
    hints: StrictBool = False
    similarity: StrictBool = True
    seed: NonNegativeInt | None = None
    output: Annotated[Place, Field(validate_default=True)] = Path("notes")


TABLES = {
    "au début du fichier, avant la première table": Course,
    "dans [late]": Late,
    "dans [[exercises]]": Work,
    "dans [[overrides]]": Decision,
}


# --- Lire ----------------------------------------------------------------------------


def read_course(path: Path) -> Course:
    """Lit la description d'un trimestre.

    Args:
        path: `cours.toml` ; les chemins qu'il contient partent de son dossier.

    Returns:
        Le trimestre, vérifié ; les rendus, eux, ne sont pas encore lus.

    Raises:
        FileNotFoundError: ce fichier, ou la liste des élèves, n'existe pas.
        ValueError: une phrase qui dit ce qui n'est pas lisible.
    """
    path = Path(path).absolute()
    content = _read_toml(path)
    known = {"students": _students(content.get("students"), path.parent)}
    try:
        course = Course.model_validate(content | known, context={**known, "home": path.parent})
    except ValidationError as error:
        raise ValueError(f"{path.name}, {_said(_worst(error.errors()))}.") from error
    _check(course)
    return course


def _read_toml(path: Path) -> dict:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:  # ce n'est pas de l'UTF-8, ou pas du TOML
        raise ValueError(
            f"{path} n'est pas du TOML, ou une date n'existe pas ; vérifiez guillemets, crochets, "
            f"virgules et dates, et enregistrez-le en UTF-8 (Python dit : « {error} »)."
        ) from error


def _worst(faults: list[dict]) -> dict:
    """Choisit la faute à dire ; une clé d'une autre table explique celle qui manque."""
    moved = [each for each in faults if each["type"] == "extra_forbidden" and _tables(each)]
    return (moved or faults)[0]


def _tables(fault: dict) -> list[str]:
    """Nomme les tables de `cours.toml` où va une clé."""
    key = fault["loc"][-1]
    return [
        place
        for place, table in TABLES.items()
        if key in {each.alias or name for name, each in table.model_fields.items()}
    ]


def _place_of(fault: dict) -> str:
    """Dit où va une clé qui n'est pas à sa place."""
    if tables := _tables(fault):
        return f"cette clé n'est pas connue ici ; elle va {' ou '.join(tables)}"
    return "cette clé n'est pas connue ; elles sont dans docs/enseignants.md"


def _said(fault: dict) -> str:
    """Dit en français une faute que pydantic a trouvée, et où elle est."""
    given = {"input": fault["input"], "listed": ", ".join(read_scale()), **fault.get("ctx", {})}
    given["place"] = _place_of(fault) if fault["type"] == "extra_forbidden" else ""
    said = SAID.get(fault["type"], "reçu {input!r}, qui n'est pas ce qui est attendu ici")
    where = [f"n° {each + 1}" if isinstance(each, int) else str(each) for each in fault["loc"]]
    return f"{', '.join(where)} : {said.format(**given)}"


def _check(course: Course) -> None:
    """Refuse ce qui est dit deux fois, et ce qui l'est d'un élève ou d'un exercice inconnus."""
    asked = [each.exercise for each in course.works]
    _once(asked, "exercises : {} y est deux fois.")
    decided = [(each.student, each.exercise) for each in course.decisions]
    _once(map(", ".join, decided), "overrides : deux décisions pour {}.")
    told = [number for work in course.works for number in work.owners.values()]
    numbers = {each.number for each in course.students}
    for number in [*told, *(student for student, _ in decided)]:
        if number not in numbers:
            raise ValueError(f"aucun élève n'a le numéro {number}.")
    for _, exercise in decided:
        if exercise not in asked:
            raise ValueError(f"overrides : {exercise} n'est pas demandé ce trimestre.")


# --- Les élèves ----------------------------------------------------------------------


def _students(value, home: Path) -> tuple[Student, ...]:
    """Lit les élèves : un fichier, ou un fichier par classe ; une feuille de Moodle en est un."""
    if not value:
        raise ValueError("il manque students.")
    found = []
    for group, file in (value if isinstance(value, dict) else {"": value}).items():
        for line, said in sheets.read(home / str(file), COLUMNS, ("nom", "numéro")).records():
            name = f"{said.get('prénom', '')} {said['nom']}".strip()
            number = re.sub(r"(?i)^(participant|n°)[\s.]*(?=\d+$)", "", said["numéro"])  # de Moodle
            if not name or not re.fullmatch("[A-Za-z0-9]+", number):
                raise ValueError(
                    f"{file}, ligne {line + 1}, {name or 'sans nom'} : numéro {number!r} ; il faut "
                    "un nom, et un numéro de chiffres ou de lettres sans accent, sans espace."
                )
            found.append(Student(name, number, group or said.get("classe", "")))
    if not found:
        raise ValueError("students : aucun élève.")
    _once((each.number for each in found), "students : deux élèves ont le numéro {}.")
    return tuple(found)
