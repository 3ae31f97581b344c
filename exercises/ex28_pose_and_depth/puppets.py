"""Composer des pantins articulés, dont la place de chaque articulation est exacte.

D'après : S3 « Pose Estimation ».

Un pantin est fait de segments (bras, jambes, torse) de longueurs, d'angles et d'épaisseurs tirés au
sort, chacun recouvert d'un morceau de photographie teinté. Il est posé sur une photographie, et de
vrais vêtements passent devant lui : une articulation cachée est demandée comme les autres.
"""

from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from convnets.datasets.scenes import cut_out

SIDE_PX = 64  # côté d'une image
JOINTS_FR = [
    "tête",
    "épaule gauche",  # gauche de l'image, quand le pantin est debout
    "épaule droite",
    "coude gauche",
    "coude droit",
    "poignet gauche",
    "poignet droit",
    "hanche gauche",
    "hanche droite",
    "genou gauche",
    "genou droit",
    "cheville gauche",
    "cheville droite",
]
# D'une articulation à l'autre, ceux du fond d'abord ; le torse et la tête sont dessinés entre deux.
LEGS = ((7, 9), (9, 11), (8, 10), (10, 12))
ARMS = ((1, 3), (3, 5), (2, 4), (4, 6))
TORSO_PX = (12.0, 18.0)  # du milieu des épaules à celui des hanches
MARGIN_PX = 2.0  # entre une articulation et le bord
NUM_HIDERS = 2  # vêtements devant le pantin, au plus
HIDER_PX = (12, 20)  # leur côté
ROWS, COLUMNS = np.mgrid[:SIDE_PX, :SIDE_PX] + 0.5  # le centre de chaque pixel


class Puppets(NamedTuple):
    """Des images et leur vérité."""

    images: np.ndarray  # (n, 64, 64, 3) uint8
    joints: np.ndarray  # (n, 13, 2) float32 : x, y en pixels ; le pixel i couvre [i, i + 1[
    visible: np.ndarray  # (n, 13) booléens : aucun vêtement ne passe devant


# --- Question : où sont les articulations ? ------------------------------------------


def draw_skeleton(rng: np.random.Generator) -> np.ndarray:
    """Tire au sort les treize articulations d'un pantin qui tient dans l'image : `(13, 2)`."""
    while True:
        torso = rng.uniform(*TORSO_PX)
        shoulders, hips = rng.uniform(0.3, 0.45) * torso, rng.uniform(0.18, 0.3) * torso
        head = -rng.uniform(0.45, 0.6) * torso
        joints = np.zeros((len(JOINTS_FR), 2))
        joints[[0, 1, 2]] = (0, head), (-shoulders, 0), (shoulders, 0)
        joints[[7, 8]] = (-hips, torso), (hips, torso)
        for (start, end), swing, length in (
            *((each, 2.4, (0.5, 0.75)) for each in ARMS),
            *((each, 0.7, (0.6, 0.85)) for each in LEGS),
        ):
            # L'avant-bras et le mollet partent d'où finissent le bras et la cuisse.
            angle = rng.uniform(-swing, swing)  # 0 : vers le bas
            way = np.array([np.sin(angle), np.cos(angle)])
            joints[end] = joints[start] + torso * rng.uniform(*length) * way
        tilt = rng.uniform(-0.5, 0.5)
        turn = np.array([[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]])
        joints = joints @ turn.T
        room = SIDE_PX - 2 * MARGIN_PX - np.ptp(joints, axis=0)
        if (room > 0).all():
            return joints - joints.min(0) + MARGIN_PX + rng.uniform(0, room)


# --- Question : les habiller ---------------------------------------------------------


def compose_puppets(
    photographs: np.ndarray, objects: np.ndarray, *, num_images: int, seed: int
) -> Puppets:
    """Compose des images d'un pantin chacune.

    Args:
        photographs: uint8 `(f, 32, 32, 3)`, par exemple CIFAR-10 : fonds et tissus.
        objects: vêtements uint8 `(m, 28, 28)`, ce qui passe devant.
        num_images: nombre d'images.
        seed: graine ; la même rend les mêmes images.
    """
    rng = np.random.default_rng(seed)
    made = Puppets(
        np.empty((num_images, SIDE_PX, SIDE_PX, 3), np.uint8),
        np.empty((num_images, len(JOINTS_FR), 2), np.float32),
        np.empty((num_images, len(JOINTS_FR)), bool),
    )
    for i in range(num_images):
        joints = draw_skeleton(rng)
        canvas = enlarge(photographs[rng.integers(len(photographs))]) * rng.uniform(0.5, 1)
        for mask in limb_masks(joints, rng):
            cloth = enlarge(photographs[rng.integers(len(photographs))])
            canvas[mask] = 0.5 * cloth[mask] + rng.uniform(0, 128, 3)
        hidden = np.zeros((SIDE_PX, SIDE_PX), bool)
        for _ in range(rng.integers(NUM_HIDERS + 1)):
            near = joints[rng.integers(len(joints))]
            hidden |= _hide(canvas, objects[rng.integers(len(objects))], near, rng)
        columns, rows = joints.astype(int).T
        made.images[i] = canvas.astype(np.uint8)
        made.joints[i], made.visible[i] = joints, ~hidden[rows, columns]
    return made


def limb_masks(joints: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """Rend les pixels de chaque morceau, `(64, 64)` booléens, du fond vers l'avant."""
    torso = np.linalg.norm(joints[[1, 2]].mean(0) - joints[[7, 8]].mean(0))
    thick = torso * rng.uniform(0.09, 0.14)
    legs = [segment_mask(joints[a], joints[b], thick * rng.uniform(0.9, 1.3)) for a, b in LEGS]
    arms = [segment_mask(joints[a], joints[b], thick * rng.uniform(0.8, 1.1)) for a, b in ARMS]
    chest = Image.new("1", (SIDE_PX, SIDE_PX))
    corners = [tuple(joints[k] - 0.5) for k in (1, 2, 8, 7)]  # le centre d'un pixel, pour Pillow
    ImageDraw.Draw(chest).polygon(corners, fill=1, outline=1, width=2)
    head = segment_mask(joints[0], joints[0], torso * rng.uniform(0.22, 0.3))
    return [*legs, np.array(chest), head, *arms]


def segment_mask(start: np.ndarray, end: np.ndarray, radius: float) -> np.ndarray:
    """Rend les pixels `(64, 64)` dont le centre est à moins de `radius` d'un segment."""
    across, down = end - start
    x, y = COLUMNS - start[0], ROWS - start[1]
    share = np.clip((across * x + down * y) / max(across**2 + down**2, 1e-9), 0, 1)
    return (x - share * across) ** 2 + (y - share * down) ** 2 <= radius**2


def enlarge(picture: np.ndarray) -> np.ndarray:
    """Agrandit une photographie uint8 au côté d'une image."""
    return np.asarray(Image.fromarray(picture).resize((SIDE_PX, SIDE_PX), Image.BICUBIC))


def _hide(canvas, picture, near, rng) -> np.ndarray:
    """Pose un vêtement près d'une articulation, sur place ; rend les pixels qu'il couvre."""
    side_px = int(rng.integers(HIDER_PX[0], HIDER_PX[1] + 1))
    values, mask = cut_out(picture, side_px)
    corner = near - side_px / 2 + rng.uniform(-side_px / 2, side_px / 2, 2)
    left, top = np.clip(corner, 0, SIDE_PX - side_px).astype(int)
    window = slice(top, top + side_px), slice(left, left + side_px)
    canvas[window][mask] = values[mask, None] * rng.uniform(0.4, 1, 3)
    covered = np.zeros(canvas.shape[:2], bool)
    covered[window] = mask
    return covered
