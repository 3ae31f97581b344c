"""Le classement des méthodes : leurs mesures résumées, leur tableau, leur figure.

D'après : S3 « Introspection d'un CNN ».
Commande : python -m exercises.ex11_curves
"""

from pathlib import Path

import numpy as np

from convnets.core.cli import agreed
from convnets.core.reports import Metric, Report
from convnets.explaining.verdict import HIDDEN
from convnets.figures.style import COLORS, new_figure

CURVES = {"deletion": "suppression", "insertion": "insertion"}
STYLES = ("-", "--", ":")  # un tour des couleurs par style : on distingue plus de sept courbes


# --- Question : résumer une mesure faite sur des images ------------------------------


def summarise(values) -> Metric:
    """Résume une mesure, une valeur par image.

    Args:
        values: `(n,)`.

    Returns:
        Moyenne, écart-type d'un échantillon, et l'erreur type `se`, qui est l'écart-type divisé
        par √n ; les deux sont None pour une seule image.
    """
    values = np.asarray(values, np.float64)
    sd = float(values.std(ddof=1)) if len(values) > 1 else None
    se = None if sd is None else sd / len(values) ** 0.5
    return Metric(float(values.mean()), sd, len(values), se=se)


def ranked(report: Report) -> list[str]:
    """Range les méthodes d'un compte rendu, la meilleure d'abord : insertion moins suppression."""
    metrics = report.metrics

    def score(name: str) -> float:
        return metrics[f"insertion {name}"].mean - metrics[f"deletion {name}"].mean

    return sorted(report.details["methods"], key=score, reverse=True)


def table(report: Report) -> str:
    """Met un compte rendu en tableau Markdown, une ligne par méthode, la meilleure d'abord.

    Args:
        report: contenu de `models/ex11_curves.json`.

    Returns:
        Aires moyennes ± erreur type, points de probabilité perdus quand le huitième de l'image que
        la méthode met en tête est effacé, et secondes par image sur la machine de la mesure.
    """
    rows = [
        "| méthode | suppression (petite : bien) | insertion (grande : bien) "
        "| points perdus, un huitième effacé | s par image |",
        "|---|---|---|---|---|",
    ]
    for name in ranked(report):
        method, cells = report.details["methods"][name], []
        for curve in CURVES:
            metric = report.metrics[f"{curve} {name}"]
            spread = "" if metric.se is None else f" ± {metric.se:.3f}"
            cells.append(f"{metric.mean:.3f}{spread}")
        curve = report.details["curves"][name]["deletion"]
        cells.append(f"{100 * (curve[0] - curve[round(HIDDEN * (len(curve) - 1))]):.1f}")
        cells.append(f"{method['duration_s']:.2f}")
        rows.append(f"| {method['title']} | {' | '.join(cells)} |".replace(".", ","))
    return "\n".join(rows)


# --- Question : ce qu'on voit --------------------------------------------------------


def save_figure(report: Report, path: Path) -> Path:
    """Trace les courbes moyennes d'un compte rendu et leurs aires dans un fichier `.png`."""
    names, num_images = ranked(report), report.num_images["test"]
    with new_figure(path, columns=3, size=(4.4, 4.4)) as (figure, axes):
        *panels, summary = axes[0]
        for row, name in enumerate(reversed(names)):
            number = len(names) - 1 - row
            look = {
                "color": COLORS[number % len(COLORS)],
                "linestyle": STYLES[number // len(COLORS)],
            }
            for axis, curve in zip(panels, CURVES, strict=True):
                means = report.details["curves"][name][curve]
                axis.plot(np.linspace(0, 100, len(means)), means, **look)
            areas = [report.metrics[f"{curve} {name}"] for curve in CURVES]
            summary.plot([area.mean for area in areas], [row, row], **look)
            for area, face in zip(areas, ("white", look["color"]), strict=True):
                summary.errorbar(
                    area.mean,
                    row,
                    xerr=area.se,
                    color=look["color"],
                    marker="o",
                    markerfacecolor=face,
                    capsize=2,
                )
        for axis, title in zip(panels, CURVES.values(), strict=True):
            axis.set(
                title=title.capitalize(), xlabel="pixels, dans l'ordre de la carte (%)", ylim=(0, 1)
            )
        panels[0].set_ylabel("probabilité de la classe")
        titles = [report.details["methods"][name]["title"] for name in reversed(names)]
        summary.set_yticks(range(len(names)), titles)
        summary.set(title="Aires sous les deux courbes", xlabel="○ suppression    ● insertion")
        figure.suptitle(f"Moyennes sur {agreed(num_images, 'image')} de test")
    return path
