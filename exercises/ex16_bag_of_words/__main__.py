"""Sac de mots visuels : classer des images comme on le faisait avant l'apprentissage profond.

Document : S3 « Avant le deep ».
Commande : python -m exercises.ex16_bag_of_words, puis
    … ex16_bag_of_words image.png

Ce fichier ne lit que les options ; ce qu'il y a à lire, et dans quel ordre, est dans `__init__.py`.
"""

from convnets.core.cli import check_output, run, training_parser
from exercises.ex16_bag_of_words import comparison, figures


def main(argv: list[str] | None = None) -> int:
    """Sans image, apprend et compare ; avec une image, la montre en mots."""
    parser = training_parser("ex16_bag_of_words", __doc__.splitlines()[0], epochs=comparison.EPOCHS)
    parser.add_argument("image", nargs="?", help="image à montrer en mots ; sans elle, on apprend")
    # Le même calcul pour tous les concurrents : scikit-learn ne connaît pas bfloat16.
    parser.set_defaults(precision="float32")
    options = parser.parse_args(argv)

    def body() -> int:
        check_output(options)
        if options.image is not None:
            return figures.show_image(options)
        return comparison.compare(options)

    return run(body)


if __name__ == "__main__":
    raise SystemExit(main())
