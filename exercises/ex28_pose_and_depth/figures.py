"""Les articulations, les disparités et les densités trouvées, dessinées.

D'après : S3 « Pose Estimation », « 3D Reconstruction », « Crowd Understanding ».
Commande : python -m exercises.ex28_pose_and_depth
"""

from pathlib import Path

import keras
import numpy as np

from convnets.figures.charts import Picture, number, picture_rows
from convnets.figures.style import COLORS
from exercises.ex28_pose_and_depth import counting, data, depth, pose
from exercises.ex28_pose_and_depth.crowds import Crowds
from exercises.ex28_pose_and_depth.pairs import MAX_DISPARITY, Pairs
from exercises.ex28_pose_and_depth.puppets import ARMS, LEGS, Puppets

NUM_SHOWN = {"pose": 6, "depth": 4}
SHOWN_BINS = (0, 1, 3, 5)  # intervalles de `data.BINS` dont une foule est dessinée
BONES = [*LEGS, *ARMS, (1, 2), (7, 8), (1, 7), (2, 8)]


# --- Question : dessiner des articulations -------------------------------------------


def save_poses(path: Path, puppets: Puppets, scores: np.ndarray, joints: np.ndarray) -> None:
    """Dessine des pantins, leurs cartes de chaleur et les articulations trouvées.

    Args:
        path: fichier PNG.
        puppets: les pantins.
        scores: ce que rend le réseau à cartes, `(n, 32, 32, 13)`.
        joints: ce que rend l'autre, `(n, 13, 2)`.
    """
    heat = np.exp(scores - scores.max((1, 2), keepdims=True)).max(-1)  # (n, 32, 32) dans [0, 1]
    found = {"lu dans les cartes": pose.decode(scores), "coordonnées d'un coup": joints}
    maps = [Picture(image, heat=each) for image, each in zip(puppets.images, heat, strict=True)]
    rows = {"les treize cartes": maps, **dict.fromkeys(found, puppets.images)}

    def draw(axis, name: str, rank: int) -> None:
        if name in found:
            for places, color in ((puppets.joints, "white"), (found[name], COLORS[4])):
                x, y = (places[rank, BONES] - 0.5).T  # (2, os) ; 0 : le milieu d'un pixel
                axis.plot(x, y, color=color)

    title = "En blanc la vérité, en orange ce qui est trouvé"
    picture_rows(path, rows, title=title, draw=draw)


# --- Question : dessiner un relief ---------------------------------------------------


def save_depths(path: Path, pairs: Pairs, found: dict[str, np.ndarray]) -> None:
    """Dessine des paires, leur vraie disparité et celles que l'on trouve.

    Args:
        path: fichier PNG.
        pairs: les paires.
        found: nom de chaque méthode → ses disparités `(n, 64, 64)`.
    """
    rows = {}
    for i, (left, right) in enumerate(pairs.images):
        near, far = (depth.depth_cm(each(pairs.disparity[i])) / 100 for each in (np.max, np.min))
        hidden = Picture(pairs.hidden[i], cmap="gray_r", limits=(0, 1))
        disparities = [
            Picture(each[i], cmap="viridis", limits=(0, MAX_DISPARITY))
            for each in (pairs.disparity, *found.values())
        ]
        name = f"paire {i + 1}\nde {number(near, 2)} à {number(far, 2)} m"
        rows[name] = [left, right, hidden, *disparities]
    heads = ["image de gauche", "de droite", "caché à droite", "vraie disparité"]
    title = "Plus c'est proche (clair), plus le décalage entre les deux images est grand"
    picture_rows(path, rows, title=title, heads=[*heads, *found])


# --- Question : dessiner une foule ---------------------------------------------------


def save_crowds(path: Path, crowds: Crowds, density: np.ndarray) -> None:
    """Dessine des foules et leur densité, et écrit le vrai compte et la somme de la densité.

    Args:
        path: fichier PNG.
        crowds: les foules.
        density: ce que rend le réseau, `(n, 64, 64)`.
    """
    sums, limits = counting.count_density(density), (0, density.max())
    rows = {
        "foule": [
            Picture(image, f"{count} personnes")
            for image, count in zip(crowds.images, crowds.counts, strict=True)
        ],
        "densité": [
            Picture(each, f"somme : {number(found, 1)}", cmap="inferno", limits=limits)
            for each, found in zip(density, sums, strict=True)
        ],
    }
    most = data.LEARNED_COUNTS[1]
    title = f"Des foules de plus en plus denses ; apprises jusqu'à {most} personnes"
    picture_rows(path, rows, title=title, side=2.9)


# --- Tout dessiner -------------------------------------------------------------------


def save_examples(folder: Path, model: keras.Model, tests: dict) -> None:
    """Écrit `pose.png`, `relief.png` et `foule.png`.

    Args:
        folder: dossier des figures.
        model: les réseaux, rendus par `__main__.assemble`.
        tests: les images de test de chaque leçon.
    """

    def ask(name: str, images: np.ndarray) -> np.ndarray:
        return model.get_layer(name).predict(images, verbose=0)

    puppets = Puppets(*(part[: NUM_SHOWN["pose"]] for part in tests["pose"]))
    maps, joints = (ask(f"pose_{kind}", puppets.images) for kind in ("heat", "regression"))
    save_poses(folder / "pose.png", puppets, maps, joints)
    pairs = Pairs(*(part[: NUM_SHOWN["depth"]] for part in tests["depth"]))
    windows = depth.match_windows(pairs.images, "sad", window_px=depth.WINDOWS_PX["sad"])
    found = {"fenêtres, SAD": windows, "réseau siamois": ask("depth", pairs.images)}
    save_depths(folder / "relief.png", pairs, found)
    counts = tests["crowd"].counts
    firsts = [np.flatnonzero(counts >= data.BINS[k][0])[0] for k in SHOWN_BINS]
    crowds = Crowds(*(part[firsts] for part in tests["crowd"]))
    save_crowds(folder / "foule.png", crowds, ask("crowd_density", crowds.images))
