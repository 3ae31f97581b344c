"""Voir le résultat : spectrogrammes, masques, gains.

D'après : S3 « CNN & Time-Frequency representation ».
"""

from pathlib import Path

import numpy as np

from convnets.core.reports import Report, format_metric, format_seeds
from convnets.figures.style import COLORS, new_figure, spreads
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


def summary(report: Report) -> str:
    """Met en tableau le gain de SI-SDR de chaque méthode, d'après le compte rendu."""
    widths = [len(label) for label in KINDS.values()]
    lines = [
        f"{'gain de SI-SDR, un seul micro':<30}" + "".join(f"  {each}" for each in KINDS.values())
    ]
    for name, title in METHODS.items():
        gains = [format_metric(report.metrics[f"{name}{suffix}"], "dB") for suffix in KINDS]
        cells = (f"  {gain:>{width}}" for gain, width in zip(gains, widths, strict=True))
        lines.append(f"{title:<30}" + "".join(cells))
    ica, svd = (format_metric(report.metrics[name], "dB") for name in ("ica", "svd"))
    lines.append(f"Deux micros, timbres jamais entendus : ACI {ica} ; SVD {svd}.")
    seeds = format_seeds(report.metrics["network"])
    lines.append(f"Réseau et NMF : {seeds}. Oracle et rapports de modules : sources connues.")
    return "\n".join(lines)


def save_measures(report: Report, path: Path) -> Path:
    """Trace les gains de chaque méthode et la perte, d'après le compte rendu, en PNG."""
    with new_figure(path, columns=2, size=(7.2, 4.2)) as (_, (axes,)):
        for k, (suffix, label) in enumerate(KINDS.items()):
            metrics = [report.metrics[f"{name}{suffix}"] for name in METHODS]
            places = np.arange(len(METHODS)) + 0.4 * k - 0.2
            means = [metric.mean for metric in metrics]
            bars = axes[0].bar(
                places, means, 0.38, yerr=spreads(metrics), color=COLORS[k], label=label
            )
            labels = [f"{mean:.1f}".replace(".", ",") for mean in means]
            axes[0].bar_label(bars, labels, padding=2, fontsize=8)
        titles = [title.replace(" ", "\n") for title in METHODS.values()]
        axes[0].set_xticks(range(len(METHODS)), titles, fontsize=9)
        axes[0].set(
            title="Un seul micro : ce que gagne chaque masque", ylabel="gain de SI-SDR (dB)"
        )
        axes[0].margins(y=0.2)
        axes[0].legend(loc="upper left")
        for key, label in (("loss", "entraînement"), ("val_loss", "validation")):
            values = report.history[key]
            axes[1].plot(range(1, len(values) + 1), values, marker="o", markersize=3, label=label)
        axes[1].set(title="Entropie croisée, cases pondérées par leur module", xlabel="époque")
        axes[1].legend()
    return path
