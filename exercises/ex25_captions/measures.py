"""Mesurer des phrases et des réponses ; leur témoin, la phrase de la scène la plus proche.

D'après : S3, figures (4) et (5).
"""

import numpy as np

from exercises.ex25_captions.bleu import bleu
from exercises.ex25_captions.decoding import to_words
from exercises.ex25_captions.questions import TYPES
from exercises.ex25_captions.scenes import Album

# --- Question : que vaut-il ? --------------------------------------------------------


def judge_captions(said: np.ndarray, truths: np.ndarray) -> dict[str, float]:
    """Mesure des phrases `(n, mots)` : `bleu4`, et `exact`, la part sans une faute."""
    said, truths = [to_words(each) for each in said], [to_words(each) for each in truths]
    exact = np.mean([mine == true for mine, true in zip(said, truths, strict=True)])
    return {"bleu4": bleu(said, truths), "exact": float(exact)}


def judge_answers(found: np.ndarray, album: Album) -> dict[str, float]:
    """Mesure des réponses `(n, q)` : `answers`, l'exactitude, et celle de chaque sorte."""
    right = found == album.answers
    each = {name: float(right[album.types == k].mean()) for k, name in enumerate(TYPES)}
    return {"answers": float(right.mean())} | each


# --- Question : et si l'on recopiait ? -----------------------------------------------


def neighbour_captions(
    maps: np.ndarray, known_maps: np.ndarray, known_captions: np.ndarray
) -> np.ndarray:
    """Recopie la phrase de la scène d'entraînement la plus proche.

    Args:
        maps: cartes à décrire `(n, 64, c)`.
        known_maps: cartes de scènes d'entraînement `(m, 64, c)`.
        known_captions: leurs phrases `(m, mots)`.

    Returns:
        `(n, mots)`. La distance est entre cartes de l'encodeur appris, moyennées coin par coin.
    """
    points, known = quarter(maps), quarter(known_maps)
    distances = (known**2).sum(1) - 2 * points @ known.T  # au carré de `points` près
    return known_captions[distances.argmin(1)]


def quarter(maps: np.ndarray) -> np.ndarray:
    """Moyenne une carte `(n, 8 × 8, c)` coin par coin : `(n, 4 × c)`."""
    side = int(maps.shape[1] ** 0.5)
    cells = maps.reshape(len(maps), 2, side // 2, 2, side // 2, -1)
    return cells.mean(axis=(2, 4)).reshape(len(maps), -1)
