"""Mesurer une leçon sur plusieurs graines : ce qu'elle atteint, et de combien elle varie.

Commandes : python -m recipes.seeds ex18_segmentation --seeds 3
            python -m recipes.seeds comparison --seeds 5

Une leçon n'a qu'une graine. Les chiffres publiés en ont plusieurs : cette commande appelle la
fonction `run(graine)` de l'exercice, ou celle de la recette du même nom, qui y ajoute des témoins,
une fois par graine. Elle écrit moyennes et écarts-types dans `docs/mesures/`. Une graine finie est
gardée : relancer la commande reprend à la suivante.
"""

import contextlib
import importlib
import json
import sys
import time
from pathlib import Path

from convnets.core import files, reports
from convnets.core.cli import FrenchParser, lesson_name, positive_int, run, shown_path
from convnets.core.paths import MEASURES_DIR, RUNS_DIR

DONE = RUNS_DIR / "seeds"  # une mesure par graine finie ; ignoré par git


def find_run(name: str):
    """Rend la fonction `run` d'un exercice, ou d'une partie d'exercice.

    Args:
        name: par exemple `"ex18_segmentation"` ou `"ex18_segmentation.instances"`.

    Raises:
        ValueError: pas d'exercice de ce nom, ou il ne se mesure pas sur plusieurs graines.
    """
    for module in (f"recipes.{name}", f"exercises.{name}.__main__", f"exercises.{name}"):
        with contextlib.suppress(ModuleNotFoundError):
            found = getattr(importlib.import_module(module), "run", None)
            if found:
                return found
    raise ValueError(f"{name} n'a pas de fonction run(graine) : `python -m exercises` les liste.")


def measure(options) -> int:
    """Mesure toutes les graines, et écrit leur compte rendu."""
    once, found, pooled, durations_s = find_run(options.name), [], [], []
    settings = {name: vars(options)[name] for name in ("epochs", "limit") if vars(options)[name]}
    for seed in range(options.seeds):
        chosen = "".join(f"_{name}{value}" for name, value in settings.items())
        done = DONE / f"{options.name}{chosen}_seed{seed}.json"
        if not done.exists():
            start = time.monotonic()
            made = once(seed, **settings)
            kept = {"metrics": made.metrics, "duration_s": time.monotonic() - start}
            kept["pooled"] = made.kept.get("pooled")
            done.parent.mkdir(parents=True, exist_ok=True)
            with files.replacing(done, suffix=files.own_suffix()) as temporary:
                temporary.write_text(json.dumps(kept), encoding="utf-8")
        kept = json.loads(done.read_text(encoding="utf-8"))
        found.append(kept["metrics"])
        pooled.append(kept["pooled"])
        durations_s.append(kept["duration_s"])
        print(f"Graine {seed} : mesurée en {durations_s[-1]:.0f} s.", flush=True)
    module = sys.modules[once.__module__]
    pool = getattr(module, "pool", None)  # ce qui demande toutes les graines
    more = "".join(f" --{name} {value}" for name, value in settings.items())
    report = reports.Report(
        command=f"python -m recipes.seeds {options.name} --seeds {options.seeds}{more}",
        metrics={name: reports.summarise([each[name] for each in found]) for name in found[0]},
        seeds=list(range(options.seeds)),
        duration_s=reports.summarise(durations_s),
        exercise=getattr(module, "SLUG", lesson_name(options.name)),
        environment=reports.environment(),
        details=pool(pooled) if pool else {},
    )
    path = options.output / f"{report.exercise}.json"
    # Les tableaux montrent les mêmes mesures qu'avant ; la première fois, celles de la leçon.
    with contextlib.suppress(FileNotFoundError):
        shown = reports.load_measures(report.exercise).headline
        report.headline = [each for each in shown if each.metric in report.metrics]
    path.parent.mkdir(parents=True, exist_ok=True)
    reports.replace_report(report, path)
    for name, metric in report.metrics.items():
        print(f"{name} : {reports.format_metric(metric, '')} ({reports.format_spread(metric, '')})")
    print(f"Mesures écrites dans {shown_path(path)}.")
    return 0


def main(argv: list[str] | None = None) -> int:
    """Lit le nom de l'exercice et le nombre de graines."""
    parser = FrenchParser(prog="python -m recipes.seeds", description=__doc__.splitlines()[0])
    parser.add_argument("name", help="exercice, par exemple ex18_segmentation")
    add = parser.add_argument
    add("--seeds", type=positive_int, default=3, metavar="N", help="graines (3 par défaut)")
    add("--epochs", type=positive_int, metavar="N", help="époques (celles de la leçon par défaut)")
    add("--limit", type=positive_int, metavar="N", help="n'utiliser que les N premières images")
    add(
        "--output", type=Path, default=MEASURES_DIR, metavar="DOSSIER", help="où écrire les mesures"
    )
    options = parser.parse_args(argv)
    return run(lambda: measure(options))


if __name__ == "__main__":
    raise SystemExit(main())
