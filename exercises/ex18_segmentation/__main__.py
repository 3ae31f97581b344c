"""Segmentation sémantique : une classe par pixel, avec U-Net et SegNet.

Document : S3 « Different problems, models & metrics » (segmentation, U-Net, SegNet).
Commande : python -m exercises.ex18_segmentation, puis
    … ex18_segmentation image.png

Ce fichier ne lit que les options ; ce qu'il y a à lire, et dans quel ordre, est dans `__init__.py`.
"""

from convnets.core.cli import check_output, run, training_parser
from exercises.ex18_segmentation import comparison, figures, training


def main(argv: list[str] | None = None) -> int:
    """Sans image, entraîne et compare les trois réseaux ; avec une image, la segmente."""
    parser = training_parser("ex18_segmentation", __doc__.splitlines()[0], epochs=training.EPOCHS)
    parser.add_argument("image", nargs="?", help="image à segmenter ; sans elle, on entraîne")
    options = parser.parse_args(argv)

    def body() -> int:
        check_output(options)
        if options.image is not None:
            return figures.segment(options)
        return comparison.compare(options)

    return run(body)


if __name__ == "__main__":
    raise SystemExit(main())
