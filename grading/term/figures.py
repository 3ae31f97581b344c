"""Les figures du réseau d'un élève, tirées des fichiers de son rendu sans rien en exécuter.

Un rendu est fait par un inconnu : un compte rendu n'est lu que comme des nombres et des noms
courts. Ce qui ne se lit pas est laissé de côté.
"""

import json
from typing import Annotated

from pydantic import Field, StringConstraints, TypeAdapter, ValidationError

from convnets.core.cli import agreed
from grading.submission import published
from grading.term.marks import ExerciseMark

MAX_REPORT_BYTES = 2**20
MAX_POINTS = 200  # d'une courbe dessinée
MEASURES = {"accuracy": "Exactitude", "loss": "Perte"}
LEFT, RIGHT, TOP, BOTTOM = 44, 312, 12, 160  # le cadre d'une courbe, dans `templates/macros.html`

Number = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=-1e9, le=1e9)]
Count = Annotated[int, Field(strict=True, ge=0, le=10**9)]
Name = Annotated[str, StringConstraints(strict=True, max_length=40)]
CURVE = TypeAdapter(Annotated[list[Number], Field(min_length=2, max_length=2000)])
MATRIX = TypeAdapter(Annotated[list[list[Count]], Field(min_length=2, max_length=30)])
NAMES = TypeAdapter(list[Name])


def networks(mark: ExerciseMark) -> list[dict]:
    """Rassemble ce que les fichiers d'un rendu disent du réseau de l'élève.

    Args:
        mark: sa note ; `models/` et `runs/` sont dans le dossier du rendu, ou à côté de lui.

    Returns:
        Ce que montre la page, `templates/eleve.html`, un compte rendu chacun.
    """
    if mark.folder is None:
        return []
    folder = mark.folder.parent if mark.folder.name == "exercises" else mark.folder
    paths = [*folder.glob(f"models/{mark.exercise}_*"), *folder.glob(f"runs/*/{mark.exercise}_*")]
    found = []
    for path in sorted(path for path in paths if path.suffix == ".json"):
        inside = path.relative_to(folder)
        own = path.is_file() and path.resolve() == folder.resolve() / inside  # sans lien
        if not own or path.stat().st_size > MAX_REPORT_BYTES:
            continue
        content, ours = path.read_bytes(), published(path.stem, ".json")
        shown = _report(content)
        mine = not ours.is_file() or ours.read_bytes() != content
        if mine and (shown["charts"] or shown["matrix"]):
            found.append({"report": inside.as_posix(), **shown})
    return found


def _report(content: bytes) -> dict:
    """Lit un compte rendu : ses courbes, chacune avec sa validation, et sa matrice de confusion."""
    try:
        report = json.loads(content)
    except (ValueError, RecursionError):
        report = None
    report = report if isinstance(report, dict) else {}
    history = report.get("history")
    history, charts = history if isinstance(history, dict) else {}, []
    for key, title in MEASURES.items():
        train = _valid(CURVE, history.get(key))
        if train:
            charts.append(_chart(title, train, _valid(CURVE, history.get(f"val_{key}"))))
    matrix = _valid(MATRIX, report.get("confusion_matrix"))
    size = len(matrix)
    names = _valid(NAMES, report.get("classes_fr"))
    return {
        "charts": charts,
        "matrix": matrix if all(len(row) == size for row in matrix) else [],
        "classes": names if len(names) == size else list(range(size)),
    }


def _valid(kind: TypeAdapter, value) -> list:
    """Rend une liste, ou rien si elle n'est pas de cette sorte."""
    try:
        return kind.validate_python(value)
    except (ValidationError, OverflowError):
        return []


def _chart(title: str, train: list[float], val: list[float]) -> dict:
    """Place les points de deux courbes dans leur cadre, et les dit en mots."""
    low, high, last = min(train + val), max(train + val), max(len(train), len(val))
    lines, said = [], []
    for name, values in (("entraînement (pointillé)", train), ("validation (trait plein)", val)):
        if not values:
            continue
        step = -(-len(values) // MAX_POINTS)
        across, up = (RIGHT - LEFT) / (last - 1), (BOTTOM - TOP) / ((high - low) or 1)
        lines.append(
            " ".join(
                f"{LEFT + across * k:.1f},{BOTTOM - up * (values[k] - low):.1f}"
                for k in sorted({*range(0, len(values), step), len(values) - 1})
            )
        )
        said.append(
            f"{name} : de {_decimal(values[0])} à {_decimal(values[-1])} en "
            f"{agreed(len(values), 'époque')}"
        )
    return {
        "title": title,
        "low": _decimal(low),
        "high": _decimal(high),
        "last": last,
        "lines": lines,
        "said": " ; ".join(said),
    }


def _decimal(value: float) -> str:
    return f"{value:.3g}".replace(".", ",")
