"""Reconnaître un élève à son nom, écrit de plusieurs façons."""

import re
import unicodedata
from collections.abc import Sequence

from grading.term.marks import Student


def words(name: str) -> tuple[str, ...]:
    """Rend les mots d'un nom, triés, sans accent ni majuscule : `DUPONT Inès`, `inès dupont`."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    return tuple(sorted(re.findall(r"[^\W\d_]+", plain)))


def owner(
    name: str, number: str, students: Sequence[Student], told: str = ""
) -> tuple[Student | None, bool]:
    """Dit à qui est un rendu, ou une ligne de la feuille de Moodle.

    Args:
        name: prénom et nom dans un ordre ou dans l'autre, une partie, `"dupont"`, ou un numéro.
        number: numéro que Moodle lui donne pour ce devoir, "" s'il n'y en a pas.
        students: la classe.
        told: numéro de l'élève, si l'enseignant l'a dit.

    Returns:
        L'élève, ou None s'il n'y en a pas, ou plus d'un ; et si c'est sûr.
    """
    wanted = words(name)
    alike = [each for each in students if wanted and words(each.name) == wanted]
    part = [
        each
        for each in students
        if wanted and (set(wanted) <= set(words(each.name)) or set(words(each.name)) <= set(wanted))
    ]
    if len(alike) == 1 and not told:
        return alike[0], True
    if len(part) == 1 and not told:
        return part[0], False
    # Homonymes, ou anonymat (« Participant », sans nom) : seul un numéro peut le dire.
    among = students if told or len(wanted) < 2 else alike
    known = [told] if told else [number, name]
    return next((each for each in among if each.number in known), None), True
