"""Se servir du réseau : dire une phrase mot à mot, répondre à une question.

D'après : S3, figures (4) et (5).
"""

import keras
import numpy as np

from exercises.ex25_captions.grammar import CAPTIONS, END, START, Vocabulary

BATCH_SIZE = 250


def see(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """Rend la carte de chaque image : `(n, 64, 64, 3)` uint8 → `(n, 64, 128)`."""
    return model.get_layer("encoder").predict(images, batch_size=BATCH_SIZE, verbose=0)


# --- Question : dire une phrase, mot à mot -------------------------------------------


def say(
    model: keras.Model, maps: np.ndarray, *, vocabulary: Vocabulary = CAPTIONS
) -> tuple[np.ndarray, np.ndarray]:
    """Décode chaque phrase : à chaque pas, le mot le plus probable, relu au pas suivant.

    Args:
        model: construit par `network.build_model` ; sa couche « speaker » prend `[cartes, mots]`
            et rend probabilités et attention (voir `network.build_speaker`).
        maps: cartes de `see`, `(n, 64, 128)`.
        vocabulary: les mots qu'il dit ; ceux des scènes composées par défaut.

    Returns:
        `(phrases, attention)` : `(n, longueur + 1)` uint8, de START à END puis des blancs, ou sans
        END si la phrase n'a pas fini ; et `(n, longueur, 64)`, où il regardait à chaque mot. La
        longueur est celle qu'a apprise le réseau, MAX_WORDS pour les scènes composées.
    """
    speaker = model.get_layer("speaker")
    max_words = speaker.input_shape[1][1]
    words = np.zeros((len(maps), max_words + 1), np.uint8)
    words[:, 0] = vocabulary.numbers[START]
    attention = np.zeros((len(maps), max_words, maps.shape[1]), np.float32)
    speaking = np.ones(len(maps), bool)
    for t in range(max_words):
        following, looked = speaker.predict([maps, words[:, :-1]], batch_size=BATCH_SIZE, verbose=0)
        words[speaking, t + 1] = following[speaking, t].argmax(-1)
        attention[speaking, t] = looked[speaking, t]
        speaking &= words[:, t + 1] != vocabulary.numbers[END]
        if not speaking.any():
            break
    return words, attention


def to_words(numbers: np.ndarray) -> list[str]:
    """Rend les mots d'une phrase, de START exclu à END exclu ; les blancs n'en sont pas."""
    words = [CAPTIONS.words[number] for number in numbers]
    words = words[: words.index(END)] if END in words else words
    return [word for word in words if word not in ("", START)]


def to_sentence(words: list[str]) -> str:
    """Écrit des mots comme une phrase : une majuscule, un point, les virgules à leur place."""
    return f"{' '.join(words).replace(' ,', ',').capitalize()}."


# --- Question : répondre -------------------------------------------------------------


def reply(answerer: keras.Model, maps: np.ndarray, questions: np.ndarray) -> np.ndarray:
    """Répond à des questions.

    Args:
        answerer: celui qui répond, appris avec ou sans images.
        maps: une carte par image, `(n, 64, 128)`.
        questions: numéros de mots `(n, q, MAX_ASKED)`.

    Returns:
        Rangs dans `questions.ANSWERS`, `(n, q)`.
    """
    probabilities = answerer.predict([maps, questions], batch_size=BATCH_SIZE, verbose=0)
    return probabilities.argmax(-1)
