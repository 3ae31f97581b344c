"""Lire `cours.toml` : les classes, les élèves, les exercices demandés, ce que vaut un retard.

Ce qui dépend de la classe (rendus, échéance, feuille de Moodle, liste des élèves) s'écrit une fois
pour toutes, ou dans une table, une valeur par classe. Tout est vérifié avant que rien ne soit noté.
"""

import difflib
import tomllib
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Literal

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
    model_validator,
)

from convnets.core.cli import printable
from grading.report import number
from grading.scale import FULL, Rule, read_scale
from grading.term.sheets import read_date
from grading.term.students import Student, find, once, read_students

SAID = {  # ce que pydantic trouve à redire, en français
    "missing": "il manque",
    "extra_forbidden": "{place}",
    "bool_type": "attendu true ou false, reçu {input!r}",
    "string_type": "attendu un texte entre guillemets, reçu {input!r}",
    "string_too_short": "ce texte est vide",
    "literal_error": "{input} n'est pas au barème ; au choix : {listed}",
    "greater_than_equal": "attendu un nombre d'au moins {ge}",
    "greater_than": "attendu un nombre plus grand que {gt}",
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


def _number(value, info: ValidationInfo) -> str:
    """Rend le numéro d'un élève, nommé par ce numéro ou par son nom."""
    return find(str(value), info.context["students"]).number


def _numbers(value, info: ValidationInfo) -> tuple[str, ...]:
    """Rend les numéros d'un élève, ou de la liste de ceux qui ont travaillé ensemble."""
    named = value if isinstance(value, list) else [value]
    return tuple(sorted({_number(each, info) for each in named}))


Text = Annotated[str, StringConstraints(strict=True, strip_whitespace=True, min_length=1)]
Amount = Annotated[Decimal, Field(ge=0), AfterValidator(Fraction)]
Step = Annotated[Decimal, Field(gt=0), AfterValidator(Fraction)]
Number = Annotated[str, BeforeValidator(_number)]
Numbers = Annotated[tuple[str, ...], BeforeValidator(_numbers)]
Exercise = Literal[tuple(read_scale())]
Place = Annotated[Path, AfterValidator(lambda path, info: info.context["home"] / path)]
Moment = Annotated[datetime, BeforeValidator(lambda value: read_date(str(value)))]
Paths = Annotated[dict[str, Place], BeforeValidator(_per_group)]
Dates = Annotated[dict[str, Moment], BeforeValidator(_per_group)]


# --- Des tables ----------------------------------------------------------------------


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
        owners: numéros de ceux qui ont fait un rendu, par nom de dossier ou numéro de participant ;
            vide, il n'est à personne.
        without_weights: ne pas noter les poids enregistrés.
    """

    exercise: Exercise = Field(alias="id")
    weight: Amount | None = None
    hand_ins: Paths = {}
    due: Dates = {}
    worksheets: Paths = Field({}, alias="worksheet")
    chosen: tuple[Text, ...] = Field((), alias="as")
    owners: dict[str, Numbers] = {}
    without_weights: StrictBool = False

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Questions que le correcteur pose."""
        rules = read_scale()[self.exercise].rules
        return tuple(r for r in rules if r.name != "weights" or not self.without_weights)

    @property
    def teams(self) -> dict[str, tuple[str, ...]]:
        """Par numéro d'élève, ceux de son groupe ; qui a travaillé seul n'y est pas."""
        together = [members for members in self.owners.values() if len(members) > 1]
        return {number: members for members in together for number in members}

    def say(self, text: str) -> None:
        """Dit à l'enseignant ce qu'il doit savoir de cet exercice."""
        print(f"{self.exercise} : {printable(text)}")


class Decision(Table):
    """Ce que l'enseignant décide pour un élève et un exercice.

    Attributes:
        student: numéro de l'élève.
        exercise: `"ex02"`.
        points: note sur 20 de l'exercice ; si `question` est dite, points de cette question.
        question: nom d'une question de l'exercice, `"train"`.
        exempt: l'exercice ne compte pas pour lui.
        due: son échéance, à la place de celle de sa classe.
        comment: une phrase qu'il lit, et qui ne change aucune note.
        reason: pourquoi, une phrase qu'il lit.
    """

    student: Number
    exercise: Exercise
    points: Amount | None = None
    question: Text | None = None
    exempt: StrictBool = False
    due: Moment | None = None
    comment: Text | None = None
    reason: Text | None = None

    @property
    def kinds(self) -> tuple[str, ...]:
        """Ce que cette table décide, par le nom de sa clé ; `"ex02.train"` pour une question."""
        told = {"exempt": self.exempt, "due": self.due, "points": self.points is not None}
        names = [name for name, said in told.items() if said]
        return tuple(self.rule.id if name == "points" and self.rule else name for name in names)

    @property
    def rule(self) -> Rule | None:
        """La question qu'elle nomme ; None pour l'exercice entier."""
        rules = read_scale()[self.exercise].rules
        return next((each for each in rules if self.question in (each.name, each.id)), None)

    @model_validator(mode="after")
    def _agrees(self) -> "Decision":
        """Refuse une table qui ne décide rien, ou qui se contredit."""
        if self.question is not None and self.rule is None:
            known = ", ".join(each.name for each in read_scale()[self.exercise].rules)
            raise ValueError(
                f"question, {self.exercise} n'a pas de question « {self.question} » ; au choix, "
                f"{known}"
            )
        if self.question is not None and self.points is None:
            raise ValueError("il manque points, ceux de la question")
        if not self.kinds and not self.comment:
            raise ValueError("il manque points, exempt, due ou comment")
        if self.points is not None:
            self._check_points()
        return self

    def _check_points(self) -> None:
        most = self.rule.points if self.rule else Fraction(FULL)
        if self.exempt:
            raise ValueError("exempt et points se contredisent ; gardez l'un des deux")
        if self.points > most:
            given = number(self.points)
            raise ValueError(f"points, attendu une note sur {number(most)}, reçu {given}")
        if not self.reason:
            raise ValueError("il manque reason, que l'élève lit")


class Course(Table):
    """Un trimestre, tel que l'enseignant le décrit.

    Attributes:
        title: titre du cours.
        students: élèves, dans l'ordre de la liste.
        late: ce que coûte un retard.
        works: exercices demandés.
        decisions: ce que l'enseignant décide pour un élève.
        rounding: les notes sur 20 sont arrondies à un multiple de ce nombre, None pour ne pas
            arrondir.
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
    rounding: Step | None = None
    hints: StrictBool = False
    similarity: StrictBool = True
    seed: NonNegativeInt | None = None
    output: Annotated[Place, Field(validate_default=True)] = Path("notes")


TABLES: dict[str, type[Table]] = {
    "au début du fichier, avant la première table": Course,
    "dans [late]": Late,
    "dans [[exercises]]": Work,
    "dans [[overrides]]": Decision,
}
NAMED_TABLES = {"late": Late, "exercises": Work, "overrides": Decision}


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
    known = {"students": read_students(content.get("students"), path.parent)}
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
    """Choisit la faute à dire ; une clé mal écrite explique souvent celle qui manque."""
    unknown = [each for each in faults if each["type"] == "extra_forbidden"]
    return (unknown or faults)[0]


def _keys(table: type[Table]) -> list[str]:
    """Nomme les clés d'une table, telles qu'elles s'écrivent."""
    return [each.alias or name for name, each in table.model_fields.items()]


def _place_of(fault: dict) -> str:
    """Dit, d'une clé inconnue, où elle va, ou celles qui existent."""
    *above, key = fault["loc"]
    tables = [place for place, table in TABLES.items() if key in _keys(table)]
    if tables:
        return f"cette clé n'est pas connue ici ; elle va {' ou '.join(tables)}"
    known = _keys(NAMED_TABLES.get(above[0], Course) if above else Course)
    close = "".join(
        f"la plus proche est {name} ; " for name in difflib.get_close_matches(key, known)
    )
    return f"cette clé n'est pas connue ; {close}au choix ici, {', '.join(known)}"


def _said(fault: dict) -> str:
    """Dit en français une faute que pydantic a trouvée, et où elle est."""
    given = {"input": fault["input"], "listed": ", ".join(read_scale()), **fault.get("ctx", {})}
    given["place"] = _place_of(fault) if fault["type"] == "extra_forbidden" else ""
    said = SAID.get(fault["type"], "reçu {input!r}, qui n'est pas ce qui est attendu ici")
    where = [f"n° {each + 1}" if isinstance(each, int) else str(each) for each in fault["loc"]]
    return f"{', '.join(where)} : {said.format(**given)}"


def _check(course: Course) -> None:
    """Refuse ce qui est dit deux fois, et ce qui l'est d'un exercice qui n'est pas demandé."""
    names = {each.number: f"{each.name} ({each.number})" for each in course.students}
    once([each.exercise for each in course.works], "exercises : {} y est deux fois.")
    for work in course.works:
        teams = {each for each in work.owners.values() if len(each) > 1}
        members = [names[number] for team in teams for number in team]
        once(members, f"exercises, {work.exercise}, owners : {{}} est dans deux groupes.")
    _check_decisions(course, names)


def _check_decisions(course: Course, names: dict[str, str]) -> None:
    """Refuse une décision d'un autre exercice, deux fois la même, et celles qui se contredisent."""
    asked = [each.exercise for each in course.works]
    for each in course.decisions:
        if each.exercise not in asked:
            raise ValueError(f"overrides : {each.exercise} n'est pas demandé ce trimestre.")
    decided = [
        f"{names[each.student]}, {each.exercise}, {kind}"
        for each in course.decisions
        for kind in each.kinds
    ]
    once(decided, "overrides : deux décisions pour {}.")
    exempt = {(each.student, each.exercise) for each in course.decisions if each.exempt}
    for each in course.decisions:
        if each.points is not None and (each.student, each.exercise) in exempt:
            raise ValueError(
                f"overrides : {names[each.student]}, {each.exercise} : exempt et points se "
                "contredisent ; gardez l'un des deux."
            )
