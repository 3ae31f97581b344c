"""Séparer deux sources : un CNN lit le spectrogramme d'un mélange et en rend le masque.

Document : S3 « CNN & Time-Frequency representation ».
Commande : python -m exercises.ex20_source_separation     puis     … ex20_source_separation son.wav

Ce fichier ne lit que les options ; ce qu'il y a à lire, et dans quel ordre, est dans `__init__.py`.
"""

from pathlib import Path

from convnets.core.cli import check_output, run, training_parser
from exercises.ex20_source_separation import comparison, listening, training


def main(argv: list[str] | None = None) -> int:
    """Sans fichier, apprend à séparer et le mesure ; avec un WAV, le sépare.

    `--factorisation` mesure seulement ce qui se passe de réseau.
    """
    parser = training_parser(
        "ex20_source_separation", __doc__.splitlines()[0], epochs=training.EPOCHS
    )
    parser.add_argument(
        "sound",
        nargs="?",
        type=Path,
        metavar="son.wav",
        help="son à séparer ; sans lui, le modèle est appris",
    )
    parser.add_argument(
        "--factorisation",
        action="store_true",
        help="mesurer seulement SVD et NMF ; avec --force, compléter le compte rendu",
    )
    # Un si petit réseau gagnerait peu à calculer en bfloat16.
    parser.set_defaults(precision="float32")
    options = parser.parse_args(argv)

    def body() -> int:
        check_output(options)
        if options.sound:
            return listening.listen(options)
        if options.factorisation:
            return comparison.compare_factorisations(options)
        return comparison.compare(options)

    return run(body)


if __name__ == "__main__":
    raise SystemExit(main())
