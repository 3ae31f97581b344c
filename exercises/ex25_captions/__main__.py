"""Légendes et questions : dire d'une phrase ce que montre une image, répondre à une question.

Document : S3, figures (4) « image captioning » et (5) « image question answering ».
Commande : python -m exercises.ex25_captions     puis     … ex25_captions --show
           python -m exercises.ex25_captions --compose "un sac rouge en haut à gauche et deux pulls
           bleus en bas" --ask "Où est le sac ?"

Ce fichier ne lit que les options ; ce qu'il y a à lire, et dans quel ordre, est dans `__init__.py`.
"""

from convnets.core.cli import check_output, natural_int, run, training_parser
from exercises.ex25_captions import command, comparison, figures, training


def main(argv: list[str] | None = None) -> int:
    """Apprend et mesure ; avec `--show` redessine ; avec `--compose` décrit une autre scène."""
    parser = training_parser("ex25_captions", __doc__.splitlines()[0], epochs=training.EPOCHS)
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--show", action="store_true", help="redire et redessiner, sans apprendre")
    action.add_argument(
        "--compose", metavar="PHRASE", help="composer la scène que dit cette phrase, et la décrire"
    )
    parser.add_argument(
        "--ask", metavar="QUESTION", help="de --compose : la question à poser (toutes par défaut)"
    )
    parser.add_argument(
        "--draw",
        type=natural_int,
        default=0,
        metavar="N",
        help="de --compose : le tirage des vêtements et du fond (0 par défaut)",
    )
    # De si petits réseaux ne gagnent rien à calculer en bfloat16.
    parser.set_defaults(precision="float32")
    options = parser.parse_args(argv)
    if options.compose is None and (options.ask is not None or options.draw):
        parser.error("--ask et --draw vont avec --compose")

    def body() -> int:
        check_output(options)
        if options.compose is not None:
            return command.describe_own(options)
        return figures.show_again(options) if options.show else comparison.compare(options)

    return run(body)


if __name__ == "__main__":
    raise SystemExit(main())
