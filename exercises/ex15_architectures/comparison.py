"""Même budget, mêmes données : apprendre les sept réseaux, et dire ce que vaut chacun.

D'après : S3 « Architectures en image » et « Deep CNN / VGG / ResNet ».
Commande : python -m exercises.ex15_architectures

Tous apprennent des mêmes images, pendant autant d'époques, au même calendrier. Les opérations,
elles, diffèrent. Le modèle enregistré est ResNet-8, choisi d'avance.
"""

import logging
from functools import partial

import keras
import numpy as np

from convnets.core.cli import percent
from convnets.core.reports import Headline
from convnets.datasets import sources
from convnets.training import progress, study
from convnets.training.optimizers import Triangle
from exercises.ex15_architectures.figures import show
from exercises.ex15_architectures.networks import NETWORKS
from exercises.ex15_architectures.operations import measure
from exercises.ex15_architectures.residual import DEEP, DEPTH

Networks = dict[str, keras.Model]

NUM_IMAGES = 11_000  # premières images d'apprentissage ; un onzième sert à la validation
NUM_VAL = 1000
EPOCHS = 6
BATCH_SIZE = 128
PEAK_RATE = 2e-3  # d'Adam, au plus haut du calendrier
SHIFT_PX = 2  # translations des images apprises
SHIPPED = "resnet"  # le modèle enregistré, choisi d'avance
BUILDERS = NETWORKS | DEEP
COSTS = (7, 12, 18, 47, 8, 20, 19)  # secondes de chacun, mesurées : la durée prévue en dépend
HEADLINE = {
    "accuracy_lenet": "exactitude, LeNet",
    "accuracy": "exactitude, ResNet-8",
    f"accuracy_plain_{DEPTH}": f"exactitude, {DEPTH} couches sans raccourci",
    f"accuracy_residual_{DEPTH}": f"exactitude, {DEPTH} couches avec raccourcis",
}


# --- Question : même budget, mêmes données -------------------------------------------


def augment(images, *, indices, epoch, rng):
    """Translate chaque image, et en retourne la moitié, tirée au sort."""
    images = study.random_crop(images, pad=SHIFT_PX, rng=rng)
    flipped = rng.random(len(images)) < 0.5
    images[flipped] = images[flipped, :, ::-1]
    return images


def train(
    networks: Networks, x_train, y_train, x_val, y_val, *, seed: int, options
) -> tuple[keras.Model, dict]:
    """Entraîne les sept réseaux l'un après l'autre, et les range dans `networks`.

    Args:
        networks: réseaux de la graine en cours, remplacés sur place, en float32.
        x_train: images uint8 `(n, 32, 32, 3)`.
        y_train: classes `(n,)`.
        x_val: images de validation, de même.
        y_val: leurs classes.
        seed: graine des poids, de l'ordre des images et de l'augmentation.
        options: options de `cli.training_parser`.

    Returns:
        ResNet-8, et les courbes de tous, chacune précédée du nom de son réseau.
    """
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # un graphe par réseau : c'est voulu
    history = {"duration_s": []}
    for name, build_model in BUILDERS.items():
        model = study.build(build_model, seed=seed, precision=options.precision)
        batches = study.Batches(
            x_train,
            y_train,
            batch_size=options.batch_size or BATCH_SIZE,
            seed=seed,
            augment=augment,
        )
        schedule = Triangle(PEAK_RATE, options.epochs * len(batches))
        model.compile(
            keras.optimizers.Adam(schedule),
            loss="sparse_categorical_crossentropy",
            metrics=["accuracy"],
            jit_compile=False,
        )
        curves = study.fit(
            model, batches, options=options, network=name, validation_data=(x_val, y_val)
        )
        loss = f"{curves['loss'][-1]:.3f}".replace(".", ",")
        progress.say(f"  {name} : perte {loss}, validation {percent(curves['val_accuracy'][-1])}")
        history |= {f"{name}_{key}": values for key, values in curves.items()}
        history["duration_s"] = history["duration_s"] + curves["duration_s"]
        networks[name] = build_model()  # les mêmes poids, en float32
        networks[name].set_weights(model.get_weights())
    return networks[SHIPPED], history


# --- Question : ce que vaut chacun ---------------------------------------------------


def evaluate(networks: Networks, model: keras.Model, x: np.ndarray, y: np.ndarray) -> dict:
    """Mesure les réseaux de la graine en cours.

    Args:
        networks: réseaux rangés par `train`.
        model: celui qu'on enregistre.
        x: images uint8 `(n, 32, 32, 3)`.
        y: classes `(n,)` ou `(n, 1)`.

    Returns:
        `accuracy` et `probabilities` de `model`, `accuracy_lenet`… des autres ; dans [0, 1].
    """
    found = {}
    for name, each in networks.items():
        probabilities = each.predict(x, batch_size=500, verbose=0)
        accuracy = float(np.mean(probabilities.argmax(1) == y.reshape(-1)))
        if each is model:
            found |= {"accuracy": accuracy, "probabilities": probabilities}
        else:
            found[f"accuracy_{name}"] = accuracy
    return found


def describe(runs: list[dict]) -> dict:
    """Ajoute au compte rendu la taille, la durée et les courbes moyennes de chaque réseau."""
    networks = {}
    for name, build_model in BUILDERS.items():
        size, curves = measure(build_model()), {}
        for key in ("loss", "val_accuracy"):
            values = [run["history"][f"{name}_{key}"] for run in runs]  # (graines, époques)
            curves[key] = [study.summarise(each) for each in zip(*values, strict=True)]
        seconds = [sum(run["history"][f"{name}_duration_s"]) for run in runs]
        networks[name] = {
            "metric": "accuracy" if name == SHIPPED else f"accuracy_{name}",
            **size._asdict(),
            "duration_s": study.summarise(seconds),
            "curves": curves,
        }
    return {
        "details": {"networks": networks},
        "headline": [Headline(k, v) for k, v in HEADLINE.items()],
    }


def compare(options) -> int:
    """Entraîne et mesure les sept réseaux sur CIFAR-10, écrit le compte rendu ; rend 0."""
    networks: Networks = {}
    return study.run_seeds(
        options,
        dataset=sources.load_cifar10(),
        num_val=NUM_VAL,
        train=partial(train, networks),
        evaluate=partial(evaluate, networks),
        classes=sources.CIFAR10_CLASSES,
        classes_fr=sources.CIFAR10_CLASSES_FR,
        on_saved=show,
        describe=describe,
        stages=COSTS,
    )
