"""Voir en relief : apparier des fenêtres, ou apprendre à le faire.

D'après : S3 « 3D Reconstruction ».

Apparier, c'est chercher pour chaque pixel de gauche la fenêtre de droite qui lui ressemble le plus,
sur la même ligne. Le réseau fait de même, mais ses fenêtres sont des caractéristiques apprises, et
il regarde autour avant de répondre : là où rien ne s'apparie, il devine.
"""

import keras
import numpy as np
from keras import layers, ops
from scipy.ndimage import uniform_filter

from exercises.ex28_pose_and_depth.pairs import MAX_DISPARITY, SIDE_PX, Pairs
from exercises.ex28_pose_and_depth.training import block

WINDOWS_PX = {"sad": 13, "zncc": 11}  # côtés : les meilleurs, en validation, de 5 à 15
FEATURES = 16  # caractéristiques de chaque pixel
SHARPNESS = 10.0  # d'une ressemblance dans [-1, 1] à un score, que lit un softmax
WIDTHS = (32, 48)  # canaux des cartes de 32 et 16 pixels de côté
TOLERANCE_PX = 1.0  # au-delà, un pixel est faux
BASELINE_CM, FOCAL_PX = 10.0, 60.0  # les deux caméras que l'on suppose : écartement, focale


# --- Question : quelle fenêtre de droite ressemble à celle de gauche ? ---------------


def match_windows(images: np.ndarray, kind: str, *, window_px: int) -> np.ndarray:
    """Apparie des fenêtres : pour chaque pixel de gauche, le décalage de moindre coût.

    Un décalage d, de 0 à 15, compare le pixel `(x, y)` de gauche au pixel `(x - d, y)` de droite.

    Args:
        images: `(n, 2, h, w)` uint8 : gauche, droite.
        kind: `"sad"`, la somme des écarts absolus ; `"zncc"`, l'opposé de la corrélation, où ni
            la luminosité ni le contraste des fenêtres ne comptent.
        window_px: leur côté, impair.

    Returns:
        `(n, h, w)` float64, dans [0, 15] ; entre deux décalages, le sommet d'une parabole.
    """
    left, right = images[:, 0].astype(float), images[:, 1].astype(float)
    width = left.shape[-1]
    padded = np.pad(right, ((0, 0), (0, 0), (MAX_DISPARITY, 0)), mode="edge")
    costs = []
    for disparity in range(MAX_DISPARITY):
        start = MAX_DISPARITY - disparity
        shifted = padded[:, :, start : start + width]  # ce que la droite montre en x - disparité
        costs.append(COSTS[kind](left, shifted, window_px))
    return winner(np.stack(costs, axis=-1))


def sad(left: np.ndarray, right: np.ndarray, window_px: int) -> np.ndarray:
    """Moyenne des écarts absolus, fenêtre par fenêtre."""
    return uniform_filter(np.abs(left - right), (0, window_px, window_px))


def minus_zncc(left: np.ndarray, right: np.ndarray, window_px: int) -> np.ndarray:
    """Opposé de la corrélation, dans [-1, 1], fenêtre par fenêtre ; 0 si l'une est unie."""

    def mean(values):
        return uniform_filter(values, (0, window_px, window_px))

    centers = mean(left), mean(right)
    common = mean(left * right) - centers[0] * centers[1]
    spread = (mean(left**2) - centers[0] ** 2) * (mean(right**2) - centers[1] ** 2)
    return -common / np.sqrt(np.maximum(spread, 1e-6))


COSTS = {"sad": sad, "zncc": minus_zncc}


def winner(costs: np.ndarray) -> np.ndarray:
    """Rend le décalage de moindre coût, affiné par une parabole : `(…, décalages)` → `(…)`."""
    best = costs.argmin(-1)
    inside = (best > 0) & (best < costs.shape[-1] - 1)
    before, here, after = (
        np.take_along_axis(costs, (best + step * inside)[..., None], -1)[..., 0]
        for step in (-1, 0, 1)
    )
    curve = before + after - 2 * here
    return best + np.divide(before - after, 2 * curve, out=np.zeros(curve.shape), where=curve > 0)


# --- Question : et si les caractéristiques s'apprennent ? ----------------------------


def correlate(left, right):
    """Compare les caractéristiques de gauche à celles de droite, à chaque décalage.

    Args:
        left: `(n, h, w, c)`.
        right: de même.

    Returns:
        `(n, h, w, 16)` : le produit scalaire ; 0 là où le décalage sort de l'image.

    Source : Dosovitskiy et al., « FlowNet », arXiv 1504.06852, équation 1 ; Mayer et al., « A Large
    Dataset to Train Convolutional Networks… », arXiv 1512.02134, § 5, pour une seule ligne.
    """
    width = left.shape[2]
    padded = ops.pad(right, ((0, 0), (0, 0), (MAX_DISPARITY, 0), (0, 0)))
    starts = range(MAX_DISPARITY, 0, -1)
    return ops.stack(
        [ops.sum(left * padded[:, :, start : start + width], axis=-1) for start in starts], axis=-1
    )


def build_model() -> keras.Model:
    """Construit le réseau : une tour partagée, une corrélation, puis de quoi regarder autour.

    Returns:
        Modèle : paires uint8 `(n, 2, 64, 64)` → disparités `(n, 64, 64)` float32 dans [0, 15].

    Source : Kendall et al., arXiv 1703.04309, équation 1, pour la moyenne des décalages.
    """
    pairs = keras.Input((2, SIDE_PX, SIDE_PX), dtype="uint8")
    x = layers.Rescaling(1 / 64, -2)(pairs)
    views = layers.Reshape((2, SIDE_PX, SIDE_PX, 1))(x)
    tower = [
        layers.Conv2D(FEATURES, 5, padding="same", activation="relu"),
        layers.Conv2D(FEATURES, 3, padding="same"),
    ]
    # Les deux images passent par les mêmes poids : (n, 64, 64, 16) pour chacune. Leurs vecteurs ont
    # une norme de 1, pour que leur produit compare comme la ZNCC.
    left, right = (ops.normalize(tower[1](tower[0](views[:, k]))) for k in (0, 1))
    matches = SHARPNESS * correlate(left, right)  # (n, 64, 64, 16)
    x = layers.Concatenate()([matches, left])
    x = fine = block(layers.Conv2D(WIDTHS[0], 3, strides=2, padding="same", use_bias=False), x)
    x = block(layers.Conv2D(WIDTHS[1], 3, strides=2, padding="same", use_bias=False), x)
    for dilation in (1, 2):  # (n, 16, 16, 48)
        around = layers.Conv2D(WIDTHS[1], 3, dilation_rate=dilation, padding="same", use_bias=False)
        x = x + block(around, x)
    x = block(layers.Conv2DTranspose(WIDTHS[0], 4, 2, padding="same", use_bias=False), x) + fine
    x = layers.Conv2DTranspose(MAX_DISPARITY, 4, 2, padding="same")(x)  # (n, 64, 64, 16)
    scores = layers.Activation("softmax", dtype="float32")(x + matches)
    answer = ops.sum(scores * ops.arange(MAX_DISPARITY, dtype="float32"), axis=-1)
    return keras.Model(pairs, answer, name="depth")


# --- Question : de combien se trompe-t-on, et où ? -----------------------------------


def judge(found: np.ndarray, pairs: Pairs) -> dict[tuple[str, str], float]:
    """Rend l'écart absolu moyen et la part des pixels faux de plus d'un pixel.

    Args:
        found: disparités `(n, h, w)`, ou une seule.
        pairs: la vérité.

    Returns:
        `{("mae", "all"): …, ("bad", "all"): …, ("mae", "hidden"): …, ("bad", "hidden"): …}` : pour
        tous les pixels, puis pour ceux que la caméra de droite ne voit pas.
    """
    error = np.abs(found - pairs.disparity)
    measured = {}
    for region, inside in (("all", error), ("hidden", error[pairs.hidden])):
        measured["mae", region] = float(inside.mean())
        measured["bad", region] = float((inside > TOLERANCE_PX).mean())
    return measured


def depth_cm(disparity):
    """Rend la profondeur, en centimètres : focale × écartement / disparité."""
    return FOCAL_PX * BASELINE_CM / disparity
