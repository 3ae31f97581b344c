"""Mesurer des phrases et des réponses ; leurs témoins, qui recopient ou disent l'habitude.

D'après : S3, figures (4) et (5).
"""

from collections import Counter, defaultdict

import numpy as np

from exercises.ex25_captions.bleu import bleu
from exercises.ex25_captions.decoding import to_words
from exercises.ex25_captions.questions import TYPES
from exercises.ex25_captions.scenes import SCENE_PX, Album

PIXELS_PX = 16  # côté de l'image dont les pixels sont comparés

# --- Question : que vaut-il ? --------------------------------------------------------


def bleu4(said: np.ndarray, truths: np.ndarray) -> float:
    """Mesure le BLEU-4 de phrases `(n, mots)`, toutes ensemble."""
    return bleu([to_words(each) for each in said], [to_words(each) for each in truths])


def exact(said: np.ndarray, truths: np.ndarray) -> np.ndarray:
    """Rend les phrases `(n, mots)` qui n'ont aucune faute : `(n,)` booléens."""
    pairs = zip(said, truths, strict=True)
    return np.array([to_words(mine) == to_words(true) for mine, true in pairs])


def judge_answers(found: np.ndarray, album: Album) -> dict[str, np.ndarray]:
    """Mesure les réponses à chaque scène : l'exactitude de toutes, et celle de chaque sorte.

    Args:
        found: réponses `(n, q)`, des rangs dans `questions.ANSWERS`.
        album: les scènes, leurs vraies réponses et la sorte de chaque question.

    Returns:
        `answers`, la part de réponses justes de chaque scène, `(n,)` ; et, sous le nom de chaque
        sorte, la même, pour les seules scènes qui ont une question de cette sorte.
    """
    right = found == album.answers
    values = {"answers": right.mean(axis=1)}
    for k, name in enumerate(TYPES):
        own = album.types == k
        asked = own.any(axis=1)
        values[name] = (right & own).sum(axis=1)[asked] / own.sum(axis=1)[asked]
    return values


# --- Question : et si l'on recopiait ? -----------------------------------------------


def neighbour_captions(
    points: np.ndarray, known: np.ndarray, known_captions: np.ndarray
) -> np.ndarray:
    """Recopie la phrase de la scène d'entraînement la plus proche.

    Args:
        points: ce qui est comparé des scènes à décrire, `(n, d)` : les cartes de l'encodeur
            appris (`quarter`), ou les pixels (`small_pixels`).
        known: le même, des scènes d'entraînement, `(m, d)`.
        known_captions: leurs phrases `(m, mots)`.

    Returns:
        `(n, mots)`.
    """
    distances = (known**2).sum(1) - 2 * points @ known.T  # au carré de `points` près
    return known_captions[distances.argmin(1)]


def quarter(maps: np.ndarray) -> np.ndarray:
    """Moyenne une carte `(n, 8 × 8, c)` coin par coin : `(n, 4 × c)`."""
    side = int(maps.shape[1] ** 0.5)
    cells = maps.reshape(len(maps), 2, side // 2, 2, side // 2, -1)
    return cells.mean(axis=(2, 4)).reshape(len(maps), -1)


def small_pixels(images: np.ndarray) -> np.ndarray:
    """Réduit des images `(n, 64, 64, 3)` à leurs 16 × 16 moyennes : `(n, 768)` float32."""
    n, side, step = len(images), PIXELS_PX, SCENE_PX // PIXELS_PX
    cells = images.reshape(n, side, step, side, step, 3).mean(axis=(2, 4), dtype=np.float32)
    return cells.reshape(n, -1)


# --- Question : et si l'on disait toujours la même chose ? ---------------------------


def frequent_caption(captions: np.ndarray) -> np.ndarray:
    """Rend la phrase la plus fréquente de phrases `(m, mots)` : `(mots,)`."""
    rows, counts = np.unique(captions, axis=0, return_counts=True)
    return rows[counts.argmax()]


def frequent_answers(known: Album, asked: Album) -> np.ndarray:
    """Répond à chaque question ce que l'entraînement y répond le plus souvent, sans l'image.

    Args:
        known: scènes d'entraînement.
        asked: scènes dont il faut répondre aux questions.

    Returns:
        Rangs dans `questions.ANSWERS`, `(n, q)`. Une question que l'entraînement ne pose jamais
        reçoit la réponse la plus fréquente aux questions de sa sorte.
    """
    counts = defaultdict(Counter)
    for words, answer, kind in each_question(known):
        counts[words][answer] += 1
        counts[kind][answer] += 1
    found = [
        counts[words if words in counts else kind].most_common(1)[0][0]
        for words, _, kind in each_question(asked)
    ]
    return np.array(found).reshape(asked.answers.shape)


def each_question(album: Album) -> list[tuple[bytes, int, int]]:
    """Rend chaque question d'un album : ses mots, sa réponse, sa sorte."""
    words = album.questions.reshape(-1, album.questions.shape[-1])
    rows = zip(words, album.answers.ravel().tolist(), album.types.ravel().tolist(), strict=True)
    return [(each.tobytes(), answer, kind) for each, answer, kind in rows]
