"""Les mots pour dire un vêtement, et ce qu'une phrase peut en dire d'exact.

D'après : S3, figure (6), phrase → image.

Une classe ne suffirait pas à faire une phrase : chaque image a aussi deux attributs, calculés sur
ses pixels. Une bottine est « foncée » quand elle est dans le tiers le plus sombre des bottines
d'apprentissage : l'adjectif est donc vrai, exactement, et celui d'une image fabriquée se vérifie.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from convnets.datasets import sources

PIXELS = (28, 28, 1)  # d'une image de Fashion-MNIST
NUM_CLASSES = len(sources.FASHION_CLASSES)
BACKGROUND = 25  # niveau de gris sous lequel un pixel est le fond noir de Fashion-MNIST


class Noun(NamedTuple):
    """Un nom de classe."""

    text: str
    label: int
    feminine: bool = False


class Attribute(NamedTuple):
    """Ce qui se mesure sur une image, et les adjectifs du premier et du dernier tiers."""

    measure: Callable[[np.ndarray], np.ndarray]  # uint8 (n, h, w, c) → (n,)
    low: tuple[str, str]  # au masculin, au féminin
    high: tuple[str, str]


# --- Question : que peut-on dire d'exact d'une image ? -------------------------------


def lightness(images: np.ndarray) -> np.ndarray:
    """Mesure la clarté : le niveau moyen de l'image, hors du fond noir.

    Args:
        images: uint8 `(n, h, w, c)`.

    Returns:
        Niveaux de gris `(n,)`, dans [0, 255].
    """
    grey = images.mean(axis=-1)
    drawn = grey > BACKGROUND
    return (grey * drawn).sum(axis=(1, 2)) / np.maximum(drawn.sum(axis=(1, 2)), 1)


def width(images: np.ndarray) -> np.ndarray:
    """Mesure l'allure : la largeur du vêtement sur sa hauteur ; uint8 `(n, h, w, c)` → `(n,)`."""
    drawn = images.max(axis=-1) > BACKGROUND
    columns, rows = (drawn.any(axis=axis).sum(axis=1) for axis in (1, 2))
    return columns / np.maximum(rows, 1)


NOUNS = (
    Noun("t-shirt", 0),
    Noun("haut", 0),
    Noun("pantalon", 1),
    Noun("pull", 2),
    Noun("chandail", 2),
    Noun("robe", 3, feminine=True),
    Noun("manteau", 4),
    Noun("sandale", 5, feminine=True),
    Noun("chemise", 6, feminine=True),
    Noun("basket", 7, feminine=True),
    Noun("sac", 8),
    Noun("bottine", 9, feminine=True),
    Noun("botte", 9, feminine=True),
)
ATTRIBUTES = (
    Attribute(lightness, ("foncé", "foncée"), ("clair", "claire")),
    Attribute(width, ("étroit", "étroite"), ("large", "large")),
)
EXAMPLES = (
    "une bottine foncée",
    "une bottine claire",
    "dessine une robe étroite",
    "dessine une robe large",
    "l'image d'un sac clair",
    "un pantalon étroit et foncé",
    "je veux un pull large et clair",
    "voici une sandale",
)  # les phrases des figures


# --- Question : clair, foncé, ou ni l'un ni l'autre ? --------------------------------


def thirds(images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Cherche, dans chaque classe, où finissent le premier et le deuxième tiers d'un attribut.

    Args:
        images: uint8 `(n, h, w, c)`, d'apprentissage.
        labels: leurs classes `(n,)`.

    Returns:
        Bornes `(2 attributs, classes, 2)` ; celles de toutes les images pour une classe absente.
    """
    found = np.empty((len(ATTRIBUTES), NUM_CLASSES, 2))
    for line, attribute in zip(found, ATTRIBUTES, strict=True):
        values = attribute.measure(images)
        for label in range(NUM_CLASSES):
            own = values[labels == label]
            line[label] = np.quantile(own if len(own) else values, [1 / 3, 2 / 3])
    return found


def levels(images: np.ndarray, labels: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """Dit dans quel tiers de sa classe est chaque image.

    Args:
        images: uint8 `(n, h, w, c)`.
        labels: leurs classes `(n,)`.
        bounds: rendu par `thirds`.

    Returns:
        Entiers `(n, 2 attributs)` : −1, 0 ou 1 ; un adjectif se dit de −1 et de 1.
    """
    columns = [
        (values > own[labels, 1]).astype(int) - (values <= own[labels, 0])
        for values, own in zip((a.measure(images) for a in ATTRIBUTES), bounds, strict=True)
    ]
    return np.stack(columns, axis=1)
