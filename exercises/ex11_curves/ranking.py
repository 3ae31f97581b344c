"""Le classement des méthodes : leur tableau, leur figure.

D'après : S3 « Introspection d'un CNN ».
Commande : python -m exercises.ex11_curves
"""

from pathlib import Path

import numpy as np

from convnets.core.cli import agreed
from convnets.core.reports import Report
from convnets.figures import charts
from convnets.figures.style import new_figure

CURVES = {"deletion": "Suppression", "insertion": "Insertion"}
HEADS = (
    "méthode",
    "suppression (petite : bien)",
    "moins le milieu",
    "insertion (grande : bien)",
    "moins le milieu",
)


def table(report: Report) -> str:
    """Met un compte rendu en tableau Markdown, une ligne par méthode, la meilleure d'abord.

    La meilleure a la plus grande différence entre l'aire d'insertion et celle de suppression.

    Args:
        report: rendu par `comparison.summarise`.

    Returns:
        Aires moyennes ; leurs différences avec celles du milieu, image par image, et leurs
        intervalles à 95 %, s'il y a assez d'images pour en donner.
    """
    metrics, titles = report.metrics, report.details["titles"]

    def gain(name: str) -> float:
        return metrics[f"insertion {name}"].mean - metrics[f"deletion {name}"].mean

    rows = [f"| {' | '.join(HEADS)} |", "|---" * len(HEADS) + "|"]
    for name in sorted(titles, key=gain, reverse=True):
        cells = [titles[name]]
        for curve in CURVES:
            gap = metrics[f"{curve}_gap {name}"]
            cells.append(f"{metrics[f'{curve} {name}'].mean:.3f}")
            reach = "" if gap.se is None else f" ± {1.96 * gap.se:.3f}"
            text = f"{gap.mean:+.3f}{reach}".replace("-", "−")
            cells.append(text if gap.sd else "témoin")
        rows.append(f"| {' | '.join(cells)} |".replace(".", ","))
    return "\n".join(rows)


def save_figure(curves: dict, titles: dict, path: Path) -> None:
    """Trace dans un fichier PNG les courbes moyennes que rend `compare`."""
    *_, pairs = curves.values()
    with new_figure(path, columns=2, size=(5.5, 4.4)) as (figure, axes):
        for rank, (axis, title) in enumerate(zip(axes[0], CURVES.values(), strict=True)):
            lines = {titles[name]: each[:, rank].mean(0) for name, each in curves.items()}
            share = np.linspace(0, 100, pairs.shape[2])
            charts.curves(axis, lines, x=share, unit="probabilité de la classe")
            axis.set(title=title, xlabel="pixels, dans l'ordre de la carte (%)", ylim=(0, 1))
        figure.suptitle(f"Moyennes sur {agreed(len(pairs), 'image')} de test")
