"""Filtres et cartes de caractéristiques : ce que cherche un réseau, et ce qu'il trouve.

D'après : TD « keras & réseaux de neurones convolutionnels », §1.2 ; S3, « Introspection ».
Commande : python -m exercises.ex06_feature_maps samples/chat.png
"""

from pathlib import Path

import keras
import numpy as np
from keras import layers

from convnets.core.cli import percent
from convnets.explaining import maps as explanations
from convnets.figures.charts import Picture, mosaic, number, picture_rows

NUM_COLUMNS = 12  # vignettes par ligne : autant de cartes montrées par couche
# Une fonction non linéaire, ou la couche du même nom, et le nom qu'un cours lui donne.
FUNCTIONS = {"relu": "ReLU", "ReLU": "ReLU", "gelu": "GELU", "silu": "SiLU", "tanh": "tanh"}
ACTIVATIONS = (layers.Activation, layers.ReLU, layers.LeakyReLU, layers.ELU, layers.PReLU)


# --- Question : les filtres appris ---------------------------------------------------


def first_kernels(model: keras.Model) -> np.ndarray:
    """Rend en imagettes les filtres de la première convolution.

    Args:
        model: modèle qui lit des images en couleurs.

    Returns:
        `(filtres, h, w, 3)` float32 dans [0, 1] ; 0,5 est un poids nul, et chaque filtre est
        divisé par son plus grand poids en valeur absolue.

    Raises:
        ValueError: pas de convolution, ou d'une image qui n'a pas trois couleurs.
    """
    found = [layer for layer in model.layers if isinstance(layer, layers.Conv2D)]
    if not found or found[0].kernel.shape[2] != 3:
        raise ValueError(f"{model.name} n'a pas de convolution qui lise une image en couleurs.")
    kernels = found[0].get_weights()[0].transpose(3, 0, 1, 2)  # (filtres, h, w, 3)
    highest = abs(kernels).max(axis=(1, 2, 3), keepdims=True)
    return 0.5 + kernels / (2 * np.maximum(highest, np.finfo(np.float32).tiny))


# --- Question : ce que voit chaque couche --------------------------------------------


def active_layers(model: keras.Model) -> list[str]:
    """Rend le nom des couches de cartes qui finissent par une fonction non linéaire."""
    linear = keras.activations.linear
    return [
        layer.name
        for layer in map(model.get_layer, explanations.map_layers(model))
        if isinstance(layer, ACTIVATIONS) or getattr(layer, "activation", linear) is not linear
    ]


def layer_title(model: keras.Model, layer_name: str) -> str:
    """Dit la place d'une couche sans son nom dans le programme : « 5e convolution, après GELU ».

    Args:
        model: modèle dont les couches se suivent.
        layer_name: une convolution, ou une couche qui la suit.
    """
    names = [layer.name for layer in model.layers]
    before = model.layers[: names.index(layer_name) + 1]
    rank = sum(isinstance(layer, layers.Conv2D) for layer in before)
    title = f"{rank}{'re' if rank == 1 else 'e'} convolution"
    if isinstance(before[-1], (layers.MaxPooling2D, layers.AveragePooling2D)):
        return f"{title}, après pooling"
    function = getattr(before[-1], "activation", before[-1])  # une couche `ReLU` est sa fonction
    name = getattr(function, "__name__", type(function).__name__)
    return f"{title}, après {FUNCTIONS[name]}" if name in FUNCTIONS else title


def activation_maps(
    model: keras.Model, image: np.ndarray, layer_names: list[str]
) -> dict[str, np.ndarray]:
    """Rend les cartes de plusieurs couches, en un seul passage de l'image.

    Args:
        model: images uint8 `(n, H, W, 3)` ou `(n, H, W)` en entrée.
        image: `(H, W, 3)` ou `(H, W)` uint8 dans [0, 255].
        layer_names: couches de `explanations.map_layers`.

    Returns:
        Par couche, `(h, w, c)` float32.

    Source : Zeiler et Fergus, arXiv 1311.2901, 2013, §4.
    """
    outputs = {name: model.get_layer(name).output for name in layer_names}
    found = keras.Model(model.inputs[0], outputs).predict(image[np.newaxis], verbose=0)
    return {name: found[name][0] for name in layer_names}


def strongest(maps: np.ndarray, num: int) -> np.ndarray:
    """Rend les numéros des `num` cartes `(h, w, c)` de plus forte moyenne, la première d'abord."""
    return np.argsort(-maps.mean(axis=(0, 1)), kind="stable")[:num]


# --- Question : les montrer ----------------------------------------------------------


def save_kernels(model: keras.Model, path: Path) -> None:
    """Dessine les filtres de la première convolution.

    Args:
        model: modèle qui lit des images en couleurs.
        path: fichier PNG ; son dossier est créé.
    """
    tiles = first_kernels(model)
    num, height, width, _ = tiles.shape
    first = next(layer for layer in model.layers if isinstance(layer, layers.Conv2D))
    origin = "appris" if first.trainable else "figés : calculés, non appris"
    title = f"Les {num} filtres {height}×{width} de la première convolution, {origin}"
    shown = mosaic((255 * tiles).astype(np.uint8), NUM_COLUMNS, fill=128)
    picture_rows(path, {"": [Picture(shown, "gris : poids nul")]}, title=title, side=9)


def save_maps(
    subject: explanations.Subject, shown: dict[str, str], path: Path, *, num_maps: int = NUM_COLUMNS
) -> None:
    """Dessine l'image, puis, pour chaque couche, les cartes qu'elle allume le plus.

    Args:
        subject: image et modèle.
        shown: couches à dessiner, une par ligne : ce que la figure écrit, et le nom de la couche.
        path: fichier PNG ; son dossier est créé.
        num_maps: cartes montrées par couche, dans l'ordre de leurs filtres.
    """
    rows = {"image": [mosaic(np.atleast_3d(subject.image)[np.newaxis], num_maps)]}
    found = activation_maps(subject.model, subject.image, [*shown.values()])
    for label, name in shown.items():
        maps = found[name]
        height, width, channels = maps.shape
        kept, low, high = np.sort(strongest(maps, num_maps)), maps.min(), maps.max()
        grey = 255 * (maps[..., kept] - low) / max(high - low, 1e-6)
        strip = mosaic(grey.transpose(2, 0, 1)[..., np.newaxis].astype(np.uint8), num_maps)
        scale = f"de {number(low, 2)} (noir) à {number(high, 2)} (blanc)"
        rows[label.replace("convolution, ", "conv.\n")] = [
            Picture(strip, f"{channels} cartes {height}×{width}, {scale}")
        ]
    answer = f"{subject.class_fr}, probabilité {percent(subject.probability)}"
    title = f"Les cartes les plus fortes de chaque couche : {answer}"
    picture_rows(path, rows, title=title, side=9)
