"""Apprendre le réseau qui voit les scènes, et celui qui répond sans les voir.

D'après : S3, figures (4) et (5).
"""

import keras
import numpy as np

from convnets.datasets import sources
from convnets.training import lesson
from exercises.ex25_captions.network import CELLS, WIDTHS, build_answerer, build_model
from exercises.ex25_captions.scenes import FASHION_KINDS, Album, make_album

EPOCHS = 8
BATCH_SIZE = 32
LEARNING_RATE = 2e-3  # d'Adam, au début ; il décroît jusqu'à zéro
NUM_SCENES = {"train": 8000, "seen": 1000, "unseen": 1000}
SEEDS = {"train": 0, "seen": 2, "unseen": 3}  # des scènes : les mêmes pour toutes les graines


# --- Question : des scènes, dont aucun vêtement n'a servi deux fois ------------------


def make_albums(*, limit: int | None) -> dict[str, Album]:
    """Compose les scènes d'entraînement et de test.

    Args:
        limit: au plus tant de scènes dans chaque partie ; None : `NUM_SCENES`.

    Returns:
        Trois parties. `"seen"` et `"unseen"` sont le test : des couples vêtement et couleur vus à
        l'entraînement, ou dont un au moins ne l'a pas été. Aucun vêtement ni aucun fond de test
        n'a servi à apprendre.
    """
    fashion, cifar = sources.load_fashion_mnist(), sources.load_cifar10()
    albums = {}
    for part, seed in SEEDS.items():
        rank = 0 if part == "train" else 1
        (x, y), (backgrounds, _) = fashion[rank], cifar[rank]
        albums[part] = make_album(
            [x[y.reshape(-1) == kind] for kind in FASHION_KINDS],
            backgrounds,
            num_scenes=min(NUM_SCENES[part], limit or NUM_SCENES[part]),
            num_draws=2 if part == "train" else 1,
            seed=seed,
            unseen=part == "unseen",
        )
    return albums


def hidden(num_images: int) -> np.ndarray:
    """Rend les cartes que lit le réseau quand on lui cache les images : des zéros."""
    return np.zeros((num_images, CELLS, WIDTHS[-1]), np.uint8)


# --- Question : apprendre ------------------------------------------------------------


def train(album: Album, *, seed: int, clock: lesson.Clock) -> keras.Model:
    """Entraîne le réseau entier, et rend ses poids arrondis.

    La phrase s'apprend mot par mot : le réseau lit toujours le vrai mot d'avant, même s'il en
    aurait dit un autre (*teacher forcing*). Les blancs ne comptent pas dans la perte.
    """
    keras.utils.set_random_seed(seed)
    model = build_model()
    said = keras.losses.SparseCategoricalCrossentropy(ignore_class=0)
    model.compile(
        keras.optimizers.Adam(LEARNING_RATE),
        loss={"caption": said, "answers": "sparse_categorical_crossentropy"},
    )
    words = album.captions
    model.fit(
        {"image": album.images, "words": words[:, :-1], "questions": album.questions},
        {"caption": words[:, 1:], "answers": album.answers},  # la phrase à dire : le mot d'après
        batch_size=BATCH_SIZE,
        epochs=clock.epochs,
        callbacks=[clock],
        verbose=0,
    )
    lesson.round_weights(model)
    return model


def train_blind(album: Album, *, seed: int, clock: lesson.Clock) -> keras.Model:
    """Entraîne de même celui qui répond, sans lui montrer les images."""
    keras.utils.set_random_seed(seed)
    model = build_answerer()
    model.compile(keras.optimizers.Adam(LEARNING_RATE), loss="sparse_categorical_crossentropy")
    model.fit(
        [hidden(len(album.images)), album.questions],
        album.answers,
        batch_size=BATCH_SIZE,
        epochs=clock.epochs,
        callbacks=[clock],
        verbose=0,
    )
    return model
