"""Lire le barème (`scale.toml`) et les raisons (`reasons.toml`)."""

import functools
import tomllib
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

SCALE = Path(__file__).with_name("scale.toml")
REASONS = Path(__file__).with_name("reasons.toml")
FULL = 20  # points d'un exercice, et de la note


class Rule(NamedTuple):
    """Ce que le barème dit d'une question."""

    exercise: str
    name: str
    module: str
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


class Exercise(NamedTuple):
    """Un exercice du barème."""

    name: str
    title: str
    weight: Fraction
    rules: tuple[Rule, ...]


class Reason(NamedTuple):
    """Le nom d'une erreur, et des indices de plus en plus précis."""

    id: str
    text: str
    hints: tuple[str, ...]


_KNOWN = {"module", "title", "points", "levels", "engine", "seconds", "memory_mb"}


@functools.cache
def read_scale(path: Path = SCALE) -> dict[str, Exercise]:
    """Lit le barème.

    Args:
        path: fichier TOML.

    Returns:
        Un `Exercise` par exercice, dans l'ordre du fichier.

    Raises:
        ValueError: fichier illisible, question sans module, sans titre ou sans points.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        defaults = content.pop("default"), {**content.pop("keras")}
        return {name: _exercise(name, each, defaults) for name, each in content.items()}
    except (tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError, OSError) as error:
        raise ValueError(
            f"Le barème {path} est illisible ({type(error).__name__} : {error}) ; comparez-le à "
            "celui du dépôt."
        ) from error


def _exercise(name: str, content: dict, defaults: tuple[dict, dict]) -> Exercise:
    rules = []
    for question, each in content["questions"].items():
        engine = each.get("engine", "numpy")
        limits = {**defaults[engine == "keras"], **each}
        settings = {key: value for key, value in each.items() if key not in _KNOWN}
        shown = {key: str(value).replace(".", ",") for key, value in settings.items()}
        points = Fraction(str(each["points"]))
        if points <= 0:
            raise ValueError(f"{name}.{question} vaut {points} point : il en faut plus de 0.")
        rules.append(
            Rule(
                name,
                question,
                each["module"],
                each["title"],
                points,
                tuple(level.format(**shown) for level in each["levels"]),
                engine,
                int(limits["seconds"]),
                int(limits["memory_mb"]),
                settings,
            )
        )
    return Exercise(name, content["title"], Fraction(str(content["weight"])), tuple(rules))


@functools.cache
def read_reasons(path: Path = REASONS) -> dict[str, Reason]:
    """Lit les raisons ; rend un `Reason` par identifiant."""
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    return {
        name: Reason(name, each["text"], tuple(each["hints"])) for name, each in content.items()
    }
