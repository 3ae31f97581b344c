"""Des films dont seul l'ordre des images dit la classe.

D'après : S3 « Action Recognition ».

Les six classes vont par paires. Un film de la seconde est un film de la première dont les images
ont changé d'ordre : à l'envers, ou la seconde moitié avant l'autre. Une image seule, ou toutes sans
leur ordre, disent la paire, et rien de plus : qui ne voit pas l'ordre a raison une fois sur deux.
"""

import numpy as np
from PIL import Image

from convnets.datasets.scenes import cut_out

CLIP_PX = 32  # côté d'une image
NUM_FRAMES = 8
OBJECT_PX = (17, 21)  # côté d'un vêtement
TURN_DEGREES = (12, 25)  # par image
STEP_PX = (2.0, 3.0)  # par image
NOISE = 6.0  # écart-type du bruit de chaque pixel, en niveaux de gris
CLASSES = ["turns_left", "turns_right", "out_and_back", "in_and_away", "left_first", "right_first"]
CLASSES_FR = [
    "tourne à gauche",
    "tourne à droite",
    "s'éloigne, puis revient",
    "revient, puis s'éloigne",
    "celui de gauche d'abord",
    "celui de droite d'abord",
]
TIMES = np.arange(NUM_FRAMES)
REVERSED, HALVES = TIMES[::-1], np.roll(TIMES, NUM_FRAMES // 2)
ORDERS = (REVERSED, HALVES, REVERSED)  # ce qui change un film d'une classe paire en l'autre


# --- Question : composer un film -----------------------------------------------------


def compose_clip(pair: int, objects: np.ndarray, background: np.ndarray, rng) -> np.ndarray:
    """Compose un film de la première classe d'une paire.

    Args:
        pair: 0, un vêtement tourne ; 1, il s'éloigne du centre et revient ; 2, deux se succèdent.
        objects: deux vêtements, uint8 `(2, 28, 28)` ; le second ne sert qu'à la paire 2.
        background: photographie uint8 `(32, 32, 3)`.
        rng: générateur aléatoire.

    Returns:
        Images uint8 `(8, 32, 32)`, en gris.
    """
    gray = 0.4 * background.mean(-1)
    frames = np.tile(gray, (NUM_FRAMES, 1, 1))
    middle = np.full(2, CLIP_PX / 2) + rng.uniform(-1, 1, 2)
    angle, first = rng.uniform(0, 360), int(rng.integers(3, 6))
    cut = [cut_out(each, int(rng.integers(OBJECT_PX[0], OBJECT_PX[1] + 1))) for each in objects]
    turn, step = rng.uniform(*TURN_DEGREES), rng.uniform(*STEP_PX)
    way = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
    for t, frame in enumerate(frames):
        if pair == 0:
            _put(frame, *cut[0], middle, angle=angle + turn * t)  # Pillow tourne vers la gauche
        elif pair == 1:
            _put(frame, *cut[0], middle + step * min(t, NUM_FRAMES - 1 - t) * way)
        else:
            late = t >= first
            _put(frame, *cut[late], middle + [6 if late else -6, 0])
    frames += rng.normal(0, NOISE, frames.shape)
    return np.clip(np.rint(frames), 0, 255).astype(np.uint8)


def _put(frame, values, mask, center, *, angle: float = 0.0) -> None:
    """Pose un objet détouré, tourné de `angle` degrés, son milieu en `center` ; ce qui sort."""
    if angle:
        values, mask = (
            np.asarray(Image.fromarray(each).rotate(angle, Image.BILINEAR))
            for each in (values, mask.astype(np.uint8) * 255)
        )
        mask = mask > 127
    rows, columns = np.nonzero(mask)
    left, top = np.rint(center - mask.shape[0] / 2).astype(int)
    inside = (rows + top >= 0) & (rows + top < CLIP_PX)
    inside &= (columns + left >= 0) & (columns + left < CLIP_PX)
    rows, columns = rows[inside], columns[inside]
    frame[rows + top, columns + left] = values[rows, columns]


# --- Question : de quoi apprendre, de quoi mesurer -----------------------------------


def compose_clips(
    objects: np.ndarray, backgrounds: np.ndarray, *, num_clips: int, seed: int, twins: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Compose des films, chaque paire aussi souvent que les autres.

    Args:
        objects: vêtements uint8 `(m, 28, 28)`.
        backgrounds: photographies uint8 `(f, 32, 32, 3)`.
        num_clips: nombre de films, sans compter les jumeaux.
        seed: graine ; la même rend les mêmes films.
        twins: chaque film est suivi de son jumeau ; sinon, un film sur deux, tiré au sort, est
            remplacé par le sien.

    Returns:
        `(films, classes)` : uint8 `(n, 8, 32, 32)` et entiers `(n,)`.
    """
    rng = np.random.default_rng(seed)
    clips = np.empty((num_clips, NUM_FRAMES, CLIP_PX, CLIP_PX), np.uint8)
    labels = 2 * (np.arange(num_clips) % len(ORDERS))
    for k, label in enumerate(labels):
        chosen = objects[rng.integers(len(objects), size=2)]
        background = backgrounds[rng.integers(len(backgrounds))]
        clips[k] = compose_clip(label // 2, chosen, background, rng)
    # Un jumeau a les mêmes images dans un autre ordre, et l'autre classe de la paire.
    orders = np.stack(ORDERS)[labels // 2]  # (n, 8)
    others, other_labels = clips[np.arange(num_clips)[:, None], orders], labels ^ 1
    if twins:
        both = np.stack([clips, others], axis=1), np.stack([labels, other_labels], axis=1)
        return both[0].reshape(-1, *clips.shape[1:]), both[1].reshape(-1)
    swapped = rng.random(num_clips) < 0.5
    clips[swapped], labels[swapped] = others[swapped], other_labels[swapped]
    return clips, labels
