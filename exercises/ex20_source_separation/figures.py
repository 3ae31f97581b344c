"""Voir le résultat : spectrogrammes, masques, gains.

D'après : S3 « CNN & Time-Frequency representation ».
"""

from pathlib import Path

import numpy as np

from convnets.figures.charts import Picture, number, picture_rows, table
from exercises.ex20_source_separation.spectrograms import SMALLEST, stft

RANGE_DB = 60  # étendue des couleurs d'un spectrogramme, sous sa case la plus forte
METHODS = {  # à un seul micro
    "spectrogram_svd": "SVD, oracle",
    "nmf": "NMF, oracle",
    "medians": "médianes",
    "trained_nmf": "NMF apprise",
    "network": "réseau",
    "ideal": "rapports",
}
RIVALS = ("medians", "trained_nmf")  # ce qui ne connaît pas non plus les sources
KINDS = {
    "_learned": "instruments et percussions appris",
    "_melodies": "instruments jamais entendus",
    "_drums": "percussions jamais entendues",
    "": "aucun son appris",
}


# --- Question : voir un son et un masque ------------------------------------------------


def save_spectrograms(path: Path, rows: list[dict[str, np.ndarray]]) -> Path:
    """Dessine des sons et des masques, le grave en bas ; sons et masques ont chacun leurs couleurs.

    Args:
        path: fichier PNG.
        rows: par ligne, titre → son `(m,)`, ou masque `(t, f)` dans [0, 1].

    Returns:
        `path`.
    """

    def paint(title: str, panel: np.ndarray) -> Picture:
        look = {"cmap": "cividis", "limits": (0, 1)}
        if panel.ndim == 1:
            panel = 20 * np.log10(np.abs(stft(panel)) + SMALLEST)
            look = {"cmap": "magma", "limits": (panel.max() - RANGE_DB, panel.max())}
        wide = np.repeat(panel.T[::-1], 8, axis=1)  # (f, 8 t) : une trame est large de huit points
        return Picture(wide, title, **look)

    painted = {" " * k: [paint(*each) for each in row.items()] for k, row in enumerate(rows)}
    title = "Temps de gauche à droite ; de 0 à 4000 Hz, de bas en haut"
    picture_rows(path, painted, title=title, side=3.6)
    return path


# --- Question : comparer les méthodes ------------------------------------------------


def summary(metrics: dict[str, float], gaps: dict[str, list[float]]) -> str:
    """Met en tableaux le gain de SI-SDR de chaque méthode, puis l'avance du réseau.

    Args:
        metrics: gains moyens, en décibels : `network_drums`…
        gaps: `[moyenne, bas, haut]` de chaque écart : `network_drums - medians_drums`…
    """
    gains, over = [], []
    for suffix, kind in KINDS.items():
        gains.append([kind, *(number(metrics[f"{name}{suffix}"], 2) for name in METHODS)])
        found = [gaps[f"network{suffix} - {name}{suffix}"] for name in RIVALS]
        over.append(
            [kind, *(f"{number(mean, 2)} ± {number(high - mean, 2)}" for mean, _, high in found)]
        )
    return "\n".join(
        [
            table(["gain de SI-SDR, en dB", *METHODS.values()], gains),
            "",
            table(["écart, en dB", *(f"réseau − {METHODS[name]}" for name in RIVALS)], over),
            "± : intervalle à 95 % sur les mélanges ; le hasard de la graine n'y est pas compté.",
            f"Deux micros, aucun son appris : ACI {number(metrics['ica'], 2)} dB.",
            "L'oracle et les rapports de modules connaissent les sources.",
        ]
    )
