"""Les comptes rendus : ce qu'un entraînement a mesuré, et sur quels fichiers.

Un compte rendu est un `Report`, écrit en JSON sous les mêmes noms dans `models/exNN_slug.json`.
Ce qu'un seul exercice mesure va dans `details`. `./predict`, qui doit démarrer vite, n'en lit
que quelques champs, sans ce module : `convnets.serving.card`.
"""

import contextlib
import functools
import json
import math
import os
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from convnets.core.cli import printable
from convnets.core.files import file_sha256, own_suffix, replacing, settle
from convnets.core.paths import MEASURES_DIR, MODELS_DIR

VERSION = 2
REQUIRED = {"command", "metrics", "files"}  # ce qu'un compte rendu dit toujours
COUNTS = {2: "deux", 6: "six", 7: "sept"}


@dataclass
class Metric:
    """Une mesure : sa moyenne sur `n` graines, ou sur `n` images."""

    mean: float
    sd: float | None = None  # d'un échantillon, n-1 au dénominateur ; None pour une seule valeur
    n: int = 1
    values: list[float] | None = None
    se: float | None = None  # erreur type, quand `n` compte des images


@dataclass
class Headline:
    """Une mesure que les tableaux montrent, et ce qu'elle veut dire."""

    metric: str  # clé de `Report.metrics`
    label: str
    unit: str = "%"  # "%" : une part de [0, 1], affichée en pour cent


@dataclass
class Familiarity:
    """Ce qu'un export dit d'une image : ressemble-t-elle à ce que le réseau a appris ?"""

    measure: str  # une de `recipes.familiarity`
    threshold: float  # l'image en est étrangère au-dessous
    num_val: int  # images de validation qui l'ont fixé
    num_doubted: int  # celles qu'il met en doute
    command: str
    parameters: dict[str, float] = field(default_factory=dict)  # de la mesure


@dataclass
class Report:
    """Le compte rendu d'un entraînement, ou d'une étude qui n'a pas de modèle à elle.

    `score` est l'exactitude du modèle livré, en validation. Les champs de
    `exercise` à `environment` sont remplis à l'écriture.
    """

    command: str
    metrics: dict[str, Metric]
    headline: list[Headline] = field(default_factory=list)  # vide : l'exactitude
    version: int = VERSION
    # Ce qui a été appris, et sur quoi.
    seeds: list[int] = field(default_factory=list)
    shipped: dict[str, float] = field(default_factory=dict)  # graine livrée et ses mesures
    score: float | None = None
    validation: Metric | None = None
    duration_s: Metric | None = None
    precision: str = ""
    backend: str = ""
    num_parameters: int | None = None
    parameters: dict[str, int] = field(default_factory=dict)  # des réseaux comparés
    num_images: dict[str, int] = field(default_factory=dict)
    data_sha256: str | dict[str, str] = ""
    confusion_matrix: list[list[int]] = field(default_factory=list)
    history: dict[str, list[float]] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)  # à une leçon abrégée : voir `core.session`
    trainings: list[dict[str, object]] = field(default_factory=list)  # époques demandées et faites
    warning: str = ""  # pourquoi ces mesures ne se comparent pas ; vide : elles se comparent
    targets: str = ""  # ce que l'entraînement imite, si ce ne sont pas les étiquettes
    # Ce dont `./predict` a besoin.
    input_shape: list[int | None] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)
    classes_fr: list[str] = field(default_factory=list)
    calibration: dict[str, float] = field(default_factory=dict)
    familiarity: Familiarity | None = None
    framing: str = ""
    views: list[tuple[str, float]] = field(default_factory=list)
    glance: dict[str, float] = field(default_factory=dict)
    garments: dict[str, float] = field(default_factory=dict)  # première classe, et doute
    num_views: int | None = None
    base: dict[str, object] = field(default_factory=dict)
    export_accuracy: float | None = None
    # Ce qui n'appartient qu'à un exercice, prêt pour JSON.
    details: dict[str, object] = field(default_factory=dict)
    exercise: str = ""
    export: str = ""
    size_bytes: int | None = None
    files: dict[str, str] = field(default_factory=dict)  # empreinte SHA-256 de chacun
    environment: dict[str, object] = field(default_factory=dict)  # voir `environment`

    def __post_init__(self) -> None:
        """Rend `details` pareil, avant l'écriture, à ce qu'une relecture en fera."""
        self.details = json.loads(json.dumps(self.details, default=_bare))


NESTED = {"validation": Metric, "duration_s": Metric, "familiarity": Familiarity}


def summarise(values: Sequence[float]) -> Metric:
    """Résume une mesure faite sur plusieurs graines.

    Args:
        values: une valeur par graine.

    Returns:
        Moyenne et écart-type, celui d'un échantillon ; `None` quand il n'y a qu'une valeur. Les
        deux sont NaN si une graine n'a pas pu mesurer : par exemple l'IoU d'une classe absente des
        quelques images d'une mesure abrégée.
    """
    values = [float(value) for value in values]
    if any(map(math.isnan, values)):  # `statistics` n'en veut pas
        return Metric(math.nan, math.nan, len(values), values)
    sd = statistics.stdev(values) if len(values) > 1 else None
    return Metric(statistics.fmean(values), sd, len(values), values)


def load_measures(slug: str) -> Report:
    """Lit ce qu'un exercice a mesuré : sur plusieurs graines s'il l'a été, sinon par sa leçon.

    Args:
        slug: par exemple `"ex18_segmentation"`.

    Raises:
        FileNotFoundError: ni l'un ni l'autre.
    """
    published = MEASURES_DIR / f"{slug}.json"
    return load_report(published if published.exists() else MODELS_DIR / f"{slug}.json")


def read_report(slug: str, *, models_dir: Path = MODELS_DIR) -> Report:
    """Lit le compte rendu d'un modèle et vérifie les fichiers qu'il décrit.

    Args:
        slug: nom du modèle, par exemple `"thumbnails"`.
        models_dir: dossier des modèles.

    Returns:
        Le contenu de `models_dir/slug.json`.

    Raises:
        FileNotFoundError: compte rendu ou poids absents.
        ValueError: compte rendu illisible, ou écrit pour d'autres poids.
    """
    settle(Path(models_dir), slug)
    path = Path(models_dir) / f"{slug}.json"
    if not path.exists():
        raise FileNotFoundError(
            f"Pas de modèle {printable(slug)} : {printable(str(path))} n'existe pas. "
            "Entraînez-le d'abord : python -m exercises et python -m recipes disent comment."
        )
    report = load_report(path)
    for written, sha256 in report.files.items():
        name = slug + Path(written).suffix  # les trois fichiers ont pu être renommés ensemble
        weights = path.parent / name
        if not weights.exists():
            raise FileNotFoundError(f"{path.name} décrit {name}, qui est absent de {path.parent}.")
        if file_sha256(weights) != sha256:
            raise ValueError(
                f"{path.name} ne décrit pas {name} : l'empreinte SHA-256 diffère. "
                "Reprenez les deux fichiers du même entraînement."
            )
    return report


def load_report(path: Path) -> Report:
    """Lit un fichier de compte rendu, sans regarder les fichiers qu'il décrit.

    Args:
        path: un fichier JSON.

    Raises:
        FileNotFoundError: fichier absent.
        ValueError: pas un compte rendu.
    """
    try:
        return _from_json(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"Le compte rendu {path} est abîmé ou incomplet. "
            "Remettez celui du dépôt, ou relancez l'entraînement."
        ) from error


def _from_json(content: dict) -> Report:
    found = {key: NESTED[key](**each) if key in NESTED else each for key, each in content.items()}
    found["files"] = {**content["files"]}
    found["metrics"] = {name: Metric(**each) for name, each in content["metrics"].items()}
    found["headline"] = [Headline(**each) for each in content.get("headline", [])]
    found["views"] = [tuple(each) for each in content.get("views", [])]
    return Report(**found)


def replace_report(report: Report, path: Path) -> None:
    """Écrit un compte rendu tel qu'il est, d'un seul coup, à la place du précédent."""
    with replacing(path, suffix=own_suffix()) as temporary:
        save_report(report, temporary)


def save_report(report: Report, path: Path) -> None:
    """Écrit un compte rendu tel qu'il est ; les champs vides n'y sont pas, sauf les requis."""
    content = {"exercise": report.exercise} | {
        key: value
        for key, value in vars(report).items()
        if key in REQUIRED or value not in (None, "", [], {})
    }
    text = json.dumps(content, indent=1, ensure_ascii=False, default=_bare)
    path.write_text(text + "\n", encoding="utf-8")


def _bare(value: object) -> dict:
    """Rend ce que JSON sait écrire d'une dataclass : ses champs, sans ceux à None."""
    return {key: each for key, each in vars(value).items() if each is not None}


def format_metric(metric: Metric, unit: str = "%") -> str:
    """Écrit la moyenne d'une mesure, à deux décimales : `"94,12 %"`.

    Args:
        metric: mesure.
        unit: `"%"`, pour une part de [0, 1] ; sinon l'unité de la mesure, éventuellement vide.
    """
    scale = 100 if unit == "%" else 1
    return f"{scale * metric.mean:.2f} {unit}".rstrip().replace(".", ",")


def format_spread(metric: Metric, unit: str = "%") -> str:
    """Écrit ce que les graines disent d'une mesure : `"écart type 0,12 ; 3 graines"`.

    Args:
        metric: mesure ; d'une seule graine, elle n'a pas d'écart type.
        unit: celle de `format_metric`.
    """
    seeds = f"{metric.n} graine{'s' if metric.n > 1 else ''}"
    if metric.sd is None:
        return seeds
    scale = 100 if unit == "%" else 1
    return f"écart type {scale * metric.sd:.2f} ; {seeds}".replace(".", ",")


def format_headline(report: Report) -> list[tuple[str, str]]:
    """Rend les mesures qu'un compte rendu met en avant : `(ce qui est mesuré, valeur)`.

    Returns:
        Par exemple `[("IoU moyenne, U-Net", "81,20 % (écart type 0,31 ; 3 graines)")]`.
    """
    rows = []
    for shown in report.headline:
        metric = report.metrics[shown.metric]
        value, spread = format_metric(metric, shown.unit), format_spread(metric, shown.unit)
        rows.append((shown.label, f"{value} ({spread})"))
    return rows


def format_accuracy(report: Report) -> str:
    """Écrit l'exactitude d'un modèle, en une passe et, s'il y a lieu, en moyennant des vues.

    Returns:
        Par exemple `"94,31 % en une passe (écart type 0,16 ; 3 graines), 94,79 % en moyennant six
        vues (écart type 0,07 ; 3 graines)"`.
    """
    count = COUNTS.get(report.num_views, "plusieurs")
    labels = {"accuracy": "en une passe", "accuracy_tta": f"en moyennant {count} vues"}
    return ", ".join(
        f"{format_metric(report.metrics[name])} {label} ({format_spread(report.metrics[name])})"
        for name, label in labels.items()
        if name in report.metrics
    )


def format_result(report: Report) -> str:
    """Écrit la première mesure qu'un compte rendu met en avant, à défaut son exactitude."""
    if report.headline:
        label, value = format_headline(report)[0]
        return f"{label} : {value}"
    if "accuracy" in report.metrics:
        return format_accuracy(report)
    return "voir docs/laboratoire/resultats.md"


def environment() -> dict[str, object]:
    """Décrit la machine et les versions d'une mesure : `{"hardware": …, "versions": {…}}`."""
    import platform
    from importlib.metadata import PackageNotFoundError, version

    backend = sys.modules["keras"].backend.backend() if "keras" in sys.modules else "tensorflow"
    versions = {"python": platform.python_version()}
    # `tensorflow` et `tensorflow-cpu` sont le même ; l'un ou l'autre est installé.
    others = ("tensorflow-cpu", backend, "keras", "numpy", "ai-edge-litert", "pillow")
    for package in ("tensorflow", *others):
        with contextlib.suppress(PackageNotFoundError):
            versions[package] = version(package)
    hardware = [f"{os.cpu_count()} cœurs", _processor(), *_graphics_cards(backend)]
    return {"hardware": ", ".join(hardware), "versions": versions}


@functools.cache  # py-cpuinfo lance un autre Python
def _processor() -> str:
    from cpuinfo import get_cpu_info

    return get_cpu_info().get("brand_raw", "processeur inconnu")


def _graphics_cards(backend: str) -> list[str]:
    """Nomme les cartes dont se sert le moteur de Keras, s'il est chargé."""
    loaded = sys.modules.get(backend)
    if not loaded:
        return []
    if backend == "jax":
        return [each.device_kind for each in loaded.local_devices() if each.platform != "cpu"]
    if backend == "torch":
        cards = loaded.cuda
        return [cards.get_device_name(k) for k in range(cards.device_count())]
    cards, details = loaded.config.list_physical_devices("GPU"), loaded.config.experimental
    return [details.get_device_details(each).get("device_name", "carte") for each in cards]
