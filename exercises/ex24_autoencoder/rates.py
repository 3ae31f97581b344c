"""Débit et distorsion : ce que pèse un fichier, et ce que vaut l'image qu'on y relit.

D'après : S3, figure (7), image → bits → image.
Commande : python -m exercises.ex24_autoencoder

Les vignettes sont comprimées ensemble, dans un seul fichier par codeur : une mosaïque pour JPEG et
WebP. Tous les octets comptent, en-têtes compris. C'est pourquoi les images sont réunies : le
fichier JPEG d'une seule vignette de 32 pixels serait surtout un en-tête.
"""

from typing import NamedTuple

import numpy as np

from exercises.ex24_autoencoder.measures import psnr, ssim


class Curve(NamedTuple):
    """Ce que vaut un codeur, du plus petit fichier au plus grand."""

    rates: list[float]  # bits par pixel
    psnr: list[float]  # décibels
    ssim: list[float]


def measure(files: list[tuple[bytes, np.ndarray]], images: np.ndarray) -> Curve:
    """Mesure ce que pèsent des fichiers et ce que valent les images qu'on y relit.

    Args:
        files: `(contenu, images relues)` de chaque qualité, du plus petit fichier au plus grand.
        images: les originales, uint8 `(n, h, w, 3)`.
    """
    return Curve(
        [8 * len(content) / images[..., 0].size for content, _ in files],
        [psnr(images, found) for _, found in files],
        [ssim(images, found) for _, found in files],
    )
