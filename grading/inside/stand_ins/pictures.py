"""Tient lieu d'imageio, de skimage et de l'ancien scipy.misc : lire une image, la montrer."""

import sys

import numpy as np
from PIL import Image

from ..absent import attribute
from ..causes import causes, place_in_hand_in

io = sys.modules[__name__]  # `from skimage import io`


def __getattr__(name: str):
    """Rend un objet inerte, et note ce qui en dépend : `skimage.data.camera()`."""
    inert = attribute(name)
    causes.note(f"{name}, d'un paquet", place_in_hand_in())
    return inert


def imread(path, *_, **__):
    """Rend les pixels d'une image, en couleur."""
    return np.asarray(Image.open(path).convert("RGB"))


def imshow(*_, **__) -> None:
    """Ne montre rien."""


def imsave(*_, **__) -> None:
    """N'écrit rien."""


def imwrite(*_, **__) -> None:
    """N'écrit rien."""
