"""Les tableaux du README, des résultats et du barème : registre, comptes rendus, `exNN.toml`.

Commande : python -m exercises --update-readme
"""

from fractions import Fraction
from pathlib import Path

from convnets.core.cli import markdown_table
from convnets.core.paths import MODELS_DIR
from convnets.core.reports import (
    Metric,
    Report,
    format_accuracy,
    format_metric,
    load_measures,
    read_report,
)
from exercises import EXERCISES
from exercises.chapters import chapters

ROOT = Path(__file__).resolve().parent.parent
README, RESULTS = ROOT / "README.md", ROOT / "docs/laboratoire/resultats.md"
SCALE = ROOT / "docs/bareme.md"
# Les modèles dont l'accueil donne l'exactitude, et docs/laboratoire/resultats.md tout le reste.
MODELS = ("photos", "thumbnails", "garments", "digits", "ex05_inception")
FIRST_SYSTEM = 15  # exercices d'après : d'autres systèmes que la classification d'une image


def exercises_table() -> str:
    """Fait le tableau des chapitres : ce qu'on y apprend, et leurs leçons dans l'ordre."""
    rows = []
    for chapter, exercises in chapters():
        lessons = [
            f"[{exercise.number:02}. {exercise.title}](exercises/lessons/{exercise.slug}.md)"
            for exercise in exercises
        ]
        rows.append([f"**{chapter.title}.** {chapter.summary}", " · ".join(lessons)])
    return markdown_table(["chapitre", "leçons, dans l'ordre de la lecture"], rows)


def results_table(*, models_dir: Path = MODELS_DIR, short: bool = False) -> str:
    """Fait le tableau des modèles livrés, une ligne par modèle de `MODELS`.

    Args:
        models_dir: dossier des modèles.
        short: sans durée ni commande, pour l'accueil.
    """
    titles = ["modèle", "exactitude sur le jeu de test, en moyenne", "paramètres"]
    titles += ["pour `./predict`"] + ([] if short else ["entraînement", "commande"])
    rows = []
    for slug in MODELS:
        report = read_report(slug, models_dir=models_dir)
        parameters = f"{report.num_parameters:,}".replace(",", " ")
        size = report.size_bytes
        size = f"{size / 1e6:.1f} Mo".replace(".", ",") if size > 1e5 else f"{size / 1e3:.0f} ko"
        if report.base:  # le modèle n'est qu'une tête
            parameters, size = f"{parameters} (tête)", f"{size} et sa base"
        row = [slug, format_accuracy(report), parameters, size]
        if not short:
            row += [f"{_duration(report)}, {report.environment['hardware']}", f"`{report.command}`"]
        rows.append(row)
    return markdown_table(titles, rows)


def _duration(report: Report) -> str:
    seconds = report.duration_s.mean
    text = f"{seconds / 60:.0f} min" if seconds > 60 else f"{seconds:.0f} s"
    # Les images ne passent qu'une fois dans la base ; docs/laboratoire/records.md en dit la durée.
    after = ", une fois les images passées dans la base" if "derived_from" in report.details else ""
    return f"{text} par graine{after}"


def headlines_table(*, systems: bool) -> str:
    """Fait le tableau des mesures que les comptes rendus mettent en avant.

    Args:
        systems: les exercices à partir de `FIRST_SYSTEM` ; sinon ceux d'avant.
    """
    rows = []
    for exercise in EXERCISES:
        for slug in exercise.models if systems == (exercise.number >= FIRST_SYSTEM) else ():
            rows += _headline_rows(slug)
    data = "données" if systems else "images"
    measured = f"mesure, sur des {data} non apprises"
    titles = ["compte rendu", measured, "moyenne", "écart type", "graines"]
    return markdown_table(titles, rows)


def _headline_rows(slug: str) -> list[list[str]]:
    """Fait les lignes d'un compte rendu, que seule la première nomme."""
    report, rows = load_measures(slug), []
    for shown in report.headline:
        metric = report.metrics[shown.metric]
        value, spread = format_metric(metric, shown.unit), ""
        if metric.sd is not None:
            spread = format_metric(Metric(metric.sd), shown.unit).removesuffix(f" {shown.unit}")
        rows.append(["" if rows else slug, shown.label, value, spread, str(metric.n)])
    return rows


def methods_table() -> str:
    """Fait le tableau des méthodes d'explication."""
    from exercises.ex11_curves.ranking import table

    return table(load_measures("ex11_curves"))


def scale_tables() -> str:
    """Fait le tableau du barème de chaque exercice : questions, points, et ce qu'il faut."""
    from grading.scale import read_scale

    parts = []
    for name, exercise in read_scale().items():
        rows = [_question_row(rule) for rule in exercise.rules]
        table = markdown_table(["question", "points", "ce qui les donne"], rows)
        parts.append(f"### {name[2:]}. {exercise.title}\n\n{table}")
    return "\n\n".join(parts)


def _question_row(rule) -> list[str]:
    """Fait la ligne d'une question ; chaque niveau y est écrit avec les points qu'il vaut."""
    levels = []
    for level in rule.levels:
        share, _, text = level.partition(" : ")
        levels.append(f"**{_points(Fraction(share) * rule.points)}** : {text}")
    return [f"{rule.title} (`{rule.name}`)", _points(rule.points), "<br>".join(levels)]


def _points(points: Fraction) -> str:
    return f"{float(points):.4g}".replace(".", ",")


def update_pages(
    *,
    readme: Path = README,
    results: Path = RESULTS,
    scale: Path = SCALE,
    models_dir: Path = MODELS_DIR,
) -> None:
    """Remet les tableaux entre leurs repères, `<!-- nom : début -->` et `<!-- nom : fin -->`.

    Args:
        readme: l'accueil : exercices et cinq résultats.
        results: la page des résultats.
        scale: la page du barème.
        models_dir: dossier des modèles.

    Raises:
        ValueError: repères absents, ou compte rendu illisible ; aucune page n'est touchée.
    """
    tables = {
        readme: {
            "exercices": exercises_table(),
            "résultats": results_table(models_dir=models_dir, short=True),
        },
        results: {
            "résultats": results_table(models_dir=models_dir),
            "comparaisons": headlines_table(systems=False),
            "introspection": methods_table(),
            "systèmes": headlines_table(systems=True),
        },
        scale: {"barème": scale_tables()},
    }
    texts = {path: with_tables(path, own) for path, own in tables.items()}
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")


def marks(name: str) -> tuple[str, str]:
    """Rend les repères d'un tableau."""
    return f"<!-- {name} : début -->", f"<!-- {name} : fin -->"


def with_tables(path: Path, tables: dict[str, str]) -> str:
    """Rend le texte d'une page, des tableaux remis entre leurs repères.

    Args:
        path: la page, qui n'est pas récrite.
        tables: contenu de chaque tableau, par nom.

    Raises:
        ValueError: repères absents.
    """
    text = path.read_text(encoding="utf-8")
    for name, table in tables.items():
        start, end = marks(name)
        before, _, rest = text.partition(start)
        _, found, after = rest.partition(end)
        if not found:
            raise ValueError(f"{path} n'a pas les repères {start} et {end}.")
        text = f"{before}{start}\n{table}\n{end}{after}"
    return text
