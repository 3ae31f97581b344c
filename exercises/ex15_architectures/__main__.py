"""LeNet, AlexNet, VGG, ResNet : ce que chaque architecture coûte, et ce qu'elle rapporte.

Document : S3 « Architectures en image » et « Récapitulatif des paramètres » ; S0 (BasicCNNModel).
Commande : python -m exercises.ex15_architectures     (--counts : compter, sans rien apprendre)

Ce fichier ne lit que les options ; ce qu'il y a à lire, et dans quel ordre, est dans `__init__.py`.
"""

from convnets.core import reports
from convnets.core.cli import check_output, run, training_parser
from exercises.ex15_architectures import comparison, figures, lectures, operations


def main(argv: list[str] | None = None) -> int:
    """Entraîne et compare les réseaux ; ou compte, ou remontre le résultat enregistré."""
    parser = training_parser(
        "ex15_architectures", __doc__.splitlines()[0], epochs=comparison.EPOCHS
    )
    add = parser.add_argument
    add("--counts", action="store_true", help="compter, sur les réseaux publiés, sans apprendre")
    add("--show", action="store_true", help="refaire tableau et figures du résultat enregistré")
    add("--missing", action="store_true", help="ajouter au compte rendu les réseaux qu'il n'a pas")
    parser.set_defaults(limit=comparison.NUM_IMAGES)
    options = parser.parse_args(argv)

    def body() -> int:
        if options.counts:
            print(f"{lectures.facts()}\n\n{operations.full_size_table()}")
            return 0
        check_output(options)
        if options.show:
            report = reports.read_report(options.module, models_dir=options.models_dir)
            figures.show(options, report)
            return 0
        if options.missing:
            return comparison.add_missing(options)
        return comparison.compare(options)

    return run(body)


if __name__ == "__main__":
    raise SystemExit(main())
