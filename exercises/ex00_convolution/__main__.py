"""Convolution : refaire à la main, et vérifier, chaque nombre des cinq documents.

Documents : S0 (diapositives « X ou O »), S1 (Jour 04), S2 (TD), S3 (diapositives), S4 (billet).
Commandes : python -m exercises.ex00_convolution                    tous les exemples
            python -m exercises.ex00_convolution --example N6       un seul, en entier
            python -m exercises.ex00_convolution --figures figures  images et animations
            python -m exercises.ex00_convolution --image 5x5 --kernel "1 0 1/0 1 0/1 0 1"
Nombres attendus : exercises/ex00_convolution/examples.json.

L'exercice est coupé par thème, et ses fichiers `ex00_*` s'importent entre eux :
`ex00_geometry` (padding, tailles), `ex00_pooling`, `ex00_matrices` (im2col, Toeplitz,
gradient), `ex00_x_or_o` puis `ex00_learned_filters` (X ou O ?), `ex00_networks`
(paramètres), `ex00_position` ; `ex00_examples` et `ex00_replay` rejouent les exemples,
`ex00_options`, `ex00_animation` et `ex00_figures` les montrent.
"""

from pathlib import Path

from convnets.core.cli import FrenchParser, run

# --- Question 1 : la convolution d'un signal (S2 §1) ---------------------------------


# --- Question 2 : la convolution d'une image (S0, S2 §1.1, S3, S4) -------------------


# --- Question 3 : tout rejouer, tout montrer -----------------------------------------


def main(argv: list[str] | None = None) -> int:
    """Rejoue les exemples, en détaille un, ou anime une convolution choisie."""
    # Ces fichiers se servent de celui-ci : ils ne peuvent être importés qu'après lui.
    from exercises.ex00_convolution import animation, replay
    from exercises.ex00_convolution import options as ex00_options

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
    ex00_options.add_options(parser)
    replay.use_utf8()
    options = parser.parse_args(argv)
    ex00_options.check_options(parser, options)

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
