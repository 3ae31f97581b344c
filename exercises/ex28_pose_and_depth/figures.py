"""Les articulations et les disparités trouvées, dessinées.

D'après : S3 « Pose Estimation », « 3D Reconstruction ».
"""

from pathlib import Path

import numpy as np

from convnets.figures.charts import Picture, picture_rows
from convnets.figures.style import COLORS
from exercises.ex28_pose_and_depth import pose
from exercises.ex28_pose_and_depth.pairs import MAX_DISPARITY
from exercises.ex28_pose_and_depth.puppets import ARMS, LEGS, Puppets

NUM_PUPPETS, NUM_PAIRS = 6, 3  # sur une figure
METHODS = {
    "small": "fenêtres de 7 pixels",
    "sad": "de 21 pixels",
    "network": "réseau siamois",
    "sgm": "SGM, sans réseau",
}
BONES = [*LEGS, *ARMS, (1, 2), (7, 8), (1, 7), (2, 8)]


def save_poses(path: Path, puppets: Puppets, scores: np.ndarray, joints: np.ndarray) -> None:
    """Dessine des pantins, leurs cartes de chaleur et les articulations trouvées.

    Args:
        path: fichier PNG.
        puppets: les pantins ; les premiers sont dessinés.
        scores: ce que rend le réseau à cartes, `(n, 32, 32, 13)`.
        joints: ce que rend l'autre, `(n, 13, 2)`.
    """
    images, scores = puppets.images[:NUM_PUPPETS], scores[:NUM_PUPPETS]
    heat = np.exp(scores - scores.max((1, 2), keepdims=True)).max(-1)  # (n, 32, 32) dans [0, 1]
    found = {"lu dans les cartes": pose.decode(scores), "coordonnées d'un coup": joints}
    maps = [Picture(image, heat=each) for image, each in zip(images, heat, strict=True)]

    def draw(axis, name: str, rank: int) -> None:
        if name in found:
            for places, color in ((puppets.joints, "white"), (found[name], COLORS[4])):
                x, y = (places[rank, BONES] - 0.5).T  # (2, os) ; 0 : le milieu d'un pixel
                axis.plot(x, y, color=color)

    rows = {"les treize cartes": maps, **dict.fromkeys(found, images)}
    title = "En blanc la vérité, en orange ce qui est trouvé"
    picture_rows(path, rows, title=title, draw=draw)


def save_depths(path: Path, answered: dict[str, tuple]) -> None:
    """Dessine des paires, leur vraie disparité et celles que l'on trouve.

    Args:
        path: fichier PNG.
        answered: par nom, des paires `(n, 2, h, w)`, leurs vraies disparités `(n, h, w)`, et ce que
            rend `depth.answer` ; les premières sont dessinées.
    """
    rows = {}
    for name, (images, truth, found) in answered.items():
        for i in range(min(NUM_PAIRS, len(images))):
            disparities = [truth[i], *(found[kind][i] for kind in METHODS)]
            rows[f"{name} {i + 1}"] = [*images[i], *map(show_depth, disparities)]
    heads = ["image de gauche", "de droite", "vraie disparité", *METHODS.values()]
    title = "Plus c'est proche (clair), plus le décalage entre les deux images est grand"
    picture_rows(path, rows, title=title, heads=heads)


def show_depth(disparity: np.ndarray) -> Picture:
    """Peint une disparité `(h, w)`, en pixels."""
    return Picture(disparity, cmap="viridis", limits=(0, MAX_DISPARITY))
