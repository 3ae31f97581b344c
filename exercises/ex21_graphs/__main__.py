"""Réseaux de graphes : des messages le long des arcs, et une perte sur nœuds, arcs ou graphe.

Document : S3 (diapositives), « Graph Neural Networks ».
Commande : python -m exercises.ex21_graphs     puis     python -m exercises.ex21_graphs --show

Ce fichier ne lit que les options ; ce qu'il y a à lire, et dans quel ordre, est dans `__init__.py`.
"""

from convnets.core.cli import check_output, run, training_parser
from convnets.core.reports import read_report
from exercises.ex21_graphs import comparison, figures, messages


def main(argv: list[str] | None = None) -> int:
    """Vérifie la convolution, entraîne, mesure les trois pertes ; `--show` redessine seulement."""
    parser = training_parser("ex21_graphs", __doc__.splitlines()[0], epochs=comparison.EPOCHS)
    parser.add_argument("--show", action="store_true", help="redessiner, sans entraîner")
    parser.set_defaults(precision="float32")  # de si petits réseaux ne gagnent rien à moins
    options = parser.parse_args(argv)

    def body() -> int:
        check_output(options)
        if options.show:
            figures.show(options, read_report(options.module, models_dir=options.models_dir))
            return 0
        print(messages.check_convolution())
        return comparison.compare(options)

    return run(body)


if __name__ == "__main__":
    raise SystemExit(main())
