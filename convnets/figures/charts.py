"""Le vocabulaire des figures : barres, courbes, lignes d'images, tableaux de texte.

Un exercice dit ce qu'il montre ; ces fonctions disent comment : une moyenne et son écart-type,
une virgule aux nombres, la même couleur d'une figure à l'autre. Exemple :

    print(table(["réseau", "paramètres", "exactitude"], [["U-Net", 123456, metrics["iou"]]]))
    with new_figure(folder / "mesures.png", columns=2) as (_, axes):
        bars(axes[0, 0], {"": {"au hasard": 0.1, "réseau": metrics["accuracy"]}})
        curves(axes[0, 1], {"entraînement": history["loss"]}, unit="")
    picture_rows(folder / "images.png", {"chat": [image, Picture(image, "0,97", heat=heatmap)]})
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from convnets.core.cli import percent
from convnets.core.reports import Metric, format_metric, format_spread
from convnets.figures.style import COLORS, new_figure, output_dir

LINES = ("o-", "s--", "D:", "^-.")  # les courbes se distinguent aussi sans couleur
SPACING_IN = 0.35  # hauteur du titre d'une image, en pouces
TALLEST = 4  # hauteur au plus d'un cadre, en largeurs : une image plus haute y est plus étroite


class Picture(NamedTuple):
    """Une image à montrer, et ce qui va dessus."""

    pixels: np.ndarray  # (h, w, 3), ou (h, w) : une carte, peinte selon cmap
    caption: str = ""  # au-dessus
    heat: np.ndarray | None = None  # (h', w') dans [0, 1], étirée sur l'image
    boxes: Sequence[tuple] = ()  # ((x0, y0, x1, y1), texte, couleur) en pixels de l'image
    cmap: str = "gray"
    limits: tuple[float, float] | None = None  # valeurs des deux bouts de cmap ; None : (0, 255)


# --- Des nombres et du texte ---------------------------------------------------------


def number(value: float, digits: int = 0) -> str:
    """Écrit un nombre à la française : `"12 345"`, `"0,25"`, jamais `"-0,0"`.

    Args:
        value: le nombre.
        digits: chiffres après la virgule.
    """
    rounded = round(float(value), digits) + 0.0  # -0,0 + 0,0 = 0,0
    return f"{rounded:,.{digits}f}".replace(",", " ").replace(".", ",")


def table(heads: Sequence[str], rows: Iterable[Sequence]) -> str:
    """Met des lignes en tableau, pour un terminal.

    Args:
        heads: titres des colonnes ; la première est alignée à gauche, les autres à droite.
        rows: une suite de cases par ligne : un texte, un entier, un nombre (deux décimales), une
            mesure (une part, en pour cent, avec son écart type), ou None, écrit « - ».

    Returns:
        Un texte d'une ligne de titres et d'une ligne par rangée.
    """
    texts = [list(heads), *([_cell(value) for value in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    lines = []
    for first, *others in texts:
        aligned = [text.rjust(width) for text, width in zip(others, widths[1:], strict=True)]
        lines.append("  ".join([first.ljust(widths[0]), *aligned]).rstrip())
    return "\n".join(lines)


def _cell(value) -> str:
    if value is None:
        return "-"
    if isinstance(value, Metric):
        return f"{format_metric(value)} ({format_spread(value)})"
    if isinstance(value, str):
        return value
    return number(value, 0 if isinstance(value, int | np.integer) else 2)


# --- Des mesures ---------------------------------------------------------------------


def means_and_sds(values: Iterable, unit: str = "%") -> tuple[np.ndarray, np.ndarray | None]:
    """Rend les moyennes et les écarts-types à dessiner.

    Args:
        values: mesures (`Metric`, ou ses champs relus dans du JSON) ou nombres.
        unit: `"%"` multiplie des parts de [0, 1] par cent ; une autre ne change rien.

    Returns:
        Les moyennes, et les écarts-types : 0 pour ce qui ne dépend pas des graines, None, que
        matplotlib ne dessine pas, si rien n'en a : une barre nulle dirait que des graines sont
        d'accord.
    """
    scale = 100 if unit == "%" else 1
    fields = [value if isinstance(value, Mapping) else _fields(value) for value in values]
    means = scale * np.array([each["mean"] for each in fields], float)
    if all(each.get("sd") is None for each in fields):
        return means, None
    return means, scale * np.array([each.get("sd") or 0 for each in fields])


def _fields(value) -> dict:
    return vars(value) if isinstance(value, Metric) else {"mean": value}


def bars(
    axis,
    groups: Mapping[str, Mapping],
    *,
    unit: str = "%",
    horizontal: bool = False,
    digits: int = 1,
    colors: Mapping[str, str] | None = None,
) -> None:
    """Dessine des barres groupées, leur écart-type et leur valeur.

    Args:
        axis: cadre de matplotlib.
        groups: légende → nom → mesure, nombre, ou None s'il n'y en a pas ; une seule légende
            n'est pas écrite.
        unit: écrite le long de l'axe ; `"%"` : les valeurs sont des parts de [0, 1].
        horizontal: barres couchées, de haut en bas, pour de longs noms.
        digits: chiffres après la virgule des valeurs.
        colors: couleur d'un nom (un témoin en gris, par exemple) ou d'une légende.
    """
    names = list(dict.fromkeys(name for group in groups.values() for name in group))
    colors, width = colors or {}, 0.8 / len(groups)
    for rank, (label, group) in enumerate(groups.items()):
        known = {name: value for name, value in group.items() if value is not None}
        shift = (rank - (len(groups) - 1) / 2) * width
        places = [names.index(name) + shift for name in known]
        means, sds = means_and_sds(known.values(), unit)
        default = colors.get(label, COLORS[rank % len(COLORS)])
        look = {"label": label, "color": [colors.get(name, default) for name in known]}
        look |= {"xerr" if horizontal else "yerr": sds, "error_kw": {"lw": 1, "capsize": 2}}
        drawn = (axis.barh if horizontal else axis.bar)(places, means, 0.94 * width, **look)
        axis.bar_label(drawn, [number(mean, digits) for mean in means], padding=2, fontsize=8)
    along, across = (axis.yaxis, axis.xaxis) if horizontal else (axis.xaxis, axis.yaxis)
    along.set_ticks(range(len(names)), names)
    across.set_label_text(unit)
    if horizontal:
        axis.invert_yaxis()  # la première en haut
    axis.margins(0.12)  # la place des nombres
    if len(groups) > 1:
        axis.legend()


def curves(axis, lines: Mapping[str, Iterable], *, x: Sequence | None = None, unit="%") -> None:
    """Trace des courbes, et autour de chacune une bande d'un écart-type.

    Args:
        axis: cadre de matplotlib.
        lines: légende → mesures ou nombres, un par abscisse ; une seule n'est pas légendée.
        x: abscisses ; None : une époque par point, comptée de 1.
        unit: écrite le long de l'axe ; `"%"` : les valeurs sont des parts de [0, 1].
    """
    from matplotlib.ticker import MaxNLocator

    for rank, (label, values) in enumerate(lines.items()):
        means, sds = means_and_sds(values, unit)
        places = range(1, len(means) + 1) if x is None else x
        color = COLORS[rank % len(COLORS)]
        style = LINES[rank % len(LINES)]
        step = max(1, len(means) // 20)  # entre deux marques
        axis.plot(places, means, style, color=color, markersize=4, markevery=step, label=label)
        if sds is not None:
            axis.fill_between(places, means - sds, means + sds, color=color, alpha=0.2, lw=0)
    axis.set_ylabel(unit)
    if x is None:
        axis.set(xlabel="époque", xlim=(0.5, len(means) + max(0.5, 0.03 * len(means))))
        axis.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    if len(lines) > 1:
        axis.legend()


# --- Des images ----------------------------------------------------------------------


def show(axis, picture: Picture | np.ndarray) -> None:
    """Montre une image dans un cadre, avec sa légende, sa carte de chaleur et ses boîtes."""
    picture = _as_picture(picture)
    pixels = np.asarray(picture.pixels)
    low, high = picture.limits or (0, 255)
    axis.imshow(pixels, cmap=picture.cmap, vmin=low, vmax=high, interpolation="nearest")
    if picture.heat is not None:
        height, width = pixels.shape[:2]
        whole = (-0.5, width - 0.5, height - 0.5, -0.5)
        axis.imshow(picture.heat, cmap="inferno", vmin=0, vmax=1, alpha=0.6, extent=whole)
    for (x0, y0, x1, y1), text, color in picture.boxes:
        outline = [x0, x1, x1, x0, x0], [y0, y0, y1, y1, y0]
        axis.plot(*outline, color=color, linewidth=2, scalex=False, scaley=False)
        back = {"facecolor": color, "edgecolor": "none", "pad": 1.5}
        axis.text(x0, y0, text, color="white", fontsize=8, bbox=back, clip_on=True)
    axis.set_title(picture.caption, fontsize=9)


def _as_picture(picture) -> Picture:
    return picture if isinstance(picture, Picture) else Picture(picture)


def picture_rows(
    path: Path,
    rows: Mapping[str, Sequence],
    *,
    title: str = "",
    heads: Sequence[str] = (),
    side: float = 1.9,
    draw: Callable | None = None,
) -> None:
    """Écrit des lignes d'images, nommées à gauche.

    Args:
        path: fichier PNG ; son dossier est créé.
        rows: nom de la ligne → ses images (`Picture`, ou un tableau de pixels).
        title: au-dessus de tout.
        heads: titres des colonnes, écrits au-dessus de la première ligne.
        side: largeur d'un cadre, en pouces ; une ligne est haute comme la plus haute de toutes les
            images, et `TALLEST` largeurs au plus.
        draw: `draw(cadre, nom de la ligne, rang)`, pour ajouter des traits sur chaque image.
    """
    columns = max(1, *map(len, rows.values()))
    shapes = [np.shape(_as_picture(each).pixels) for row in rows.values() for each in row]
    tallest = max((shape[0] / shape[1] for shape in shapes), default=1)
    size = (side, side * min(tallest, TALLEST) + SPACING_IN)
    with new_figure(path, columns=columns, rows=len(rows), size=size) as (figure, axes):
        figure.suptitle(title)
        for line, (name, pictures) in zip(axes, rows.items(), strict=True):
            for axis in line:
                axis.set(xticks=[], yticks=[])
                axis.spines[:].set_visible(False)
            line[0].set_ylabel(name)
            for rank, picture in enumerate(pictures):
                show(line[rank], picture)
                if draw:
                    draw(line[rank], name, rank)
        for axis, head in zip(axes[0], heads, strict=False):
            axis.set_title(f"{head}\n{axis.get_title()}".strip(), fontsize=9)


def mosaic(images: np.ndarray, columns: int, *, gap_px: int = 1, fill: int = 255) -> np.ndarray:
    """Range des vignettes dans une seule image.

    Args:
        images: `(n, h, w, c)` uint8.
        columns: vignettes par ligne.
        gap_px: écart entre deux vignettes, en pixels.
        fill: gris de l'écart et des places vides ; 255, du blanc.

    Returns:
        `(lignes·(h + gap), columns·(w + gap), c)` uint8.
    """
    count, height, width, channels = images.shape
    rows = -(-count // columns)
    cells = np.full((rows * columns, height + gap_px, width + gap_px, channels), fill, np.uint8)
    cells[:count, :height, :width] = images
    cells = cells.reshape(rows, columns, *cells.shape[1:]).swapaxes(1, 2)  # (l, h, c, w, canaux)
    return cells.reshape(rows * (height + gap_px), columns * (width + gap_px), channels)


def save_filters(path: Path, rows: dict[str, np.ndarray], *, title: str) -> None:
    """Dessine des filtres, une ligne par étape : bleu négatif, blanc nul, rouge positif.

    Args:
        path: fichier PNG.
        rows: nom de la ligne → filtres `(n, h, w)` ; chacun est divisé par sa plus grande valeur
            absolue.
        title: au-dessus.
    """
    scaled = {
        name: [
            Picture(each / (np.abs(each).max() or 1), cmap="RdBu_r", limits=(-1, 1))
            for each in filters
        ]
        for name, filters in rows.items()
    }
    picture_rows(path, scaled, title=title, side=1.2)


# --- Un classifieur ------------------------------------------------------------------


def save_learning_curves(path: Path, history: dict[str, list[float]], *, targets: str = "") -> None:
    """Trace perte et exactitude, entraînement et validation.

    Args:
        path: fichier PNG.
        history: courbes d'un entraînement, une valeur par époque.
        targets: ce qu'il fallait répondre à l'entraînement, si ce n'est pas l'étiquette : les deux
            pertes ne se comparent alors pas, et la légende le dit.
    """
    learned = f"entraînement ({targets})" if targets else "entraînement"
    with new_figure(path, columns=2) as (_, axes):
        for axis, name, title, unit in zip(
            axes[0], ("loss", "accuracy"), ("Perte", "Exactitude"), ("", "%"), strict=True
        ):
            shown = {learned: history[name], "validation": history[f"val_{name}"]}
            curves(axis, shown, unit=unit)
            axis.set_title(title)


def save_confusion_matrix(path: Path, matrix: np.ndarray, classes: list[str]) -> None:
    """Dessine une matrice de confusion, avec les effectifs dans les cases.

    Args:
        path: fichier PNG.
        matrix: `(classes, classes)` entiers, lignes : vérité, colonnes : prédiction.
        classes: noms des classes, dans l'ordre.
    """
    matrix = np.asarray(matrix)
    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    side = max(3.4, 1 + 0.6 * len(classes))  # en pouces ; un titre tient dans la plus petite
    with new_figure(path, size=(side + 1, side)) as (figure, axes):
        axis = axes[0, 0]
        image = axis.imshow(share, cmap="cividis", vmin=0, vmax=1)
        for (row, column), count in np.ndenumerate(matrix):
            color = "black" if share[row, column] > 0.5 else "white"
            axis.text(column, row, count, ha="center", va="center", color=color, fontsize=8)
        axis.set_xticks(range(len(classes)), classes, rotation=45, ha="right")
        axis.set_yticks(range(len(classes)), classes)
        axis.set(xlabel="prédiction", ylabel="vérité")
        axis.set_title("Matrice de confusion (images non apprises)")
        figure.colorbar(image, label="part de la classe vraie", shrink=0.8)


def class_table(matrix: np.ndarray, classes: list[str]) -> str:
    """Met en tableau précision, rappel et F1 de chaque classe.

    Args:
        matrix: matrice de confusion `(classes, classes)`.
        classes: noms des classes.

    Returns:
        Un texte d'une ligne par classe, après les titres ; « - » là où elle n'a aucune image.
    """
    matrix, rows = np.asarray(matrix), []
    counts = zip(classes, matrix.diagonal(), matrix.sum(1), matrix.sum(0), strict=True)
    for name, right, actual, predicted in counts:
        wholes = (predicted, actual, (actual + predicted) / 2)
        rows.append([name, *(percent(right / each) if each else None for each in wholes), actual])
    return table(["classe", "précision", "rappel", "F1", "images"], rows)


def save_training_figures(options, report) -> None:
    """Écrit courbes et matrice de confusion, et affiche le tableau par classe.

    Args:
        options: options de la commande ; `output` et `module` disent le dossier.
        report: compte rendu de l'entraînement ; `targets`, s'il y est, va dans la légende.
    """
    folder = output_dir(options)
    save_learning_curves(folder / "courbes.png", report.history, targets=report.targets)
    save_confusion_matrix(folder / "confusion.png", report.confusion_matrix, report.classes_fr)
    print(class_table(report.confusion_matrix, report.classes_fr))
    print(f"Figures écrites dans {folder}/")


def save_mistakes(options, report, x_test, y_test, probabilities) -> None:
    """Écrit la page des erreurs dont le modèle était le plus sûr.

    Args:
        options: options de la commande ; `output` et `module` disent le dossier.
        report: compte rendu de l'entraînement.
        x_test: images de test `(n, h, w)` ou `(n, h, w, 3)`, uint8.
        y_test: classes vraies `(n,)` ou `(n, 1)`.
        probabilities: `(n, classes)` dans [0, 1].
    """
    names, y_test, y_pred = report.classes_fr, y_test.reshape(-1), probabilities.argmax(1)
    wrong = np.flatnonzero(y_pred != y_test)
    worst = wrong[np.argsort(-probabilities[wrong, y_pred[wrong]])][:24]
    found = [
        Picture(
            x_test[i],
            f"{names[y_pred[i]]} à {number(100 * probabilities[i, y_pred[i]])} %\n"
            f"vrai : {names[y_test[i]]}",
        )
        for i in worst
    ]
    rows = {f"{k + 1} à {k + 6}": found[k : k + 6] for k in range(0, max(1, len(found)), 6)}
    path = output_dir(options) / "erreurs.png"
    picture_rows(path, rows, title="Les erreurs dont le modèle était le plus sûr")
