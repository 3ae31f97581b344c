"""Tient lieu du lecteur de MNIST de TensorFlow 1 : de petits nombres, en trois jeux."""

import types

import numpy as np

from .. import trial
from ..absent import attribute as __getattr__  # noqa: F401


def read_data_sets(*_, one_hot=False, reshape=True, **__):
    """Rend les images de l'essai : `train`, `validation` et `test`."""

    def read(part):
        x, y = trial.images_and_labels(part)
        return types.SimpleNamespace(
            images=(x / np.float32(255)).reshape((-1, 784) if reshape else (-1, 28, 28, 1)),
            labels=np.eye(trial.NUM_CLASSES)[y] if one_hot else y,
            num_examples=len(y),
        )

    return types.SimpleNamespace(train=read("train"), validation=read("val"), test=read("test"))
