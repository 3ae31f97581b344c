"""Les dernières lignes d'un entraînement : ce qu'il a atteint, où il est, comment s'en servir.

Ce qui est atteint se lit à côté de ce que le modèle livré avec le dépôt avait mesuré.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from convnets.core import paths, reports
from convnets.core.cli import agreed


class Shown(NamedTuple):
    """La mesure qu'on montre : une clé de `metrics`, ses mots, son unité."""

    metric: str
    label: str
    unit: str = "%"
    how: str = ""  # comment elle a été prise


ACCURACY = Shown("accuracy", "Exactitude", how="en une passe")


def published(slug: str) -> reports.Report | None:
    """Rend le compte rendu livré avec le dépôt, ou None s'il n'y en a pas de lisible."""
    try:
        return reports.load_report(paths.MODELS_DIR / f"{slug}.json")
    except (OSError, ValueError):
        return None


def format_test(test: Mapping[str, float], shown: Shown) -> str:
    """Écrit la mesure d'une graine : `"sur le jeu de test, 93,41 %"`."""
    metric = reports.Metric(mean=test[shown.metric], sd=None, n=1)
    return f"sur le jeu de test, {reports.format_metric(metric, shown.unit)}"


def tell(
    options,
    report: reports.Report,
    *,
    reason: str | None,
    published: reports.Report | None,
    shown: Shown = ACCURACY,
    use: str | None = None,
) -> None:
    """Écrit les dernières lignes d'un entraînement.

    Args:
        options: options de `cli.training_parser` ; `models_dir` est le dossier où le modèle vient
            d'être écrit, `module` son nom.
        report: compte rendu de l'entraînement.
        reason: pourquoi il n'a pas remplacé le modèle en place, rendu par `saving.save_model`.
        published: compte rendu livré avec le dépôt, lu avant l'enregistrement.
        shown: la mesure à dire.
        use: commande qui s'en sert ; None, celle de `./predict`.
    """
    tested = [(each.num_images or {}).get("test") for each in (report, published or report)]
    fewer = agreed(tested[0], "image") if tested[0] != tested[1] else ""
    print(f"{shown.label} sur le jeu de test : {_measure(report, shown, fewer)}", end="")
    if published and shown.metric in published.metrics:
        print(f" ; le modèle publié : {_measure(published, shown)}", end="")
    print(".")
    tell_where(options, report, reason=reason, use=use)


def tell_where(options, report: reports.Report, *, reason: str | None, use: str | None = None):
    """Écrit où sont les poids, et la commande qui s'en sert : la fin de `tell`."""
    folder, slug = Path(options.models_dir), options.module
    print(f"Poids : {display(folder / slug)}.keras (graine {report.shipped['seed']}).")
    if reason:
        print(reason)
    shipped = folder.resolve() == paths.MODELS_DIR
    alone = folder.name in (slug, f"{slug}-2")  # un dossier de `runs/` ne contient qu'un modèle
    known = slug if shipped else display(folder if alone else folder / slug)
    print(f"Pour s'en servir : {use or f'./predict --model {known} image.png'}", flush=True)


def own_command(options, argument: str, *, folder: Path) -> str:
    """Rend la commande d'un exercice qui se sert du modèle qu'il vient d'écrire.

    Args:
        options: options de `cli.training_parser`.
        argument: ce qu'elle lit, par exemple `"photo.png"`.
        folder: dossier du modèle, nommé s'il n'est pas celui des modèles livrés.
    """
    shipped = Path(folder).resolve() == paths.MODELS_DIR
    where = "" if shipped else f" --models-dir {display(Path(folder))}"
    return f"python -m exercises.{options.command} {argument}{where}"


def _measure(report: reports.Report, shown: Shown, *more: str) -> str:
    metric = report.metrics[shown.metric]
    notes = [reports.format_seeds(metric), *more, shown.how]
    return f"{reports.format_metric(metric, shown.unit)} ({', '.join(filter(None, notes))})"


def display(path: Path) -> Path:
    """Rend un chemin relatif au dossier courant, s'il est dedans."""
    path = path.resolve()
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
