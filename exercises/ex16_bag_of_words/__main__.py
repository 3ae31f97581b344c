"""Sac de mots visuels : classer des images comme on le faisait avant l'apprentissage profond.

Document : S3 « Avant le deep ».
Commande : python -m exercises.ex16_bag_of_words, puis
    … ex16_bag_of_words image.png

Ce fichier ne lit que les options ; ce qu'il y a à lire, et dans quel ordre, est dans `__init__.py`.
"""

from convnets.core.cli import lesson_parser
from convnets.training import lesson
from exercises.ex16_bag_of_words import comparison, figures

run = comparison.run  # ce que mesure python -m recipes.seeds ex16_bag_of_words


def main(argv: list[str] | None = None) -> int:
    """Sans image, apprend et compare ; avec une image, la montre en mots."""
    parser = lesson_parser("ex16_bag_of_words", __doc__.splitlines()[0], epochs=comparison.EPOCHS)
    parser.add_argument("image", nargs="?", help="image à montrer en mots ; sans elle, on apprend")
    options = parser.parse_args(argv)
    return lesson.run(comparison.teach if options.image is None else figures.show_image, options)


if __name__ == "__main__":
    raise SystemExit(main())
