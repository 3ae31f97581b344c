"""LeNet, AlexNet, VGG, ResNet : ce que chaque architecture coûte, et ce qu'elle rapporte.

Document : S3 « Architectures en image » et « Deep CNN / VGG / ResNet » ;
S0 « ImageNet Challenge 2014 ».
Commande : python -m exercises.ex15_architectures

Ce fichier ne lit que les options ; ce qu'il y a à lire, et dans quel ordre, est dans `__init__.py`.
"""

from convnets.core.cli import lesson_parser
from convnets.training import lesson
from exercises.ex15_architectures import comparison

run = comparison.run  # ce que mesure python -m recipes.seeds ex15_architectures


def main(argv: list[str] | None = None) -> int:
    """Lit les options et donne la leçon."""
    description = __doc__.splitlines()[0]
    parser = lesson_parser("ex15_architectures", description, epochs=comparison.EPOCHS)
    return lesson.run(comparison.teach, parser.parse_args(argv))


if __name__ == "__main__":
    raise SystemExit(main())
