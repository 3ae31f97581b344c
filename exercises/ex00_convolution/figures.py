"""Les images des diapositives que le texte a perdues : une fenêtre qui glisse, et LeNet-5.

D'après : S0 (le X et son pooling), S2 (champs récepteurs), S3 (LeNet-5, animation 5×5).
Commande : python -m exercises.ex00_convolution --figures figures
"""

from pathlib import Path

import numpy as np
from PIL import ImageOps

from convnets.core.images import open_image
from convnets.figures import convolution
from convnets.figures.charts import Picture, picture_rows
from convnets.figures.convolution import Sliding
from convnets.figures.style import INK
from exercises.ex00_convolution import x_or_o as xo
from exercises.ex00_convolution.geometry import receptive_field
from exercises.ex00_convolution.operations import IMAGE, KERNEL, conv2d

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
LENET_WINDOWS = [(5, 1), (2, 2), (5, 1), (2, 2)]  # (fenêtre, pas) de C1 à S4
PHOTO = Path(__file__).resolve().parents[2] / "samples" / "chat.png"


def animations() -> dict:
    """Prépare les animations.

    Returns:
        `{nom du fichier: (titre, Sliding)}`.

    Source : S3 « Convolution 2D » pour les deux premières ; S0 pour le X et son pooling.
    """
    image, kernel, window = np.array(IMAGE), np.array(KERNEL), (3, 3)
    plain = Sliding(image, kernel, conv2d(image, kernel), window)
    around = plain._replace(output=conv2d(image, kernel, padding=1), margins=((1, 1), (1, 1)))
    x, first = xo.read_picture(xo.X), xo.read_picture(xo.FILTERS[0])
    averaged = Sliding(x, first, xo.feature_map(x, first), window, operation="mean")
    rectified, pooled = (cards[0] for cards in xo.chain(x)[1:3])
    same = ((0, 1), (0, 1))  # sept cases, fenêtre de deux : « same » en ajoute une, après
    pooling = Sliding(rectified, None, pooled, (2, 2), 2, same, operation="max")
    return {
        "convolution_5x5": ("S3 : image 5×5, noyau 3×3", plain),
        "convolution_same": ("La même, padding « same »", around),
        "convolution_x": ("S0 : le X et le premier filtre", averaged),
        "pooling_max": ("S0 : max-pooling 2×2, pas 2, « same »", pooling),
    }


def save_lenet(path: Path) -> Path:
    """Dessine les couches de LeNet-5, et la fenêtre que lit chacune dans celle d'avant."""
    windows = [side for side, _ in LENET_WINDOWS] + [0] * (len(LENET) - len(LENET_WINDOWS))
    title = "LeNet-5 : 61 706 paramètres"
    return convolution.save_layers(path, LENET, title=title, windows=windows)


def lenet_fields() -> list[tuple[str, int, int]]:
    """Place le champ récepteur de la case du milieu de chaque couche de LeNet-5.

    Returns:
        `(couche, ligne et colonne du premier pixel vu, côté)`, de C1 à S4.

    Source : S2 §1.2 ; rien n'entoure l'image, donc la case `i` commence au pixel `pas·i`.
    """
    jumps = np.cumprod([stride for _, stride in LENET_WINDOWS])
    sides = receptive_field(LENET_WINDOWS)
    return [
        (name.split(" :")[0], int(jump) * (shape[0] // 2), side)
        for (name, shape), side, jump in zip(LENET[1:5], sides, jumps, strict=True)
    ]


def save_fields(path: Path) -> Path:
    """Montre, couche par couche, les pixels d'une photographie dont une seule case dépend."""
    image = np.array(ImageOps.fit(open_image(PHOTO), LENET[0][1][:2]))
    shown = [Picture(image, "image")]
    for name, first, side in lenet_fields():
        last = first + side
        seen = 255 - (255 - image) // 5  # le reste est éteint
        seen[first:last, first:last] = image[first:last, first:last]
        box = (first - 0.5, first - 0.5, last - 0.5, last - 0.5)
        shown.append(Picture(seen, f"{name} : {side}×{side}", boxes=[(box, "", INK)]))
    title = "Les pixels dont dépend une seule case, au milieu de chaque couche de LeNet-5"
    picture_rows(path, {"": shown}, title=title)
    return path


def save_all(folder: Path) -> int:
    """Écrit toutes les figures, puis les animations, et donne leurs chemins.

    Args:
        folder: dossier, créé au besoin.

    Returns:
        0.

    Raises:
        OSError: dossier impossible à écrire.
    """
    print(save_lenet(folder / "lenet5.png"))
    print(save_fields(folder / "champ_recepteur.png"))
    for name, (title, sliding) in animations().items():
        path = folder / f"{name}.gif"
        print(convolution.save_animation(sliding, path, title=title), flush=True)
    return 0
