"""Composer les scènes, apprendre un réseau, et lui demander la classe de chaque pixel.

D'après : S3 « Different problems, models & metrics ».
Commande : python -m exercises.ex18_segmentation

Les scènes sont des vêtements de Fashion-MNIST posés sur des photographies de CIFAR-10 : on connaît
la classe de chaque pixel. Celles de test sont faites d'images de test, qu'aucun réseau n'a vues.
"""

import keras
import numpy as np

from convnets.datasets import scenes, sources
from convnets.training import study
from exercises.ex18_segmentation.networks import build_model

EPOCHS = 2
BATCH_SIZE = 8
LEARNING_RATE = 1e-2  # d'Adam, au début ; il décroît jusqu'à zéro
NUM_SCENES = {"train": 5000, "val": 400, "test": 1000}
NUM_OBJECTS = (2, 4)  # vêtements par scène
NUM_VAL = 5000  # vêtements, et photographies, réservés aux scènes de validation


# --- Question : des scènes dont on connaît chaque pixel ------------------------------


def split_sources(garments, photos) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Partage vêtements et photographies entre les trois jeux de scènes, sans image commune.

    Args:
        garments: jeu de Fashion-MNIST, `(x_train, y_train), (x_test, y_test)`.
        photos: jeu de CIFAR-10, de même.

    Returns:
        `{"train", "val", "test"}` : vêtements, leurs classes, photographies.
    """
    num_val = [min(NUM_VAL, max(1, len(x) // 10)) for (x, _), _ in (garments, photos)]
    objects, val_objects = sources.split_validation(*garments[0], num_val=num_val[0], seed=0)
    grounds, val_grounds = sources.split_validation(*photos[0], num_val=num_val[1], seed=0)
    return {
        "train": (*objects, grounds[0]),
        "val": (*val_objects, val_grounds[0]),
        "test": (*garments[1], photos[1][0]),
    }


def make_scenes(garments, photos, *, limit: int | None) -> dict[str, scenes.Scenes]:
    """Compose les scènes d'apprentissage, de validation et de test, sans image commune.

    Args:
        garments: jeu de Fashion-MNIST, `(x_train, y_train), (x_test, y_test)`.
        photos: jeu de CIFAR-10, de même.
        limit: au plus tant de scènes par jeu, dix fois moins pour la validation ; None : toutes
            celles de `NUM_SCENES`.

    Returns:
        `{"train", "val", "test"}`, toujours les mêmes.
    """
    parts, made = split_sources(garments, photos), {}
    for seed, (name, num_scenes) in enumerate(NUM_SCENES.items()):
        if limit:
            num_scenes = min(num_scenes, max(1, limit // 10) if name == "val" else limit)
        made[name] = scenes.compose_scenes(
            *parts[name], num_scenes=num_scenes, num_objects=NUM_OBJECTS, seed=seed
        )
    return made


# --- Question : apprendre, même budget pour tous les réseaux -------------------------


def train(kind: str, made: dict, *, seed: int, options) -> tuple[keras.Model, dict]:
    """Entraîne un des trois réseaux ; le rend en float32, avec ses courbes."""
    model = study.build(lambda: build_model(kind), seed=seed, precision=options.precision)
    batches = study.Batches(
        made["train"].images,
        made["train"].masks,
        batch_size=options.batch_size or BATCH_SIZE,
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
    history = study.fit(
        model,
        batches,
        options=options,
        network=kind,
        validation_data=(made["val"].images, made["val"].masks),
        validation_batch_size=50,
    )
    kept = build_model(kind)  # les mêmes poids, en float32
    kept.set_weights(model.get_weights())
    return kept, history


def predict_masks(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """Rend la classe la plus probable de chaque pixel.

    Args:
        model: un des trois réseaux.
        images: uint8 `(n, h, w, 3)`.

    Returns:
        uint8 `(n, h, w)`, de 0 (fond) à 10.
    """
    best = keras.Model(model.inputs[0], keras.ops.argmax(model.outputs[0], axis=-1))
    return best.predict(images, batch_size=50, verbose=0).astype(np.uint8)
