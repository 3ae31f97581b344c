"""Déformer des images au hasard : tourner, agrandir, pencher, déplacer, froisser, éclairer.

NumPy, un lot entier à la fois. Une déformation dit, pour chaque pixel de l'image déformée, où lire
dans l'image de départ ; `sample` y lit entre quatre pixels. Seul `rescale` appelle Pillow, une
image à la fois, pour que les objets rapetissés le soient comme le fait `./predict`.
"""

from typing import NamedTuple

import numpy as np
from PIL import Image

SCALED = 0.25  # part des images agrandies ou rapetissées par `rescale`
LOG_SCALE = (-0.5, 0.35)  # logarithme du facteur : de 0,61 à 1,42
BLUR_PX = 4  # le fond d'un objet rapetissé est une autre image, réduite à ce côté
RELIT = 0.25  # part des images dont `relight` change l'éclairage
LOG_CONTRAST, BRIGHTNESS, SATURATION = 0.4, 25.0, (0.3, 1.4)  # ± log, ± niveaux sur 255, facteurs


class Distortion(NamedTuple):
    """Jusqu'où déformer ; à zéro, l'image est rendue au bit près."""

    rotation_deg: float = 0.0  # dans les deux sens
    log_zoom: float = 0.0  # logarithme du facteur, tiré pour chaque axe : 0,1 → de 0,90 à 1,11
    shear: float = 0.0  # tangente de l'angle dont les verticales penchent
    shift_px: float = 0.0  # dans chaque direction
    elastic_px: float = 0.0  # « alpha » de Simard : ce qui multiplie le champ lissé
    smoothing_px: float = 4.0  # « sigma » de Simard : écart-type du lissage de ce champ


def random_warp(
    images: np.ndarray, distortion: Distortion, *, rng: np.random.Generator
) -> np.ndarray:
    """Déforme chaque image à sa façon ; ce qui entre par les bords est noir.

    Args:
        images: uint8 `(n, h, w)`, dans [0, 255].
        distortion: jusqu'où aller ; chaque grandeur est tirée uniformément.
        rng: générateur aléatoire.

    Returns:
        Images uint8 `(n, h, w)`.

    Source : Simard, Steinkraus et Platt, ICDAR, 2003 (déformations affines et élastiques).
    """
    n, height, width = images.shape

    def draw(limit: float, *shape: int) -> np.ndarray:
        return rng.uniform(-limit, limit, (*shape, n)).astype(np.float32)

    matrices = affine(
        np.deg2rad(draw(distortion.rotation_deg)),
        np.exp(draw(distortion.log_zoom, 2)),
        draw(distortion.shear),
    )
    rows, columns = positions(matrices, draw(distortion.shift_px, 2), height, width)
    if distortion.elastic_px:
        field = rng.uniform(-1, 1, (2, n, height, width)).astype(np.float32)
        field = smooth(field, distortion.smoothing_px) * np.float32(distortion.elastic_px)
        rows, columns = rows + field[0], columns + field[1]
    return sample(images, rows, columns)


def random_crop(images: np.ndarray, *, pad: int, rng: np.random.Generator) -> np.ndarray:
    """Translate chaque image de -pad à +pad pixels, les bords prolongés par réflexion.

    Args:
        images: `(n, h, w, c)`.
        pad: décalage maximal, en pixels.
        rng: générateur aléatoire.

    Returns:
        Images de même forme et de même type.
    """
    n, height, width, _ = images.shape
    padded = np.pad(images, ((0, 0), (pad, pad), (pad, pad), (0, 0)), mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (height, width), axis=(1, 2))
    rows, columns = rng.integers(0, 2 * pad + 1, (2, n))
    return windows[np.arange(n), rows, columns].transpose(0, 2, 3, 1)  # (n, h, w, c)


def affine(angle: np.ndarray, zoom: np.ndarray, shear: np.ndarray) -> np.ndarray:
    """Compose une rotation, un penchant et un changement d'échelle.

    Args:
        angle: `(n,)`, en radians ; positif, l'image tourne dans le sens des aiguilles d'une montre.
        zoom: `(2, n)`, facteurs vertical et horizontal ; plus grand que 1, l'image rétrécit.
        shear: `(n,)`, déplacement horizontal par pixel descendu.

    Returns:
        Matrices float32 `(n, 2, 2)`, de (ligne, colonne) d'arrivée à (ligne, colonne) de départ.
    """
    cos, sin = np.cos(angle), np.sin(angle)
    first = np.stack([zoom[0] * cos, -zoom[0] * sin], axis=-1)
    second = np.stack([zoom[1] * (sin + shear), zoom[1] * cos], axis=-1)
    return np.stack([first, second], axis=-2).astype(np.float32)


def positions(matrices: np.ndarray, shifts: np.ndarray, height: int, width: int) -> np.ndarray:
    """Rend l'endroit où lire chaque pixel, le centre de l'image étant fixe.

    Args:
        matrices: `(n, 2, 2)`, voir `affine`.
        shifts: `(2, n)`, pixels vers le bas et vers la droite dont l'endroit lu s'écarte.
        height: lignes de l'image.
        width: colonnes de l'image.

    Returns:
        Les lignes, puis les colonnes, float32 `(2, n, h, w)`.
    """
    middle = np.array([height - 1, width - 1], np.float32) / 2
    down = np.arange(height, dtype=np.float32)[:, np.newaxis] - middle[0]  # (h, 1)
    right = np.arange(width, dtype=np.float32) - middle[1]  # (w,)
    weights = matrices.T[..., np.newaxis, np.newaxis]  # (2, 2, n, 1, 1) : arrivée, puis départ
    offsets = (shifts + middle[:, np.newaxis])[..., np.newaxis, np.newaxis]  # (2, n, 1, 1)
    return weights[0] * down + weights[1] * right + offsets


def smooth(field: np.ndarray, sigma_px: float) -> np.ndarray:
    """Lisse les deux derniers axes par une gaussienne, coupée à trois écarts-types.

    Args:
        field: nombres `(..., h, w)` ; au-delà des bords, ils valent zéro.
        sigma_px: écart-type, en pixels.

    Returns:
        float32, de même forme.
    """
    height, width = field.shape[-2:]
    return _gaussian(height, sigma_px) @ field @ _gaussian(width, sigma_px)


def _gaussian(size: int, sigma_px: float) -> np.ndarray:
    """Rend la matrice `(size, size)` du lissage d'un axe : un produit, et tout le lot est lissé."""
    radius = int(3 * sigma_px)
    reach = np.arange(-radius, radius + 1)
    weights = np.exp(-(reach**2) / (2 * sigma_px**2))
    distance = np.abs(np.subtract.outer(np.arange(size), np.arange(size)))
    kernel = np.where(distance <= radius, np.exp(-(distance**2) / (2 * sigma_px**2)), 0)
    return (kernel / weights.sum()).astype(np.float32)


def sample(images: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Lit les images entre les pixels, par interpolation bilinéaire ; dehors, tout est noir.

    Args:
        images: uint8 `(n, h, w)`.
        rows: lignes où lire, `(n, h', w')`.
        columns: colonnes où lire, de même forme.

    Returns:
        uint8 `(n, h', w')`, arrondi au plus proche.
    """
    n, height, width = images.shape
    # Un pixel noir avant, deux après : les quatre voisins existent toujours.
    padded = np.pad(images.astype(np.float32), ((0, 0), (1, 2), (1, 2)))
    rows = np.clip(rows, -1, height) + np.float32(1)
    columns = np.clip(columns, -1, width) + np.float32(1)
    top, left = rows.astype(np.int32), columns.astype(np.int32)
    down, right = rows - top.astype(np.float32), columns - left.astype(np.float32)
    pixels, line = padded.reshape(-1), width + 3
    start = np.arange(n, dtype=np.intp)[:, np.newaxis, np.newaxis] * ((height + 3) * line)
    corner = start + top * line + left

    def read(offset: int) -> np.ndarray:
        return pixels.take(corner + offset, mode="wrap")  # rien ne dépasse : on ne le revérifie pas

    above = read(0) * (1 - right) + read(1) * right
    below = read(line) * (1 - right) + read(line + 1) * right
    return (above * (1 - down) + below * down + np.float32(0.5)).astype(np.uint8)


def shift(x: np.ndarray, down: int, right: int) -> np.ndarray:
    """Déplace des images ; ce qui entre par le bord opposé est noir.

    Args:
        x: images `(n, h, w)`.
        down: pixels vers le bas, négatif vers le haut.
        right: pixels vers la droite, négatif vers la gauche.

    Returns:
        Images de même forme et de même type.
    """
    moved = np.zeros_like(x)
    height, width = x.shape[1:]
    moved[:, max(down, 0) : height + min(down, 0), max(right, 0) : width + min(right, 0)] = x[
        :, max(-down, 0) : height - max(down, 0), max(-right, 0) : width - max(right, 0)
    ]
    return moved


def rotate(x: np.ndarray, angle_deg: float) -> np.ndarray:
    """Tourne des images autour de leur centre ; ce qui entre par les bords est noir.

    Args:
        x: images uint8 `(n, h, w)`.
        angle_deg: degrés, dans le sens des aiguilles d'une montre.

    Returns:
        Images uint8 `(n, h, w)`.
    """
    zeros = np.zeros((2, len(x)), np.float32)
    matrices = affine(zeros[0] + np.deg2rad(np.float32(angle_deg)), zeros + 1, zeros[0])
    return sample(x, *positions(matrices, zeros, *x.shape[1:]))


def alternate_mirror(images: np.ndarray, indices: np.ndarray, turn: int) -> np.ndarray:
    """Retourne de gauche à droite une image sur deux ; au tour suivant, l'autre moitié.

    Un miroir tiré au sort montrerait parfois deux fois de suite la même vue.

    Args:
        images: `(n, h, w, c)`, modifiées sur place.
        indices: leurs numéros dans le jeu, `(n,)` entiers : ils disent la moitié de chacune.
        turn: numéro du tour, par exemple celui de l'époque.

    Returns:
        Les images.

    Source : Jordan, arXiv 2404.00498, 2024 (« alternating flip »).
    """
    flipped = (indices * 2654435761 // 65536 + turn) % 2 == 1
    images[flipped] = images[flipped, :, ::-1]
    return images


def cutout(images: np.ndarray, side_px: int, *, rng: np.random.Generator) -> np.ndarray:
    """Efface un carré tiré au hasard dans chaque image ; le carré y tient tout entier.

    Args:
        images: `(n, h, w, c)`, uint8 ou réels.
        side_px: côté du carré, en pixels, au plus celui de l'image.
        rng: générateur aléatoire.

    Returns:
        Copie des images ; le carré y prend la couleur moyenne du lot.

    Source : DeVries et Taylor, « Improved Regularization of Convolutional Neural Networks
    with Cutout », arXiv 1708.04552, 2017.
    """
    n, height, width, _ = images.shape
    tops = rng.integers(0, height - side_px + 1, n)
    lefts = rng.integers(0, width - side_px + 1, n)
    rows, columns = (start[:, None] + np.arange(side_px) for start in (tops, lefts))
    # Un canal à la fois : NumPy réduit lentement des tableaux dont le dernier axe est si court.
    color = np.stack([images[..., channel].mean() for channel in range(images.shape[3])])
    images = images.copy()
    images[np.arange(n)[:, None, None], rows[:, :, None], columns[:, None]] = color.astype(
        images.dtype
    )
    return images


def rescale(images: np.ndarray, *, rng: np.random.Generator) -> np.ndarray:
    """Change la taille de l'objet de quelques images, et le déplace.

    Args:
        images: uint8 `(n, h, h, 3)`, modifiées sur place.
        rng: générateur aléatoire.

    Returns:
        Les images. Une sur quatre (`SCALED`) est agrandie, et ses bords sont perdus, ou
        rapetissée, et posée n'importe où sur le fond flou d'une autre.
    """
    side_px = images.shape[1]
    for number in np.flatnonzero(rng.random(len(images)) < SCALED):
        image, factor = Image.fromarray(images[number]), np.exp(rng.uniform(*LOG_SCALE))
        if factor >= 1:
            left, top = rng.uniform(0, side_px - side_px / factor, 2)
            box = (left, top, left + side_px / factor, top + side_px / factor)
            images[number] = image.resize((side_px, side_px), Image.Resampling.BICUBIC, box=box)
            continue
        small_px = round(side_px * factor)
        other = Image.fromarray(images[rng.integers(len(images))])
        blurred = other.resize((BLUR_PX, BLUR_PX), Image.Resampling.BOX)
        canvas = blurred.resize((side_px, side_px), Image.Resampling.BICUBIC)
        place = tuple(int(start) for start in rng.integers(0, side_px - small_px + 1, 2))
        canvas.paste(image.resize((small_px, small_px), Image.Resampling.BICUBIC), place)
        images[number] = canvas
    return images


def relight(images: np.ndarray, *, rng: np.random.Generator) -> np.ndarray:
    """Change le contraste, la luminosité et la saturation de quelques images.

    Args:
        images: uint8 `(n, h, w, 3)`, modifiées sur place.
        rng: générateur aléatoire.

    Returns:
        Les images. Une sur quatre (`RELIT`) s'écarte plus ou moins de sa moyenne, est éclaircie ou
        assombrie, et ses couleurs sont rapprochées ou éloignées du gris.

    Source : Howard, arXiv 1312.5402, 2013 (changer au hasard contraste, luminosité, couleurs).
    """
    chosen = np.flatnonzero(rng.random(len(images)) < RELIT)
    few, shape = images[chosen].astype(np.float32), (len(chosen), 1, 1, 1)
    grey = (few[..., :1] + few[..., 1:2] + few[..., 2:]) / np.float32(3)
    few = grey + rng.uniform(*SATURATION, shape).astype(np.float32) * (few - grey)
    mean = grey.mean(axis=(1, 2), keepdims=True)
    contrast = np.exp(rng.uniform(-LOG_CONTRAST, LOG_CONTRAST, shape)).astype(np.float32)
    few = mean + contrast * (few - mean) + rng.uniform(-BRIGHTNESS, BRIGHTNESS, shape)
    images[chosen] = np.clip(np.rint(few), 0, 255).astype(np.uint8)
    return images
