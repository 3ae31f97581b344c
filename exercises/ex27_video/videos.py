"""Composer une vidéo dont on connaît chaque boîte, puis la détecter imparfaitement.

D'après : S3 « Object Tracking ».

De vrais vêtements de Fashion-MNIST glissent en ligne droite devant une photographie de CIFAR-10,
rebondissent aux bords, passent les uns devant les autres et derrière un pilier. Les détections ne
viennent pas d'un réseau : ce sont les vraies boîtes, bruitées, parfois absentes, avec de fausses
alarmes. Ce qui est jugé ici est le suivi seul.
"""

from typing import NamedTuple

import numpy as np
from PIL import Image

from convnets.datasets.scenes import cut_out

VIDEO_PX = 96  # côté d'une image
NUM_FRAMES = 60
NUM_OBJECTS = 6
OBJECT_PX = (20, 28)  # côté d'un vêtement
SPEED_PX = (1.0, 2.5)  # par image
PILLAR_PX = (40, 60)  # colonnes que le pilier cache
MIN_VISIBLE = 0.5  # part visible en deçà de laquelle un objet n'est ni détecté, ni demandé
MISSED = 0.05  # part des objets visibles que le détecteur manque
NOISE_PX = 1.0  # écart-type de chaque coordonnée d'une boîte détectée
FALSE_ALARMS = 0.1  # boîtes sans objet, en moyenne par image


class Video(NamedTuple):
    """Une vidéo et sa vérité ; un objet garde son rang d'un bout à l'autre."""

    frames: np.ndarray  # (t, s, s, 3) uint8
    boxes: np.ndarray  # (t, k, 4) float64 : x0, y0, x1, y1, l'objet entier, même caché
    visible: np.ndarray  # (t, k) float64 dans [0, 1] : part de l'objet que l'on voit


# --- Question : de quoi suivre, et la vérité -----------------------------------------


def compose_video(objects: np.ndarray, backgrounds: np.ndarray, *, seed: int) -> Video:
    """Fait glisser des objets devant une photographie et derrière un pilier.

    Args:
        objects: uint8 `(m, 28, 28)`, fond noir, par exemple Fashion-MNIST.
        backgrounds: uint8 `(f, h, w, 3)`, par exemple CIFAR-10.
        seed: graine ; la même rend la même vidéo.

    Returns:
        Une vidéo de `NUM_FRAMES` images et `NUM_OBJECTS` objets ; le dernier passe devant les
        autres, et le pilier devant tous.
    """
    rng = np.random.default_rng(seed)
    back, front = (
        np.asarray(Image.fromarray(backgrounds[k]).resize((VIDEO_PX, VIDEO_PX), Image.BICUBIC))
        for k in rng.integers(len(backgrounds), size=2)
    )
    pillar = slice(*PILLAR_PX)
    frames = np.tile((0.5 * back).astype(np.uint8), (NUM_FRAMES, 1, 1, 1))
    owners = np.full(frames.shape[:3], -1)  # à quel objet est chaque pixel
    boxes = np.empty((NUM_FRAMES, NUM_OBJECTS, 4))
    areas = np.empty(NUM_OBJECTS)
    for k, picture in enumerate(objects[rng.integers(len(objects), size=NUM_OBJECTS)]):
        values, mask = cut_out(picture, int(rng.integers(OBJECT_PX[0], OBJECT_PX[1] + 1)))
        rows, columns = np.nonzero(mask)
        values = values[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        mask = mask[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        areas[k] = mask.sum()
        size = np.array(mask.shape[::-1])  # largeur, hauteur
        color = values[..., None] * rng.uniform(0.4, 1, 3)  # Fashion-MNIST est gris
        for t, (left, top) in enumerate(slide(VIDEO_PX - size, rng)):
            boxes[t, k] = left, top, left + size[0], top + size[1]
            window = t, slice(top, top + size[1]), slice(left, left + size[0])
            frames[window][mask] = color[mask]
            owners[window][mask] = k
    frames[:, :, pillar] = (0.5 * front[:, pillar] + 60).astype(np.uint8)
    owners[:, :, pillar] = -1
    seen = [[np.sum(each == k) for k in range(NUM_OBJECTS)] for each in owners]
    return Video(frames, boxes, np.array(seen) / areas)


def slide(room: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Tire une trajectoire en ligne droite, qui rebondit aux bords : `(NUM_FRAMES, 2)` entiers.

    Args:
        room: place dont dispose le coin en haut à gauche, en x et en y, en pixels.
        rng: générateur aléatoire.
    """
    angle, speed = rng.uniform(0, 2 * np.pi), rng.uniform(*SPEED_PX)
    velocity = speed * np.array([np.cos(angle), np.sin(angle)])
    path = rng.uniform(0, room) + np.arange(NUM_FRAMES)[:, None] * velocity
    # Un miroir à chaque bord : la position va, puis revient, de période deux fois la place.
    return np.rint(room - np.abs(np.mod(path, 2 * room) - room)).astype(int)


# --- Question : ce qu'un détecteur en verrait ----------------------------------------


def detect(video: Video, *, seed: int) -> list[np.ndarray]:
    """Imite un détecteur : boîtes bruitées, oublis, fausses alarmes ; aucune identité.

    Args:
        video: rendue par `compose_video`.
        seed: graine du bruit.

    Returns:
        Par image, des boîtes `(n, 4)` float64, dans un ordre quelconque.
    """
    rng, found = np.random.default_rng(seed), []
    for boxes, visible in zip(video.boxes, video.visible, strict=True):
        kept = (visible >= MIN_VISIBLE) & (rng.random(len(boxes)) >= MISSED)
        seen = boxes[kept] + rng.normal(0, NOISE_PX, (kept.sum(), 4))
        num_false = rng.poisson(FALSE_ALARMS)
        corner = rng.uniform(0, VIDEO_PX - OBJECT_PX[1], (num_false, 2))
        false = np.concatenate([corner, corner + rng.uniform(*OBJECT_PX, (num_false, 2))], axis=1)
        found.append(rng.permutation(np.concatenate([seen, false])))
    return found


def truths(video: Video) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Rend, par image, les identités `(n,)` et les boîtes `(n, 4)` des objets qu'on voit."""
    seen = [np.flatnonzero(visible >= MIN_VISIBLE) for visible in video.visible]
    return seen, [boxes[kept] for boxes, kept in zip(video.boxes, seen, strict=True)]
