"""La liste des recettes : ce que chacune refait, sa commande, ses étapes, le chiffre publié.

Commande : python -m recipes
"""

import ast
from pathlib import Path

from convnets.core import paths, reports
from convnets.core.cli import run

MODELS = {
    "garments": "garments",
    "thumbnails": "thumbnails",
    "digits": "digits",
    "photos": "photos",
    "comparison": "ex04_comparison",
}


def read_page(name: str) -> str:
    """Rend la documentation d'une recette, sans l'importer : TensorFlow en serait."""
    source = Path(__file__).with_name(f"{name}.py").read_text(encoding="utf-8")
    return ast.get_docstring(ast.parse(source))


def describe_published(name: str) -> str:
    """Dit ce que vaut le modèle publié, et si c'est cette recette qui l'a fait."""
    report = reports.load_report(paths.MODELS_DIR / f"{MODELS[name]}.json")
    metric = report.metrics["accuracy"]
    shown = f"{reports.format_metric(metric)} ({reports.format_seeds(metric)})"
    made = report.command.startswith(f"python -m recipes.{name} ")
    by = "fait par cette recette" if made else f"fait par : {report.command}"
    return f"Modèle publié : {MODELS[name]}, exactitude {shown}, en une passe ; {by}."


def main() -> int:
    """Écrit la page de chaque recette."""
    for name in MODELS:
        print(f"{read_page(name)}\n\n{describe_published(name)}\n\n{'-' * 80}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(run(main))
