"""Voir et entendre le résultat : spectrogrammes, masques, gains, exemples en WAV.

D'après : S3 « CNN & Time-Frequency representation ».

Un thème de l'exercice 20, dont l'entrée est `ex20_source_separation`.
"""

from pathlib import Path

import numpy as np

from convnets.core.reports import Report
from convnets.figures.style import COLORS, new_figure
from exercises.ex20_source_separation import baselines
from exercises.ex20_source_separation.listening import write_wavs
from exercises.ex20_source_separation.spectrograms import HOP, SMALLEST, separate, stft
from exercises.ex20_source_separation.timbres import RATE_HZ

NUM_EXAMPLES = 3  # mélanges écrits en WAV, les premiers du test : ils ne sont pas choisis
RANGE_DB = 60  # étendue des couleurs d'un spectrogramme


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


# --- Question : comparer à l'oreille et à l'œil --------------------------------------


def write_examples(
    folder: Path, model, sources: np.ndarray, setting: baselines.MedianSetting
) -> list[Path]:
    """Écrit les premiers mélanges, leurs vraies sources et ce qu'en tirent deux méthodes.

    Args:
        folder: dossier des sons et de `spectrogrammes.png`, la figure du premier exemple.
        model: modèle d'`ex20_source_separation`.
        sources: vraies sources `(n, 2, m)`.
        setting: réglage des filtres médians.

    Returns:
        Les fichiers écrits.
    """
    sources = sources[:NUM_EXAMPLES]
    mixtures, spectrograms = sources.sum(axis=1), stft(sources)
    network, masks = separate(model, mixtures)
    medians = baselines.separate_by_medians(mixtures, setting)
    ideal = baselines.ideal_masks(spectrograms)
    paths = []
    for k, mixture in enumerate(mixtures):
        sounds = {f"exemple{k + 1}_melange": mixture}
        for name, (melody, percussion) in (
            ("vraie", sources[k]),
            ("reseau", network[k]),
            ("medianes", medians[k]),
        ):
            sounds |= {
                f"exemple{k + 1}_melodie_{name}": melody,
                f"exemple{k + 1}_percussions_{name}": percussion,
            }
        paths += write_wavs(folder, sounds)
    panels = {
        "mélange": mixtures[0],
        "masque idéal": ideal[0],
        "masque du réseau": masks[0],
        "vraie mélodie": sources[0, 0],
        "mélodie, réseau": network[0, 0],
        "mélodie, filtres médians": medians[0, 0],
        "vraies percussions": sources[0, 1],
        "percussions, réseau": network[0, 1],
        "percussions, filtres médians": medians[0, 1],
    }
    return [*paths, save_spectrograms(folder / "spectrogrammes.png", panels, columns=3)]


def save_measures(report: Report, path: Path) -> Path:
    """Trace les gains de chaque méthode et la perte, d'après le compte rendu, en PNG."""
    methods = {"medians": "filtres médians", "network": "réseau", "ideal": "masque idéal"}
    with new_figure(path, columns=2) as (_, (axes,)):
        for k, (suffix, label) in enumerate(
            (("_learned", "timbres appris, autres sons"), ("", "timbres jamais entendus"))
        ):
            metrics = [report.metrics[f"{name}{suffix}"] for name in methods]
            places = np.arange(len(methods)) + 0.4 * k - 0.2
            means = [metric.mean for metric in metrics]
            bars = axes[0].bar(
                places,
                means,
                0.38,
                yerr=[metric.sd or 0 for metric in metrics],
                color=COLORS[k],
                label=label,
            )
            axes[0].bar_label(bars, [f"{mean:.1f}".replace(".", ",") for mean in means], padding=2)
        axes[0].set_xticks(range(len(methods)), list(methods.values()))
        axes[0].set(title="Un seul micro : ce que gagne chaque masque", ylabel="gain de SDR (dB)")
        axes[0].margins(y=0.2)
        axes[0].legend(loc="upper left")
        for key, label in (("loss", "entraînement"), ("val_loss", "validation")):
            values = report.history[key]
            axes[1].plot(range(1, len(values) + 1), values, marker="o", markersize=3, label=label)
        axes[1].set(title="Entropie croisée, cases pondérées par leur module", xlabel="époque")
        axes[1].legend()
    return path
