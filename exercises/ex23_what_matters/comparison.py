"""Toutes les variantes, sur les deux jeux, pour chaque graine ; et le compte rendu.

D'après : S1, exercice 2, « ce qui fonctionne le mieux ».
Commande : python -m exercises.ex23_what_matters

Le modèle enregistré est la référence apprise sur CIFAR-10, choisie d'avance : le jeu de test ne
choisit rien.
"""

from functools import cache, partial
from typing import NamedTuple

import keras
import numpy as np

from convnets.core.cli import percent
from convnets.core.reports import Headline
from convnets.datasets import sources
from convnets.training import progress, study
from convnets.training.cost import forward_flops
from exercises.ex23_what_matters.figures import show
from exercises.ex23_what_matters.intervals import paired_gap
from exercises.ex23_what_matters.networks import CHANGES, build_model, pieces_of
from exercises.ex23_what_matters.training import LONG, NUM_VAL, Job, predict, train, with_channels

Right = dict[str, np.ndarray]  # nom d'un réseau → vrai où il a raison, (images de test,)

SHAPES = {"fashion_mnist": (28, 28, 1), "cifar10": (32, 32, 3)}
SHIPPED = "cifar10"  # le jeu du modèle enregistré, et du budget long
OTHER_DRAW = 1000  # ajouté à la graine du témoin : la référence, tirée une autre fois
# Ceux que l'on peut soupçonner de dépendre le plus du budget.
LONG_NAMES = ("reference", "linear", "dropout", "augmented")
SETUP = 1.0  # préparer un réseau et le mesurer : autant qu'apprendre la référence, à peu près
HEADLINE = {
    "accuracy": "exactitude de la référence, CIFAR-10",
    "accuracy_cifar10_dense": "la même, réseau dense d'autant de paramètres",
    "accuracy_cifar10_reference_long": f"la même, référence, {LONG} fois plus d'époques",
    "accuracy_cifar10_dropout_long": f"la même, dropout, {LONG} fois plus d'époques",
    "accuracy_cifar10_augmented_long": f"la même, augmentation, {LONG} fois plus d'époques",
    "accuracy_fashion_mnist_reference": "exactitude de la référence, Fashion-MNIST",
    "accuracy_fashion_mnist_dense": "la même, réseau dense d'autant de paramètres",
}


# --- Question : tous au même budget, puis quelques-uns plus longtemps -----------------------


def make_jobs(seed: int, dataset: str) -> list[Job]:
    """Rend ce qu'une graine apprend d'un jeu, dans l'ordre.

    Args:
        seed: graine des poids et des lots ; le témoin en a une autre.
        dataset: nom du jeu ; seul CIFAR-10 a un budget long, pour que la leçon reste courte.
    """
    jobs = [Job(name, seed) for name in ("reference", *CHANGES)]
    jobs.append(Job("twin", seed + OTHER_DRAW))
    return jobs + [Job(name, seed, LONG) for name in LONG_NAMES if dataset == SHIPPED]


def train_all(
    learned: dict[int, dict[str, Right]],
    datasets: dict[str, sources.Dataset],
    *splits: np.ndarray,
    seed: int,
    options,
) -> tuple[keras.Model, dict]:
    """Apprend tous les réseaux d'une graine, et note à quelles images de test chacun a raison.

    Args:
        learned: reçoit, sous la graine, les réponses de chaque réseau, jeu par jeu.
        datasets: les deux jeux entiers.
        *splits: images et classes d'apprentissage, puis de validation, de CIFAR-10 ; l'autre jeu
            est partagé de la même façon.
        seed: graine.
        options: options de `cli.training_parser`.

    Returns:
        La référence de CIFAR-10 et ses courbes ; `duration_s` compte tous les réseaux.
    """
    learned[seed], durations, num_val = {}, [], len(splits[-1])
    for dataset, ((x, y), (x_test, y_test)) in datasets.items():
        x, x_test = with_channels(x[: options.limit]), with_channels(x_test[: options.limit])
        split, _ = sources.split_validation(x, y[: options.limit], num_val=num_val, seed=0)
        y_test, right = y_test[: options.limit].reshape(-1), {}
        for job in make_jobs(seed, dataset):
            model, curves = train(job, dataset, split, options=options)
            right[job.key] = predict(model, x_test).argmax(1) == y_test
            durations += curves.pop("duration_s")
            progress.say(f"  {dataset}, {job.key} : {percent(right[job.key].mean())} sur le test")
            if (dataset, job.key) == (SHIPPED, "reference"):
                shipped, history = model, curves
        learned[seed][dataset] = right
    return shipped, history | {"duration_s": durations}


def evaluate(model: keras.Model, x: np.ndarray, y: np.ndarray) -> dict:
    """Mesure la référence : `accuracy` dans [0, 1], et `probabilities`."""
    probabilities = predict(model, x)
    accuracy = float(np.mean(probabilities.argmax(1) == y.reshape(-1)))
    return {"accuracy": accuracy, "probabilities": probabilities}


# --- Question : ce que vaut chaque pièce, et ce qu'elle coûte ------------------------


class Size(NamedTuple):
    """Ce que coûte un réseau."""

    parameters: int
    operations: int  # multiplications et additions, pour une image


@cache
def size_of(name: str, shape: tuple[int, int, int]) -> Size:
    """Compte ce que coûte une variante, ou la référence.

    Args:
        name: voir `networks.pieces_of`.
        shape: hauteur, largeur et couleurs des images.
    """
    model = build_model(pieces_of(name), shape, name)
    return Size(int(model.count_params()), forward_flops(model))


def against(job: Job) -> str:
    """Rend le nom de la référence à laquelle un réseau se compare : celle de son budget."""
    return Job("reference", job.seed, job.budget).key


def compare_all(rights: list[dict[str, Right]]) -> dict[str, dict[str, dict]]:
    """Compare chaque réseau à la référence de son budget, et compte ce qu'il coûte.

    Args:
        rights: par graine, les réponses de chaque réseau, jeu par jeu.

    Returns:
        Par jeu et par réseau : `parameters`, `operations` (multiplications et additions par image),
        `gap`, trois nombres (`intervals.Gap`) ou aucun pour une référence.
    """
    found = {}
    for dataset, shape in SHAPES.items():
        found[dataset] = {}
        for job in make_jobs(0, dataset):
            right, reference = (
                np.stack([each[dataset][key] for each in rights]) for key in (job.key, against(job))
            )
            found[dataset][job.key] = {
                **size_of(job.name, shape)._asdict(),
                "gap": [*paired_gap(right, reference)] if job.name != "reference" else [],
            }
    return found


def describe(learned: dict, datasets: dict, runs: list[dict]) -> dict:
    """Ajoute au compte rendu toutes les exactitudes, les différences et les coûts."""
    rights = [learned[seed] for seed in range(len(runs))]
    metrics = {"accuracy": study.summarise([run["test"]["accuracy"] for run in runs])}
    for dataset, names in rights[0].items():
        for key in names:
            values = [each[dataset][key].mean() for each in rights]
            metrics[f"accuracy_{dataset}_{key}"] = study.summarise(values)
    return {
        "metrics": metrics,
        "headline": [Headline(name, label) for name, label in HEADLINE.items()],
        "data_sha256": {name: sources.dataset_sha256(each) for name, each in datasets.items()},
        "details": {"datasets": compare_all(rights)},
    }


def costs() -> list[float]:
    """Estime ce que coûte chaque réseau, la référence valant un : la durée prévue en dépend."""
    found = []
    for dataset, shape in SHAPES.items():
        unit = size_of("reference", shape).operations
        for job in make_jobs(0, dataset):
            found.append(SETUP + job.budget * size_of(job.name, shape).operations / unit)
    return found


def compare(options) -> int:
    """Apprend et compare tous les réseaux, écrit le compte rendu et la figure ; rend 0."""
    datasets = {"fashion_mnist": sources.load_fashion_mnist(), "cifar10": sources.load_cifar10()}
    learned: dict[int, dict[str, Right]] = {}
    return study.run_seeds(
        options,
        dataset=datasets[SHIPPED],
        num_val=NUM_VAL,
        train=partial(train_all, learned, datasets),
        evaluate=evaluate,
        classes=sources.CIFAR10_CLASSES,
        classes_fr=sources.CIFAR10_CLASSES_FR,
        on_saved=show,
        describe=partial(describe, learned, datasets),
        stages=costs(),
    )
