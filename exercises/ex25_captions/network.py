"""Un réseau qui voit, et deux qui en parlent : l'encodeur, celui qui décrit, celui qui répond.

D'après : S3, figures (4) et (5).

Les trois sont un seul modèle, appris d'un coup : une scène, sa phrase, une question. L'encodeur est
un petit réseau de convolution ; sa carte, de 8 × 8 cases, est tout ce que les deux autres savent de
l'image. Décrire : un GRU lit les mots déjà dits, puis regarde la carte par attention (Xu et al.,
« Show, Attend and Tell », arXiv 1502.03044). Répondre : un GRU lit la question, que chaque case
reçoit (Antol et al., « VQA », arXiv 1505.00468) ; les cases répondent, et on ajoute leurs voix.
"""

import keras
from keras import layers, ops

from exercises.ex25_captions.grammar import CAPTIONS, MAX_WORDS
from exercises.ex25_captions.questions import ANSWERS, ASKED, MAX_ASKED
from exercises.ex25_captions.scenes import SCENE_PX

WIDTHS = (32, 64, 96, 128)  # canaux des cartes de 32, 16, 8 et 8 pixels de côté
CELLS = (SCENE_PX // 8) ** 2  # cases de la carte
EMBEDDING = 32  # nombres par mot
UNITS = 128  # état des GRU, largeur des couches
MOMENTUM = 0.9  # à 0,99, les moyennes des lots seraient en retard sur un si court apprentissage


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


def place(maps, *, activation: str | None = None):
    """Pèse les canaux de chaque case, et lui ajoute ce qui dit où elle est : `(n, 64, 128)`.

    Une convolution 1 × 1 dont le biais dépend de la case : sans lui, la somme des cases ne
    saurait plus ce qui était en haut.
    """
    return layers.EinsumDense(
        "ncd,de->nce", output_shape=(CELLS, UNITS), bias_axes="ce", activation=activation
    )(maps)


# --- Question : décrire --------------------------------------------------------------


def build_speaker() -> keras.Model:
    """Construit celui qui décrit : carte et mots déjà dits → le mot suivant, à chaque place.

    Returns:
        Modèle : `(n, 64, 128)` et entiers `(n, MAX_WORDS)` → probabilités
        `(n, MAX_WORDS, mots)`, et l'attention `(n, MAX_WORDS, 64)`. Le mot t + 1 ne dépend que des
        mots jusqu'à t.
    """
    maps = keras.Input((CELLS, WIDTHS[-1]))
    words = keras.Input((MAX_WORDS,), dtype="uint8")
    values = place(maps, activation="relu")
    start = layers.Dense(UNITS, activation="tanh")(layers.GlobalAveragePooling1D()(values))
    said = layers.Embedding(len(CAPTIONS.words), EMBEDDING)(words)  # (n, mots, 32)
    state = layers.GRU(UNITS, return_sequences=True)(said, initial_state=start)
    query, keys = layers.Dense(UNITS)(state), place(maps)
    scores = ops.matmul(query, ops.transpose(keys, (0, 2, 1))) / UNITS**0.5  # (n, mots, 64)
    attention = ops.softmax(scores)
    context = ops.matmul(attention, values)  # (n, mots, 128)
    x = layers.Dense(UNITS, activation="relu")(ops.concatenate([state, context], axis=-1))
    following = layers.Dense(len(CAPTIONS.words), activation="softmax", dtype="float32")(x)
    return keras.Model([maps, words], [following, attention], name="speaker")


# --- Question : répondre -------------------------------------------------------------


def build_answerer() -> keras.Model:
    """Construit celui qui répond : carte et question → probabilités des réponses.

    Returns:
        Modèle : `(n, 64, 128)` et entiers `(n, MAX_ASKED)` → `(n, réponses)`.
    """
    maps = keras.Input((CELLS, WIDTHS[-1]))
    words = keras.Input((MAX_ASKED,), dtype="uint8")
    x = layers.Embedding(len(ASKED.words), EMBEDDING)(words)
    asked = layers.GRU(UNITS)(x)  # (n, 128)
    cells = place(maps) + layers.Reshape((1, UNITS))(layers.Dense(UNITS)(asked))
    x = layers.Dense(UNITS, activation="relu")(layers.Activation("relu")(cells))  # (n, 64, 128)
    x = ops.concatenate([ops.sum(x, axis=1) / CELLS**0.5, asked], axis=-1)
    x = layers.Dense(UNITS, activation="relu")(x)
    answers = layers.Dense(len(ANSWERS), activation="softmax", dtype="float32")(x)
    return keras.Model([maps, words], answers, name="answerer")


def build_model() -> keras.Model:
    """Réunit les trois : `{image, words, question}` → `{caption, answer}`."""
    encoder, speaker, answerer = build_encoder(), build_speaker(), build_answerer()
    given = {
        "image": keras.Input((SCENE_PX, SCENE_PX, 3), dtype="uint8", name="image"),
        "words": keras.Input((MAX_WORDS,), dtype="uint8", name="words"),
        "question": keras.Input((MAX_ASKED,), dtype="uint8", name="question"),
    }
    maps = encoder(given["image"])
    outputs = {
        "caption": speaker([maps, given["words"]])[0],
        "answer": answerer([maps, given["question"]]),
    }
    return keras.Model(given, outputs, name="ex25_captions")
