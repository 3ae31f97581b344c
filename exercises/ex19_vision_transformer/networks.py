"""Les réseaux comparés : le transformeur, pièce par pièce, et un réseau de convolution.

D'après : S3 « The Transformer Wave ».
Commande : python -m exercises.ex19_vision_transformer
"""

from functools import partial

import keras
from keras import layers, ops

PATCH_PX = 4  # côté d'un morceau : 7 par ligne, 49 en tout
WIDTH = 48  # valeurs par jeton
HEADS = 4  # têtes d'attention, de 12 valeurs chacune
HIDDEN = 96  # unités de la couche cachée d'un bloc
DEPTH = 3  # blocs
CNN_FILTERS = (32, 64, 70)  # 70 : autant de paramètres que le transformeur, à 0,5 % près


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

    Args:
        positions: ajouter à chaque morceau un vecteur appris qui dit sa place. Sans lui, rien
            dans le réseau ne distingue une image de la même, morceaux mélangés.

    Returns:
        Modèle : images uint8 `(n, 28, 28)` → probabilités `(n, 10)` float32, 60 682 paramètres,
        dont 2 352 pour les positions.

    Source : Dosovitskiy et al., arXiv 2010.11929, 2020, équations 1 à 4.
    """
    images = keras.Input((28, 28), dtype="uint8")
    x = layers.Rescaling(1 / 127.5, -1, dtype="float32")(images)
    tokens = layers.Dense(WIDTH)(cut_patches(x))  # (n, 49, 48)
    if positions:
        places = learned_rows(tokens, tokens.shape[1], name="positions")
        tokens = layers.Add()([tokens, places])
    # La place du jeton de classe ferait double emploi : il est déjà un vecteur appris.
    tokens = layers.Concatenate(axis=1)([learned_rows(tokens, 1, name="class_token"), tokens])
    for block in range(DEPTH):  # (n, 50, 48)
        attended = attend(layers.LayerNormalization()(tokens), name=f"attention{block + 1}")
        tokens = layers.Add()([tokens, attended])
        x = layers.Dense(HIDDEN, activation="gelu")(layers.LayerNormalization()(tokens))
        tokens = layers.Add()([tokens, layers.Dense(WIDTH)(x)])
    x = layers.LayerNormalization()(tokens[:, 0])  # le jeton de classe, seul
    outputs = layers.Dense(10, activation="softmax", dtype="float32")(x)
    return keras.Model(images, outputs, name="transformer" if positions else "no_positions")


# --- Question : un réseau de convolution d'autant de paramètres ----------------------


def build_cnn() -> keras.Model:
    """Construit trois convolutions et une moyenne : images `(n, 28, 28)` → `(n, 10)`.

    Returns:
        Modèle de 60 414 paramètres, entrée et sortie comme `build_transformer`.
    """
    images = keras.Input((28, 28), dtype="uint8")
    x = layers.Rescaling(1 / 127.5, -1, dtype="float32")(images)
    x = layers.Reshape((28, 28, 1))(x)
    for block, filters in enumerate(CNN_FILTERS):
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
        x = layers.MaxPooling2D(2)(x) if block < 2 else x  # (n, 14, 14, 32), (n, 7, 7, 64)
        x = layers.BatchNormalization(momentum=0.9)(x)
        x = layers.Activation("gelu")(x)
    x = layers.GlobalAveragePooling2D()(x)  # (n, 70)
    outputs = layers.Dense(10, activation="softmax", dtype="float32")(x)
    return keras.Model(images, outputs, name="cnn")


NETWORKS = {
    "transformer": build_transformer,
    "no_positions": partial(build_transformer, positions=False),
    "cnn": build_cnn,
}
