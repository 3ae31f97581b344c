"""Les images des diapositives que le texte a perdues, et les animations du chapitre.

D'après : S0 (grille, X et O, filtres, cartes, chaîne, dépliement, vote), S3 (LeNet-5,
animation 5×5, pooling), S4 (plusieurs canaux).
Commande : python -m exercises.ex00_convolution --figures figures

Le O est dessiné pour ce cours.
"""

from pathlib import Path

import numpy as np
from PIL import ImageOps

from convnets.core.images import open_image
from convnets.figures import convolution
from exercises.ex00_convolution import x_or_o as xo
from exercises.ex00_convolution.animation import slide
from exercises.ex00_convolution.examples import CHANNEL_KERNELS, CHANNELS
from exercises.ex00_convolution.geometry import receptive_field
from exercises.ex00_convolution.operations import IMAGE, KERNEL, conv2d
from exercises.ex00_convolution.pooling import pool2d
from exercises.ex00_convolution.replay import read_examples

LENET = [
    ("image", (32, 32, 1)),
    ("C1 : convolution 5×5\n156 paramètres", (28, 28, 6)),
    ("S2 : pooling 2×2\nsans paramètre", (14, 14, 6)),
    ("C3 : convolution 5×5\n2 416", (10, 10, 16)),
    ("S4 : pooling 2×2\nsans paramètre", (5, 5, 16)),
    ("dépliement\nsans paramètre", (400,)),
    ("C5 : dense\n48 120", (120,)),
    ("F6 : dense\n10 164", (84,)),
    ("softmax\n850", (10,)),
]
LENET_WINDOWS = (0, 5, 2, 5, 2)  # côté de ce que lit une case, dans la couche d'avant
LENET_STRIDES = (1, 1, 2, 1, 2)
PHOTO = Path(__file__).resolve().parents[2] / "samples" / "chat.png"
XO_LAYERS = [
    ("image ±1", (9, 9, 1)),
    ("3 filtres 3×3", (7, 7, 3)),
    ("ReLU, pooling", (4, 4, 3)),
    ("ReLU, pooling", (2, 2, 3)),
    ("dépliement", (12,)),
    ("votes X, O", (2,)),
]


# --- Les animations ------------------------------------------------------------------


def animations() -> dict:
    """Prépare les animations : nom du fichier → titre et opération.

    Returns:
        `{nom: (titre, Sliding)}`.

    Source : S3 « Convolution 2D » pour la première ; S0 pour le X et son pooling.
    """
    x = xo.read_picture(xo.X)
    first_filter, first_map = xo.read_picture(xo.FILTERS[0]), xo.chain(x).rectified[0]
    return {
        "convolution_5x5": ("S3 : image 5×5, noyau 3×3", slide(IMAGE, KERNEL)),
        "convolution_same": ("La même, padding « same »", slide(IMAGE, KERNEL, padding="same")),
        "convolution_pas_2": (
            "Pas 2, padding 1, noyau dilaté de 2",
            slide(IMAGE, [[1, 2], [-1, 1]], stride=2, padding=1, dilation=2),
        ),
        "convolution_x": ("S0 : le X et le premier filtre", slide(x, first_filter, mean=True)),
        "pooling_max": (
            "S0 : max-pooling 2×2 de pas 2, « same »",
            slide(first_map, pool="max", padding="same"),
        ),
    }


# --- Les images fixes ----------------------------------------------------------------


def numbers() -> dict:
    """Dessine ce que voit l'ordinateur, et les réponses qu'il en tire.

    Returns:
        `{nom du fichier: figure}`.

    Source : S0, « Une image vue par un ANN ».
    """
    printed = read_examples()["N20"]["imprimé"]
    bars = [
        (name, [share / 100])
        for name, share in zip(
            ("chat", "chien", "chapeau", "tasse"), printed["barres"], strict=True
        )
    ]
    seen, answered = "Ce que voit l'ordinateur : 400 nombres, de 0 à 99", "Ce qu'il répond"
    return {
        "grille_20x20": convolution.draw_rows([[("", printed["grille"])]], title=seen),
        "grille_reponses": convolution.draw_bars(bars, series=["probabilité"], title=answered),
    }


def x_or_o() -> dict:
    """Dessine la chaîne « X ou O ? », étage par étage.

    Returns:
        `{nom du fichier: figure}`.

    Source : S0.
    """
    pictures = {
        "X": xo.read_picture(xo.X),
        "X déformé": xo.read_picture(xo.DEFORMED_X),
        "O (de ce cours)": xo.read_picture(xo.O),
    }
    roles = ("F1 : descente", "F2 : centre", "F3 : montée")
    filters = list(zip(roles, map(xo.read_picture, xo.FILTERS), strict=True))
    stages = xo.chain(pictures["X"])
    truncated = "Valeurs tronquées à deux décimales, comme sur S0 : 0,77 est 7/9."

    def stage(maps):
        return [(f"carte {k}", each) for k, each in enumerate(maps, 1)]

    unrolled = [
        [(f"carte {k}", each), "→", (f"valeurs {4 * k - 3} à {4 * k}", [each.reshape(-1)])]
        for k, each in enumerate(stages.second, 1)
    ]
    unrolled.append([("le vecteur : 12 valeurs", [stages.vector])])
    votes = [(name, xo.votes(picture)) for name, picture in pictures.items()]
    rows = convolution.draw_rows
    return {
        "x_et_o": rows([list(pictures.items())], title="X ou O ? Chaque pixel vaut 1 ou -1"),
        "filtres": rows([filters], title="Les trois filtres"),
        "cartes": rows([stage(stages.maps)], title="Une carte par filtre", note=truncated),
        "cartes_relu": rows([stage(stages.rectified)], title="Après ReLU", note=truncated),
        "cartes_pooling": rows([stage(stages.pooled)], title="Après pooling", note=truncated),
        "depliement": rows(unrolled, title="Dépliement, carte par carte", note=truncated),
        "votes": convolution.draw_bars(votes, series=["pour X", "pour O"], title="Le vote final"),
        "chaine": convolution.draw_layers(XO_LAYERS, title="La chaîne « X ou O ? »"),
    }


def layers() -> dict:
    """Dessine plusieurs canaux, les trois pooling et LeNet-5.

    Returns:
        `{nom du fichier: figure}`.

    Source : S4 pour les canaux, S3 pour les pooling et LeNet-5.
    """
    maps = [conv2d(*pair) for pair in zip(CHANNELS, CHANNEL_KERNELS, strict=True)]
    names = ("rouge", "vert", "bleu")
    rows = [
        [(f"canal {name}", image), "∗", ("noyau", kernel), "=", ("carte", found)]
        for name, image, kernel, found in zip(names, CHANNELS, CHANNEL_KERNELS, maps, strict=True)
    ]
    rows.append(
        [
            ("rouge", maps[0]),
            "+",
            ("vert", maps[1]),
            "+",
            ("bleu", maps[2]),
            "=",
            ("sortie du filtre", np.sum(maps, axis=0)),
        ]
    )
    image = np.array([[1, 3, 2, 0], [5, 1, 0, 2], [4, 0, 7, 1], [2, 6, 1, 3]])
    modes = {"maximum": "max", "moyenne": "average", "somme": "sum"}
    pooled = [(name, pool2d(image, 2, mode=mode)) for name, mode in modes.items()]
    three = [("image", image), "→", *pooled]
    return {
        "canaux": convolution.draw_rows(
            rows, title="Plusieurs canaux : un noyau chacun, puis la somme"
        ),
        "pooling_trois": convolution.draw_rows(
            [three], title="Trois pooling, fenêtre 2×2 de pas 2"
        ),
        "lenet5": convolution.draw_layers(
            LENET, title="LeNet-5 : 61 706 paramètres", windows=LENET_WINDOWS
        ),
        "champ_recepteur": convolution.draw_fields(
            photo(LENET[0][1][0]),
            lenet_fields(),
            title="Les pixels dont dépend une seule case, au milieu de chaque couche de LeNet-5",
        ),
    }


def photo(side: int) -> np.ndarray:
    """Rend la photographie de la figure, carrée : uint8 `(side, side, 3)`."""
    return np.array(ImageOps.fit(open_image(PHOTO), (side, side)))


def lenet_fields() -> list[tuple[str, tuple[int, int], int]]:
    """Place le champ récepteur de la case du milieu de chaque couche de LeNet-5.

    Returns:
        `(couche, (ligne, colonne) du premier pixel vu, côté)`, de C1 à S4.

    Source : S2 §1.2 ; rien n'entoure l'image, donc la case `i` commence au pixel `pas·i`.
    """
    pairs = list(zip(LENET_WINDOWS[1:], LENET_STRIDES[1:], strict=True))
    jumps = np.cumprod([stride for _, stride in pairs])
    found = []
    for (name, shape), side, jump in zip(LENET[1:5], receptive_field(pairs), jumps, strict=True):
        first = int(jump) * (shape[0] // 2)
        found.append((name.split(" :")[0], (first, first), side))
    return found


# --- Tout écrire ---------------------------------------------------------------------


def save_all(folder: Path) -> int:
    """Écrit toutes les figures, puis les animations, et donne leurs chemins.

    Args:
        folder: dossier, créé au besoin.

    Returns:
        0.

    Raises:
        OSError: dossier impossible à écrire.
    """
    with convolution.house_style():
        figures = numbers() | x_or_o() | layers()
        for name, figure in figures.items():
            print(convolution.save(figure, folder / f"{name}.png"), flush=True)
        for name, (title, sliding) in animations().items():
            last = convolution.draw_step(sliding, sliding.output.size - 1, title=title)
            print(convolution.save(last, folder / f"{name}.png"))
            print(
                convolution.save_animation(sliding, folder / f"{name}.gif", title=title), flush=True
            )
    return 0
