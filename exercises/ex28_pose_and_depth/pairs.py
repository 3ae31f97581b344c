"""Composer des paires d'images stéréo, dont la disparité de chaque pixel est exacte.

D'après : S3 « 3D Reconstruction ».

Deux caméras côte à côte voient la même scène : un point proche se décale plus qu'un point lointain.
Ce décalage, vers la gauche dans l'image de droite, est la disparité. La scène est faite de plans :
un fond couvert de photographies et des vêtements découpés, de face ou penchés. Chaque plan étant
connu, on sait aussi ce que la caméra de droite ne voit pas : un objet plus proche le cache, ou il
sort de l'image.
"""

from typing import NamedTuple

import numpy as np
from scipy.ndimage import map_coordinates

from convnets.datasets.scenes import cut_out

SIDE_PX = 96  # côté d'une image
MAX_DISPARITY = 32  # pixels ; toute disparité est dans [1, 32[
NUM_OBJECTS = (3, 6)  # vêtements devant le fond
OBJECT_PX = (24, 56)  # leur côté
SLOPE = 0.12  # plus forte pente d'un plan, en pixels de disparité par pixel
NOISE = 3.0  # écart-type du bruit de chaque caméra, en niveaux de gris
GAIN = 0.08  # les deux caméras n'ont pas tout à fait la même exposition
ROWS, COLUMNS = np.mgrid[:SIDE_PX, :SIDE_PX].astype(float)


class Plane(NamedTuple):
    """Un plan découpé : ce qu'en voit la caméra de gauche, et sa disparité."""

    texture: np.ndarray  # (96, 96 + MAX_DISPARITY) float, dans [0, 255], en coordonnées de gauche
    mask: np.ndarray  # (96, 96 + MAX_DISPARITY) booléens : où il est
    disparity: tuple[float, float, float]  # a, b, c : a + b x + c y


class Pairs(NamedTuple):
    """Des paires et leur vérité."""

    images: np.ndarray  # (n, 2, 96, 96) uint8 : gauche, droite
    disparity: np.ndarray  # (n, 96, 96) float32, en pixels de l'image de gauche
    hidden: np.ndarray  # (n, 96, 96) booléens : vu de gauche, et pas de droite


# --- Question : que voit chaque caméra ? ---------------------------------------------


def see(planes: list[Plane]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Rend ce que voient les deux caméras, et la vérité.

    Un point de gauche `(x, y)`, de disparité `d = a + b x + c y`, est vu de droite en `x - d`.
    Inversement, le point vu de droite en `x'` est, à gauche, en `(x' + a + c y) / (1 - b)`. Là où
    plusieurs plans se recouvrent, on voit celui dont la disparité est la plus grande.

    Args:
        planes: les plans ; l'un au moins couvre toute l'image.

    Returns:
        `(gauche, droite, disparité, caché)` : `(96, 96)`, trois de float et un de booléens.
    """
    left, disparity = _closest(planes, COLUMNS, from_right=False)
    right, _ = _closest(planes, COLUMNS, from_right=True)
    landing = COLUMNS - disparity  # où la caméra de droite verrait chaque point de gauche
    _, nearest = _closest(planes, landing, from_right=True)
    hidden = (landing < 0) | (nearest > disparity + 1e-6)
    return left, right, disparity, hidden


def _closest(planes: list[Plane], columns, *, from_right: bool) -> tuple[np.ndarray, np.ndarray]:
    """Rend la couleur et la disparité du plan le plus proche, aux `columns` d'une caméra."""
    color, nearest = np.zeros(ROWS.shape), np.full(ROWS.shape, -np.inf)
    for plane in planes:
        a, b, c = plane.disparity
        x = (columns + a + c * ROWS) / (1 - b) if from_right else columns  # à gauche
        disparity = a + b * x + c * ROWS
        there = map_coordinates(plane.mask.astype(float), [ROWS, x], order=0) > 0
        seen = there & (disparity > nearest)
        nearest[seen] = disparity[seen]
        # Entre deux colonnes, la couleur est en proportion de la distance à chacune.
        texture = map_coordinates(plane.texture, [ROWS, x], order=1, mode="nearest")
        color[seen] = texture[seen]
    return color, nearest


# --- Question : des paires, et leur vérité -------------------------------------------


def compose_pairs(
    photographs: np.ndarray, objects: np.ndarray, *, num_pairs: int, seed: int
) -> Pairs:
    """Compose des paires d'images en gris.

    Args:
        photographs: uint8 `(f, 32, 32, 3)`, par exemple CIFAR-10 : une mosaïque en fait le fond.
        objects: vêtements uint8 `(m, 28, 28)`, par exemple Fashion-MNIST ; un sur deux garde son
            tissu, souvent uni, l'autre prend celui d'une photographie.
        num_pairs: nombre de paires.
        seed: graine ; la même rend les mêmes paires.
    """
    rng = np.random.default_rng(seed)
    made = Pairs(
        np.empty((num_pairs, 2, SIDE_PX, SIDE_PX), np.uint8),
        np.empty((num_pairs, SIDE_PX, SIDE_PX), np.float32),
        np.empty((num_pairs, SIDE_PX, SIDE_PX), bool),
    )
    for i in range(num_pairs):
        planes = [_background(photographs, rng)]
        for _ in range(rng.integers(NUM_OBJECTS[0], NUM_OBJECTS[1] + 1)):
            planes.append(_object(photographs, objects[rng.integers(len(objects))], rng))
        *views, made.disparity[i], made.hidden[i] = see(planes)
        for k, view in enumerate(views):
            gain = 1 + rng.uniform(-GAIN, GAIN)
            noisy = gain * view + rng.normal(0, NOISE, view.shape)
            made.images[i, k] = np.clip(np.rint(noisy), 0, 255)
    return made


def mosaic(photographs: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Rend une texture grise `(96, 128)` : des photographies de 32 pixels, bord à bord."""
    grey = photographs[rng.integers(len(photographs), size=20)].mean(-1)
    whole = np.vstack([np.hstack(grey[k : k + 5]) for k in (0, 5, 10, 15)])  # (128, 160)
    # La coupe change à chaque fois : la place des bords ne dit rien de la disparité.
    top, left = rng.integers(0, grey.shape[1], 2)
    return whole[top : top + SIDE_PX, left : left + SIDE_PX + MAX_DISPARITY]


def _background(photographs, rng) -> Plane:
    b, c = rng.uniform(-0.04, 0.04), rng.uniform(-0.04, 0.04)
    middle = rng.uniform(5, 9)  # disparité au centre de l'image
    texture = mosaic(photographs, rng)
    return Plane(texture, np.ones(texture.shape, bool), _through(middle, b, c))


def _object(photographs, picture, rng) -> Plane:
    side_px = int(rng.integers(OBJECT_PX[0], OBJECT_PX[1] + 1))
    values, cut = cut_out(picture, side_px)
    room = np.array([SIDE_PX, SIDE_PX + MAX_DISPARITY]) - side_px
    top, left = rng.integers(0, room + 1)
    texture = mosaic(photographs, rng)
    mask = np.zeros(texture.shape, bool)
    window = slice(top, top + side_px), slice(left, left + side_px)
    mask[window] = cut
    if rng.random() < 0.5:
        texture[window] = values * rng.uniform(0.5, 1)
    b, c = rng.uniform(-SLOPE, SLOPE, 2) * (rng.random() < 0.5)
    center = rng.uniform(10, 27) if b == 0 else rng.uniform(13, 24)
    x, y = left + side_px / 2, top + side_px / 2
    return Plane(texture, mask, _through(center, b, c, x=x, y=y))


def _through(middle: float, b: float, c: float, *, x=SIDE_PX / 2, y=SIDE_PX / 2):
    """Rend `(a, b, c)` d'un plan de pentes b et c, de disparité `middle` en `(x, y)`."""
    return middle - b * x - c * y, b, c
