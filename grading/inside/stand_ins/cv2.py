"""Tient lieu d'OpenCV : lire une image, la réduire, la mettre en gris."""

import numpy as np
import tensorflow as tf
from PIL import Image

from ..absent import attribute as __getattr__  # noqa: F401


def imread(path, *_):
    """Rend les pixels d'une image, en couleur."""
    return np.asarray(Image.open(path).convert("RGB"))


def resize(src, dsize, *_, **__):
    """Change la taille `(largeur, hauteur)` d'une image."""
    resized = tf.image.resize(np.atleast_3d(src), dsize[::-1])
    return np.squeeze(resized.numpy().astype(src.dtype))


def cvtColor(image, code, *_):  # noqa: N802, le nom est d'OpenCV
    """Met une image en gris ; une autre conversion ne change rien."""
    if code.__name__.endswith("2GRAY"):
        return image.mean(-1).astype(image.dtype)
    return image
