"""Les figures : les quatre boucles, les filtres appris.

D'après : S4, « backpropagation pour CNN ? » et la boucle que le billet laisse à écrire.
"""

import inspect
import re
import textwrap
from pathlib import Path

from convnets.figures.charts import save_filters
from convnets.figures.style import COLORS, new_figure
from exercises.ex22_by_hand import loops
from exercises.ex22_by_hand.network import build_layers

LINE_HEIGHT = 1 / 15  # d'un cadre : la plus longue boucle y tient
SHOWN_FILTERS = 8


# --- Question : la boucle, quatre fois, côte à côte ----------------------------------


def read_loop(name: str) -> list[str]:
    """Lit dans `loops.py` les lignes d'une boucle, sans sa docstring, la marge retirée."""
    body = inspect.getsource(getattr(loops, name)).split('"""')[-1]
    return textwrap.dedent(body).strip().splitlines()


def save_loops(losses: dict[str, list[float]], path: Path) -> None:
    """Met les boucles côte à côte, un geste par couleur ; le titre compare leurs pertes.

    Args:
        losses: pertes de chaque boucle, voir `loops.run_loops`.
        path: fichier PNG.
    """
    with new_figure(path, columns=2, rows=2, size=(7.0, 2.8)) as (figure, axes):
        figure.suptitle(f"Une boucle, écrite quatre fois. {loops.verdict(losses)}.")
        for axis, (name, title) in zip(axes.flat, loops.LOOPS.items(), strict=True):
            absent = "" if name in losses else " (absent de cette machine)"
            axis.set_title(title + absent, loc="left", weight="bold")
            axis.set(xlim=(0, 1), ylim=(0, 1), xticks=[], yticks=[])
            axis.spines[:].set_visible(True)
            for row, line in enumerate(read_loop(name)):
                middle = 1 - (row + 1) * LINE_HEIGHT
                axis.text(0.01, middle, line, family="monospace", fontsize=8.5, va="center")
                gestures = re.findall(r"\b([1-4])\.", line.partition("#")[2])
                for place, gesture in enumerate(gestures):
                    left, width = place / len(gestures), 1 / len(gestures)
                    color = COLORS[int(gesture) - 1]
                    axis.barh(middle, width, LINE_HEIGHT, left, color=color, alpha=0.25)


# --- Question : les filtres ont-ils changé ? -----------------------------------------


def save_kernels(model, path: Path) -> None:
    """Dessine des filtres de la première convolution, tels que tirés, puis appris.

    Args:
        model: jumeau Keras du CNN appris, parti de la graine 0.
        path: fichier PNG.
    """
    kernels = {"avant": build_layers(seed=0)[0].weights[0], "après": model.get_weights()[0]}
    rows = {
        name: kernel[:, :, 0, :SHOWN_FILTERS].transpose(2, 0, 1) for name, kernel in kernels.items()
    }
    save_filters(path, rows, title="Filtres 5×5 de la première convolution, au hasard puis appris")
