"""Même budget pour cinq réseaux d'images, puis les nœuds et les arcs : apprendre et mesurer.

D'après : S3 (diapositives), « Graph Neural Networks ».
Commande : python -m exercises.ex21_graphs
"""

from functools import partial

import keras
import numpy as np

from convnets.core.cli import percent
from convnets.core.reports import Headline
from convnets.datasets import sources
from convnets.training import progress, study
from exercises.ex21_graphs import tasks
from exercises.ex21_graphs.figures import show
from exercises.ex21_graphs.images import UPDATES, build_model
from exercises.ex21_graphs.real_graphs import load_club, load_novel

NUM_TRAIN, NUM_VAL = 8_000, 2_000  # images : assez pour comparer, en quelques minutes
EPOCHS = 5
BATCH_SIZE = 32
COSTS = (25, 27, 26, 9, 10)  # secondes de chaque réseau, mesurées : la durée prévue en dépend
LEARNING_RATE = 5e-3  # d'Adam, au début ; il décroît jusqu'à zéro
HEADLINE = (
    ("accuracy", "graphes d'images, messages"),
    ("accuracy_alone", "graphes d'images, sans message"),
    ("accuracy_conv", "mêmes carrés, convolution"),
    ("nodes", "club de karaté, messages"),
    ("nodes_propagation", "club de karaté, propagation d'étiquettes"),
)


# --- Question : l'entraîner, et ses témoins avec lui ---------------------------------


def train(controls: dict, x_train, y_train, x_val, y_val, *, seed: int, options):
    """Entraîne les cinq réseaux, même budget ; rend celui des messages sommés et ses courbes.

    Args:
        controls: reçoit les quatre autres, `{"mean": …}`, sous la clé du premier.
        x_train: images uint8 `(n, 28, 28)`.
        y_train: `(n,)`.
        x_val: images de validation.
        y_val: leurs classes.
        seed: graine.
        options: options de `cli.training_parser`.

    Returns:
        `(modèle, courbes)` ; `duration_s` compte les cinq.
    """
    trained, history = {}, {"duration_s": []}
    for update in UPDATES:
        model = study.build(partial(build_model, update), seed=seed, precision=options.precision)
        batches = study.Batches(
            x_train, y_train, batch_size=options.batch_size or BATCH_SIZE, seed=seed, augment=None
        )
        rate = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, options.epochs * len(batches))
        model.compile(
            keras.optimizers.Adam(rate),
            loss="sparse_categorical_crossentropy",
            metrics=["accuracy"],
            jit_compile=False,
        )
        curves = study.fit(
            model, batches, options=options, network=update, validation_data=(x_val, y_val)
        )
        progress.say(f"  {update} : {percent(curves['val_accuracy'][-1])} en validation")
        history["duration_s"] += curves.pop("duration_s")
        history |= curves if update == "sum" else {}
        trained[update] = build_model(update)  # les mêmes poids, en float32
        trained[update].set_weights(model.get_weights())
    main_model = trained.pop("sum")
    controls[main_model] = trained
    return main_model, history


def evaluate(controls: dict, model: keras.Model, x: np.ndarray, y: np.ndarray) -> dict:
    """Mesure le réseau, puis ses témoins : `accuracy`, `accuracy_mean`… et `probabilities`."""
    found = {}
    for update, each in {"sum": model, **controls[model]}.items():
        probabilities = each.predict(x, batch_size=500, verbose=0)
        name = "accuracy" if update == "sum" else f"accuracy_{update}"
        found[name] = float(np.mean(probabilities.argmax(1) == y.reshape(-1)))
        if update == "sum":
            found["probabilities"] = probabilities
    return found


# --- Question : mesurer les trois pertes ---------------------------------------------


def describe(controls: dict, runs: list[dict]) -> dict:
    """Ajoute les tâches sur les nœuds et les arcs, et la taille de chaque réseau."""
    names = [name for name in runs[0]["test"] if name != "probabilities"]
    measured = {name: [run["test"][name] for run in runs] for name in names}
    nodes, first = tasks.measure_nodes(load_club())
    measured |= nodes | tasks.measure_edges(load_novel())
    networks = {"sum": runs[0]["model"], **controls[runs[0]["model"]]}
    return {
        "metrics": {name: study.summarise(values) for name, values in measured.items()},
        "headline": [Headline(name, label) for name, label in HEADLINE],
        "parameters": {name: network.count_params() for name, network in networks.items()},
        "details": {"club": first},
    }


def compare(options) -> int:
    """Entraîne les cinq réseaux, mesure les trois pertes, écrit le compte rendu ; rend 0."""
    controls = {}
    (x, y), test = sources.load_fashion_mnist()
    images = NUM_TRAIN + NUM_VAL
    return study.run_seeds(
        options,
        dataset=((x[:images], y[:images]), test),
        num_val=NUM_VAL,
        train=partial(train, controls),
        evaluate=partial(evaluate, controls),
        classes=sources.FASHION_CLASSES,
        classes_fr=sources.FASHION_CLASSES_FR,
        on_saved=show,
        describe=partial(describe, controls),
        stages=COSTS,
    )
