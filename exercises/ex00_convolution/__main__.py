"""Convolution : refaire à la main, et vérifier, chaque nombre des cinq documents.

Commande : python -m exercises.ex00_convolution
"""

from pathlib import Path

from convnets.core.cli import FrenchParser, run
from exercises.ex00_convolution import animation, replay


def main(argv: list[str] | None = None) -> int:
    """Rejoue les exemples, en détaille un, ou anime une convolution choisie."""
    parser = FrenchParser(
        prog="python -m exercises.ex00_convolution",
        usage="%(prog)s [--example N6 | --image … --kernel …] [--figures DOSSIER]",
        description=__doc__.splitlines()[0],
    )
    parser.add_argument("--example", metavar="N6", help="un seul exemple, en entier")
    parser.add_argument(
        "--data",
        type=Path,
        default=replay.EXAMPLES_PATH,
        metavar="FICHIER",
        help="un autre fichier de nombres attendus",
    )
    parser.add_argument(
        "--figures",
        type=Path,
        metavar="DOSSIER",
        help="écrire les figures (PNG) et les animations (GIF)",
    )
    animation.add_options(parser)
    replay.use_utf8()
    options = parser.parse_args(argv)
    animation.check_options(parser, options)

    def body() -> int:
        if options.image is not None:
            return animation.play(options)
        if options.figures is not None:
            from exercises.ex00_convolution import figures

            return figures.save_all(options.figures)
        return replay.replay(options.data, only=options.example)

    return run(body)


if __name__ == "__main__":
    raise SystemExit(main())
