"""Composer des scènes serrées : des objets d'une même classe, qui se touchent ou se cachent.

D'après : S3 « Different problems, models & metrics » (segmentation d'instances).
Commande : python -m exercises.ex18_segmentation.instances

Chaque scène n'a qu'une classe de vêtement : un masque de classes n'y voit qu'une tache, et c'est
tout le problème. Le premier objet est posé au hasard ; chaque suivant part du milieu d'un objet
déjà là et glisse tout droit, pixel par pixel, jusqu'à ne plus en cacher que la part permise. Comme
la scène est composée, on sait à quel objet est chaque pixel.
"""

from typing import NamedTuple

import numpy as np
from PIL import Image
from scipy import ndimage

from convnets.datasets.scenes import MIN_OBJECT_PX, SCENE_PX, cut_out

# Par sorte de scène : l'écart entre deux objets, en pixels, et la part d'un objet que les autres
# peuvent cacher.
OVERLAPS = {"apart": (3, 0.0), "touching": (0, 0.0), "fifth": (0, 0.2), "two_fifths": (0, 0.4)}
OVERLAPS_FR = ("à l'écart", "au contact", "cachés à 20 % au plus", "cachés à 40 % au plus")
NUM_OBJECTS = (2, 4)  # par scène ; moins quand la place manque, mais jamais un seul
OBJECT_PX = (16, 26)  # côté d'un objet, marges de la vignette comprises
NUM_TRIES = 20  # directions essayées par objet, avant d'y renoncer


class Crowds(NamedTuple):
    """Un lot de scènes serrées et leur vérité."""

    images: np.ndarray  # (n, s, s, 3) uint8
    owners: np.ndarray  # (n, s, s) uint8 : 0 pour le fond, sinon le numéro de l'objet, de 1 à 4
    labels: np.ndarray  # (n,) int64 : la classe des objets de la scène
    overlaps: np.ndarray  # (n,) int64 : rang de la scène dans `OVERLAPS`


# --- Question : des objets de même classe, qui se touchent ---------------------------


def compose_crowds(
    objects: np.ndarray, labels: np.ndarray, backgrounds: np.ndarray, *, num_scenes: int, seed: int
) -> Crowds:
    """Compose des scènes, tour à tour de chaque sorte d'`OVERLAPS`.

    Args:
        objects: uint8 `(m, 28, 28)`, fond noir, par exemple Fashion-MNIST.
        labels: leurs classes, entiers `(m,)`.
        backgrounds: uint8 `(f, h, w, 3)`, par exemple CIFAR-10.
        num_scenes: nombre de scènes.
        seed: graine ; la même rend les mêmes scènes.
    """
    rng, labels = np.random.default_rng(seed), labels.reshape(-1)
    by_class = [np.flatnonzero(labels == k) for k in np.unique(labels)]
    made = Crowds(
        np.empty((num_scenes, SCENE_PX, SCENE_PX, 3), np.uint8),
        np.zeros((num_scenes, SCENE_PX, SCENE_PX), np.uint8),
        np.empty(num_scenes, np.int64),
        np.arange(num_scenes) % len(OVERLAPS),
    )
    for i, kind in enumerate(made.overlaps):
        areas = []
        while len(areas) < NUM_OBJECTS[0]:  # un objet resté seul : on recommence la scène
            mine = by_class[rng.integers(len(by_class))]
            made.labels[i] = labels[mine[0]]
            photo = Image.fromarray(backgrounds[rng.integers(len(backgrounds))])
            large = np.asarray(photo.resize((SCENE_PX, SCENE_PX), Image.BICUBIC))
            made.images[i] = (large * rng.uniform(0.4, 1)).astype(np.uint8)
            made.owners[i], areas = 0, []
            for k in mine[rng.integers(len(mine), size=rng.integers(*NUM_OBJECTS, endpoint=True))]:
                _put(objects[k], made.images[i], made.owners[i], areas, rng, kind)
    return made


def _put(picture, scene, owners, areas: list[int], rng, kind: int) -> None:
    """Pose un objet dans `scene` et `owners`, et sa surface dans `areas`, s'il a une place."""
    values, mask = cut_out(picture, int(rng.integers(*OBJECT_PX, endpoint=True)))
    if mask.sum() < MIN_OBJECT_PX:
        return
    box = ndimage.find_objects(mask.astype(int))[0]  # sans les marges de la vignette
    values, mask = values[box], mask[box]
    color = (values[..., None] * rng.uniform(0.4, 1, 3)).astype(np.uint8)  # l'image est grise
    for _ in range(NUM_TRIES):
        corner = slide(mask, owners, areas, rng, kind)
        if corner is not None:
            window = tuple(slice(a, a + side) for a, side in zip(corner, mask.shape, strict=True))
            areas.append(int(mask.sum()))
            scene[window][mask] = color[mask]
            owners[window][mask] = len(areas)
            return


def slide(
    mask: np.ndarray, owners: np.ndarray, areas: list[int], rng: np.random.Generator, kind: int
) -> np.ndarray | None:
    """Fait glisser un objet, du milieu d'un autre, jusqu'à ce qu'il le laisse assez voir.

    Args:
        mask: booléens `(h, w)`, l'objet.
        owners: `(s, s)` entiers, les objets déjà posés, numérotés à partir de 1.
        areas: surface de chacun, en pixels, quand rien ne le cachait encore.
        rng: générateur aléatoire.
        kind: rang de la scène dans `OVERLAPS`.

    Returns:
        La ligne et la colonne de son coin, la première place permise ; n'importe où si la scène
        est vide, None si l'objet sort de la scène avant.
    """
    room = np.array(owners.shape) - mask.shape
    if not areas:
        return rng.integers(0, room + 1)
    gap_px, most_hidden = list(OVERLAPS.values())[kind]
    taken = ndimage.maximum_filter(owners, 2 * gap_px + 1)  # chaque objet, grossi de l'écart
    visible = np.bincount(owners.reshape(-1), minlength=len(areas) + 1)[1:]
    middle = ndimage.center_of_mass(owners == rng.integers(1, len(areas) + 1))
    start = np.array(middle) - np.array(mask.shape) / 2
    angle = rng.uniform(0, 2 * np.pi)
    for step in range(len(owners)):
        corner = np.rint(start + step * np.array([np.sin(angle), np.cos(angle)])).astype(int)
        if (corner < 0).any() or (corner > room).any():
            return None
        window = taken[corner[0] :, corner[1] :][: mask.shape[0], : mask.shape[1]]
        covered = np.bincount(window[mask], minlength=len(areas) + 1)[1:]
        if np.all(visible - covered >= (1 - most_hidden) * np.array(areas)):
            return corner
    return None
