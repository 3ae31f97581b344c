"""Comparer les explications : effacer, ou faire apparaître, ce qu'elles disent important.

Commande : python -m exercises.ex11_curves
"""

import functools
from pathlib import Path

from convnets.core import reports
from convnets.core.cli import LESSON_MINUTES, FrenchParser, check_writable, positive_int, run
from convnets.datasets import sources
from convnets.explaining.maps import STUDY_MODEL
from convnets.figures.style import output_dir
from convnets.training import saving
from exercises.ex11_curves.comparison import compare, summarise
from exercises.ex11_curves.methods import METHODS
from exercises.ex11_curves.ranking import save_figure, table

NUM_PICTURES = 200  # les premières images de test de CIFAR-10


def teach(options) -> int:
    """Explique les mêmes images par toutes les méthodes, et dit laquelle explique le mieux."""
    folder = output_dir(options)
    check_writable(folder, "--output")
    x = sources.load_cifar10()[1][0][: options.limit]
    model = saving.load_model(STUDY_MODEL)
    curves, durations_s = compare(model, x, METHODS, minutes=options.minutes)
    report = summarise(curves, durations_s, METHODS)
    print(table(report))
    save_figure(curves, report.details["titles"], folder / "ex11_curves.png")
    reports.replace_report(report, folder / "ex11_curves.json")
    print(f"Figure et mesures écrites dans {folder}/")
    return 0


def main(argv: list[str] | None = None) -> int:
    """Mesure ce que valent les méthodes d'explication."""
    parser = FrenchParser(
        prog="python -m exercises.ex11_curves", description=__doc__.splitlines()[0]
    )
    parser.add_argument(
        "--limit",
        type=functools.partial(positive_int, least=2),
        default=NUM_PICTURES,
        metavar="N",
        help=f"n'utiliser que les N premières images ({NUM_PICTURES} par défaut)",
    )
    parser.add_argument(
        "--minutes",
        type=positive_int,
        default=LESSON_MINUTES,
        metavar="N",
        help=f"durée maximale de la leçon ({LESSON_MINUTES} par défaut)",
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="DOSSIER",
        help="où écrire figure et mesures (figures/ex11_curves par défaut)",
    )
    parser.set_defaults(module="ex11_curves")
    options = parser.parse_args(argv)
    return run(lambda: teach(options))


if __name__ == "__main__":
    raise SystemExit(main())
