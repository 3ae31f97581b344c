"""Comparer les explications : effacer, ou faire apparaître, ce qu'elles disent important.

Commande : python -m exercises.ex11_curves
"""

from convnets.core import reports
from convnets.core.cli import lesson_parser
from convnets.datasets import sources
from convnets.explaining.maps import STUDY_MODEL
from convnets.figures.style import output_dir
from convnets.training import lesson, saving
from exercises.ex11_curves.comparison import compare, summarise
from exercises.ex11_curves.methods import METHODS
from exercises.ex11_curves.ranking import save_figure, table

NUM_PICTURES = 200  # les premières images de test de CIFAR-10, sauf avec --limit


def teach(options) -> None:
    """Explique les mêmes images par toutes les méthodes, et dit laquelle explique le mieux."""
    _, (x, _) = sources.load_cifar10()
    x, model = x[: options.limit], saving.load_model(STUDY_MODEL)
    curves = compare(model, x, METHODS, minutes=options.minutes)
    report, folder = summarise(curves, METHODS), output_dir(options)
    print(table(report))
    save_figure(curves, report.details["titles"], folder / "ex11_curves.png")
    reports.replace_report(report, folder / "ex11_curves.json")
    print(f"Figure et mesures écrites dans {folder}/")


def main(argv: list[str] | None = None) -> int:
    """Lit les options et donne la leçon."""
    parser = lesson_parser("ex11_curves", __doc__.splitlines()[0], epochs=None)
    parser.set_defaults(limit=NUM_PICTURES)
    return lesson.run(teach, parser.parse_args(argv))


if __name__ == "__main__":
    raise SystemExit(main())
