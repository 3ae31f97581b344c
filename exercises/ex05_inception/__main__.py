"""InceptionV3 : reconnaître de nouvelles classes avec un réseau déjà entraîné.

Commande : python -m exercises.ex05_inception --images DOSSIER

Ce fichier ne lit que les options ; ce qu'il y a à lire, et dans quel ordre, est dans `__init__.py`.
"""

from pathlib import Path

from convnets.core import reports
from convnets.core.cli import lesson_parser
from convnets.training import export_base, lesson
from exercises.ex05_inception import cached, statement

run = cached.run  # ce que mesure python -m recipes.seeds ex05_inception


def prepare(options) -> None:
    """Retrouve la base de la tête enregistrée et l'exporte pour `./predict`."""
    report = reports.read_report(options.module)
    print(f"Base exportée : {export_base.prepare_base(report.base)}")


def main(argv: list[str] | None = None) -> int:
    """Lit les options et donne la leçon."""
    parser = lesson_parser("ex05_inception", __doc__.splitlines()[0], epochs=statement.EPOCHS)
    parser.add_argument(
        "--images",
        type=Path,
        metavar="DOSSIER",
        help="dossier qui contient un dossier d'images par classe "
        "(par défaut, des chats et des chiens de CIFAR-10)",
    )
    parser.add_argument(
        "--prepare",
        action="store_true",
        help="préparer la base dont ./predict a besoin, sans rien entraîner",
    )
    options = parser.parse_args(argv)
    return lesson.run(prepare if options.prepare else statement.teach, options)


if __name__ == "__main__":
    raise SystemExit(main())
