"""Détecter sans réseau : des taches qui tranchent sur le fond, nommées par leurs voisines.

D'après : S3 « Different problems, models & metrics ».

Ce témoin de la grille et des deux étages ne règle aucun poids. Un vêtement tranche sur le fond de
deux façons : sa couleur n'est pas celle du bord de l'image, et il est plus net, car nos fonds sont
des photographies agrandies. Dix seuils, cinq par façon, font des taches ; chaque tache propose une
boîte. Le contenu d'une boîte est ensuite comparé à celui de boîtes des scènes d'apprentissage, dont
certaines n'entourent que du fond : les plus proches votent.
"""

from typing import NamedTuple

import numpy as np
from PIL import Image
from scipy import ndimage

from convnets.datasets.scenes import ABSENT, MIN_OBJECT_PX, Scenes
from exercises.ex17_detection.boxes import (
    IOU_FOUND,
    MIN_SCORE,
    Detections,
    iou,
    non_max_suppression,
)
from exercises.ex17_detection.localization import NUM_CLASSES

COLOR_GAPS = (40, 60, 80, 100, 130)  # niveaux d'écart à la couleur du bord
SHARPNESS = (14, 20, 28, 38, 50)  # niveaux de laplacien ; les dix seuils, d'après la validation
BLUR_PX = 1.0  # écart-type du flou de la netteté
KNOWN_SCENES = 3000  # scènes d'apprentissage dont les boîtes sont gardées
NEIGHBOURS = 30  # boîtes qui votent
CROP_PX = 16  # côté du contenu comparé
GROUND = NUM_CLASSES  # onzième réponse : du fond
ROWS = 1000  # contenus comparés à la fois : toutes les distances ne tiennent pas en mémoire


class Known(NamedTuple):
    """Ce que le témoin retient des scènes d'apprentissage."""

    contents: np.ndarray  # (m, 256) float32 : un contenu par boîte, voir `read`
    labels: np.ndarray  # (m,) entiers : sa classe, ou `GROUND`


# --- Question : qu'est-ce qui tranche ? ----------------------------------------------


def color_gap(images: np.ndarray) -> np.ndarray:
    """Rend l'écart de chaque pixel à la couleur médiane du bord de son image.

    Args:
        images: uint8 `(n, h, w, 3)`.

    Returns:
        float32 `(n, h, w)` : le plus grand écart des trois canaux, en niveaux.
    """
    images = images.astype(np.float32)
    edges = [images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]]
    ground = np.median(np.concatenate(edges, axis=1), axis=1)  # (n, 3)
    return np.abs(images - ground[:, None, None]).max(axis=-1)


def sharpness(images: np.ndarray) -> np.ndarray:
    """Rend la netteté de chaque pixel : la valeur absolue du laplacien du gris, un peu floue.

    Args:
        images: uint8 `(n, h, w, 3)`.

    Returns:
        float32 `(n, h, w)`.
    """
    grey = images.mean(axis=-1, dtype=np.float32)
    edges = np.abs(np.stack([ndimage.laplace(each) for each in grey]))
    return ndimage.gaussian_filter(edges, (0, BLUR_PX, BLUR_PX))


def spot_boxes(level: np.ndarray, threshold: float) -> np.ndarray:
    """Entoure les taches d'une image, trous remplis, d'au moins `MIN_OBJECT_PX` pixels.

    Args:
        level: `(h, w)`.
        threshold: un pixel est dans une tache au-delà.

    Returns:
        Boîtes `(m, 4)`, en pixels.
    """
    spots, count = ndimage.label(ndimage.binary_fill_holes(level > threshold))
    areas = np.bincount(spots.ravel(), minlength=count + 1)[1:]  # le fond porte 0
    windows = ndimage.find_objects(spots)
    boxes = np.array([[x.start, y.start, x.stop, y.stop] for y, x in windows], np.float32)
    return boxes.reshape(-1, 4)[areas >= MIN_OBJECT_PX]


def propose(images: np.ndarray) -> list[np.ndarray]:
    """Propose les boîtes de toutes les taches, sans répétition : `(m, 4)` par image."""
    levels = ((color_gap(images), COLOR_GAPS), (sharpness(images), SHARPNESS))
    return [
        np.unique(
            np.concatenate(
                [spot_boxes(level[i], each) for level, steps in levels for each in steps]
            ),
            axis=0,
        )
        for i in range(len(images))
    ]


# --- Question : qu'y a-t-il dans une boîte ? -----------------------------------------


def read(images: np.ndarray, boxes: list[np.ndarray]) -> np.ndarray:
    """Lit le contenu de chaque boîte, en gris, ramené à 16×16 pixels, à contraste égal.

    Args:
        images: uint8 `(n, h, w, 3)`.
        boxes: boîtes de chaque image, `(m, 4)`.

    Returns:
        Contenus de toutes les boîtes, image après image, float32 `(total, 256)`, de moyenne nulle
        et de norme 1.
    """
    contents = []
    for image, each in zip(images, boxes, strict=True):
        picture = Image.fromarray(image).convert("L")
        for box in each.tolist():
            small = picture.resize((CROP_PX, CROP_PX), Image.Resampling.BILINEAR, box=box)
            contents.append(np.asarray(small, np.float32).ravel())
    found = np.array(contents, np.float32).reshape(-1, CROP_PX**2)
    found -= found.mean(axis=1, keepdims=True)
    return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-6)


def remember(scenes: Scenes) -> Known:
    """Retient les vraies boîtes, et celles que proposent les taches, de scènes connues."""
    images, boxes, labels = scenes.images[:KNOWN_SCENES], [], []
    for spots, true, classes in zip(propose(images), scenes.boxes, scenes.labels, strict=False):
        true, classes = true[classes != ABSENT], classes[classes != ABSENT]
        shared = iou(spots, true)
        boxes.append(np.concatenate([spots, true]))
        found = np.where(shared.max(axis=1) >= IOU_FOUND, classes[shared.argmax(axis=1)], GROUND)
        labels.append(np.concatenate([found, classes]))
    return Known(read(images, boxes), np.concatenate(labels))


def vote(contents: np.ndarray, known: Known) -> np.ndarray:
    """Rend, pour chaque contenu, la part des voix de chaque classe : `(n, 10)`."""
    num = min(NEIGHBOURS, len(known.labels))
    shares = []
    for start in range(0, len(contents), ROWS):
        alike = contents[start : start + ROWS] @ known.contents.T
        nearest = np.argpartition(-alike, num - 1, axis=1)[:, :num]
        votes = known.labels[nearest][..., None] == np.arange(NUM_CLASSES)
        shares.append(votes.mean(axis=1))
    return np.concatenate(shares) if shares else np.empty((0, NUM_CLASSES))


# --- Question : que trouve-t-il ? ----------------------------------------------------


def find(images: np.ndarray, known: Known) -> list[Detections]:
    """Détecte les objets de chaque image, sans leurs doublons.

    Args:
        images: uint8 `(n, h, w, 3)`.
        known: rendu par `remember`.

    Returns:
        Les détections de chaque image, de la plus sûre à la moins sûre ; une boîte compte pour
        chaque classe qui a des voix, et son score est leur part.
    """
    boxes = propose(images)
    shares = vote(read(images, boxes), known)
    ends, found = np.cumsum([len(each) for each in boxes]), []
    for each, own in zip(boxes, np.split(shares, ends[:-1]), strict=True):
        rows, labels = np.nonzero(own >= MIN_SCORE)
        scores = own[rows, labels]
        kept = non_max_suppression(each[rows], scores, labels)
        found.append(Detections(each[rows][kept], scores[kept], labels[kept]))
    return found
