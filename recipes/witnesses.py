"""Mesurer les témoins d'une leçon : ce qu'un praticien aurait essayé avant elle.

Commandes : python -m recipes.witnesses ex18_segmentation.forest
            python -m recipes.witnesses ex28_pose_and_depth.real_pairs

Une conclusion vaut ce que vaut son témoin. Ceux-ci n'apprennent rien, ou presque : les mesurer ne
demande pas d'apprendre de nouveau les réseaux de la leçon. Cette commande appelle la fonction
`witnesses()` de l'exercice, ou d'une partie d'exercice, et écrit
`docs/mesures/exNN_nom_witnesses.json`. Un exercice qui a des `WITNESS_SEEDS` donne une graine à sa
fonction : `witnesses(graine)`. Le fichier est alors écrit après chaque mesure, et relancer la
commande reprend à la suivante. Pour tout mesurer de nouveau, effacez-le. Une valeur rendue peut
être une fonction : elle n'est appelée que si sa mesure manque.
"""

import contextlib
import importlib
import time
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from convnets.core import reports
from convnets.core.cli import FrenchParser, lesson_name, run, shown_path
from convnets.core.paths import MEASURES_DIR


def find_module(name: str) -> ModuleType:
    """Rend le module d'un exercice qui a une fonction `witnesses`.

    Args:
        name: par exemple `"ex18_segmentation.forest"` ou `"ex28_pose_and_depth.real_pairs"`.

    Raises:
        ValueError: pas d'exercice de ce nom, ou il n'a pas de tels témoins.
    """
    for path in (f"exercises.{name}.__main__", f"exercises.{name}"):
        with contextlib.suppress(ModuleNotFoundError):
            module = importlib.import_module(path)
            if hasattr(module, "witnesses"):
                return module
    raise ValueError(f"{name} n'a pas de fonction witnesses() : `python -m exercises` les liste.")


def measure_seeds(module: ModuleType, seeds: Sequence[int], report: reports.Report, path: Path):
    """Mesure ce qui manque à un compte rendu, graine après graine, et l'écrit après chaque mesure.

    Args:
        module: celui dont `witnesses(graine)` rend une valeur par mesure.
        seeds: toutes les graines voulues.
        report: compte rendu sans mesure.
        path: son fichier ; ce qu'il a déjà est gardé, s'il nomme ses graines.
    """
    found, before_s, start = {}, 0.0, time.monotonic()
    if path.exists() and (kept := reports.load_report(path)).seeds:
        report.metrics, before_s = kept.metrics, kept.duration_s.mean
        found = {name: metric.values for name, metric in kept.metrics.items()}
        report.seeds = kept.seeds
    done = min(map(len, found.values()), default=0)  # graines dont aucune mesure ne manque
    for row, seed in enumerate(seeds[done:], start=done):
        for name, value in module.witnesses(seed).items():
            values = found.setdefault(name, [])
            if len(values) > row:
                continue
            values.append(value() if callable(value) else value)
            report.seeds = sorted({*report.seeds, seed})
            report.metrics = {key: reports.summarise(each) for key, each in found.items()}
            report.duration_s = reports.Metric(before_s + time.monotonic() - start)
            reports.replace_report(report, path)
            print(f"Graine {seed}, {name} : {values[-1]:.4g}", flush=True)


def measure_once(module: ModuleType, report: reports.Report, path: Path):
    """Mesure des témoins qui ne dépendent pas d'une graine, et écrit leur compte rendu."""
    start = time.monotonic()
    measured = module.witnesses()
    report.metrics = {name: reports.Metric(value) for name, value in measured.items()}
    report.duration_s = reports.Metric(time.monotonic() - start)
    reports.replace_report(report, path)


def measure(name: str, folder: Path) -> int:
    """Mesure les témoins d'un exercice, et montre ce que dit leur compte rendu."""
    module = find_module(name)
    report = reports.Report(
        command=f"python -m recipes.witnesses {name}",
        metrics={},
        exercise=f"{lesson_name(name)}_witnesses",
        environment=reports.environment(),
    )
    path, seeds = folder / f"{report.exercise}.json", getattr(module, "WITNESS_SEEDS", None)
    if seeds is None:
        measure_once(module, report, path)
    else:
        measure_seeds(module, seeds, report, path)
    for key, metric in report.metrics.items():
        print(f"{key} : {metric.mean:.4g} ({reports.format_spread(metric, '')})")
    print(f"Mesures écrites dans {shown_path(path)}.")
    return 0


def main(argv: list[str] | None = None) -> int:
    """Lit le nom de l'exercice."""
    parser = FrenchParser(prog="python -m recipes.witnesses", description=__doc__.splitlines()[0])
    parser.add_argument("name", help="exercice, par exemple ex18_segmentation.forest")
    options = parser.parse_args(argv)
    return run(lambda: measure(options.name, MEASURES_DIR))


if __name__ == "__main__":
    raise SystemExit(main())
