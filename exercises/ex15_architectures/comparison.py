"""Même budget, mêmes données : apprendre les neuf réseaux, et dire ce que vaut chacun.

D'après : S3 « Architectures en image » et « Deep CNN / VGG / ResNet ».
Commande : python -m exercises.ex15_architectures

Tous apprennent des mêmes images, pendant autant d'époques, au même calendrier. Les opérations,
elles, diffèrent. Le modèle enregistré est ResNet-8, choisi d'avance.
"""

from argparse import Namespace
from collections.abc import Iterable
from dataclasses import replace
from functools import partial

import keras
import numpy as np

from convnets.core.cli import percent
from convnets.core.reports import Headline, read_report, replace_report
from convnets.datasets import sources
from convnets.training import progress, study
from convnets.training.optimizers import Triangle
from exercises.ex15_architectures.figures import show
from exercises.ex15_architectures.inception import PAIR
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
BUILDERS = NETWORKS | DEEP | PAIR
COSTS = (7, 12, 18, 47, 8, 20, 19, 30, 20)  # secondes de chacun : la durée prévue en dépend
HEADLINE = {
    "accuracy_lenet": "exactitude, LeNet",
    "accuracy": "exactitude, ResNet-8",
    f"accuracy_plain_{DEPTH}": f"exactitude, {DEPTH} couches sans raccourci",
    f"accuracy_residual_{DEPTH}": f"exactitude, {DEPTH} couches avec raccourcis",
    "accuracy_inception": "exactitude, modules Inception",
    "accuracy_inception_twin": "exactitude, convolutions ordinaires, autant d'opérations",
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
    """Entraîne les neuf réseaux l'un après l'autre, et les range dans `networks`.

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
    splits = (x_train, y_train, x_val, y_val)
    history = train_some(networks, BUILDERS, splits, seed=seed, options=options)
    return networks[SHIPPED], history


def train_some(networks: Networks, names: Iterable[str], splits, *, seed: int, options) -> dict:
    """Entraîne quelques réseaux de `BUILDERS`, les range dans `networks` et rend leurs courbes."""
    x_train, y_train, x_val, y_val = splits
    history = {"duration_s": []}
    for name in names:
        build_model = BUILDERS[name]
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
    return history


# --- Question : ce que vaut chacun ---------------------------------------------------


def evaluate(networks: Networks, model: keras.Model | None, x: np.ndarray, y: np.ndarray) -> dict:
    """Mesure les réseaux de la graine en cours.

    Args:
        networks: réseaux rangés par `train`.
        model: celui qu'on enregistre, s'il est parmi eux.
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
    return {
        "details": {"networks": describe_networks(runs, BUILDERS)},
        "headline": [Headline(k, v) for k, v in HEADLINE.items()],
    }


def describe_networks(runs: list[dict], names: Iterable[str]) -> dict[str, dict]:
    """Rend, de chaque réseau nommé, ce que le compte rendu en dit."""
    networks = {}
    for name in names:
        size, curves = measure(BUILDERS[name]()), {}
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
    return networks


def compare(options) -> int:
    """Entraîne et mesure les neuf réseaux sur CIFAR-10, écrit le compte rendu ; rend 0."""
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


# --- Question : et un réseau de plus ? -----------------------------------------------


def add_missing(options) -> int:
    """Apprend les réseaux qui manquent au compte rendu, et les y ajoute ; rend 0.

    Images, graines et époques sont celles du compte rendu : à la durée près, il devient ce que
    `compare` aurait écrit. Le modèle enregistré reste le même.
    """
    report = read_report(options.module, models_dir=options.models_dir)
    known, num_images = report.details["networks"], report.num_images
    names = [name for name in BUILDERS if name not in known]
    limit, num_val = num_images["train"] + num_images["val"], num_images["val"]
    epochs = len(known[SHIPPED]["curves"]["loss"])
    options = Namespace(**vars(options) | {"epochs": epochs, "limit": limit})
    (x, y), (x_test, y_test) = sources.load_cifar10()
    kept, val = sources.split_validation(x[:limit], y[:limit], num_val=num_val, seed=0)
    x_test, y_test = x_test[: num_images["test"]], y_test[: num_images["test"]]
    runs = []
    with progress.follow(seeds=len(report.seeds), stages=len(names), options=options):
        for seed in report.seeds:
            networks: Networks = {}
            history = train_some(networks, names, (*kept, *val), seed=seed, options=options)
            found = evaluate(networks, None, x_test, y_test)
            runs.append({"history": history, "test": found})
    shipped = runs[int(report.shipped["seed"])]
    history = {key: values for key, values in shipped["history"].items() if key != "duration_s"}
    history["duration_s"] = report.history["duration_s"] + shipped["history"]["duration_s"]
    added = [sum(run["history"]["duration_s"]) for run in runs]
    seconds = zip(report.duration_s.values, added, strict=True)
    report = replace(
        report,
        metrics=report.metrics
        | {key: study.summarise([run["test"][key] for run in runs]) for key in shipped["test"]},
        headline=[Headline(k, v) for k, v in HEADLINE.items()],
        shipped=report.shipped | shipped["test"],
        duration_s=study.summarise([before + more for before, more in seconds]),
        history=report.history | history,
        details={"networks": known | describe_networks(runs, names)},
    )
    replace_report(report, options.models_dir / f"{options.module}.json")
    show(options, report)
    return 0
