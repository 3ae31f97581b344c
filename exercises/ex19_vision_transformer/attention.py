"""Lire un transformeur : où regarde le jeton de classe, ce que disent les positions apprises.

D'après : S3 « The Transformer Wave ».
Commande : python -m exercises.ex19_vision_transformer

Ces fonctions ne font que lire : le modèle est laissé comme il était.
"""

import keras
import numpy as np
from keras import layers, ops

# --- Question : où regarde le réseau -------------------------------------------------


def attention_weights(model: keras.Model, x: np.ndarray) -> np.ndarray:
    """Rend les poids d'attention de toutes les couches.

    Args:
        model: transformeur dont chaque attention passe par une couche `Softmax`.
        x: images uint8 `(n, H, W)`.

    Returns:
        `(n, blocs, têtes, jetons, jetons)` float32 : chaque ligne, de somme 1, dit ce qu'un
        jeton prend aux autres. Le premier jeton est celui de classe.
    """
    outputs = [each.output for each in model.layers if isinstance(each, layers.Softmax)]
    weights = keras.Model(model.inputs[0], ops.stack(outputs, axis=1))
    return weights.predict(x, batch_size=100, verbose=0)


def rollout(weights: np.ndarray) -> np.ndarray:
    """Suit l'attention de bloc en bloc, jusqu'aux morceaux de départ.

    Un bloc ajoute ce qu'il prend ailleurs à ce que le jeton savait déjà : on compte donc moitié
    pour l'attention, moyenne des têtes, moitié pour le jeton lui-même, et on multiplie.

    Args:
        weights: `(n, blocs, têtes, jetons, jetons)`, de `attention_weights`.

    Returns:
        `(n, jetons, jetons)` : ligne `i`, la part de chaque jeton de départ dans le jeton `i` de
        la fin ; de somme 1.

    Source : Abnar et Zuidema, arXiv 2005.00928, 2020, équation 1.
    """
    same = np.eye(weights.shape[-1], dtype=weights.dtype)
    found = same
    for block in range(weights.shape[1]):
        found = (weights[:, block].mean(axis=1) + same) / 2 @ found
    return found


def class_map(weights: np.ndarray) -> np.ndarray:
    """Dessine où regarde le jeton de classe.

    Args:
        weights: `(..., jetons, jetons)`, un carré parfait de morceaux après le jeton de classe.

    Returns:
        `(..., côté, côté)` : ce que le jeton de classe prend à chaque morceau. Le reste, jusqu'à
        un, est ce qu'il garde de lui-même.
    """
    taken = weights[..., 0, 1:]
    side = round(taken.shape[-1] ** 0.5)
    return taken.reshape(*taken.shape[:-1], side, side)


# --- Question : ce que disent les positions ------------------------------------------


def position_similarity(model: keras.Model) -> np.ndarray:
    """Compare deux à deux les positions apprises.

    Args:
        model: transformeur qui a une couche `positions`.

    Returns:
        `(morceaux, morceaux)` : cosinus de l'angle entre deux positions, dans [-1, 1].

    Source : Dosovitskiy et al., arXiv 2010.11929, 2020, figure 7.
    """
    table = model.get_layer("positions").get_weights()[0]  # (1, morceaux × largeur)
    width = model.get_layer("class_token").get_weights()[0].shape[1]
    rows = table.reshape(-1, width)
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return rows @ rows.T


# --- Question : et si l'on mélange les morceaux ? -------------------------------------


def shuffle_patches(x: np.ndarray, *, patch_px: int, seed: int) -> np.ndarray:
    """Mélange les morceaux de chaque image, chacune à sa façon.

    Args:
        x: images uint8 `(n, H, W)`, H et W multiples de `patch_px`.
        patch_px: côté d'un morceau.
        seed: graine du mélange.

    Returns:
        Images de même forme et de même type, faites des mêmes morceaux.
    """
    n, rows, columns = len(x), *(side // patch_px for side in x.shape[1:])
    patches = x.reshape(n, rows, patch_px, columns, patch_px).swapaxes(2, 3)
    patches = patches.reshape(n, rows * columns, patch_px, patch_px)
    order = np.random.default_rng(seed).random((n, rows * columns)).argsort(axis=1)
    mixed = np.take_along_axis(patches, order[..., None, None], axis=1)
    mixed = mixed.reshape(n, rows, columns, patch_px, patch_px).swapaxes(2, 3)
    return mixed.reshape(x.shape)
