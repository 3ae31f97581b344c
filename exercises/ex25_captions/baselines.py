"""Ce qu'il faut battre : la phrase et la réponse les plus fréquentes, la scène la plus proche.

D'après : S3, figures (4) et (5).

Une langue se devine : « un » répond à bien des « combien ? ». Ce qu'un réseau doit à l'image est ce
qu'il a de plus que le même réseau, image cachée (Goyal et al., arXiv 1612.00837) : `training`
l'apprend ; le reste est ici.
"""

import numpy as np

from exercises.ex25_captions.questions import TYPES
from exercises.ex25_captions.scenes import Album


def commonest_caption(captions: np.ndarray, *, num_said: int) -> np.ndarray:
    """Dit partout la phrase la plus fréquente de l'entraînement.

    Args:
        captions: phrases d'entraînement `(n, mots)`.
        num_said: nombre de phrases à dire.

    Returns:
        `(num_said, mots)`.
    """
    sentences, counts = np.unique(captions, axis=0, return_counts=True)
    return np.repeat(sentences[[counts.argmax()]], num_said, axis=0)


def neighbour_captions(
    maps: np.ndarray, known_maps: np.ndarray, known_captions: np.ndarray
) -> np.ndarray:
    """Recopie la phrase de la scène d'entraînement la plus proche.

    Args:
        maps: cartes à décrire `(n, 64, c)`.
        known_maps: cartes de scènes d'entraînement `(m, 64, c)`.
        known_captions: leurs phrases `(m, mots)`.

    Returns:
        `(n, mots)`. La distance est entre cartes de l'encodeur appris, moyennées coin par coin :
        c'est le meilleur voisin que l'on puisse demander à ce réseau.
    """
    points, known = quarter(maps), quarter(known_maps)
    distances = (known**2).sum(1) - 2 * points @ known.T  # au carré de `points` près
    return known_captions[distances.argmin(1)]


def quarter(maps: np.ndarray) -> np.ndarray:
    """Moyenne une carte `(n, 8 × 8, c)` coin par coin : `(n, 4 × c)`."""
    side = int(maps.shape[1] ** 0.5)
    cells = maps.reshape(len(maps), 2, side // 2, 2, side // 2, -1)
    return cells.mean(axis=(2, 4)).reshape(len(maps), -1)


def commonest_answers(album: Album, types: np.ndarray) -> np.ndarray:
    """Répond à chaque question la réponse la plus fréquente de sa sorte, à l'entraînement.

    Args:
        album: scènes d'entraînement.
        types: sortes des questions posées, rangs dans `TYPES`, toute forme.

    Returns:
        Rangs dans `ANSWERS`, de même forme ; 0 pour une sorte que l'entraînement n'a pas.
    """
    given = [
        np.bincount(album.answers[album.types == kind], minlength=1) for kind in range(len(TYPES))
    ]
    return np.array([counts.argmax() for counts in given])[types]
