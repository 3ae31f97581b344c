"""Apprendre une variante au même budget que la référence : mêmes images, mêmes lots, même taux.

D'après : S1, exercice 2 ; S3 « Dropout et data-augmentation ».
"""

from argparse import Namespace
from functools import partial
from typing import NamedTuple

import keras
import numpy as np

from convnets.datasets import sources
from convnets.training import study
from exercises.ex23_what_matters.networks import REFERENCE, build_model, pieces_of, share_start

NUM_IMAGES = 6000  # premières images de chaque jeu, pour apprendre comme pour tester
NUM_VAL = 600  # retirées de celles pour apprendre
EPOCHS = 4
LONG = 5  # fois plus d'époques : le budget long
BATCH_SIZE = 64
LEARNING_RATE = 2e-3  # d'Adam, au début : celui d'autres exercices, réglé pour aucun d'ici
SHIFT_PX = 2  # déplacement de l'augmentation
PASS = 500  # images mesurées à la fois


class Job(NamedTuple):
    """Un réseau à apprendre."""

    name: str  # une clé de `networks.CHANGES`, "reference", ou "twin"
    seed: int
    budget: int = 1  # fois les époques demandées

    @property
    def key(self) -> str:
        """Son nom dans le compte rendu : `"dropout"`, `"dropout_long"`."""
        return f"{self.name}_long" if self.budget > 1 else self.name


# --- Question : des images que l'on n'a pas ------------------------------------------


def augment(images, *, indices, epoch, rng):
    """Déplace chaque image d'au plus `SHIFT_PX`, et en retourne la moitié, tirée au sort."""
    images = study.random_crop(images, pad=SHIFT_PX, rng=rng)
    flipped = rng.random(len(images)) < 0.5
    images[flipped] = images[flipped, :, ::-1]
    return images


# --- Question : au même budget -------------------------------------------------------


def with_channels(x: np.ndarray) -> np.ndarray:
    """Rend des images `(n, h, w, c)` : celles qui sont grises ont une couleur."""
    return x.reshape(*x.shape[:3], -1)


def train(job: Job, dataset: str, split: sources.Split, *, options) -> tuple[keras.Model, dict]:
    """Entraîne un réseau ; rend `(modèle livré, courbes)`.

    Le lot `k` de l'époque `e` a les mêmes images pour tous les réseaux d'une même graine ;
    l'augmentation, quand c'est elle qu'on essaie, les déforme ensuite.

    Args:
        job: le réseau, sa graine, son budget.
        dataset: nom du jeu, qui nomme aussi le point de reprise.
        split: images uint8 `(n, h, w, c)` et classes `(n,)`.
        options: options de `cli.training_parser`.
    """
    x, y = split
    pieces, name = pieces_of(job.name), f"{dataset}_{job.key}"
    construct = partial(build_model, pieces, x.shape[1:], name)
    reference, model = (
        study.build(each, seed=job.seed, precision=options.precision)
        for each in (partial(build_model, REFERENCE, x.shape[1:], "reference"), construct)
    )
    share_start(model, reference)
    batches = study.Batches(
        x,
        y,
        batch_size=options.batch_size or min(BATCH_SIZE, len(x)),
        seed=job.seed,
        augment=augment if pieces.augmented else None,
    )
    options = Namespace(**vars(options) | {"epochs": job.budget * options.epochs})
    rate = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, options.epochs * len(batches))
    model.compile(
        keras.optimizers.Adam(rate),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=study.JIT_COMPILE,
    )
    history = study.fit(model, batches, options=options, network=name)
    return study.to_ship(model, construct()), history


def predict(model: keras.Model, x: np.ndarray) -> np.ndarray:
    """Rend les probabilités `(n, 10)` d'images uint8 `(n, h, w, c)`."""
    parts = [model(x[k : k + PASS], training=False) for k in range(0, len(x), PASS)]
    return np.concatenate([keras.ops.convert_to_numpy(part) for part in parts])
