"""Les figures tirées du compte rendu : les deux détecteurs, et les étiquettes multiples.

D'après : S3 « Different problems, models & metrics ».
"""

from pathlib import Path

from convnets.core.cli import percent
from convnets.core.reports import Metric, Report, format_seeds
from convnets.datasets import sources
from convnets.figures.style import COLORS, new_figure, spreads
from exercises.ex17_detection.localization import NUM_CLASSES
from exercises.ex17_detection.proposals import NUM_PROPOSALS

DETECTORS = (  # mesure, nom, couleur
    ("map_one_box", "réseau à une boîte", 6),
    ("map_without_nms", "grille,\ndoublons gardés", 5),
    ("map", "grille", 0),
    ("two_stage_map_without_nms", "deux étages,\ndoublons gardés", 4),
    ("two_stage_map_unrefined", "deux étages,\nsans correction", 4),
    ("two_stage_map", "deux étages", 1),
)
RECALLS = (
    ("recall_regular", f"{NUM_PROPOSALS} carrés réguliers"),
    ("recall_proposals", f"{NUM_PROPOSALS} propositions"),
)
ERROR = {"lw": 1, "capsize": 2}
ENDINGS = (("sigmoid", "sigmoïdes", 0), ("softmax", "softmax", 1))


# --- Question : une grille, ou deux étages ? -----------------------------------------


def save_detectors(report: Report, path: Path) -> Path:
    """Dessine la précision moyenne des deux détecteurs et de leurs témoins, puis classe par classe.

    Args:
        report: compte rendu de l'exercice.
        path: fichier PNG.

    Returns:
        `path`.
    """
    metrics = report.metrics
    with new_figure(path, columns=2, size=(5.8, 4.6)) as (figure, axes):
        left, right = axes[0]
        for row, (name, _, color) in enumerate(DETECTORS):
            _bar(left, row, metrics[name], COLORS[color])
        left.set_yticks(range(len(DETECTORS)), [label for _, label, _ in DETECTORS])
        left.set(xlim=(0, 1), xlabel=f"mAP ({format_seeds(metrics['map'])})")
        left.set_title("De 1 à 4 objets")
        names = _sorted_classes(metrics, "ap")
        _class_bars(right, metrics, names, "ap", 0.2, "grille", COLORS[0])
        _class_bars(right, metrics, names, "two_stage_ap", -0.2, "deux étages", COLORS[1])
        right.set(xlim=(0, 1), xlabel="précision moyenne")
        right.legend(loc="lower right")
        right.set_title("Classe par classe")
        seconds = [metrics[f"cpu_s_{name}"].mean for name in ("grid", "two_stage")]
        recalls = " ; ".join(f"{label} : {percent(metrics[name].mean)}" for name, label in RECALLS)
        figure.suptitle(
            f"Temps de processeur à apprendre : grille {seconds[0]:.0f} s, deux étages "
            f"{seconds[1]:.0f} s\nObjets recouverts (IoU ≥ 0,5) : {recalls}",
            fontsize=10,
        )
    return path


# --- Question : plusieurs étiquettes par image ---------------------------------------


def save_labels(report: Report, path: Path) -> Path:
    """Dessine ce que valent sigmoïdes et softmax, par classe et par nombre de classes présentes.

    Args:
        report: compte rendu de l'exercice.
        path: fichier PNG.

    Returns:
        `path`.
    """
    metrics = report.metrics
    with new_figure(path, columns=2, size=(5.8, 4.6)) as (_, axes):
        left, right = axes[0]
        names = _sorted_classes(metrics, "sigmoid ap")
        for place, (ending, label, color) in zip((0.2, -0.2), ENDINGS, strict=True):
            shown = f"{label} (moyenne {percent(metrics[f'labels_map_{ending}'].mean)})"
            _class_bars(left, metrics, names, f"{ending} ap", place, shown, COLORS[color])
            shown = f"{label} (en tout {percent(metrics[f'exact_{ending}'].mean)})"
            _size_bars(right, metrics, ending, -place, shown, COLORS[color])
        left.set(xlim=(0, 1), xlabel=f"précision moyenne ({format_seeds(metrics['map'])})")
        left.set_title("Ranger les scènes, classe par classe")
        left.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2, fontsize=9)
        constant = metrics["exact_constant"].mean
        label = f"toujours le même ensemble ({percent(constant)})"
        right.axhline(constant, color=COLORS[6], lw=1, ls=":", label=label)
        right.set(xlabel="classes présentes", ylabel="ensembles exacts")
        right.margins(y=0.3)  # de quoi loger la légende
        right.set_title("Nommer toutes les classes, et aucune autre")
        right.legend(loc="upper right", fontsize=9)
    return path


def _bar(axis, row: float, metric: Metric, color: str) -> None:
    axis.barh(row, metric.mean, 0.7, xerr=spreads([metric]), color=color, error_kw=ERROR)
    axis.text(metric.mean + (metric.sd or 0) + 0.015, row, percent(metric.mean), va="center")


def _sorted_classes(metrics: dict[str, Metric], prefix: str) -> list[str]:
    names = [name for name in sources.FASHION_CLASSES if f"{prefix} {name}" in metrics]
    return sorted(names, key=lambda name: metrics[f"{prefix} {name}"].mean)


def _class_bars(axis, metrics, names: list[str], prefix: str, place: float, label, color) -> None:
    each = [metrics[f"{prefix} {name}"] for name in names]
    rows = [row + place for row in range(len(names))]
    errors = spreads(each)
    means = [metric.mean for metric in each]
    axis.barh(rows, means, 0.38, xerr=errors, color=color, error_kw=ERROR, label=label)
    french = dict(zip(sources.FASHION_CLASSES, sources.FASHION_CLASSES_FR, strict=True))
    axis.set_yticks(range(len(names)), [french[name] for name in names])


def _size_bars(axis, metrics, ending: str, place: float, label: str, color: str) -> None:
    sizes = [k for k in range(1, NUM_CLASSES + 1) if f"exact_{k}_{ending}" in metrics]
    each = [metrics[f"exact_{k}_{ending}"] for k in sizes]
    columns, means = [k + place for k in sizes], [metric.mean for metric in each]
    errors = spreads(each)
    axis.bar(columns, means, 0.38, yerr=errors, color=color, error_kw=ERROR, label=label)
    for x, metric in zip(columns, each, strict=True):
        top = metric.mean + (metric.sd or 0) + 0.01
        axis.text(x, top, percent(metric.mean), ha="center", va="bottom", fontsize=8)
    axis.set_xticks(sizes)
