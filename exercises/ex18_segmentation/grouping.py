"""Un masque par objet : chaque pixel dit où est le centre de son objet, et l'on regroupe.

D'après : S3 « Different problems, models & metrics » (segmentation d'instances).
Commande : python -m exercises.ex18_segmentation.instances

Un masque de classes ne sépare pas deux objets de même classe qui se touchent. Au U-Net, on ajoute
trois cartes : une qui s'allume au centre de chaque objet, et deux qui disent à chaque pixel de
combien se déplacer, en lignes et en colonnes, pour y arriver. Deux pixels voisins, de même classe
mais de deux objets, désignent alors deux centres.
"""

from typing import NamedTuple

import keras
import numpy as np
from keras import layers, ops
from scipy import ndimage

from exercises.ex18_segmentation.measures import NUM_CLASSES

SIGMA_PX = 3.0  # rayon des taches de la carte des centres
HEIGHT = 127  # leur hauteur, telle qu'elle est écrite dans la bonne réponse
UNIT_PX = 16.0  # unité des décalages, pour le réseau : ils restent près de [-1, 1]
CENTER_WEIGHT = 10.0  # de l'erreur des centres, dans la perte : peu de pixels en sont
EXTRA_MAPS = 32  # cartes de la convolution que centres et décalages ont pour eux
PEAK_PX = 7  # côté du carré où un centre est le plus haut
MIN_PEAK = 0.15  # hauteur, de 0 à 1, à partir de laquelle un sommet est un centre
MIN_MASK_PX = 20  # pixels en deçà desquels un morceau n'est pas un objet


class Instances(NamedTuple):
    """Les objets d'une scène."""

    masks: np.ndarray  # (k, s, s) booléens
    labels: np.ndarray  # (k,) entiers, de 0 à 9
    scores: np.ndarray  # (k,) float dans [0, 1]


def one_by_one(numbers: np.ndarray) -> np.ndarray:
    """Fait un masque `(k, s, s)` de chaque objet, d'une carte `(s, s)` de leurs numéros."""
    return numbers == np.arange(1, numbers.max() + 1)[:, None, None]


def touching(owners: np.ndarray) -> np.ndarray:
    """Dit dans quelles scènes `(n, s, s)` deux objets au moins se touchent : `(n,)` booléens."""
    highest = ndimage.maximum_filter(owners, (1, 3, 3))  # de chaque pixel et de ses voisins
    return ((owners > 0) & (highest > owners)).any(axis=(1, 2))


# --- Question : ce que chaque pixel doit répondre ------------------------------------


def make_targets(owners: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Écrit la bonne réponse de chaque pixel.

    Args:
        owners: `(n, s, s)` entiers : 0 pour le fond, sinon le numéro de l'objet.
        labels: `(n,)` : la classe, de 0 à 9, des objets de chaque scène.

    Returns:
        `(n, s, s, 4)` int8 : la classe, de 0 (fond) à 10 ; la hauteur de la carte des centres, de
        0 à `HEIGHT` ; le décalage vers le centre de son objet, en lignes puis en colonnes, en
        pixels, nul sur le fond. Le centre est le pixel le plus proche de la moyenne de ceux qu'on
        voit ; il n'est pas toujours de l'objet.

    Source : Cheng et al., Panoptic-DeepLab, arXiv 1911.10194, 2020, § 3.
    """
    targets = np.zeros((*owners.shape, 4), np.int8)
    targets[..., 0] = np.where(owners > 0, labels[:, None, None] + 1, 0)
    places = np.stack(np.indices(owners.shape[1:]), axis=-1)  # (s, s, 2)
    for target, owner in zip(targets, owners, strict=True):
        for mine in one_by_one(owner):
            towards = np.rint(places[mine].mean(0)).astype(int) - places  # (s, s, 2)
            bump = HEIGHT * np.exp(-(towards**2).sum(-1) / (2 * SIGMA_PX**2))
            target[..., 1] = np.maximum(target[..., 1], np.rint(bump))
            target[mine, 2:] = towards[mine]
    return targets


# --- Question : trois cartes de plus, et une perte pour chacune ----------------------


def add_heads(unet: keras.Model) -> keras.Model:
    """Ajoute au U-Net la carte des centres et celles des décalages.

    Args:
        unet: rendu par `build_model("unet")` ; ses couches sont partagées.

    Returns:
        Modèle : images uint8 `(n, s, s, 3)` → `(n, s, s, 14)` float32 : les onze probabilités des
        classes, la hauteur de la carte des centres, les deux décalages en `UNIT_PX`.
    """
    features = unet.layers[-1].input  # (n, s, s, 16) : ce que lit la dernière convolution
    x = layers.Conv2D(EXTRA_MAPS, 3, padding="same", use_bias=False)(features)
    x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    x = layers.Conv2D(3, 1)(x)  # (n, s, s, 3)
    outputs = layers.Concatenate()([unet.outputs[0], x])
    return keras.Model(unet.inputs[0], outputs, name="ex18_instances")


def loss(targets, outputs):
    """Additionne l'erreur de classe, celle des centres et, sur les objets, celle des décalages.

    Args:
        targets: `(n, s, s, 4)`, de `make_targets`.
        outputs: `(n, s, s, 14)`, du réseau.

    Returns:
        `(n, s, s)` : une perte par pixel.

    Source : Cheng et al., arXiv 1911.10194, équation 1 ; les poids sont les nôtres.
    """
    targets = ops.cast(targets, "float32")
    classes, bumps, towards = targets[..., 0], targets[..., 1] / HEIGHT, targets[..., 2:] / UNIT_PX
    probabilities, heights, shifts = split(outputs)
    wrong_class = keras.losses.sparse_categorical_crossentropy(classes, probabilities)
    wrong_center = ops.square(heights - bumps)
    wrong_shift = ops.cast(classes > 0, "float32") * ops.sum(ops.abs(shifts - towards), axis=-1)
    return wrong_class + CENTER_WEIGHT * wrong_center + wrong_shift


def split(outputs):
    """Sépare les sorties `(..., 14)` : probabilités `(..., 11)`, centres, décalages `(..., 2)`."""
    return outputs[..., :NUM_CLASSES], outputs[..., NUM_CLASSES], outputs[..., NUM_CLASSES + 1 :]


# --- Question : regrouper les pixels -------------------------------------------------


def find_centers(heights: np.ndarray) -> np.ndarray:
    """Trouve les sommets d'une carte des centres.

    Args:
        heights: `(s, s)` float.

    Returns:
        `(k, 2)` entiers, lignes et colonnes : les pixels d'au moins `MIN_PEAK` que rien ne dépasse
        dans le carré de `PEAK_PX` pixels autour d'eux.
    """
    highest = ndimage.maximum_filter(heights, PEAK_PX, mode="nearest")
    return np.argwhere((heights == highest) & (heights >= MIN_PEAK))


def group(outputs: np.ndarray) -> Instances:
    """Fait un objet de chaque centre : les pixels d'objet qui le désignent.

    Args:
        outputs: `(s, s, 14)`, sortie du réseau pour une scène.

    Returns:
        Les objets, nommés par `name_masks` ; leur score est multiplié par la hauteur du centre.
        Aucun si la carte n'a pas de centre.

    Source : Cheng et al., arXiv 1911.10194, § 3.
    """
    probabilities, heights, shifts = split(outputs)
    centers = find_centers(heights)
    places = np.stack(np.indices(heights.shape), axis=-1)
    aimed = places + UNIT_PX * shifts  # (s, s, 2) : l'endroit que chaque pixel désigne
    distances = np.linalg.norm(aimed - centers[:, None, None], axis=-1)  # (k, s, s)
    closest = distances == distances.min(axis=0, initial=np.inf)
    masks = closest & (probabilities.argmax(-1) > 0)
    return name_masks(masks, probabilities, sureness=heights[tuple(centers.T)].clip(0, 1))


def name_masks(
    masks: np.ndarray, probabilities: np.ndarray, *, sureness: np.ndarray | float = 1.0
) -> Instances:
    """Donne à chaque masque la classe la plus probable en moyenne sur ses pixels.

    Args:
        masks: `(k, s, s)` booléens ; ceux de moins de `MIN_MASK_PX` pixels sont oubliés.
        probabilities: `(s, s, 11)`, celles de chaque pixel ; le fond ne peut pas gagner.
        sureness: par quoi multiplier cette moyenne pour faire le score, `(k,)` ou pour tous.

    Returns:
        Les objets gardés, dans le même ordre.
    """
    sizes = masks.sum(axis=(1, 2))
    means = np.tensordot(masks, probabilities[..., 1:], axes=2) / np.maximum(sizes, 1)[:, None]
    scores, kept = means.max(axis=1) * sureness, sizes >= MIN_MASK_PX
    return Instances(masks[kept], means.argmax(axis=1)[kept], scores[kept])


# --- Question : la réponse naïve -----------------------------------------------------


def components(probabilities: np.ndarray) -> Instances:
    """Fait un objet de chaque tache d'un seul tenant du masque, nommée comme par `name_masks`.

    Args:
        probabilities: `(s, s, 11)`.
    """
    spots, _ = ndimage.label(probabilities.argmax(-1) > 0)
    return name_masks(one_by_one(spots), probabilities)
