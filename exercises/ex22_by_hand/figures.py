"""Les figures : les quatre boucles et leurs pertes, les filtres appris.

D'après : S4, « backpropagation pour CNN ? » et la boucle que le billet laisse à écrire.
"""

import ast
import inspect
import re
from pathlib import Path

import numpy as np

from convnets.figures.charts import save_filters
from convnets.figures.style import COLORS, INK, new_figure
from exercises.ex22_by_hand import loops
from exercises.ex22_by_hand.network import build_layers

GESTURES = re.compile(r"# (\d)(?: à (\d))?")  # le numéro d'un geste, ou de plusieurs
LINE_HEIGHT = 1 / 13  # d'un cadre : la plus longue boucle y tient
SHOWN_FILTERS = 8


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


# --- Question : les filtres ont-ils changé ? -----------------------------------------


def save_kernels(model, path: Path, *, seed: int = 0) -> None:
    """Dessine des filtres de la première convolution, tels que tirés, puis appris.

    Args:
        model: jumeau Keras du CNN appris.
        path: fichier PNG.
        seed: graine de ses poids de départ.
    """
    start = build_layers(seed=seed)[0].weights[0]
    rows = {
        name: kernel[:, :, 0, :SHOWN_FILTERS].transpose(2, 0, 1)
        for name, kernel in (("avant", start), ("après", model.get_weights()[0]))
    }
    title = "Filtres 5×5 de la première convolution, au hasard puis appris"
    save_filters(path, rows, title=title)
