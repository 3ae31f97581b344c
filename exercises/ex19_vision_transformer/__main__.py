"""Un transformeur pour images : morceaux, positions, attention, face à un réseau de convolution.

Document : S3 « The Transformer Wave ».
Commande : python -m exercises.ex19_vision_transformer, puis
    … ex19_vision_transformer image.png

Ce fichier ne lit que les options ; ce qu'il y a à lire, et dans quel ordre, est dans `__init__.py`.
"""

from convnets.core.cli import check_output, run, training_parser
from exercises.ex19_vision_transformer import comparison, figures


def main(argv: list[str] | None = None) -> int:
    """Sans image, compare les quatre réseaux ; avec une image, montre où regarde le modèle."""
    parser = training_parser(
        "ex19_vision_transformer", __doc__.splitlines()[0], epochs=comparison.EPOCHS
    )
    parser.add_argument(
        "image",
        nargs="?",
        help="image où dessiner l'attention ; sans elle, les réseaux sont appris",
    )
    parser.add_argument(
        "--missing", action="store_true", help="ajouter au compte rendu les réseaux qu'il n'a pas"
    )
    parser.set_defaults(precision="float32")  # mesuré : aussi petits, rien à gagner en bfloat16
    options = parser.parse_args(argv)

    def body() -> int:
        check_output(options)
        if options.image is not None:
            return figures.explain(options)
        return comparison.add_missing(options) if options.missing else comparison.compare(options)

    return run(body)


if __name__ == "__main__":
    raise SystemExit(main())
