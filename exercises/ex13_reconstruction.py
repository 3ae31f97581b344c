"""Reconstruction : retrouver une image à partir de ce qu'en garde une couche.

Document : diapositives « Réseaux convolutionnels pour l'image », « Image Reconstruction ».
Commande : python -m exercises.ex13_reconstruction [image] [--layers mixed0,mixed5]
Résultat : un PNG par couche et comparaison.png, dans figures/ex13_reconstruction/.

On ne garde que les caractéristiques de l'image, et on cherche, en partant de bruit, une image
qui ait les mêmes. Plus la couche est profonde, plus les images qui conviennent sont nombreuses.
Ce que la reconstruction a perdu (le grain, la couleur, la place exacte), la couche ne le regarde
pas, ou notre recherche ne l'a pas trouvé.
"""

from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from convnets.core.cli import run
from convnets.explaining import dreams
from convnets.figures.charts import Picture, number, picture_rows
from convnets.figures.style import output_dir

SAMPLE = dreams.SAMPLES / "chat.png"
LAYERS = "activation_2,mixed0,mixed2,mixed5,mixed7"
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
    grain. Ici, chaque nombre est multiplié par 1/f, f étant sa fréquence en cycles par pixel : les
    fréquences basses, plus fortes dans les photographies, changent plus vite. La fréquence nulle
    compte comme la plus petite des autres.

    Args:
        height: hauteur de l'image.
        width: sa largeur.

    Returns:
        Deux fonctions : d'images `(1, h, w, 3)` à des nombres `(2, 3, h, w // 2 + 1)`, parties
        réelle et imaginaire, et retour. Des nombres de l'ordre de 1 font une image de l'ordre d'un
        niveau.

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
    caractéristiques à peu près, et presque toutes sont faites de grain. La variation totale choisit
    parmi elles une image lisse, comme le sont les photographies.

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


def describe(found: Reconstruction) -> str:
    """Écrit les deux écarts d'une reconstruction."""
    error, pixel_error = number(100 * found.error, 1), number(found.pixel_error, 1)
    return f"écart des cartes : {error} %, des pixels : {pixel_error} niveaux"


def teach(options) -> int:
    """Reconstruit et dessine l'image que disent les options ; rend 0."""
    image, base = dreams.read_picture(options.image, options.size), dreams.load_base()
    names = [name.strip() for name in options.layers.split(",")]
    dreams.check_size(dreams.extractor(base, names), *image.shape[:2])  # pour toutes, d'abord
    folder, shown = output_dir(options), [Picture(dreams.to_picture(image), "L'image")]
    for name in names:
        found = reconstruct(dreams.extractor(base, [name]), image, options=options)
        dreams.save_picture(found.image, folder / f"{name}.png")
        print(f"{name:<12} {describe(found)}", flush=True)
        caption = f"{name}\n{describe(found).replace(', ', chr(10))}"
        shown.append(Picture(dreams.to_picture(found.image), caption))
    picture_rows(folder / "comparaison.png", {"": shown}, side=3)
    print(f"Reconstructions écrites dans {folder}/")
    return 0


def main(argv: list[str] | None = None) -> int:
    """Lit les options et reconstruit l'image."""
    title = __doc__.splitlines()[0]
    parser = dreams.dream_parser("ex13_reconstruction", title, size_px=SIZE_PX, steps=STEPS)
    add = parser.add_argument
    add("image", nargs="?", default=SAMPLE, help=f"image ({SAMPLE.name} par défaut)")
    add("--layers", default=LAYERS, metavar="COUCHE,…", help=f"couches ({LAYERS} par défaut)")
    help_text = f"poids de la variation totale ({TV_WEIGHT:g} par défaut)"
    add("--tv-weight", type=dreams.weight, default=TV_WEIGHT, metavar="POIDS", help=help_text)
    options = parser.parse_args(argv)
    return run(lambda: teach(options))


if __name__ == "__main__":
    raise SystemExit(main())
