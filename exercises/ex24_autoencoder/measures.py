"""Juger une image rendue : PSNR, SSIM, et ce que vaut un codeur à un débit donné.

D'après : S3 « Different problems, models & metrics » (figure (7), image → bits → image).
Commande : python -m exercises.ex24_autoencoder

Le PSNR ne compte que des écarts de pixels ; le SSIM compare, autour de chaque pixel, la moyenne, le
contraste et la forme, ce que l'œil regarde. Ils ne classent pas toujours de la même façon.
"""

from typing import NamedTuple

import numpy as np
from scipy import ndimage

PEAK = 255  # la plus grande valeur d'un pixel
WINDOW_PX, WINDOW_SIGMA_PX = 11, 1.5  # la fenêtre du SSIM, celle de l'article
C1, C2 = (0.01 * PEAK) ** 2, (0.03 * PEAK) ** 2  # évitent une division par zéro


# --- Question : à quel point l'image rendue est-elle la bonne ? ----------------------


def psnr(truth: np.ndarray, found: np.ndarray) -> float:
    """Calcule le rapport signal sur bruit de crête, tous pixels confondus.

    Args:
        truth: images `(n, h, w, c)` dans [0, 255].
        found: images rendues, même forme.

    Returns:
        `10 log10(255² / erreur quadratique moyenne)`, en décibels ; infini si tout est égal.

    Raises:
        ValueError: les deux formes diffèrent, même si NumPy saurait les ajuster.
    """
    if truth.shape != found.shape:
        raise ValueError(f"Formes différentes : {truth.shape} et {found.shape}.")
    error = np.mean((truth.astype(np.float64) - found) ** 2)
    return float(10 * np.log10(PEAK**2 / error)) if error else float("inf")


def psnr_each(truth: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Calcule le PSNR de chaque image `(n, h, w, c)`, en décibels `(n,)`."""
    return np.array([psnr(*pair) for pair in zip(truth, found, strict=True)])


def ssim(truth: np.ndarray, found: np.ndarray) -> float:
    """Calcule la similarité de structure moyenne.

    Moyennes, variances et covariance sont prises dans une fenêtre gaussienne de 11 × 11 pixels,
    d'écart-type 1,5 et de somme 1. C1 = (0,01 · 255)², C2 = (0,03 · 255)².

    Args:
        truth: images `(n, h, w, c)` dans [0, 255], d'au moins 11 pixels de côté.
        found: images rendues, même forme.

    Returns:
        Moyenne sur les images, les voies et les fenêtres entières ; 1 si tout est égal.

    Raises:
        ValueError: les deux formes diffèrent, même si NumPy saurait les ajuster.

    Source : Wang, Bovik, Sheikh et Simoncelli, IEEE Trans. Image Processing 13(4), 2004, éq. 13.
    """
    if truth.shape != found.shape:
        raise ValueError(f"Formes différentes : {truth.shape} et {found.shape}.")
    x, y = truth.astype(np.float64), found.astype(np.float64)
    mean_x, mean_y = _around(x), _around(y)
    var_x, var_y = _around(x * x) - mean_x**2, _around(y * y) - mean_y**2
    covariance = _around(x * y) - mean_x * mean_y
    similarity = (2 * mean_x * mean_y + C1) * (2 * covariance + C2)
    similarity /= (mean_x**2 + mean_y**2 + C1) * (var_x + var_y + C2)
    return float(similarity.mean())


def ssim_each(truth: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Calcule le SSIM de chaque image `(n, h, w, c)` : `(n,)`."""
    pairs = zip(truth[:, None], found[:, None], strict=True)
    return np.array([ssim(*pair) for pair in pairs])


def _around(values: np.ndarray) -> np.ndarray:
    """Moyenne `(n, h, w, c)` autour de chaque pixel, là où la fenêtre tient tout entière."""
    radius = WINDOW_PX // 2
    found = ndimage.gaussian_filter(values, WINDOW_SIGMA_PX, axes=(1, 2), radius=radius)
    return found[:, radius:-radius, radius:-radius]


# --- Question : à débit égal, qui gagne, et de combien ? -----------------------------


class Curve(NamedTuple):
    """Ce que vaut un codeur, du plus petit fichier au plus grand."""

    rates: list[float]  # bits par pixel
    psnr: list[np.ndarray]  # décibels, de chaque image (n,)
    ssim: list[np.ndarray]  # de chaque image (n,)


def measure(files: list[tuple[bytes, np.ndarray]], images: np.ndarray) -> Curve:
    """Mesure ce que pèsent des fichiers et ce que valent les images qu'on y relit.

    Les images sont comprimées ensemble, et tous les octets comptent, en-têtes compris : le fichier
    JPEG d'une seule vignette de 32 pixels serait surtout un en-tête.

    Args:
        files: `(contenu, images relues)` de chaque qualité, du plus petit fichier au plus grand.
        images: les originales, uint8 `(n, h, w, 3)`.
    """
    return Curve(
        [8 * len(content) / images[..., 0].size for content, _ in files],
        [psnr_each(images, found) for _, found in files],
        [ssim_each(images, found) for _, found in files],
    )


def at_rate(rates, values, rate: float) -> np.ndarray:
    """Lit une courbe débit–distorsion à un débit, par interpolation en échelle logarithmique.

    Args:
        rates: débits des points de la courbe, en bits par pixel, croissants et positifs.
        values: PSNR ou SSIM de ces points, `(points, ...)`.
        rate: débit, entre le plus petit et le plus grand de `rates`.

    Returns:
        Ce qui est lu, sans le premier axe de `values`.
    """
    share = np.interp(np.log(rate), np.log(rates), np.arange(len(rates)))
    before, after = int(np.floor(share)), int(np.ceil(share))
    return np.asarray(values[before]) * (1 - share % 1) + np.asarray(values[after]) * (share % 1)
