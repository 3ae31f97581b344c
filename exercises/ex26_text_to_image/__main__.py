"""Dessiner ce que dit une phrase : du bruit à l'image, par un flot appris.

Document : S3 « Different problems, models & metrics », figure (6) : phrase → image.
Commande : python -m exercises.ex26_text_to_image
           python -m exercises.ex26_text_to_image --say "une bottine foncée"
           python -m exercises.ex26_text_to_image --dataset cifar10

Ce fichier ne lit que les options ; ce qu'il y a à lire, et dans quel ordre, est dans `__init__.py`.
"""

import argparse
from argparse import Namespace

from convnets.core.cli import check_output, natural_int, run, training_parser
from exercises.ex26_text_to_image import command, comparison, figures, flow, network
from exercises.ex26_text_to_image.subjects import SUBJECTS


def strength(text: str) -> float:
    """Lit une force, un nombre d'au moins 0 ; la virgule y est admise."""
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        value = -1.0
    if not 0 <= value <= 100:
        raise argparse.ArgumentTypeError(f"nombre de 0 à 100 attendu, reçu {text!r}")
    return value


def main(argv: list[str] | None = None) -> int:
    """Apprend et mesure ; avec `--say`, dessine une phrase ; avec `--show`, redit et redessine."""
    name = "ex26_text_to_image"
    parser = training_parser(name, __doc__.splitlines()[0], epochs=network.EPOCHS)
    parser.add_argument(
        "--dataset",
        choices=[*SUBJECTS],
        default="fashion",
        help="vêtements de Fashion-MNIST (par défaut), ou photographies de CIFAR-10",
    )
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--say", metavar="PHRASE", help="dessiner cette phrase, sans apprendre")
    action.add_argument("--show", action="store_true", help="redire et redessiner, sans apprendre")
    parser.add_argument(
        "--guidance",
        type=strength,
        default=flow.GUIDANCE,
        metavar="FORCE",
        help=f"de --say : 0, la phrase n'est pas lue ; 1, elle l'est ; au-delà, elle est exagérée "
        f"({flow.GUIDANCE} par défaut)",
    )
    parser.add_argument(
        "--noise",
        type=natural_int,
        default=0,
        metavar="N",
        help="de --say : graine du bruit ; une autre, une autre image (0 par défaut)",
    )
    options = parser.parse_args(argv)
    if options.say is None and (options.guidance != flow.GUIDANCE or options.noise):
        parser.error("--guidance et --noise vont avec --say")
    subject = SUBJECTS[options.dataset]
    if subject.slug != name:
        named = {"module": subject.slug, "command": f"{name} --dataset {options.dataset}"}
        options = Namespace(**vars(options) | named)

    def body() -> int:
        if options.say is not None:
            return command.say(options, subject)
        check_output(options)
        show = figures.show_again if options.show else comparison.compare
        return show(options, subject)

    return run(body)


if __name__ == "__main__":
    raise SystemExit(main())
