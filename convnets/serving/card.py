"""La fiche d'un modèle : ce que `./predict` lit de son compte rendu, vérifié.

Le compte rendu entier, celui de `core.reports`, est une classe de `dataclasses`, dont l'import
coûte à lui seul un dixième du temps d'une image : la fiche n'en prend que ce qui sert à répondre.
"""

import hashlib
import json
import mmap
from pathlib import Path
from typing import NamedTuple

from convnets.core.cli import printable
from convnets.core.files import map_file, settle
from convnets.core.paths import light_features_path

# Carré central (docs/laboratoire/cadrage.md), si le compte rendu n'en dit pas un autre.
FRAMING = "crop"
RETRIEVE = "Reprenez les fichiers d'un même entraînement."


class Glance(NamedTuple):
    """Le coup d'œil par lequel un modèle commence : une vue de l'image entière, plus petite."""

    side_px: int  # son côté
    sure: float  # probabilité de la meilleure classe à partir de laquelle il suffit


class Garments(NamedTuple):
    """Les vêtements d'un réseau qui nomme aussi des objets."""

    first: int  # numéro du premier ; ceux d'avant sont des objets
    sure: float  # probabilité sous laquelle on doute d'un vêtement


class Own(NamedTuple):
    """Ce que l'on sait d'un réseau appris ailleurs."""

    scale: str  # des pixels qu'il lit
    answers: str  # ce qu'il rend
    ground: str  # de ses images grises : "dark", "light" ou "any"


class Card(NamedTuple):
    """Ce qu'il faut savoir d'un modèle exporté pour le faire répondre."""

    slug: str  # nom des fichiers, sans leur fin
    exercise: str  # module d'`exercises` qui l'a appris
    sha256: str  # de l'export, vérifiée
    input_shape: tuple[int | None, ...]  # () si le compte rendu n'en dit rien
    classes: tuple[str, ...]  # noms français, () si le modèle ne nomme pas une image
    framing: str  # "crop", "pad", "squash" ou "digit"
    views: tuple[tuple[str, float], ...]  # (cadrage, zoom) de chacune, voir `images.squares`
    glance: Glance | None  # None : les vues sont toujours toutes regardées
    temperature: float | None  # None si le modèle n'est pas étalonné
    familiarity: float | None  # une image est étrangère sous ce seuil ; None s'il n'y en a pas
    base: Path | None  # export de la base que ce modèle, une tête, demande
    garments: Garments | None = None  # d'un modèle qui ne nomme pas que des objets
    own: Own | None = None  # d'un réseau d'ailleurs, voir `own`


def read_card(slug: str, *, models_dir: Path) -> tuple[Card, bytes | mmap.mmap]:
    """Lit la fiche d'un modèle, et vérifie que le compte rendu décrit bien son export.

    Args:
        slug: nom du modèle, par exemple `"thumbnails"` ; les fichiers peuvent avoir été renommés
            depuis l'entraînement, c'est leur empreinte qui compte.
        models_dir: dossier qui contient `slug.json` et `slug.tflite`.

    Returns:
        La fiche, et le contenu de `slug.tflite`.

    Raises:
        FileNotFoundError: compte rendu ou export absent.
        ValueError: compte rendu illisible, incomplet, ou écrit pour d'autres poids.
    """
    settle(Path(models_dir), slug)
    card = describe(slug, models_dir=models_dir)
    path = Path(models_dir) / f"{slug}.json"
    export = printable(f"{slug}.tflite")
    weights = path.with_name(f"{slug}.tflite")
    if not weights.exists():
        raise FileNotFoundError(
            f"{printable(path.name)} décrit {export}, qui est absent de "
            f"{printable(str(path.parent))}."
        )
    content = map_file(weights)
    if hashlib.sha256(content).hexdigest() != card.sha256:
        raise ValueError(
            f"{printable(path.name)} ne décrit pas {export} : l'empreinte SHA-256 diffère. "
            "Reprenez les deux fichiers du même entraînement."
        )
    return card, content


def describe(slug: str, *, models_dir: Path) -> Card:
    """Lit la fiche d'un modèle, sans regarder son export.

    Raises:
        FileNotFoundError, ValueError: voir `read_card`.
    """
    path = Path(models_dir) / f"{slug}.json"
    shown = printable(str(path))
    if not path.exists():
        raise FileNotFoundError(
            f"Pas de modèle {printable(slug)} : {shown} n'existe pas. {RETRIEVE}"
        )
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"Le compte rendu {shown} est abîmé : ce n'est pas du JSON.") from error
    try:
        card = _fill(slug, report)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"Le compte rendu {shown} est abîmé ou incomplet. {RETRIEVE}") from error
    if not card.sha256:
        raise ValueError(f"Le compte rendu {shown} ne décrit pas un export .tflite. {RETRIEVE}")
    return card


def _fill(slug: str, report: dict) -> Card:
    """Rend la fiche d'un compte rendu ; son empreinte est vide s'il ne décrit pas un export."""
    files, glance = report.get("files", {}), report.get("glance")
    framing = report.get("framing", FRAMING)
    base = light_features_path(report["base"]) if "base" in report else None
    return Card(
        slug=slug,
        exercise=report.get("exercise", slug),
        sha256="".join(sha256 for name, sha256 in files.items() if name.endswith(".tflite")),
        input_shape=tuple(
            side if side is None else int(side) for side in report.get("input_shape", [])
        ),
        classes=tuple(map(str, report.get("classes_fr", []))),
        framing=framing,
        views=tuple((mode, float(zoom)) for mode, zoom in report.get("views", [[framing, 1.0]])),
        glance=Glance(**glance) if glance else None,
        garments=Garments(**report["garments"]) if report.get("garments") else None,
        temperature=report.get("calibration", {}).get("temperature"),
        familiarity=report.get("familiarity", {}).get("threshold"),
        base=base,
        own=_own(report) if "made_from" in report else None,
    )


def _own(report: dict) -> Own:
    return Own(report["scale"], report["answers"], report.get("ground") or "any")
