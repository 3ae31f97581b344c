"""Ce que disent les mesures : un tableau et une figure, faits du seul compte rendu.

D'après : S1, exercice 2, « ce qui fonctionne le mieux ».
Commande : python -m exercises.ex23_what_matters

Aucune conclusion n'est écrite d'avance : changez les images, les époques ou les graines, et les
réponses changent avec les mesures.
"""

from pathlib import Path

from convnets.core.cli import percent
from convnets.core.reports import Report
from convnets.figures.charts import number, table
from convnets.figures.style import COLORS, GREY, INK, new_figure
from exercises.ex23_what_matters.intervals import Gap, sign
from exercises.ex23_what_matters.networks import NAMES_FR

DATASETS_FR = {"fashion_mnist": "Fashion-MNIST", "cifar10": "CIFAR-10"}
VERDICTS = {1: "au-dessus", -1: "au-dessous", 0: "indiscernable"}  # de la référence
STYLES = {1: (COLORS[0], "o"), -1: (COLORS[1], "s"), 0: (GREY, "D")}  # couleur, marque
SHORT_FR = {"reference": "référence"} | NAMES_FR | {"twin": "témoin : référence, autre tirage"}
LABELS_FR = SHORT_FR | {f"{key}_long": f"{name}, budget long" for key, name in SHORT_FR.items()}


def points(share: float) -> str:
    """Écrit une différence d'exactitudes, en points : `"+1,2"`, `"−0,3"`."""
    return f"{'+' if share >= 0 else '−'}{number(abs(100 * share), 1)}"


def bounds(gap: Gap) -> str:
    """Écrit une différence et son intervalle : `"+1,2 [+0,4 ; +2,0]"`."""
    return f"{points(gap.difference)} [{points(gap.low)} ; {points(gap.high)}]"


def gaps(report: Report, dataset: str) -> dict[str, Gap]:
    """Lit les différences d'un jeu dans un compte rendu : une par réseau, sauf les références."""
    known = report.details["datasets"][dataset]
    return {key: Gap(*found["gap"]) for key, found in known.items() if found["gap"]}


# --- Question : dire le résultat -----------------------------------------------------


def results_table(report: Report, dataset: str) -> str:
    """Met un jeu en tableau : coûts, exactitude, différence et verdict, un réseau par ligne."""
    rows, found = [], gaps(report, dataset)
    for key, known in report.details["datasets"][dataset].items():
        accuracy = percent(report.metrics[f"accuracy_{dataset}_{key}"].mean)
        gap = found.get(key)
        told = [bounds(gap), VERDICTS[sign(gap)]] if gap else [None, None]
        rows.append([LABELS_FR[key], known["parameters"], known["operations"], accuracy, *told])
    heads = ["paramètres", "opérations", "exactitude", "différence [à 95 %]", "verdict"]
    return table([DATASETS_FR[dataset], *heads], rows)


# --- Question : les différences, et ce qu'on ne sait pas -----------------------------


def save_gaps(report: Report, path: Path) -> None:
    """Dessine chaque différence avec son intervalle, les deux jeux côte à côte.

    Args:
        report: compte rendu de la leçon, ou mesures publiées.
        path: fichier PNG ; son dossier est créé.
    """
    keys = list(gaps(report, "cifar10"))
    with new_figure(path, columns=2, size=(6.4, 0.34 * len(keys) + 1.4)) as (figure, axes):
        for axis, (dataset, title) in zip(axes[0], DATASETS_FR.items(), strict=True):
            axis.axvline(0, color=INK, linewidth=0.8)
            for key, gap in gaps(report, dataset).items():
                color, marker = STYLES[sign(gap)]
                middle, reach = 100 * gap.difference, 50 * (gap.high - gap.low)
                axis.errorbar(
                    middle, keys.index(key), xerr=reach, color=color, marker=marker, capsize=3
                )
            accuracy = percent(report.metrics[f"accuracy_{dataset}_reference"].mean)
            axis.set(title=f"{title} (référence : {accuracy})", ylim=(len(keys) - 0.4, -0.6))
            axis.set(xlabel="différence d'exactitude avec la référence (points)", yticks=[])
            axis.grid(axis="x", linewidth=0.3)
        axes[0, 0].set_yticks(range(len(keys)), [LABELS_FR[key] for key in keys])
        figure.suptitle("Une pièce changée à la fois ; en gris, rien ne la distingue (à 95 %)")
