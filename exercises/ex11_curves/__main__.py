"""Comparer les explications : effacer, ou faire apparaître, ce qu'elles disent important.

Commandes : python -m exercises.ex11_curves
            python -m exercises.ex11_curves --only smooth_grad, une méthode qui a changé
"""

from convnets.core import reports, session
from convnets.core.cli import agreed, lesson_parser
from convnets.datasets import sources
from convnets.explaining.maps import STUDY_MODEL
from convnets.figures.style import output_dir
from convnets.training import lesson, saving
from exercises.ex11_curves.comparison import LEAST_IMAGES, compare, replace_methods, summarise
from exercises.ex11_curves.methods import METHODS, WITNESS
from exercises.ex11_curves.ranking import save_figure, table

NUM_PICTURES = 200  # les premières images de test de CIFAR-10, sauf avec --limit


def teach(options) -> None:
    """Explique les mêmes images par toutes les méthodes, et les compare au milieu."""
    _, (x, _) = sources.load_cifar10()
    x, model, folder = x[: options.limit], saving.load_model(STUDY_MODEL), output_dir(options)
    methods = METHODS
    if options.only:
        methods = {name: METHODS[name] for name in dict.fromkeys([*options.only, WITNESS])}
        before = reports.load_report(folder / "ex11_curves.json")
        x = x[: before.num_images["test"]]
    curves = compare(model, x, methods, minutes=options.minutes)
    output = [f"--output {options.output}"] if options.output else []
    only = [f"--only {' '.join(options.only)}"] if options.only else []
    command = " ".join([f"python -m {options.command}", *session.current().asked, *only, *output])
    report = summarise(curves, methods, command=command)
    report.missing = session.current().missing
    print(table(report))
    if (count := report.num_images["test"]) < LEAST_IMAGES:
        print(
            f"{agreed(count, 'image')} : c'est trop peu pour dire laquelle est la meilleure. Il en"
        )
        print(f"faut au moins {LEAST_IMAGES}.")
    if options.only:  # la figure, elle, demande les courbes de toutes
        report = replace_methods(before, report)
    else:
        save_figure(curves, report.details["titles"], folder / "ex11_curves.png")
    reports.replace_report(report, folder / "ex11_curves.json")
    print(f"{'Mesures' if options.only else 'Figure et mesures'} écrites dans {folder}/")


def main(argv: list[str] | None = None) -> int:
    """Lit les options et donne la leçon."""
    parser = lesson_parser("ex11_curves", __doc__.splitlines()[0], epochs=None)
    parser.set_defaults(limit=NUM_PICTURES)
    others = [name for name in METHODS if name != WITNESS]
    parser.add_argument(
        "--only",
        nargs="+",
        choices=others,
        metavar="MÉTHODE",
        help=f"mesurer de nouveau ces seules méthodes, parmi {', '.join(others)}",
    )
    return lesson.run(teach, parser.parse_args(argv))


if __name__ == "__main__":
    raise SystemExit(main())
