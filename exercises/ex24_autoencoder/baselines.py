"""Ce à quoi comparer : l'ACP, l'image réduite, les moyennes non locales, JPEG et WebP.

D'après : S3, figure (7), image → bits → image.
Commande : python -m exercises.ex24_autoencoder
"""

import io
import math

import numpy as np
from PIL import Image
from scipy.linalg import eigh
from scipy.ndimage import uniform_filter

from convnets.figures.charts import mosaic
from exercises.ex24_autoencoder.codec import BLOCK_PX, Codec

GREY = 127.5  # retiré avant l'analyse, remis après
SMALL_PX = 9  # côté d'une image réduite : 243 nombres, presque autant que le goulot
# Choisis sur 300 images de validation, parmi trois carrés, trois voisinages et six forces.
PATCH_PX, REACH_PX, STRENGTH = 3, 5, 20.0
QUALITIES = {"JPEG": (5, 10, 20, 30, 50, 70, 85), "WEBP": (1, 5, 10, 20, 30, 50, 70, 85)}
# JPEG garde toute la couleur, ce que WebP ne peut pas ; WebP emploie sa méthode la plus lente.
FORMATS = {"JPEG": {"optimize": True, "subsampling": 0}, "WEBP": {"method": 6}}


# --- Question : un auto-encodeur linéaire est une ACP --------------------------------


def principal_axes(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cherche les axes principaux des carrés de 8 × 8 pixels, couleurs comprises.

    `GREY` est retiré de chaque pixel, et rien d'autre n'est centré. Un carré est déplié ligne par
    ligne, les couleurs de chaque pixel à la suite.

    Args:
        images: uint8 `(n, 8a, 8b, 3)`.

    Returns:
        `(axes, écarts-types)` : colonnes orthonormées `(192, 192)`, du plus grand écart-type au
        plus petit, et ces écarts-types `(192,)`.

    Source : Baldi et Hornik, Neural Networks 2(1), 1989 : ce qu'apprend un auto-encodeur linéaire.
    """
    blocks = to_blocks(images.astype(np.float32) - GREY).reshape(-1, 3 * BLOCK_PX**2)
    variances, axes = np.linalg.eigh(blocks.T @ blocks / len(blocks))
    return axes[:, ::-1].copy(), np.sqrt(np.maximum(variances[::-1], 1e-6))


def project(images: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """Passe des images uint8 `(n, 8a, 8b, 3)` par des axes `(192, c)`, et en revient, en float32.

    Chaque carré de 8 × 8 pixels n'est plus dit que par c nombres.
    """
    return from_blocks(to_blocks(images.astype(np.float32) - GREY) @ axes @ axes.T) + GREY


def whole_axes(images: np.ndarray, num_axes: int) -> np.ndarray:
    """Cherche les premiers axes principaux d'images entières, dépliées comme un carré.

    Aucun auto-encodeur linéaire de même goulot ne rend mieux ces images. Sa matrice dépend de leur
    taille : contrairement à celle des carrés, elle ne sert qu'à des images de cette taille.

    Args:
        images: uint8 `(n, h, w, 3)`.
        num_axes: nombre d'axes.

    Returns:
        Colonnes orthonormées `(3hw, num_axes)`.
    """
    flat = images.reshape(len(images), -1).astype(np.float32) - GREY
    size = flat.shape[1]
    return eigh(flat.T @ flat / len(flat), subset_by_index=[size - num_axes, size - 1])[1]


def project_whole(images: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """Passe des images entières par les axes de `whole_axes`, et en revient, en float32."""
    flat = images.reshape(len(images), -1).astype(np.float32) - GREY
    return (flat @ axes @ axes.T + GREY).reshape(images.shape)


def reduce_and_enlarge(images: np.ndarray) -> np.ndarray:
    """Réduit des images uint8 `(n, h, w, 3)` à `SMALL_PX` pixels de côté, et les agrandit.

    Le filtre de Lanczos a été choisi, parmi quatre de Pillow, sur les images de validation.
    """
    size, lanczos = images.shape[2:0:-1], Image.Resampling.LANCZOS
    small = [Image.fromarray(each).resize((SMALL_PX, SMALL_PX), lanczos) for each in images]
    return np.stack([np.asarray(each.resize(size, lanczos)) for each in small])


def to_blocks(images: np.ndarray) -> np.ndarray:
    """Range des images `(n, 8a, 8b, 3)` en `(n, a, b, 192)`, un vecteur par carré."""
    num, height, width = images.shape[:3]
    rows, columns = height // BLOCK_PX, width // BLOCK_PX
    split = images.reshape(num, rows, BLOCK_PX, columns, BLOCK_PX, 3).swapaxes(2, 3)
    return split.reshape(num, rows, columns, 3 * BLOCK_PX**2)


def from_blocks(blocks: np.ndarray) -> np.ndarray:
    """Défait `to_blocks`."""
    num, rows, columns = blocks.shape[:3]
    split = blocks.reshape(num, rows, columns, BLOCK_PX, BLOCK_PX, 3).swapaxes(2, 3)
    return split.reshape(num, rows * BLOCK_PX, columns * BLOCK_PX, 3)


def pca_codec(images: np.ndarray) -> Codec:
    """Fait un codeur de l'ACP d'images d'apprentissage uint8 `(n, 8a, 8b, 3)`."""
    axes, _ = principal_axes(images)
    return Codec(
        lambda x: to_blocks(x.astype(np.float32) - GREY) @ axes,
        lambda codes: from_blocks(codes @ axes.T) + GREY,
    )


# --- Question : débruiter sans réseau ------------------------------------------------


def non_local_means(images: np.ndarray, noise: float) -> np.ndarray:
    """Remplace chaque pixel par la moyenne de ses voisins, chacun pesé selon ce qui l'entoure.

    Un voisin pèse d'autant plus que le carré de `PATCH_PX` pixels posé autour de lui ressemble à
    celui du pixel.

    Args:
        images: images bruitées uint8 `(n, h, w, 3)`.
        noise: écart-type du bruit, en niveaux de gris.

    Returns:
        Images float32 `(n, h, w, 3)`, bornées à [0, 255].

    Source : Buades, Coll et Morel, « A non-local algorithm for image denoising », CVPR 2005.
    """
    images = images.astype(np.float32)
    height, width = images.shape[1:3]
    wide = np.pad(images, ((0, 0), (REACH_PX, REACH_PX), (REACH_PX, REACH_PX), (0, 0)), "reflect")
    total, weights = np.zeros_like(images), np.zeros_like(images[..., :1])
    for down in range(2 * REACH_PX + 1):
        for right in range(2 * REACH_PX + 1):
            moved = wide[:, down : down + height, right : right + width]
            apart = ((images - moved) ** 2).mean(axis=-1)
            apart = uniform_filter(apart, size=(0, PATCH_PX, PATCH_PX))
            # Deux carrés pareils, bruités chacun de son côté, diffèrent déjà de deux fois le bruit.
            weight = np.exp(-np.maximum(apart - 2 * noise**2, 0) / STRENGTH**2)[..., np.newaxis]
            total += weight * moved
            weights += weight
    return np.clip(total / weights, 0, 255)


# --- Question : JPEG et WebP, à la même taille ---------------------------------------


def through_format(images: np.ndarray, kind: str, quality: int) -> tuple[bytes, np.ndarray]:
    """Écrit une mosaïque en JPEG ou en WebP, et la relit.

    Args:
        images: uint8 `(n, h, w, 3)`, n un carré.
        kind: clé de `FORMATS`.
        quality: celle du format.

    Returns:
        `(contenu du fichier, images relues)`, ces dernières de même forme.
    """
    num, height, width = images.shape[:3]
    side, content = math.isqrt(num), io.BytesIO()
    whole = Image.fromarray(mosaic(images, side, gap_px=0))
    whole.save(content, kind, quality=quality, **FORMATS[kind])
    with Image.open(content) as picture:
        found = np.asarray(picture.convert("RGB"))
    split = found.reshape(side, height, side, width, 3).swapaxes(1, 2)
    return content.getvalue(), split.reshape(images.shape)
