"""Toutes les méthodes qui expliquent une prédiction, et deux témoins, sous la même forme.

D'après : S3 « Introspection d'un CNN ».
Commande : python -m exercises.ex11_curves

Les méthodes sont celles des exercices 07 à 10, que `convnets.explaining.methods` nomme.
"""

import functools
import zlib

import keras
import numpy as np

from convnets.explaining.explain import Method, load_method
from convnets.explaining.maps import normalise
from convnets.explaining.methods import EXPLANATIONS
from convnets.training import saving

# --- Question : à quoi comparer ? ----------------------------------------------------


def random_map(model: keras.Model, image: np.ndarray, class_index: int) -> np.ndarray:
    """Tire une carte au hasard, toujours la même pour une image : une explication sans valeur.

    Args:
        model: non regardé.
        image: `(H, W, 3)` uint8.
        class_index: non regardé.

    Returns:
        `(H, W)` float32 dans [0, 1].
    """
    rng = np.random.default_rng(zlib.crc32(image.tobytes()))
    return rng.random(image.shape[:2], np.float32)


def centred_map(model: keras.Model, image: np.ndarray, class_index: int) -> np.ndarray:
    """Désigne toujours le milieu, où le photographe met son sujet : une gaussienne.

    Args:
        model: non regardé.
        image: `(H, W, 3)` uint8.
        class_index: non regardé.

    Returns:
        `(H, W)` float32 dans [0, 1] ; l'écart-type est le quart de chaque côté.
    """
    height, width = image.shape[:2]
    rows = (np.arange(height) + 0.5) / height - 0.5
    columns = (np.arange(width) + 0.5) / width - 0.5
    return normalise(np.exp(-8 * (rows[:, None] ** 2 + columns**2)))


# --- Question : quelles méthodes ? ---------------------------------------------------


@functools.cache
def cam_network() -> keras.Model:
    """Charge, une fois, le réseau que CAM explique."""
    return saving.load_model("ex09_cam")


def own_cam(model: keras.Model, image: np.ndarray, class_index: int) -> np.ndarray:
    """Rend la carte de CAM, lue dans son propre réseau : le réseau jugé n'a pas la bonne forme.

    Les deux réseaux ont les mêmes convolutions ; la dernière couche d'`ex09_cam` a été réapprise.

    Args:
        model: non regardé.
        image: `(H, W, 3)` uint8.
        class_index: classe expliquée.

    Returns:
        `(H, W)` float32 dans [0, 1].
    """
    return load_method("cam").heatmap(cam_network(), image, class_index)


WITNESS = "centre"  # la méthode à laquelle les autres sont comparées
METHODS = {
    "cam": Method("CAM (son propre réseau)", own_cam),
    **{name: load_method(name) for name in EXPLANATIONS},
    "random": Method("au hasard", random_map),
    "centre": Method("le milieu", centred_map),
}
