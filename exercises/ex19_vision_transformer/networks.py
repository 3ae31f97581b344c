"""Les réseaux comparés : le transformeur, pièce par pièce, la convolution, et les deux ensemble.

D'après : S3 « The Transformer Wave ».
Commande : python -m exercises.ex19_vision_transformer
"""

from functools import partial

import keras
from keras import layers, ops

PATCH_PX = 4  # côté d'un morceau : 7 par ligne, 49 en tout
WIDTH = 48  # valeurs par jeton (donné)
HEADS = 4  # têtes d'attention, de 12 valeurs chacune (donné)
HIDDEN = 96  # unités de la couche cachée d'un bloc (donné)
DEPTH = 3  # blocs (donné)
DENSE_UNITS = 76  # du réseau dense : de même, à 0,5 % près
CNN_FILTERS = (32, 64, 70)  # 70 : autant de paramètres que le transformeur, à 0,5 % près
STEM_FILTERS = (32, 56)  # du réseau hybride ; 56 : de même
HYBRID_DEPTH = 2  # un bloc de moins : les convolutions le remplacent


# --- Question : des morceaux et des places -------------------------------------------


def cut_patches(images):
    """Coupe des images `(n, h, w)` en morceaux `(n, morceaux, PATCH_PX²)`, ligne par ligne."""
    height, width = (side // PATCH_PX for side in images.shape[1:])
    x = layers.Reshape((height, PATCH_PX, width, PATCH_PX))(images)
    x = layers.Permute((1, 3, 2, 4))(x)  # (n, 7, 7, 4, 4) : un morceau par case
    return layers.Reshape((height * width, PATCH_PX**2))(x)  # (n, 49, 16)


def learned_rows(tokens, num_rows: int, *, name: str):
    """Rend des vecteurs appris, les mêmes pour toute image, `(n, num_rows, largeur)`.

    C'est une table d'une seule ligne, que toute image lit : `Embedding` suffit, et le modèle
    se relit sans rien de nous.
    """
    width = tokens.shape[-1]
    first = ops.zeros_like(tokens[:, :1, 0], dtype="int32")  # (n, 1) : toujours la ligne 0
    table = layers.Embedding(
        1,
        num_rows * width,
        name=name,
        embeddings_initializer=keras.initializers.RandomNormal(stddev=0.02),
    )
    return layers.Reshape((num_rows, width))(table(first))


# --- Question : l'attention ----------------------------------------------------------


def attend(tokens, *, name: str):
    """Laisse chaque jeton prendre aux autres ce qui l'intéresse, selon plusieurs têtes.

    Trois couches denses tirent de chaque jeton une question, une clé et une valeur, que les têtes
    se partagent en tranches égales. Une quatrième lit leurs résultats, mis bout à bout.

    Args:
        tokens: `(n, jetons, largeur)`, largeur multiple de `HEADS`.
        name: nom de la couche qui rend les poids d'attention, `(n, HEADS, jetons, jetons)` ;
            chaque ligne, de somme 1, dit où regarde un jeton.

    Returns:
        `(n, jetons, largeur)`.

    Source : Vaswani et al., arXiv 1706.03762, 2017, équation 1 et § 3.2.2.
    """
    num_tokens, width = tokens.shape[1:]
    size = width // HEADS

    def split_heads(role: str):
        x = layers.Dense(width, name=f"{name}_{role}")(tokens)
        x = layers.Reshape((num_tokens, HEADS, size))(x)
        return layers.Permute((2, 1, 3))(x)  # (n, têtes, jetons, taille)

    query, key, value = (split_heads(role) for role in ("query", "key", "value"))
    scores = ops.matmul(query, ops.swapaxes(key, -1, -2)) / size**0.5
    weights = layers.Softmax(name=name)(scores)  # (n, têtes, jetons, jetons)
    x = layers.Permute((2, 1, 3))(ops.matmul(weights, value))
    x = layers.Reshape((num_tokens, width))(x)  # les têtes, bout à bout
    return layers.Dense(width, name=f"{name}_output")(x)


def build_transformer(*, positions: bool = True) -> keras.Model:
    """Construit le transformeur : morceaux, jeton de classe, blocs, et une couche dense.

    Les pixels sont d'abord mis à l'échelle. Une couche dense sans activation fait de chaque morceau
    un jeton de `WIDTH` valeurs.

    Args:
        positions: ajouter à chaque morceau un vecteur appris qui dit sa place. Sans lui, rien
            dans le réseau ne distingue une image de la même, morceaux mélangés.

    Returns:
        Modèle : images uint8 `(n, 28, 28)` → probabilités `(n, 10)` float32, 60 682 paramètres,
        dont 2 352 pour les positions. Les couches sont celles de Keras : avec une classe à soi,
        le modèle enregistré ne se relirait pas sans votre code.

    Source : Dosovitskiy et al., arXiv 2010.11929, 2020, équations 1 à 4.
    """
    images, x = read_images()
    tokens = layers.Dense(WIDTH)(cut_patches(x))  # (n, 49, 48)
    if positions:
        tokens = add_positions(tokens)
    name = "transformer" if positions else "no_positions"
    return keras.Model(images, classify(tokens, depth=DEPTH), name=name)


def read_images():
    """Rend une entrée `(n, 28, 28)` uint8, et la même en float32, dans [-1, 1]."""
    images = keras.Input((28, 28), dtype="uint8")
    return images, layers.Rescaling(1 / 127.5, -1, dtype="float32")(images)


def add_positions(tokens):
    """Ajoute à chaque jeton un vecteur appris, celui de sa place, le même pour toute image.

    Les vecteurs partent de petites valeurs tirées au hasard, non de zéro.

    Args:
        tokens: `(n, jetons, largeur)`.

    Returns:
        De même forme.
    """
    return layers.Add()([tokens, learned_rows(tokens, tokens.shape[1], name="positions")])


def classify(tokens, *, depth: int):
    """Fait passer des jetons par des blocs, et nomme l'image : `(n, 49, 48)` → `(n, 10)`.

    Un jeton de classe, appris, vient en premier. Un bloc normalise les jetons et leur ajoute leur
    attention. Il les normalise de nouveau, et leur ajoute ce que rendent deux couches denses, de
    `HIDDEN` (GELU) et de `WIDTH` valeurs. À la fin, seul le jeton de classe, normalisé, est lu.
    """
    # La place du jeton de classe ferait double emploi : il est déjà un vecteur appris.
    tokens = layers.Concatenate(axis=1)([learned_rows(tokens, 1, name="class_token"), tokens])
    for block in range(depth):  # (n, 50, 48)
        attended = attend(layers.LayerNormalization()(tokens), name=f"attention{block + 1}")
        tokens = layers.Add()([tokens, attended])
        x = layers.Dense(HIDDEN, activation="gelu")(layers.LayerNormalization()(tokens))
        tokens = layers.Add()([tokens, layers.Dense(WIDTH)(x)])
    x = layers.LayerNormalization()(tokens[:, 0])  # le jeton de classe, seul
    return layers.Dense(10, activation="softmax", dtype="float32")(x)


# --- Question : un réseau de convolution d'autant de paramètres ----------------------


def build_cnn() -> keras.Model:
    """Construit trois convolutions et une moyenne : images `(n, 28, 28)` → `(n, 10)`.

    Returns:
        Modèle de 60 414 paramètres, entrée et sortie comme `build_transformer`.
    """
    images, x = read_images()
    x = layers.Reshape((28, 28, 1))(x)
    for block, filters in enumerate(CNN_FILTERS):
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
        x = layers.MaxPooling2D(2)(x) if block < 2 else x  # (n, 14, 14, 32), (n, 7, 7, 64)
        x = layers.BatchNormalization(momentum=0.9)(x)
        x = layers.Activation("gelu")(x)
    x = layers.GlobalAveragePooling2D()(x)  # (n, 70)
    outputs = layers.Dense(10, activation="softmax", dtype="float32")(x)
    return keras.Model(images, outputs, name="cnn")


# --- Question : un témoin, qui ne sait rien des images --------------------------------


def build_perceptron() -> keras.Model:
    """Construit une couche dense cachée : images `(n, 28, 28)` → `(n, 10)`.

    Returns:
        Modèle de 60 430 paramètres, entrée et sortie comme `build_transformer`.
    """
    images, x = read_images()
    x = layers.Dense(DENSE_UNITS, activation="gelu")(layers.Flatten()(x))
    outputs = layers.Dense(10, activation="softmax", dtype="float32")(x)
    return keras.Model(images, outputs, name="dense")


# --- Question : des convolutions d'abord, l'attention ensuite ------------------------


def convolve(images):
    """Fait les jetons par convolutions : `(n, h, w)` → `(n, morceaux, WIDTH)`, ligne par ligne.

    Découper en morceaux, c'est une convolution de 4 × 4, de pas 4. Deux convolutions de 3 × 3, de
    pas 2, rendent autant de jetons ; mais chacun voit 7 × 7 pixels, dont le bord de ses voisins.
    """
    x = layers.Reshape((*images.shape[1:], 1))(images)
    for filters in STEM_FILTERS:  # (n, 14, 14, 32), puis (n, 7, 7, 56)
        x = layers.Conv2D(filters, 3, strides=2, padding="same", use_bias=False)(x)
        x = layers.Activation("gelu")(layers.BatchNormalization(momentum=0.9)(x))
    x = layers.Conv2D(WIDTH, 1)(x)  # (n, 7, 7, 48)
    return layers.Reshape((x.shape[1] * x.shape[2], WIDTH))(x)


def build_hybrid() -> keras.Model:
    """Construit le transformeur dont deux convolutions font les jetons, à la place d'un bloc.

    Returns:
        Modèle de 60 410 paramètres, entrée et sortie comme `build_transformer`.

    Source : Xiao et al., « Early Convolutions Help Transformers See Better », arXiv 2106.14881,
    2021.
    """
    images, x = read_images()
    tokens = add_positions(convolve(x))  # (n, 49, 48)
    return keras.Model(images, classify(tokens, depth=HYBRID_DEPTH), name="hybrid")


NETWORKS = {
    "transformer": build_transformer,
    "no_positions": partial(build_transformer, positions=False),
    "cnn": build_cnn,
    "hybrid": build_hybrid,
    "dense": build_perceptron,
}
