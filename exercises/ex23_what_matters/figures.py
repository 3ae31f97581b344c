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

VERDICTS = {1: "au-dessus", -1: "au-dessous", 0: "peut être dû au hasard"}  # de la référence
STYLES = {1: (COLORS[0], "o"), -1: (COLORS[1], "s"), 0: (GREY, "D")}  # couleur, marque
LABELS_FR = {"reference": "référence"} | NAMES_FR | {"twin": "jumeau : référence, autre tirage"}


def points(share: float) -> str:
    """Écrit une différence d'exactitudes, en points : `"+1,2"`, `"−0,3"`."""
    return f"{'+' if share >= 0 else '−'}{number(abs(100 * share), 1)}"


def bounds(gap: Gap) -> str:
    """Écrit une différence et son intervalle : `"+1,2 [+0,4 ; +2,0]"`."""
    return f"{points(gap.difference)} [{points(gap.low)} ; {points(gap.high)}]"


def gaps(report: Report) -> dict[str, Gap]:
    """Lit les différences d'un compte rendu : une par réseau, sauf la référence."""
    known = report.details["networks"]
    return {key: Gap(*found["gap"]) for key, found in known.items() if key != "reference"}


# --- Question : dire le résultat -----------------------------------------------------


def results_table(report: Report) -> str:
    """Met en tableau coûts, exactitudes, différences et verdicts, un réseau par ligne."""
    rows, found = [], gaps(report)
    for key, known in report.details["networks"].items():
        metric = "accuracy" if key == "reference" else f"accuracy_{key}"
        gap = found.get(key)
        told = [bounds(gap), VERDICTS[sign(gap)]] if gap else [None, None]
        accuracy = percent(report.metrics[metric].mean)
        rows.append([LABELS_FR[key], known["parameters"], known["operations"], accuracy, *told])
    heads = ["paramètres", "opérations", "exactitude", "différence [à 95 %]", "verdict"]
    return table(["CIFAR-10", *heads], rows)


# --- Question : les différences, et ce qu'on ne sait pas -----------------------------


def save_gaps(report: Report, path: Path) -> None:
    """Dessine chaque différence avec son intervalle.

    Args:
        report: compte rendu de la leçon, ou mesures publiées.
        path: fichier PNG ; son dossier est créé.
    """
    found = gaps(report)
    with new_figure(path, size=(8, 0.34 * len(found) + 1.4)) as (figure, axes):
        axis = axes[0, 0]
        axis.axvline(0, color=INK, linewidth=0.8)
        for row, gap in enumerate(found.values()):
            color, marker = STYLES[sign(gap)]
            middle, reach = 100 * gap.difference, 50 * (gap.high - gap.low)
            axis.errorbar(middle, row, xerr=reach, color=color, marker=marker, capsize=3)
        accuracy = percent(report.metrics["accuracy"].mean)
        axis.set(
            title=f"CIFAR-10 (référence : {accuracy})",
            xlabel="différence d'exactitude avec la référence (points)",
            ylim=(len(found) - 0.4, -0.6),
        )
        axis.set_yticks(range(len(found)), [LABELS_FR[key] for key in found])
        axis.grid(axis="x", linewidth=0.3)
        figure.suptitle("Une pièce changée à la fois ; en gris, rien ne la distingue (à 95 %)")
