"""Apprendre à localiser, à détecter et à étiqueter, puis mesurer, sur plusieurs graines.

D'après : S3 « Different problems, models & metrics ».
"""

from argparse import Namespace
from types import ModuleType
from typing import NamedTuple

import keras
import numpy as np

from convnets.datasets import sources
from convnets.datasets.scenes import Scenes, compose_scenes
from convnets.training import study
from exercises.ex17_detection import grid, labels, localization, metrics, two_stage
from exercises.ex17_detection.anchors import to_truth

BATCH_SIZE = 32  # 64, au pas de 3e-3, apprend moins en autant d'images (validation)
LEARNING_RATE = 2e-3  # d'Adam, au début ; il décroît jusqu'à zéro
NUM_SCENES = {"train": 10_000, "val": 1000, "test": 2000}
NUM_HELD = 5000  # vêtements et photographies d'entraînement réservés aux scènes de validation
SEEDS = {"train": 0, "val": 1, "test": 2}  # des scènes : les mêmes pour toutes les graines
# Époques de chacun, quand la grille en a huit. Une époque des deux étages demande 1,8 fois plus de
# temps de processeur : quatre en prennent un peu moins que la grille, le compte rendu dit combien.
TWO_STAGE_EPOCHS, LABELS_EPOCHS = 4 / 8, 4 / 8
TIMED = 2  # époques dont on déduit le temps de la grille, sans l'apprendre en entier
COSTS = (2.0, 3.0, 3.0, 1.0, 1.0)  # des cinq réseaux, dans l'ordre où ils s'apprennent
MISSING_COSTS = (*COSTS[2:], COSTS[1] * TIMED / 8)


class More(NamedTuple):
    """Ce qu'une graine a appris de plus que la grille : deux étages, et des étiquettes."""

    two_stage: keras.Model
    min_score: float  # score à partir duquel il garde une boîte, choisi sur la validation
    test: dict[str, float]  # les mesures sur les scènes de test
    regions: np.ndarray  # (n, 25, 19), ce que les deux étages en disent
    history: dict[str, list[float]]


class Measured(NamedTuple):
    """Ce qu'une graine a appris, et ce que cela vaut."""

    model: keras.Model  # le détecteur à grille, celui qu'on livre
    min_score: float  # score à partir duquel il garde une boîte, choisi sur la validation
    val_map: float  # précision moyenne de la grille sur les scènes de validation
    test: dict[str, float]  # les mesures sur les scènes de test
    outputs: np.ndarray  # (n, 14), ce que le premier réseau dit des scènes de test d'un objet
    grids: np.ndarray  # (n, 8, 8, 15), ce que le détecteur dit des autres
    one_box: np.ndarray  # (n, 14), ce que le premier réseau dit de ces dernières
    more: More
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


def targets(network: ModuleType | labels.Ending, scenes: Scenes) -> np.ndarray:
    """Écrit la vérité de ces scènes comme `network` doit l'apprendre."""
    if network is grid:
        return grid.encode(scenes.boxes, scenes.labels)
    if network is two_stage:
        return to_truth(scenes)
    if network is localization:
        return localization.to_targets(scenes.boxes[:, 0], scenes.labels[:, 0])
    return labels.to_sets(scenes.labels)


# --- Question : apprendre ------------------------------------------------------------


def train(
    network: ModuleType | labels.Ending,
    scenes: dict[str, Scenes],
    *,
    seed: int,
    options,
    share: float = 1.0,
) -> tuple[keras.Model, dict]:
    """Entraîne un des réseaux.

    Args:
        network: `localization`, `grid`, `two_stage` ou une fin de `labels`, d'où viennent
            `build_model` et `loss` ; un réseau à deux étages compte lui-même sa perte.
        scenes: rendu par `make_scenes`.
        seed: graine des poids et de l'ordre des images.
        options: options de `cli.training_parser`.
        share: part des époques demandées ; au moins une.

    Returns:
        `(modèle en float32, courbes)` ; `cpu_s` est le temps de processeur d'une époque.
    """
    options = Namespace(**vars(options) | {"epochs": max(1, round(share * options.epochs))})
    model = study.build(network.build_model, seed=seed, precision=options.precision)
    batches = study.Batches(
        scenes["train"].images,
        targets(network, scenes["train"]),
        seed=seed,
        batch_size=options.batch_size or BATCH_SIZE,
        augment=None,
    )
    schedule = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, options.epochs * len(batches))
    loss = None if network is two_stage else network.loss
    model.compile(keras.optimizers.Adam(schedule), loss=loss, jit_compile=False)
    history = study.fit(
        model,
        batches,
        options=options,
        network=model.name,
        validation_data=(scenes["val"].images, targets(network, scenes["val"])),
        callbacks=[study.ProcessorClock()],
    )
    kept = network.build_model()  # les mêmes poids, en float32, sans la perte : Keras seul le lit
    kept.set_weights(model.get_weights())
    return kept, history


def predict(model: keras.Model, scenes: Scenes):
    """Rend ce que dit un réseau de chaque scène."""
    return model.predict(scenes.images, batch_size=500, verbose=0)


# --- Question : mesurer une graine ---------------------------------------------------


def measure(one: dict[str, Scenes], several: dict[str, Scenes], *, seed: int, options) -> Measured:
    """Entraîne les cinq réseaux d'une graine et les mesure, une fois, sur les scènes de test.

    Args:
        one: scènes d'un objet, rendues par `make_scenes`.
        several: scènes de un à plusieurs objets.
        seed: graine des poids et de l'ordre des images.
        options: options de `cli.training_parser`.

    Returns:
        Les deux détecteurs et les mesures de tous les réseaux.
    """
    first, curves = train(localization, one, seed=seed, options=options)
    detector, grid_curves = train(grid, several, seed=seed, options=options)
    more = measure_more(several, seed=seed, options=options)
    history = {f"localization_{name}": values for name, values in curves.items()} | grid_curves
    durations = [curves["duration_s"], grid_curves["duration_s"], more.history["duration_s"]]
    history |= more.history | {"duration_s": sum(durations, [])}

    val = metrics.judge(grid.decode(predict(detector, several["val"])), several["val"])
    min_score = metrics.choose_score(val)
    outputs, boxes = predict(first, one["test"]), one["test"].boxes[:, 0]
    classes = one["test"].labels[:, 0]
    blind = localization.mean_outputs(targets(localization, one["train"]), len(boxes))
    grids, one_box = (predict(model, several["test"]) for model in (detector, first))
    judged = metrics.judge(metrics.one_box(one_box), several["test"])
    test = {
        **localization.evaluate(outputs, boxes, classes),
        **{
            f"{name}_mean_box": value
            for name, value in localization.evaluate(blind, boxes, classes).items()
        },
        **metrics.evaluate(grids, several["test"], min_score=min_score),
        "map_one_box": metrics.mean_average_precision(judged),
        "cpu_s_grid": sum(grid_curves["cpu_s"]),
        **more.test,
    }
    return Measured(
        detector,
        min_score,
        metrics.mean_average_precision(val),
        test,
        outputs,
        grids,
        one_box,
        more,
        history,
    )


def measure_more(several: dict[str, Scenes], *, seed: int, options) -> More:
    """Entraîne le détecteur à deux étages et les deux réseaux d'étiquettes, et les mesure.

    Args:
        several: scènes de un à plusieurs objets.
        seed: graine des poids et de l'ordre des images.
        options: options de `cli.training_parser`.
    """
    model, curves = train(two_stage, several, seed=seed, options=options, share=TWO_STAGE_EPOCHS)
    history = {f"two_stage_{name}": values for name, values in curves.items()}
    duration_s = curves["duration_s"]
    val, regions = (predict(model, several[part])["regions"] for part in ("val", "test"))
    judged = metrics.judge(two_stage.to_detections(val), several["val"])
    min_score = metrics.choose_score(judged)
    test = metrics.evaluate_stages(regions, several["test"], min_score=min_score)
    test["cpu_s_two_stage"] = sum(curves["cpu_s"])

    sets = {part: labels.to_sets(scenes.labels) for part, scenes in several.items()}
    test |= labels.evaluate_constant(sets["train"], sets["test"])
    for name, ending in labels.ENDINGS.items():
        named, curves = train(ending, several, seed=seed, options=options, share=LABELS_EPOCHS)
        history |= {f"{name}_{key}": values for key, values in curves.items()}
        duration_s = duration_s + curves["duration_s"]
        threshold = labels.choose_threshold(predict(named, several["val"]), sets["val"])
        test |= labels.evaluate(name, predict(named, several["test"]), sets["test"], threshold)
        test[f"threshold_{name}"] = threshold
    return More(model, min_score, test, regions, history | {"duration_s": duration_s})


def time_grid(several: dict[str, Scenes], *, seed: int, options) -> float:
    """Rend le temps de processeur de la grille, d'après ses deux premières époques.

    La première prépare aussi les calculs ; toutes les autres ressemblent à la seconde.
    """
    _, curves = train(grid, several, seed=seed, options=options, share=TIMED / options.epochs)
    first_s, *_, last_s = curves["cpu_s"]
    return first_s + (options.epochs - 1) * last_s
