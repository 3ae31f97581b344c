"""Moyenner plusieurs vues d'un même chiffre : ce qu'y gagne l'erreur.

D'après : TD « keras & réseaux de neurones convolutionnels », question 1.
Commande : python -m exercises.ex04_lenet

Un thème de l'exercice 04, dont l'entrée est `ex04_lenet`. Les vues ont été choisies sur les images
de validation : sur elles, les agrandir ou les pencher n'apportait rien.
"""

import keras
import numpy as np

from convnets.training.augmentation import rotate, shift

SHIFTS_PX = ((1, 0), (-1, 0), (0, 1), (0, -1))  # vers le bas, vers la droite
ANGLES_DEG = (-8, 8)
NUM_VIEWS = 1 + len(SHIFTS_PX) + len(ANGLES_DEG)


def predict_views(model: keras.Model, x: np.ndarray) -> np.ndarray:
    """Prédit sept vues de chaque image : elle-même, quatre déplacements, deux rotations.

    Args:
        model: images uint8 `(n, 28, 28)` → probabilités `(n, 10)`.
        x: images uint8 `(n, 28, 28)`.

    Returns:
        Probabilités `(7, n, 10)` ; la première est l'image seule.
    """
    views = [x, *(shift(x, *each) for each in SHIFTS_PX), *(rotate(x, each) for each in ANGLES_DEG)]
    return np.stack([model.predict(view, batch_size=500, verbose=0) for view in views])


def evaluate(model: keras.Model, x: np.ndarray, y: np.ndarray) -> dict:
    """Mesure la précision et le taux d'erreur, en une seule passe puis en moyennant sept vues."""
    views = predict_views(model, x)
    single, averaged = (float(np.mean(p.argmax(1) == y)) for p in (views[0], views.mean(0)))
    return {
        "accuracy": single,
        "error": 1 - single,
        "accuracy_tta": averaged,
        "error_tta": 1 - averaged,
        "probabilities": views[0],
    }
