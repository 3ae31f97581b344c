"""Le sac de mots face à ses concurrents : mêmes images, et temps de processeur compté.

D'après : S3 « Avant le deep ».
Commande : python -m exercises.ex16_bag_of_words

Les concurrents : le même classifieur sur les pixels bruts, et un réseau de convolution, d'abord
avec le même temps de processeur que le sac, puis avec quatre fois plus d'époques et des images
déplacées et retournées.
"""

import time
from functools import partial

import keras
import numpy as np

from convnets.core.reports import Headline
from convnets.datasets import sources
from convnets.training import study
from exercises.ex16_bag_of_words.classifier import build_model, fit_linear, learn_bag, timed
from exercises.ex16_bag_of_words.cnn import train_cnn
from exercises.ex16_bag_of_words.encoding import BATCH_SIZE, SHIPPED_CODING, encode, features
from exercises.ex16_bag_of_words.figures import show

NUM_IMAGES = 12_000  # les premières de CIFAR-10, validation comprise : quelques minutes suffisent
NUM_VAL = 2000  # images retirées de l'entraînement ; elles choisissent la graine livrée
SIZES = (50, 200, 800)  # mots du dictionnaire ; le dernier est livré
PIXEL_STRENGTH = 1e-4  # C du classifieur sur les pixels, choisi en validation
EPOCHS = 5  # du réseau : autant de secondes de processeur que le sac de 800 mots
LONG = 4  # fois plus d'époques, pour le second réseau


# --- Question : apprendre tous les concurrents ---------------------------------------


def train(rivals: dict, x_train, y_train, x_val, y_val, *, seed: int, options):
    """Apprend tous les concurrents.

    Args:
        rivals: rempli ici : `"pixels"`, `"cnn"`, `"cnn_long"`, et un `Bag` par taille.
        x_train: images uint8 `(n, 32, 32, 3)`.
        y_train: classes `(n,)`.
        x_val: images de validation, pour les courbes du réseau.
        y_val: leurs classes.
        seed: graine des mots et des réseaux.
        options: options de `cli.training_parser`.

    Returns:
        Le sac livré et les courbes ; `cpu_s_cnn`… y sont les secondes de processeur de chacun.
    """
    start, cpu_s = time.monotonic(), {}
    rivals["pixels"], cpu_s["pixels"] = timed(
        lambda: fit_linear(as_rows(x_train), y_train, strength=PIXEL_STRENGTH)
    )
    for size in SIZES:
        dictionary, rivals[size], seconds = learn_bag(x_train, y_train, size, seed=seed)
        cpu_s |= {f"{coding}_{size}": value for coding, value in seconds.items()}
    model = build_model(dictionary, rivals[SIZES[-1]].classifiers[SHIPPED_CODING])
    history = {}
    for name, epochs in (("cnn", options.epochs), ("cnn_long", LONG * options.epochs)):
        rivals[name], curves = train_cnn(
            x_train,
            y_train,
            val=(x_val, y_val),
            epochs=epochs,
            seed=seed,
            options=options,
            move=name == "cnn_long",
        )
        cpu_s[name] = sum(curves.pop("cpu_s"))
        history |= {f"{name}_{key}": values for key, values in curves.items()}
    history |= {f"cpu_s_{name}": [seconds] for name, seconds in cpu_s.items()}
    duration_s = time.monotonic() - start
    return model, history | {"duration_s": [duration_s]}


def as_rows(x: np.ndarray) -> np.ndarray:
    """Met chaque image sur une ligne, en float32 dans [0, 1]."""
    return x.reshape(len(x), -1).astype(np.float32) / 255


# --- Question : ce que vaut chacun ---------------------------------------------------


def evaluate(rivals: dict, model: keras.Model, x: np.ndarray, y: np.ndarray) -> dict:
    """Mesure l'exactitude de tous les concurrents sur les mêmes images.

    Args:
        rivals: rempli par `train`.
        model: le sac livré.
        x: images uint8 `(n, 32, 32, 3)`.
        y: étiquettes `(n,)` ou `(n, 1)`.

    Returns:
        `accuracy` du sac livré, `accuracy_pixels`, `accuracy_hard`, `accuracy_cnn`,
        `accuracy_cnn_long`, puis une exactitude par codage et par taille (`soft_200`) ; dans
        [0, 1]. `probabilities` est du sac livré.
    """
    y = y.reshape(-1)
    probabilities = model.predict(x, batch_size=BATCH_SIZE, verbose=0)
    measures = {
        "accuracy": float(np.mean(probabilities.argmax(1) == y)),
        "accuracy_pixels": float(rivals["pixels"].score(as_rows(x), y)),
    }
    for name in ("cnn", "cnn_long"):
        guesses = rivals[name].predict(x, batch_size=500, verbose=0).argmax(1)
        measures[f"accuracy_{name}"] = float(np.mean(guesses == y))
    for size in SIZES:
        encoded = encode(rivals[size].encoder, x)
        for coding, classifier in rivals[size].classifiers.items():
            measures[f"{coding}_{size}"] = float(classifier.score(features(encoded, coding), y))
    measures["accuracy_hard"] = measures[f"hard_{SIZES[-1]}"]
    return measures | {"probabilities": probabilities}


def describe(rivals: dict, runs: list[dict]) -> dict:
    """Ajoute au compte rendu temps de processeur, tailles, et ce que le README montre."""
    cpu_s = {
        key.removeprefix("cpu_s_"): study.summarise([sum(run["history"][key]) for run in runs])
        for key in runs[0]["history"]
        if key.startswith("cpu_s_")
    }
    labels = {
        "accuracy": f"sac de {SIZES[-1]} mots, codage doux, quatre quarts",
        "accuracy_hard": f"sac de {SIZES[-1]} mots, histogramme",
        "accuracy_pixels": "pixels bruts, même classifieur",
        "accuracy_cnn": "réseau de convolution, même temps de processeur",
        "accuracy_cnn_long": f"le même, {LONG} fois plus d'époques, images déplacées et retournées",
    }
    return {
        "details": {"cpu_s": cpu_s, "sizes": list(SIZES)},
        "parameters": {
            "bag": runs[0]["model"].count_params(),
            "cnn": rivals["cnn"].count_params(),
            "pixels": sum(
                part.size for part in (rivals["pixels"][-1].coef_, rivals["pixels"][-1].intercept_)
            ),
        },
        "headline": [Headline(k, v) for k, v in labels.items()],
    }


def compare(options) -> int:
    """Apprend et mesure tous les concurrents sur CIFAR-10, écrit le compte rendu ; rend 0."""
    rivals: dict = {}
    (x, y), test = sources.load_cifar10()
    return study.run_seeds(
        options,
        dataset=((x[:NUM_IMAGES], y[:NUM_IMAGES]), test),
        num_val=NUM_VAL,
        train=partial(train, rivals),
        evaluate=partial(evaluate, rivals),
        classes=sources.CIFAR10_CLASSES,
        classes_fr=sources.CIFAR10_CLASSES_FR,
        on_saved=show,
        describe=partial(describe, rivals),
        stages=(1, LONG),
    )
