"""Moyenner plusieurs vues d'une même image : ce qu'y gagne la précision.

D'après : Jour 04, exercice 3.
Commande : python -m exercises.ex03_cifar10

Un thème de l'exercice 03, dont l'entrée est `ex03_cifar10`.
"""

import keras
import numpy as np

# Ce que ./predict moyenne d'une grande photo (docs/cadrage.md) : mode, et part du petit côté.
VIEWS = [["crop", 1.0], ["crop", 0.85], ["crop", 0.7], ["squash", 1.0]]
VIEW_WEIGHTS = (1 / 4, 1 / 4, 1 / 8, 1 / 8, 1 / 8, 1 / 8)  # l'image compte pour moitié


# --- Question : ce qu'il vaut -------------------------------------------------------


def predict_views(model: keras.Model, x: np.ndarray) -> np.ndarray:
    """Prédit six vues de chaque image : elle-même, deux translations d'un pixel, leurs miroirs.

    Args:
        model: modèle rendu par `train`.
        x: images uint8 `(n, h, w, ...)`, en couleurs ou en gris.

    Returns:
        Probabilités `(6, n, 10)`, dans l'ordre de `VIEW_WEIGHTS` ; la première est l'image seule.
    """
    borders = [(0, 0), (1, 1), (1, 1), (0, 0)][: x.ndim]
    padded = np.pad(x, borders, mode="reflect")
    views = (x, padded[:, :-2, :-2], padded[:, 2:, 2:])
    return np.stack(
        [
            model.predict(view[:, :, ::step], batch_size=500, verbose=0)
            for view in views
            for step in (1, -1)
        ]
    )


def predict_tta(views: np.ndarray) -> np.ndarray:
    """Moyenne les vues `(6, n, 10)` de `predict_views` en probabilités `(n, 10)`."""
    return np.tensordot(VIEW_WEIGHTS, views, axes=1)


def evaluate(model: keras.Model, x: np.ndarray, y: np.ndarray) -> dict:
    """Mesure la précision sur un jeu, en une passe puis en moyennant six vues."""
    views = predict_views(model, x)
    single, averaged = views[0], predict_tta(views)
    return {
        "accuracy": float(np.mean(single.argmax(1) == y.reshape(-1))),
        "accuracy_tta": float(np.mean(averaged.argmax(1) == y.reshape(-1))),
        "probabilities": single,
    }
