"""Deep Dream : faire voir à un réseau davantage de ce qu'il croit déjà voir.

Document : billet « CNN : convolution, Deep Dream, Grad Cam », « Deep Dream ».
Commande : python -m exercises.ex12_deep_dream [image] [--guide autre_image]
Résultat : reve.png et comparaison.png, dans figures/ex12_deep_dream/.

Le gradient dit comment changer chaque pixel pour qu'une couche réponde plus fort : on
l'ajoute à l'image, et on recommence. Une couche basse dessine des traits, une haute des yeux
et des têtes. Avec un guide, la couche doit répondre comme elle répond à une autre image.
"""

import re
from argparse import ArgumentTypeError
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from convnets.core.cli import check_output, positive_int, run
from convnets.explaining import dreams
from convnets.figures.style import new_figure, output_dir

SAMPLE = dreams.SAMPLES / "chevaux.webp"
LAYERS = ("mixed4", "mixed5")
SIZE_PX = 600
OCTAVES = 4
OCTAVE_SCALE = 1.4  # d'une octave à la suivante, le côté de l'image (donné)
STEPS = 20  # par octave
RATE = 2.0  # niveaux, de 0 à 255, dont un pixel change en moyenne à chaque pas (donné)
JITTER_PX = 32  # décalage au plus, à chaque pas (donné)
GUIDE_PLACES = 1000  # cases du guide gardées au plus : chacune est comparée à toute l'image
TOO_SMALL = "C'est la plus petite octave : agrandissez l'image avec --size, ou baissez --octaves."


# --- Question : à quel point une couche répond ---------------------------------------


def response(maps, guide=None):
    """Mesure la réponse d'une couche, ou sa ressemblance avec celle du guide.

    Args:
        maps: cartes `(1, h, w, c)` de l'image.
        guide: caractéristiques `(m, c)` des m cases du guide, ou None.

    Returns:
        Tenseur sans dimension. Sans guide : moyenne des carrés. Avec lui : moyenne, sur les
        cases de l'image, du produit scalaire avec la case du guide qui lui va le mieux.

    Source : Mordvintsev, Olah et Tyka, « Inceptionism », blog de Google AI, 2015.
    """
    if guide is None:
        return ops.mean(ops.square(maps))
    places = ops.reshape(maps, (-1, maps.shape[-1]))  # (h·w, c)
    return ops.mean(ops.max(ops.matmul(places, ops.transpose(guide)), axis=1))


def read_guide(model: keras.Model, image: np.ndarray) -> dict:
    """Rend les caractéristiques `{couche: (m, c)}` des cases d'une image `(h, w, 3)`."""
    found = model(image[np.newaxis]).items()
    places = {name: ops.reshape(maps, (-1, maps.shape[-1])) for name, maps in found}
    return {name: rows[:: -(-len(rows) // GUIDE_PLACES)] for name, rows in places.items()}


def responses(model: keras.Model, image, guide: dict | None = None):
    """Rend les réponses `(couches,)` à une image `(h, w, 3)` de 0 à 255, dans l'ordre du modèle."""
    found = model(image[None])
    return ops.stack([response(maps, guide and guide[name]) for name, maps in found.items()])


# --- Question : changer l'image pour qu'elle réponde plus ----------------------------


def shift(image: np.ndarray, offset) -> np.ndarray:
    """Décale une image `(h, w, 3)` de `(bas, droite)` ; ce qui sort d'un côté rentre de l'autre."""
    return np.roll(image, offset, axis=(0, 1))


def dream(model: keras.Model, image: np.ndarray, weights, *, guide=None, options):
    """Fait rêver le réseau, d'une petite image à la grande.

    L'octave la plus petite reçoit les grands motifs. Ce qu'elle a changé, et cela seulement, est
    agrandi et ajouté à la suivante : les détails de l'image ne se perdent pas. À chaque pas, le
    gradient est mis à l'échelle : les pixels changent de RATE en moyenne. L'image est d'abord
    décalée au hasard, et le gradient décalé en retour : sinon, la grille des convolutions se
    dessinerait.

    Args:
        model: modèle de `dreams.extractor`.
        image: `(h, w, 3)` float32 dans [0, 255].
        weights: poids de chaque couche, `(couches,)`. Les réponses sont rapportées à celles
            du début de l'octave : une couche ne l'emporte pas par ses seules unités.
        guide: caractéristiques rendues par `read_guide`, ou None.
        options: `octaves`, `steps` (par octave) et `seed`.

    Returns:
        `(rêve, courbes)` : float32 `(h, w, 3)` dans [0, 255], et la réponse à chaque pas de
        chaque octave, 1 étant celle du début.

    Raises:
        ValueError: la plus petite octave l'est trop pour ces couches.

    Source : Mordvintsev, Olah et Tyka, blog de Google AI, 2015.
    """

    @tf.function(input_signature=[tf.TensorSpec((None, None, 3)), tf.TensorSpec((None,))])
    def climb(pixels, factors):
        with tf.GradientTape() as tape:
            tape.watch(pixels)
            objective = ops.sum(factors * responses(model, pixels, guide))
        return objective, tape.gradient(objective, pixels)

    rng = np.random.default_rng(options.seed)
    sizes = dreams.octave_sizes(*image.shape[:2], options.octaves, scale=OCTAVE_SCALE)
    dreams.check_size(model, *sizes[0], remedy=TOO_SMALL)
    weights = np.asarray(weights, np.float32) / np.sum(weights)
    change, curves = np.zeros((1, 1, 3), np.float32), []
    for octave, size in enumerate(sizes, start=1):
        start = dreams.resize(image, *size) if size != image.shape[:2] else image
        pixels = np.clip(start + dreams.resize(change, *size), 0, 255)
        factors = weights / np.maximum(np.abs(responses(model, pixels, guide)), 1e-9)
        curves.append([])
        for _ in dreams.progress(options.steps, f"Octave {octave}/{len(sizes)}"):
            offset = rng.integers(-JITTER_PX, JITTER_PX + 1, 2)
            objective, gradient = climb(shift(pixels, offset), factors)
            gradient = shift(gradient.numpy(), -offset)
            gradient *= RATE / max(np.abs(gradient).mean(), 1e-12)
            pixels = np.clip(pixels + gradient, 0, 255)
            curves[-1].append(float(objective))
        change = pixels - start
    return pixels, curves


# --- Question : le montrer -----------------------------------------------------------


def save_comparison(path: Path, pictures: dict[str, np.ndarray], curves) -> None:
    """Dessine les images `{titre: (h, w, 3)}` et la réponse au fil des pas."""
    height, width, _ = next(iter(pictures.values())).shape
    size = (4.6, max(3.2, 4.6 * height / width + 0.4))
    rows = len(pictures) - 1  # l'image, le rêve et la courbe ; avec un guide, deux lignes de deux
    with new_figure(path, rows=rows, columns=4 - rows, size=size) as (_, axes):
        for axis, (title, image) in zip(axes.flat, pictures.items(), strict=False):
            axis.imshow(dreams.to_picture(image))
            axis.set_title(title)
            axis.set_axis_off()
        for number, curve in enumerate(curves, start=1):
            axes[-1, -1].plot(range(len(curve)), curve, label=f"octave {number}")
        axes[-1, -1].set(title="Réponse des couches (1 : au début de l'octave)", xlabel="pas")
        axes[-1, -1].locator_params(axis="x", integer=True)
        axes[-1, -1].legend()


def read_weights(text: str) -> dict[str, float]:
    """Lit `"mixed3,mixed5:0,5"` : des couches et leurs poids, 1 s'il n'est pas dit."""
    parts = re.split(r",(?!\d+(?:,|$))", text)  # la virgule d'un nombre ne sépare rien
    pairs = [part.partition(":") for part in parts]
    weights = {name.strip(): dreams.weight(value or "1") for name, _, value in pairs}
    if not sum(weights.values()):
        raise ArgumentTypeError(f"un poids au moins doit être positif, reçu {text!r}")
    return weights


def show(options) -> int:
    """Fait et dessine le rêve que disent les options ; rend 0."""
    check_output(options)
    image = dreams.read_picture(options.image, options.size)
    other = dreams.read_picture(options.guide, options.size) if options.guide else None
    base = dreams.load_base(options)
    weights = options.layers or dict.fromkeys(dreams.default_layers(base, LAYERS), 1.0)
    model = dreams.extractor(base, weights)
    if other is not None:
        dreams.check_size(model, *other.shape[:2], remedy="Changez de guide, ou de --size.")
    guide = None if other is None else read_guide(model, other)
    result, curves = dream(model, image, [*weights.values()], guide=guide, options=options)
    folder, named = output_dir(options), ", ".join(weights)
    pictures = {"L'image": image} | ({} if other is None else {"Le guide": other})
    pictures[f"Le rêve ({named})"] = result
    dreams.save_picture(result, folder / "reve.png")
    save_comparison(folder / "comparaison.png", pictures, curves)
    before, after = (np.asarray(responses(model, each, guide)) for each in (image, result))
    gains = after / np.maximum(np.abs(before), 1e-9)
    gain = f"{np.average(gains, weights=[*weights.values()]):.1f}".replace(".", ",")
    print(
        f"{named} : réponse multipliée par {gain}, de l'image au rêve.\n"
        f"Rêve et comparaison écrits dans {folder}/"
    )
    return 0


def main(argv: list[str] | None = None) -> int:
    """Lit les options et fait rêver le réseau."""
    title = __doc__.splitlines()[0]
    parser = dreams.dream_parser("ex12_deep_dream", title, size_px=SIZE_PX, steps=STEPS)
    add = parser.add_argument
    add(
        "image",
        nargs="?",
        default=SAMPLE,
        help=f"image de départ (samples/{SAMPLE.name} par défaut)",
    )
    add("--guide", metavar="IMAGE", help="image dont imiter les motifs")
    add(
        "--layers",
        type=read_weights,
        metavar="COUCHE[:POIDS],…",
        help=f"couches et leurs poids ({','.join(LAYERS)} par défaut)",
    )
    add(
        "--octaves",
        type=positive_int,
        default=OCTAVES,
        metavar="N",
        help=f"nombre d'échelles ({OCTAVES} par défaut)",
    )
    options = parser.parse_args(argv)
    return run(lambda: show(options))


if __name__ == "__main__":
    raise SystemExit(main())
