"""Les figures du sac de mots : le dictionnaire, une image en mots, la comparaison.

D'après : S3 « Avant le deep ».
Commande : python -m exercises.ex16_bag_of_words samples/chat.png
"""

from pathlib import Path

import keras
import numpy as np

from convnets.datasets import sources
from convnets.figures.charts import Picture, curves, mosaic, show
from convnets.figures.style import GREY, new_figure, output_dir
from convnets.serving.classifier import prepare
from convnets.training import lesson
from exercises.ex16_bag_of_words.dictionary import SIZES, word_pictures
from exercises.ex16_bag_of_words.encoding import GRID, build_distances, read_dictionary

SHOWN_WORDS = 200  # les plus fréquents du dictionnaire
NAMES_FR = {
    "hard": "histogramme",
    "hard_quarters": "histogramme de chaque quart",
    "soft": "codage doux",
    "soft_quarters": "codage doux de chaque quart",
}
RIVALS_FR = {"accuracy_pixels": "pixels bruts", "accuracy_cnn": "réseau de convolution"}


# --- Question : que dit le dictionnaire ? --------------------------------------------


def save_dictionary(model: keras.Model, path: Path) -> None:
    """Montre les mots les plus fréquents d'un sac, comme des morceaux d'image."""
    words = word_pictures(read_dictionary(model))
    with new_figure(path, size=(8.0, 2.9)) as (_, axes):
        title = f"Les {SHOWN_WORDS} mots les plus fréquents, sur {len(words)}"
        show(axes[0, 0], Picture(mosaic(words[:SHOWN_WORDS], 25), title))
        axes[0, 0].axis("off")


# --- Question : que devient une image ? ----------------------------------------------


def save_words(model: keras.Model, image: np.ndarray, title: str, path: Path) -> None:
    """Montre une image, chaque morceau remplacé par son mot le plus proche, et l'histogramme.

    Args:
        model: un sac.
        image: uint8 `(32, 32, 3)`.
        title: au-dessus de l'image.
        path: fichier PNG ; son dossier est créé.
    """
    dictionary = read_dictionary(model)
    distances = build_distances(dictionary).predict(image[None], verbose=0)  # (1, 14, 14, mots)
    found, pictures = distances.argmin(-1).ravel(), word_pictures(dictionary)
    with new_figure(path, columns=3, size=(3.6, 3.2)) as (_, axes):
        *shown, histogram = axes[0]
        replaced = Picture(mosaic(pictures[found], GRID, gap_px=0), "chaque morceau, son mot")
        for axis, picture in zip(shown, (Picture(image, title), replaced), strict=True):
            show(axis, picture)
            axis.axis("off")
        histogram.hist(found, bins=len(pictures), histtype="step")  # des barres seraient invisibles
        histogram.set(title="histogramme", xlabel="mot, du plus fréquent au plus rare")


# --- Question : lequel est le meilleur ? ---------------------------------------------


def save_comparison(metrics: dict, path: Path) -> None:
    """Trace l'exactitude de chaque codage selon la taille du dictionnaire, et ses concurrents.

    Args:
        metrics: mesures d'un compte rendu, ou celles d'une graine.
        path: fichier PNG ; son dossier est créé.
    """
    lines = {
        label: [metrics[f"{coding}_{size}"] for size in SIZES] for coding, label in NAMES_FR.items()
    }
    lines |= {label: [metrics[name]] * len(SIZES) for name, label in RIVALS_FR.items()}
    with new_figure(path, size=(7.5, 4.6)) as (_, axes):
        axis = axes[0, 0]
        curves(axis, lines, x=SIZES)
        axis.axhline(10, color=GREY, label="au hasard")
        axis.set(xscale="log", xlabel="mots du dictionnaire", ylim=(0, 80))
        axis.set_xticks(SIZES, SIZES)
        axis.minorticks_off()
        axis.legend(loc="center left", bbox_to_anchor=(1, 0.5))


def show_image(options) -> None:
    """Montre une image en mots, avec le sac enregistré."""
    model = lesson.load_saved(options)
    image = prepare(options.image, model.input_shape[1:])
    guess = sources.CIFAR10_CLASSES_FR[model.predict(image[None], verbose=0)[0].argmax()]
    path = output_dir(options) / f"{Path(options.image).stem}_mots.png"
    save_words(model, image, f"prédiction : {guess}", path)
    print(f"Figure : {path}")
