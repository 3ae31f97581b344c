"""Dessiner une fenêtre qui glisse, et une chaîne de couches.

`Sliding` décrit une convolution ou un pooling, `draw_step` en dessine une
étape, `save_animation` les enchaîne. Rien n'est calculé ici que l'affichage : la sortie vient de
l'exercice. Les figures se lisent en noir et blanc : ce qui compte est aussi dit par un trait
épais, des tirets ou un nombre.
"""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from convnets.figures.style import INK, house_style, new_figure

CELL_INCH = 0.46  # côté d'une case
GAP = 1.2  # cases, entre deux tableaux
LEAST_WIDTH = 14  # cases ; la place d'une phrase sous un petit tableau
FAINT = "#6b6b6b"
WINDOW = "#ffd27f"  # ambre clair : le texte noir s'y lit
FRAME_MS, LAST_FRAME_MS = 900, 3000  # durée d'une étape du GIF, et de la sortie complète
NAMES_FR = {"max": "Maximum", "average": "Moyenne", "sum": "Somme"}


def format_number(value) -> str:
    """Écrit un nombre dans une case : entier, ou deux décimales **tronquées** (7/9 → 0,77).

    Args:
        value: entier, `Fraction` ou flottant.

    Returns:
        Un texte court ; tronquer est la convention des diapositives S0.
    """
    exact = Fraction(str(value))
    if exact.denominator == 1:
        return str(exact)
    return f"{int(exact * 100) / 100:.2f}".replace(".", ",")


# --- Une fenêtre qui glisse ----------------------------------------------------------


class Sliding(NamedTuple):
    """Une convolution ou un pooling sur une image à un canal, prêts à être montrés."""

    image: np.ndarray  # (h, w)
    kernel: np.ndarray | None  # (kh, kw), déjà retourné s'il doit l'être ; None : pooling
    output: np.ndarray  # (h', w')
    window: tuple[int, int]
    stride: int = 1
    margins: tuple[tuple[int, int], tuple[int, int]] = ((0, 0), (0, 0))  # cases ajoutées
    operation: str = "sum"  # ce qui résume la fenêtre : "sum", "max" ou "average"

    def padded(self) -> np.ndarray:
        """Rend l'image et son padding : des zéros, ou None pour un pooling, qui les ignore."""
        added = None if self.kernel is None else 0
        return np.pad(self.image.astype(object), self.margins, constant_values=added)

    def corner(self, index: int) -> tuple[int, int]:
        """Rend la ligne et la colonne de l'image et son padding où commence la fenêtre."""
        i, j = divmod(index, self.output.shape[1])
        return i * self.stride, j * self.stride

    def terms(self, index: int) -> np.ndarray:
        """Rend ce que la fenêtre réunit : les produits, ou les valeurs pour un pooling.

        Returns:
            `(kh, kw)` ; None dans les cases de padding d'un pooling.
        """
        (top, left), (height, width) = self.corner(index), self.window
        values = self.padded()[top : top + height, left : left + width]
        return values if self.kernel is None else values * self.kernel

    def heading(self, index: int) -> str:
        """Nomme l'étape, et la case de la sortie qu'elle remplit."""
        i, j = divmod(index, self.output.shape[1])
        return f"Étape {index + 1} sur {self.output.size} : ligne {i + 1}, colonne {j + 1}"

    def sentence(self, index: int) -> str:
        """Écrit le calcul de l'étape : sommes des lignes, ou valeurs comparées."""
        terms, result = self.terms(index), self.output.reshape(-1)[index]
        shown = format_number(result)
        if self.kernel is None:
            listed = " ; ".join(format_number(v) for v in terms.reshape(-1) if v is not None)
            return f"{NAMES_FR[self.operation]} de {listed} = {shown}"
        sums = [format_number(row.sum()) for row in terms]
        total = " + ".join(f"({text})" if text.startswith("-") else text for text in sums)
        return f"Somme : {total} = {shown}"


class Panel(NamedTuple):
    """Un tableau de nombres à dessiner."""

    title: str
    values: Sequence[Sequence]  # (h, w) ; None : une case vide
    marked: Sequence[tuple[int, int]] = ()  # cases à trait épais et fond coloré
    dashed: Sequence[tuple[int, int]] = ()  # cases de padding, en tirets


def _step_panels(sliding: Sliding, index: int) -> list[Panel]:
    top, left = sliding.corner(index)
    seen = [(top + a, left + b) for a, b in np.ndindex(sliding.window)]
    is_added = np.pad(np.zeros(sliding.image.shape), sliding.margins, constant_values=1)
    outside = [*zip(*np.nonzero(is_added), strict=True)]
    done = [v if k <= index else None for k, v in enumerate(sliding.output.reshape(-1))]
    filled = np.array(done, dtype=object).reshape(sliding.output.shape)
    kernel = [] if sliding.kernel is None else [Panel("Noyau", sliding.kernel)]
    return [
        Panel("Image", sliding.padded(), seen, outside),
        *kernel,
        Panel("Produits" if kernel else "Fenêtre", sliding.terms(index)),
        Panel("Sortie", filled, [divmod(index, sliding.output.shape[1])]),
    ]


def draw_step(sliding: Sliding, index: int, *, title: str = "") -> Figure:
    """Dessine une étape : image et fenêtre, noyau, produits, sortie qui se remplit.

    Args:
        sliding: l'opération.
        index: numéro de l'étape, de 0 à `output.size - 1`.
        title: une ligne au-dessus.

    Returns:
        La figure.
    """
    panels = _step_panels(sliding, index)
    height = max(len(panel.values) for panel in panels)
    width = max(LEAST_WIDTH, sum(len(panel.values[0]) + GAP for panel in panels))
    # L'unité est la case, et l'origine en haut à gauche.
    ax = Figure(((width + 1) * CELL_INCH, (height + 4.2) * CELL_INCH)).add_axes((0, 0, 1, 1))
    ax.set(xlim=(-0.5, width + 0.5), ylim=(height + 3.95, -0.25))
    ax.set_axis_off()
    ax.text(0, 0.45, title, fontsize=12, weight="bold", va="center")
    ax.text(0, 1.2, sliding.heading(index), va="center", color=FAINT)
    x = 0.0
    for panel in panels:
        _draw_grid(ax, panel, at=(x, 2.5 + (height - len(panel.values)) / 2))
        x += len(panel.values[0]) + GAP
    ax.text(0, height + 3.25, sliding.sentence(index), fontsize=12, va="center")
    return ax.figure


def save_animation(sliding: Sliding, path: Path, *, title: str = "") -> Path:
    """Écrit toutes les étapes dans un GIF, qui s'attarde sur la dernière et recommence.

    Args:
        sliding: l'opération.
        path: fichier `.gif` ; son dossier est créé.
        title: une ligne au-dessus de chaque étape.

    Returns:
        Le chemin écrit.

    Raises:
        OSError: dossier impossible à écrire.
    """
    from PIL import Image

    frames = []
    with house_style():
        for index in range(sliding.output.size):
            canvas = FigureCanvasAgg(draw_step(sliding, index, title=title))
            canvas.draw()
            pixels = np.asarray(canvas.buffer_rgba())[..., :3]
            frames.append(Image.fromarray(pixels).quantize(64))
    path.parent.mkdir(parents=True, exist_ok=True)
    durations = [FRAME_MS] * (len(frames) - 1) + [LAST_FRAME_MS]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=durations, loop=0)
    return path


def _draw_grid(ax, panel: Panel, *, at: tuple[float, float]) -> None:
    values = np.array(panel.values, dtype=object)
    middle = at[0] + values.shape[1] / 2
    ax.text(middle, at[1] - 0.35, panel.title, ha="center", va="center", weight="bold")
    for (r, c), value in np.ndenumerate(values):
        style = {"facecolor": "white", "edgecolor": FAINT, "linewidth": 0.8}
        if (r, c) in panel.dashed:
            style["linestyle"] = (0, (2, 2))
        if (r, c) in panel.marked:
            style |= {"facecolor": WINDOW, "edgecolor": INK, "linewidth": 2.4, "zorder": 2}
        ax.add_patch(Rectangle((at[0] + c, at[1] + r), 1, 1, **style))
        text = "" if value is None else format_number(value)
        place = {"ha": "center", "va": "center_baseline", "zorder": 3}
        size = {1: 11, 2: 11, 3: 10, 4: 9}.get(len(text), 8)
        ax.text(at[0] + c + 0.5, at[1] + r + 0.5, text, fontsize=size, **place)


# --- Une chaîne de couches -----------------------------------------------------------


def save_layers(
    path: Path, layers: Sequence[tuple[str, tuple[int, ...]]], *, title: str, windows: Sequence[int]
) -> Path:
    """Dessine une chaîne de couches : des piles de cartes, puis des vecteurs.

    Args:
        path: fichier PNG ; son dossier est créé.
        layers: `(ce qui y mène, forme)`, forme `(h, w, canaux)` ou `(n,)`, dans l'ordre.
        title: au-dessus.
        windows: par couche, côté de la fenêtre qu'une case de la suivante y lit ; 0 : pas une
            fenêtre. Elle est dessinée, à l'échelle, sur la première carte.

    Returns:
        `path`. Les côtés sont à l'échelle, et chaque carte est dessinée, au plus seize.
    """
    with new_figure(path, size=(1.8 * len(layers), 3.1)) as (_, axes):
        _draw_layers(axes[0, 0], layers, windows)
        axes[0, 0].set_title(title)
    return path


def _draw_layers(ax, layers, windows) -> None:
    largest = max(shape[0] for _, shape in layers if len(shape) == 3)
    longest = max(shape[0] for _, shape in layers if len(shape) == 1)
    pitch, middle = 4.4, 2.5
    ax.set(xlim=(0, pitch * len(layers)), ylim=(6.6, 0), aspect="equal")
    ax.set_axis_off()
    for k, ((name, shape), window) in enumerate(zip(layers, windows, strict=True)):
        center = pitch * (k + 0.5)
        if len(shape) == 3:
            width = height = max(0.5, 2.4 * shape[0] / largest)
            num_drawn = min(shape[2], 16)
        else:
            width, height, num_drawn = 0.4, max(0.8, 4.4 * shape[0] / longest), 1
        step = min(0.22, 1.1 / num_drawn)
        for depth in reversed(range(num_drawn)):  # la première carte par-dessus les autres
            offset = step * (depth - (num_drawn - 1) / 2)
            corner = (center - width / 2 + offset, middle - height / 2 - offset)
            ax.add_patch(Rectangle(corner, width, height, facecolor="#e6e6e6", edgecolor=INK))
        if window:
            side = window * width / shape[0]
            ax.add_patch(Rectangle(corner, side, side, facecolor=WINDOW, edgecolor=INK, zorder=3))
        if k:
            arrow = {"arrowstyle": "-|>", "color": INK}
            ends = (center - 1.5, middle), (center - 2.3, middle)
            ax.annotate("", *ends, arrowprops=arrow)
        ax.text(center, 5.2, "×".join(map(str, shape)), ha="center", va="center", weight="bold")
        ax.text(center, 5.6, name, ha="center", va="top", fontsize=8.5)
