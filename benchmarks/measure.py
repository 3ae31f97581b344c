"""Mesurer à égalité : à tour de rôle, après échauffement, en médianes et en étendues.

Deux procédés mesurés l'un après l'autre ne voient pas la même machine : une autre tâche, la
fréquence du processeur ou le cache ont changé entre-temps. Ici, chacun passe une fois par tour,
et un rapport est pris à l'intérieur de chaque tour avant d'en garder la médiane.
"""

import importlib.metadata
import importlib.util
import math
import os
import statistics
import sys
from collections.abc import Callable, Hashable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from convnets.core import reports

REPO = Path(__file__).resolve().parents[1]


class PeerError(ValueError):
    """Un procédé comparé n'a pas pu être mesuré ; le tableau dira pourquoi."""


class Options(NamedTuple):
    """Ce que la ligne de commande demande à chaque mesure."""

    output: Path
    repeat: int  # tours gardés
    warm_up: int  # tours d'échauffement
    quick: bool  # tout en miniature, pour essayer
    recipe: str  # clé de `training_step.RECIPES`
    machine: str  # voir `describe_machine`


class Summary(NamedTuple):
    """Une mesure répétée."""

    median: float
    low: float
    high: float
    n: int


# --- Mesurer -----------------------------------------------------------------------


def interleave(
    tasks: dict[Hashable, Callable[[], object]],
    *,
    repeat: int,
    warm_up: int = 1,
    required: Sequence[Hashable] = (),
) -> tuple[dict[Hashable, list], dict[Hashable, str]]:
    """Exécute des tâches à tour de rôle : A, B, C, puis A, B, C.

    Args:
        tasks: fonctions sans argument ; chacune rend une mesure.
        repeat: nombre de tours gardés.
        warm_up: tours d'échauffement, dont rien n'est gardé.
        required: tâches dont l'échec arrête tout.

    Returns:
        `(mesures, échecs)` : par tâche, `repeat` mesures dans l'ordre des tours, ou la phrase
        de l'échec (`PeerError`) qui l'a fait écarter.

    Raises:
        PeerError: une tâche de `required` a échoué.
    """
    samples: dict[Hashable, list] = {name: [] for name in tasks}
    failures: dict[Hashable, str] = {}
    for turn in range(warm_up + repeat):
        print(f"  tour {turn + 1} sur {warm_up + repeat}", file=sys.stderr, flush=True)
        for name in list(samples):
            try:
                value = tasks[name]()
            except PeerError as error:
                if name in required:
                    raise
                failures[name] = str(error)
                del samples[name]
                continue
            if turn >= warm_up:
                samples[name].append(value)
    return samples, failures


def summarise(values: Iterable[float]) -> Summary:
    """Résume des mesures par leur médiane, la plus petite et la plus grande."""
    values = [float(value) for value in values]
    if not values:
        raise ValueError("Aucune mesure reçue, au moins une attendue.")
    return Summary(statistics.median(values), min(values), max(values), len(values))


def paired_ratios(values: Sequence[float], references: Sequence[float]) -> Summary:
    """Résume les rapports pris tour par tour entre deux suites de mesures.

    Args:
        values: numérateurs, un par tour.
        references: dénominateurs des mêmes tours.

    Returns:
        Le résumé de `values[i] / references[i]`.
    """
    return summarise(a / b for a, b in zip(values, references, strict=True))


def fit_slope(x: Sequence[float], y: Sequence[float]) -> float:
    """Rend la pente de log y contre log x, par moindres carrés : l'exposant d'une loi y ∝ x^a.

    Args:
        x: grandeurs positives, au moins deux différentes.
        y: coûts positifs.

    Returns:
        1 pour un coût proportionnel, 2 pour un coût quadratique, 0 pour un coût constant.

    Raises:
        ValueError: moins de deux points, ou une valeur négative ou nulle.
    """
    if len(set(x)) < 2 or min(*x, *y) <= 0:
        raise ValueError("Une pente demande deux points différents, à coordonnées positives.")
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


def missing(packages: Iterable[str]) -> list[str]:
    """Rend les paquets qui ne sont pas installés."""
    return [name for name in packages if importlib.util.find_spec(name) is None]


def why_unmeasured(packages: Iterable[str], failure: str | None = None) -> str:
    """Rend ce que le tableau dit d'un procédé sans mesure.

    Args:
        packages: ce qu'il lui faut d'installé.
        failure: pourquoi il a échoué, si l'on a pu l'essayer.
    """
    names = missing(packages)
    return failure or (f"absent (pas installé : {', '.join(names)})" if names else "non mesuré")


# --- Écrire ------------------------------------------------------------------------


def french(value: float) -> str:
    """Écrit un nombre à la française : un entier en entier, un réel à trois chiffres au moins.

    Example:
        >>> french(10_000), french(2.0), french(0.01234)
        ('10 000', '2,00', '0,0123')
    """
    if not math.isfinite(value):
        return "∞"
    digits = 0 if isinstance(value, int) or not value else 2 - math.floor(math.log10(abs(value)))
    return f"{value:,.{max(0, digits)}f}".replace(",", " ").replace(".", ",")


def duration(seconds: float) -> str:
    """Écrit une durée : `"35,2 ms"`, `"1,23 s"`."""
    return f"{french(seconds)} s" if seconds >= 1 else f"{french(1000 * seconds)} ms"


def spread(summary: Summary, write: Callable[[float], str] = french) -> str:
    """Écrit un résumé : la médiane, puis, s'il y en a une, l'étendue entre parenthèses."""
    if summary.low == summary.high:
        return write(summary.median)
    return f"{write(summary.median)} ({write(summary.low)} à {write(summary.high)})"


def percent(share: float) -> str:
    """Écrit une part en pour cent."""
    return f"{french(100 * share)} %"


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Met en tableau Markdown ; une ligne trop courte est complétée par des cases vides.

    Raises:
        ValueError: une ligne est plus longue que l'en-tête.
    """
    lines = [list(header), ["---"] * len(header)]
    for row in rows:
        if len(row) > len(header):
            raise ValueError(f"{len(row)} cases reçues, {len(header)} attendues : {row}")
        lines.append([*row, *[""] * (len(header) - len(row))])
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def describe_machine() -> str:
    """Décrit en une phrase la machine, ce qui l'occupe déjà et les versions mesurées."""
    environment = reports.environment()
    versions = dict(environment.versions)
    for package in ("torch", "onnxruntime"):
        if not missing([package]):
            versions[package] = importlib.metadata.version(package)
    text = f"{environment.hardware} ; "
    if hasattr(os, "getloadavg"):
        load = f"{os.getloadavg()[0]:.1f}".replace(".", ",")
        text += f"charge moyenne au départ : {load} ; "
    return text + ", ".join(f"{name} {version}" for name, version in versions.items())


# --- Dessiner ----------------------------------------------------------------------


def use_plain_log(axis, direction: str) -> None:
    """Met un axe en échelle logarithmique, gradué 1, 2, 5, 10 en toutes lettres.

    Args:
        axis: cadre de matplotlib.
        direction: `"x"` ou `"y"`.
    """
    getattr(axis, f"set_{direction}scale")("log", subs=())
    scale = getattr(axis, f"{direction}axis")
    scale.get_major_locator().set_params(subs=(1, 2, 5))
    scale.set_major_formatter(lambda value, _: f"{value:g}".replace(".", ","))


def sign(figure, title: str, machine: str) -> None:
    """Met le titre, et en petit la machine, sur une ou plusieurs lignes."""
    import textwrap

    width = round(17 * figure.get_size_inches()[0])  # caractères de corps 7 par pouce
    figure.suptitle(title)
    figure.supxlabel("\n".join(textwrap.wrap(machine, width, break_on_hyphens=False)), fontsize=7)
