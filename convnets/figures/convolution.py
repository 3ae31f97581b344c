"""Dessiner une fenêtre qui glisse, et les autres images du chapitre sur la convolution.

Un seul moteur de rendu pour toute convolution et tout pooling : `Sliding` décrit
l'opération, `draw_step` dessine une étape, `text_step` l'écrit pour un terminal sans
écran, `save_animation` fait le GIF. Rien n'est calculé ici que l'affichage : la sortie vient
de l'exercice. Les figures se lisent en noir et blanc : ce qui compte est aussi dit par
un trait épais, des tirets ou un nombre.
"""

import io
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Rectangle

from convnets.figures.style import INK, french_ticks, house_style

CELL_INCH = 0.46  # côté d'une case
FAINT = "#6b6b6b"
WINDOW, RESULT = "#ffd27f", "#bfe3ff"  # ambre et bleu, clairs : le texte noir s'y lit
DARKEST = 0.68  # gris de la plus grande valeur d'une carte ; le noir s'y lit encore
FRAME_S = 0.9  # durée d'une étape du GIF
LAST_FRAME_S = 3.0  # la sortie complète reste plus longtemps


def format_number(value) -> str:
    """Écrit un nombre dans une case : entier, ou deux décimales **tronquées** (7/9 → 0,77).

    Args:
        value: entier, `Fraction` ou flottant.

    Returns:
        Un texte court ; tronquer est la convention des diapositives S0.
    """
    exact = _exact(value)
    if exact.denominator == 1:
        return str(exact.numerator)
    hundredths = int(exact * 100)
    return f"{'-' if hundredths < 0 else ''}{abs(hundredths) // 100},{abs(hundredths) % 100:02}"


def _exact(value) -> Fraction:
    return Fraction(value) if isinstance(value, Fraction | int) else Fraction(str(float(value)))


def _truncated(values) -> str:
    """Prévient qu'un nombre montré n'est pas exact : un total relu peut alors différer."""
    shown = (Fraction(format_number(value).replace(",", ".")) for value in values)
    cut = any(read != _exact(value) for read, value in zip(shown, values, strict=True))
    return " (nombres tronqués à deux décimales)" if cut else ""


# --- Une fenêtre qui glisse ----------------------------------------------------------


class Sliding(NamedTuple):
    """Une convolution ou un pooling sur une image à un canal, prêts à être montrés."""

    image: np.ndarray  # (h, w)
    kernel: np.ndarray | None  # (kh, kw), déjà retourné s'il doit l'être ; None : pooling
    output: np.ndarray  # (h', w')
    window: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    margins: tuple[tuple[int, int], tuple[int, int]] = ((0, 0), (0, 0))  # cases ajoutées
    dilation: tuple[int, int] = (1, 1)
    operation: str = "sum"  # ce qui résume la fenêtre : "sum", "mean", "max" ou "average"

    def window_cells(self, index: int) -> list[tuple[int, int]]:
        """Rend les cases sous la fenêtre à l'étape `index`, dans le repère de l'image."""
        i, j = divmod(index, self.output.shape[1])
        top = i * self.stride[0] - self.margins[0][0]
        left = j * self.stride[1] - self.margins[1][0]
        return [
            (top + a * self.dilation[0], left + b * self.dilation[1])
            for a in range(self.window[0])
            for b in range(self.window[1])
        ]

    def inside(self, cell: tuple[int, int]) -> bool:
        """Dit si une case est de l'image, et non du padding."""
        return all(0 <= at < size for at, size in zip(cell, self.image.shape, strict=True))

    def terms(self, index: int) -> np.ndarray:
        """Rend ce que la fenêtre réunit : les produits, ou les valeurs pour un pooling.

        Returns:
            `(kh, kw)` ; None dans les cases de padding d'un pooling, qui ne comptent pas.
        """
        outside = None if self.kernel is None else 0
        seen = [self.image[c] if self.inside(c) else outside for c in self.window_cells(index)]
        values = np.array(seen, dtype=object).reshape(self.window)
        return values if self.kernel is None else values * self.kernel

    def sentence(self, index: int) -> str:
        """Écrit le calcul de l'étape : sommes des lignes, ou valeurs comparées."""
        terms, result = self.terms(index), self.output.reshape(-1)[index]
        shown = format_number(result)
        if self.kernel is None:
            seen = [v for v in terms.reshape(-1) if v is not None]
            values = [format_number(v) for v in seen]
            listed = " ; ".join(values) if len(values) <= 9 else f"{len(values)} valeurs"
            names = {"max": "Maximum", "average": "Moyenne", "sum": "Somme"}
            return f"{names[self.operation]} de {listed} = {shown}{_truncated([result, *seen])}"
        rows = [row.sum() for row in terms]
        sums = [format_number(row) for row in rows]
        total = " + ".join(f"({s})" if s.startswith("-") else s for s in sums)
        if self.operation == "mean":
            return f"Moyenne : ({total}) / {terms.size} = {Fraction(result)}, écrit {shown}"
        return f"Somme : {total} = {shown}{_truncated([result, *rows])}"


def _step_heading(sliding: Sliding, index: int) -> str:
    i, j = divmod(index, sliding.output.shape[1])
    return (
        f"Étape {index + 1} sur {sliding.output.size} : ligne {i + 1}, colonne {j + 1} de la sortie"
    )


def _step_panels(sliding: Sliding, index: int):
    """Rend les panneaux d'une étape : titre, valeurs, cases marquées, cases de padding."""
    (top, bottom), (left, right) = sliding.margins
    height, width = sliding.image.shape
    cells = [[(r, c) for c in range(-left, width + right)] for r in range(-top, height + bottom)]
    added = None if sliding.kernel is None else 0
    padded = [[sliding.image[c] if sliding.inside(c) else added for c in row] for row in cells]
    marked = {(r + top, c + left) for r, c in sliding.window_cells(index)}
    outside = {(r + top, c + left) for row in cells for r, c in row if not sliding.inside((r, c))}
    done = [v if k <= index else None for k, v in enumerate(sliding.output.reshape(-1))]
    filled = np.array(done, dtype=object).reshape(sliding.output.shape)
    panels = [("Image", padded, marked, outside)]
    if sliding.kernel is not None:
        panels.append(("Noyau", sliding.kernel, set(), set()))
    panels.append(
        (
            "Produits" if sliding.kernel is not None else "Fenêtre",
            sliding.terms(index),
            set(),
            set(),
        )
    )
    current = divmod(index, sliding.output.shape[1])
    return [*panels, ("Sortie", filled, {current}, set())]


def text_step(sliding: Sliding, index: int) -> str:
    """Écrit une étape en caractères : la fenêtre entre crochets, `·` pour une case ajoutée.

    Args:
        sliding: l'opération.
        index: numéro de l'étape, de 0 à `output.size - 1`.

    Returns:
        Plusieurs lignes, sans saut final.
    """
    blocks = []
    for title, values, marked, outside in _step_panels(sliding, index):
        texts = [["" if v is None else format_number(v) for v in row] for row in values]
        width = max(1, *(len(text) for row in texts for text in row))
        lines = []
        for r, row in enumerate(texts):
            line = ""
            for c, text in enumerate(row):
                text = "·" if (r, c) in outside or (title != "Image" and not text) else text
                left, right = ("[", "]") if (r, c) in marked else (" ", " ")
                line += f"{left}{text:>{width}}{right}"
            lines.append(line)
        blocks.append([title, *lines])
    height = max(map(len, blocks))
    columns = []
    for block in blocks:
        width = max(map(len, block))
        columns.append([line.ljust(width) for line in block + [""] * (height - len(block))])
    rows = ["   ".join(parts).rstrip() for parts in zip(*columns, strict=True)]
    return "\n".join([_step_heading(sliding, index), *rows, sliding.sentence(index)])


def draw_step(sliding: Sliding, index: int, *, title: str = "") -> Figure:
    """Dessine une étape : image et fenêtre, noyau, produits et sommes, sortie qui se remplit.

    Args:
        sliding: l'opération.
        index: numéro de l'étape, de 0 à `output.size - 1`.
        title: une ligne au-dessus.

    Returns:
        La figure, que `save` écrit en PNG.
    """
    panels = _step_panels(sliding, index)
    height = max(len(values) for _, values, _, _ in panels)
    running = sliding.kernel is not None
    widths = [len(values[0]) for _, values, _, _ in panels]
    width = max(sum(widths) + 1.2 * (len(panels) - 1) + 2.2 * running, 14)
    ax = _cell_axes(width, height + 3.7)
    ax.text(0, 0.45, title or " ", fontsize=12, weight="bold", va="center")
    ax.text(0, 1.2, _step_heading(sliding, index), va="center", color=FAINT)
    x = 0.0
    for (name, values, marked, outside), columns in zip(panels, widths, strict=True):
        y = 2.5 + (height - len(values)) / 2
        fill = RESULT if name == "Sortie" else WINDOW
        draw_grid(ax, values, at=(x, y), title=name, marked=marked, dashed=outside, fill=fill)
        x += columns + 1.2
        if name == "Produits":
            _draw_running_sums(ax, values, at=(x - 1.0, y))
            x += 2.2
    ax.text(0, height + 3.25, sliding.sentence(index), fontsize=12, va="center")
    return ax.figure


def _draw_running_sums(ax, products, *, at) -> None:
    total = 0
    ax.text(at[0] + 0.9, at[1] - 0.35, "cumul", ha="center", va="center", fontsize=9, color=FAINT)
    for r, row in enumerate(products):
        total += sum(row)
        ax.text(at[0] + 0.9, at[1] + r + 0.5, f"→ {format_number(total)}", ha="center", va="center")


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
    for index in range(sliding.output.size):
        buffer = io.BytesIO()
        with house_style():
            _write(draw_step(sliding, index, title=title), buffer)
        frames.append(Image.open(buffer).convert("P", palette=Image.Palette.ADAPTIVE, colors=64))
    durations_ms = [int(1000 * FRAME_S)] * (len(frames) - 1) + [int(1000 * LAST_FRAME_S)]
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=durations_ms, loop=0)
    return path


def _write(figure: Figure, target) -> None:
    FigureCanvasAgg(figure)
    french_ticks(figure)
    figure.savefig(target, format="png", facecolor="white")


def save(figure: Figure, path: Path) -> Path:
    """Écrit une figure en PNG, dont le dossier est créé.

    Args:
        figure: figure de matplotlib.
        path: fichier `.png`.

    Returns:
        Le chemin écrit.

    Raises:
        OSError: dossier impossible à écrire.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with house_style():
        _write(figure, path)
    return path


# --- Les éléments des autres figures -------------------------------------------------


def _cell_axes(width: float, height: float):
    """Ouvre une figure dont l'unité est la case, l'origine en haut à gauche."""
    margin = 0.5
    figure = Figure(figsize=((width + 2 * margin) * CELL_INCH, (height + margin) * CELL_INCH))
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set(xlim=(-margin, width + margin), ylim=(height + margin / 2, -margin / 2))
    ax.set_axis_off()
    return ax


def draw_grid(
    ax, values, *, at=(0, 0), title="", marked=(), dashed=(), fill=WINDOW, shade=False
) -> None:
    """Dessine un tableau de nombres, case par case.

    Args:
        ax: axes dont l'unité est la case.
        values: `(h, w)` ; None laisse la case vide.
        at: coin en haut à gauche.
        title: au-dessus du tableau.
        marked: cases `(ligne, colonne)` à trait épais et fond `fill`.
        dashed: cases de padding, en tirets.
        fill: couleur des cases marquées.
        shade: griser les cases selon leur valeur, la plus grande étant la plus foncée.
    """
    x, y = at
    numbers = [float(v) for row in values for v in row if v is not None]
    low, high = (min(numbers), max(numbers)) if numbers else (0, 1)
    if title:
        ax.text(x + len(values[0]) / 2, y - 0.35, title, ha="center", va="center", weight="bold")
    for r, row in enumerate(values):
        for c, value in enumerate(row):
            color = "white"
            if shade and value is not None and high > low:
                color = str(1 - (1 - DARKEST) * (float(value) - low) / (high - low))
            style = {"facecolor": color, "edgecolor": FAINT, "linewidth": 0.8, "zorder": 1}
            if (r, c) in dashed:
                style |= {"linestyle": (0, (2, 2))}
            if (r, c) in marked:
                style |= {"facecolor": fill, "edgecolor": INK, "linewidth": 2.4, "zorder": 2}
            ax.add_patch(Rectangle((x + c, y + r), 1, 1, **style))
            if value is None:
                continue
            text = format_number(value)
            color = FAINT if (r, c) in dashed and (r, c) not in marked else INK
            font = {1: 11, 2: 11, 3: 10, 4: 9}.get(len(text), 8)
            ax.text(
                x + c + 0.5,
                y + r + 0.5,
                text,
                ha="center",
                va="center_baseline",
                zorder=3,
                color=color,
                fontsize=font,
            )


def draw_rows(rows: Sequence[Sequence], *, title: str, note: str = "") -> Figure:
    """Aligne des tableaux de nombres, grisés selon leur valeur, sur une ou plusieurs lignes.

    Args:
        rows: lignes de haut en bas ; chacune mêle des tableaux `(titre, valeurs (h, w))` et
            des signes (`"="`, `"→"`), de gauche à droite.
        title: au-dessus de tous.
        note: une ligne en dessous.

    Returns:
        La figure.
    """
    gap = 0.5
    heights = [max(len(item[1]) for item in row if not isinstance(item, str)) for row in rows]
    widths = [sum(_item_width(item) + gap for item in row) - gap for row in rows]
    width = max(*widths, 0.32 * len(title), 0.25 * len(note))
    height = 1.2 + sum(heights) + 1.5 * len(rows)
    ax = _cell_axes(width, height + 0.8 * bool(note))
    ax.text(0, 0.4, title, fontsize=12, weight="bold", va="center")
    y = 2.2
    for row, tallest in zip(rows, heights, strict=True):
        x = 0.0
        for item in row:
            taken = _item_width(item)
            if isinstance(item, str):
                ax.text(x + taken / 2, y + tallest / 2, item, ha="center", va="center", fontsize=14)
            else:
                name, values = item
                corner = (x + (taken - len(values[0])) / 2, y + (tallest - len(values)) / 2)
                draw_grid(ax, values, at=corner, title=name, shade=True)
            x += taken + gap
        y += tallest + 1.5
    if note:
        ax.text(0, height + 0.4, note, va="center", color=FAINT)
    return ax.figure


def _item_width(item) -> float:
    return 0.8 if isinstance(item, str) else max(len(item[1][0]), 0.27 * len(item[0]))


def draw_layers(
    layers: Sequence[tuple[str, tuple[int, ...]]], *, title: str, windows: Sequence[int] = ()
) -> Figure:
    """Dessine une chaîne de couches : des piles de cartes, puis des vecteurs.

    Args:
        layers: `(ce qui y mène, forme)`, forme `(h, w, canaux)` ou `(n,)`, dans l'ordre.
        title: au-dessus.
        windows: par couche, côté de la fenêtre qu'une case lit dans les cartes d'avant ; 0 si ce
            n'est pas une fenêtre. Chacune est dessinée, à l'échelle, sur la première carte.

    Returns:
        La figure ; les côtés sont à l'échelle, et chaque carte est dessinée, au plus seize.
    """
    largest = max(shape[0] for _, shape in layers if len(shape) == 3)
    longest = max((shape[0] for _, shape in layers if len(shape) == 1), default=1)
    pitch, middle = 4.4, 4.3
    ax = _cell_axes(pitch * len(layers), 8.8)
    ax.text(0, 0.4, title, fontsize=12, weight="bold", va="center")
    before = None  # de la couche d'avant : bord droit, et première carte (gauche, haut, case)
    for k, (name, shape) in enumerate(layers):
        center, front = pitch * k + 1.7, None
        if len(shape) == 3:
            side, num_drawn = max(0.5, 2.4 * shape[0] / largest), min(shape[2], 16)
            step = min(0.22, 1.1 / num_drawn)
            for depth in reversed(range(num_drawn)):
                offset = step * (depth - (num_drawn - 1) / 2)
                corner = (center - side / 2 + offset, middle - side / 2 - offset)
                ax.add_patch(Rectangle(corner, side, side, facecolor="#e6e6e6", edgecolor=INK))
            front = (*corner, side / shape[0])
            label, right = f"{shape[0]}×{shape[1]}×{shape[2]}", center + side / 2 - offset
        else:
            length = max(0.8, 4.4 * shape[0] / longest)
            corner = (center - 0.2, middle - length / 2)
            ax.add_patch(Rectangle(corner, 0.4, length, facecolor="#e6e6e6", edgecolor=INK))
            label, right = str(shape[0]), center + 0.2
        ax.text(center, 7.2, label, ha="center", va="center", weight="bold")
        ax.text(center, 7.7, name, ha="center", va="top", fontsize=8.5)
        if k < len(windows) and windows[k]:
            _draw_window(ax, windows[k], before[1], front)
        elif k:
            ax.add_patch(
                FancyArrowPatch(
                    (before[0] + 0.25, middle),
                    (corner[0] - 0.25, middle),
                    arrowstyle="-|>",
                    mutation_scale=12,
                    color=INK,
                )
            )
        before = right, front
    return ax.figure


def _draw_window(ax, window: int, read: tuple, written: tuple) -> None:
    """Relie une fenêtre d'une carte à la case qu'elle donne, dans la carte suivante."""
    (left, top, cell), (x, y, small) = read, written
    side = window * cell
    left, top = left + cell, top + cell  # pas tout au bord, où les traits se toucheraient
    target = (x + small, y + small)
    for corner in ((left + side, top), (left + side, top + side)):
        ax.plot(*zip(corner, target, strict=True), color=INK, linewidth=0.8, linestyle="--")
    style = {"facecolor": WINDOW, "edgecolor": INK, "linewidth": 1.2, "zorder": 3}
    ax.add_patch(Rectangle((left, top), side, side, **style))
    style |= {"facecolor": RESULT}
    ax.add_patch(Rectangle((target[0] - small / 2, target[1] - small / 2), small, small, **style))


def draw_fields(
    image: np.ndarray, fields: Sequence[tuple[str, tuple[int, int], int]], *, title: str
) -> Figure:
    """Montre, couche par couche, les pixels d'une image dont une seule case dépend.

    Args:
        image: uint8 `(h, w, 3)`.
        fields: `(nom de la couche, (ligne, colonne) du premier pixel vu, côté vu)`.
        title: au-dessus.

    Returns:
        La figure : l'image entière, puis un cadre par couche, où le reste est éteint.
    """
    columns = len(fields) + 1
    figure = Figure(figsize=(2.1 * columns, 2.9), layout="constrained")
    axes = figure.subplots(1, columns)
    figure.suptitle(title)
    for ax in axes:
        ax.set_axis_off()
    axes[0].imshow(image, interpolation="nearest")
    axes[0].set_title(f"image\n{image.shape[0]}×{image.shape[1]}")
    for ax, (name, (top, left), side) in zip(axes[1:], fields, strict=True):
        seen = np.full(image.shape, 255, np.uint8) - (255 - image) // 5
        square = slice(top, top + side), slice(left, left + side)
        seen[square] = image[square]
        ax.imshow(seen, interpolation="nearest")
        ax.set_title(f"{name}\n{side}×{side}")
        corner = (left - 0.5, top - 0.5)
        ax.add_patch(Rectangle(corner, side, side, fill=False, edgecolor=INK, linewidth=1.6))
    return figure


def draw_bars(groups: Sequence[tuple[str, Sequence[float]]], *, series, title: str) -> Figure:
    """Compare quelques nombres de [0, 1] par des barres, la valeur écrite au bout.

    Args:
        groups: `(nom, valeurs)`, de haut en bas ; autant de valeurs que de séries.
        series: noms des séries ; la première est pleine, les autres hachurées.
        title: au-dessus.

    Returns:
        La figure.
    """
    figure = Figure(figsize=(7, 1.1 + 0.36 * len(groups) * (len(series) + 0.8)))
    ax = figure.add_axes((0.22, 0.2, 0.7, 0.66))
    styles = [("#8a8a8a", ""), ("white", "////"), ("white", "....")]
    for k, name in enumerate(series):
        at = np.arange(len(groups)) * (len(series) + 0.8) + k
        values = [values[k] for _, values in groups]
        color, hatch = styles[k]
        ax.barh(
            at, list(map(float, values)), 0.9, color=color, hatch=hatch, edgecolor=INK, label=name
        )
        for y, exact in zip(at, values, strict=True):
            ax.text(float(exact) + 0.015, y, format_number(exact), va="center")
    ax.set(xlim=(0, 1.12), title=title, xticks=np.linspace(0, 1, 6))
    middle = np.arange(len(groups)) * (len(series) + 0.8) + (len(series) - 1) / 2
    ax.set_yticks(middle, [name for name, _ in groups])
    ax.invert_yaxis()
    if len(series) > 1:
        figure.legend(loc="lower center", ncols=len(series))
    return figure


def draw_curves(x, curves, *, title: str, xlabel: str, ylabel: str) -> Figure:
    """Trace des courbes moyennes et leur écart-type ; trait et marque changent avec chacune.

    Args:
        x: abscisses `(n,)`.
        curves: `(nom, moyennes (n,), écarts-types (n,))`, au plus trois.
        title: au-dessus.
        xlabel: ce que mesurent les abscisses, avec l'unité.
        ylabel: ce que mesurent les ordonnées, avec l'unité.

    Returns:
        La figure.
    """
    figure = Figure(figsize=(7, 4.2))
    ax = figure.add_axes((0.12, 0.14, 0.84, 0.75))
    styles = [("#0b5394", "-", "o"), ("#b45f06", "--", "s"), (INK, ":", "^")]
    for (name, mean, sd), (color, line, mark) in zip(curves, styles, strict=False):
        mean, sd = np.array(mean), np.array(sd)
        ax.plot(x, mean, color=color, linestyle=line, marker=mark, label=name)
        ax.fill_between(x, mean - sd, mean + sd, color=color, alpha=0.18, linewidth=0)
    ax.set(title=title, xlabel=xlabel, ylabel=ylabel, ylim=(0, 1.02), xticks=list(x))
    ax.grid(axis="y", color="#d9d9d9", linewidth=0.6)
    ax.legend(loc="best")
    return figure


def draw_pictures(rows: Sequence[tuple[str, np.ndarray]], *, title: str) -> Figure:
    """Aligne des images en gris, une série par ligne.

    Args:
        rows: `(nom de la série, images (n, h, w))`, nombres quelconques ; le plus grand est noir.
        title: au-dessus.

    Returns:
        La figure.
    """
    columns = max(len(pictures) for _, pictures in rows)
    figure = Figure(figsize=(1.1 * columns + 1.2, 1.25 * len(rows) + 0.6), layout="constrained")
    axes = figure.subplots(len(rows), columns, squeeze=False)
    figure.suptitle(title)
    for (name, pictures), line in zip(rows, axes, strict=True):
        for ax in line:
            ax.set_axis_off()
        for ax, picture in zip(line, pictures, strict=False):
            ax.imshow(picture, cmap="gray_r", interpolation="nearest")
        line[0].text(-0.15, 0.5, name, transform=line[0].transAxes, ha="right", va="center")
    return figure
