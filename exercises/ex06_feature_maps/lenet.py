"""Ce que LeNet a appris : ses filtres 5×5, et ce que voit chaque carte.

D'après : TD « keras & réseaux de neurones convolutionnels », §1.2 et question 1.
Commande : python -m exercises.ex06_feature_maps.lenet [image]

Le réseau est `digits`, le LeNet livré. L'image peut être un dessin ou une photographie
de chiffre, sombre ou clair ; sans elle, c'est le premier chiffre de test de MNIST.
"""

from pathlib import Path

import keras
import numpy as np

from convnets.core.cli import lesson_parser
from convnets.datasets import sources
from convnets.explaining.maps import Subject
from convnets.figures.charts import Picture, mosaic, picture_rows, save_filters
from convnets.figures.style import output_dir
from convnets.serving.digits import read_digit
from convnets.training import lesson, saving
from exercises.ex06_feature_maps import maps

MAP_LAYERS = ("C1", "S2", "C3", "S4")
MAX_MAPS = 16  # celles de C3 et de S4 : toutes les cartes sont montrées
# La case (i, j) d'une carte voit, dans l'image bordée, le carré qui commence en (pas·i, pas·j).
FIELDS_PX = {"C1": (1, 5), "C3": (2, 14)}  # pas et côté du carré
PAD_PX = 2  # bord de la première convolution, `same`
NUM_DIGITS = 1000  # chiffres de test parmi lesquels chercher les motifs préférés
NUM_PATCHES = 6  # motifs montrés par carte


# --- Question : ce que cherche chaque carte ------------------------------------------


def favourites(model: keras.Model, x: np.ndarray, layer_name: str) -> np.ndarray:
    """Rend, pour chaque carte, les morceaux d'images auxquels elle répond le plus.

    Args:
        model: modèle `digits`.
        x: chiffres uint8 `(n, 28, 28)`, au moins `NUM_PATCHES`.
        layer_name: `"C1"` (carrés de 5 pixels) ou `"C3"` (carrés de 14 pixels).

    Returns:
        uint8 `(NUM_PATCHES, cartes, côté, côté)`, un morceau par chiffre ; le préféré est le
        premier.

    Source : Zeiler et Fergus, ECCV, 2014, figure 2 (les neuf meilleurs morceaux par carte).
    """
    step, side = FIELDS_PX[layer_name]
    network = keras.Model(model.inputs[0], model.get_layer(layer_name).output)
    found = network.predict(x, batch_size=500, verbose=0)  # (n, h, w, cartes)
    responses = found.reshape(len(x), -1, found.shape[3])  # (n, h·w, cartes)
    strength, place = responses.max(1), responses.argmax(1)  # (n, cartes)
    order = np.argsort(-strength, axis=0, kind="stable")[:NUM_PATCHES]  # (NUM_PATCHES, cartes)
    around = ((0, 0), (PAD_PX, PAD_PX), (PAD_PX, PAD_PX))
    padded = np.pad(x, around, constant_values=128)  # le zéro que LeNet ajoute, ses pixels centrés
    windows = np.lib.stride_tricks.sliding_window_view(padded, (side, side), axis=(1, 2))
    row, column = np.divmod(np.take_along_axis(place, order, axis=0), found.shape[2])
    return windows[order, step * row, step * column]


# --- Question : les montrer ----------------------------------------------------------


def save_favourites(model: keras.Model, x: np.ndarray, path: Path) -> None:
    """Dessine les morceaux préférés de chaque carte, une carte par colonne.

    Args:
        model: modèle `digits`.
        x: chiffres uint8 `(n, 28, 28)`.
        path: fichier PNG ; son dossier est créé.
    """
    shown = []
    for name in FIELDS_PX:
        patches = favourites(model, x, name)
        tiles = patches.reshape(-1, *patches.shape[2:], 1)
        shown.append(Picture(mosaic(tiles, patches.shape[1], fill=128), name))
    picture_rows(path, {"": shown}, title="Les morceaux préférés de chaque carte", side=5)


def teach(options) -> None:
    """Dessine les filtres de LeNet et les cartes d'une image."""
    model, folder = saving.load_model("digits"), output_dir(options)
    filters = model.get_layer("C1").get_weights()[0][:, :, 0]  # (5, 5, 6)
    save_filters(folder / "filtres.png", {"C1": filters.transpose(2, 0, 1)}, title="Filtres")
    if options.image is None:
        digits = sources.load_mnist()[1][0][: options.limit]
        digit = digits[0]
        save_favourites(model, digits, folder / "morceaux.png")
    else:
        digit = read_digit(options.image)
    probabilities = model.predict(digit[np.newaxis], verbose=0)[0]
    answer = int(probabilities.argmax())
    subject = Subject(model, digit, answer, str(answer), probabilities[answer])
    shown = {name: name for name in MAP_LAYERS}  # les noms de l'article
    maps.save_maps(subject, shown, folder / "cartes.png", num_maps=MAX_MAPS)
    print(f"Filtres et cartes dessinés dans {folder}/")


def main(argv: list[str] | None = None) -> int:
    """Lit les options et dessine."""
    parser = lesson_parser("ex06_feature_maps.lenet", __doc__.splitlines()[0], epochs=None)
    parser.add_argument(
        "image", nargs="?", help="image d'un chiffre (un chiffre de test de MNIST par défaut)"
    )
    parser.set_defaults(limit=NUM_DIGITS)
    return lesson.run(teach, parser.parse_args(argv))


if __name__ == "__main__":
    raise SystemExit(main())
