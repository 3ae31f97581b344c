"""LeNet et un réseau dense d'autant de paramètres : même budget, mêmes données, cinq graines.

D'après : TD « keras & réseaux de neurones convolutionnels », question 1.
Commande : python -m exercises.ex04_lenet --recipe plain
Résultat mesuré : models/ex04_comparison.json.

Un thème de l'exercice 04, dont l'entrée est `ex04_lenet`, qui construit les deux réseaux. La
recette est simple, la même pour les deux : rien n'y avantage l'un ou l'autre.
"""

from argparse import Namespace
from collections.abc import Callable
from functools import partial

import keras
import numpy as np
from scipy import stats

from convnets.core import paths
from convnets.core.reports import Headline
from convnets.datasets import sources
from convnets.figures.style import output_dir
from convnets.training import study
from convnets.training.augmentation import shift
from exercises import ex04_figures

Networks = dict[str, Callable[[], keras.Model]]

EPOCHS = 12  # le même budget pour les deux réseaux
BATCH_SIZE = 128
LEARNING_RATE = 1e-3  # celui d'Adam par défaut
SHIFTS_PX = range(-4, 5)  # à 4 vers le bas, le bord rogne déjà un chiffre sur deux
CONFIDENCE = 0.95
HEADLINE = {  # ce qui va dans le tableau des résultats
    "error": "taux d'erreur de LeNet, recette simple",
    "error_dense": "taux d'erreur du réseau dense, même recette",
    "lenet_right_4": "exactitude de LeNet, recette simple, chiffres décalés de 4 pixels",
    "dense_right_4": "exactitude du réseau dense, mêmes images",
}


# --- Question 1 : même budget, mêmes données -----------------------------------------


def train(
    networks: Networks, x_train, y_train, x_val, y_val, *, seed: int, options
) -> tuple[keras.Model, dict]:
    """Entraîne les deux réseaux, l'un après l'autre ; les rend en un modèle à deux sorties."""
    images = keras.Input((28, 28), dtype="uint8")
    shipped, history = {}, {"duration_s": []}
    for name, build_model in networks.items():
        model = study.build(build_model, seed=seed, precision=options.precision)
        batches = study.Batches(
            x_train, y_train, batch_size=options.batch_size or BATCH_SIZE, seed=seed, augment=None
        )
        model.compile(
            keras.optimizers.Adam(LEARNING_RATE),
            loss="sparse_categorical_crossentropy",
            metrics=["accuracy"],
            jit_compile=study.JIT_COMPILE,
        )
        curves = study.fit(
            model,
            batches,
            epochs=options.epochs,
            resume=options.resume,
            verbose=2,
            checkpoint=paths.checkpoint_path(options, seed, network=name),
            validation_data=(x_val, y_val),
            validation_batch_size=500,
        )
        history |= {f"{name}_{key}": values for key, values in curves.items()}
        history["duration_s"] = history["duration_s"] + curves["duration_s"]
        kept = build_model()  # les mêmes poids, en float32
        kept.set_weights(model.get_weights())
        shipped[name] = kept(images)
    return keras.Model(images, shipped, name=options.module), history


# --- Question 1 : ce que vaut chacun, chiffres en place et déplacés ------------------


def evaluate(model: keras.Model, x: np.ndarray, y: np.ndarray) -> dict:
    """Mesure les deux réseaux, chiffres en place puis déplacés selon chaque axe.

    Args:
        model: modèle rendu par `train`.
        x: images uint8 `(n, 28, 28)`.
        y: étiquettes `(n,)`.

    Returns:
        `accuracy` et `error` de LeNet, `accuracy_dense` et `error_dense`, puis les précisions
        `lenet_right_-4` à `dense_down_4` ; dans [0, 1]. `probabilities` est de LeNet.
    """
    measures = {}
    for distance in SHIFTS_PX:
        for direction, (down, right) in {"right": (0, distance), "down": (distance, 0)}.items():
            probabilities = model.predict(shift(x, down, right), batch_size=500, verbose=0)
            for name, each in probabilities.items():
                accuracy = float(np.mean(each.argmax(1) == y))
                measures[f"{name}_{direction}_{distance}"] = accuracy
            if (down, right) == (0, 0):
                in_place = probabilities
    lenet, dense = measures["lenet_right_0"], measures["dense_right_0"]
    return {
        "accuracy": lenet,
        "error": 1 - lenet,
        "accuracy_dense": dense,
        "error_dense": 1 - dense,
        **measures,
        "probabilities": in_place["lenet"],
    }


# --- Question 1 : la différence est-elle due au hasard ? -----------------------------


def difference(first: list[float], second: list[float]) -> dict:
    """Compare deux moyennes sans supposer que leurs dispersions sont égales.

    Args:
        first: une mesure par graine.
        second: de même, autant ou non.

    Returns:
        `{"mean", "low", "high", "p_value", "confidence"}` : la différence des moyennes,
        `first` moins `second`, les bornes de son intervalle de confiance et la probabilité
        d'une différence au moins aussi grande entre deux moyennes égales ; None pour ce que
        moins de deux graines, ou des mesures toutes égales, ne permettent pas de dire.

    Source : Welch, « The generalization of Student's problem », Biometrika 34, 1947.
    """
    found = {"mean": float(np.mean(first) - np.mean(second)), "confidence": CONFIDENCE}
    if min(len(first), len(second)) < 2 or np.ptp(first) == np.ptp(second) == 0:
        return found | {"low": None, "high": None, "p_value": None}
    test = stats.ttest_ind(first, second, equal_var=False)
    low, high = test.confidence_interval(CONFIDENCE)
    return found | {"low": float(low), "high": float(high), "p_value": float(test.pvalue)}


def describe(runs: list[dict]) -> dict:
    """Ajoute au compte rendu la différence, la taille des réseaux et leurs courbes moyennes."""
    lenet, dense = ([run["test"][name] for run in runs] for name in ("accuracy", "accuracy_dense"))
    curves = {}
    for name in runs[0]["history"]:
        if name.endswith("duration_s"):
            continue
        values = np.array([run["history"][name] for run in runs])  # (graines, époques)
        sd = values.std(0, ddof=1) if len(runs) > 1 else np.zeros(values.shape[1])
        curves[name] = {"mean": values.mean(0).tolist(), "sd": sd.tolist()}
    networks = [layer for layer in runs[0]["model"].layers if isinstance(layer, keras.Model)]
    sizes = {network.name: network.count_params() for network in networks}
    return {
        "headline": [Headline(name, label) for name, label in HEADLINE.items()],
        "parameters": sizes,
        "details": {"difference": difference(lenet, dense), "curves": curves},
    }


# --- Question 1 : comparer ----------------------------------------------------------


def compare(networks: Networks, dataset, *, options, num_val: int) -> int:
    """Entraîne, mesure et enregistre la comparaison ; écrit ses deux figures.

    Args:
        networks: constructeurs des réseaux `"lenet"` et `"dense"`.
        dataset: `(x_train, y_train), (x_test, y_test)`.
        options: options de `cli.training_parser` ; au plus `EPOCHS` époques sont faites.
        num_val: images de validation.

    Returns:
        0, le code de sortie.
    """
    options = Namespace(**vars(options) | {"epochs": min(options.epochs, EPOCHS)})

    def show(options, report, x_test, y_test, probabilities) -> None:
        print(ex04_figures.summary(report))
        ex04_figures.save_curves(report, output_dir(options) / "comparison.png")
        ex04_figures.save_shifts(report, output_dir(options) / "decalages.png")

    return study.run_seeds(
        options,
        dataset=dataset,
        num_val=num_val,
        train=partial(train, networks),
        evaluate=evaluate,
        classes=sources.MNIST_CLASSES,
        classes_fr=sources.MNIST_CLASSES,
        on_saved=show,
        describe=describe,
    )
