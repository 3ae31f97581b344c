"""Apprendre à localiser et à détecter, puis mesurer, sur plusieurs graines.

D'après : S3 « Different problems, models & metrics ».
"""

from types import ModuleType
from typing import NamedTuple

import keras
import numpy as np

from convnets.datasets import sources
from convnets.datasets.scenes import Scenes, compose_scenes
from convnets.training import study
from exercises.ex17_detection import grid, localization, metrics

BATCH_SIZE = 32  # 64, au pas de 3e-3, apprend moins en autant d'images (validation)
LEARNING_RATE = 2e-3  # d'Adam, au début ; il décroît jusqu'à zéro
NUM_SCENES = {"train": 10_000, "val": 1000, "test": 2000}
NUM_HELD = 5000  # vêtements et photographies d'entraînement réservés aux scènes de validation
SEEDS = {"train": 0, "val": 1, "test": 2}  # des scènes : les mêmes pour toutes les graines


class Measured(NamedTuple):
    """Ce qu'une graine a appris, et ce que cela vaut."""

    model: keras.Model  # le détecteur
    min_score: float  # score à partir duquel il garde une boîte, choisi sur la validation
    val_map: float  # sa précision moyenne sur les scènes de validation
    test: dict[str, float]  # les mesures sur les scènes de test
    outputs: np.ndarray  # (n, 14), ce que le premier réseau dit des scènes de test d'un objet
    grids: np.ndarray  # (n, 8, 8, 15), ce que le détecteur dit des autres
    one_box: np.ndarray  # (n, 14), ce que le premier réseau dit de ces dernières
    history: dict[str, list[float]]


# --- Question : des scènes dont on connaît les boîtes --------------------------------


def make_scenes(
    fashion: sources.Dataset,
    cifar: sources.Dataset,
    *,
    num_objects: tuple[int, int],
    limit: int | None,
) -> dict[str, Scenes]:
    """Compose les scènes d'entraînement, de validation et de test.

    Args:
        fashion: `(x_train, y_train), (x_test, y_test)`, les vêtements à poser.
        cifar: de même, les photographies du fond.
        num_objects: au moins et au plus combien d'objets par scène.
        limit: au plus tant de scènes pour apprendre et pour tester ; None : `NUM_SCENES`.

    Returns:
        `{"train", "val", "test"}` ; aucun vêtement ni aucun fond n'est dans deux d'entre eux.
    """
    sizes = {part: min(num, limit or num) for part, num in NUM_SCENES.items()}
    sizes["val"] = min(sizes["val"], max(1, sizes["train"] // 6))
    splits = []
    for (x, y), test in (fashion, cifar):
        held = sources.split_validation(x, y, num_val=min(NUM_HELD, len(x) // 10), seed=0)
        splits.append((*held, test))
    made = {}
    for part, (x, y), (backgrounds, _) in zip(sizes, *splits, strict=True):
        made[part] = compose_scenes(
            x, y, backgrounds, num_scenes=sizes[part], num_objects=num_objects, seed=SEEDS[part]
        )
    return made


def targets(network: ModuleType, scenes: Scenes) -> np.ndarray:
    """Écrit la vérité de ces scènes comme `network` doit la rendre."""
    if network is grid:
        return grid.encode(scenes.boxes, scenes.labels)
    return localization.to_targets(scenes.boxes[:, 0], scenes.labels[:, 0])


# --- Question : apprendre ------------------------------------------------------------


def train(
    network: ModuleType, scenes: dict[str, Scenes], *, seed: int, options
) -> tuple[keras.Model, dict]:
    """Entraîne un des deux réseaux.

    Args:
        network: `localization` ou `grid`, d'où viennent `build_model` et `loss`.
        scenes: rendu par `make_scenes`.
        seed: graine des poids et de l'ordre des images.
        options: options de `cli.training_parser`.

    Returns:
        `(modèle en float32, courbes)`.
    """
    model = study.build(network.build_model, seed=seed, precision=options.precision)
    batches = study.Batches(
        scenes["train"].images,
        targets(network, scenes["train"]),
        seed=seed,
        batch_size=options.batch_size or BATCH_SIZE,
        augment=None,
    )
    schedule = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, options.epochs * len(batches))
    model.compile(keras.optimizers.Adam(schedule), loss=network.loss, jit_compile=False)
    history = study.fit(
        model,
        batches,
        options=options,
        network=model.name,
        validation_data=(scenes["val"].images, targets(network, scenes["val"])),
    )
    kept = network.build_model()  # les mêmes poids, en float32, sans la perte : Keras seul le lit
    kept.set_weights(model.get_weights())
    return kept, history


def predict(model: keras.Model, scenes: Scenes) -> np.ndarray:
    """Rend ce que dit un réseau de chaque scène."""
    return model.predict(scenes.images, batch_size=500, verbose=0)


# --- Question : mesurer une graine ---------------------------------------------------


def measure(one: dict[str, Scenes], several: dict[str, Scenes], *, seed: int, options) -> Measured:
    """Entraîne les deux réseaux d'une graine et les mesure, une fois, sur les scènes de test.

    Args:
        one: scènes d'un objet, rendues par `make_scenes`.
        several: scènes de un à plusieurs objets.
        seed: graine des poids et de l'ordre des images.
        options: options de `cli.training_parser`.

    Returns:
        Le détecteur et les mesures des deux réseaux.
    """
    first, curves = train(localization, one, seed=seed, options=options)
    detector, grid_curves = train(grid, several, seed=seed, options=options)
    history = {f"localization_{name}": values for name, values in curves.items()} | grid_curves
    history["duration_s"] = curves["duration_s"] + grid_curves["duration_s"]

    val = metrics.judge(grid.decode(predict(detector, several["val"])), several["val"])
    min_score = metrics.choose_score(val)
    outputs, boxes = predict(first, one["test"]), one["test"].boxes[:, 0]
    labels = one["test"].labels[:, 0]
    blind = localization.mean_outputs(targets(localization, one["train"]), len(boxes))
    grids, one_box = (predict(model, several["test"]) for model in (detector, first))
    judged = metrics.judge(metrics.one_box(one_box), several["test"])
    test = {
        **localization.evaluate(outputs, boxes, labels),
        **{
            f"{name}_mean_box": value
            for name, value in localization.evaluate(blind, boxes, labels).items()
        },
        **metrics.evaluate(grids, several["test"], min_score=min_score),
        "map_one_box": metrics.mean_average_precision(judged),
    }
    return Measured(
        detector,
        min_score,
        metrics.mean_average_precision(val),
        test,
        outputs,
        grids,
        one_box,
        history,
    )
