"""Des lots mélangés, déformés s'il le faut : ce que `model.fit` lit."""

import copy
import os
import warnings
from collections.abc import Callable

import keras
import numpy as np

from convnets.core.cli import agreed

# Keras avertit, en anglais, qu'il ne mélange pas lui-même ces lots, qui sont déjà mélangés.
warnings.filterwarnings("ignore", message="`shuffle=True` was passed")

Augment = Callable[..., np.ndarray]  # augment(images, *, indices, epoch, rng) -> images


class Batches(keras.utils.PyDataset):
    """Lots mélangés et déformés, fonction de la seule graine et du numéro d'époque.

    Le lot `k` de l'époque `e` est toujours le même. Le dernier lot, incomplet, est laissé de
    côté : le mélange change d'une époque à l'autre.

    Args:
        x: images `(n, ...)`, uint8.
        y: étiquettes, `(n,)` ou `(n, classes)`.
        batch_size: images par lot, au plus n.
        seed: graine du mélange et de la déformation.
        augment: `augment(images, indices=, epoch=, rng=)`, ou None.

    Raises:
        ValueError: moins d'images que `batch_size`.
    """

    def __init__(
        self, x: np.ndarray, y: np.ndarray, *, batch_size: int, seed: int, augment: Augment | None
    ):
        # Avec TensorFlow, `feed` prépare les lots ; un autre moteur les demande à plusieurs fils.
        super().__init__(workers=min(4, os.cpu_count() or 1))
        if len(x) < batch_size:
            raise ValueError(
                f"{agreed(len(x), 'image ne fait', 'images ne font')} pas un lot de {batch_size} : "
                "donnez plus d'images."
            )
        self.x, self.y, self.batch_size, self.seed, self.augment = x, y, batch_size, seed, augment
        self.epoch = 0

    def __len__(self) -> int:
        """Nombre de lots complets d'une époque."""
        return len(self.x) // self.batch_size

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Rend le lot `index` de l'époque courante."""
        x, y = self.of_epoch()
        indices = self.rows(index)
        images = x[indices]
        if self.augment:
            rng = self.rng(index)
            images = self.augment(images, indices=indices, epoch=self.epoch, rng=rng)
        return images, y[indices]

    def of_epoch(self) -> tuple[np.ndarray, np.ndarray]:
        """Rend les images et les étiquettes de l'époque courante."""
        return self.x, self.y

    def rows(self, index: int) -> np.ndarray:
        """Rend les numéros des images du lot `index`."""
        order = np.random.default_rng([self.seed, self.epoch]).permutation(len(self.x))
        return order[index * self.batch_size : (index + 1) * self.batch_size]

    def rng(self, index: int) -> np.random.Generator:
        """Rend le hasard des déformations du lot `index`."""
        return np.random.default_rng([self.seed, self.epoch, index])

    def on_epoch_end(self) -> None:
        """Passe à l'époque suivante : un autre mélange, d'autres déformations."""
        self.epoch += 1


def shuffled(
    x: np.ndarray, y: np.ndarray, *, batch_size: int, seed: int, augment: Augment | None = None
):
    """Prépare les lots que lit `model.fit`, mélangés autrement à chaque époque.

    Args:
        x: voir `Batches`.
        y: de même.
        batch_size: de même ; s'il y a moins d'images, elles font un seul lot.
        seed: de même.
        augment: de même.

    Returns:
        Voir `feed`.
    """
    size = min(batch_size, len(x))
    return feed(Batches(x, y, batch_size=size, seed=seed, augment=augment))


def feed(batches: Batches):
    """Rend ce que lit `model.fit` : les mêmes lots, sans laisser TensorFlow régler ses lectures.

    Quand TensorFlow règle seul ses lectures, il attend parfois quarante secondes à la fin d'une
    époque.

    Args:
        batches: lots d'entraînement.

    Returns:
        Un `tf.data.Dataset` avec TensorFlow ; `batches` avec un autre moteur.
    """
    if keras.backend.backend() != "tensorflow":
        return batches
    import tensorflow as tf

    def one_epoch():
        current = copy.copy(batches)  # l'époque suivante commence sans attendre la fin de celle-ci
        for index in range(len(current) - 1):
            yield current[index]
        last = current[len(current) - 1]
        batches.epoch = current.epoch + 1
        yield last

    dataset = tf.data.Dataset.from_generator(
        one_epoch,
        output_signature=keras.tree.map_structure(  # plusieurs entrées ou sorties : leurs noms
            lambda part: tf.TensorSpec(part.shape, part.dtype), batches[0]
        ),
    )
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(len(batches))).prefetch(2)
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)
