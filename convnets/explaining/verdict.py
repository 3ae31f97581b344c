"""Ce que vaut une carte : son échelle, ce que la classe perd quand on la cache, sa figure.

Ramenée à [0, 1], toute carte paraît dire quelque chose. `judge` garde donc son échelle, et mesure
ce que perd la classe quand on cache ce que la carte désigne : sa probabilité, et son score, qui
bouge encore quand la probabilité est à 100 %. L'épreuve cache sous la couleur moyenne de l'image :
l'occlusion et LIME, qui cachent sous cette même couleur, y ont un avantage sur les autres méthodes.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from convnets.core.cli import percent
from convnets.explaining.maps import Subject, scores
from convnets.explaining.methods import POINTS, RELATIVE
from convnets.figures.style import new_figure, output_dir
from convnets.serving.calibration import soften

HIDDEN = 1 / 8  # part de l'image cachée pour juger une carte, comme à l'exercice 11 : deux pas
CELLS = 8  # cases par côté où la cacher : de 4×4 pixels, comme là, pour une image de 32×32
FLOOR = 1  # point de probabilité, l'erreur type des mesures de l'exercice 11 ; moins ne compte pas
PLACES = (
    ("en haut à gauche", "en haut", "en haut à droite"),
    ("à gauche", "au centre", "à droite"),
    ("en bas à gauche", "en bas", "en bas à droite"),
)
UNFAMILIAR = "L'image ressemble peu à ce que ce réseau a appris : la réponse n'est pas sûre."


# --- Mesurer -------------------------------------------------------------------------


class Explanation(NamedTuple):
    """Ce qu'une méthode a mesuré, et ce que perd la classe quand on cache ce qu'elle désigne."""

    values: np.ndarray  # (H, W) float32, de signe quelconque, dans `unit`
    unit: str  # ce que compte la carte : POINTS, RELATIVE, ou une autre, en français
    drop: float  # points perdus par la classe, la part `HIDDEN` cachée ; négatif : gagnés
    score_drop: float = 0.0  # de même pour son score, voir `maps.scores`


def judge(subject: Subject, values: np.ndarray, *, unit: str) -> Explanation:
    """Mesure ce que la classe perd quand on cache ce qu'une carte désigne.

    Args:
        subject: image et classe expliquées.
        values: `(H, W)`, ce qu'une méthode a mesuré, de signe quelconque ; ce qui n'est pas un
            nombre fini vaut zéro.
        unit: ce que comptent ces valeurs ; POINTS pour des différences de probabilité, dans
            [-1, 1].

    Returns:
        La carte, en points si c'est son unité, et les baisses de la probabilité et du score.
    """
    values = np.nan_to_num(np.asarray(values, np.float32), posinf=0, neginf=0)
    images = np.stack([subject.image, hide_strongest(subject.image, values)])
    probabilities = soften(subject.model.predict(images, verbose=0), subject.temperature)
    found = np.stack([100 * probabilities, scores(probabilities)])[:, :, subject.class_index]
    drop, score_drop = (found[:, 0] - found[:, 1]).tolist()
    return Explanation(values * (100 if unit == POINTS else 1), unit, drop, score_drop)


def hide_strongest(image: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Cache, sous la couleur moyenne de l'image, la part `HIDDEN` la plus forte d'une carte.

    On cache par cases, `CELLS` par côté : des pixels épars troubleraient le réseau par eux-mêmes,
    et une carte bruitée en paraîtrait meilleure.

    Args:
        image: `(H, W, 3)` uint8.
        values: `(H, W)` ; une case vaut la moyenne de ce qui y est positif, et une case nulle
            n'est jamais cachée.

    Returns:
        Une copie de l'image.
    """
    rows, columns = np.indices(values.shape) * CELLS // np.reshape(values.shape, (2, 1, 1))
    cells = rows * CELLS + columns
    sums = np.bincount(cells.flat, np.maximum(values, 0).flat, minlength=CELLS**2)
    means = sums / np.maximum(np.bincount(cells.flat, minlength=CELLS**2), 1)
    kept = np.argsort(-means, kind="stable")[: round(HIDDEN * CELLS**2)]
    hidden = image.copy()
    hidden[np.isin(cells, kept[means[kept] > 0])] = image.mean((0, 1)).round()
    return hidden


# --- Dire ----------------------------------------------------------------------------


def describe(subject: Subject, explanation: Explanation, *, method: str) -> str:
    """Dit d'une explication, ligne par ligne, le sujet, l'échelle et ce qu'elle vaut.

    Pour une image peu familière, la deuxième ligne ajoute que la réponse n'est pas sûre.
    """
    lines = [f"{method} : {subject.class_fr}, probabilité {percent(subject.probability)}."]
    lines += [] if subject.familiar else [UNFAMILIAR]
    return "\n".join([*lines, scale(explanation), effect(explanation, subject.class_fr)])


def scale(explanation: Explanation) -> str:
    """Dit en une phrase l'échelle d'une carte, et où elle est la plus forte."""
    values, unit = explanation.values, explanation.unit
    highest = float(values.max())
    if highest <= 0:
        return "Échelle : la carte est nulle, rien ne plaide pour cette classe."
    if unit == POINTS and highest < FLOOR:
        text = f"de 0 à {points(FLOOR)} de probabilité ; la carte n'atteint que {points(highest)}"
    elif unit == POINTS:
        text = f"de 0 à {points(highest)} de probabilité"
    elif unit == RELATIVE:
        text = unit
    else:
        text = f"de 0 à {highest:.3g} ({unit})".replace(".", ",")
    text += f" ; le plus fort est {place(values)}"
    if unit == POINTS and values.min() <= -FLOOR:
        text += f" ; au plus sombre, cacher fait gagner {points(float(values.min()))}"
    return f"Échelle : {text}."


def effect(explanation: Explanation, class_fr: str) -> str:
    """Dit en une phrase ce que perd, ou gagne, la classe quand on cache ce que montre la carte."""
    hidden = "Cacher le huitième le plus fort de la carte"
    lost = explanation.score_drop
    if abs(explanation.drop) < FLOOR:
        return (
            f"{hidden} ne change pas d'un point la probabilité de « {class_fr} » ; son score "
            f"{'perd' if lost >= 0 else 'gagne'} {abs(lost):.1f}.".replace(".", ",", 1)
        )
    verb = "perdre" if explanation.drop > 0 else "gagner"
    return f"{hidden} fait {verb} {points(explanation.drop)} à « {class_fr} »."


def points(value: float) -> str:
    """Écrit des points de probabilité, sans leur signe : `"54,7 points"`, `"0,08 point"`."""
    text = f"{abs(value):.1f}" if abs(value) >= 1 else f"{abs(value):.2f}"
    return f"{text} point{'s' if abs(value) >= 2 else ''}".replace(".", ",")


def place(values: np.ndarray) -> str:
    """Dit dans quel neuvième de l'image une carte est la plus forte : un de `PLACES`."""
    peak = np.argwhere(values == values.max()).mean(axis=0) + 0.5
    row, column = (3 * peak / values.shape).astype(int)
    return PLACES[row][column]


# --- Dessiner ------------------------------------------------------------------------


def show(
    subject: Subject, values: np.ndarray, options, name: str, *, method: str, unit: str
) -> None:
    """Juge une carte, la dessine et dit ce qu'elle vaut : la fin des exercices 07 à 10.

    Args:
        subject: image et classe expliquées.
        values: voir `judge`.
        options: options d'`explanation_parser`, qui disent l'image et le dossier des figures.
        name: ce que le nom de la figure ajoute à celui de l'image.
        method: nom de la méthode, en français.
        unit: voir `judge`.
    """
    path = output_dir(options) / f"{Path(options.image).stem}_{name}.png"
    explanation = judge(subject, values, unit=unit)
    save_explanation(subject, explanation, path, method=method)
    print(describe(subject, explanation, method=method), path, sep="\n")


def save_explanation(
    subject: Subject, explanation: Explanation, path: Path, *, method: str
) -> None:
    """Dessine l'image, la carte avec son échelle, et la carte sur l'image.

    En points, le haut de l'échelle vaut au moins `FLOOR` : une baisse infime reste sombre.

    Args:
        subject: image et classe expliquées.
        explanation: rendu par `judge`.
        path: fichier à écrire ; son dossier est créé.
        method: nom de la méthode, en français, pour le titre.
    """
    heatmap = np.maximum(explanation.values, 0)
    top = max(heatmap.max(), FLOOR if explanation.unit == POINTS else 0) or 1
    with new_figure(path, columns=3, size=(3.4, 4.0)) as (figure, axes):
        picture, alone, over = axes[0]
        picture.imshow(subject.image)
        picture.set_title("Image vue par le réseau")
        drawn = alone.imshow(heatmap, cmap="cividis", vmin=0, vmax=top)
        alone.set_title("Carte")
        figure.colorbar(drawn, ax=alone, shrink=0.75, label=explanation.unit)
        over.imshow(subject.image @ [0.299, 0.587, 0.114], cmap="gray", vmin=0, vmax=255)
        over.imshow(heatmap, cmap="cividis", vmin=0, vmax=top, alpha=0.55)
        over.set_title("Carte sur l'image")
        for axis in axes[0]:
            axis.set_axis_off()
        figure.suptitle(describe(subject, explanation, method=method), fontsize=11)
