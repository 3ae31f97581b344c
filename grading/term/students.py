"""Les élèves d'un trimestre : lire leur liste, retrouver l'un d'eux par son numéro ou son nom."""

import difflib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from grading.term import sheets

COLUMNS = {  # titres des colonnes d'une liste d'élèves
    "nom": "nom|nom complet|nom de famille|nom et prénom|élève|full name|name|last name|surname",
    "prénom": "prénom|first name",
    "numéro": "numéro|number|identifiant|identifier|id|n°",
    "classe": "classe|groupe|group|class",
}


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


def words(name: str) -> set[str]:
    """Rend les mots d'un nom, sans accent ni majuscule : `DUPONT Inès`, `inès dupont`."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    return set(re.findall(r"[^\W\d_]+", plain))


def named(text: str, students: Sequence[Student]) -> list[Student]:
    """Rend les élèves qui portent exactement ces noms, dans un ordre ou dans l'autre."""
    wanted = words(text)
    return [each for each in students if wanted and words(each.name) == wanted]


def in_part(text: str, students: Sequence[Student]) -> list[Student]:
    """Rend les élèves dont ces noms ne sont qu'une partie."""
    wanted = words(text)
    return [each for each in students if wanted and wanted < words(each.name)]


def find(text: str, students: Sequence[Student]) -> Student:
    """Retrouve l'élève que l'enseignant nomme.

    Args:
        text: son numéro, ou son nom, `"Inès Alami"`, `"alami"`.
        students: élèves de la liste.

    Raises:
        ValueError: une phrase ; personne n'a ce numéro ni ce nom, ou plusieurs ont ce nom.
    """
    numbered = [each for each in students if each.number == text]
    found = numbered or named(text, students) or in_part(text, students)
    if len(found) == 1:
        return found[0]
    if found:
        known = ", ".join(f"{each.name} ({each.number})" for each in found)
        raise ValueError(f"« {text} » peut être plusieurs élèves, {known} ; écrivez le numéro")
    close = difflib.get_close_matches(text, [each.name for each in students], n=1)
    raise ValueError(
        f"aucun élève n'a le numéro ou le nom « {text} »"
        + "".join(f" ; le plus proche est {name}" for name in close)
    )


def once(names: Iterable[str], said: str) -> None:
    """Refuse deux fois le même nom."""
    for name, times in Counter(names).most_common(1):
        if times > 1:
            raise ValueError(said.format(name))


def read_students(value, home: Path) -> tuple[Student, ...]:
    """Lit les élèves ; une feuille de Moodle est une liste.

    Args:
        value: un fichier, ou un fichier par classe.
        home: dossier d'où partent ces chemins.

    Raises:
        OSError: fichier absent ou illisible.
        ValueError: une phrase qui dit ce qui n'est pas lisible.
    """
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
    once((each.number for each in found), "students : deux élèves ont le numéro {}.")
    return tuple(found)
