"""Rendre une image : U-Net, le même sans connexions, et SegNet.

D'après : S3 « Different problems, models & metrics » (U-Net, SegNet).
Commande : python -m exercises.ex18_segmentation

Les trois réseaux descendent de la même façon, de 64 à 8 pixels, puis remontent. Seul change ce que
la montée reçoit de la descente : toutes ses cartes (U-Net), la place de ses maximums (SegNet), ou
rien. Sans rien, le réseau a la forme d'un auto-encodeur : il sait ce qu'il y a, il ne sait plus
bien où.
"""

import keras
from keras import layers

from convnets.datasets.scenes import SCENE_PX
from exercises.ex18_segmentation.unpooling import max_pool_with_places, unpool

NUM_CLASSES = 11  # le fond et dix vêtements
CHANNELS = (16, 24, 48, 96)  # cartes à 64, 32, 16 et 8 pixels
NAMES_FR = {"unet": "U-Net", "plain": "sans connexions", "segnet": "SegNet"}


def block(x, num_maps: int):
    """Convolution 3 × 3, normalisation, ReLU : `(n, h, w, c)` → `(n, h, w, num_maps)`."""
    x = layers.Conv2D(num_maps, 3, padding="same", use_bias=False)(x)
    # 0,9 : les moyennes suivent en une dizaine de lots, l'entraînement en compte un millier.
    return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))


def build_model(
    kind: str, *, channels: tuple[int, ...] = CHANNELS, side_px: int = SCENE_PX
) -> keras.Model:
    """Construit un des trois réseaux.

    Args:
        kind: `"unet"`, `"plain"` (le même, sans connexions) ou `"segnet"`.
        channels: nombre de cartes à chaque étage, le plus fin d'abord.
        side_px: côté des images, multiple de 2 puissance `len(channels) - 1`.

    Returns:
        Modèle : images uint8 `(n, s, s, 3)` → probabilités `(n, s, s, 11)` float32.

    Raises:
        ValueError: réseau inconnu, ou côté qu'on ne peut pas diviser assez de fois.

    Source : Ronneberger, Fischer et Brox, arXiv 1505.04597 ; Badrinarayanan, Kendall et Cipolla,
    arXiv 1511.00561. Une convolution par étage au lieu de deux ou trois, et bien moins de cartes.
    """
    step = 2 ** (len(channels) - 1)
    if kind not in NAMES_FR:
        raise ValueError(f"Réseau {kind!r} inconnu ; au choix : {', '.join(NAMES_FR)}.")
    if side_px % step:
        raise ValueError(f"Images de {side_px} pixels reçues ; un multiple de {step} est attendu.")
    images = keras.Input((side_px, side_px, 3), dtype="uint8")
    x = layers.Rescaling(1 / 127.5, -1)(images)  # dans [-1, 1]
    kept = []  # ce que la descente transmet à la montée, un élément par étage
    for num_maps in channels[:-1]:
        x = block(x, num_maps)
        if kind == "segnet":
            x, places = max_pool_with_places(x)
            kept.append(places)
        else:
            kept.append(x)
            x = layers.MaxPooling2D(2)(x)
    for _ in range(2):
        x = block(x, channels[-1])  # (n, s/8, s/8, 96)
    climb = climb_with_places if kind == "segnet" else climb_with_maps
    x = climb(x, kept if kind != "plain" else None, channels)  # (n, s, s, 16)
    scores = layers.Conv2D(NUM_CLASSES, 1)(x)  # (n, s, s, 11)
    outputs = layers.Softmax(dtype="float32")(scores)
    return keras.Model(images, outputs, name=f"ex18_{kind}")


# --- Question : comment rendre une image ? -------------------------------------------


def climb_with_maps(x, kept: list | None, channels: tuple[int, ...]):
    """Remonte par convolutions transposées, avec ou sans les cartes de la descente.

    Sans elles, chaque convolution transposée rend deux fois plus de cartes : la convolution qui
    suit en lit autant, et le réseau n'est pas plus petit que le U-Net.

    Args:
        x: cartes du fond `(n, h, w, c)`.
        kept: cartes de la descente, la plus fine d'abord ; None : aucune.
        channels: nombre de cartes à chaque étage.

    Returns:
        Cartes `(n, s, s, channels[0])`.

    Source : Ronneberger, Fischer et Brox, arXiv 1505.04597, figure 1.
    """
    for level in reversed(range(len(channels) - 1)):
        num_maps = channels[level]
        if kept:
            x = layers.Conv2DTranspose(num_maps, 2, strides=2)(x)
            x = layers.Concatenate()([kept[level], x])  # (n, 2h, 2w, 2c)
        else:
            x = layers.Conv2DTranspose(2 * num_maps, 2, strides=2)(x)  # (n, 2h, 2w, 2c)
        x = block(x, num_maps)
    return x


def climb_with_places(x, kept: list, channels: tuple[int, ...]):
    """Remonte en reposant chaque valeur à la place du maximum, puis en étalant par convolution.

    Args:
        x: cartes du fond `(n, h, w, c)`.
        kept: masques des places retenues à la descente, le plus fin d'abord.
        channels: nombre de cartes à chaque étage.

    Returns:
        Cartes `(n, s, s, channels[0])`.

    Source : Badrinarayanan, Kendall et Cipolla, arXiv 1511.00561, figure 2.
    """
    x = block(x, channels[-2])  # autant de cartes qu'il y a de places retenues
    for level in reversed(range(len(channels) - 1)):
        x = block(unpool(x, kept[level]), channels[level])
        if level:
            x = block(x, channels[level - 1])
    return x
