"""Pose, relief, foule : un point, un nombre par pixel, un compte, et ce qu'ils valent.

Document : S3 « Pose Estimation », « 3D Reconstruction », « Crowd Understanding ».
Commande : python -m exercises.ex28_pose_and_depth     puis     … ex28_pose_and_depth --show

Ce fichier ne lit que les options ; ce qu'il y a à lire, et dans quel ordre, est dans `__init__.py`.
"""

from convnets.core.cli import check_output, run, training_parser
from exercises.ex28_pose_and_depth import comparison, figures, training


def main(argv: list[str] | None = None) -> int:
    """Apprend les cinq réseaux et les mesure ; avec `--show`, redit et redessine."""
    parser = training_parser("ex28_pose_and_depth", __doc__.splitlines()[0], epochs=training.EPOCHS)
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
