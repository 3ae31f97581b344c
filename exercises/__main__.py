"""`python -m exercises` : les exercices, leur document, leur état et leur résultat mesuré."""

import ast
import re
import sys
from pathlib import Path
from typing import NamedTuple

from exercises.common.cli import FrenchParser, run
from exercises.common.storage import MODELS_DIR, read_sidecar

FOLDER = Path(__file__).resolve().parent
README = FOLDER.parent / "README.md"
START, END = "<!-- résultats : début -->", "<!-- résultats : fin -->"


class Exercise(NamedTuple):
    """Un exercice, d'après la première chaîne de son fichier."""

    slug: str
    title: str
    document: str
    trains: bool


def list_exercises() -> list[Exercise]:
    """Lit les exercices du dossier sans les importer, dans l'ordre de leurs numéros.

    Returns:
        Un `Exercise` par fichier `exNN_slug.py` qui cite son document ; les autres sont la
        suite d'un exercice coupé par thème.
    """
    found = []
    for path in sorted(FOLDER.glob("ex[0-9][0-9]_*.py")):
        docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        title = docstring.splitlines()[0].rstrip(".") if docstring else path.stem
        document = re.search(r"^Documents? : (.+?)\.?$", docstring, re.MULTILINE)
        if document:
            trains = f"models/{path.stem}.json" in docstring
            found.append(Exercise(path.stem, title, document[1], trains))
    return found


def describe(exercise: Exercise, *, models_dir: Path = MODELS_DIR) -> tuple[str, str]:
    """Dit où en est un exercice.

    Args:
        exercise: un élément de `list_exercises`.
        models_dir: dossier des modèles.

    Returns:
        `(état, résultat)` : par exemple `("modèle livré", "94,25 % ± 0,10 (3 graines)")`.
    """
    if not exercise.trains:
        return "rien à entraîner", ""
    try:
        report = read_sidecar(exercise.slug, models_dir=models_dir)
    except FileNotFoundError:
        return "à entraîner", ""
    except ValueError as error:
        return "modèle refusé", str(error)
    try:
        return "modèle livré", format_result(report)
    except (KeyError, TypeError) as error:
        return "modèle refusé", f"compte rendu incomplet ({error})"


def format_result(report: dict) -> str:
    """Écrit la précision de test d'un compte rendu, avec et sans moyenne de vues.

    Args:
        report: contenu de `models/exNN_slug.json`.

    Returns:
        Une ligne, par exemple `"94,25 % ± 0,10 (3 graines) ; 93,70 % ± …"`.
    """
    labels = {"accuracy": "en une passe", "accuracy_tta": "en moyennant six vues"}
    parts = []
    for name, label in labels.items():
        if name in report["metrics"]:
            metric = report["metrics"][name]
            text = f"{100 * metric['mean']:.2f} %"
            text += f" ± {100 * metric['sd']:.2f}" if metric["sd"] is not None else ""
            parts.append(f"{text.replace('.', ',')} {label}")
    num_seeds = report["metrics"]["accuracy"]["n"]
    return f"{' ; '.join(parts)} ({num_seeds} graine{'s' if num_seeds > 1 else ''})"


def results_table(*, models_dir: Path = MODELS_DIR) -> str:
    """Fait le tableau des résultats du README à partir des comptes rendus.

    Args:
        models_dir: dossier des modèles.

    Returns:
        Un tableau Markdown, une ligne par modèle livré.
    """
    rows = [
        "| modèle | précision sur le jeu de test (moyenne ± écart-type) | paramètres "
        "| pour `./predict` | entraînement | commande |",
        "|---|---|---|---|---|---|",
    ]
    for exercise in list_exercises():
        if describe(exercise, models_dir=models_dir)[0] != "modèle livré":
            continue
        report = read_sidecar(exercise.slug, models_dir=models_dir)
        if "accuracy" not in report["metrics"]:
            continue
        parameters = f"{report['num_parameters']:,}".replace(",", " ")
        size = f"{report['size_bytes'] / 1e6:.1f} Mo".replace(".", ",")
        minutes = f"{report['duration_s']['mean'] / 60:.0f} min par graine"
        rows.append(
            f"| {exercise.slug} | {format_result(report)} | {parameters} | {size} "
            f"| {minutes}, {report['environment']['hardware']} | `{report['command']}` |"
        )
    return "\n".join(rows)


def update_readme(*, readme: Path = README, models_dir: Path = MODELS_DIR) -> None:
    """Remet dans le README le tableau que disent les comptes rendus.

    Args:
        readme: fichier à réécrire, entre ses deux repères.
        models_dir: dossier des modèles.

    Raises:
        ValueError: repères absents.
    """
    text = readme.read_text(encoding="utf-8")
    if START not in text or END not in text:
        raise ValueError(f"{readme} n'a pas les repères {START} et {END}.")
    before, after = text.split(START)[0], text.split(END)[1]
    table = results_table(models_dir=models_dir)
    readme.write_text(f"{before}{START}\n{table}\n{END}{after}", encoding="utf-8")


def main(argv: list[str] | None = None) -> int:
    """Affiche la liste des exercices, ou remet à jour le tableau du README."""
    if sys.stdout:
        sys.stdout.reconfigure(encoding="utf-8")
    parser = FrenchParser(prog="python -m exercises", description=__doc__)
    parser.add_argument(
        "--update-readme", action="store_true", help="réécrit le tableau des résultats du README"
    )
    options = parser.parse_args(argv)
    if options.update_readme:
        return run(lambda: update_readme() or 0)
    return run(show_exercises)


def show_exercises() -> int:
    """Affiche chaque exercice, son document, son état et son résultat ; rend 0."""
    for exercise in list_exercises():
        state, result = describe(exercise)
        print(f"{exercise.slug:<18} {exercise.title}")
        print(f"{'':<18} document : {exercise.document}")
        print(f"{'':<18} état : {state}" + (f" — {result}" if result else ""), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
