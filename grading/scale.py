"""Lire le barème et les raisons.

Le barème d'un exercice est à côté de ses questions, `questions/exNN.toml` : ce que vaut chacune, ce
qu'elle demande, et les raisons que lui seul donne. Les raisons communes sont dans `reasons.toml`.

Un exercice vaut 20, quelle que soit la somme de ses points ; la note est la moyenne des exercices,
pondérée par `weight`. `levels` dit ce qu'il faut pour chaque part des points : ce texte est recopié
dans l'énoncé de l'élève (`python -m exercises.sheet`), et {seuil} y est remplacé par la valeur que
le correcteur emploie. `writes` nomme les fonctions que l'énoncé laisse à écrire ; s'il manque,
c'est celle qui a le nom de la question. `seconds` et `memory_mb` (Mio) remplacent les valeurs de
`defaults.toml`.
"""

import functools
import tomllib
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

SCALE = Path(__file__).with_name("questions")
REASONS = Path(__file__).with_name("reasons.toml")
FULL = 20  # points d'un exercice, et de la note


class Rule(NamedTuple):
    """Ce que le barème dit d'une question."""

    exercise: str
    name: str
    module: str
    writes: tuple[str, ...]  # les fonctions que l'élève écrit ; celle du nom de la question, sinon
    title: str
    points: Fraction
    levels: tuple[str, ...]
    engine: str  # "numpy" ou "keras"
    seconds: int
    memory_mb: int
    settings: dict  # seuils propres à la question

    @property
    def id(self) -> str:
        """Nom unique, par exemple `"ex02.architecture"`."""
        return f"{self.exercise}.{self.name}"

    def left(self, reached: Fraction) -> str:
        """Rend ce que demande le premier niveau qui n'est pas atteint ; vide s'il n'y en a pas."""
        for level in self.levels:
            share, _, text = level.partition(" : ")
            if Fraction(share) > reached:
                return text.removeprefix("et ")
        return ""


class Exercise(NamedTuple):
    """Un exercice du barème."""

    name: str
    title: str
    weight: Fraction
    rules: tuple[Rule, ...]


class Reason(NamedTuple):
    """Ce qu'un élève lit d'une erreur, et un indice.

    Attributes:
        text: la phrase.
        hint: l'indice.
        blank: la question n'a pas pu être jugée ; ses points restent à donner par l'enseignant.
        alert: l'enseignant doit regarder ce programme, qui ne finit pas ou force les limites.
    """

    text: str
    hint: str
    blank: bool = False
    alert: bool = False


@functools.cache
def read_scale(folder: Path = SCALE) -> dict[str, Exercise]:
    """Lit le barème.

    Args:
        folder: dossier qui contient `defaults.toml` et les `exNN.toml`.

    Returns:
        Un `Exercise` par exercice, dans l'ordre des noms.

    Raises:
        ValueError: fichier illisible, question sans module, sans titre ou sans points.
    """
    path = folder / "defaults.toml"
    try:
        limits, found = _read(path), {}
        for path in sorted(folder.glob("ex*.toml")):
            found[path.stem] = _exercise(path.stem, _read(path), limits)
        return found
    except (tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError, OSError) as error:
        raise ValueError(
            f"Le barème {path} est illisible ({type(error).__name__} : {error}) ; comparez-le à "
            "celui du dépôt."
        ) from error


def _read(path: Path) -> dict:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _exercise(name: str, content: dict, limits: dict[str, dict]) -> Exercise:
    rules = (_rule(name, key, each, limits) for key, each in content["questions"].items())
    return Exercise(name, content["title"], Fraction(str(content["weight"])), tuple(rules))


def _rule(exercise: str, name: str, content: dict, limits: dict[str, dict]) -> Rule:
    engine = content.get("engine", "numpy")
    given = {**limits["keras" if engine == "keras" else "default"], **content}
    settings = {key: value for key, value in content.items() if key not in Rule._fields}
    shown = {key: str(value).replace(".", ",") for key, value in settings.items()}
    return Rule(
        exercise,
        name,
        given["module"],
        tuple(given.get("writes", [name])),
        given["title"],
        Fraction(str(given["points"])),
        tuple(level.format(**shown) for level in given["levels"]),
        engine,
        given["seconds"],
        given["memory_mb"],
        settings,
    )


@functools.cache
def read_reasons() -> dict[str, Reason]:
    """Lit les raisons, communes puis propres à un exercice ; rend un `Reason` par identifiant."""
    content = _read(REASONS)
    for path in sorted(SCALE.glob("ex*.toml")):
        content |= _read(path).get("reasons", {})
    return {name: Reason(**each) for name, each in content.items()}
