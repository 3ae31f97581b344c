"""Localiser, puis détecter : entourer chaque objet d'une scène, et le nommer.

Document : S3 « Different problems, models & metrics ».
Commande : python -m exercises.ex17_detection     puis     … ex17_detection photo.png

Ce fichier ne lit que les options ; ce qu'il y a à lire, et dans quel ordre, est dans `__init__.py`.
"""

from convnets.core.cli import check_output, run, training_parser
from exercises.ex17_detection import comparison, figures


def main(argv: list[str] | None = None) -> int:
    """Sans image, apprend et mesure ; avec une image, y dessine les boîtes trouvées."""
    parser = training_parser("ex17_detection", __doc__.splitlines()[0], epochs=comparison.EPOCHS)
    parser.add_argument(
        "image", nargs="?", help="image où chercher des objets ; sans elle, le modèle est appris"
    )
    parser.add_argument(
        "--missing", action="store_true", help="ajouter au compte rendu les réseaux qu'il n'a pas"
    )
    options = parser.parse_args(argv)

    def body() -> int:
        check_output(options)
        if options.image is not None:
            return figures.detect(options)
        return comparison.add_missing(options) if options.missing else comparison.compare(options)

    return run(body)


if __name__ == "__main__":
    raise SystemExit(main())
