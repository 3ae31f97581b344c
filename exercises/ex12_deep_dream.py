"""Deep Dream : faire voir à un réseau davantage de ce qu'il croit déjà voir.

Document : billet « CNN : convolution, Deep Dream, Grad Cam », « Deep Dream ».
Commande : python -m exercises.ex12_deep_dream [image] [--guide autre_image]
Résultat : reve.png et comparaison.png, dans figures/ex12_deep_dream/.

Le gradient dit comment changer chaque pixel pour qu'une couche réponde plus fort : on
l'ajoute à l'image, et on recommence. Une couche basse dessine des traits, une haute des yeux
et des têtes. Avec un guide, la couche doit répondre comme elle répond à une autre image.
"""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras import ops
from tqdm import tqdm

from convnets.core.cli import positive_int, run
from convnets.explaining import dreams
from convnets.figures.charts import curves, number, show
from convnets.figures.style import new_figure, output_dir

SAMPLE = dreams.SAMPLES / "chevaux.webp"
LAYERS = "mixed4,mixed5"
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
        Tenseur sans dimension, qui se dérive par rapport à `maps`. Sans guide : moyenne des
        carrés. Avec lui : moyenne, sur les cases de l'image, du produit scalaire avec la case du
        guide qui lui va le mieux.

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
    décalée au hasard, de -JITTER_PX à JITTER_PX pixels vers le bas et vers la droite, et le
    gradient décalé en retour : la grille des convolutions ne se dessine pas.

    Args:
        model: modèle de `dreams.extractor`.
        image: `(h, w, 3)` float32 dans [0, 255].
        weights: poids de chaque couche, `(couches,)`. Les réponses sont rapportées à celles
            du début de l'octave : une couche ne l'emporte pas par ses seules unités.
        guide: caractéristiques rendues par `read_guide`, pour toutes les réponses, ou None.
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
    change, gains = np.zeros((1, 1, 3), np.float32), []
    for octave, size in enumerate(sizes, start=1):
        start = dreams.resize(image, *size) if size != image.shape[:2] else image
        pixels = np.clip(start + dreams.resize(change, *size), 0, 255)
        factors = weights / np.maximum(np.abs(responses(model, pixels, guide)), 1e-9)
        gains.append([])
        title = f"Octave {octave}/{len(sizes)}"
        for _ in tqdm(range(options.steps), title, disable=None, leave=False):
            offset = rng.integers(-JITTER_PX, JITTER_PX + 1, 2)
            objective, gradient = climb(shift(pixels, offset), factors)
            gradient = shift(gradient.numpy(), -offset)
            gradient *= RATE / max(np.abs(gradient).mean(), 1e-12)
            pixels = np.clip(pixels + gradient, 0, 255)
            gains[-1].append(float(objective))
        change = pixels - start
    return pixels, gains


# --- Question : et des pixels changés au hasard ? ------------------------------------


def change_at_random(image: np.ndarray, dreamt: np.ndarray, *, seed: int) -> np.ndarray:
    """Change chaque pixel d'autant de niveaux que le rêve, dans un sens tiré au hasard.

    Ce qui sortirait de 0 à 255 y est ramené, comme dans le rêve.

    Args:
        image: `(h, w, 3)` float32 dans [0, 255].
        dreamt: son rêve, de même forme.
        seed: graine des sens.
    """
    signs = np.random.default_rng(seed).choice(np.float32([-1, 1]), image.shape)
    return np.clip(image + signs * (dreamt - image), 0, 255)


def compare_responses(model: keras.Model, image, changed, guide: dict | None) -> float:
    """Rend ce qui multiplie la réponse, d'une image à l'autre, en moyenne sur les couches."""
    before, after = (np.asarray(responses(model, each, guide)) for each in (image, changed))
    return float(np.mean(after / np.maximum(np.abs(before), 1e-9)))


# --- Question : le montrer -----------------------------------------------------------


def save_comparison(path: Path, pictures: dict[str, np.ndarray], gains) -> None:
    """Dessine les images `{titre: (h, w, 3)}` et la réponse au fil des pas."""
    with new_figure(path, columns=len(pictures) + 1, size=(4.6, 3.6)) as (_, axes):
        *frames, last = axes[0]
        for axis, (title, image) in zip(frames, pictures.items(), strict=True):
            show(axis, dreams.to_picture(image))
            axis.set(title=title, xticks=[], yticks=[])
        lines = {f"octave {k}": gain for k, gain in enumerate(gains, start=1)}
        curves(last, lines, x=range(len(gains[0])), unit="")
        last.locator_params(axis="x", integer=True)
        last.set(title="Réponse des couches (1 : au début de l'octave)", xlabel="pas")


def teach(options) -> int:
    """Fait et dessine le rêve que disent les options ; rend 0."""
    image, folder = dreams.read_picture(options.image, options.size), output_dir(options)
    names = [name.strip() for name in options.layers.split(",")]
    model = dreams.extractor(dreams.load_base(), names)
    guide, pictures = None, {"L'image": image}
    if options.guide:
        pictures["Le guide"] = dreams.read_picture(options.guide, options.size)
        dreams.check_size(model, *pictures["Le guide"].shape[:2], remedy="Changez de guide.")
        guide = read_guide(model, pictures["Le guide"])
    result, gains = dream(model, image, [1] * len(names), guide=guide, options=options)
    pictures[f"Le rêve ({', '.join(names)})"] = result
    dreams.save_picture(result, folder / "reve.png")
    save_comparison(folder / "comparaison.png", pictures, gains)
    gain, witness = (
        compare_responses(model, image, each, guide)
        for each in (result, change_at_random(image, result, seed=options.seed))
    )
    print(f"{', '.join(names)} : réponse multipliée par {number(gain, 1)}, de l'image au rêve.")
    print(f"Témoin, des pixels changés d'autant mais au hasard : par {number(witness, 1)}.")
    print(f"Rêve et comparaison écrits dans {folder}/")
    return 0


def main(argv: list[str] | None = None) -> int:
    """Lit les options et fait rêver le réseau."""
    title = __doc__.splitlines()[0]
    parser = dreams.dream_parser("ex12_deep_dream", title, size_px=SIZE_PX, steps=STEPS)
    add = parser.add_argument
    add("image", nargs="?", default=SAMPLE, help=f"image ({SAMPLE.name} par défaut)")
    add("--guide", metavar="IMAGE", help="image dont imiter les motifs")
    add("--layers", default=LAYERS, metavar="COUCHE,…", help=f"couches ({LAYERS} par défaut)")
    add("--octaves", type=positive_int, default=OCTAVES, metavar="N", help=f"échelles ({OCTAVES})")
    options = parser.parse_args(argv)
    return run(lambda: teach(options))


if __name__ == "__main__":
    raise SystemExit(main())
