"""Trouver des articulations : une carte de chaleur chacune, ou leurs coordonnées d'un coup.

D'après : S3 « Pose Estimation ».

Les deux réseaux ont le même tronc. Le premier rend, par articulation, une carte : où elle est
probable. Le second rend directement x et y, comme la boîte d'un objet seul. La mesure est le PCK,
la part des articulations trouvées à moins d'une fraction de la taille du torse.
"""

import keras
import numpy as np
from keras import layers, ops

from exercises.ex28_pose_and_depth.puppets import JOINTS_FR, SIDE_PX, Puppets
from exercises.ex28_pose_and_depth.training import block

MAP_CELLS = 32  # côté d'une carte de chaleur
CELL_PX = SIDE_PX / MAP_CELLS
SPREAD = 1.0  # écart-type de la tache visée, en cases
TRUNK = (24, 48, 96)  # canaux des cartes de 32, 16 et 8 pixels de côté
CLIMB = (48, 32)  # canaux des cartes de 16 et 32 pixels, en remontant
DENSE_UNITS = 64
FRACTION = 0.2  # du torse : l'écart permis (PCK@0,2)
NUM_JOINTS = len(JOINTS_FR)


# --- Question : de quoi apprend une carte de chaleur ? -------------------------------


def heat_maps(joints):
    """Dessine une tache gaussienne par articulation, de somme 1.

    Args:
        joints: `(n, k, 2)` : x, y en pixels ; NaN, personne ne l'a annotée.

    Returns:
        `(n, 32, 32, k)` ; la tache est centrée sur l'articulation, même entre deux cases. Sans
        annotation, la carte est nulle : la perte n'y compte rien.
    """
    cells = ops.arange(MAP_CELLS, dtype="float32") + 0.5
    x, y = (ops.cast(joints[..., k], "float32") / CELL_PX for k in (0, 1))  # (n, k), en cases
    across = ops.exp(-((cells[:, None] - x[:, None]) ** 2) / (2 * SPREAD**2))  # (n, 32, k)
    down = ops.exp(-((cells[:, None] - y[:, None]) ** 2) / (2 * SPREAD**2))
    maps = down[:, :, None] * across[:, None]  # (n, 32, 32, k)
    return ops.nan_to_num(maps / ops.sum(maps, axis=(1, 2), keepdims=True))


def heat_loss(joints, scores):
    """Rend l'entropie croisée de la tache et de la carte, qu'un softmax fait sommer à 1.

    Args:
        joints: `(n, k, 2)`, en pixels.
        scores: `(n, 32, 32, k)`, ce que rend le réseau : des logarithmes, à une constante près.

    Returns:
        `(n,)`.
    """
    logs = scores - ops.logsumexp(scores, axis=(1, 2), keepdims=True)
    return -ops.mean(ops.sum(heat_maps(joints) * logs, axis=(1, 2)), axis=-1)


# --- Question : lire une place dans une carte ----------------------------------------


def decode(scores: np.ndarray, *, refine: bool = True) -> np.ndarray:
    """Rend le maximum de chaque carte, affiné entre les cases par une parabole.

    Le logarithme d'une gaussienne est une parabole : son sommet, d'après la case du maximum et ses
    deux voisines, est exact. Au bord, où une voisine manque, le milieu de la case est gardé.

    Args:
        scores: `(n, h, w, k)`, logarithmes à une constante près ; une case a 2 pixels de côté.
        refine: affiner ; sinon, le milieu de la case.

    Returns:
        `(n, k, 2)` float64 : x, y en pixels ; le milieu de la case i est à i + 0,5 case.
    """
    n, height, width, num_joints = scores.shape
    best = scores.reshape(n, -1, num_joints).argmax(1)  # (n, k)
    rows, columns = np.divmod(best, width)
    images, joints = np.ogrid[:n, :num_joints]
    found = []
    for cells, size, (down, across) in ((columns, width, (0, 1)), (rows, height, (1, 0))):
        inside = (cells > 0) & (cells < size - 1)
        before, here, after = (
            scores[images, rows + step * down * inside, columns + step * across * inside, joints]
            for step in (-1, 0, 1)
        )
        curve = 2 * here - before - after  # positif au sommet ; nul si la carte est plate
        shift = np.divide(after - before, 2 * curve, out=np.zeros(curve.shape), where=curve > 0)
        found.append(cells + 0.5 + (shift if refine else 0))
    return np.stack(found, axis=-1) * CELL_PX


# --- Question : les deux réseaux -----------------------------------------------------


def trunk(images):
    """Construit ce que les deux réseaux partagent : `(n, 64, 64, 3)` → `(n, 8, 8, 96)`."""
    x = layers.Rescaling(1 / 127.5, -1)(images)
    for k, width in enumerate(TRUNK):
        for strides in (2, 1) if k else (2,):
            x = block(layers.Conv2D(width, 3, strides=strides, padding="same", use_bias=False), x)
    return x


def build_heat(num_joints: int = NUM_JOINTS) -> keras.Model:
    """Construit le réseau à cartes de chaleur : le tronc, puis une remontée.

    Args:
        num_joints: nombre d'articulations.

    Returns:
        Modèle : images uint8 `(n, 64, 64, 3)` → `(n, 32, 32, 13)` float32, des logarithmes.

    Source : Xiao, Wu et Wei, « Simple Baselines for Human Pose Estimation », arXiv 1804.06208,
    pour les convolutions transposées au-dessus d'un tronc de classification.
    """
    images = keras.Input((SIDE_PX, SIDE_PX, 3), dtype="uint8")
    x = trunk(images)
    for width in CLIMB:
        x = block(layers.Conv2DTranspose(width, 4, 2, padding="same", use_bias=False), x)
    scores = layers.Conv2D(num_joints, 1, dtype="float32")(x)  # (n, 32, 32, 13)
    return keras.Model(images, scores, name="pose_heat")


def build_regression(num_joints: int = NUM_JOINTS) -> keras.Model:
    """Construit le réseau à coordonnées : le tronc, puis deux couches denses.

    Args:
        num_joints: nombre d'articulations.

    Returns:
        Modèle : images uint8 `(n, 64, 64, 3)` → `(n, 13, 2)` float32, en pixels.

    Source : Toshev et Szegedy, « DeepPose », arXiv 1312.4659, sans la cascade.
    """
    images = keras.Input((SIDE_PX, SIDE_PX, 3), dtype="uint8")
    x = block(layers.Conv2D(32, 1, use_bias=False), trunk(images))  # (n, 8, 8, 32)
    x = layers.Dense(DENSE_UNITS, activation="gelu")(layers.Flatten()(x))
    x = layers.Dense(2 * num_joints, dtype="float32")(x)  # zéro : le milieu de l'image
    x = layers.Rescaling(SIDE_PX / 2, SIDE_PX / 2)(x)
    return keras.Model(images, layers.Reshape((num_joints, 2))(x), name="pose_regression")


# --- Question : à quelle distance est-ce trouvé ? ------------------------------------


def pck(found: np.ndarray, puppets: Puppets, fraction: float = FRACTION, *, hidden=None) -> float:
    """Rend la part des articulations à moins d'une fraction du torse de leur vraie place.

    Le torse va de l'épaule gauche à la hanche droite (articulations 1 et 8) : la mesure ne dépend
    pas de l'échelle.

    Args:
        found: `(n, 13, 2)`, en pixels.
        puppets: la vérité.
        fraction: du torse ; une distance égale compte.
        hidden: True, les seules articulations cachées ; False, les visibles ; None, toutes.

    Source : Yang et Ramanan, « Articulated Human Detection with Flexible Mixtures of Parts », TPAMI
    2013 ; Sapp et Taskar, « MODEC », CVPR 2013, pour le torse.
    """
    torso = np.linalg.norm(puppets.joints[:, 1] - puppets.joints[:, 8], axis=-1)  # (n,)
    near = np.linalg.norm(found - puppets.joints, axis=-1) <= fraction * torso[:, None]
    return float(near[slice(None) if hidden is None else puppets.visible != hidden].mean())


def pck_each(found: np.ndarray, puppets: Puppets) -> np.ndarray:
    """Rend le PCK de chaque pantin : `(n,)` ; leur moyenne est celui de tous."""
    alone = (Puppets(*(each[i : i + 1] for each in puppets)) for i in range(len(found)))
    return np.array([pck(place[None], one) for place, one in zip(found, alone, strict=True)])


def measure(
    scores: np.ndarray, joints: np.ndarray, puppets: Puppets, usual: np.ndarray
) -> dict[str, np.ndarray]:
    """Rend le PCK de chaque pantin : des deux réseaux, et de la pose moyenne de l'entraînement.

    Args:
        scores: ce que rend le réseau à cartes, `(n, 32, 32, 13)`.
        joints: ce que rend l'autre, `(n, 13, 2)`.
        puppets: la vérité.
        usual: la pose moyenne, `(13, 2)`.

    Returns:
        `(n,)` par mesure, comme `pck_heat`.
    """
    places = {
        "pck_heat": decode(scores),
        "pck_argmax": decode(scores, refine=False),
        "pck_regression": joints,
        "pck_mean": np.broadcast_to(usual, joints.shape),
    }
    return {name: pck_each(each, puppets) for name, each in places.items()}
