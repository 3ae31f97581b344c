"""Ce que LeNet a appris : ses filtres 5×5, et ce que voit chaque carte.

D'après : TD « keras & réseaux de neurones convolutionnels », §1.2 et question 1.
Commande : python -m exercises.ex06_feature_maps.lenet [image]

Le réseau est celui que l'exercice 04 a enregistré. L'image peut être un dessin ou une photographie
de chiffre, sombre ou clair ; sans elle, c'est le premier chiffre de test de MNIST.
"""

from pathlib import Path

import keras
import numpy as np

from convnets.core.cli import FrenchParser, add_folders, run
from convnets.datasets import sources
from convnets.figures.style import new_figure, output_dir
from convnets.serving.digits import read_digit
from convnets.training import saving

MODEL = "digits"
MAP_LAYERS = ("C1", "S2", "C3", "S4")
# La case (i, j) d'une carte voit, dans l'image bordée, le carré qui commence en (pas·i, pas·j).
FIELDS_PX = {"C1": (1, 5), "C3": (2, 14)}  # pas et côté du carré
PAD_PX = 2  # bord de la première convolution, `same`
NUM_DIGITS = 1000  # chiffres de test parmi lesquels chercher les motifs préférés
NUM_PATCHES = 6  # motifs montrés par carte
TILE_PX = 140  # le plus petit multiple de 28, 14, 10 et 5 : chaque carte y tient sans reste


# --- Question : les filtres appris ---------------------------------------------------


def kernels(model: keras.Model, layer_name: str) -> np.ndarray:
    """Rend les filtres de `"C1"` ou `"C3"`, float32 `(filtres, cartes lues, 5, 5)`."""
    return model.get_layer(layer_name).get_weights()[0].transpose(3, 2, 0, 1)


def save_filters(model: keras.Model, path: Path) -> None:
    """Dessine tous les filtres : bleu négatif, rouge positif, blanc nul.

    Args:
        model: modèle `digits`.
        path: fichier PNG ; son dossier est créé.
    """
    both = (kernels(model, name) for name in ("C1", "C3"))
    first, second = (each / abs(each).max() for each in both)
    rows = [first[:, 0], *second.swapaxes(0, 1)]  # les 6 de C1, puis une ligne par carte lue
    with new_figure(path, size=(10, 4.8)) as (_, axes):
        axes[0, 0].imshow(_mosaic(rows, side_px=5, gap_px=1), cmap="RdBu_r", vmin=-1, vmax=1)
        axes[0, 0].set_axis_off()
        axes[0, 0].set_title(
            "En haut, les 6 filtres de C1. Dessous, les 16 de C3 : un par colonne, une ligne par "
            "carte lue.\nBleu : négatif ; blanc : nul ; rouge : positif."
        )


def _mosaic(rows, *, side_px: int, gap_px: int) -> np.ndarray:
    """Colle des images carrées, agrandies au même côté ; NaN, sans couleur, entre elles."""
    step = side_px + gap_px
    sheet = np.full((len(rows) * step, max(map(len, rows)) * step), np.nan)
    for down, row in enumerate(rows):
        for right, tile in enumerate(row):
            block = np.kron(tile, np.ones([side_px // len(tile)] * 2))
            top, left = down * step, right * step
            sheet[top : top + side_px, left : left + side_px] = block
    return sheet


# --- Question : ce que voit chaque carte ---------------------------------------------


def maps(model: keras.Model, x: np.ndarray) -> dict[str, np.ndarray]:
    """Rend les cartes de chaque couche.

    Args:
        model: modèle `digits`.
        x: chiffres uint8 `(n, 28, 28)`, clairs sur fond noir.

    Returns:
        Cartes float32 par couche : C1 `(n, 28, 28, 6)`, S2 `(n, 14, 14, 6)`,
        C3 `(n, 10, 10, 16)`, S4 `(n, 5, 5, 16)`.
    """
    outputs = {name: model.get_layer(name).output for name in MAP_LAYERS}
    return keras.Model(model.inputs[0], outputs).predict(x, batch_size=500, verbose=0)


def save_maps(model: keras.Model, digit: np.ndarray, path: Path) -> None:
    """Dessine un chiffre et ses cartes, le blanc étant la réponse la plus forte de la couche.

    Args:
        model: modèle `digits`.
        digit: uint8 `(28, 28)`.
        path: fichier PNG ; son dossier est créé.
    """
    probabilities = model.predict(digit[np.newaxis], verbose=0)[0]
    answer = probabilities.argmax()
    rows, titles = [[digit / 255]], ["entrée"]
    for name, found in maps(model, digit[np.newaxis]).items():
        layer = (found[0] - found.min()) / max(np.ptp(found), 1e-6)  # (h, w, cartes), dans [0, 1]
        tiles = layer.transpose(2, 0, 1)
        rows += [tiles[start : start + 8] for start in range(0, len(tiles), 8)]
        titles += [f"{name} : {len(layer)}×{len(layer)}"] + [""] * (len(rows) - len(titles) - 1)
    step = TILE_PX + 10
    with new_figure(path, size=(9, 8)) as (_, axes):
        axes[0, 0].imshow(_mosaic(rows, side_px=TILE_PX, gap_px=10), cmap="gray", vmin=0, vmax=1)
        axes[0, 0].set_yticks([TILE_PX / 2 + step * k for k in range(len(rows))], titles)
        axes[0, 0].tick_params(length=0)
        axes[0, 0].set_xticks([])
        axes[0, 0].spines[:].set_visible(False)
        axes[0, 0].set_title(
            "Les cartes des convolutions (C1, C3) et du pooling (S2, S4).\n"
            f"Réponse : {answer}, à {100 * probabilities[answer]:.0f} %."
        )


# --- Question : ce que cherche chaque carte ------------------------------------------


def favourites(model: keras.Model, x: np.ndarray, layer_name: str) -> np.ndarray:
    """Rend, pour chaque carte, les morceaux d'images auxquels elle répond le plus.

    Args:
        model: modèle `digits`.
        x: chiffres uint8 `(n, 28, 28)`, au moins `NUM_PATCHES`.
        layer_name: `"C1"` (carrés de 5 pixels) ou `"C3"` (carrés de 14 pixels).

    Returns:
        uint8 `(cartes, NUM_PATCHES, côté, côté)`, un morceau par chiffre, du préféré au moins.

    Source : Zeiler et Fergus, ECCV, 2014, figure 2 (les neuf meilleurs morceaux par carte).
    """
    step, side = FIELDS_PX[layer_name]
    layer = maps(model, x)[layer_name]  # (n, h, w, cartes)
    responses = layer.reshape(len(x), -1, layer.shape[3])  # (n, h·w, cartes)
    strength, place = responses.max(1), responses.argmax(1)  # (n, cartes)
    order = np.argsort(-strength, axis=0, kind="stable")[:NUM_PATCHES]  # (NUM_PATCHES, cartes)
    around = ((0, 0), (PAD_PX, PAD_PX), (PAD_PX, PAD_PX))
    padded = np.pad(x, around, constant_values=128)  # le zéro que LeNet ajoute, ses pixels centrés
    windows = np.lib.stride_tricks.sliding_window_view(padded, (side, side), axis=(1, 2))
    row, column = np.divmod(np.take_along_axis(place, order, axis=0), layer.shape[2])
    return windows[order, step * row, step * column].swapaxes(0, 1)


def save_favourites(model: keras.Model, x: np.ndarray, path: Path) -> None:
    """Dessine les morceaux préférés de chaque carte, une carte par colonne.

    Args:
        model: modèle `digits`.
        x: chiffres uint8 `(n, 28, 28)`.
        path: fichier PNG ; son dossier est créé.
    """
    columns = [patches for name in FIELDS_PX for patches in favourites(model, x, name)]
    rows = list(zip(*columns, strict=True))
    with new_figure(path, size=(12, 3.8)) as (figure, axes):
        figure.set_facecolor("0.8")  # sur du blanc, un morceau blanc n'aurait pas de bord
        axes[0, 0].imshow(_mosaic(rows, side_px=70, gap_px=8), cmap="gray", vmin=0, vmax=255)
        axes[0, 0].set_axis_off()
        title = "Les morceaux de chiffres préférés de chaque carte : 6 cartes de C1, 16 de C3"
        axes[0, 0].set_title(title)


def save_all(model: keras.Model, digit: np.ndarray, folder: Path, *, digits=None) -> None:
    """Écrit les filtres, les cartes d'un chiffre et, si on donne des chiffres, leurs morceaux.

    Args:
        model: modèle `digits`.
        digit: uint8 `(28, 28)`, dont dessiner les cartes.
        folder: dossier, créé au besoin.
        digits: uint8 `(n, 28, 28)`, où chercher les morceaux préférés.
    """
    save_filters(model, folder / "filtres.png")
    save_maps(model, digit, folder / "cartes.png")
    if digits is not None:
        save_favourites(model, digits[:NUM_DIGITS], folder / "morceaux.png")
    print(f"Filtres et cartes dessinés dans {folder}/")


def main(argv: list[str] | None = None) -> int:
    """Dessine les filtres de LeNet et les cartes d'une image."""
    parser = FrenchParser(
        prog="python -m exercises.ex06_feature_maps.lenet", description=__doc__.splitlines()[0]
    )
    parser.add_argument(
        "image", nargs="?", help="image d'un chiffre (un chiffre de test de MNIST par défaut)"
    )
    add_folders(parser, "ex06_lenet", models="où lire le modèle")
    options = parser.parse_args(argv)

    def body() -> int:
        model = saving.load_model(MODEL, models_dir=options.models_dir)
        digits = None if options.image else sources.load_mnist()[1][0]
        digit = read_digit(options.image) if options.image else digits[0]
        save_all(model, digit, output_dir(options), digits=digits)
        return 0

    return run(body)


if __name__ == "__main__":
    raise SystemExit(main())
