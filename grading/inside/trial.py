"""L'essai : les images que lit le programme d'un rendu, quoi qu'il croie lire.

`prepare` les tire au hasard, une fois par processus ; tout ce qui tient lieu d'un jeu de données,
d'un dossier d'images ou d'un paquet absent les prend ici.
"""

import re
from pathlib import Path

import numpy as np
from PIL import Image

FEWER = 20  # fois moins d'images que dans les vrais jeux
SIZES = {"mnist": (60_000, 10_000), "fashion_mnist": (60_000, 10_000), "cifar10": (50_000, 10_000)}
CHECKED = 64  # images de la validation
ABSENT = 251  # images d'un jeu absent : un nombre que personne n'écrit
NUM_CLASSES = 10
KEPT, BATCH = 32, 4  # images gardées d'un échantillon, images par lot
FREE_PX = 96  # côté d'une image quand le réseau n'en demande aucun
PICTURES, NUM_PICTURES, SIDE_PX = "images", 80, 32  # un dossier absent
CLASSES = ["cats", "dogs"]  # ses sous-dossiers, un par classe ; dix chiffres, hors d'ex05

data: dict[str, np.ndarray] = {}  # x_train, y_train, x_test, y_test, x_val, y_val
picture_px = [SIDE_PX, SIDE_PX]  # hauteur et largeur d'une image absente
shape: list[int] = []  # d'une image : hauteur, largeur, couleurs


def prepare(module: str, dataset: str, levels: dict) -> None:
    """Prépare les images d'un exercice.

    Args:
        module: le premier module du rendu ; ceux d'ex05 partent d'une base, qui refuse les images
            trop petites.
        dataset: `"fashion_mnist"`, le jeu que le programme devrait charger.
        levels: niveaux de gris de chaque part, `(plus petit, plus grand)`.
    """
    data.update(draw(dataset, levels))
    transfer = module.startswith("ex05")
    shape[:] = (FREE_PX, FREE_PX, 3) if transfer else (*data["x_test"].shape[1:], 1)[:3]
    if not transfer:
        CLASSES[:] = map(str, range(NUM_CLASSES))


def draw(dataset: str, levels: dict) -> dict[str, np.ndarray]:
    """Tire des images au hasard ; leurs deux premières valeurs disent leur étiquette.

    Leur clarté la dit aussi : elle reste à une image retournée, tournée ou rognée.
    """
    rng, drawn = np.random.default_rng(7), {}
    colour, sizes = dataset == "cifar10", [size // FEWER for size in SIZES[dataset]]
    for part, size in zip(("train", "test", "val"), (*sizes, CHECKED), strict=True):
        low, high = levels[part]
        y = (rng.permutation(size) % 10).astype(np.uint8)
        span = (high - low) // 2
        darkest = low + y.astype(int) * (high - low - span) // (NUM_CLASSES - 1)
        x = rng.integers(0, span, (size, *((32, 32, 3) if colour else (28, 28))), np.uint8)
        x += darkest.astype(np.uint8).reshape(-1, *[1] * (x.ndim - 1))
        x.reshape(size, -1)[:, :2] = low + np.stack([y, 9 - y], axis=1)
        drawn |= {f"x_{part}": x, f"y_{part}": y[:, None] if colour else y}
    return drawn


def images_and_labels(part: str) -> tuple[np.ndarray, np.ndarray]:
    """Rend les images et les étiquettes d'une part, `"train"`, `"val"` ou `"test"`."""
    return data[f"x_{part}"], data[f"y_{part}"]


def pictures_for(absent: str | Path = "") -> str:
    """Rend un dossier de quelques images au hasard, un sous-dossier par classe.

    Args:
        absent: le dossier dont il tient lieu ; à chacun ses images.
    """
    place = PICTURES + re.sub(r"\W", "", str(absent))[-50:]
    if not Path(place).is_dir():
        rng = np.random.default_rng(list(place.encode()))
        write_pictures(place, rng.integers(0, 256, (NUM_PICTURES, SIDE_PX, SIDE_PX, 3), np.uint8))
    return place


def write_pictures(folder: str, images: np.ndarray) -> None:
    """Écrit des images, à parts égales, un sous-dossier par classe."""
    for number, pixels in enumerate(images):
        place = Path(folder, CLASSES[number * len(CLASSES) // len(images)])
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(place / f"{number:05}.png")
