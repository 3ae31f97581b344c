"""Apprendre MNIST à la main, et ce qu'y gagnent les filtres appris : le réseau face à ses témoins.

D'après : S4 « backpropagation pour CNN ? » ; S0, les filtres appris par rétropropagation.
Commande : python -m exercises.ex22_by_hand
"""

import time
from functools import partial

import keras
import numpy as np

from convnets.core.reports import Headline
from convnets.datasets import sources
from convnets.training import progress, study
from exercises.ex22_by_hand.figures import show
from exercises.ex22_by_hand.gradients import check_gradients, errors_table
from exercises.ex22_by_hand.loops import BATCH_SIZE, by_hand, losses_table, run_loops
from exercises.ex22_by_hand.loss import cross_entropy, softmax
from exercises.ex22_by_hand.network import (
    Descent,
    build_layers,
    build_linear,
    build_model,
    forward,
    to_floats,
    to_keras,
    weights_of,
)

NUM_VAL = 5000  # images retirées de l'entraînement ; elles choisissent la graine livrée
EPOCHS = 5
LEARNING_RATE = 0.1  # à la première époque ; il baisse ensuite, d'autant à chacune
PASS = 500  # images mesurées à la fois : toutes ensemble, leurs fenêtres rempliraient la mémoire
MOMENTUM = 0.9
NETWORKS = {  # de quoi construire chacun, et sa première couche apprise
    "cnn": (build_layers, 0),
    "frozen": (build_layers, -1),  # les filtres restent ceux du hasard
    "linear": (build_linear, 0),
}
COSTS = (45, 20, 1)  # durée de chacun, mesurée : la durée prévue en dépend
HEADLINE = (
    ("accuracy", "exactitude du CNN à la main, MNIST"),
    ("accuracy_frozen", "la même, filtres laissés au hasard"),
    ("accuracy_linear", "exactitude d'un classifieur linéaire à la main"),
    ("accuracy_constant", "exactitude en répondant toujours le chiffre le plus fréquent"),
)


# --- Question : apprendre, époque par époque -----------------------------------------


def learn(layers: list, batches: study.Batches, *, first: int, epochs: int, val, name: str) -> dict:
    """Apprend un réseau à la main, avec la boucle de `loops.by_hand`.

    Args:
        layers: couches, modifiées sur place.
        batches: lots d'entraînement.
        first: rang de la première couche apprise ; celles d'avant ne changent pas.
        epochs: nombre d'époques.
        val: images et classes de validation.
        name: nom du réseau, dans la ligne qui suit l'entraînement.

    Returns:
        Courbes : `loss`, `accuracy`, `val_loss`, `val_accuracy` et `duration_s`, une valeur par
        époque. Les deux premières sont mesurées comme les suivantes, une fois l'époque finie, sur
        autant d'images d'entraînement.
    """
    descent = Descent(layers[first:], learning_rate=LEARNING_RATE, momentum=MOMENTUM)
    measured = {"": (batches.x[: len(val[0])], batches.y[: len(val[0])]), "val_": val}
    history = {}
    with progress.follow() as line:
        line.begin(name, epochs=epochs, steps=len(batches))
        for epoch in range(epochs):
            start, batches.epoch = time.monotonic(), epoch
            descent.learning_rate = LEARNING_RATE * (1 - epoch / epochs)
            by_hand(layers, _followed(batches, line), descent)
            logs = {}
            for prefix, (x, y) in measured.items():
                scores = predict(layers, x)
                logs[f"{prefix}loss"] = cross_entropy(scores, y)[0]
                logs[f"{prefix}accuracy"] = float(np.mean(scores.argmax(1) == y))
            line.end_epoch(epoch, logs)
            for key, value in {**logs, "duration_s": time.monotonic() - start}.items():
                history.setdefault(key, []).append(value)
    return history


def _followed(batches: study.Batches, line: progress.Progress):
    for step in range(len(batches)):
        images, labels = batches[step]
        yield to_floats(images), labels
        line.step(batches.epoch, step)


def train(controls: dict, x_train, y_train, x_val, y_val, *, seed: int, options):
    """Apprend le CNN à la main, puis ses témoins, avec les mêmes lots.

    Args:
        controls: reçoit les témoins, sous la clé du jumeau Keras du CNN.
        x_train: images uint8 `(n, 28, 28)`.
        y_train: classes `(n,)`.
        x_val: images de validation.
        y_val: leurs classes.
        seed: graine des poids et des lots.
        options: options de `cli.training_parser`.

    Returns:
        `(jumeau Keras, courbes)` ; `duration_s` compte les trois réseaux.
    """
    size = options.batch_size or min(BATCH_SIZE, len(x_train))
    learned, history, durations = {}, {}, []
    for name, (build, first) in NETWORKS.items():
        batches = study.Batches(x_train, y_train, batch_size=size, seed=seed, augment=None)
        learned[name] = build(seed=seed)
        curves = learn(
            learned[name],
            batches,
            first=first,
            epochs=options.epochs,
            val=(x_val, y_val),
            name=name,
        )
        durations += curves.pop("duration_s")
        history = history or curves  # celles du premier, le CNN
    model = to_keras(learned["cnn"], build_model())
    controls[model] = learned | {"constant": int(np.bincount(y_train).argmax())}
    return model, history | {"duration_s": durations}


# --- Question : ce que vaut chacun ---------------------------------------------------


def predict(layers: list, x: np.ndarray) -> np.ndarray:
    """Rend les scores d'images uint8 `(n, 28, 28)` : `(n, 10)` float32."""
    passes = [forward(layers, to_floats(x[k : k + PASS])) for k in range(0, len(x), PASS)]
    return np.concatenate(passes)


def evaluate(controls: dict, model: keras.Model, x: np.ndarray, y: np.ndarray) -> dict:
    """Mesure le CNN et ses témoins.

    Args:
        controls: rempli par `train`.
        model: jumeau Keras du CNN, qui ne sert ici que de clé : c'est NumPy qui répond.
        x: images uint8 `(n, 28, 28)`.
        y: classes `(n,)`.

    Returns:
        `accuracy`, celle du CNN, `accuracy_frozen`, `accuracy_linear` et `accuracy_constant`, dans
        [0, 1] ; `probabilities` est du CNN.
    """
    known = controls[model]
    scores = {name: predict(known[name], x) for name in NETWORKS}
    right = {name: float(np.mean(each.argmax(1) == y)) for name, each in scores.items()}
    return {
        "accuracy": right["cnn"],
        "accuracy_frozen": right["frozen"],
        "accuracy_linear": right["linear"],
        "accuracy_constant": float(np.mean(known["constant"] == y)),
        "probabilities": softmax(scores["cnn"]),
    }


def describe(controls: dict, checks: dict, runs: list[dict]) -> dict:
    """Ajoute au compte rendu ce que les tableaux montrent, les tailles, et les vérifications."""
    known = controls[runs[0]["model"]]
    return {
        "headline": [Headline(name, label) for name, label in HEADLINE],
        "parameters": {name: sum(map(np.size, weights_of(known[name]))) for name in NETWORKS},
        "details": checks,
        "framing": "digit",  # comment ./predict prépare une image
    }


def check(x: np.ndarray, y: np.ndarray) -> dict:
    """Vérifie les gradients, puis les boucles sur ces images ; l'affiche et le rend."""
    errors = check_gradients()
    print(errors_table(errors), end="\n\n", flush=True)
    losses = run_loops(x, y)
    print(losses_table(losses), flush=True)
    return {"gradients": errors, "losses": losses}


def compare(options) -> int:
    """Vérifie, apprend les trois réseaux, les mesure, écrit le compte rendu ; rend 0.

    Raises:
        ValueError: `--resume`, `--minutes` ou une autre précision que float32.
    """
    if options.resume or options.minutes or options.precision != "float32":
        raise ValueError(
            "La boucle de cet exercice, écrite à la main, ne connaît ni --resume, ni --minutes, ni "
            "--precision. Elle dure une ou deux minutes ; --epochs et --limit la raccourcissent."
        )
    dataset, controls = sources.load_mnist(), {}
    checks = check(*dataset[0])
    return study.run_seeds(
        options,
        dataset=dataset,
        num_val=NUM_VAL,
        train=partial(train, controls),
        evaluate=partial(evaluate, controls),
        classes=sources.MNIST_CLASSES,
        classes_fr=sources.MNIST_CLASSES,
        on_saved=show,
        describe=partial(describe, controls, checks),
        stages=COSTS,
    )
