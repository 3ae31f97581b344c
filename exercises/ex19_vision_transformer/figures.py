"""Les figures du transformeur : comparaison, attention sur les images, positions apprises.

D'après : S3 « The Transformer Wave ».
Commande : python -m exercises.ex19_vision_transformer
"""

import re
from pathlib import Path
from textwrap import fill

import keras
import numpy as np

from convnets.core.cli import percent
from convnets.core.reports import Metric, Report, format_metric, format_seeds, read_report
from convnets.explaining.maps import normalise
from convnets.figures.style import COLORS, new_figure, output_dir, spreads
from convnets.serving.classifier import prepare
from convnets.training import saving
from exercises.ex19_vision_transformer import attention

NAMES_FR = {
    "transformer": "transformeur",
    "no_positions": "transformeur sans positions",
    "cnn": "convolution",
    "hybrid": "convolution puis attention",
}
ORDERS_FR = {"": "morceaux en place", "_shuffled": "morceaux mélangés"}
MAP_IN, LEAST_IN = 1.35, 2.7  # côté d'une carte ; largeur qu'il faut au titre, en pouces
CHARACTERS_PER_IN = 10  # d'un titre


def _metric(report: Report, name: str, end: str) -> Metric:
    """Rend la mesure d'un réseau ; celle du réseau livré ne porte pas de nom."""
    return report.metrics["accuracy" + ("" if name == "transformer" else f"_{name}") + end]


def _few(report: Report) -> dict[str, Metric]:
    """Rend les mesures des réseaux appris avec peu d'images, dans l'ordre de `NAMES_FR`."""
    found = {name: report.metrics.get(f"accuracy_{name}_few") for name in NAMES_FR}
    return {name: metric for name, metric in found.items() if metric}


# --- Question : dire et montrer la comparaison ---------------------------------------


def summary(report: Report) -> str:
    """Dit le résultat, une ligne par réseau.

    Args:
        report: compte rendu, `models/ex19_vision_transformer.json`.

    Returns:
        Taille et exactitude, morceaux en place puis mélangés ; puis
        l'exactitude avec peu d'images.
    """
    lines = []
    for name, title in NAMES_FR.items():
        parameters = f"{report.parameters[name]:,}".replace(",", " ")
        in_place, mixed = (_metric(report, name, end) for end in ORDERS_FR)
        lines.append(
            f"{title.capitalize()} ({parameters} paramètres) : "
            f"{format_metric(in_place)} d'exactitude, {format_metric(mixed)} morceaux mélangés "
            f"({format_seeds(in_place)})."
        )
    few = ", ".join(
        f"{NAMES_FR[name]} {format_metric(each)}" for name, each in _few(report).items()
    )
    return "\n".join([*lines, f"Dix fois moins d'images : {few}."])


def save_comparison(report: Report, path: Path) -> None:
    """Trace l'exactitude de validation, celle de test, et ce que peu d'images en laissent.

    Args:
        report: compte rendu, `models/ex19_vision_transformer.json`.
        path: fichier PNG ; son dossier est créé.
    """
    with new_figure(path, columns=3, size=(5.0, 4.4)) as (figure, axes):
        curves, bars, few = axes[0]
        for name, color in zip(NAMES_FR, COLORS, strict=False):
            curve = report.details["curves"][f"{name}_val_accuracy"]
            mean, sd = 100 * np.array(curve["mean"]), 100 * np.array(curve["sd"])
            epochs = range(1, len(mean) + 1)
            curves.errorbar(
                epochs,
                mean,
                sd,
                color=color,
                marker="o",
                markersize=4,
                capsize=3,
                label=NAMES_FR[name],
            )
        curves.set(title="Validation", xlabel="époque", ylabel="exactitude (%)")
        curves.xaxis.get_major_locator().set_params(integer=True)
        curves.legend(loc="lower right")
        orders = {
            label: {name: _metric(report, name, end) for name in NAMES_FR}
            for end, label in ORDERS_FR.items()
        }
        _draw_bars(bars, report, orders, title="Test : morceaux en place, et mélangés")
        num_images = report.num_images["train"]
        known = _few(report)
        sizes = {
            f"{count:,} images".replace(",", " "): values
            for count, values in (
                (num_images, {name: _metric(report, name, "") for name in known}),
                (round(report.details["few_share"] * num_images), known),
            )
        }
        _draw_bars(few, report, sizes, title="Test : beaucoup d'images, ou peu")
        seeds = format_seeds(report.metrics["accuracy"])
        figure.suptitle(f"Fashion-MNIST, même budget, moyenne et écart-type ({seeds})")


def _draw_bars(axis, report: Report, groups: dict[str, dict[str, Metric]], *, title: str) -> None:
    """Dessine, pour chaque réseau, une barre par groupe : `{légende: {réseau: mesure}}`."""
    for rank, (label, each) in enumerate(groups.items()):
        drawn = axis.bar(
            np.arange(len(each)) + 0.4 * rank - 0.2,
            [100 * metric.mean for metric in each.values()],
            0.38,
            label=label,
            color=COLORS[rank],
            hatch="//" if rank else None,
            edgecolor="white",
            yerr=spreads([*each.values()], scale=100),
            capsize=3,
        )
        labels = [percent(metric.mean) for metric in each.values()]
        axis.bar_label(drawn, labels, padding=2, fontsize=7)
    names = [
        f"{NAMES_FR[name]}\n{report.parameters[name]:,}".replace(",", " ") + "\nparamètres"
        for name in each
    ]
    names = [re.sub(" (sans|puis)", r"\n\1", name) for name in names]
    axis.set_xticks(range(len(names)), names, fontsize=7)
    axis.set(title=title, ylabel="exactitude (%)", ylim=(0, 118), yticks=range(0, 101, 20))
    axis.legend(loc="upper center", ncols=2)


# --- Question : montrer l'attention --------------------------------------------------


def choose(y: np.ndarray, probabilities: np.ndarray, *, limit: int) -> np.ndarray:
    """Prend la première image bien reconnue de chaque classe, au plus `limit`.

    Args:
        y: classes vraies `(n,)`.
        probabilities: `(n, classes)`.
        limit: nombre d'images.

    Returns:
        Leurs rangs, entiers `(k,)`, dans l'ordre des classes ; le premier de tous si aucune
        image n'est reconnue.
    """
    right = np.flatnonzero(probabilities.argmax(1) == y.reshape(-1))
    _, first = np.unique(y.reshape(-1)[right], return_index=True)
    return right[first][:limit] if len(first) else np.zeros(1, int)


def save_attention(model: keras.Model, x, path: Path, *, classes_fr: list[str]) -> None:
    """Dessine, sous chaque image, ce que le jeton de classe prend à chaque morceau.

    Args:
        model: transformeur de l'exercice.
        x: images uint8 `(n, H, W)`.
        path: fichier PNG ; son dossier est créé.
        classes_fr: noms des classes.
    """
    weights = attention.attention_weights(model, x)
    probabilities = model.predict(x, verbose=0)
    rows = [f"bloc {block + 1}" for block in range(weights.shape[1])]
    maps = [attention.class_map(weights[:, block].mean(1)) for block in range(len(rows))]
    maps.append(attention.class_map(attention.rollout(weights)))
    rows = ["image", *rows, "cumul\nde bloc\nen bloc"]
    size = max(MAP_IN, LEAST_IN / len(x)), MAP_IN
    with new_figure(path, columns=len(x), rows=len(rows), size=size) as (figure, axes):
        for column, image in enumerate(x):
            best = probabilities[column].argmax()
            title = f"{classes_fr[best]}\n{percent(probabilities[column, best])}"
            axes[0, column].set_title(title, fontsize=8)
            height, width = image.shape
            for row, axis in enumerate(axes[:, column]):
                axis.imshow(image, cmap="gray", vmin=0, vmax=255)
                if row:
                    shown = normalise(maps[row - 1][column])
                    axis.imshow(
                        shown,
                        cmap="cividis",
                        vmin=0,
                        vmax=1,
                        alpha=0.65,
                        extent=(-0.5, width - 0.5, height - 0.5, -0.5),
                    )
                axis.set(xticks=[], yticks=[])
                axis.spines[:].set_visible(False)
        for axis, label in zip(axes[:, 0], rows, strict=True):
            axis.set_ylabel(label, fontsize=9)
        title = (
            "Où regarde le jeton de classe (jaune\N{NO-BREAK SPACE}: le plus, dans chaque carte)"
        )
        figure.suptitle(fill(title, int(CHARACTERS_PER_IN * figure.get_figwidth())))


# --- Question : montrer les positions ------------------------------------------------


def save_positions(model: keras.Model, path: Path) -> None:
    """Dessine, à la place de chaque morceau, ce qui ressemble à sa position.

    Args:
        model: transformeur qui a des positions apprises.
        path: fichier PNG ; son dossier est créé.
    """
    similarity = attention.position_similarity(model)
    side = round(len(similarity) ** 0.5)
    maps = similarity.reshape(side, side, side, side)
    limit = np.abs(similarity[~np.eye(len(similarity), dtype=bool)]).max()
    with new_figure(path, columns=side, rows=side, size=(0.95, 0.9)) as (figure, axes):
        for (row, column), axis in np.ndenumerate(axes):
            drawn = axis.imshow(maps[row, column], cmap="RdBu_r", vmin=-limit, vmax=limit)
            axis.plot(column, row, ".", color="black", markersize=4)
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
        figure.colorbar(
            drawn, ax=axes, label="cosinus avec la position marquée d'un point", shrink=0.8
        )
        # Ajouter zéro : un cosinus de -0,001 s'écrirait « -0,00 ».
        near, far = (round(each, 2) + 0.0 for each in attention.near_and_far(similarity))
        title = (
            f"Positions apprises : cosinus {near:.2f} entre voisines, {far:.2f} entre les autres"
        )
        figure.suptitle(title.replace(".", ","), fontsize=11)


# --- Question : expliquer une image --------------------------------------------------


def explain(options) -> int:
    """Dessine où le modèle livré regarde sur une image ; rend 0."""
    report = read_report(options.module, models_dir=options.models_dir)
    image = prepare(options.image, tuple(report.input_shape))
    model = saving.load_model(options.module, models_dir=options.models_dir)
    path = output_dir(options) / f"{Path(options.image).stem}_attention.png"
    save_attention(model, image[None], path, classes_fr=report.classes_fr)
    print(path)
    return 0
