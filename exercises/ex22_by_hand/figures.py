"""Les figures : les quatre boucles et leurs pertes, les filtres appris, les mesures.

D'après : S4, « backpropagation pour CNN ? » et la boucle que le billet laisse à écrire.
Commande : python -m exercises.ex22_by_hand --show
"""

import ast
import inspect
import re
from pathlib import Path

import numpy as np

from convnets.core.cli import percent
from convnets.core.reports import Report, format_metric
from convnets.figures.charts import save_filters, save_training_figures
from convnets.figures.style import COLORS, INK, new_figure, output_dir
from convnets.training import saving
from exercises.ex22_by_hand import loops
from exercises.ex22_by_hand.gradients import errors_table
from exercises.ex22_by_hand.network import build_layers

GESTURES = re.compile(r"# (\d)(?: à (\d))?")  # le numéro d'un geste, ou de plusieurs
LINE_HEIGHT = 1 / 13  # d'un cadre : la plus longue boucle y tient
SHOWN_FILTERS = 8
BARS = (  # mesure, nom, témoin ou non
    ("accuracy_constant", "toujours le même chiffre", True),
    ("accuracy_linear", "classifieur linéaire", True),
    ("accuracy_frozen", "CNN, filtres au hasard", True),
    ("accuracy", "CNN, filtres appris", False),
)


# --- Question : la boucle, quatre fois, côte à côte ----------------------------------


def read_loop(name: str) -> list[str]:
    """Lit le corps d'une boucle dans `loops.py`, sans sa docstring ni ses imports.

    Args:
        name: nom de la fonction, une clé de `loops.LOOPS`.

    Returns:
        Ses lignes, la marge de gauche retirée.
    """
    source = inspect.getsource(getattr(loops, name))
    (function,) = ast.parse(source).body
    _docstring, *body = function.body
    kept = [each for each in body if not isinstance(each, ast.Import)]
    lines = source.splitlines()[kept[0].lineno - 1 : kept[-1].end_lineno]
    return [line[4:] for line in lines]


def find_gestures(line: str) -> list[int]:
    """Lit en fin de ligne quels gestes elle fait : `[3]`, `[1, 2, 3, 4]`, ou aucun."""
    found = GESTURES.search(line)
    return [*range(int(found[1]), int(found[2] or found[1]) + 1)] if found else []


def save_loops(losses: dict[str, list[float]], path: Path) -> None:
    """Met les boucles côte à côte, un geste par couleur, et leurs pertes dessous.

    Args:
        losses: pertes de chaque boucle, voir `loops.run_loops`.
        path: fichier PNG.
    """
    from matplotlib.ticker import NullLocator

    with new_figure(path, columns=2, rows=3, size=(7.0, 2.5)) as (figure, axes):
        for axis, (name, title) in zip(axes[:2].flat, loops.LOOPS.items(), strict=True):
            absent = "" if name in losses else " (absent de cette machine)"
            axis.set_title(title + absent, loc="left", weight="bold")
            axis.set(xlim=(0, 1), ylim=(0, 1), xticks=[], yticks=[])
            axis.spines[:].set_visible(True)
            for row, line in enumerate(read_loop(name)):
                top, gestures = 1 - (row + 0.5) * LINE_HEIGHT, find_gestures(line)
                for place, gesture in enumerate(gestures):
                    left, right = place / len(gestures), (place + 1) / len(gestures)
                    span = (top - LINE_HEIGHT, top)
                    color = COLORS[gesture - 1]
                    axis.fill_betweenx(span, left, right, color=color, alpha=0.25, linewidth=0)
                middle = top - LINE_HEIGHT / 2
                axis.text(0.01, middle, line, family="monospace", fontsize=8.5, va="center")
        left, right = axes[2]
        first, *others = losses
        steps = range(1, len(losses[first]) + 1)
        for width, (name, values) in zip((9, 6, 3.5, 1.2), losses.items(), strict=False):
            left.plot(steps, values, linewidth=width, label=loops.LOOPS[name])
        for number, name in enumerate(others, start=1):
            gaps = np.abs(np.subtract(losses[name], losses[first]))
            shown = np.where(gaps > 0, gaps, np.nan)
            right.plot(steps, shown, "o", ms=4, color=COLORS[number], label=loops.LOOPS[name])
        right.axhline(loops.TOLERANCE, color=INK, linestyle=":", label="écart toléré")
        title = f"Écart à la perte de la boucle {loops.LOOPS[first]}"
        right.set(
            yscale="log",
            xlabel="pas (un écart nul n'est pas dessiné)",
            title=title,
            ylim=(None, 100 * loops.TOLERANCE),
        )
        right.yaxis.set_minor_locator(NullLocator())
        left.set(xlabel="pas", ylabel="perte", title=loops.verdict(losses), ylim=(0, 3))
        left.legend(loc="lower left", ncols=2)
        right.legend(loc="center left", ncols=2)
        figure.suptitle("Une boucle d'apprentissage, écrite quatre fois")


# --- Question : le réseau face à ses témoins -----------------------------------------


def save_measures(report: Report, path: Path) -> None:
    """Compare le CNN à ses témoins ; la barre d'erreur est l'écart-type.

    Args:
        report: compte rendu, `models/ex22_by_hand.json`.
        path: fichier PNG.
    """
    with new_figure(path, size=(6.6, 2.6)) as (_, axes):
        axis = axes[0, 0]
        for row, (name, _, control) in enumerate(BARS):
            metric = report.metrics[name]
            color, ink = ("#b5b5b5", INK) if control else (COLORS[0], "white")
            error = 100 * metric.sd if metric.sd else None
            axis.barh(row, 100 * metric.mean, xerr=error, color=color, capsize=3)
            axis.text(1, row, percent(metric.mean), color=ink, va="center", weight="bold")
        axis.set_yticks(range(len(BARS)), [label for _, label, _ in BARS])
        axis.invert_yaxis()
        count = report.metrics["accuracy"].n
        axis.set(
            title=f"MNIST, tout en NumPy (moyenne ± écart-type, {count} graine{'s' * (count > 1)})",
            xlabel="exactitude sur le jeu de test (%)",
            xlim=(0, 100),
        )


# --- Question : les filtres ont-ils changé ? -----------------------------------------


def save_kernels(report: Report, models_dir: Path, path: Path) -> None:
    """Dessine des filtres de la première convolution, tels que tirés, puis appris.

    Args:
        report: compte rendu du modèle.
        models_dir: dossier du modèle.
        path: fichier PNG.
    """
    model = saving.load_model("ex22_by_hand", models_dir=models_dir)
    start = build_layers(seed=int(report.shipped["seed"]))[0].weights[0]
    rows = {
        name: kernel[:, :, 0, :SHOWN_FILTERS].transpose(2, 0, 1)
        for name, kernel in (("avant", start), ("après", model.get_weights()[0]))
    }
    title = "Filtres 5×5 de la première convolution, au hasard puis appris"
    save_filters(path, rows, title=title)


# --- Question : le montrer -----------------------------------------------------------


def show(options, report: Report, *_) -> None:
    """Écrit les figures du compte rendu, et dit ce que chacun a mesuré."""
    folder = output_dir(options)
    for name, label, _ in BARS:
        print(f"{label:<26} {format_metric(report.metrics[name])}")
    save_loops(report.details["losses"], folder / "boucles.png")
    save_measures(report, folder / "mesures.png")
    save_kernels(report, options.models_dir, folder / "filtres.png")
    save_training_figures(options, report, None, None, None)


def show_again(options, report: Report) -> None:
    """Redit les vérifications d'un compte rendu, et refait ses figures."""
    print(errors_table(report.details["gradients"]), end="\n\n")
    print(loops.losses_table(report.details["losses"]), end="\n\n")
    show(options, report)
