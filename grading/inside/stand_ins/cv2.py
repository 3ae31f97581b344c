"""Tient lieu d'OpenCV : lire une image, la réduire, la mettre en gris."""

import numpy as np
import tensorflow as tf
from PIL import Image

from ..absent import attribute as __getattr__  # noqa: F401

IMREAD_GRAYSCALE, IMREAD_COLOR = 0, 1


def imread(path, flags=IMREAD_COLOR):
    """Rend les pixels d'une image, en couleur ou en gris."""
    return np.asarray(Image.open(path).convert("L" if flags == IMREAD_GRAYSCALE else "RGB"))


def imshow(*_) -> None:
    """Ne montre rien."""


def imwrite(*_) -> bool:
    """N'écrit rien."""
    return True


def resize(src, dsize, *_, **__):
    """Change la taille `(largeur, hauteur)` d'une image."""
    resized = tf.image.resize(np.atleast_3d(src), dsize[::-1])
    return np.squeeze(resized.numpy().astype(src.dtype))


def cvtColor(image, code, *_):  # noqa: N802, le nom est d'OpenCV
    """Met une image en gris ; une autre conversion ne change rien."""
    if code.__name__.endswith("2GRAY"):
        return image.mean(-1).astype(image.dtype)
    return image
