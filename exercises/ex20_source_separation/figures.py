"""Voir le résultat : spectrogrammes, masques, gains.

D'après : S3 « CNN & Time-Frequency representation ».
"""

from pathlib import Path

import numpy as np

from convnets.figures.charts import number, table
from convnets.figures.style import new_figure
from exercises.ex20_source_separation.spectrograms import HOP, SMALLEST, stft
from exercises.ex20_source_separation.timbres import RATE_HZ

RANGE_DB = 60  # étendue des couleurs d'un spectrogramme
METHODS = {  # à un seul micro
    "spectrogram_svd": "SVD et oracle",
    "nmf": "NMF et oracle",
    "dictionaries": "NMF et dictionnaires appris",
    "medians": "filtres médians",
    "network": "réseau",
    "ideal": "rapports de modules",
}
KINDS = {"_learned": "timbres appris, autres sons", "": "timbres jamais entendus"}


# --- Question : voir un son et un masque ------------------------------------------------


def save_spectrograms(path: Path, panels: dict[str, np.ndarray], *, columns: int) -> Path:
    """Dessine des sons et des masques, temps de gauche à droite et fréquence de bas en haut.

    Args:
        path: fichier PNG.
        panels: titre → son `(m,)`, ou masque `(t, f)` dans [0, 1].
        columns: cadres par ligne.

    Returns:
        `path`. Les sons ont la même échelle de couleurs, les masques la leur.
    """
    sounds = {title: np.abs(stft(each)) for title, each in panels.items() if each.ndim == 1}
    loudest = max(image.max() for image in sounds.values()) + SMALLEST
    rows = -(-len(panels) // columns)
    with new_figure(path, columns=columns, rows=rows, size=(4.2, 2.6)) as (figure, axes):
        for axis, (title, panel) in zip(axes.flat, panels.items(), strict=True):
            values, label = panel, "part de la mélodie"
            look = {"cmap": "cividis", "vmin": 0, "vmax": 1}
            if title in sounds:
                values, label = 20 * np.log10(sounds[title] / loudest + 1e-9), "dB"
                look = {"cmap": "magma", "vmin": -RANGE_DB, "vmax": 0}
            extent = (0, len(values) * HOP / RATE_HZ, 0, RATE_HZ / 2000)
            image = axis.imshow(
                values.T,
                origin="lower",
                aspect="auto",
                extent=extent,
                interpolation="nearest",
                **look,
            )
            axis.set(title=title, xlabel="temps (s)", ylabel="fréquence (kHz)")
            figure.colorbar(image, ax=axis, label=label)
    return path


# --- Question : comparer les méthodes ------------------------------------------------


def summary(metrics: dict[str, float]) -> str:
    """Met en tableau le gain de SI-SDR de chaque méthode."""
    rows = [
        [title, *(f"{number(metrics[f'{name}{suffix}'], 2)} dB" for suffix in KINDS)]
        for name, title in METHODS.items()
    ]
    ica, svd = (number(metrics[name], 2) for name in ("ica", "svd"))
    return "\n".join(
        [
            table(["gain de SI-SDR, un seul micro", *KINDS.values()], rows),
            f"Deux micros, timbres jamais entendus : ACI {ica} dB ; SVD {svd} dB.",
            "L'oracle et les rapports de modules connaissent les sources.",
        ]
    )
