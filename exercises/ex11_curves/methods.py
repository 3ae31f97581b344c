"""Toutes les méthodes qui expliquent une prédiction, et deux témoins, sous la même forme.

D'après : S3 « Introspection d'un CNN ».
Commande : python -m exercises.ex11_curves

Les méthodes sont celles des exercices 07 à 10, que `convnets.explaining.methods` nomme.
"""

import zlib
from pathlib import Path

import keras
import numpy as np

from convnets.core import paths
from convnets.explaining.explain import Method, load_method
from convnets.explaining.maps import normalise
from convnets.explaining.methods import EXPLANATIONS
from convnets.training import saving

CAM_MODEL = "ex09_cam"


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

METHODS = {name: load_method(name) for name in EXPLANATIONS} | {
    "random": Method("au hasard", random_map),
    "centre": Method("le milieu", centred_map),
}


def with_cam(*, models_dir: Path = paths.MODELS_DIR) -> dict[str, Method]:
    """Ajoute CAM, si son modèle est là : elle n'explique qu'un réseau d'une forme précise.

    Sa carte vient donc d'`ex09_cam`, de mêmes convolutions que le réseau jugé, mais dont la
    dernière couche a été réapprise.

    Args:
        models_dir: dossier des modèles.

    Returns:
        `METHODS`, et `"cam"` si `models_dir` a le modèle `ex09_cam`.
    """
    if not (models_dir / f"{CAM_MODEL}.json").exists():
        return METHODS
    own, cam = saving.load_model(CAM_MODEL, models_dir=models_dir), load_method("cam")

    def own_map(model: keras.Model, image: np.ndarray, class_index: int) -> np.ndarray:
        return cam.heatmap(own, image, class_index)

    return {"cam": Method("CAM (son propre réseau)", own_map), **METHODS}
