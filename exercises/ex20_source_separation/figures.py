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
    images = {
        title: panel if panel.ndim == 2 else np.abs(stft(panel)) for title, panel in panels.items()
    }
    loudest = max(image.max() for title, image in images.items() if panels[title].ndim == 1)
    rows = -(-len(panels) // columns)
    with new_figure(path, columns=columns, rows=rows, size=(4.2, 2.6)) as (figure, axes):
        shown = {}
        for axis, (title, image) in zip(axes.flat, images.items(), strict=False):
            is_mask = panels[title].ndim == 2
            values = image if is_mask else 20 * np.log10(image / (loudest + SMALLEST) + 1e-9)
            seconds = len(image) * HOP / RATE_HZ
            shown[is_mask] = axis.imshow(
                values.T,
                origin="lower",
                aspect="auto",
                interpolation="nearest",
                extent=(0, seconds, 0, RATE_HZ / 2000),
                cmap="cividis" if is_mask else "magma",
                vmin=0 if is_mask else -RANGE_DB,
                vmax=1 if is_mask else 0,
            )
            axis.set_title(title)
        for axis in axes[:, 0]:
            axis.set_ylabel("fréquence (kHz)")
        for axis in axes[-1]:
            axis.set_xlabel("temps (s)")
        figure.colorbar(shown[False], ax=axes[-1, :].tolist(), label="dB", aspect=10)
        if True in shown:
            figure.colorbar(
                shown[True], ax=axes[0, :].tolist(), label="part de la mélodie", aspect=10
            )
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
