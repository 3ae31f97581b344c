"""Mesurer les témoins d'une leçon : ce qu'un praticien aurait essayé avant elle.

Commandes : python -m recipes.witnesses ex24_autoencoder
            python -m recipes.witnesses ex17_detection.threshold

Une conclusion vaut ce que vaut son témoin. Ceux-ci n'apprennent rien, ou presque : les mesurer ne
demande pas d'apprendre de nouveau les réseaux de la leçon. Cette commande appelle la fonction
`witnesses()` de l'exercice, ou d'une partie d'exercice, et écrit
`docs/mesures/exNN_nom_witnesses.json`.
"""

import contextlib
import importlib
import time
from collections.abc import Callable

from convnets.core import reports
from convnets.core.cli import FrenchParser, lesson_name, run, shown_path
from convnets.core.paths import MEASURES_DIR


def find_witnesses(name: str) -> Callable[[], dict]:
    """Rend la fonction `witnesses` d'un exercice : par mesure, un nombre, ou un par graine.

    Args:
        name: par exemple `"ex24_autoencoder"` ou `"ex17_detection.threshold"`.

    Raises:
        ValueError: pas d'exercice de ce nom, ou il n'a pas de tels témoins.
    """
    for module in (f"exercises.{name}.__main__", f"exercises.{name}"):
        with contextlib.suppress(ModuleNotFoundError):
            found = getattr(importlib.import_module(module), "witnesses", None)
            if found:
                return found
    raise ValueError(f"{name} n'a pas de fonction witnesses() : `python -m exercises` les liste.")


def measure(name: str) -> int:
    """Mesure les témoins d'un exercice, et écrit leur compte rendu."""
    once, start = find_witnesses(name), time.monotonic()
    metrics = {
        key: reports.summarise(value) if isinstance(value, list) else reports.Metric(value, None, 1)
        for key, value in once().items()
    }
    report = reports.Report(
        command=f"python -m recipes.witnesses {name}",
        metrics=metrics,
        seeds=[],
        duration_s=reports.Metric(time.monotonic() - start, None, 1),
        exercise=f"{lesson_name(name)}_witnesses",
        environment=reports.environment(),
    )
    path = MEASURES_DIR / f"{report.exercise}.json"
    reports.replace_report(report, path)
    for key, metric in metrics.items():
        print(f"{key} : {metric.mean:.4g} ({reports.format_seeds(metric)})")
    print(f"Mesures écrites dans {shown_path(path)}.")
    return 0


def main(argv: list[str] | None = None) -> int:
    """Lit le nom de l'exercice."""
    parser = FrenchParser(prog="python -m recipes.witnesses", description=__doc__.splitlines()[0])
    parser.add_argument("name", help="exercice, par exemple ex24_autoencoder")
    options = parser.parse_args(argv)
    return run(lambda: measure(options.name))


if __name__ == "__main__":
    raise SystemExit(main())
