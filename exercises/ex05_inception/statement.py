"""La question 2 de l'énoncé : des images, InceptionV3 figé, une tête apprise en 30 époques.

Document : TD « keras & réseaux de neurones convolutionnels », question 2, et §1.4.
Commandes : python -m exercises.ex05_inception --images DOSSIER
            python -m exercises.ex05_inception --images DOSSIER --augment
Résultat mesuré : models/ex05_inception.json, repris dans docs/resultats.md.

C'est le programme de l'énoncé, dans son ordre : le générateur, la base, la tête, `fit`.
`train_on_features` le fait sur ce que la base a rendu une fois pour toutes, des dizaines de fois
plus vite que d'y repasser à chaque époque : c'est ce qui sert par défaut. `train_on_images`, pour
`--augment`, y repasse, et va plus loin que l'énoncé : les images y sont transformées au hasard.
"""

import time
from contextlib import AbstractContextManager

import keras
import numpy as np

from convnets.core.cli import percent
from convnets.datasets import folders
from convnets.training import progress
from exercises.ex05_inception import features
from exercises.ex05_inception import head as top

DEFAULT_CLASSES = ("chat", "chien")
NUM_IMAGES = 2000  # du dossier par défaut, et autant pour le test


# --- Question 2 : un dossier d'images par classe, en carrés de 150 pixels ----------


def open_task(options, *, split: str = "train") -> AbstractContextManager[folders.Pictures]:
    """Ouvre le dossier demandé, ou celui de CIFAR-10, en copies carrées pour un bloc `with`."""
    folder = options.images or folders.cifar_folder(
        DEFAULT_CLASSES,
        split=split,
        num_images=min(options.limit or NUM_IMAGES, NUM_IMAGES),
        size_px=features.IMAGE_PX,
    )
    return folders.square_copies(folders.scan(folder, limit=options.limit), features.IMAGE_PX)


# --- Question 2 : ne réapprendre que la tête ---------------------------------------


def train_on_images(
    pictures: folders.Pictures, frozen: keras.Model, x: np.ndarray, *, seed: int, epochs: int
) -> tuple[keras.Model, dict]:
    """Entraîne la tête sur les images elles-mêmes, qui repassent dans la base à chaque époque.

    Une image n'est jamais deux fois la même : elle est transformée au hasard. La validation,
    elle, ne l'est pas.

    Args:
        pictures: images d'`open_task`.
        frozen: base rendue par `features.frozen_base`.
        x: caractéristiques `(n, c)` de ces images, qui fixent la normalisation de la tête.
        seed: graine.
        epochs: nombre d'époques.

    Returns:
        `(tête, courbes)`, les courbes étant celles de `fit`.

    Source : énoncé, TD question 2.
    """
    train = features.make_generator(
        pictures, subset="training", shuffle=True, augment=True, seed=seed
    )
    val = features.make_generator(pictures, subset="validation")
    head = top.build_head(x[features.rows(train)], len(pictures.classes), seed=seed)
    model = keras.Model(frozen.input, head(frozen.output))
    top.compile_head(model, top.LEARNING_RATE)
    callbacks = [progress.Reporter()]  # une ligne par époque
    history = model.fit(train, validation_data=val, epochs=epochs, callbacks=callbacks, verbose=0)
    return head, history.history


def train_on_features(
    pictures: folders.Pictures, x: np.ndarray, *, seed: int, epochs: int
) -> tuple[keras.Model, dict]:
    """Entraîne la même tête, sur le même partage, mais sur des caractéristiques déjà calculées.

    Args:
        pictures: images d'`open_task`.
        x: caractéristiques `(n, c)` de ces images.
        seed: graine.
        epochs: nombre d'époques.

    Returns:
        `(tête, courbes)`, les courbes étant celles de `fit`.
    """
    kept, val = split_rows(pictures)
    return top.train_head(
        x[kept],
        pictures.labels[kept],
        num_classes=len(pictures.classes),
        seed=seed,
        epochs=epochs,
        validation=(x[val], pictures.labels[val]),
    )


def split_rows(pictures: folders.Pictures) -> tuple[np.ndarray, np.ndarray]:
    """Rend les numéros des images d'entraînement, puis de validation, du partage de l'énoncé."""
    kept, val = (
        features.rows(features.make_generator(pictures, subset=subset))
        for subset in ("training", "validation")
    )
    return kept, val


def train(
    pictures: folders.Pictures, frozen: keras.Model, x: np.ndarray, *, seed: int, options
) -> tuple[keras.Model, dict]:
    """Entraîne une tête, d'une façon ou, avec `--augment`, de l'autre.

    Args:
        pictures: images d'`open_task`.
        frozen: base rendue par `features.frozen_base`.
        x: caractéristiques `(n, c)` de ces images.
        seed: graine.
        options: celles de la commande.

    Returns:
        `(tête, {"curves", "duration_s", "score"})`, `score` étant l'exactitude de validation
        après la dernière époque.
    """
    start, fit = time.monotonic(), {"seed": seed, "epochs": options.epochs}
    if options.augment:
        head, curves = train_on_images(pictures, frozen, x, **fit)
    else:
        head, curves = train_on_features(pictures, x, **fit)
    _, val = split_rows(pictures)
    score = top.accuracy(top.predict(head, x[val]), pictures.labels[val])
    print(f"Graine {seed} : validation {percent(score)}", flush=True)
    return head, {"curves": curves, "duration_s": time.monotonic() - start, "score": score}
