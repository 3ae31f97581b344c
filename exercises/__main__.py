"""`python -m exercises` : les exercices, leur document, leur état et leur résultat mesuré."""

import ast
import re
import sys
from pathlib import Path
from typing import NamedTuple

from convnets.core.cli import FrenchParser, run
from convnets.core.paths import MODELS_DIR
from convnets.core.reports import format_metric, format_seeds, read_sidecar

FOLDER = Path(__file__).resolve().parent
README = FOLDER.parent / "README.md"
START, END = "<!-- résultats : début -->", "<!-- résultats : fin -->"
STUDY_START, STUDY_END = "<!-- comparaisons : début -->", "<!-- comparaisons : fin -->"
METHOD_START, METHOD_END = "<!-- introspection : début -->", "<!-- introspection : fin -->"
SYSTEM_START, SYSTEM_END = "<!-- systèmes : début -->", "<!-- systèmes : fin -->"
METHODS = "ex11_curves"
COUNTS = {6: "six", 7: "sept"}
# Ce que le README montre des études : compte rendu, mesure, ce qu'elle veut dire.
STUDIES = (
    ("ex02_teacher", "accuracy", "précision sur Fashion-MNIST du maître d'ex02_fashion"),
    ("ex02_teacher", "accuracy_tta", "le même, en moyennant six vues de chaque vêtement"),
    ("ex04_comparison", "error", "taux d'erreur de LeNet, recette simple"),
    ("ex04_comparison", "error_dense", "taux d'erreur du réseau dense, même recette"),
    ("ex04_lenet", "error", "taux d'erreur de LeNet, recette moderne"),
    ("ex04_lenet", "error_tta", "le même, en moyennant sept vues de chaque chiffre"),
    (
        "ex04_comparison",
        "lenet_right_4",
        "précision de LeNet, recette simple, chiffres décalés de 4 pixels",
    ),
    ("ex04_comparison", "dense_right_4", "précision du réseau dense, mêmes images"),
    ("ex05_inception", "folds_accuracy", "précision, chat ou chien, base d'ImageNet, cinq plis"),
    ("ex05_inception", "control_accuracy", "la même, base aux poids tirés au hasard"),
    ("ex05_layers", "accuracy coupée après mixed2", "précision, base coupée après mixed2"),
    ("ex05_layers", "accuracy coupée après mixed6", "précision, base coupée après mixed6"),
    ("ex05_layers", "accuracy coupée après mixed9", "précision, base coupée après mixed9"),
    ("ex05_layers", "accuracy réapprise après mixed8", "précision, base réapprise après mixed8"),
    ("ex05_photos", "accuracy", "précision sur CIFAR-10 agrandi à 192 pixels, base d'ImageNet"),
    ("ex05_forgetting", "first before", "précision de la tâche 1, avant d'apprendre la tâche 2"),
    ("ex05_forgetting", "first 1e-04", "précision de la tâche 1, après (pas de 10⁻⁴)"),
    ("ex05_forgetting", "first 3e-04", "précision de la tâche 1, après (pas de 3·10⁻⁴)"),
    ("ex05_forgetting", "first frozen", "précision de la tâche 1, après, base figée"),
    ("ex09_cam", "accuracy", "précision sur CIFAR-10, réseau de CAM (moyenne des cartes)"),
)


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
    if not report["files"] and "headline" not in report:  # une étude, sans modèle à elle
        return "mesuré", "voir le README"
    try:
        return "modèle livré" if report["files"] else "mesuré", format_result(report)
    except (KeyError, TypeError) as error:
        return "modèle refusé", f"compte rendu incomplet ({error})"


def format_result(report: dict) -> str:
    """Écrit ce qu'un compte rendu a mesuré sur des images de test.

    Args:
        report: contenu de `models/exNN_slug.json` ; `headline`, s'il y est, dit quoi montrer.

    Returns:
        Une ligne, par exemple `"94,25 % ± 0,10 (3 graines) ; 93,70 % ± …"`.
    """
    if "headline" in report:
        return " ; ".join(f"{label} : {value}" for label, value in headline(report))
    count = COUNTS[report.get("num_views", 6)]
    labels = {"accuracy": "en une passe", "accuracy_tta": f"en moyennant {count} vues"}
    parts = []
    for name, label in labels.items():
        if name in report["metrics"]:
            parts.append(f"{format_metric(report['metrics'][name])} {label}")
    return f"{' ; '.join(parts)} ({format_seeds(report['metrics']['accuracy'])})"


def headline(report: dict) -> list[tuple[str, str]]:
    """Rend les mesures qu'un compte rendu met en avant : `(ce qui est mesuré, valeur)`.

    Args:
        report: compte rendu ; `headline` est une liste de `{"metric", "label", "unit"}`.

    Returns:
        Par exemple `[("IoU moyenne du U-Net", "81,20 % ± 0,31 (3 graines)")]`.
    """
    found = []
    for shown in report["headline"]:
        metric = report["metrics"][shown["metric"]]
        value = f"{format_metric(metric, shown['unit'])} ({format_seeds(metric)})"
        found.append((shown["label"], value))
    return found


def systems_table(*, models_dir: Path = MODELS_DIR) -> str:
    """Fait le tableau des autres systèmes des cours, à partir de leurs comptes rendus.

    Args:
        models_dir: dossier des comptes rendus.

    Returns:
        Un tableau Markdown, une ligne par mesure mise en avant.
    """
    rows = [
        "| exercice | mesure, sur des données non apprises | moyenne ± écart-type |",
        "|---|---|---|",
    ]
    for exercise in list_exercises():
        if (models_dir / f"{exercise.slug}.json").exists():
            report = read_sidecar(exercise.slug, models_dir=models_dir)
            shown = headline(report) if "headline" in report else []
            rows += [f"| {exercise.slug} | {label} | {value} |" for label, value in shown]
    return "\n".join(rows)


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
    slugs = [
        path.stem  # un exercice peut livrer plusieurs modèles : son nom, et une suite
        for exercise in list_exercises()
        if describe(exercise, models_dir=models_dir)[0] == "modèle livré"
        for path in sorted(models_dir.glob(f"{exercise.slug}*.json"))
    ]
    for slug in slugs:
        report = read_sidecar(slug, models_dir=models_dir)
        if not report["files"] or "headline" in report or "accuracy" not in report["metrics"]:
            continue
        parameters = f"{report['num_parameters']:,}".replace(",", " ")
        size, seconds = report["size_bytes"], report["duration_s"]["mean"]
        size = f"{size / 1e6:.1f} Mo".replace(".", ",") if size > 1e5 else f"{size / 1e3:.0f} ko"
        duration = f"{seconds / 60:.0f} min" if seconds > 60 else f"{seconds:.0f} s"
        duration += " par graine"
        if earlier := sum(earlier_durations(report).values()):
            duration += f", après {earlier / 3600:.0f} h"
        if "base" in report:  # le modèle n'est qu'une tête
            parameters, size = f"{parameters} (tête)", f"{size} et sa base"
        rows.append(
            f"| {slug} | {format_result(report)} | {parameters} | {size} "
            f"| {duration}, {report['environment']['hardware']} "
            f"| `{report['command']}` |"
        )
    return "\n".join(rows)


def earlier_durations(report: dict) -> dict[str, float]:
    """Rend la durée des entraînements dont un modèle est parti, ou qui l'ont instruit.

    Args:
        report: un compte rendu, ou ce qu'il dit d'un départ ou d'un maître.

    Returns:
        Des secondes par empreinte de fichier, celles d'`ex03_teachers.describe_teachers` : un
        réseau qui a servi deux fois n'a été appris qu'une.
    """
    found = {}
    for source in (report[key] for key in ("start", "teacher", "partner") if key in report):
        found |= {source["sha256"]: source["duration_s"], **earlier_durations(source)}
    return found


def studies_table(*, models_dir: Path = MODELS_DIR) -> str:
    """Fait le tableau des comparaisons du README à partir des comptes rendus.

    Args:
        models_dir: dossier des comptes rendus.

    Returns:
        Un tableau Markdown, une ligne par mesure de `STUDIES` dont le compte rendu est là.
    """
    rows = [
        "| compte rendu | mesure, sur des images non apprises | moyenne ± écart-type |",
        "|---|---|---|",
    ]
    slugs = {slug for slug, _, _ in STUDIES if (models_dir / f"{slug}.json").exists()}
    reports = {slug: read_sidecar(slug, models_dir=models_dir) for slug in slugs}
    for slug, name, meaning in STUDIES:
        if slug in reports:
            metric = reports[slug]["metrics"][name]
            rows.append(
                f"| {slug} | {meaning} | {format_metric(metric)} ({format_seeds(metric)}) |"
            )
    return "\n".join(rows)


def methods_table(*, models_dir: Path = MODELS_DIR) -> str:
    """Fait le tableau des méthodes d'introspection du README, vide sans leur compte rendu."""
    from exercises.ex11_curves.report import table

    if not (models_dir / f"{METHODS}.json").exists():
        return ""
    return table(read_sidecar(METHODS, models_dir=models_dir))


def update_readme(*, readme: Path = README, models_dir: Path = MODELS_DIR) -> None:
    """Remet dans le README les tableaux que disent les comptes rendus.

    Args:
        readme: fichier à réécrire, entre ses repères.
        models_dir: dossier des modèles.

    Raises:
        ValueError: repères absents.
    """
    text = readme.read_text(encoding="utf-8")
    for start, end, table in (
        (START, END, results_table(models_dir=models_dir)),
        (STUDY_START, STUDY_END, studies_table(models_dir=models_dir)),
        (METHOD_START, METHOD_END, methods_table(models_dir=models_dir)),
        (SYSTEM_START, SYSTEM_END, systems_table(models_dir=models_dir)),
    ):
        if start not in text or end not in text:
            raise ValueError(f"{readme} n'a pas les repères {start} et {end}.")
        text = f"{text.split(start)[0]}{start}\n{table}\n{end}{text.split(end)[1]}"
    readme.write_text(text, encoding="utf-8")


def main(argv: list[str] | None = None) -> int:
    """Affiche la liste des exercices, ou remet à jour les tableaux du README."""
    if sys.stdout:
        sys.stdout.reconfigure(encoding="utf-8")
    parser = FrenchParser(prog="python -m exercises", description=__doc__)
    parser.add_argument(
        "--update-readme", action="store_true", help="réécrit les tableaux de mesures du README"
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
