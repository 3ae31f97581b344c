"""Les exemples des documents, N1 à N23, refaits un par un ; les nombres attendus sont ailleurs.

D'après : S0 à S4, l'endroit est donné avec chaque exemple.
Commande : python -m exercises.ex00_convolution
Nombres attendus : examples.json, à côté, mêmes clés que ce que rendent ces fonctions.

La fonction `n7` refait l'exemple N7, et rend un dictionnaire de résultats ; le résumé d'une ligne
en montre le premier. Aucune fonction ne lit ce qu'elle devrait trouver, sauf `n20`, dont la grille
imprimée est la donnée. Les réseaux ne sont importés qu'à l'usage : TensorFlow est long à charger.
"""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np

from exercises.ex00_convolution import x_or_o
from exercises.ex00_convolution.geometry import output_size, receptive_field
from exercises.ex00_convolution.matrices import im2col, toeplitz_matrix
from exercises.ex00_convolution.operations import (
    EDGE_KERNEL,
    IMAGE,
    KERNEL,
    SIGNAL,
    SIGNAL_KERNEL,
    conv1d,
    conv2d,
)
from exercises.ex00_convolution.pooling import pool2d, relu

X = x_or_o.read_picture(x_or_o.X)
EDGE_IMAGE = np.repeat([0, 200], 3)[:, np.newaxis] * np.ones((1, 6), np.int64)  # (6, 6), un bord
# Rouge, vert, bleu : une image 3×3 et un filtre 2×2 de même profondeur, choisis ici.
CHANNELS = [
    [[1, 0, 2], [0, 1, 0], [2, 0, 1]],
    [[0, 1, 0], [1, 0, 1], [0, 1, 0]],
    [[1, 1, 0], [0, 0, 1], [1, 0, 0]],
]
CHANNEL_KERNELS = [[[1, 0], [0, 1]], [[0, 1], [1, 0]], [[1, 1], [-1, 0]]]


EXAMPLES_PATH = Path(__file__).with_name("examples.json")


def read_examples() -> dict[str, dict]:
    """Lit les exemples et les nombres attendus, décimales exactes.

    Returns:
        Un dictionnaire pour chaque exemple, de N1 à N23 : `"document"`, `"titre"`, `"note"`, qui
        dit ce qu'il faut corriger dans le document, `"imprimé"`, les nombres du document, et
        `"attendu"`, ceux qui ont été recalculés hors de ce code ; les décimales sont des
        `Fraction`.
    """
    return json.loads(EXAMPLES_PATH.read_text(encoding="utf-8"), parse_float=Fraction)


def _truncated(values) -> np.ndarray:
    return np.vectorize(x_or_o.truncate, otypes=[object])(values)


# --- Convolutions et pooling ---------------------------------------------------------


def n1():
    """La corrélation croisée de S2 ; le noyau retourné donne autre chose."""
    output = conv1d(SIGNAL, SIGNAL_KERNEL)
    flipped = conv1d(SIGNAL, SIGNAL_KERNEL, flip=True)
    return {"sortie": output, "première valeur": output[0], "noyau retourné": flipped}


def n2():
    """Le document ne dit ni la fenêtre ni les valeurs : l'exemple montre les deux pas."""
    signal = conv1d(SIGNAL, SIGNAL_KERNEL)[np.newaxis]  # (1, 4)
    return {"pas un": pool2d(signal, (1, 2), stride=1)[0], "pas deux": pool2d(signal, (1, 2))[0]}


def n3():
    """Neuf positions ; le texte n'a gardé que les deux premières lignes."""
    output = conv2d(IMAGE, KERNEL)
    return {"sortie": output, "lignes imprimées": output[:2], "positions": output.size}


def n4():
    """Les zéros ajoutés gardent la taille de l'image."""
    return {"sortie": conv2d(IMAGE, KERNEL, padding="same")}


def n5():
    """La matrice des produits a la taille du filtre."""
    kernel = x_or_o.read_picture(x_or_o.FILTERS[0])
    products = X[3:6, 3:6] * kernel  # au milieu du X
    mean = Fraction(int(products.sum()), products.size)
    return {
        "moyenne": x_or_o.truncate(mean),
        "produits": products,
        "somme": products.sum(),
        "taille": products.shape,
        "exacte": mean,
    }


def n6():
    """Trois cartes 7×7, tronquées à deux décimales sur les diapositives."""
    maps = x_or_o.chain(X).maps
    printed = _truncated(maps)
    return {
        "cartes": printed,
        "image": X,
        "totaux imprimés": printed.sum(axis=(1, 2)),
        "neuvièmes": maps * 9,
    }


def n7():
    """Les valeurs négatives deviennent 0, les autres ne changent pas."""
    rectified = relu(x_or_o.chain(X).maps)
    return {"première carte": _truncated(rectified[0]), "neuvièmes": rectified * 9}


def n8():
    """« same » garde la septième ligne ; « valid », le défaut de Keras, la perd."""
    stages = x_or_o.chain(X)
    printed = _truncated(stages.pooled)
    return {
        "cartes": printed,
        "totaux imprimés": printed.sum(axis=(1, 2)),
        "neuvièmes": stages.pooled * 9,
        "taille sans padding": pool2d(stages.rectified[0]).shape,
    }


def n9():
    """Deux pooling de suite : chaque carte tient en 2×2, et l'image en 12 valeurs."""
    stages = x_or_o.chain(X)
    return {
        "vecteur": stages.vector * 9,
        "second pooling": _truncated(stages.second),
        "votes pour X et O": x_or_o.votes(X),
    }


def n10():
    """Le X déformé est loin du X pixel à pixel, et tout près par ses 12 valeurs."""
    deformed = x_or_o.read_picture(x_or_o.DEFORMED_X)
    stages = x_or_o.chain(deformed)
    a, b = x_or_o.chain(X).vector * 9, stages.vector * 9
    cosine = (a @ b) / np.sqrt(float((a @ a) * (b @ b)))
    return {
        "vecteur": b,
        "image": deformed,
        "neuvièmes": stages.maps * 9,
        "second pooling": _truncated(stages.second),
        "pixels communs": (X == deformed).sum(),
        "cosinus": Fraction(f"{cosine:.3f}"),
        "votes pour X et O": x_or_o.votes(deformed),
    }


def n11():
    """Sans padding, la sortie perd quatre cases."""
    return {"côté": output_size(32, 5)}


def n12():
    """La formule imprimée ne tombe pas juste ; AlexNet part en fait de 227 pixels."""
    return {
        "avec partie entière": output_size(224, 11, stride=4),
        "sans partie entière": Fraction(224 - 11, 4) + 1,
        "AlexNet": output_size(227, 11, stride=4),
        "pooling de sept par deux": output_size(7, 2, stride=2),
        "noyau dilaté": output_size(7, 3, dilation=2),
    }


# --- Réseaux : tailles et paramètres -------------------------------------------------


def n13():
    """Une couche dense de même sortie que la convolution aurait 17 000 fois plus de paramètres."""
    from exercises.ex00_convolution import networks

    convnet = networks.build_convnet()
    return {
        "côtés": networks.sides(convnet),
        "paramètres": convnet.count_params(),
        "couche dense": (28 * 28 + 1) * 24 * 24 * 16,  # même entrée, même sortie
    }


def n14():
    """Le maximum global rend le nombre de paramètres indépendant de la taille de l'image."""
    from exercises.ex00_convolution import networks

    model = networks.build_basic_cnn()
    return {"paramètres": model.count_params(), "par couche": networks.parameters(model)}


def n15():
    """Même nombre de paramètres sur 32×32 que sur 28×28 avec une première couche « same »."""
    from exercises.ex00_convolution import networks

    lenet = networks.build_lenet(32)
    return {
        "paramètres": lenet.count_params(),
        "filtres": [layer.filters for layer in lenet.layers if hasattr(layer, "filters")],
        "côtés": networks.sides(lenet),
        "par couche": networks.parameters(lenet),
        "paramètres en MNIST": networks.build_lenet(28).count_params(),
        "champs récepteurs": receptive_field([(5, 1), (2, 2), (5, 1), (2, 2)]),
    }


def n16():
    """Le réseau dense n'égale LeNet qu'à un demi pour cent près, avec 77 ou 78 neurones."""
    from exercises.ex00_convolution import networks

    lenet = networks.build_lenet(28).count_params()
    wide, narrow = (networks.build_dense(hidden).count_params() for hidden in (78, 77))
    gaps = [Fraction(round(10000 * Fraction(n - lenet, lenet)), 100) for n in (wide, narrow)]
    return {"paramètres": [wide, narrow], "écart en %": gaps}


def n17():
    """Le plus petit côté se déduit des seuls étages qui réduisent l'image."""
    from keras.applications import InceptionV3

    model = InceptionV3(include_top=False, weights=None)  # Szegedy et al., arXiv 1512.00567
    side = 1
    for kernel, stride in [(3, 2), (3, 2), (3, 2), (3, 1), (3, 2), (3, 1), (3, 2)]:  # de la fin
        side = (side - 1) * stride + kernel
    return {
        "paramètres": model.count_params(),
        "sortie": model.compute_output_shape((1, 150, 150, 3))[1:],
        "plus petit côté": side,
    }


def n18():
    """Les tailles sont laissées au choix par l'énoncé : celles-ci en sont un."""
    from exercises.ex00_convolution import networks

    model = networks.build_fashion()
    return {"paramètres": model.count_params(), "côtés": networks.sides(model)}


# --- Pooling, pixels, bords, canaux, matrices ----------------------------------------


def n19():
    """Un quart exactement pour un côté pair, un peu plus sinon."""
    return {
        name: Fraction(pool2d(np.zeros((side, side)), padding="same").size, side**2)
        for name, side in (("côté sept", 7), ("côté pair", 8))
    }


def n20():
    """La grille et les barres sont imprimées ; leurs sommes vérifient que rien n'y manque."""
    printed = read_examples()["N20"]["imprimé"]
    grid, bars = np.array(printed["grille"]), np.array(printed["barres"])
    return {
        "somme": grid.sum(),
        "barres": bars,
        "grille": grid,
        "taille": grid.shape,
        "minimum": grid.min(),
        "maximum": grid.max(),
        "somme des barres": bars.sum(),
        "sommes des lignes": grid.sum(axis=1),
    }


def n21():
    """Convolution et corrélation s'opposent ; les zéros du bord ajoutent un faux contour."""
    options = {"padding": "same"}
    unsigned = np.array(EDGE_KERNEL).astype(np.uint8)  # -1 y devient 255
    return {
        "convolution": conv2d(EDGE_IMAGE, EDGE_KERNEL, flip=True, **options),
        "corrélation": conv2d(EDGE_IMAGE, EDGE_KERNEL, **options),
        "noyau en uint8": conv2d(EDGE_IMAGE, unsigned, flip=True, **options),
    }


def n22():
    """Un filtre rend une carte ; ses paramètres comptent les canaux de l'entrée."""
    image, kernel = np.moveaxis(CHANNELS, 0, -1), np.moveaxis(CHANNEL_KERNELS, 0, -1)
    each = [conv2d(*pair) for pair in zip(CHANNELS, CHANNEL_KERNELS, strict=True)]
    together = conv2d(image, kernel[..., np.newaxis])[..., 0]  # un seul filtre
    return {
        "somme": together,
        "par canal": each,
        "somme des cartes": sum(each),
        "paramètres de seize filtres": 16 * (3 * 3 * 3 + 1),  # N_f (N_H N_W N_C + 1)
    }


def n23():
    """Deux écritures : une ligne par fenêtre (im2col), ou une colonne par pixel (Toeplitz)."""
    patches, matrix = im2col(IMAGE, (3, 3)), toeplitz_matrix(KERNEL, (5, 5))
    return {
        "sortie": (patches @ np.reshape(KERNEL, -1)).reshape(3, 3),
        "sortie par Toeplitz": (matrix @ np.reshape(IMAGE, -1)).reshape(3, 3),
        "fenêtres": patches.shape,
        "matrice": matrix.shape,
        "zéros de la matrice": (matrix == 0).sum(),
    }
