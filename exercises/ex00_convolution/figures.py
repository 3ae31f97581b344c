"""Les images des diapositives que le texte a perdues : une fenêtre qui glisse, et LeNet-5.

D'après : S0 (le X et son pooling), S3 (LeNet-5, animation 5×5).
Commande : python -m exercises.ex00_convolution --figures figures
"""

from pathlib import Path

import numpy as np

from convnets.figures import convolution
from convnets.figures.convolution import Sliding
from exercises.ex00_convolution import x_or_o as xo
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
LENET_WINDOWS = (5, 2, 5, 2, 0, 0, 0, 0, 0)  # côté de ce que lit une case de la couche d'après


def animations() -> dict:
    """Prépare les animations.

    Returns:
        `{nom du fichier: (titre, Sliding)}`.

    Source : S3 « Convolution 2D » ; S0 pour le X et son pooling.
    """
    image, kernel = np.array(IMAGE), np.array(KERNEL)
    plain = Sliding(image, kernel, conv2d(image, kernel), (3, 3))
    rectified, pooled = (cards[0] for cards in xo.chain(xo.read_picture(xo.X))[1:3])
    same = ((0, 1), (0, 1))  # sept cases, fenêtre de deux : « same » en ajoute une, après
    pooling = Sliding(rectified, None, pooled, (2, 2), 2, same, operation="max")
    return {
        "convolution_5x5": ("S3 : image 5×5, noyau 3×3", plain),
        "pooling_max": ("S0 : max-pooling 2×2, pas 2, « same »", pooling),
    }


def save_lenet(path: Path) -> Path:
    """Dessine les couches de LeNet-5, et la fenêtre que lit chacune dans celle d'avant."""
    title = "LeNet-5 : 61 706 paramètres"
    return convolution.save_layers(path, LENET, title=title, windows=LENET_WINDOWS)


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
    for name, (title, sliding) in animations().items():
        path = folder / f"{name}.gif"
        print(convolution.save_animation(sliding, path, title=title), flush=True)
    return 0
