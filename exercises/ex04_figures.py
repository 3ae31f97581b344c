"""Les figures et les phrases de la comparaison, faites du seul compte rendu.

D'après : TD « keras & réseaux de neurones convolutionnels », question 1.
Commande : python -m exercises.ex04_lenet --recipe plain

Un thème de l'exercice 04, dont l'entrée est `ex04_lenet`.
"""

from pathlib import Path

import numpy as np

from convnets.core.reports import Report, format_metric, format_seeds
from convnets.figures.style import COLORS, new_figure

NAMES_FR = {"lenet": "LeNet", "dense": "réseau dense"}
DIRECTIONS_FR = {"right": "vers la droite", "down": "vers le bas"}
STYLES = {"lenet": (COLORS[0], "-", "o"), "dense": (COLORS[1], "--", "s")}


# --- Question 1 : dire le résultat ---------------------------------------------------


def summary(report: Report) -> str:
    """Dit le résultat en trois lignes.

    Args:
        report: compte rendu, `models/ex04_comparison.json`.

    Returns:
        Précision et erreur de chaque réseau, puis leur différence et son intervalle.
    """
    metrics, gap = report.metrics, report.details["difference"]
    seeds = format_seeds(metrics["accuracy"])
    lines = [
        f"{title} : {format_metric(metrics['accuracy' + end])} de précision, "
        f"{format_metric(metrics['error' + end])} d'erreur ({seeds})."
        for title, end in (("LeNet", ""), ("Réseau dense", "_dense"))
    ]
    last = f"Différence : {100 * gap['mean']:.2f} points"
    if gap["low"] is not None:
        last += (
            f", intervalle de confiance à {100 * gap['confidence']:.0f} % (Welch) "
            f"de {100 * gap['low']:.2f} à {100 * gap['high']:.2f}"
        )
    return "\n".join([*lines, f"{last}.".replace(".", ",", last.count("."))])


# --- Question 1 : le montrer ---------------------------------------------------------


def save_curves(report: Report, path: Path) -> None:
    """Trace la perte et l'erreur de validation des deux réseaux, époque par époque.

    Args:
        report: compte rendu, `models/ex04_comparison.json`.
        path: fichier PNG ; son dossier est créé.
    """
    curves = report.details["curves"]
    with new_figure(path, columns=2) as (figure, axes):
        for name, title in NAMES_FR.items():
            color, line, _ = STYLES[name]
            losses = (
                (f"{name}_loss", ":", "entraînement"),
                (f"{name}_val_loss", line, "validation"),
            )
            for key, style, label in losses:
                _band(axes[0, 0], curves[key], 1, color, style, f"{title}, {label}")
            error = curves[f"{name}_val_accuracy"]
            error = {"mean": 1 - np.array(error["mean"]), "sd": error["sd"]}
            _band(axes[0, 1], error, 100, color, line, title)
        axes[0, 0].set(title="Perte", xlabel="époque", yscale="log")
        axes[0, 1].set(title="Erreur de validation", xlabel="époque", ylabel="%", yscale="log")
        for axis in axes[0]:
            axis.legend()
            axis.xaxis.get_major_locator().set_params(integer=True)
            axis.yaxis.get_minor_locator().set_params(subs=(2, 5))
            for ticks in (axis.yaxis.set_major_formatter, axis.yaxis.set_minor_formatter):
                ticks("{x:g}")  # 0.2 plutôt que 2×10⁻¹
        seeds = format_seeds(report.metrics["accuracy"])
        figure.suptitle(f"Recette simple, moyenne et écart-type ({seeds})")


def _band(axis, curve: dict, scale: float, color: str, line: str, label: str) -> None:
    mean, sd = scale * np.array(curve["mean"]), scale * np.array(curve["sd"])
    epochs = range(1, len(mean) + 1)
    axis.plot(epochs, mean, color=color, linestyle=line, label=label)
    axis.fill_between(epochs, mean - sd, mean + sd, color=color, alpha=0.2, linewidth=0)


def save_shifts(report: Report, path: Path) -> None:
    """Trace la précision des deux réseaux quand les chiffres sont déplacés.

    Args:
        report: compte rendu, `models/ex04_comparison.json`.
        path: fichier PNG ; son dossier est créé.
    """
    metrics, start = report.metrics, "lenet_right_"
    distances = sorted(int(name[len(start) :]) for name in metrics if name.startswith(start))
    with new_figure(path, columns=2) as (figure, axes):
        for axis, (direction, title) in zip(axes[0], DIRECTIONS_FR.items(), strict=True):
            for name, label in NAMES_FR.items():
                each = [metrics[f"{name}_{direction}_{d}"] for d in distances]
                mean = np.array([100 * metric.mean for metric in each])
                sd = np.array([100 * (metric.sd or 0) for metric in each])
                color, line, mark = STYLES[name]
                axis.plot(distances, mean, color=color, linestyle=line, marker=mark, label=label)
                axis.fill_between(distances, mean - sd, mean + sd, color=color, alpha=0.2)
            axis.set(
                xlabel=f"déplacement {title} (pixels)",
                ylabel="précision (%)",
                ylim=(0, 102),
                xticks=distances,
            )
            axis.grid(axis="y", linewidth=0.4)
            axis.legend(loc="lower center")
        figure.suptitle("Entraînés sur des chiffres en place, testés déplacés")
