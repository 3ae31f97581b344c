"""Tient lieu de TensorFlow Hub : toute adresse rend une base sans poids appris."""

import keras

from ..absent import attribute as __getattr__  # noqa: F401


def KerasLayer(*_, trainable=False, **__) -> keras.Model:  # noqa: N802
    """Rend une base qui attend, comme celles de TensorFlow Hub, des pixels de 0 à 1."""
    base = keras.applications.MobileNetV2(include_top=False, pooling="avg")
    base.trainable = trainable
    return keras.Sequential([keras.layers.Rescaling(2, -1), base])
