"""Le tableau et les deux figures de l'exercice 15, faits du seul compte rendu.

D'après : S3 « Un grand nombre d'architectures ».
Commande : python -m exercises.ex15_architectures --show
"""

from math import ceil, floor, log, log10
from pathlib import Path

import numpy as np

from convnets.core.cli import agreed
from convnets.core.reports import Report, format_metric, format_seeds
from convnets.figures.charts import class_table
from convnets.figures.style import COLORS, INK, new_figure, output_dir, spreads
from exercises.ex15_architectures.inception import PAIR_NAMES_FR
from exercises.ex15_architectures.networks import NAMES_FR
from exercises.ex15_architectures.operations import group
from exercises.ex15_architectures.residual import DEEP_NAMES_FR

MARKS = ("o", "s", "D", "^", "P", "X")
LINES = (":", "--", "-")
CHANCE = 0.1  # exactitude d'une réponse au hasard, dix classes à parts égales


# --- Question : dire le résultat -----------------------------------------------------


def summary(report: Report) -> str:
    """Met le résultat en tableau.

    Args:
        report: compte rendu, `models/ex15_architectures.json`.

    Returns:
        Une ligne par réseau : paramètres, opérations par image, exactitude de test et secondes
        d'entraînement.
    """
    images = group(report.num_images["train"])
    epochs = len(report.details["networks"]["lenet"]["curves"]["loss"])
    rows = [
        f"{images} images et {agreed(epochs, 'époque')} pour tous ; "
        f"{format_seeds(report.metrics['accuracy'])}.",
        f"{'réseau':<29} {'paramètres':>11} {'opérations':>12} {'exactitude':>15} {'secondes':>9}",
    ]
    for key, name in _known(report, NAMES_FR | DEEP_NAMES_FR | PAIR_NAMES_FR).items():
        found = report.details["networks"][key]
        rows.append(
            f"{name:<29} {group(found['parameters']):>11} {group(found['operations']):>12} "
            f"{format_metric(report.metrics[found['metric']]):>15} "
            f"{found['duration_s']['mean']:>9.0f}"
        )
    return "\n".join(rows)


def _known(report: Report, names: dict[str, str]) -> dict[str, str]:
    """Garde les réseaux du compte rendu : un plus ancien en a moins."""
    return {key: name for key, name in names.items() if key in report.details["networks"]}


# --- Question : l'exactitude, face aux paramètres et aux opérations ------------------


def save_costs(report: Report, path: Path) -> None:
    """Place les architectures selon ce qu'elles coûtent et ce qu'elles rapportent.

    Args:
        report: compte rendu, `models/ex15_architectures.json`.
        path: fichier PNG ; son dossier est créé.

    Source : la forme est celle de Canziani, Paszke et Culurciello, arXiv 1605.07678, 2016.
    """
    names = _known(report, NAMES_FR | PAIR_NAMES_FR)
    panels = (("parameters", "paramètres"), ("operations", "multiplications-additions par image"))
    with new_figure(path, columns=2) as (figure, axes):
        for axis, (cost, title) in zip(axes[0], panels, strict=True):
            for number, (key, name) in enumerate(names.items()):
                found = report.details["networks"][key]
                metric = report.metrics[found["metric"]]
                axis.errorbar(
                    found[cost],
                    100 * metric.mean,
                    yerr=spreads([metric], scale=100),
                    marker=MARKS[number],
                    markersize=9,
                    capsize=4,
                    color=COLORS[number],
                    linestyle="none",
                    label=name,
                )
            costs = [log10(report.details["networks"][key][cost]) for key in names]
            decades = 10.0 ** floor(min(costs)), 10.0 ** ceil(max(costs))
            axis.set(xlabel=title, xscale="log", xlim=decades, ylabel="exactitude sur le test (%)")
            axis.grid(linewidth=0.4)
            axis.margins(y=0.15)
        handles, labels = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3)
        figure.suptitle(
            "CIFAR-10 : mêmes images, mêmes époques, coûts différents "
            f"({format_seeds(report.metrics['accuracy'])})"
        )


# --- Question : avec et sans raccourcis ----------------------------------------------


def save_depths(report: Report, path: Path) -> None:
    """Trace l'apprentissage des réseaux profonds, avec et sans raccourcis.

    Args:
        report: compte rendu, `models/ex15_architectures.json`.
        path: fichier PNG ; son dossier est créé.

    Source : la forme est celle de la figure 6 de He et al., arXiv 1512.03385.
    """
    panels = (
        ("loss", "Perte d'entraînement", 1, log(1 / CHANCE)),
        ("val_accuracy", "Exactitude de validation (%)", 100, 100 * CHANCE),
    )
    names = _known(report, DEEP_NAMES_FR)
    with new_figure(path, columns=2) as (figure, axes):
        for axis, (key, title, scale, chance) in zip(axes[0], panels, strict=True):
            for number, (name, label) in enumerate(names.items()):
                curve = report.details["networks"][name]["curves"][key]
                mean = scale * np.array([each["mean"] for each in curve])
                sd = scale * np.array([each["sd"] or 0 for each in curve])
                epochs, color = range(1, len(mean) + 1), COLORS[number]
                axis.plot(
                    epochs,
                    mean,
                    color=color,
                    linestyle=LINES[number],
                    marker="o",
                    markersize=4,
                    label=label,
                )
                axis.fill_between(epochs, mean - sd, mean + sd, color=color, alpha=0.2)
            axis.axhline(chance, color=INK, linewidth=0.8)
            axis.annotate(
                "hasard",
                (1, chance),
                (0, 4),
                xycoords=axis.get_yaxis_transform(),
                textcoords="offset points",
                ha="right",
                fontsize=8,
            )
            axis.set(title=title, xlabel="époque")
            axis.xaxis.get_major_locator().set_params(integer=True)
        axes[0, 1].legend()
        figure.suptitle(
            f"Le même réseau, avec et sans raccourcis ({format_seeds(report.metrics['accuracy'])})"
        )


def show(options, report, *_) -> None:
    """Affiche les deux tableaux d'un compte rendu et en trace les deux figures."""
    folder = output_dir(options)
    print(summary(report))
    print("\nLe modèle enregistré, ResNet-8, classe par classe :")
    print(class_table(report.confusion_matrix, report.classes_fr))
    save_costs(report, folder / "architectures.png")
    save_depths(report, folder / "raccourcis.png")
    print(f"Figures écrites dans {folder}/")
