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


def find(name: str, students: Sequence[Student]) -> tuple[Student | None, bool]:
    """Cherche à qui est un nom.

    Args:
        name: prénom et nom dans un ordre ou dans l'autre, ou une partie, `"dupont"`.
        students: la classe.

    Returns:
        L'élève, ou None s'il n'y en a pas, ou plus d'un ; et si son nom y est tout entier.
    """
    wanted = words(name)
    whole = [each for each in students if wanted and words(each.name) == wanted]
    if whole:
        return (whole[0] if len(whole) == 1 else None), True
    part = [
        each
        for each in students
        if wanted and (set(wanted) <= set(words(each.name)) or set(words(each.name)) <= set(wanted))
    ]
    return (part[0] if len(part) == 1 else None), False
