"""Tient lieu de tensorflow_datasets : `load` lit les images de l'essai, ou les nôtres."""

import re
import types

import keras
import tensorflow as tf

from .. import trial
from ..absent import Nothing
from ..absent import attribute as __getattr__  # noqa: F401

PARTS = ("train", "test", "validation")


def load(name, *_, split=None, as_supervised=False, with_info=False, batch_size=None, **__):
    """Rend un jeu par part demandée, et ce que `with_info` en dit."""

    def read(part):
        dataset = _known(str(part)) if name in trial.SIZES else _folder(f"{name}{part}")
        if not as_supervised:
            dataset = dataset.map(_as_record)
        if batch_size == -1:  # tout, en un lot
            return next(iter(dataset.batch(len(dataset))))
        return dataset.batch(batch_size) if batch_size else dataset

    sets = tf.nest.map_structure(read, split or {part: part for part in PARTS})
    return (sets, _info(name)) if with_info else sets


def as_numpy(dataset):
    """Rend les tableaux d'un jeu, lot après lot, ou ceux d'un lot."""
    return tf.nest.map_structure(_numpy, dataset)


def _numpy(each):
    return each.as_numpy_iterator() if hasattr(each, "as_numpy_iterator") else each.numpy()


def _as_record(image, label) -> dict:
    return {"image": image, "label": label}


def _known(part: str):
    """Lit une part d'un jeu connu : `"train"`, `"train[:90%]"`, `"train[5000:]"`."""
    x, y = trial.images_and_labels("train" if "train" in part.lower() else "test")
    first, last = re.search(r"\[(\d*)%?:(\d*)%?\]|$", part).groups()
    kept = slice(_rank(int(first or 0), len(x)), _rank(int(last or 100), len(x)))
    return tf.data.Dataset.from_tensor_slices((x.reshape(*x.shape[:3], -1)[kept], y.ravel()[kept]))


def _rank(bound: int, num_images: int) -> int:
    """Rend un rang : une borne de 100 ou moins est un pourcentage."""
    return num_images * bound // 100 if bound <= 100 else bound // trial.FEWER


def _folder(name: str):
    return keras.utils.image_dataset_from_directory(
        trial.pictures_for(name), image_size=(trial.SIDE_PX, trial.SIDE_PX), batch_size=None
    )


class _Info(Nothing):
    """Ce que l'on lit de `info` : combien d'images, combien de classes."""

    def __init__(self, num_classes: int):
        split = types.SimpleNamespace(num_examples=trial.ABSENT)
        self.splits = dict.fromkeys(PARTS, split)
        self.features = {"label": types.SimpleNamespace(num_classes=num_classes)}


def _info(name: str) -> _Info:
    return _Info(trial.NUM_CLASSES if name in trial.SIZES else len(trial.CLASSES))
