"""Les leçons d'un réseau : des étiquettes, ou ce qu'un maître répond à des images déformées.

Une étiquette dit « chemise ». Le maître dit « chemise à 60 %, manteau à 30 % » : l'élève apprend de
chaque image ce à quoi elle ressemble. Pour qu'il n'apprenne pas par cœur, on lui montre plusieurs
copies déformées du jeu, une par époque, à tour de rôle ; dans chacune, une image sur deux est mêlée
à une autre. Le maître a répondu à ces images-là, une fois : ses réponses servent à toutes les
époques.

Source : Hinton, Vinyals et Dean, arXiv 1503.02531, 2015 (imiter un autre réseau) ; Beyer et al.,
arXiv 2106.05237, 2021 (le maître voit la même image que l'élève) ; Zhang et al.,
arXiv 1710.09412, 2017 (mêler deux images). Un nombre fini de copies est notre approximation.
"""

import hashlib
from collections.abc import Callable, Sequence

import keras
import numpy as np
from keras import layers, ops

from convnets.datasets.cache import cached_array
from convnets.datasets.pretrained import weights_sha256
from convnets.training.augmentation import random_crop
from convnets.training.batches import Batches
from recipes.training.optimizers import Lookahead
from recipes.training.stages import Stages

MIXED = 0.5  # part des images mêlées à une autre
TARGETS = "réponses du maître"  # ce qu'apprend l'élève, pour la légende de ses courbes
SHARE = 0.9  # part de la réponse du maître dans ce qu'il faut répondre ; le reste : l'étiquette


def deform(
    x: np.ndarray, labels: np.ndarray, *, copy: int, translate_px: int
) -> tuple[np.ndarray, np.ndarray]:
    """Fabrique une copie déformée du jeu, toujours la même pour un même numéro.

    Args:
        x: images uint8 `(n, h, w)` ou `(n, h, w, c)`.
        labels: étiquettes `(n, classes)`, une probabilité par classe.
        copy: numéro de la copie.
        translate_px: décalage maximal, en pixels.

    Returns:
        `(images, étiquettes)`, de mêmes formes : chaque image est translatée, et une sur deux
        devient `a·elle + (1 - a)·une autre`, a tiré entre 1/2 et 1 ; les étiquettes suivent.
    """
    rng = np.random.default_rng([copy, 2])
    colored = x.reshape(*x.shape[:3], -1)
    images = random_crop(colored, pad=translate_px, rng=rng).reshape(x.shape)
    mixed = np.flatnonzero(rng.random(len(x)) < MIXED)
    others = rng.integers(0, len(x), len(mixed))
    kept = rng.uniform(0.5, 1, len(mixed)).astype(np.float32)
    labels = labels.astype(np.float32)  # une copie
    labels[mixed] = kept[:, None] * labels[mixed] + (1 - kept[:, None]) * labels[others]
    kept = kept.reshape(-1, *[1] * (x.ndim - 1))
    blend = kept * images[mixed] + (1 - kept) * images[others]
    images[mixed] = np.rint(blend).astype(np.uint8)
    return images, labels


def mirror_average(network: keras.Model) -> keras.Model:
    """Construit le réseau qui moyenne les réponses de `network` à une image et à son miroir.

    Args:
        network: images `(n, h, w, c)` → probabilités `(n, classes)`.

    Returns:
        Modèle de mêmes entrées et sorties, qui partage les poids de `network`.
    """
    images = keras.Input(network.input_shape[1:], dtype=network.inputs[0].dtype)
    answers = [network(images), network(ops.flip(images, axis=2))]
    average = layers.Average(dtype="float32")(answers)
    return keras.Model(images, average, name=f"{network.name}_mirrors")


def answers(
    network: keras.Model,
    x: np.ndarray,
    labels: np.ndarray,
    *,
    copies: int,
    translate_px: int,
    first: int = 0,
) -> np.ndarray:
    """Rend ce que le maître répond à chaque image de chaque copie et à son miroir, en moyenne.

    La réponse vaut donc pour l'une comme pour l'autre. Elle est gardée en cache.

    Args:
        network: le maître, images uint8 → probabilités.
        x: images uint8 d'apprentissage, voir `deform`.
        labels: leurs étiquettes `(n, classes)`.
        copies: nombre de copies.
        translate_px: décalage maximal, en pixels.
        first: numéro de la première, voir `deform`.

    Returns:
        Probabilités `(copies, n, classes)` float16.
    """
    teacher = mirror_average(network)

    def ask(copy: int) -> np.ndarray:
        print(f"Le maître répond à la copie {copy + 1} sur {copies}.", flush=True)
        images, _ = deform(x, labels, copy=first + copy, translate_px=translate_px)
        return teacher.predict(images, batch_size=500, verbose=0).astype(np.float16)

    asked = f"{first} {copies} {translate_px} {MIXED}"
    return remember(
        network, (x, labels), asked, lambda: np.stack([ask(copy) for copy in range(copies)])
    )


def remember(
    network: keras.Model,
    arrays: Sequence[np.ndarray],
    asked: str,
    compute: Callable[[], np.ndarray],
) -> np.ndarray:
    """Rend ce qu'un maître a répondu, relu du cache s'il y est, demandé et gardé sinon.

    Args:
        network: le maître.
        arrays: ce à quoi il répond.
        asked: le reste de ce dont ses réponses dépendent.
        compute: les lui demande.
    """
    images = hashlib.sha256()
    for array in arrays:
        images.update(np.ascontiguousarray(array))
    types, backend = {layer.compute_dtype for layer in network.layers}, keras.backend.backend()
    key = f"{weights_sha256(network)} {images.hexdigest()} {asked} {sorted(types)} {backend}"
    return cached_array("lessons", key, compute)[0]


class Lessons(Batches):
    """Lots d'images et de ce qu'il faut y répondre ; une autre copie du jeu à chaque époque.

    Args:
        copies: de chaque copie, images `(n, ...)` et réponses voulues `(n, classes)`.
        batch_size: images par lot, au plus n.
        seed: graine du mélange et de l'augmentation.
        augment: ce que l'élève voit de plus que le maître, voir `Batches`.

    Raises:
        ValueError: moins d'images que `batch_size`.
    """

    def __init__(self, copies: Sequence[tuple], *, batch_size: int, seed: int, augment=None):
        super().__init__(*copies[0], batch_size=batch_size, seed=seed, augment=augment)
        self.copies = copies

    def of_epoch(self) -> tuple[np.ndarray, np.ndarray]:
        """Rend la copie de l'époque courante, et ce qu'il faut y répondre."""
        return self.copies[self.epoch % len(self.copies)]


def lessons_of(
    x: np.ndarray, labels: np.ndarray, answers: np.ndarray, *, translate_px: int, first: int = 0
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Rend chaque copie déformée du jeu, et ce qu'il faut y répondre.

    Args:
        x: images uint8, voir `deform`.
        labels: leurs étiquettes `(n, classes)`.
        answers: réponses du maître aux copies, `(copies, n, classes)` (voir `answers`).
        translate_px: décalage maximal des copies, en pixels.
        first: numéro de la première copie, voir `answers`.
    """
    copies = []
    for number, answer in enumerate(answers, start=first):
        images, mixed = deform(x, labels, copy=number, translate_px=translate_px)
        copies.append((images, SHARE * answer.astype(np.float32) + (1 - SHARE) * mixed))
    return copies


def learn_labels(
    network: keras.Model,
    train: tuple[np.ndarray, np.ndarray],
    val: tuple[np.ndarray, np.ndarray],
    *,
    stages: Stages,
    name: str,
    seed: int,
    epochs: int,
    optimizer,
    smoothing: float,
    batch_size: int,
    augment,
) -> dict[str, list[float]]:
    """Apprend à un réseau les étiquettes d'images, déformées à chaque époque.

    Onze paramètres : chaque réglage de l'étape se lit, avec son nom, dans la recette.

    Args:
        network: réseau à entraîner, modifié sur place : images uint8 → probabilités.
        train: images et classes, `(n, ...)` et `(n,)` ou `(n, 1)`.
        val: les mêmes, mises de côté.
        stages: étapes de la recette.
        name: nom de celle-ci.
        seed: graine des lots.
        epochs: nombre d'époques.
        optimizer: voir `optimizers.triangular`.
        smoothing: lissage des étiquettes.
        batch_size: images par lot.
        augment: voir `Batches`.

    Returns:
        Courbes, une valeur par époque.
    """
    labels, wanted = (_one_hot(network, y) for y in (train[1], val[1]))
    return stages.fit(
        network,
        Batches(train[0], labels, batch_size=batch_size, seed=seed, augment=augment),
        (val[0], wanted),
        name=name,
        seed=seed,
        epochs=epochs,
        optimizer=optimizer,
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=smoothing),
        callbacks=look_ahead,
    )


def look_ahead(steps: int) -> list[keras.callbacks.Callback]:
    """Rend ce qui moyenne les poids d'un entraînement de `steps` pas."""
    return [Lookahead(steps)]


def learn_answers(
    network: keras.Model,
    teacher: keras.Model,
    train: tuple[np.ndarray, np.ndarray],
    val: tuple[np.ndarray, np.ndarray],
    *,
    stages: Stages,
    name: str,
    seed: int,
    epochs: int,
    optimizer,
    smoothing: float,
    batch_size: int,
    augment,
    translate_px: int,
    copies: int,
    first: int = 0,
) -> dict[str, list[float]]:
    """Apprend à un réseau ce qu'un maître répond à des copies déformées du jeu.

    Quinze paramètres : ceux de `learn_labels`, le maître, et ce qui fait les copies.

    Args:
        network: élève, modifié sur place.
        teacher: maître ; il peut être l'élève lui-même, qui répond avant d'apprendre.
        train: voir `learn_labels`.
        val: de même.
        stages: de même.
        name: de même.
        seed: de même.
        epochs: nombre d'époques.
        optimizer: voir `optimizers.triangular`.
        smoothing: lissage des étiquettes, qui comptent pour `1 - SHARE`.
        batch_size: images par lot.
        augment: ce que l'élève voit de plus que le maître, voir `Batches`.
        translate_px: décalage maximal des copies, en pixels.
        copies: nombre de copies ; un essai de quelques époques n'en fait qu'une par époque.
        first: numéro de la première, voir `deform` ; il change aussi les lots.

    Returns:
        Courbes, une valeur par époque.
    """
    labels, wanted = (_one_hot(network, y) for y in (train[1], val[1]))
    labels = labels * (1 - smoothing) + smoothing / labels.shape[1]
    copies = min(copies, epochs)
    found = answers(
        teacher, train[0], labels, copies=copies, first=first, translate_px=translate_px
    )
    lessons = lessons_of(train[0], labels, found, translate_px=translate_px, first=first)
    return stages.fit(
        network,
        Lessons(lessons, batch_size=batch_size, seed=seed + 50 * first, augment=augment),
        (val[0], wanted),
        name=name,
        seed=seed,
        epochs=epochs,
        optimizer=optimizer,
        loss=keras.losses.CategoricalCrossentropy(),
        callbacks=look_ahead,
        asked=(teacher, 2 * copies * len(labels)),  # chaque image et son miroir
    )


def _one_hot(network: keras.Model, y: np.ndarray) -> np.ndarray:
    return keras.utils.to_categorical(y, network.output_shape[-1])
