"""La figure et le tableau, faits du seul compte rendu.

D'après : S1, exercice 2, « ce qui fonctionne le mieux ».
Commande : python -m exercises.ex23_what_matters --show
"""

from collections.abc import Sequence
from pathlib import Path
from textwrap import fill

from convnets.core.cli import percent
from convnets.core.reports import Report, format_seeds, read_report
from convnets.figures.style import COLORS, INK, new_figure, output_dir
from exercises.ex23_what_matters.intervals import sign
from exercises.ex23_what_matters.networks import NAMES_FR
from exercises.ex23_what_matters.sentences import (
    DATASETS_FR,
    bounds,
    gap_of,
    sorted_names,
    tell,
    tell_counted,
)
from exercises.ex23_what_matters.training import LONG

GREY = "#9a9a9a"
CAPTION_WIDTH = 170  # caractères
STYLES = {1: (COLORS[0], "o"), -1: (COLORS[1], "s"), 0: (GREY, "D")}  # couleur, marque
SHORT_FR = {"reference": "référence"} | NAMES_FR | {"twin": "témoin : référence, autre tirage"}
LABELS_FR = SHORT_FR | {
    f"{name}_long": f"{label}, {LONG} fois plus d'époques" for name, label in SHORT_FR.items()
}


# --- Question : les différences, et ce qu'on ne sait pas -----------------------------


def save_gaps(report: Report, path: Path) -> None:
    """Dessine chaque différence avec son intervalle, les deux jeux côte à côte.

    Args:
        report: compte rendu, `models/ex23_what_matters.json`.
        path: fichier PNG ; son dossier est créé.
    """
    keys = [key for key in LABELS_FR if key in compared(report)]
    with new_figure(path, columns=2, size=(6.4, 0.34 * len(keys) + 2.2)) as (figure, axes):
        for axis, (dataset, title) in zip(axes[0], DATASETS_FR.items(), strict=True):
            axis.axvline(0, color=INK, linewidth=0.8)
            for row, key in enumerate(keys):
                if key in report.details["datasets"][dataset]:
                    _draw(axis, row, report, dataset, key)
            for row in (keys.index("twin"), keys.index("twin") + 1):
                axis.axhline(row - 0.5, color=INK, linewidth=0.6, linestyle=":")
            _write_beside(axis, -0.75, ("poids", "opérations"))
            accuracy = percent(report.metrics[f"accuracy_{dataset}_reference"].mean)
            axis.set(
                title=f"{title} (référence : {accuracy})",
                xlabel="différence d'exactitude avec la référence (points)",
                ylim=(len(keys) - 0.4, -0.6),
                yticks=[],
            )
            axis.grid(axis="x", linewidth=0.3)
        axes[0, 0].set_yticks(range(len(keys)), [LABELS_FR[key] for key in keys])
        seeds = format_seeds(report.metrics["accuracy"])
        figure.suptitle(
            f"Une pièce changée à la fois, au même budget ({seeds}, intervalles à 95 %)"
        )
        figure.supxlabel(caption(report), fontsize=9)


def compared(report: Report) -> list[str]:
    """Rend les réseaux d'un compte rendu qui se comparent à une référence."""
    known = report.details["datasets"]["cifar10"]
    return [key for key, found in known.items() if found["gap"]]


def caption(report: Report) -> str:
    """Écrit la légende : ce qui est gris, nommé, et ce que l'intervalle compte."""
    told = [f"En gris, indiscernable de la référence. {tell_counted(report)}"]
    if any(key.endswith("_long") for key in compared(report)):
        told.append(f"Les lignes du bas : {LONG} fois plus d'époques, pour la référence aussi.")
    for dataset, title in DATASETS_FR.items():
        names = [NAMES_FR[name] for name in sorted_names(report, dataset)[0]]
        told.append(f"{title}, indiscernables : {', '.join(names) or 'aucune'}.")
    return "\n".join(fill(each, CAPTION_WIDTH) for each in told)


def _draw(axis, row: int, report: Report, dataset: str, key: str) -> None:
    """Dessine une différence, et écrit à côté ce que le réseau coûte, la référence valant 1."""
    gap, known = gap_of(report, dataset, key), report.details["datasets"][dataset]
    color, marker = STYLES[sign(gap)]
    reach = [[100 * (gap.difference - gap.low)], [100 * (gap.high - gap.difference)]]
    axis.errorbar(100 * gap.difference, row, xerr=reach, color=color, marker=marker, capsize=3)
    ratios = [known[key][cost] / known["reference"][cost] for cost in ("parameters", "operations")]
    _write_beside(axis, row, [f"× {ratio:.1f}".replace(".", ",") for ratio in ratios])


def _write_beside(axis, row: float, texts: Sequence[str]) -> None:
    for text, left_pt in zip(texts, (28, 78), strict=True):
        axis.annotate(
            text,
            (1, row),
            (left_pt, 0),
            xycoords=axis.get_yaxis_transform(),
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=8,
        )


# --- Question : dire le résultat -----------------------------------------------------


def table(report: Report, dataset: str) -> str:
    """Met un jeu en tableau : coûts, exactitude, différence et intervalle, un réseau par ligne."""
    known = report.details["datasets"][dataset]
    rows = [
        f"{DATASETS_FR[dataset]:<42} {'paramètres':>10} {'opérations':>11} {'exactitude':>10}   "
        "différence [à 95 %]"
    ]
    for key, label in LABELS_FR.items():
        if key not in known:
            continue
        found = known[key]
        accuracy = percent(report.metrics[f"accuracy_{dataset}_{key}"].mean)
        gap = bounds(gap_of(report, dataset, key)) if found["gap"] else ""
        rows.append(
            f"{label:<42} {_group(found['parameters']):>10} {_group(found['operations']):>11} "
            f"{accuracy:>10}   {gap}".rstrip()
        )
    return "\n".join(rows)


def _group(number: int) -> str:
    return f"{number:,}".replace(",", " ")


def show(options, report: Report, *_) -> None:
    """Affiche les deux tableaux et les phrases d'un compte rendu, et trace sa figure."""
    folder = output_dir(options)
    for dataset in DATASETS_FR:
        print(table(report, dataset), end="\n\n")
    print("\n".join(tell(report)), end="\n\n")
    save_gaps(report, folder / "pieces.png")
    print(f"Figure écrite dans {folder}/")


def show_again(options) -> int:
    """Redit et redessine un compte rendu, sans rien apprendre ; rend 0."""
    show(options, read_report(options.module, models_dir=options.models_dir))
    return 0
