"""Reconstruction : retrouver une image à partir de ce qu'en garde une couche.

Document : diapositives « Réseaux convolutionnels pour l'image », « Image Reconstruction ».
Commande : python -m exercises.ex13_reconstruction [image] [--layers mixed0,mixed5]
Résultat : un PNG par couche et comparaison.png, dans figures/ex13_reconstruction/.

On ne garde que les caractéristiques de l'image, et on cherche, en partant de bruit, une image
qui ait les mêmes. Plus la couche est profonde, plus il y en a : ce que la reconstruction a
perdu (le grain, la couleur, la place exacte) est ce que la couche ne regarde pas.
"""

from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from convnets.core.cli import check_output, run
from convnets.explaining import dreams
from convnets.figures.style import new_figure, output_dir

SAMPLE = dreams.SAMPLES / "chat.png"
LAYERS = ("activation_2", "mixed0", "mixed2", "mixed5", "mixed7")
SIZE_PX = 224
STEPS = 600  # par couche
RATE = 2.0  # taux d'apprentissage d'Adam au début, à peu près en niveaux de 0 à 255
TV_WEIGHT = 1.0  # de la variation totale, l'image étant ramenée à [0, 1]
NOISE = 5.0  # écart-type du bruit de départ, en niveaux, autour d'un gris moyen


class Reconstruction(NamedTuple):
    """Une image retrouvée, et de combien elle diffère de l'originale."""

    image: np.ndarray  # (h, w, 3) float32 dans [0, 255]
    error: float  # des caractéristiques : ‖cartes − voulues‖ / ‖voulues‖
    pixel_error: float  # des pixels, moyenne quadratique, en niveaux de 0 à 255


# --- Question : retrouver l'image ----------------------------------------------------


def feature_distance(maps, target):
    """Rend ‖cartes − voulues‖² / ‖voulues‖², tenseur sans dimension ; 1 pour des cartes nulles.

    Source : Mahendran et Vedaldi, arXiv 1412.0035, section 2 (la distance normalisée).
    """
    return ops.sum(ops.square(maps - target)) / ops.maximum(ops.sum(ops.square(target)), 1e-12)


def frequencies(height: int, width: int) -> dreams.Basis:
    """Rend de quoi régler les fréquences d'une image plutôt que ses pixels.

    Adam donne à chaque nombre un pas de même taille : réglés un à un, les pixels se couvrent de
    grain. Ici les fréquences basses vont plus vite, comme elles sont plus fortes dans les
    photographies : chaque nombre est multiplié par 1/f, f étant sa fréquence en cycles par pixel
    (pour la fréquence nulle, la plus petite des autres), le tout étant mis à l'échelle.

    Args:
        height: hauteur de l'image.
        width: sa largeur.

    Returns:
        De `(1, h, w, 3)` à `(2, 3, h, w // 2 + 1)`, parties réelle et imaginaire, et retour ;
        des nombres de l'ordre de 1 font une image de l'ordre d'un niveau.

    Source : Olah, Mordvintsev et Schubert, « Feature Visualization », Distill, 2017.
    """
    frequency = np.hypot(np.fft.fftfreq(height)[:, np.newaxis], np.fft.rfftfreq(width))
    scale = 1 / np.maximum(frequency, 1 / max(height, width))  # (h, w // 2 + 1)
    scale *= np.sqrt(height * width / np.mean(scale**2))
    scale = tf.constant(scale, tf.complex64)

    def encode(images):
        spectrum = tf.signal.rfft2d(tf.transpose(images[0], (2, 0, 1))) / scale
        return tf.stack([tf.math.real(spectrum), tf.math.imag(spectrum)])

    def decode(numbers):
        spectrum = tf.complex(numbers[0], numbers[1]) * scale
        channels = tf.signal.irfft2d(spectrum, (height, width))  # (3, h, w)
        return tf.transpose(channels, (1, 2, 0))[tf.newaxis]

    return dreams.Basis(encode, decode)


def reconstruct(model: keras.Model, image: np.ndarray, *, options) -> Reconstruction:
    """Cherche une image qui a les caractéristiques de celle-ci, sans plus la regarder.

    On part de bruit autour d'un gris moyen, tiré de `options.seed`. Beaucoup d'images ont ces
    caractéristiques à peu près, presque toutes faites de grain. La variation totale choisit parmi
    elles une image lisse, comme le sont les photographies.

    Args:
        model: modèle de `dreams.extractor`, à une seule couche.
        image: `(h, w, 3)` float32 dans [0, 255].
        options: `steps`, `seed` et `tv_weight`.

    Returns:
        La reconstruction.

    Source : Mahendran et Vedaldi, arXiv 1412.0035, section 2.
    """
    ((name, target),) = model(image[np.newaxis]).items()

    def losses(pixels):
        return {
            "cartes": feature_distance(model(pixels)[name], target),
            "variation totale": options.tv_weight * dreams.total_variation(pixels / 255),
        }

    noise = np.random.default_rng(options.seed).normal(127.5, NOISE, image.shape)
    start = np.clip(noise, 0, 255).astype(np.float32)
    found, _ = dreams.descend(
        losses,
        start,
        steps=options.steps,
        rate=RATE,
        title=name,
        basis=frequencies(*image.shape[:2]),
    )
    distance = feature_distance(model(found[np.newaxis])[name], target)
    pixel_error = np.sqrt(np.mean(np.square(found - image)))
    return Reconstruction(found, float(distance) ** 0.5, float(pixel_error))


# --- Question : le montrer, couche par couche ----------------------------------------


def save_comparison(path: Path, image: np.ndarray, found: dict[str, Reconstruction]) -> None:
    """Dessine l'originale et ses reconstructions, de la première couche à la dernière."""
    columns = min(3, len(found) + 1)
    rows = -(-(len(found) + 1) // columns)
    size = (4.2, 4.2 * image.shape[0] / image.shape[1] + 0.5)
    with new_figure(path, columns=columns, rows=rows, size=size) as (_, axes):
        for axis in axes.flat:
            axis.set_axis_off()
        axes[0, 0].imshow(dreams.to_picture(image))
        axes[0, 0].set_title("L'image")
        for axis, (name, each) in zip(axes.flat[1:], found.items(), strict=False):
            axis.imshow(dreams.to_picture(each.image))
            axis.set_title(f"{name}\n{describe(each)}")


def describe(found: Reconstruction) -> str:
    """Écrit les deux écarts d'une reconstruction."""
    error, pixel_error = (
        f"{value:.1f}".replace(".", ",") for value in (100 * found.error, found.pixel_error)
    )
    return f"écart des cartes : {error} %, des pixels : {pixel_error} niveaux"


def show(options) -> int:
    """Reconstruit et dessine l'image que disent les options ; rend 0."""
    check_output(options)
    image = dreams.read_picture(options.image, options.size)
    base = dreams.load_base(options)
    names = options.layers.split(",") if options.layers else dreams.default_layers(base, LAYERS)
    models = {name.strip(): dreams.extractor(base, [name.strip()]) for name in names}
    dreams.check_size(dreams.extractor(base, [*models]), *image.shape[:2])  # pour toutes, d'abord
    folder, found = output_dir(options), {}
    for name, model in models.items():
        found[name] = reconstruct(model, image, options=options)
        dreams.save_picture(found[name].image, folder / f"{name}.png")
        print(f"{name:<12} {describe(found[name])}", flush=True)
    save_comparison(folder / "comparaison.png", image, found)
    print(f"Reconstructions écrites dans {folder}/")
    return 0


def main(argv: list[str] | None = None) -> int:
    """Lit les options et reconstruit l'image."""
    parser = dreams.dream_parser(
        "ex13_reconstruction", __doc__.splitlines()[0], size_px=SIZE_PX, steps=STEPS
    )
    add = parser.add_argument
    add(
        "image",
        nargs="?",
        default=SAMPLE,
        help=f"image à retrouver (samples/{SAMPLE.name} par défaut)",
    )
    add(
        "--layers",
        metavar="COUCHE,…",
        help=f"couches, une reconstruction chacune ({','.join(LAYERS)} par défaut)",
    )
    add(
        "--tv-weight",
        type=dreams.weight,
        default=TV_WEIGHT,
        metavar="POIDS",
        help=f"poids de la variation totale ({TV_WEIGHT:g} par défaut)",
    )
    options = parser.parse_args(argv)
    return run(lambda: show(options))


if __name__ == "__main__":
    raise SystemExit(main())
