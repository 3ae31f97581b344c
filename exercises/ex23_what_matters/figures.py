"""Ce que disent les mesures : tableau, phrases et figure, faits du seul compte rendu.

D'après : S1, exercice 2, « ce qui fonctionne le mieux ».
Commande : python -m exercises.ex23_what_matters

Aucune conclusion n'est écrite d'avance : changez les images, les époques ou les graines, les
phrases changent avec les mesures.
"""

from pathlib import Path

from convnets.core.cli import percent
from convnets.core.reports import Report
from convnets.figures.charts import number, table
from convnets.figures.style import COLORS, GREY, INK, new_figure
from exercises.ex23_what_matters.intervals import LEVEL, Gap, sign
from exercises.ex23_what_matters.networks import CHANGES, NAMES_FR

DATASETS_FR = {"fashion_mnist": "Fashion-MNIST", "cifar10": "CIFAR-10"}
VERDICTS = {1: "au-dessus", -1: "au-dessous", 0: "indiscernable"}
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
    """Met un jeu en tableau : coûts, exactitude, différence et intervalle, un réseau par ligne."""
    rows, found = [], gaps(report, dataset)
    for key, known in report.details["datasets"][dataset].items():
        accuracy = percent(report.metrics[f"accuracy_{dataset}_{key}"].mean)
        gap = bounds(found[key]) if key in found else None
        rows.append([LABELS_FR[key], known["parameters"], known["operations"], accuracy, gap])
    heads = [DATASETS_FR[dataset], "paramètres", "opérations", "exactitude", "différence [à 95 %]"]
    return table(heads, rows)


def tell_dataset(report: Report, dataset: str) -> str:
    """Dit, d'un jeu, quelles variantes sont au-dessus, au-dessous, et lesquelles on ne sait pas."""
    reference = report.metrics[f"accuracy_{dataset}_reference"].mean
    told = [f"{DATASETS_FR[dataset]}, référence à {percent(reference)}"]
    found = gaps(report, dataset)
    names = sorted(set(CHANGES) & set(found), key=lambda name: -found[name].difference)
    for each, verdict in VERDICTS.items():
        listed = [
            f"{NAMES_FR[name]} ({points(found[name].difference)})"
            for name in names
            if sign(found[name]) == each
        ]
        told.append(f"{verdict}{'s' * (each == 0)} : {', '.join(listed) or 'aucune'}")
    return " ; ".join(told) + "."


def tell_budget(report: Report, dataset: str) -> list[str]:
    """Dit ce que devient, à un budget plus long, ce qu'on y a essayé, contre la référence longue.

    Returns:
        Une phrase par variante ; aucune si le jeu n'a pas été appris plus longtemps.
    """
    told, found = [], gaps(report, dataset)
    for name in CHANGES:
        if f"{name}_long" in found:
            short, long = found[name], found[f"{name}_long"]
            told.append(
                f"{DATASETS_FR[dataset]}, {NAMES_FR[name]} : {VERDICTS[sign(short)]} au budget "
                f"court ({bounds(short)}), {VERDICTS[sign(long)]} au budget long ({bounds(long)})."
            )
    return told


def tell_chance(report: Report) -> str:
    """Dit quels hasards l'intervalle compte, et combien excluraient zéro par hasard."""
    seeds = report.metrics["accuracy"].n
    count = sum(len(set(CHANGES) & set(gaps(report, dataset))) for dataset in DATASETS_FR)
    counted = "ne comptent que le hasard des images de test, pas celui de l'apprentissage"
    if seeds > 1:
        counted = f"comptent le hasard des {seeds} graines et des images de test"
    wrong = number((1 - LEVEL) * count, 1)
    return (
        f"Les intervalles {counted}. Sur {count} intervalles à 95 %, {wrong} en moyenne "
        "excluraient zéro si aucune pièce ne comptait."
    )


def tell(report: Report) -> list[str]:
    """Rend toutes les phrases d'un compte rendu, dans l'ordre où les lire."""
    told = [tell_dataset(report, dataset) for dataset in DATASETS_FR]
    return [*told, *tell_budget(report, "cifar10"), tell_chance(report)]


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
