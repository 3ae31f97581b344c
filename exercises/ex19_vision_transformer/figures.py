"""Les figures du transformeur : comparaison, attention sur les images, positions apprises.

D'après : S3 « The Transformer Wave ».
Commande : python -m exercises.ex19_vision_transformer
"""

from collections.abc import Mapping
from pathlib import Path
from textwrap import fill

import keras
import numpy as np

from convnets.core.cli import percent
from convnets.datasets.sources import FASHION_CLASSES_FR
from convnets.explaining.maps import normalise
from convnets.figures.charts import Picture, bars, picture_rows
from convnets.figures.style import new_figure
from exercises.ex19_vision_transformer import attention

NAMES_FR = {
    "transformer": "transformeur",
    "no_positions": "transformeur\nsans positions",
    "cnn": "convolution",
    "hybrid": "convolution\npuis attention",
}


# --- Question : montrer la comparaison -----------------------------------------------


def metric_of(name: str) -> str:
    """Rend le nom de l'exactitude d'un réseau ; celle du transformeur est `accuracy`."""
    return "accuracy" if name == "transformer" else f"accuracy_{name}"


def save_comparison(path: Path, metrics: Mapping) -> None:
    """Compare les réseaux, morceaux en place ou mélangés.

    Args:
        path: fichier PNG.
        metrics: mesures de `run`, ou leurs moyennes sur plusieurs graines.
    """
    with new_figure(path, size=(6.4, 4.2)) as (_, axes):
        groups = {"morceaux en place": "", "morceaux mélangés": "_shuffled"}
        values = {
            label: {title: metrics[metric_of(name) + suffix] for name, title in NAMES_FR.items()}
            for label, suffix in groups.items()
        }
        bars(axes[0, 0], values)
        axes[0, 0].set(ylim=(0, 115), title="Exactitude : morceaux en place, et mélangés")
        axes[0, 0].legend(loc="upper center", ncols=2)


# --- Question : montrer l'attention --------------------------------------------------


def save_attention(path: Path, model: keras.Model, x: np.ndarray) -> None:
    """Dessine, sous chaque image, ce que le jeton de classe prend à chaque morceau.

    Args:
        path: fichier PNG.
        model: réseau de l'exercice qui a une attention.
        x: images uint8 `(n, H, W)`.
    """
    weights = attention.attention_weights(model, x)
    names = [
        f"{FASHION_CLASSES_FR[each.argmax()]}\n{percent(each.max())}"
        for each in model.predict(x, verbose=0)
    ]
    rows = {"image": [Picture(*pair) for pair in zip(x, names, strict=True)]}
    blocks = {f"bloc {k + 1}": weights[:, k].mean(1) for k in range(weights.shape[1])}
    for name, each in (blocks | {"de bloc en bloc": attention.rollout(weights)}).items():
        heats = map(normalise, attention.class_map(each))
        rows[name] = [Picture(image, heat=heat) for image, heat in zip(x, heats, strict=True)]
    title = "Où regarde le jeton de classe (jaune : le plus, dans chaque carte)"
    picture_rows(path, rows, title=fill(title, 16 * len(x)), side=1.6)


# --- Question : montrer les positions ------------------------------------------------


def save_positions(path: Path, model: keras.Model) -> None:
    """Dessine, à la place de chaque morceau, ce qui ressemble à sa position.

    Args:
        path: fichier PNG.
        model: transformeur qui a des positions apprises.
    """
    similarity = attention.position_similarity(model)
    side = round(len(similarity) ** 0.5)
    maps = similarity.reshape(side, side, side, side)
    limit = np.abs(similarity[~np.eye(len(similarity), dtype=bool)]).max()
    look = {"cmap": "RdBu_r", "limits": (-limit, limit)}
    rows = {str(row + 1): [Picture(each, **look) for each in maps[row]] for row in range(side)}

    def mark(axis, row: str, column: int) -> None:
        axis.plot(column, int(row) - 1, ".", color="black", markersize=4)

    picture_rows(
        path,
        rows,
        title="Positions apprises\n(rouge : semblables à celle du point)",
        side=0.95,
        draw=mark,
    )
