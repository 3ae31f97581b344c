"""Les questions : ce qu'on demande à un rendu, et ce qu'on en dit.

Une question est une fonction de `exNN.py`, et une section du fichier TOML voisin. Ce dont elle se
sert est dans `grading.asking`, et réuni ici pour elle : poser la question (`ask`), comparer
(`comparing`), faire un crédit (`credits`).
"""

import numpy as np

from grading.asking.ask import TENSORS, Ask, as_bytes, compared, question, shown_as
from grading.asking.comparing import (
    REFUSED,
    TOLERANCE,
    VAGUE,
    Mistake,
    altered,
    as_floats,
    expected_of,
    judge,
    numbers,
    same,
    seen,
)
from grading.asking.credits import RIGHT, Credit, at_call, credit, first_fault

__all__ = [
    "REFUSED",
    "RIGHT",
    "TENSORS",
    "TOLERANCE",
    "VAGUE",
    "Ask",
    "Credit",
    "Mistake",
    "altered",
    "as_bytes",
    "as_floats",
    "at_call",
    "compared",
    "credit",
    "expected_of",
    "first_fault",
    "judge",
    "numbers",
    "pixels",
    "question",
    "same",
    "seen",
    "shown_as",
]


def pixels(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Tire une image d'octets."""
    return rng.integers(0, 256, shape).astype(np.uint8)
