"""Juger une image rendue : PSNR, SSIM, et l'écart de deux courbes à débit égal.

D'après : S3 « Different problems, models & metrics » (figure (7), image → bits → image).
Commande : python -m exercises.ex24_autoencoder

Le PSNR ne compte que des écarts de pixels ; le SSIM compare, autour de chaque pixel, la moyenne, le
contraste et la forme, ce que l'œil regarde. Ils ne classent pas toujours de la même façon.
"""

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
    """
    error = np.mean((truth.astype(np.float64) - found) ** 2)
    return float(10 * np.log10(PEAK**2 / error)) if error else float("inf")


def paired_gain(truth: np.ndarray, found: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """Compare deux rendus des mêmes images, image par image.

    Args:
        truth: images `(n, h, w, c)` dans [0, 255].
        found: premier rendu, même forme.
        other: second rendu, même forme.

    Returns:
        La moyenne des différences de PSNR, et la demi-largeur de son intervalle à 95 %.
    """
    gains = [psnr(*each[:2]) - psnr(*each[::2]) for each in zip(truth, found, other, strict=True)]
    return float(np.mean(gains)), float(1.96 * np.std(gains) / len(gains) ** 0.5)


def ssim(truth: np.ndarray, found: np.ndarray) -> float:
    """Calcule la similarité de structure moyenne.

    Moyennes, variances et covariance sont prises dans une fenêtre gaussienne de 11 × 11 pixels,
    d'écart-type 1,5 et de somme 1. C1 = (0,01 · 255)², C2 = (0,03 · 255)².

    Args:
        truth: images `(n, h, w, c)` dans [0, 255], d'au moins 11 pixels de côté.
        found: images rendues, même forme.

    Returns:
        Moyenne sur les images, les voies et les fenêtres entières ; 1 si tout est égal.

    Source : Wang, Bovik, Sheikh et Simoncelli, IEEE Trans. Image Processing 13(4), 2004, éq. 13.
    """
    x, y = truth.astype(np.float64), found.astype(np.float64)
    mean_x, mean_y = _around(x), _around(y)
    var_x, var_y = _around(x * x) - mean_x**2, _around(y * y) - mean_y**2
    covariance = _around(x * y) - mean_x * mean_y
    similarity = (2 * mean_x * mean_y + C1) * (2 * covariance + C2)
    similarity /= (mean_x**2 + mean_y**2 + C1) * (var_x + var_y + C2)
    return float(similarity.mean())


def _around(values: np.ndarray) -> np.ndarray:
    """Moyenne `(n, h, w, c)` autour de chaque pixel, là où la fenêtre tient tout entière."""
    radius = WINDOW_PX // 2
    found = ndimage.gaussian_filter(values, WINDOW_SIGMA_PX, axes=(1, 2), radius=radius)
    return found[:, radius:-radius, radius:-radius]


# --- Question : à débit égal, qui gagne, et de combien ? -----------------------------


def at_rate(rates, values, rate: float) -> float:
    """Lit une courbe débit–distorsion à un débit, par interpolation en échelle logarithmique.

    Args:
        rates: débits des points de la courbe, en bits par pixel, croissants et positifs.
        values: PSNR ou SSIM de ces points.
        rate: débit, entre le plus petit et le plus grand de `rates`.
    """
    return float(np.interp(np.log(rate), np.log(rates), values))


def mean_gain(curve, other) -> float:
    """Calcule de combien une courbe est au-dessus d'une autre, à débit égal.

    Args:
        curve: `(débits croissants, PSNR)`.
        other: de même.

    Returns:
        La moyenne de l'écart sur les débits que les deux atteignent, en échelle logarithmique.

    Raises:
        ValueError: aucun débit commun.

    Source : Bjøntegaard, VCEG-M33, 2001, avec des segments au lieu de polynômes.
    """
    low = max(curve[0][0], other[0][0])
    high = min(curve[0][-1], other[0][-1])
    if low >= high:
        raise ValueError("Ces deux courbes n'ont aucun débit en commun.")
    # Les deux lignes brisées sont droites entre ces débits : la règle des trapèzes est exacte.
    rates = np.unique([low, high, *(r for r in (*curve[0], *other[0]) if low < r < high)])
    gaps = [at_rate(*curve, rate) - at_rate(*other, rate) for rate in rates]
    return float(np.trapezoid(gaps, np.log(rates)) / np.log(high / low))
