"""Un CNN à la main : aller, retour et boucle d'apprentissage en NumPy, vérifiés.

Document : S4 « backpropagation pour CNN ? » et « training loop » ; S0 « Apprentissage ».
Commande : python -m exercises.ex22_by_hand     (--check : vérifier, sans apprendre)

Ce fichier ne lit que les options ; ce qu'il y a à lire, et dans quel ordre, est dans `__init__.py`.
"""

from convnets.core.cli import check_output, run, training_parser
from convnets.core.reports import read_report
from convnets.datasets import sources
from convnets.figures.style import output_dir
from exercises.ex22_by_hand import comparison, figures


def main(argv: list[str] | None = None) -> int:
    """Vérifie les gradients et les boucles, puis apprend MNIST et le mesure."""
    parser = training_parser("ex22_by_hand", __doc__.splitlines()[0], epochs=comparison.EPOCHS)
    add = parser.add_argument
    add("--check", action="store_true", help="vérifier gradients et boucles, sans apprendre")
    add("--show", action="store_true", help="redire et redessiner, sans rien calculer")
    parser.set_defaults(precision="float32")  # NumPy ne connaît pas bfloat16
    options = parser.parse_args(argv)

    def body() -> int:
        check_output(options)
        if options.show:
            report = read_report(options.module, models_dir=options.models_dir)
            figures.show_again(options, report)
            return 0
        if options.check:
            checks = comparison.check(*sources.load_mnist()[0])
            figures.save_loops(checks["losses"], output_dir(options) / "boucles.png")
            return 0
        return comparison.compare(options)

    return run(body)


if __name__ == "__main__":
    raise SystemExit(main())
