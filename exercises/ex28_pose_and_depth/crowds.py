"""Composer des foules, dont la place de chaque tête est exacte.

D'après : S3 « Crowd Understanding ».

Chaque personne est un vêtement de Fashion-MNIST surmonté d'une tête, plus petite vers le haut de
l'image, c'est-à-dire au loin. Les plus proches sont devant et cachent le corps, parfois un peu la
tête, de celles de derrière.
"""

from typing import NamedTuple

import numpy as np

from convnets.datasets.scenes import cut_out
from exercises.ex28_pose_and_depth.puppets import COLUMNS, ROWS, SIDE_PX, enlarge

TOPS = (0, 2, 3, 4, 6)  # classes de Fashion-MNIST qu'une tête surmonte : hauts, pulls, robes…
MAX_COUNT = 120  # personnes d'une image
HEAD_PX = (1.5, 3.0)  # rayon d'une tête, en haut et en bas de l'image
APART = 1.5  # d'une tête à l'autre, au moins tant de rayons : on voit un peu de chacune
NUM_TRIES = 300  # places essayées avant de renoncer à une personne
WARDROBE = 200  # vêtements, les mêmes d'une foule à l'autre


class Crowds(NamedTuple):
    """Des foules et leur vérité."""

    images: np.ndarray  # (n, 64, 64, 3) uint8
    heads: np.ndarray  # (n, 120, 2) float32 : x, y en pixels ; NaN au-delà du compte
    counts: np.ndarray  # (n,) entiers


# --- Question : où mettre chacun ? ---------------------------------------------------


def place_heads(count: int, rng: np.random.Generator) -> np.ndarray:
    """Tire la place de `count` têtes, celles du fond d'abord.

    Args:
        count: combien ; moins si la place manque.
        rng: générateur aléatoire.

    Returns:
        `(count, 2)` : x, y en pixels. La moitié de la foule s'attroupe autour de quelques points.
    """
    centers = rng.uniform(0, SIDE_PX, (3, 2))
    heads = np.empty((0, 2))
    for _ in range(count):
        for _ in range(NUM_TRIES):
            place = rng.uniform(0, SIDE_PX, 2)
            if rng.random() < 0.5:
                place = centers[rng.integers(3)] + rng.normal(0, 9, 2)
            inside = (0 <= place) & (place < SIDE_PX)
            away = np.linalg.norm(heads - place, axis=1)
            apart = away > APART * head_radius(np.minimum(heads[:, 1], place[1]))
            if inside.all() and apart.all():
                heads = np.concatenate([heads, place[None]])
                break
    return heads[np.argsort(heads[:, 1])]


def head_radius(y):
    """Rend le rayon d'une tête à la hauteur y de l'image, en pixels."""
    return np.interp(y, (0, SIDE_PX), HEAD_PX)


# --- Question : les dessiner ---------------------------------------------------------


def compose_crowds(
    photographs: np.ndarray,
    objects: np.ndarray,
    labels: np.ndarray,
    *,
    num_images: int,
    counts: tuple[int, int],
    seed: int,
) -> Crowds:
    """Compose des foules.

    Args:
        photographs: uint8 `(f, 32, 32, 3)`, par exemple CIFAR-10 : les fonds.
        objects: vêtements uint8 `(m, 28, 28)`, Fashion-MNIST ; seuls ceux de `TOPS` servent.
        labels: leurs classes `(m,)`.
        num_images: nombre d'images.
        counts: au moins et au plus combien de personnes, au plus `MAX_COUNT`.
        seed: graine ; la même rend les mêmes images.
    """
    rng = np.random.default_rng(seed)
    tops = objects[np.isin(labels, TOPS)]
    tops = tops[rng.integers(len(tops), size=WARDROBE)]
    made = Crowds(
        np.empty((num_images, SIDE_PX, SIDE_PX, 3), np.uint8),
        np.full((num_images, MAX_COUNT, 2), np.nan, np.float32),
        np.empty(num_images, int),
    )
    for i in range(num_images):
        canvas = enlarge(photographs[rng.integers(len(photographs))]) * rng.uniform(0.4, 1)
        heads = place_heads(int(rng.integers(counts[0], counts[1] + 1)), rng)
        for x, y in heads:
            radius = head_radius(y)
            values, mask = cut_out(tops[rng.integers(WARDROBE)], round(5 * radius))
            _dress(canvas, values, mask, x, y + 0.7 * radius, rng)
            head = (COLUMNS - x) ** 2 + (ROWS - y) ** 2 <= radius**2
            canvas[head] = rng.uniform(0.3, 1) * np.array([255, 200, 160])
            hair = head & (ROWS < y - 0.2 * radius)
            canvas[hair] = rng.uniform(10, 120, 3) * rng.uniform(0.3, 1)
        canvas += rng.normal(0, 4, canvas.shape)
        made.images[i] = np.clip(np.rint(canvas), 0, 255)
        made.heads[i, : len(heads)], made.counts[i] = heads, len(heads)
    return made


def _dress(canvas, values, mask, x: float, top: float, rng) -> None:
    """Pose un vêtement sous une tête, sur place ; ce qui sort de l'image est perdu."""
    rows, columns = np.nonzero(mask)
    down, across = rows + int(top) - rows.min(), columns + int(x - mask.shape[1] / 2)
    inside = (down < SIDE_PX) & (across >= 0) & (across < SIDE_PX)
    rows, columns, down, across = (each[inside] for each in (rows, columns, down, across))
    canvas[down, across] = values[rows, columns, None] * rng.uniform(0.3, 1, 3)
