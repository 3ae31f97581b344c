"""Tient lieu de keras_vggface : sa base est VGG16, sans poids appris."""

import keras

from ..absent import attribute as __getattr__  # noqa: F401


def VGGFace(*_, include_top=True, input_shape=None, pooling=None, **__):  # noqa: N802
    """Rend VGG16."""
    return keras.applications.VGG16(
        include_top=include_top, input_shape=input_shape, pooling=pooling
    )
