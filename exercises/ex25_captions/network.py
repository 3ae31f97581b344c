"""Trois réseaux : l'encodeur, qui lit l'image, celui qui décrit et celui qui répond.

D'après : S3, figures (4) et (5).

Les trois sont un seul modèle, appris d'un coup : une scène, sa phrase, une question. L'encodeur est
un petit réseau de convolution ; sa carte, de 8 × 8 cases, est tout ce que les deux autres savent de
l'image. Décrire : un GRU lit les mots déjà dits, puis regarde la carte par attention (Xu et al.,
« Show, Attend and Tell », arXiv 1502.03044). Répondre : les mots de la question sont additionnés
(Zhou et al., arXiv 1512.02167) ; chaque case les reçoit, une échelle et un décalage par nombre
(FiLM, Perez et al., arXiv 1709.07871), et on ajoute ce que les cases en disent.
"""

from functools import partial
from typing import NamedTuple

import keras
from keras import layers, ops

from exercises.ex25_captions.grammar import CAPTIONS, MAX_WORDS
from exercises.ex25_captions.questions import ANSWERS, ASKED, MAX_ASKED
from exercises.ex25_captions.scenes import SCENE_PX

WIDTHS = (32, 64, 96, 128)  # canaux des cartes de 32, 16, 8 et 8 pixels de côté
CELLS = (SCENE_PX // 8) ** 2  # cases de la carte
EMBEDDING = 32  # nombres par mot
UNITS = 128  # état du GRU, largeur des couches
FORGET = 0.5  # dropout de l'état : sans lui, la phrase suit l'habitude et non l'image
GATES = 64  # nombres par case qui décident de ce qui compte
# Tire les vecteurs des mots et des cases, au départ ; ceux de Keras, plus petits, tardent à se
# distinguer. L'objet est créé quand le réseau se construit : créé à l'import, il n'aurait pas la
# graine de l'exercice.
WIDE = partial(keras.initializers.RandomNormal, stddev=0.4)
MOMENTUM = 0.9  # à 0,99, les moyennes des lots seraient en retard sur un si court apprentissage


class Lexicon(NamedTuple):
    """Combien de mots et de réponses un réseau connaît."""

    num_words: int  # qu'il peut dire, blanc, début et fin compris
    max_words: int  # de la plus longue phrase, fin comprise
    num_asked: int  # mots des questions, blanc compris
    max_asked: int  # de la plus longue question
    num_answers: int


def scene_lexicon() -> Lexicon:
    """Rend ce que demandent les scènes composées."""
    return Lexicon(len(CAPTIONS.words), MAX_WORDS, len(ASKED.words), MAX_ASKED, len(ANSWERS))


# --- Question : voir -----------------------------------------------------------------


def build_encoder() -> keras.Model:
    """Construit l'encodeur : scènes uint8 `(n, 64, 64, 3)` → cartes `(n, 64, 128)`."""
    images = keras.Input((SCENE_PX, SCENE_PX, 3), dtype="uint8")
    x = layers.Rescaling(1 / 127.5, -1)(images)
    for k, width in enumerate(WIDTHS):
        x = layers.Conv2D(width, 3, strides=2 if k < 3 else 1, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization(momentum=MOMENTUM)(x)
        x = layers.Activation("relu")(x)  # (n, 8, 8, 128)
    x = layers.Reshape((CELLS, WIDTHS[-1]))(x)
    return keras.Model(images, x, name="encoder")


def place(maps, units: int):
    """Pèse les canaux de chaque case, et y ajoute la place de la case : `(n, 64, units)`.

    Une convolution 1 × 1 dont le biais dépend de la case : sans ce biais, la somme des cases ne
    dirait plus ce qui était en haut.
    """
    return layers.EinsumDense(
        "ncd,de->nce", output_shape=(CELLS, units), bias_axes="ce", bias_initializer=WIDE()
    )(maps)


# --- Question : décrire --------------------------------------------------------------


def build_speaker(lexicon: Lexicon | None = None) -> keras.Model:
    """Construit celui qui décrit : carte et mots déjà dits → le mot suivant, à chaque place.

    Args:
        lexicon: ses mots ; None : ceux des scènes composées.

    Returns:
        Modèle nommé « speaker », d'entrées `[cartes, mots]`, `(n, 64, 128)` et entiers
        `(n, max_words)` → probabilités `(n, max_words, mots)`, et l'attention
        `(n, max_words, 64)`. Le mot t + 1 ne dépend que des mots jusqu'à t.
    """
    lexicon = lexicon or scene_lexicon()
    maps = keras.Input((CELLS, WIDTHS[-1]))
    words = keras.Input((lexicon.max_words,), dtype="uint8")
    values = ops.relu(place(maps, UNITS))
    start = layers.Dense(UNITS, activation="tanh")(layers.GlobalAveragePooling1D()(values))
    said = layers.Embedding(lexicon.num_words, EMBEDDING)(words)  # (n, mots, 32)
    state = layers.GRU(UNITS, return_sequences=True)(said, initial_state=start)
    query, keys = layers.Dense(UNITS)(state), place(maps, UNITS)
    scores = ops.matmul(query, ops.transpose(keys, (0, 2, 1))) / UNITS**0.5  # (n, mots, 64)
    attention = ops.softmax(scores)
    context = ops.matmul(attention, values)  # (n, mots, 128)
    known = layers.Dropout(FORGET)(state)
    x = layers.Dense(UNITS, activation="relu")(ops.concatenate([known, context], axis=-1))
    following = layers.Dense(lexicon.num_words, activation="softmax", dtype="float32")(x)
    return keras.Model([maps, words], [following, attention], name="speaker")


# --- Question : répondre -------------------------------------------------------------


def build_answerer(lexicon: Lexicon | None = None) -> keras.Model:
    """Construit celui qui répond : carte et questions → probabilités des réponses.

    L'ordre des mots d'une question n'apprend rien ici : leurs vecteurs sont additionnés. Dans
    chaque case, des portes décident d'après elle de ce qui compte ; la somme des cases, et non leur
    moyenne, permet de dénombrer.

    Args:
        lexicon: les mots des questions et les réponses ; None : ceux des scènes composées.

    Returns:
        Modèle : `(n, 64, 128)` et entiers `(n, q, max_asked)` → `(n, q, réponses)`.
    """
    lexicon = lexicon or scene_lexicon()
    maps = keras.Input((CELLS, WIDTHS[-1]))
    words = keras.Input((None, lexicon.max_asked), dtype="uint8")
    x = layers.Embedding(lexicon.num_asked, UNITS, embeddings_initializer=WIDE())(words)
    asked = layers.Dense(UNITS, activation="relu")(ops.sum(x, axis=2))  # (n, q, 128)
    scale, shift = (ops.expand_dims(layers.Dense(GATES)(asked), 2) for _ in range(2))
    cells = ops.relu(scale * ops.expand_dims(place(maps, GATES), 1) + shift)  # (n, q, 64, 64)
    gates = layers.Dense(UNITS, activation="sigmoid")(cells)  # (n, q, 64, 128)
    values = ops.expand_dims(ops.relu(place(maps, UNITS)), 1)
    seen = ops.sum(gates * values, axis=2) / CELLS**0.5  # (n, q, 128)
    x = layers.Dense(UNITS, activation="relu")(ops.concatenate([seen, asked], axis=-1))
    answers = layers.Dense(lexicon.num_answers, activation="softmax", dtype="float32")(x)
    return keras.Model([maps, words], answers, name="answerer")


def build_model(lexicon: Lexicon | None = None, *, name: str = "ex25_captions") -> keras.Model:
    """Réunit les trois : `{image, words, questions}` → `{caption, answers}`.

    Args:
        lexicon: mots et réponses ; None : ceux des scènes composées.
        name: nom du modèle.
    """
    lexicon = lexicon or scene_lexicon()
    encoder, speaker, answerer = build_encoder(), build_speaker(lexicon), build_answerer(lexicon)
    given = {
        "image": keras.Input((SCENE_PX, SCENE_PX, 3), dtype="uint8", name="image"),
        "words": keras.Input((lexicon.max_words,), dtype="uint8", name="words"),
        "questions": keras.Input((None, lexicon.max_asked), dtype="uint8", name="questions"),
    }
    maps = encoder(given["image"])
    outputs = {
        "caption": speaker([maps, given["words"]])[0],
        "answers": answerer([maps, given["questions"]]),
    }
    return keras.Model(given, outputs, name=name)
