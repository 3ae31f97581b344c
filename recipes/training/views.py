"""Moyenner plusieurs vues d'une même image : ce qu'y gagne l'exactitude.

D'une vignette : elle-même, deux translations d'un pixel, leurs miroirs. D'un chiffre, que son
miroir ne représente plus : lui-même, quatre translations d'un pixel, deux rotations. Les vues ont
été choisies sur les images de validation.
"""

from collections.abc import Sequence

import keras
import numpy as np

from convnets.training.augmentation import rotate, shift

# Ce que ./predict moyenne d'une grande photo (docs/laboratoire/cadrage.md) : mode, et part du
# petit côté.
PHOTO_VIEWS = [["crop", 1.0], ["crop", 0.85], ["crop", 0.7], ["squash", 1.0]]
VIEW_WEIGHTS = (1 / 4, 1 / 4, 1 / 8, 1 / 8, 1 / 8, 1 / 8)  # l'image compte pour moitié
SHIFTS_PX = ((1, 0), (-1, 0), (0, 1), (0, -1))  # vers le bas, vers la droite
ANGLES_DEG = (-8, 8)
NUM_DIGIT_VIEWS = 1 + len(SHIFTS_PX) + len(ANGLES_DEG)


def predict_thumbnails(model: keras.Model, x: np.ndarray) -> np.ndarray:
    """Prédit six vues de chaque image : elle-même, deux translations d'un pixel, leurs miroirs.

    Args:
        model: images uint8 `(n, h, w, ...)` → probabilités `(n, classes)`.
        x: images uint8 `(n, h, w, ...)`, en couleurs ou en gris.

    Returns:
        Probabilités `(6, n, classes)`, dans l'ordre de `VIEW_WEIGHTS` ; la première est l'image.
    """
    borders = [(0, 0), (1, 1), (1, 1), (0, 0)][: x.ndim]
    padded = np.pad(x, borders, mode="reflect")
    shifted = (x, padded[:, :-2, :-2], padded[:, 2:, 2:])
    return _predict(model, [view[:, :, ::step] for view in shifted for step in (1, -1)])


def predict_digits(model: keras.Model, x: np.ndarray) -> np.ndarray:
    """Prédit sept vues de chaque chiffre : lui-même, quatre translations, deux rotations.

    Args:
        model: images uint8 `(n, 28, 28)` → probabilités `(n, 10)`.
        x: images uint8 `(n, 28, 28)`.

    Returns:
        Probabilités `(7, n, 10)` ; la première est l'image seule.
    """
    shifted = [shift(x, *each) for each in SHIFTS_PX]
    return _predict(model, [x, *shifted, *(rotate(x, angle) for angle in ANGLES_DEG)])


def evaluate_one_pass(model: keras.Model, x: np.ndarray, y: np.ndarray) -> dict:
    """Mesure l'exactitude sur un jeu, en une passe : ce que vaut l'image seule."""
    probabilities = model.predict(x, batch_size=500, verbose=0)
    accuracy = float(np.mean(probabilities.argmax(1) == y.reshape(-1)))
    return {"accuracy": accuracy, "probabilities": probabilities}


def evaluate_thumbnails(model: keras.Model, x: np.ndarray, y: np.ndarray) -> dict:
    """Mesure l'exactitude sur un jeu, en une passe puis en moyennant six vues."""
    return _evaluate(predict_thumbnails(model, x), y, weights=VIEW_WEIGHTS)


def evaluate_digits(model: keras.Model, x: np.ndarray, y: np.ndarray) -> dict:
    """Mesure l'exactitude et le taux d'erreur, en une passe puis en moyennant sept vues."""
    found = _evaluate(predict_digits(model, x), y)
    errors = {"error": 1 - found["accuracy"], "error_tta": 1 - found["accuracy_tta"]}
    return found | errors


def _predict(model: keras.Model, views: Sequence[np.ndarray]) -> np.ndarray:
    return np.stack([model.predict(view, batch_size=500, verbose=0) for view in views])


def _evaluate(views: np.ndarray, y: np.ndarray, weights: Sequence[float] | None = None) -> dict:
    averaged, y = np.average(views, axis=0, weights=weights), y.reshape(-1)
    return {
        "accuracy": float(np.mean(views[0].argmax(1) == y)),
        "accuracy_tta": float(np.mean(averaged.argmax(1) == y)),
        "probabilities": views[0],
    }
