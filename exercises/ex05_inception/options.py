"""Les options de l'exercice 05.

D'après : TD « keras & réseaux de neurones convolutionnels », question 2.
Commande : python -m exercises.ex05_inception --help

Un thème de l'exercice 05, dont l'entrée est `ex05_inception`.
"""

from pathlib import Path

from convnets.core.cli import FrenchParser, add_folders, positive_int
from exercises.ex05_inception.head import EPOCHS

MODULE = "ex05_inception"
NUM_FOLDS = 5
SEEDS = 3  # de l'entrée ; les autres thèmes, plus longs, n'en prennent qu'une


# --- Question 2 : les options --------------------------------------------------------


def make_parser(description: str, *, num_images: int) -> FrenchParser:
    """Prépare les options de l'entrée ; les noms sont ceux des autres exercices."""
    parser = FrenchParser(prog=f"python -m exercises.{MODULE}", description=description)
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
        help=f"N images au plus, à parts égales (dossier par défaut : {num_images})",
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
        default=SEEDS,
        metavar="N",
        help=f"entraîner N têtes, graines 0 à N-1 ({SEEDS} par défaut)",
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


def part_parser(module: str, description: str, *, epochs: int, num_images: int) -> FrenchParser:
    """Prépare les options d'un thème qui a sa propre commande."""
    parser = FrenchParser(prog=f"python -m exercises.{module}", description=description)
    add = parser.add_argument
    add(
        "--limit",
        type=positive_int,
        metavar="N",
        help=f"N images au plus par dossier ({num_images} par défaut)",
    )
    add(
        "--epochs",
        type=positive_int,
        default=epochs,
        metavar="N",
        help=f"époques de réapprentissage ({epochs} par défaut)",
    )
    add(
        "--seeds",
        type=positive_int,
        default=1,
        metavar="N",
        help="refaire avec N graines (1 par défaut)",
    )
    add_folders(parser, module, models="où écrire le résultat")
    return parser
