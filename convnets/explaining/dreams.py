"""Ce que partagent rêve, reconstruction et style : une descente qui change l'image.

Les poids d'un réseau déjà entraîné ne bougent pas ; le gradient change les pixels. Une image
est ici un tableau float32 `(h, w, 3)` de 0 à 255, de n'importe quelle taille.
"""

import argparse
import collections
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops
from PIL import Image
from tqdm import tqdm

from convnets.core import files
from convnets.core.cli import FrenchParser, natural_int, positive_int
from convnets.core.images import open_image
from convnets.datasets import pretrained
from convnets.explaining.maps import map_layers

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
SIZE_REMEDY = "Agrandissez-la avec --size."


# --- Options ------------------------------------------------------------------------


def dream_parser(module: str, description: str, *, size_px: int, steps: int) -> FrenchParser:
    """Prépare les options d'un exercice qui change une image par gradient.

    Args:
        module: nom du module, qui nomme le dossier des figures.
        description: une phrase, la première de l'aide.
        size_px: grand côté de l'image, par défaut.
        steps: nombre de pas, par défaut.

    Returns:
        Un analyseur : `--size`, `--steps`, `--seed`, `--output`.
    """
    parser = FrenchParser(prog=f"python -m exercises.{module}", description=description)
    add = parser.add_argument
    for name, kind, default, text in (
        ("size", positive_int, size_px, "grand côté de l'image, en pixels"),
        ("steps", positive_int, steps, "nombre de pas"),
        ("seed", natural_int, 0, "graine du hasard"),
    ):
        help_text = f"{text} ({default} par défaut)"
        add(f"--{name}", type=kind, default=default, metavar="N", help=help_text)
    add("--output", type=Path, metavar="DOSSIER", help=f"où écrire (figures/{module} par défaut)")
    parser.set_defaults(module=module)
    return parser


def weight(text: str) -> float:
    """Lit un poids, nombre de 0 ou plus, à virgule ou à point."""
    if not re.fullmatch(r"\d+([.,]\d+)?", text):
        raise argparse.ArgumentTypeError(f"nombre positif ou nul attendu, reçu {text!r}")
    return float(text.replace(",", "."))


# --- Images -------------------------------------------------------------------------


def read_picture(source, size_px: int) -> np.ndarray:
    """Lit une image et l'amène, sans la déformer, à un grand côté donné.

    Args:
        source: chemin, ou fichier binaire ouvert.
        size_px: grand côté, en pixels ; une image plus petite est agrandie.

    Returns:
        float32 `(h, w, 3)` dans [0, 255], `max(h, w)` valant `size_px`.

    Raises:
        FileNotFoundError, ValueError: image absente ou illisible, dit en français.
    """
    picture = open_image(source, min_side_px=size_px)
    scale = size_px / max(picture.size)
    width, height = (max(1, round(scale * side)) for side in picture.size)
    resized = picture.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return np.array(resized, np.float32)


def to_picture(image: np.ndarray) -> np.ndarray:
    """Arrondit une image float32 de 0 à 255 en uint8, ce qui dépasse étant écrêté."""
    return np.clip(np.round(image), 0, 255).astype(np.uint8)


def save_picture(image: np.ndarray, path: Path) -> None:
    """Écrit une image `(h, w, 3)` en PNG, d'un coup ; son dossier est créé."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with files.replacing(path, suffix=files.own_suffix()) as temporary:
        Image.fromarray(to_picture(image)).save(temporary, format="PNG")


def resize(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Agrandit ou réduit une image `(h, w, 3)` float32, signée ou non, par spline cubique."""
    resized = ops.image.resize(
        image, (height, width), interpolation="bicubic", antialias=True, data_format="channels_last"
    )
    return ops.convert_to_numpy(resized)


def octave_sizes(height: int, width: int, octaves: int, *, scale: float) -> list[tuple[int, int]]:
    """Rend les tailles `(h, w)` d'une image de plus en plus grande ; la dernière est la sienne.

    Args:
        height: hauteur de l'image.
        width: sa largeur.
        octaves: nombre de tailles.
        scale: rapport d'un côté au précédent.

    Returns:
        Une liste de `octaves` tailles, d'au moins un pixel.
    """
    factors = (scale**-k for k in reversed(range(octaves)))
    return [(max(1, round(height * s)), max(1, round(width * s))) for s in factors]


def total_variation(images):
    """Mesure combien des pixels voisins diffèrent : nul pour un aplat, grand pour du bruit.

    Args:
        images: `(n, h, w, c)`, tableau ou tenseur.

    Returns:
        Tenseur sans dimension : somme des carrés des différences entre voisins, de haut en
        bas et de gauche à droite, divisée par n·h·w·c.

    Source : Mahendran et Vedaldi, arXiv 1412.0035, section 2, avec β = 2.
    """
    images = ops.convert_to_tensor(images)
    down = images[:, 1:] - images[:, :-1]
    right = images[:, :, 1:] - images[:, :, :-1]
    total = ops.sum(ops.square(down)) + ops.sum(ops.square(right))
    return total / ops.cast(ops.size(images), total.dtype)


# --- Le réseau qui regarde ----------------------------------------------------------


def load_base() -> keras.Model:
    """Charge InceptionV3 : images float32 `(n, h, w, 3)` dans [-1, 1].

    Raises:
        FileNotFoundError: poids introuvables.
    """
    return _number_again(pretrained.inception_v3()[0])


def _number_again(base: keras.Model) -> keras.Model:
    """Redonne aux couches les noms qu'elles ont quand le modèle est le premier construit.

    Keras numérote les couches sans nom d'un bout à l'autre du processus : sans cela, `conv2d_2`
    serait une autre couche dans le deuxième modèle.
    """
    counts, found = collections.Counter(), []
    for layer in base.layers:
        kind, number = re.fullmatch(r"(.+?)_?(\d*)", layer.name).groups()
        if kind.replace("_", "") == type(layer).__name__.lower():
            found.append((int(number or 0), kind, layer))
    for _, kind, layer in sorted(found, key=lambda each: each[0]):
        layer.name = f"{kind}_{counts[kind]}" if counts[kind] else kind
        counts[kind] += 1
    return base


def extractor(base: keras.Model, layer_names) -> keras.Model:
    """Rend le même réseau, coupé, pour des images float32 de n'importe quelle taille.

    Args:
        base: modèle de `load_base`. Il n'est pas modifié.
        layer_names: couches à rendre, parmi celles de `map_layers`.

    Returns:
        Modèle : images float32 `(n, h, w, 3)` de 0 à 255 → `{couche: cartes (n, h', w', c)}`.

    Raises:
        ValueError: couche inconnue ; le message donne la liste.
    """
    maps = map_layers(base)
    for name in layer_names:
        if name not in maps:
            known = [each for each in maps if each.startswith("mixed")] or maps
            raise ValueError(
                f"Couche {name!r} inconnue de {base.name} ; prenez par exemple l'une de "
                f"celles-ci : {', '.join(known)}."
            )
    part = keras.Model(base.input, {name: base.get_layer(name).output for name in layer_names})
    copy = keras.models.clone_model(part, input_tensors=keras.Input((None, None, 3)))
    copy.set_weights(part.get_weights())
    copy.trainable = False
    images = x = keras.Input((None, None, 3), dtype="float32")
    if keras.backend.is_float_dtype(base.input.dtype):
        x = layers.Rescaling(1 / 127.5, -1)(x)  # l'échelle d'InceptionV3 ; les autres ont la leur
    return keras.Model(images, copy(x))


def check_size(model: keras.Model, height: int, width: int, *, remedy: str = SIZE_REMEDY) -> None:
    """Vérifie qu'une image laisse des cartes d'au moins une case.

    Args:
        model: modèle d'`extractor`.
        height: hauteur de l'image la plus petite qui y passera.
        width: sa largeur.
        remedy: ce que l'utilisateur peut y faire.

    Raises:
        ValueError: image trop petite.
    """
    try:
        shapes = [*model.compute_output_shape((1, height, width, 3)).values()]
    except ValueError:  # une convolution sans bordure, plus grande que sa carte
        shapes = [(0,)]
    if min(map(min, shapes)) < 1:
        raise ValueError(
            f"Image de {width}×{height} pixels, trop petite pour ces couches. {remedy}"
        )


# --- Changer l'image ----------------------------------------------------------------


class Basis(NamedTuple):
    """Les nombres qu'Adam règle, quand ce ne sont pas les pixels eux-mêmes."""

    encode: Callable  # image (1, h, w, 3) → nombres
    decode: Callable  # l'inverse


PIXELS = Basis(tf.identity, tf.identity)


def descend(
    losses: Callable,
    start: np.ndarray,
    *,
    steps: int,
    rate: float,
    title: str,
    basis: Basis = PIXELS,
) -> tuple[np.ndarray, dict[str, list[float]]]:
    """Change une image par Adam, pour que la somme des pertes baisse.

    Args:
        losses: fonction d'un tenseur `(1, h, w, 3)` de 0 à 255 → `{nom: perte}`.
        start: image de départ `(h, w, 3)` float32 dans [0, 255].
        steps: nombre de pas.
        rate: taux d'apprentissage d'Adam au début ; il finit à zéro, le long d'un cosinus.
        title: ce que dit la barre d'avancement.
        basis: ce qu'Adam règle ; les pixels par défaut.

    Returns:
        `(image, pertes)` : float32 `(h, w, 3)` dans [0, 255], et chaque perte avant chaque pas.

    Source : Kingma et Ba, arXiv 1412.6980.
    """
    numbers = keras.Variable(basis.encode(tf.constant(start[np.newaxis], tf.float32)))
    optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(rate, steps))
    optimizer.build([numbers])

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            terms = losses(basis.decode(numbers.value))
            total = sum(terms.values())
        optimizer.apply(tape.gradient(total, [numbers.value]), [numbers])
        numbers.assign(basis.encode(tf.clip_by_value(basis.decode(numbers.value), 0, 255)))
        return terms

    history = [step() for _ in tqdm(range(steps), title, disable=None, leave=False)]
    curves = {name: [float(terms[name]) for terms in history] for name in history[0]}
    return np.clip(basis.decode(numbers.value)[0], 0, 255), curves
