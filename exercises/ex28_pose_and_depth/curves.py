"""Ce que vaut chaque réponse, tracé d'après le compte rendu.

D'après : S3 « Pose Estimation », « 3D Reconstruction », « Crowd Understanding ».
Commande : python -m exercises.ex28_pose_and_depth --show
"""

from pathlib import Path

import numpy as np

from convnets.core.reports import Report
from convnets.figures.style import COLORS, INK, new_figure, spreads
from exercises.ex28_pose_and_depth import counting, data, depth, pose
from exercises.ex28_pose_and_depth.pairs import MAX_DISPARITY

STYLES = {
    "heat": (COLORS[0], "-"),
    "argmax": (COLORS[5], "--"),
    "regression": (COLORS[1], "-"),
    "mean": (INK, ":"),
    "network": (COLORS[0], "-"),
    "sad": (COLORS[1], "-"),
    "zncc": (COLORS[4], "-"),
    "constant": (INK, ":"),
    "density": (COLORS[0], "-"),
    "peaks": (COLORS[1], "-"),
}


# --- Question : que vaut chacun ? ----------------------------------------------------


def save_measures(report: Report, path: Path) -> None:
    """Trace le PCK, les pixels faux, ce que coûte un pixel d'écart, et l'erreur des comptes.

    Args:
        report: compte rendu, `models/ex28_pose_and_depth.json`.
        path: fichier PNG.
    """
    with new_figure(path, columns=2, rows=2, size=(6.4, 4.1)) as (_, axes):
        _draw_pck(axes[0, 0], report)
        _draw_regions(axes[0, 1], report)
        _draw_counts(axes[1, 0], report)
        _draw_depth(axes[1, 1])


def _draw_pck(axis, report: Report) -> None:
    for kind, label in pose.NAMES_FR.items():
        color, line = STYLES[kind]
        curve = 100 * np.array(report.details[f"curve_{kind}"])
        axis.plot(pose.FRACTIONS, curve, color=color, linestyle=line, label=label)
    axis.axvline(pose.FRACTION, color=INK, linewidth=0.7, linestyle=":")
    axis.set(
        title="Pose : articulations trouvées",
        xlabel="écart permis, en part du torse",
        ylabel="PCK (%)",
        ylim=(0, 100),
        xlim=(0, 0.5),
    )
    axis.legend(loc="upper left", fontsize=9)


def _draw_regions(axis, report: Report) -> None:
    width = 0.2
    for k, (kind, label) in enumerate(depth.NAMES_FR.items()):
        for place, region in enumerate(depth.REGIONS_FR):
            metric = report.metrics[f"bad_{kind}_{region}"]
            axis.bar(
                place + (k - 1.5) * width,
                100 * metric.mean,
                yerr=spreads([metric], scale=100),
                width=width,
                color=COLORS[6] if kind == "constant" else STYLES[kind][0],
                capsize=2,
                label=label if place == 0 else None,
            )
    axis.set_xticks(range(len(depth.REGIONS_FR)), depth.REGIONS_FR.values())
    axis.set(title="Relief : pixels faux de plus d'un pixel", ylabel="%", ylim=(0, 100))
    axis.legend(loc="upper left", fontsize=9, ncols=2)


def _draw_counts(axis, report: Report) -> None:
    centers = [np.mean(each) for each in data.BINS]
    for kind, label in counting.NAMES_FR.items():
        shown = [report.metrics[f"relative_{kind}_{low}"] for low, _ in data.BINS]
        color, line = STYLES[kind]
        axis.errorbar(
            centers,
            [100 * each.mean for each in shown],
            yerr=spreads(shown, scale=100),
            color=color,
            linestyle=line,
            marker="o",
            markersize=4,
            capsize=2,
            label=label,
        )
    axis.axvspan(*data.LEARNED_COUNTS, color=COLORS[5], alpha=0.15, linewidth=0)
    middle = np.mean(data.LEARNED_COUNTS)
    axis.text(middle, 2.2, "densités de l'entraînement", ha="center", va="bottom", fontsize=9)
    axis.set(
        title="Foule : écart relatif du compte",
        xlabel="personnes dans l'image",
        ylabel="% (échelle logarithmique)",
        yscale="log",
        ylim=(2, 120),
    )
    axis.set_yticks([2, 5, 10, 20, 50, 100], labels=["2", "5", "10", "20", "50", "100"])
    axis.minorticks_off()
    axis.legend(loc="center right", bbox_to_anchor=(1, 0.62), fontsize=9)


def _draw_depth(axis) -> None:
    disparity = np.linspace(1.5, MAX_DISPARITY, 200)
    error = depth.TOLERANCE_PX
    axis.fill_between(
        disparity,
        depth.depth_cm(disparity + error) / 100,
        depth.depth_cm(disparity - error) / 100,
        color=COLORS[5],
        alpha=0.4,
        label="à un pixel près",
    )
    axis.plot(disparity, depth.depth_cm(disparity) / 100, color=COLORS[0], label="profondeur")
    axis.set(
        title="Un pixel d'écart ne coûte rien de près, et tout au loin",
        xlabel="disparité (pixels)",
        ylabel="profondeur (m)",
        ylim=(0, 6),
        xlim=(1.5, MAX_DISPARITY),
    )
    axis.legend(loc="upper right", fontsize=9)
