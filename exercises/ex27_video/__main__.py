"""Vidéo : suivre des objets qui se croisent, reconnaître ce qu'aucune image seule ne montre.

Document : S3 « Object Tracking », « Action Recognition » ; S0 « Convolution 3D ».
Commande : python -m exercises.ex27_video     puis     … ex27_video --show

Ce fichier ne lit que les options ; ce qu'il y a à lire, et dans quel ordre, est dans `__init__.py`.
"""

from convnets.core.cli import check_output, run, training_parser
from exercises.ex27_video import comparison, figures, training


def main(argv: list[str] | None = None) -> int:
    """Mesure le suivi, apprend les quatre réseaux ; avec `--show`, redit et redessine."""
    parser = training_parser("ex27_video", __doc__.splitlines()[0], epochs=training.EPOCHS)
    parser.add_argument("--show", action="store_true", help="redire et redessiner, sans apprendre")
    # De si petits réseaux ne gagnent rien à calculer en bfloat16.
    parser.set_defaults(precision="float32")
    options = parser.parse_args(argv)

    def body() -> int:
        check_output(options)
        return figures.show_again(options) if options.show else comparison.compare(options)

    return run(body)


if __name__ == "__main__":
    raise SystemExit(main())
