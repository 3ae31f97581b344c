"""InceptionV3 : reconnaître de nouvelles classes avec un réseau déjà entraîné.

Commande : python -m exercises.ex05_inception --images DOSSIER
"""

from pathlib import Path

from convnets.core.cli import FrenchParser, add_folders, positive_int, run
from exercises.ex05_inception.evaluation import MODULE, prepare, run_exercise
from exercises.ex05_inception.head import EPOCHS
from exercises.ex05_inception.statement import NUM_IMAGES

NUM_FOLDS = 5


def make_parser() -> FrenchParser:
    """Prépare les options ; les noms sont ceux des autres exercices."""
    parser = FrenchParser(prog=f"python -m exercises.{MODULE}", description=__doc__.splitlines()[0])
    add = parser.add_argument
    add(
        "--images",
        type=Path,
        metavar="DOSSIER",
        help="dossier qui contient un dossier d'images par classe "
        "(par défaut, des chats et des chiens de CIFAR-10)",
    )
    add(
        "--limit",
        type=positive_int,
        metavar="N",
        help=f"N images au plus, à parts égales (dossier par défaut : {NUM_IMAGES})",
    )
    add(
        "--epochs",
        type=positive_int,
        default=EPOCHS,
        metavar="N",
        help=f"nombre d'époques ({EPOCHS} par défaut)",
    )
    add(
        "--seeds",
        type=positive_int,
        default=1,
        metavar="N",
        help="entraîner N têtes, graines 0 à N-1 (1 par défaut)",
    )
    add(
        "--folds",
        type=positive_int,
        default=NUM_FOLDS,
        metavar="N",
        help=f"plis de la validation croisée ({NUM_FOLDS} par défaut)",
    )
    add(
        "--augment",
        action="store_true",
        help="transformer les images à chaque époque : sans cache, bien plus long",
    )
    add(
        "--weights",
        choices=["imagenet", "none"],
        default="imagenet",
        help="none : base aux poids tirés au hasard ; rien n'est enregistré",
    )
    add(
        "--prepare",
        action="store_true",
        help="préparer la base dont ./predict a besoin, sans rien entraîner",
    )
    add("--force", action="store_true", help="remplacer même un modèle meilleur")
    add_folders(parser, MODULE, models="où écrire le résultat")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Apprend une tête sur les images demandées, la mesure, l'enregistre."""
    options = make_parser().parse_args(argv)
    return run(lambda: prepare(options) if options.prepare else run_exercise(options))


if __name__ == "__main__":
    raise SystemExit(main())
