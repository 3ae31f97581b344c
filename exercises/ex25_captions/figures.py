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
from exercises.ex25_captions.questions import ANSWERS, ASKED
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
    verdict = "juste" if reply == truth else f"la vérité : {ANSWERS[truth]}"
    return f"{question} {ANSWERS[reply]} ({verdict})"


def save_examples(folder: Path, model: keras.Model, albums: dict[str, Album]) -> None:
    """Écrit `legendes.png`, la phrase et les réponses, et `regard.png`.

    Args:
        folder: dossier des figures.
        model: construit par `network.build_model`.
        albums: les scènes de test, `"seen"` et `"unseen"`.
    """
    rows = {}
    for part, name in PARTS_FR.items():
        album = Album(*(each[:NUM_SHOWN] for each in albums[part]))
        maps = decoding.see(model, album.images)
        numbers, attention = decoding.say(model, maps)
        said = [decoding.to_words(each) for each in numbers]
        replies = decoding.reply(model.get_layer("answerer"), maps, album.questions)
        rows[name] = []
        for k, image in enumerate(album.images):
            lines = [caption_text(said[k], decoding.to_words(album.captions[k]))]
            lines += map(answer_text, album.questions[k], replies[k], album.answers[k])
            text = "\n".join(textwrap.fill(each, 52) for each in dict.fromkeys(lines))
            rows[name].append(Picture(image, text))
        if part == "seen":
            k = np.argmax([len(words) for words in said])  # la phrase la plus longue
            save_attention(folder / "regard.png", album.images[k], said[k], attention[k])
    title = "Ce que le réseau dit et répond de scènes qu'il n'a jamais vues"
    picture_rows(folder / "legendes.png", rows, title=title, side=4)


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
