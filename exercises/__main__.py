"""`python -m exercises` : chaque exercice, son document, sa durée, ses modèles, son résultat."""

import sys
from pathlib import Path
from textwrap import fill

from convnets.core.cli import FrenchParser, run
from convnets.core.paths import MODELS_DIR
from convnets.core.reports import format_result, read_report
from exercises import EXERCISES, Exercise

WIDTH = 120  # caractères d'une ligne
INDENT = 25 * " "


def describe(exercise: Exercise, *, models_dir: Path = MODELS_DIR) -> tuple[str, str]:
    """Dit où en est un exercice.

    Args:
        exercise: un élément d'`EXERCISES`.
        models_dir: dossier des modèles.

    Returns:
        `(état, résultat)` : par exemple `("modèle livré", "94,25 % ± 0,10 (3 graines)")`.
    """
    if not exercise.models:
        return "rien à entraîner", ""
    try:
        report = read_report(exercise.models[0], models_dir=models_dir)
    except FileNotFoundError:
        return "à entraîner", ""
    except ValueError as error:
        return "modèle refusé", str(error)
    return "modèle livré" if report.files else "mesuré", format_result(report)


def show_exercises() -> int:
    """Affiche chaque exercice, son document, sa durée, ses modèles et son résultat ; rend 0."""
    for exercise in EXERCISES:
        state, result = describe(exercise)
        print(f"{exercise.slug:<24} {exercise.title}")
        print(f"{INDENT}document : {exercise.document} ; durée : {exercise.duration}")
        if exercise.models:
            print(f"{INDENT}modèles : {', '.join(exercise.models)}")
        line = f"état : {state}" + (f" — {result}" if result else "")
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
