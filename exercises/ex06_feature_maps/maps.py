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
from convnets.figures.style import new_figure

NUM_COLUMNS = 12  # vignettes par ligne : autant de cartes montrées par couche
GAP, LINE = 0.06, 0.18  # vide et ligne de légende sous une vignette, en part de sa largeur
FRENCH = str.maketrans(".-", ",−")  # écriture des nombres
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
    """Rend les couches de cartes qui suivent une fonction non linéaire ; à défaut, toutes."""
    linear, names = keras.activations.linear, explanations.map_layers(model)
    found = [
        layer.name
        for layer in map(model.get_layer, names)
        if isinstance(layer, ACTIVATIONS) or getattr(layer, "activation", linear) is not linear
    ]
    return found or names


def choose_layers(model: keras.Model, text: str | None) -> list[str]:
    """Lit l'option `--layers`.

    Args:
        model: modèle à montrer.
        text: noms séparés par des virgules, ou None pour `active_layers`.

    Returns:
        Des noms de couches, au moins un.

    Raises:
        ValueError: couche inconnue, ou modèle sans aucune carte.
    """
    known = explanations.map_layers(model)
    if not known:
        raise ValueError(f"{model.name} n'a aucune couche qui rende des cartes.")
    names = [name.strip() for name in text.split(",")] if text else active_layers(model)
    for name in names:
        if name not in known:
            raise ValueError(f"Couche {name!r} inconnue de {model.name} : {', '.join(known)}.")
    return [*dict.fromkeys(names)]


def activation_maps(
    model: keras.Model, image: np.ndarray, layer_names: list[str]
) -> dict[str, np.ndarray]:
    """Rend les cartes de plusieurs couches, en un seul passage de l'image.

    Args:
        model: images uint8 `(n, H, W, 3)` en entrée.
        image: `(H, W, 3)` uint8 dans [0, 255].
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


def draw_tiles(axis, tiles: np.ndarray, labels: list[str], **imshow_options) -> None:
    """Aligne des vignettes, `NUM_COLUMNS` par ligne.

    Args:
        axis: cadre de Matplotlib.
        tiles: `(n, h, w)` ou `(n, h, w, 3)`.
        labels: légende de chacune, `""` pour aucune.
        **imshow_options: couleurs et échelle d'`imshow`.
    """
    ratio = tiles.shape[1] / tiles.shape[2]
    step = ratio + GAP + LINE * max(len(label.splitlines()) for label in labels)
    for k, (tile, label) in enumerate(zip(tiles, labels, strict=True)):
        top, left = -step * (k // NUM_COLUMNS), k % NUM_COLUMNS
        bottom, right = top - ratio, left + 1 - GAP
        axis.imshow(tile, extent=(left, right, bottom, top), **imshow_options)
        # Sur du blanc, une vignette blanche n'aurait pas de bord.
        axis.plot([left, right, right, left, left], [top, top, bottom, bottom, top], "0.6", lw=0.5)
        axis.text(left + 0.5, bottom - 0.02, label, ha="center", va="top", fontsize=7)
    axis.set(xlim=(0, NUM_COLUMNS), ylim=(top - step, 0))
    axis.set_axis_off()


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
    with new_figure(path, size=(10, 0.35 + 0.85 * -(-num // NUM_COLUMNS))) as (_, axes):
        draw_tiles(axes[0, 0], tiles, [""] * num)
        axes[0, 0].set_title(
            f"Les {num} filtres {height}×{width} de la première convolution, {origin} "
            "(gris : poids nul ; chacun à son échelle)"
        )


def save_maps(subject: explanations.Subject, layer_names: list[str], path: Path) -> None:
    """Dessine l'image, puis, pour chaque couche, les cartes qu'elle allume le plus.

    Args:
        subject: image et modèle.
        layer_names: couches à dessiner, une par ligne.
        path: fichier PNG ; son dossier est créé.
    """
    found = activation_maps(subject.model, subject.image, layer_names)
    height, width, _ = subject.image.shape
    with new_figure(path, rows=len(found) + 1, size=(10, 1.35)) as (figure, axes):
        draw_tiles(axes[0, 0], subject.image[np.newaxis], [""])
        axes[0, 0].set_title(f"L'image que lit le réseau, {height}×{width}", fontsize=9)
        for axis, (name, maps) in zip(axes[1:, 0], found.items(), strict=True):
            kept = strongest(maps, NUM_COLUMNS)
            low, high = float(maps.min()), float(maps.max())
            tiles, labels = maps[..., kept].transpose(2, 0, 1), [f"n° {k}" for k in kept]
            draw_tiles(axis, tiles, labels, cmap="cividis", vmin=low, vmax=high)
            height, width, channels = maps.shape
            scale = f"de {low:.2g} (bleu) à {high:.2g} (jaune)".translate(FRENCH)
            axis.set_title(f"{name} : {channels} cartes {height}×{width}, {scale}", fontsize=9)
        figure.suptitle(
            f"Les cartes les plus fortes de chaque couche : {subject.class_fr}, "
            f"probabilité {percent(subject.probability)}"
        )
