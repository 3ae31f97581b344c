"""Tient lieu d'imageio, de skimage et de l'ancien scipy.misc : lire une image, la montrer."""

import sys

import numpy as np
from PIL import Image

from ..absent import attribute as __getattr__  # noqa: F401

io = sys.modules[__name__]  # `from skimage import io`


def imread(path, *_, **__):
    """Rend les pixels d'une image, en couleur."""
    return np.asarray(Image.open(path).convert("RGB"))


def imshow(*_, **__) -> None:
    """Ne montre rien."""


def imsave(*_, **__) -> None:
    """N'écrit rien."""


def imwrite(*_, **__) -> None:
    """N'écrit rien."""
