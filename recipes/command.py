"""Ce que les recettes ont en commun : leurs options, leur mesure, leur compte rendu."""

from collections.abc import Callable, Sequence
from functools import partial

from convnets.core.cli import FrenchParser, training_parser
from convnets.core.reports import Headline
from convnets.figures.charts import save_mistakes, save_training_figures
from convnets.training import study
from convnets.training.stages import Stages


def make_parser(name: str, slug: str, doc: str, *, epochs: int, seeds: int) -> FrenchParser:
    """Prépare les options d'une recette.

    Args:
        name: ce que lance `python -m recipes.`.
        slug: nom du modèle publié.
        doc: documentation du module ; sa première ligne ouvre l'aide.
        epochs: nombre d'époques par défaut.
        seeds: nombre de graines par défaut.
    """
    return training_parser(
        slug, doc.splitlines()[0], epochs=epochs, seeds=seeds, command=name, package="recipes"
    )


def measure(
    options,
    *,
    dataset,
    train: Callable,
    costs: Sequence[float],
    headline: dict[str, str],
    report: dict,
    details: dict | None = None,
    **measured,
) -> int:
    """Entraîne et mesure une graine après l'autre ; voir `study.run_seeds`.

    Args:
        options: celles de la recette.
        dataset: `(x_train, y_train), (x_test, y_test)`.
        train: celui de `run_seeds`, et `stages=`, les étapes de la recette.
        costs: coût de chaque étape, en toute unité : la durée prévue en est déduite.
        headline: mesures que les tableaux montrent, et ce qu'elles veulent dire.
        report: ce que la recette ajoute au compte rendu.
        details: ce qu'elle ajoute à ses détails.
        **measured: autres arguments de `run_seeds`.

    Returns:
        0, le code de sortie.
    """
    stages = Stages(options)
    rows = [Headline(metric, label) for metric, label in headline.items()]
    return study.run_seeds(
        options,
        dataset=dataset,
        train=partial(train, stages=stages),
        stages=costs,
        on_saved=show,
        describe=lambda runs: {
            "headline": rows,
            "duration_s": study.summarise(stages.durations_s()),
            "details": {**(details or {}), **stages.describe()},
            **report,
        },
        **measured,
    )


def show(options, report, x_test, y_test, probabilities) -> None:
    """Écrit courbes, matrice de confusion et erreurs les plus sûres d'elles."""
    save_training_figures(options, report, x_test, y_test, probabilities)
    if x_test.dtype == "uint8":  # des images, et non leurs caractéristiques
        save_mistakes(options, report, x_test, y_test, probabilities)
