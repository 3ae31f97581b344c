"""Composer des scènes : de vraies images posées sur de vraies images, boîtes et masques exacts.

Un vêtement de Fashion-MNIST est détouré (ses pixels non noirs), agrandi, teinté et posé sur une
photographie de CIFAR-10. Comme la scène est composée, on sait au pixel près où est chaque objet :
ce sont des images fabriquées, plus faciles que de vraies photographies annotées.
"""

from typing import NamedTuple

import numpy as np
from PIL import Image

from convnets.datasets import sources

SCENE_PX = 64  # côté d'une scène
SCALES = (0.6, 1.1)  # un objet de 28 pixels en fait de 17 à 31
MAX_HIDDEN = 0.2  # part de ce qu'on voit encore d'un objet qu'un suivant peut cacher
MIN_OBJECT_PX = 60  # pixels visibles en dessous desquels un objet n'est pas posé
NUM_TRIES = 20  # places essayées par objet, et objets essayés par place, avant d'y renoncer
ABSENT = -1  # classe d'une ligne vide de `boxes`
NUM_HELD = 5000  # vêtements, et photographies, d'entraînement réservés aux scènes de validation


class Scenes(NamedTuple):
    """Un lot de scènes et leur vérité."""

    images: np.ndarray  # (n, s, s, 3) uint8
    boxes: np.ndarray  # (n, k, 4) float32 : x gauche, y haut, x droite, y bas, en pixels
    labels: np.ndarray  # (n, k) int32 : classe de chaque boîte, ABSENT s'il n'y en a pas
    masks: np.ndarray  # (n, s, s) uint8 : 0 pour le fond, classe + 1 pour un objet
    owners: np.ndarray | None = None  # (n, s, s) uint8 : 0 pour le fond, rang de l'objet + 1


def split_pictures() -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Partage vêtements et photographies entre trois jeux de scènes, sans image commune.

    Returns:
        `{"train", "val", "test"}` : vêtements de Fashion-MNIST, leurs classes, photographies de
        CIFAR-10.
    """
    parts = []
    for (x, y), test in (sources.load_fashion_mnist(), sources.load_cifar10()):
        held = min(NUM_HELD, len(x) // 10)
        train, val = sources.split_validation(x, y, num_val=held, seed=0)
        parts.append({"train": train, "val": val, "test": test})
    garments, photographs = parts
    return {name: (*garments[name], photographs[name][0]) for name in garments}


def limited(sizes: dict[str, int], limit: int | None) -> dict[str, int]:
    """Réduit le nombre de scènes de chaque jeu à `limit`, dix fois moins pour la validation."""
    if not limit:
        return sizes
    asked = {"train": limit, "val": max(1, limit // 10), "test": limit}
    return {name: min(size, asked[name]) for name, size in sizes.items()}


def make_sets(
    sizes: dict[str, int], *, num_objects: tuple[int, int], limit: int | None
) -> dict[str, Scenes]:
    """Compose les scènes d'entraînement, de validation et de test, toujours les mêmes.

    Args:
        sizes: nombre de scènes de `"train"`, `"val"` et `"test"`.
        num_objects: voir `compose_scenes`.
        limit: au plus tant de scènes par jeu, dix fois moins pour la validation ; None : `sizes`.

    Returns:
        Les scènes de chaque jeu ; aucune image n'a servi à deux d'entre eux.
    """
    pictures, made = split_pictures(), {}
    for seed, (name, size) in enumerate(limited(sizes, limit).items()):
        made[name] = compose_scenes(
            *pictures[name], num_scenes=size, num_objects=num_objects, seed=seed
        )
    return made


def compose_scenes(
    objects: np.ndarray,
    labels: np.ndarray,
    backgrounds: np.ndarray,
    *,
    num_scenes: int,
    num_objects: tuple[int, int],
    seed: int,
) -> Scenes:
    """Pose de 1 à quelques objets, tirés au hasard, sur des fonds tirés au hasard.

    Args:
        objects: uint8 `(m, 28, 28)`, fond noir, par exemple Fashion-MNIST.
        labels: leurs classes, entiers `(m,)`.
        backgrounds: uint8 `(f, h, w, 3)`, par exemple CIFAR-10.
        num_scenes: nombre de scènes.
        num_objects: au moins et au plus combien d'objets par scène ; il y en a moins quand la
            place manque.
        seed: graine ; la même rend les mêmes scènes.

    Returns:
        Les scènes. Une boîte entoure les pixels *visibles* de son objet : `[x0, x1[ × [y0, y1[`.
        Les boîtes absentes valent zéro et sont à la fin.
    """
    least, most = num_objects
    rng = np.random.default_rng(seed)
    made = Scenes(
        np.empty((num_scenes, SCENE_PX, SCENE_PX, 3), np.uint8),
        np.zeros((num_scenes, most, 4), np.float32),
        np.full((num_scenes, most), ABSENT, np.int32),
        np.zeros((num_scenes, SCENE_PX, SCENE_PX), np.uint8),
        np.zeros((num_scenes, SCENE_PX, SCENE_PX), np.uint8),
    )
    for i in range(num_scenes):
        made.images[i] = _background(backgrounds[rng.integers(len(backgrounds))], rng)
        owners = np.full((SCENE_PX, SCENE_PX), ABSENT)  # à quel objet est chaque pixel
        chosen = []
        for _ in range(rng.integers(least, most + 1)):
            for k in rng.integers(len(objects), size=NUM_TRIES):
                if _put(objects[k], made.images[i], owners, rng, number=len(chosen)):
                    chosen.append(int(labels[k]))
                    break
        made.owners[i] = owners + 1
        for number, label in enumerate(chosen):
            rows, columns = np.nonzero(owners == number)
            made.boxes[i, number] = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
            made.labels[i, number] = label
            made.masks[i][owners == number] = label + 1
    return made


def cut_out(picture: np.ndarray, side_px: int) -> tuple[np.ndarray, np.ndarray]:
    """Détoure un objet sur fond noir et le met à une taille.

    Args:
        picture: uint8 `(h, w)`, fond noir.
        side_px: côté voulu.

    Returns:
        `(valeurs, masque)` : uint8 et booléens `(side_px, side_px)`. Le masque est ce qui dépasse
        un dixième du blanc, trous remplis : un motif noir fait partie du vêtement.
    """
    from scipy import ndimage

    resized = np.asarray(Image.fromarray(picture).resize((side_px, side_px), Image.BILINEAR))
    return resized, ndimage.binary_fill_holes(resized > 25)


def _background(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Agrandit une photographie, retournée une fois sur deux, et l'assombrit un peu."""
    if rng.random() < 0.5:
        picture = picture[:, ::-1]
    large = Image.fromarray(picture).resize((SCENE_PX, SCENE_PX), Image.BICUBIC)
    return (np.asarray(large) * rng.uniform(0.4, 1)).astype(np.uint8)


def _put(picture, scene, owners, rng, *, number: int) -> bool:
    """Pose un objet dans `scene` et `owners` ; rend False s'il n'a pas trouvé de place."""
    side_px = int(round(picture.shape[0] * rng.uniform(*SCALES)))
    values, mask = cut_out(picture, side_px)
    if mask.sum() < MIN_OBJECT_PX:
        return False
    tint = rng.uniform(0.4, 1, 3)  # Fashion-MNIST est gris : une couleur au hasard
    areas = [np.sum(owners == k) for k in range(number)]
    for _ in range(NUM_TRIES):
        top, left = rng.integers(0, SCENE_PX - side_px + 1, 2)
        window = (slice(top, top + side_px), slice(left, left + side_px))
        covered = owners[window][mask]
        hidden = [np.sum(covered == k) for k in range(number)]
        if all(h <= MAX_HIDDEN * a for h, a in zip(hidden, areas, strict=True)):
            scene[window][mask] = (values[mask, None] * tint).astype(np.uint8)
            owners[window][mask] = number
            return True
    return False
