"""Qu'est-ce qui compte dans un CNN ? Une pièce changée à la fois, et des intervalles.

Document : S1, exercice 2 ; S3 « Dropout et data-augmentation » ; S4, la batch-normalization.
Commande : python -m exercises.ex23_what_matters     puis     … ex23_what_matters --show

Ce fichier ne lit que les options ; ce qu'il y a à lire, et dans quel ordre, est dans `__init__.py`.
"""

from convnets.core.cli import check_output, run, training_parser
from exercises.ex23_what_matters import comparison, figures, training


def main(argv: list[str] | None = None) -> int:
    """Apprend et compare toutes les variantes ; avec `--show`, redit et redessine."""
    parser = training_parser("ex23_what_matters", __doc__.splitlines()[0], epochs=training.EPOCHS)
    parser.add_argument("--show", action="store_true", help="redire et redessiner, sans apprendre")
    # De si petits réseaux ne gagnent rien à calculer en bfloat16.
    parser.set_defaults(limit=training.NUM_IMAGES, precision="float32")
    options = parser.parse_args(argv)

    def body() -> int:
        check_output(options)
        return figures.show_again(options) if options.show else comparison.compare(options)

    return run(body)


if __name__ == "__main__":
    raise SystemExit(main())
