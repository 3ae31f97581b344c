"""Les scènes et leur phrase, les questions et leur réponse, et où le réseau regarde.

D'après : S3, figures (4) et (5).
Commande : python -m exercises.ex25_captions
"""

import textwrap
from pathlib import Path

import keras
import numpy as np

from convnets.figures.charts import Picture, picture_rows
from exercises.ex25_captions import decoding
from exercises.ex25_captions.questions import ASKED
from exercises.ex25_captions.scenes import Album

NUM_SHOWN = 5  # scènes de chaque test : les premières, sans choix
NUM_WORDS_SHOWN = 12  # d'une phrase, sur la figure de l'attention
PARTS_FR = {"seen": "couples vus", "unseen": "couples jamais vus"}


def caption_text(said: list[str], truth: list[str]) -> str:
    """Écrit une phrase et, si elle est fausse, la vraie."""
    if said == truth:
        return f"{decoding.to_sentence(said)} (juste)"
    return f"{decoding.to_sentence(said)} La vérité : {decoding.to_sentence(truth)}"


def answer_text(asked: np.ndarray, reply: int, truth: int) -> str:
    """Écrit une question, la réponse du réseau et, si elle est fausse, la vraie."""
    question = " ".join(ASKED.words[number] for number in asked if number).capitalize()
    said, true = decoding.to_answers([reply, truth])
    return f"{question} {said} ({'juste' if said == true else f'la vérité : {true}'})"


def save_examples(folder: Path, model: keras.Model, albums: dict[str, Album]) -> None:
    """Écrit `legendes.png`, `questions.png` et `regard.png`.

    Args:
        folder: dossier des figures.
        model: construit par `network.build_model`.
        albums: les scènes de test, `"seen"` et `"unseen"`.
    """
    described, answered = {}, {}
    for part, name in PARTS_FR.items():
        album = Album(*(each[:NUM_SHOWN] for each in albums[part]))
        maps = decoding.see(model, album.images)
        said, attention = decoding.say(model, maps)
        replies = decoding.reply(model.get_layer("answerer"), maps, album.questions)
        described[name], answered[name] = [], []
        for k, image in enumerate(album.images):
            words, truth = decoding.to_words(said[k]), decoding.to_words(album.captions[k])
            text = textwrap.fill(caption_text(words, truth), 40)
            described[name].append(Picture(image, text))
            asked = map(answer_text, album.questions[k], replies[k], album.answers[k])
            text = "\n".join(textwrap.fill(each, 40) for each in dict.fromkeys(asked))
            answered[name].append(Picture(image, text))
        if part == "seen":
            k = np.argmax([len(decoding.to_words(each)) for each in said])  # la plus longue
            words = decoding.to_words(said[k])
            save_attention(folder / "regard.png", album.images[k], words, attention[k])
    title = "Ce que le réseau dit de scènes qu'il n'a jamais vues"
    picture_rows(folder / "legendes.png", described, title=title, side=3)
    title = "Ce que le réseau répond"
    picture_rows(folder / "questions.png", answered, title=title, side=3)


def save_attention(path: Path, image: np.ndarray, words: list[str], attention: np.ndarray) -> None:
    """Dessine où le réseau regarde pour dire chaque mot.

    Args:
        path: fichier PNG.
        image: scène uint8 `(64, 64, 3)`.
        words: mots dits.
        attention: `(mots, 64)` : par mot, la part de chaque case de la carte.
    """
    side = int(attention.shape[1] ** 0.5)
    pictures = [
        Picture(image, word, heat=looked.reshape(side, side) / looked.max())
        for word, looked in zip(words[:NUM_WORDS_SHOWN], attention, strict=False)
    ]
    half = -(-len(pictures) // 2)
    rows = {"début": pictures[:half], "suite": pictures[half:]}
    picture_rows(path, rows, title="Où le réseau regarde pour dire chaque mot (clair : beaucoup)")
