"""Les figures : ce que laissent passer les raccourcis, débit et distorsion, les vignettes rendues.

D'après : S3 « Different problems, models & metrics ».
Commande : python -m exercises.ex24_autoencoder
"""

from pathlib import Path

import numpy as np

from convnets.core.reports import Report
from convnets.figures.style import COLORS, INK, new_figure
from exercises.ex24_autoencoder.measures import psnr

NUM_SHOWN = 8  # premières images de test : elles ne sont pas choisies
CURVES = (  # clé, nom, couleur, trait
    ("network", "réseau", COLORS[1], "-o"),
    ("pca", "ACP", COLORS[0], "-s"),
    ("webp", "WebP", COLORS[2], "--^"),
    ("jpeg", "JPEG", COLORS[3], "--v"),
    ("half", "réduite de moitié, bilinéaire", "#7e7e7e", ":d"),
)
MEASURES_FR = {"psnr": "PSNR (dB)", "ssim": "SSIM"}
MAX_RATE = 3.2  # bits par pixel, à droite de la figure


def french(value: float, digits: int = 1) -> str:
    """Écrit un nombre avec une virgule."""
    return f"{value:.{digits}f}".replace(".", ",")


def save_rows(path: Path, rows: dict[str, np.ndarray], *, title: str) -> None:
    """Dessine des lignes d'images, chacune nommée à sa gauche.

    Args:
        path: fichier PNG.
        rows: nom de la ligne → images `(n, h, w, 3)` dans [0, 255], n le même partout.
        title: au-dessus.
    """
    columns = len(next(iter(rows.values())))
    with new_figure(path, columns=columns, rows=len(rows), size=(1.25, 1.22)) as (figure, axes):
        figure.suptitle(title, fontsize=13)
        for line, (name, images) in zip(axes, rows.items(), strict=True):
            line[0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize=11, labelpad=8)
            for axis, image in zip(line, images, strict=True):
                axis.imshow(np.clip(np.round(image), 0, 255).astype(np.uint8))
                axis.set(xticks=[], yticks=[])
                axis.spines[:].set_visible(False)


# --- Question : ce que laissent passer les raccourcis --------------------------------


def save_shortcuts(
    path: Path, images: np.ndarray, noisy: np.ndarray, run: dict, report: Report
) -> None:
    """Montre les images recopiées et débruitées, goulot entier ou coupé, et leur PSNR.

    Args:
        path: fichier PNG.
        images: images de test uint8 `(n, h, w, 3)`.
        noisy: les mêmes, bruitées.
        run: la graine livrée ; `rendered` a les images rendues.
        report: compte rendu, pour les PSNR.
    """
    rendered = run["rendered"]

    def row(label, key):
        return f"{label}\n{french(report.metrics[key].mean)} dB"

    names = {
        "copy_plain": "auto-encodeur",
        "copy_plain_cut": "auto-encodeur,\ngoulot coupé",
        "copy_unet": "U-Net",
        "copy_unet_cut": "U-Net,\ngoulot coupé",
        "denoise_plain": "auto-encodeur",
        "denoise_unet": "U-Net",
    }
    rows = {"à recopier": images[:NUM_SHOWN]}
    for key, name in names.items():
        if key == "denoise_plain":
            rows[row("à débruiter", "denoise_noisy")] = noisy[:NUM_SHOWN]
        verb = "débruite" if key.startswith("denoise") else "recopie"
        rows[row(f"{name}\n{verb}", key)] = rendered[key]
    save_rows(
        path, rows, title="Goulot coupé, le U-Net recopie encore : tout a pris les raccourcis"
    )


# --- Question : débit et distorsion --------------------------------------------------


def save_curves(path: Path, report: Report) -> None:
    """Trace PSNR et SSIM de chaque codeur selon les bits par pixel, avec l'écart des graines.

    Args:
        path: fichier PNG.
        report: compte rendu ; `details["curves"]` a une courbe par codeur, et une par graine pour
            le réseau.
    """
    curves = report.details["curves"]
    with new_figure(path, columns=2, size=(6.2, 4.8)) as (figure, axes):
        for axis, (measure, label) in zip(axes[0], MEASURES_FR.items(), strict=True):
            shown = []
            for key, name, color, style in CURVES:
                found = curves[key] if key == "network" else [curves[key]]
                rates = np.mean([each["rate"] for each in found], axis=0)
                values = np.array([each[measure] for each in found])
                spread = values.std(axis=0, ddof=1) if len(values) > 1 else 0
                middle = values.mean(axis=0)
                axis.plot(rates, middle, style, color=color, markersize=4, label=name)
                axis.fill_between(
                    rates, middle - spread, middle + spread, color=color, alpha=0.3, linewidth=0
                )
                shown.append(middle[rates <= MAX_RATE])
            low, high = min(map(np.min, shown)), max(map(np.max, shown))
            axis.set(
                xlabel="bits par pixel, tous les octets du fichier (image brute : 24)",
                ylabel=label,
                xlim=(0, MAX_RATE),
                ylim=(low - 0.05 * (high - low), high + 0.05 * (high - low)),
            )
            axis.grid(alpha=0.25)
        handles, labels = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(CURVES), fontsize=11)
        num, seeds = report.num_images["album"], len(report.seeds)
        figure.suptitle(
            f"Débit et distorsion : {num} vignettes de test de CIFAR-10 en un fichier"
            + (f" (réseau : {seeds} graines, moyenne et écart-type)" if seeds > 1 else ""),
            color=INK,
        )


def save_thumbnails(
    path: Path, rendered: dict[str, tuple[np.ndarray, float]], album: np.ndarray
) -> None:
    """Montre les mêmes vignettes rendues par chaque codeur, au même débit ou presque.

    Args:
        path: fichier PNG.
        rendered: nom → `(images (n, h, w, 3), bits par pixel)`.
        album: les originales, uint8 `(n, h, w, 3)`.
    """
    rows = {"original\n24 bits/pixel": album[:NUM_SHOWN]}
    for name, (images, rate) in rendered.items():
        label = f"{name}\n{french(rate, 2)} bit/pixel\n{french(psnr(album, images))} dB"
        rows[label] = images[:NUM_SHOWN]
    save_rows(path, rows, title="Les mêmes vignettes, dans des fichiers de même taille ou presque")
