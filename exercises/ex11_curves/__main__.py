"""Comparer les explications : effacer, ou faire apparaître, ce qu'elles disent important.

Commande : python -m exercises.ex11_curves
"""

from convnets.core import reports, session
from convnets.core.cli import agreed, lesson_parser
from convnets.datasets import sources
from convnets.explaining.maps import STUDY_MODEL
from convnets.figures.style import output_dir
from convnets.training import lesson, saving
from exercises.ex11_curves.comparison import LEAST_IMAGES, compare, summarise
from exercises.ex11_curves.methods import METHODS
from exercises.ex11_curves.ranking import save_figure, table

NUM_PICTURES = 200  # les premières images de test de CIFAR-10, sauf avec --limit


def teach(options) -> None:
    """Explique les mêmes images par toutes les méthodes, et dit laquelle explique le mieux."""
    _, (x, _) = sources.load_cifar10()
    x, model = x[: options.limit], saving.load_model(STUDY_MODEL)
    curves = compare(model, x, METHODS, minutes=options.minutes)
    output = [f"--output {options.output}"] if options.output else []
    command = " ".join([f"python -m {options.command}", *session.current().asked, *output])
    report, folder = summarise(curves, METHODS, command=command), output_dir(options)
    report.missing = session.current().missing
    print(table(report))
    if (count := report.num_images["test"]) < LEAST_IMAGES:
        print(
            f"{agreed(count, 'image')} : c'est trop peu pour dire laquelle est la meilleure. Il en"
        )
        print(f"faut au moins {LEAST_IMAGES}.")
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
