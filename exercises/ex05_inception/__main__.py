"""InceptionV3 : reconnaître de nouvelles classes avec un réseau déjà entraîné.

Commandes : python -m exercises.ex05_inception
            python -m exercises.ex05_inception --images DOSSIER

Ce fichier ne lit que les options ; ce qu'il y a à lire, et dans quel ordre, est dans `__init__.py`.
"""

from pathlib import Path

from convnets.core import reports
from convnets.core.cli import lesson_parser
from convnets.training import export_base, lesson
from exercises.ex05_inception import cached, statement


def prepare(options) -> None:
    """Retrouve la base de la tête enregistrée et l'exporte pour `./predict`."""
    report = reports.read_report(options.module)
    print(f"Base exportée : {export_base.prepare_base(report.base)}")


def teach(options) -> None:
    """Suit l'énoncé ; sans dossier à soi, continue avec dix vêtements."""
    statement.teach(options)
    if not options.images:
        cached.teach(options)


def main(argv: list[str] | None = None) -> int:
    """Lit les options et donne la leçon."""
    parser = lesson_parser("ex05_inception", __doc__.splitlines()[0], epochs=statement.EPOCHS)
    parser.add_argument(
        "--images",
        type=Path,
        metavar="DOSSIER",
        help="dossier qui contient un dossier d'images par classe "
        "(par défaut, des photographies de vêtements)",
    )
    parser.add_argument(
        "--prepare",
        action="store_true",
        help="préparer la base dont ./predict a besoin, sans rien entraîner",
    )
    options = parser.parse_args(argv)
    return lesson.run(prepare if options.prepare else teach, options)


if __name__ == "__main__":
    raise SystemExit(main())
