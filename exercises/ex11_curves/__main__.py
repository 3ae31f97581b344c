"""Comparer les explications : effacer, ou faire apparaître, ce qu'elles disent important.

Commande : python -m exercises.ex11_curves
"""

from convnets.core.cli import FrenchParser, add_folders, positive_int, run
from convnets.explaining.maps import STUDY_MODEL
from exercises.ex11_curves.comparison import NUM_PICTURES, run_study
from exercises.ex11_curves.curves import CELL_PX


def main(argv: list[str] | None = None) -> int:
    """Mesure ce que valent les méthodes d'explication."""
    parser = FrenchParser(
        prog="python -m exercises.ex11_curves", description=__doc__.splitlines()[0]
    )
    parser.add_argument(
        "--limit",
        type=positive_int,
        metavar="N",
        help=f"n'utiliser que les N premières images ({NUM_PICTURES} par défaut)",
    )
    parser.add_argument(
        "--cell",
        type=positive_int,
        default=CELL_PX,
        metavar="PX",
        help=f"côté des cases effacées, en pixels ({CELL_PX} par défaut)",
    )
    parser.add_argument(
        "--model",
        default=STUDY_MODEL,
        metavar="NOM",
        help=f"modèle de models/ à expliquer ({STUDY_MODEL} par défaut)",
    )
    add_folders(parser, "ex11_curves", models="où lire les modèles, et écrire le résultat")
    options = parser.parse_args(argv)
    return run(lambda: run_study(options))


if __name__ == "__main__":
    raise SystemExit(main())
