"""L'agrégation : une image devient l'histogramme des mots qu'elle contient.

D'après : S3 « Avant le deep », étape 2 : agréger les features.
Commande : python -m exercises.ex16_bag_of_words

Comparer chaque morceau à chaque mot, c'est une convolution dont les mots sont les filtres : tout
s'écrit en couches de Keras, sans rien apprendre par gradient, et `./predict` sait s'en servir.
"""

import keras
import numpy as np
from keras import layers, ops

from exercises.ex16_bag_of_words.dictionary import CONTRAST, PATCH_PX, Dictionary

IMAGE_PX = 32
STRIDE_PX = 2  # entre deux morceaux voisins : 14 × 14 morceaux par image
GRID = (IMAGE_PX - PATCH_PX) // STRIDE_PX + 1
CODED = 100  # images codées à la fois ; 800 mots y prennent 60 Mo par tableau

# Pour chaque codage : la sortie de l'encodeur, et si les quatre quarts sont gardés à part.
CODINGS = {
    "hard": ("hard", False),
    "hard_quarters": ("hard", True),
    "soft": ("soft", False),
    "soft_quarters": ("soft", True),
}


# --- Question : à quelle distance de chaque mot ? ------------------------------------


def build_distances(dictionary: Dictionary) -> keras.Model:
    """Mesure la distance de chaque morceau d'une image à chaque mot.

    Avec v le morceau blanchi et c un mot : ‖v - c‖² = ‖v‖² - 2 v·c + ‖c‖².

    Args:
        dictionary: rendu par `learn_dictionary`.

    Returns:
        Modèle : images uint8 `(n, 32, 32, 3)` → distances `(n, 14, 14, mots)` float32.
    """
    words = dictionary.words
    images = keras.Input((IMAGE_PX, IMAGE_PX, 3), dtype="uint8")
    x = layers.Rescaling(1.0, -127.5, dtype="float32")(images)  # de petits carrés : moins d'arrondi
    whitening = layers.Conv2D(
        words.shape[1],
        PATCH_PX,
        strides=STRIDE_PX,
        use_bias=False,
        trainable=False,
        name="whitening",
    )
    centred = whitening(x)  # (n, 14, 14, 108)
    patch_mean = layers.AveragePooling2D(PATCH_PX, STRIDE_PX)
    mean = ops.mean(patch_mean(x), axis=-1, keepdims=True)  # (n, 14, 14, 1)
    variance = ops.mean(patch_mean(x * x), axis=-1, keepdims=True) - mean * mean
    v = centred / ops.sqrt(ops.relu(variance) + CONTRAST)  # (n, 14, 14, 108)
    products = layers.Conv2D(len(words), 1, trainable=False, name="words")
    squares = ops.sum(v * v, axis=-1, keepdims=True) + products(v)  # (n, 14, 14, mots)
    model = keras.Model(images, ops.sqrt(ops.relu(squares)), name="distances")
    whitening.set_weights([dictionary.whitening.reshape(PATCH_PX, PATCH_PX, 3, -1)])
    products.set_weights([-2 * words.T[None, None], (words**2).sum(1)])
    return model


def read_dictionary(model: keras.Model) -> Dictionary:
    """Relit le dictionnaire dans les poids d'un modèle fait de `build_distances`."""
    whitening = model.get_layer("whitening").get_weights()[0]
    products = model.get_layer("words").get_weights()[0]
    return Dictionary(whitening.reshape(whitening.shape[-1], -1), products[0, 0].T / -2)


# --- Question : agréger --------------------------------------------------------------


def hard_code(distances):
    """Donne à chaque morceau son mot le plus proche : un 1, et des 0.

    Args:
        distances: `(n, h, w, mots)`, de chaque morceau à chaque mot.

    Returns:
        Code de la même forme, une colonne par mot.

    Source : Csurka et al., ECCV 2004, section 3.2.
    """
    return ops.one_hot(ops.argmin(distances, axis=-1), distances.shape[-1])


def triangle_code(distances):
    """Donne à chaque morceau les mots plus proches que la moyenne, et de combien.

    Args:
        distances: `(n, h, w, mots)`, de chaque morceau à chaque mot ; leur moyenne est celle du
            morceau, sur tous les mots.

    Returns:
        Code de la même forme : 0 pour les mots qui ne sont pas plus proches.

    Source : Coates, Lee et Ng, AISTATS 2011, équation 3 (« triangle »).
    """
    return ops.relu(ops.mean(distances, axis=-1, keepdims=True) - distances)


def quarter_means(codes):
    """Moyenne les codes sur chaque quart de l'image : `(n, 14, 14, mots)` → `(n, 2, 2, mots)`."""
    return layers.AveragePooling2D(GRID // 2)(codes)


def build_encoder(dictionary: Dictionary) -> keras.Model:
    """Code une image des deux façons à la fois.

    Args:
        dictionary: rendu par `learn_dictionary`.

    Returns:
        Modèle : images uint8 `(n, 32, 32, 3)` → `{"hard", "soft"}`, `(n, 2, 2, mots)` float32.
    """
    distances = build_distances(dictionary)
    codes = {"hard": hard_code(distances.output), "soft": triangle_code(distances.output)}
    outputs = {name: quarter_means(code) for name, code in codes.items()}
    return keras.Model(distances.inputs[0], outputs, name="encoder")


def features(encoded: dict[str, np.ndarray], coding: str) -> np.ndarray:
    """Rend ce que le classifieur lit.

    Args:
        encoded: réponses de `build_encoder`.
        coding: un des `CODINGS`.

    Returns:
        `(n, 4·mots)` float32 si les quarts sont gardés à part, sinon `(n, mots)` : leur moyenne.
    """
    name, quarters = CODINGS[coding]
    codes = encoded[name]
    return codes.reshape(len(codes), -1) if quarters else codes.mean((1, 2))
