"""Les figures : ce que laissent passer les raccourcis, débit et distorsion, les vignettes rendues.

D'après : S3 « Different problems, models & metrics ».
Commande : python -m exercises.ex24_autoencoder
"""

from pathlib import Path

import numpy as np

from convnets.figures.charts import number, picture_rows
from convnets.figures.style import new_figure
from exercises.ex24_autoencoder.measures import Curve, psnr_each

NUM_SHOWN = 8  # premières images de test : elles ne sont pas choisies
CODERS_FR = {"network": "réseau", "pca": "ACP", "webp": "WebP", "jpeg": "JPEG"}
SHOWN = 3  # qualité des vignettes montrées
RENDERED_FR = {
    "copy_pca": "ACP\nrecopie",
    "copy_plain": "auto-encodeur\nrecopie",
    "copy_plain_cut": "auto-encodeur,\ngoulot coupé",
    "copy_unet": "U-Net\nrecopie",
    "copy_unet_cut": "U-Net,\ngoulot coupé",
    "denoise_noisy": "à débruiter",
    "denoise_pca": "ACP\ndébruite",
    "denoise_plain": "auto-encodeur\ndébruite",
    "denoise_wiener": "carrés de l'ACP\ndébruitent",
    "denoise_unet": "U-Net\ndébruite",
}


# --- Question : ce que laissent passer les raccourcis --------------------------------


def save_shortcuts(
    path: Path, images: np.ndarray, rendered: dict[str, np.ndarray], metrics: dict[str, float]
) -> None:
    """Montre les images recopiées et débruitées, goulot entier ou coupé, et leur PSNR.

    Args:
        path: fichier PNG.
        images: images de test uint8 `(n, h, w, 3)`.
        rendered: par clé de `RENDERED_FR`, ce que l'on en rend, dans [0, 255].
        metrics: par clé de même, le PSNR moyen sur tout le test.
    """
    rows = {"à recopier": images[:NUM_SHOWN]}
    for key, name in RENDERED_FR.items():
        pixels = np.round(rendered[key][:NUM_SHOWN]).astype(np.uint8)
        rows[f"{name}\n{number(metrics[key], 1)} dB"] = pixels
    title = "Goulot coupé, le U-Net recopie encore : presque tout a pris les raccourcis"
    picture_rows(path, rows, title=title, side=1.3)


# --- Question : débit et distorsion --------------------------------------------------


def save_curves(path: Path, curves: dict[str, Curve]) -> None:
    """Trace PSNR et SSIM de chaque codeur selon les bits par pixel."""
    with new_figure(path, columns=2, size=(6.2, 4.8)) as (figure, axes):
        for axis, measure in zip(axes[0], ("psnr", "ssim"), strict=True):
            for key, name in CODERS_FR.items():
                values = [np.mean(each) for each in getattr(curves[key], measure)]
                axis.plot(curves[key].rates, values, "o-", label=name)
            axis.set(xlabel="bits par pixel (image brute : 24)", xlim=(0, 3.2))
        axes[0, 0].set(ylabel="PSNR moyen (dB)")
        axes[0, 1].set(ylabel="SSIM")
        axes[0, 0].legend()
        figure.suptitle("Débit et distorsion : tous les octets du fichier sont comptés")


def save_thumbnails(
    path: Path, files: dict[str, list[tuple[bytes, np.ndarray]]], album: np.ndarray
) -> None:
    """Montre les mêmes vignettes, dans des fichiers de tailles voisines.

    Args:
        path: fichier PNG.
        files: par clé de `CODERS_FR`, `(contenu, images relues)` de chaque qualité.
        album: les originales, uint8 `(n, h, w, 3)`.
    """
    wanted = len(files["network"][SHOWN - 1][0])
    rows = {"original\n24 bits/pixel": album[:NUM_SHOWN]}
    for key, name in CODERS_FR.items():
        content, images = min(files[key], key=lambda file: abs(len(file[0]) - wanted))
        rate = number(8 * len(content) / album[..., 0].size, 2)
        level = number(psnr_each(album, images).mean(), 1)
        rows[f"{name}\n{rate} bit/pixel\n{level} dB"] = images[:NUM_SHOWN]
    picture_rows(path, rows, title="Les mêmes vignettes, à des débits voisins", side=1.3)
