"""`python -m exercises` : chaque exercice, son document, sa durée, ses modèles, son résultat."""

import sys
from textwrap import fill

from convnets.core.cli import FrenchParser, run
from convnets.core.reports import format_result, load_measures
from exercises import EXERCISES, Exercise

WIDTH = 120  # caractères d'une ligne
INDENT = 25 * " "


def describe(exercise: Exercise) -> str:
    """Dit ce qu'un exercice a atteint : par exemple `"94,25 % ± 0,10 (3 graines)"`."""
    if not exercise.models:
        return "rien à entraîner"
    try:
        return format_result(load_measures(exercise.models[0]))
    except FileNotFoundError:
        return "à entraîner"


def show_exercises() -> int:
    """Affiche chaque exercice, son document, sa durée, ses modèles et son résultat ; rend 0."""
    for exercise in EXERCISES:
        print(f"{exercise.slug:<24} {exercise.title}")
        print(f"{INDENT}document : {exercise.document} ; durée : {exercise.duration}")
        if exercise.models:
            print(f"{INDENT}modèles : {', '.join(exercise.models)}")
        line = f"résultat : {describe(exercise)}"
        print(fill(line, WIDTH, initial_indent=INDENT, subsequent_indent=INDENT), flush=True)
    return 0


def main(argv: list[str] | None = None) -> int:
    """Affiche la liste des exercices, ou remet à jour les tableaux des pages."""
    if sys.stdout:
        sys.stdout.reconfigure(encoding="utf-8")
    parser = FrenchParser(prog="python -m exercises", description=__doc__)
    parser.add_argument(
        "--update-readme",
        action="store_true",
        help="réécrit les tableaux du README et de docs/resultats.md",
    )
    options = parser.parse_args(argv)
    if not options.update_readme:
        return run(show_exercises)
    from docs.tables import update_pages

    return run(lambda: update_pages() or 0)


if __name__ == "__main__":
    raise SystemExit(main())
