"""Les exercices : document, durée, modèles, résultat. `python -m exercises ex02` lance le 02."""

import runpy
import sys
from textwrap import fill

from convnets.core.cli import FrenchParser, run
from convnets.core.reports import format_result, load_measures
from exercises import EXERCISES, Exercise

WIDTH = 80  # caractères d'une ligne
INDENT = 4 * " "


def describe(exercise: Exercise) -> str:
    """Dit ce qu'un exercice a atteint : par exemple `"94,25 % (écart type 0,10 ; 3 graines)"`."""
    if not exercise.models:
        return "rien à entraîner"
    try:
        return format_result(load_measures(exercise.models[0]))
    except FileNotFoundError:
        return "à entraîner"


def show_exercises() -> int:
    """Affiche chaque exercice, son document, sa durée, ses modèles et son résultat ; rend 0."""
    for exercise in EXERCISES:
        lines = [f"document : {exercise.document} ; durée : {exercise.duration}"]
        if exercise.models:
            lines.append(f"modèles : {', '.join(exercise.models)}")
        lines.append(f"résultat : {describe(exercise)}")
        print(fill(f"{exercise.slug} : {exercise.title}", WIDTH))
        for line in lines:
            print(fill(line, WIDTH, initial_indent=INDENT, subsequent_indent=2 * INDENT))
    print("\nPour en lancer un : python -m exercises ex02, ou exercises.ex02_fashion.")
    return 0


def launch(name: str, arguments: list[str]) -> int:
    """Lance un exercice.

    Args:
        name: son nom, ou le début : `"ex02"`.
        arguments: ce qui suit, et que l'exercice lira.

    Returns:
        Son code de sortie.

    Raises:
        ValueError: aucun exercice n'a ce nom, ou plusieurs.
    """
    found = [each.slug for each in EXERCISES if each.slug.startswith(name)]
    if len(found) != 1:
        raise ValueError(f"{name} : ce n'est le nom d'aucun exercice. Sans nom, ils sont listés.")
    sys.argv[1:] = arguments
    try:
        runpy.run_module(f"exercises.{found[0]}", run_name="__main__", alter_sys=True)
    except SystemExit as stop:
        return stop.code
    return 0


def main(argv: list[str] | None = None) -> int:
    """Affiche la liste des exercices, en lance un, ou remet à jour les tableaux des pages."""
    if sys.stdout:
        sys.stdout.reconfigure(encoding="utf-8")
    argv = sys.argv[1:] if argv is None else argv
    if argv and argv[0].startswith("ex"):
        return run(lambda: launch(argv[0], argv[1:]))
    parser = FrenchParser(prog="python -m exercises [EXERCICE]", description=__doc__)
    parser.add_argument(
        "--update-readme",
        action="store_true",
        help="réécrit les tableaux de l'accueil, des résultats et du barème",
    )
    options = parser.parse_args(argv)
    if not options.update_readme:
        return run(show_exercises)
    from docs.tables import update_pages

    return run(lambda: update_pages() or 0)


if __name__ == "__main__":
    raise SystemExit(main())
