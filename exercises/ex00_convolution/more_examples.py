"""Suite des exemples : paramètres des réseaux (N13 à N18), puis N19 à N23.

D'après : S0 à S4, l'endroit est donné avec chaque exemple.
Commande : python -m exercises.ex00_convolution --example N15
Nombres attendus : exercises/ex00_convolution/examples.json.

Un thème de l'exercice 00, dont l'entrée est `ex00_convolution`. Les réseaux sont dans
`ex00_networks`, importé à l'usage : TensorFlow est long à charger.
"""

from fractions import Fraction

import numpy as np

from convnets.core.files import quiet_stderr
from exercises.ex00_convolution.examples import (
    CHANNEL_KERNELS,
    CHANNELS,
    EDGE_IMAGE,
    EXAMPLES,
    example,
)
from exercises.ex00_convolution.geometry import output_size, receptive_field
from exercises.ex00_convolution.matrices import im2col, toeplitz_matrix
from exercises.ex00_convolution.operations import EDGE_KERNEL, IMAGE, KERNEL, conv2d
from exercises.ex00_convolution.pooling import pool2d


def _networks():
    """Importe les réseaux, et tait ce que TensorFlow écrit en se chargeant."""
    with quiet_stderr():
        from exercises.ex00_convolution import networks
    return networks


# --- Réseaux : tailles et paramètres -------------------------------------------------


@example("S3", "ConvNet : convolution 5×5, pooling 3×3 de pas 1")
def n13(given):
    """Une couche dense de même sortie aurait dix-sept mille fois plus de paramètres."""
    nets = _networks()
    convnet = nets.build_convnet()
    return {
        "côtés": nets.sides(convnet),
        "paramètres": convnet.count_params(),
        "couche dense": nets.build_dense_equivalent().count_params(),
    }


@example("S0", "BasicCNNModel : convolutions de 50 et 100 filtres", shown="paramètres")
def n14(given):
    """Le maximum global rend le nombre de paramètres indépendant de la taille de l'image."""
    nets = _networks()
    model = nets.build_basic_cnn()
    return {"par couche": nets.parameters(model), "paramètres": model.count_params()}


@example("S2 §1.3, S3", "LeNet-5 : 6 puis 16 filtres, 120, 84, 10", shown="paramètres")
def n15(given):
    """Même nombre de paramètres sur 32×32 que sur 28×28 avec une première couche « same »."""
    nets = _networks()
    lenet = nets.build_lenet(32)
    return {
        "filtres": [layer.filters for layer in lenet.layers if hasattr(layer, "filters")],
        "côtés": nets.sides(lenet),
        "par couche": nets.parameters(lenet),
        "paramètres": lenet.count_params(),
        "paramètres en MNIST": nets.build_lenet(28).count_params(),
        "champs récepteurs": receptive_field([(5, 1), (2, 2), (5, 1), (2, 2)]),
    }


@example("S2 TD 1", "réseau dense « équivalent » à LeNet : 784-78-10 ou 784-77-10")
def n16(given):
    """L'équivalence n'est qu'approchée : à un neurone près, un demi pour cent."""
    nets = _networks()
    lenet = nets.build_lenet(28).count_params()
    wide, narrow = (nets.build_dense(hidden).count_params() for hidden in (78, 77))
    gaps = [Fraction(round(10000 * Fraction(n - lenet, lenet)), 100) for n in (wide, narrow)]
    return {"paramètres": [wide, narrow], "écart en %": gaps}


@example("S2 TD 2", "InceptionV3 sans tête, images 150×150")
def n17(given):
    """Le plus petit côté se déduit des seuls étages qui réduisent l'image."""
    nets = _networks()
    model = nets.build_inception()
    shrinking = [(3, 2), (3, 1), (3, 2), (3, 1), (3, 2), (3, 2), (3, 2)]  # (noyau, pas)
    return {
        "paramètres": model.count_params(),
        "sortie": model.compute_output_shape((1, 150, 150, 3))[1:],
        "plus petit côté": next(s for s in range(3, 200) if _fits(s, shrinking)),
    }


def _fits(side: int, layers) -> bool:
    for kernel, stride in layers:
        if side < kernel:
            return False
        side = output_size(side, kernel, stride=stride)
    return True


@example("S1 ex. 2", "conv-pool-conv-pool-conv-dense-sortie, 32/64/64", shown="paramètres")
def n18(given):
    """Les tailles sont laissées au choix par l'énoncé : celles-ci en sont un."""
    nets = _networks()
    model = nets.build_fashion()
    return {"côtés": nets.sides(model), "paramètres": model.count_params()}


# --- Pooling, pixels, bords, canaux, matrices ----------------------------------------


@example("S1", "part des pixels gardée par un pooling 2×2 de pas 2", shown="côté sept")
def n19(given):
    """Un quart exactement pour un côté pair, un peu plus sinon."""
    kept = {}
    for name, side in (("côté pair", 8), ("côté sept", 7)):
        kept[name] = Fraction(pool2d(np.zeros((side, side)), 2, padding="same").size, side**2)
    return kept


@example("S0", "grille 20×20, ce que voit l'ordinateur", shown="somme")
def n20(given):
    """La grille et les barres sont imprimées ; leurs sommes disent qu'elles sont entières."""
    try:
        grid, bars = np.array(given["grille"], np.int64), np.array(given["barres"], np.int64)
        return {
            "barres": bars,
            "grille": grid,
            "taille": grid.shape,
            "minimum": grid.min(),
            "maximum": grid.max(),
            "somme": grid.sum(),
            "somme des barres": bars.sum(axis=0),
            "sommes des lignes": grid.sum(axis=1),
        }
    except (KeyError, TypeError, ValueError, OverflowError):
        return {}  # la donnée est absente ou n'est plus une grille : rien n'est retrouvé


@example("S4", "contours horizontaux, « same », sur un bord 0 | 200")
def n21(given):
    """Convolution et corrélation s'opposent ; les zéros du bord ajoutent un faux contour."""
    options = {"padding": "same"}
    unsigned = np.array(EDGE_KERNEL).astype(np.uint8)  # -1 y devient 255
    return {
        "convolution": conv2d(EDGE_IMAGE, EDGE_KERNEL, flip=True, **options),
        "corrélation": conv2d(EDGE_IMAGE, EDGE_KERNEL, **options),
        "noyau en uint8": conv2d(EDGE_IMAGE, unsigned, flip=True, **options),
    }


@example("S4", "plusieurs canaux : une convolution chacun, puis la somme", shown="somme")
def n22(given):
    """Un filtre rend une carte ; ses paramètres comptent les canaux de l'entrée."""
    image, kernel = np.moveaxis(CHANNELS, 0, -1), np.moveaxis(CHANNEL_KERNELS, 0, -1)
    each = [conv2d(*pair) for pair in zip(CHANNELS, CHANNEL_KERNELS, strict=True)]
    together = conv2d(image, kernel[..., np.newaxis])[..., 0]  # un seul filtre
    try:
        conv2d(image, kernel[..., :2, np.newaxis])
        mismatch = "accepté"
    except ValueError:
        mismatch = "refusé"
    filters = np.empty((3, 3, 3, 16))  # (N_H, N_W, N_C, N_f)
    return {
        "par canal": each,
        "somme": together,
        "somme des cartes": sum(each),
        "paramètres de seize filtres": filters.size + filters.shape[-1],
        "filtre trop peu profond": mismatch,
    }


@example("S4", "la convolution N3 comme produit de matrices", shown="sortie")
def n23(given):
    """Deux écritures : une ligne par fenêtre (im2col), ou une colonne par pixel (Toeplitz)."""
    patches, matrix = im2col(IMAGE, (3, 3)), toeplitz_matrix(KERNEL, (5, 5))
    return {
        "sortie": (patches @ np.reshape(KERNEL, -1)).reshape(3, 3),
        "sortie par Toeplitz": (matrix @ np.reshape(IMAGE, -1)).reshape(3, 3),
        "fenêtres": patches.shape,
        "matrice": matrix.shape,
        "zéros de la matrice": (matrix == 0).sum(),
    }


ALL_EXAMPLES = dict(EXAMPLES)  # N1 à N23, dans l'ordre
