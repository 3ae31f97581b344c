"""Qu'est-ce qui compte dans un CNN ? Une pièce changée à la fois, et des intervalles.

Document : S1, exercice 2 ; S3 « Dropout et data-augmentation » ; S4, la batch-normalization.
Commande : python -m exercises.ex23_what_matters

Ce fichier ne lit que les options ; ce qu'il y a à lire, et dans quel ordre, est dans `__init__.py`.
"""

from convnets.core.cli import lesson_parser
from convnets.training import lesson
from exercises.ex23_what_matters import comparison

run = comparison.run  # ce que mesure python -m recipes.seeds ex23_what_matters


def main(argv: list[str] | None = None) -> int:
    """Lit les options et donne la leçon."""
    parser = lesson_parser("ex23_what_matters", __doc__.splitlines()[0], epochs=comparison.EPOCHS)
    return lesson.run(comparison.teach, parser.parse_args(argv))


if __name__ == "__main__":
    raise SystemExit(main())
