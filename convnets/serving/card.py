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
from convnets.core.files import settle

FRAMING = "crop"  # carré central (docs/cadrage.md), si le compte rendu n'en dit pas un autre
FRAMINGS = ("crop", "pad", "squash", "digit")
MIN_TEMPERATURE, MAX_TEMPERATURE = 0.05, 20.0  # entre lesquelles l'étalonnage la cherche
RETRIEVE = "Reprenez les fichiers d'un même entraînement."


class Glance(NamedTuple):
    """Le coup d'œil par lequel un modèle commence : une vue de l'image entière, plus petite."""

    side_px: int  # son côté
    sure: float  # probabilité de la meilleure classe à partir de laquelle il suffit


class Card(NamedTuple):
    """Ce qu'il faut savoir d'un modèle exporté pour le faire répondre."""

    slug: str  # nom des fichiers, sans leur fin
    exercise: str  # module d'`exercises` qui l'a appris
    sha256: str  # de l'export, vérifiée
    input_shape: tuple[int | None, ...]  # () si le compte rendu n'en dit rien
    classes: tuple[str, ...]  # noms français, () si le modèle ne nomme pas une image
    framing: str  # un de FRAMINGS
    views: tuple[tuple[str, float], ...]  # (cadrage, zoom) de chacune, voir `images.squares`
    glance: Glance | None  # None : les vues sont toujours toutes regardées
    temperature: float | None  # None si le modèle n'est pas étalonné
    familiarity: float | None  # une image est étrangère sous ce seuil ; None s'il n'y en a pas
    base: Path | None  # export de la base que ce modèle, une tête, demande ; voir `base`


def read_card(slug: str, *, models_dir: Path, content: bytes | mmap.mmap | None = None) -> Card:
    """Lit la fiche d'un modèle, et vérifie que le compte rendu décrit bien son export.

    Args:
        slug: nom du modèle, par exemple `"thumbnails"` ; les fichiers peuvent avoir été renommés
            depuis l'entraînement, c'est leur empreinte qui compte.
        models_dir: dossier qui contient `slug.json` et `slug.tflite`.
        content: contenu de `slug.tflite`, s'il est déjà lu.

    Returns:
        La fiche ; chaque champ a la forme annoncée, quoi que contienne le fichier.

    Raises:
        FileNotFoundError: compte rendu ou export absent.
        ValueError: compte rendu illisible, incomplet, ou écrit pour d'autres poids.
    """
    settle(Path(models_dir), slug)
    path = Path(models_dir) / f"{slug}.json"
    shown, export = printable(str(path)), printable(f"{slug}.tflite")
    if not path.exists():
        raise FileNotFoundError(
            f"Pas de modèle {printable(slug)} : {shown} n'existe pas. {RETRIEVE}"
        )
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"Le compte rendu {shown} est abîmé : ce n'est pas du JSON.") from error
    if not isinstance(report, dict):
        raise ValueError(f"Le compte rendu {shown} est abîmé : ce n'est pas un objet JSON.")

    def field(key: str, default, is_right, expected: str):
        value = report.get(key, default)
        if key in report and not is_right(value):
            raise ValueError(
                f"Le compte rendu {shown} est abîmé ou incomplet : {key} devrait être {expected}. "
                + RETRIEVE
            )
        return value

    files = field("files", {}, _is_files, "la liste des fichiers et de leurs empreintes SHA-256")
    exports = [sha256 for name, sha256 in files.items() if name.endswith(".tflite")]
    if len(exports) != 1:
        raise ValueError(f"Le compte rendu {shown} ne décrit pas un export .tflite. {RETRIEVE}")
    if content is None:
        weights = path.with_name(f"{slug}.tflite")
        if not weights.exists():
            raise FileNotFoundError(
                f"{printable(path.name)} décrit {export}, qui est absent de "
                f"{printable(str(path.parent))}."
            )
        content = weights.read_bytes()
    if hashlib.sha256(content).hexdigest() != exports[0]:
        raise ValueError(
            f"{printable(path.name)} ne décrit pas {export} : l'empreinte SHA-256 diffère. "
            "Reprenez les deux fichiers du même entraînement."
        )
    framing = field("framing", FRAMING, _is_framing, f"un cadrage, {', '.join(FRAMINGS)}")
    views = field("views", [[framing, 1.0]], _is_views, "la liste des vues, [cadrage, zoom]")
    glance = field("glance", {}, _is_glance, "un coup d'œil, son côté et sa confiance")
    calibration = field(
        "calibration",
        {},
        _is_calibration,
        f"un étalonnage, sa température entre {MIN_TEMPERATURE:g} et {MAX_TEMPERATURE:g}".replace(
            ".", ","
        ),
    )
    familiarity = field("familiarity", {}, _is_familiarity, "une mesure et son seuil")
    exercise = report.get("exercise")
    base = None
    if "base" in report:
        from convnets.serving.base import light_features_path

        base = light_features_path(report["base"])
    return Card(
        slug=slug,
        exercise=exercise if isinstance(exercise, str) and exercise.isidentifier() else slug,
        sha256=exports[0],
        input_shape=tuple(field("input_shape", [], _is_shape, "la liste des côtés d'une image")),
        classes=tuple(field("classes_fr", [], _is_classes, "la liste des noms des classes")),
        framing=framing,
        views=tuple((mode, float(zoom)) for mode, zoom in views),
        glance=Glance(glance["side_px"], glance["sure"]) if glance else None,
        temperature=calibration.get("temperature"),
        familiarity=familiarity.get("threshold"),
        base=base,
    )


def _is_files(value) -> bool:
    return isinstance(value, dict) and all(isinstance(sha256, str) for sha256 in value.values())


def _is_shape(value) -> bool:
    # None : un côté quelconque, comme la durée d'un son.
    return isinstance(value, list) and all(
        side is None or (type(side) is int and side > 0) for side in value
    )


def _is_classes(value) -> bool:
    # Un nom s'affiche sur une ligne, en UTF-8.
    return isinstance(value, list) and all(
        isinstance(name, str) and name.isprintable() for name in value
    )


def _is_framing(value) -> bool:
    return isinstance(value, str) and value in FRAMINGS


def _is_views(value) -> bool:
    return (
        isinstance(value, list)
        and len(value) > 0
        and all(isinstance(view, list) and len(view) == 2 for view in value)
        and all(
            _is_framing(mode) and mode != "digit" and _is_number(zoom) and 0 < zoom <= 1
            for mode, zoom in value
        )
        and all(zoom == 1 or mode == "crop" for mode, zoom in value)
    )


def _is_glance(value) -> bool:
    if not isinstance(value, dict):
        return False
    side_px, sure = value.get("side_px"), value.get("sure")
    return not value or (type(side_px) is int and side_px > 0 and _is_number(sure) and 0 < sure < 1)


def _is_calibration(value) -> bool:
    temperature = value.get("temperature") if isinstance(value, dict) else None
    return _is_number(temperature) and MIN_TEMPERATURE <= temperature <= MAX_TEMPERATURE


def _is_familiarity(value) -> bool:
    threshold = value.get("threshold") if isinstance(value, dict) else None
    return _is_number(threshold) and abs(threshold) < float("inf")


def _is_number(value) -> bool:
    return type(value) in (int, float)
