"""Auto-encodeurs : passer par un goulot, avec ou sans raccourcis ; puis compresser pour de bon.

Document : S3 « Different problems, models & metrics » (« Specificities wrt auto-encoders? » ;
figure (7) : image → bits → image).
Commande : python -m exercises.ex24_autoencoder
           python -m exercises.ex24_autoencoder --compress image.png --output code.bin
           python -m exercises.ex24_autoencoder --decompress code.bin --output relue.png

Ce fichier ne lit que les options ; ce qu'il y a à lire, et dans quel ordre, est dans `__init__.py`.
"""

from pathlib import Path

from convnets.core.cli import check_output, run, training_parser
from exercises.ex24_autoencoder import command, comparison, network
from exercises.ex24_autoencoder.codec import STEPS


def main(argv: list[str] | None = None) -> int:
    """Sans fichier, apprend et mesure ; avec un fichier, le compresse ou le relit."""
    parser = training_parser("ex24_autoencoder", __doc__.splitlines()[0], epochs=network.EPOCHS)
    action = parser.add_mutually_exclusive_group()
    action.add_argument(
        "--compress",
        type=Path,
        metavar="IMAGE",
        help="compresser cette image, dans le fichier que nomme --output",
    )
    action.add_argument(
        "--decompress",
        type=Path,
        metavar="CODE",
        help="relire ce fichier, et en écrire l'image dans le PNG que nomme --output",
    )
    parser.add_argument(
        "--quality",
        type=int,
        choices=range(1, len(STEPS) + 1),
        default=command.QUALITY,
        help=f"de --compress : 1, le plus petit fichier, à {len(STEPS)}, la plus belle image "
        f"({command.QUALITY} par défaut)",
    )
    # De si petits réseaux ne gagnent rien à calculer en bfloat16.
    parser.set_defaults(precision="float32")
    options = parser.parse_args(argv)
    if options.quality != command.QUALITY and not options.compress:
        parser.error("--quality va avec --compress")

    def body() -> int:
        if options.compress:
            return command.compress(options)
        if options.decompress:
            return command.decompress(options)
        check_output(options)
        return comparison.compare(options)

    return run(body)


if __name__ == "__main__":
    raise SystemExit(main())
