"""Apprendre les quatre réseaux sur les mêmes films, et mesurer une graine.

D'après : S3 « Action Recognition » ; S0 « Convolution 3D ».
"""

from functools import partial
from typing import NamedTuple

import keras
import numpy as np

from convnets.core.cli import percent
from convnets.datasets import sources
from convnets.training import progress, study
from exercises.ex27_video.clips import CLASSES, compose_clips, shuffle_frames
from exercises.ex27_video.networks import WIDTHS, build_model

EPOCHS = 6
BATCH_SIZE = 32
LEARNING_RATE = 2e-3  # d'Adam, au début ; il décroît jusqu'à zéro
NUM_CLIPS = {"train": 3000, "val": 600, "test": 1200}
SEEDS = {"train": 0, "val": 1, "test": 2}  # des films : les mêmes pour toutes les graines
NUM_HELD = 5000  # vêtements et photographies d'entraînement réservés aux films de validation
COSTS = (11, 27, 8, 8)  # secondes de chaque réseau, mesurées : la durée prévue en dépend


class Measured(NamedTuple):
    """Ce qu'une graine a appris, et ce que cela vaut."""

    model: keras.Model  # celui de la convolution 3D
    parameters: dict[str, int]  # poids de chaque réseau
    val: float  # exactitude de la convolution 3D sur les films de validation
    test: dict[str, float]  # les mesures sur les films de test
    history: dict[str, list[float]]


# --- Question : des films, dont aucun objet n'a servi deux fois ----------------------


def make_clips(
    fashion: sources.Dataset, cifar: sources.Dataset, *, limit: int | None
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Compose les films d'entraînement, de validation et de test.

    Args:
        fashion: `(x_train, y_train), (x_test, y_test)`, les vêtements.
        cifar: de même, les photographies du fond.
        limit: au plus tant de films par jeu, deux pour tester étant le moins ; None : `NUM_CLIPS`.

    Returns:
        `{"train", "val", "test"}`, des `(films, classes)` ; aucun vêtement ni aucun fond n'est dans
        deux d'entre eux. Chaque film de test est suivi de son jumeau.
    """
    splits = []
    for (x, y), (x_test, _) in (fashion, cifar):
        held = min(NUM_HELD, len(x) // 10)
        (kept, _), (val, _) = sources.split_validation(x, y, num_val=held, seed=0)
        splits.append((kept, val, x_test))
    made = {}
    for part, objects, backgrounds in zip(NUM_CLIPS, *splits, strict=True):
        twins, num_clips = part == "test", min(NUM_CLIPS[part], limit or NUM_CLIPS[part])
        made[part] = compose_clips(
            objects,
            backgrounds,
            num_clips=max(2, num_clips // 2 * 2) if twins else num_clips,
            seed=SEEDS[part],
            twins=twins,
        )
    return made


# --- Question : apprendre ------------------------------------------------------------


def train(kind: str, clips: dict, *, seed: int, options) -> tuple[keras.Model, dict]:
    """Entraîne un des quatre réseaux ; rend `(modèle livré, courbes)`.

    Args:
        kind: une clé de `WIDTHS`.
        clips: rendu par `make_clips`.
        seed: graine des poids et de l'ordre des films.
        options: options de `cli.training_parser`.
    """
    model = study.build(partial(build_model, kind), seed=seed, precision=options.precision)
    x_train, y_train = clips["train"]
    batches = study.Batches(
        x_train,
        y_train,
        batch_size=options.batch_size or min(BATCH_SIZE, len(x_train)),
        seed=seed,
        augment=None,
    )
    schedule = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, options.epochs * len(batches))
    model.compile(
        keras.optimizers.Adam(schedule),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=False,
    )
    history = study.fit(model, batches, options=options, network=kind, validation_data=clips["val"])
    return study.to_ship(model, build_model(kind)), history


# --- Question : dit-il l'ordre, ou seulement la paire ? ------------------------------


def judge(probabilities: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Mesure des réponses : l'exactitude, et l'ordre, la paire étant donnée.

    Args:
        probabilities: `(n, 6)`.
        labels: classes vraies `(n,)`.

    Returns:
        `(exactitude, part des films mieux notés dans leur classe que dans celle de leur jumeau)` ;
        une égalité compte pour moitié. Le hasard vaut 1/6 et 1/2.
    """
    rows = np.arange(len(labels))
    gap = probabilities[rows, labels] - probabilities[rows, labels ^ 1]
    accuracy = np.mean(probabilities.argmax(1) == labels)
    return float(accuracy), float(np.mean((np.sign(gap) + 1) / 2))


def measure(clips: dict, *, seed: int, options) -> Measured:
    """Entraîne les quatre réseaux d'une graine et les mesure, une fois, sur les films de test.

    Args:
        clips: rendu par `make_clips`.
        seed: graine des poids et de l'ordre des films.
        options: options de `cli.training_parser`.
    """
    trained, history = {}, {"duration_s": []}
    x, y = clips["test"]
    test = {}
    for kind in WIDTHS:
        trained[kind], curves = train(kind, clips, seed=seed, options=options)
        history["duration_s"] += curves.pop("duration_s")
        history |= curves if kind == "conv3d" else {}
        found = judge(predict(trained[kind], x), y)
        test[f"accuracy_{kind}"], test[f"order_{kind}"] = found
        progress.say(f"  {kind} : exactitude {percent(found[0])}, ordre {percent(found[1])}")
    shuffled = predict(trained["conv3d"], shuffle_frames(x, seed=seed))
    test["accuracy_shuffled"], test["order_shuffled"] = judge(shuffled, y)
    constant = np.bincount(clips["train"][1], minlength=len(CLASSES)).argmax()
    test["accuracy_constant"] = float(np.mean(y == constant))
    val = judge(predict(trained["conv3d"], clips["val"][0]), clips["val"][1])[0]
    parameters = {kind: model.count_params() for kind, model in trained.items()}
    return Measured(trained["conv3d"], parameters, val, test, history)


def predict(model: keras.Model, clips: np.ndarray) -> np.ndarray:
    """Rend les six probabilités de chaque film."""
    return model.predict(clips, batch_size=200, verbose=0)
