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

from exercises.ex28_pose_and_depth import semi_global
from exercises.ex28_pose_and_depth.pairs import MAX_DISPARITY
from exercises.ex28_pose_and_depth.training import block

# Ressemblance et côté des fenêtres. Les deux premières sont celles qui conviennent le mieux à
# d'autres paires composées : à 25 pixels, elles n'y gagnent que 0,2 point. La troisième est petite.
# La dernière est vérifiée par l'autre image (`match_checked`), et supporte d'être moins grande.
WINDOWS = {"sad": ("sad", 21), "zncc": ("zncc", 21), "small": ("sad", 7), "checked": ("sad", 15)}
PAIRS_AT_ONCE = 20  # de SGM : leurs coûts tiennent en 100 Mo
FEATURES = 16  # caractéristiques de chaque pixel
SHARPNESS = 10.0  # d'une ressemblance dans [-1, 1] à un score, que lit un softmax
WIDTHS = (32, 48)  # canaux des cartes deux et quatre fois plus petites
TOLERANCE_PX = 1.0  # au-delà, un pixel est faux
BASELINE_CM, FOCAL_PX = 10.0, 60.0  # les deux caméras que l'on suppose : écartement, focale


# --- Question : quelle fenêtre de droite ressemble à celle de gauche ? ---------------


def match_windows(images: np.ndarray, kind: str, *, window_px: int) -> np.ndarray:
    """Apparie des fenêtres : pour chaque pixel de gauche, le décalage de moindre coût.

    Un décalage d, de 0 à 31, compare le pixel `(x, y)` de gauche au pixel `(x - d, y)` de droite.

    Args:
        images: `(n, 2, h, w)` uint8 : gauche, droite.
        kind: `"sad"`, la somme des écarts absolus ; `"zncc"`, l'opposé de la corrélation, où ni
            la luminosité ni le contraste des fenêtres ne comptent.
        window_px: leur côté, impair.

    Returns:
        `(n, h, w)` float64, dans [0, 31] ; entre deux décalages, le sommet d'une parabole.
    """
    return winner(window_costs(images, kind, window_px=window_px))


def window_costs(images: np.ndarray, kind: str, *, window_px: int) -> np.ndarray:
    """Rend le coût de chaque décalage, `(n, h, w, 32)` ; mêmes arguments que `match_windows`."""
    left, right = images[:, 0].astype(float), images[:, 1].astype(float)
    width = left.shape[-1]
    padded = np.pad(right, ((0, 0), (0, 0), (MAX_DISPARITY, 0)), mode="edge")
    costs = []
    for disparity in range(MAX_DISPARITY):
        start = MAX_DISPARITY - disparity
        shifted = padded[:, :, start : start + width]  # ce que la droite montre en x - disparité
        costs.append(COSTS[kind](left, shifted, window_px))
    return np.stack(costs, axis=-1)


def sad(left: np.ndarray, right: np.ndarray, window_px: int) -> np.ndarray:
    """Rend la moyenne des écarts absolus, fenêtre par fenêtre."""
    return uniform_filter(np.abs(left - right), (0, window_px, window_px))


def minus_zncc(left: np.ndarray, right: np.ndarray, window_px: int) -> np.ndarray:
    """Rend l'opposé de la corrélation, dans [-1, 1], par fenêtre ; 0 si l'une est unie."""

    def mean(values):
        return uniform_filter(values, (0, window_px, window_px))

    centers = mean(left), mean(right)
    common = mean(left * right) - centers[0] * centers[1]
    spread = (mean(left**2) - centers[0] ** 2) * (mean(right**2) - centers[1] ** 2)
    return -common / np.sqrt(np.maximum(spread, 1e-6))


COSTS = {"sad": sad, "zncc": minus_zncc}


def cost_at(costs: np.ndarray, disparity: np.ndarray) -> np.ndarray:
    """Rend le coût de chaque pixel à un décalage entier : `(…, décalages)` et `(…)` → `(…)`."""
    return np.take_along_axis(costs, disparity[..., None], axis=-1)[..., 0]


def winner(costs: np.ndarray) -> np.ndarray:
    """Rend le décalage de moindre coût, affiné par une parabole : `(…, décalages)` → `(…)`."""
    best = costs.argmin(-1)
    inside = (best > 0) & (best < costs.shape[-1] - 1)
    step = inside.astype(int)  # au bord, il n'y a pas de voisin : pas de parabole
    before, here, after = [cost_at(costs, best + k * step) for k in (-1, 0, 1)]
    curve = before + after - 2 * here
    return best + np.divide(before - after, 2 * curve, out=np.zeros(curve.shape), where=curve > 0)


# --- Question : et sans rien apprendre, au mieux ? -----------------------------------


def match_checked(images: np.ndarray) -> np.ndarray:
    """Apparie des fenêtres, vérifie par l'autre image, et complète par le fond : `(n, h, w)`."""
    kind, window_px = WINDOWS["checked"]
    return complete(window_costs(images, kind, window_px=window_px))


def match_semi_global(images: np.ndarray) -> np.ndarray:
    """Apparie par SGM, vérifie par l'autre image, et complète par le fond.

    Args:
        images: `(n, 2, h, w)` uint8 : gauche, droite.

    Returns:
        `(n, h, w)` float64.
    """
    parts = [images[k : k + PAIRS_AT_ONCE] for k in range(0, len(images), PAIRS_AT_ONCE)]
    costs = (semi_global.aggregate(semi_global.census_costs(part)) for part in parts)
    return np.concatenate([complete(each) for each in costs])


def complete(costs: np.ndarray) -> np.ndarray:
    """Rend la disparité `(n, h, w)` de coûts `(n, h, w, 32)`, complétée là où rien ne confirme."""
    disparity = winner(costs)
    return semi_global.fill_with_ground(disparity, semi_global.confirmed(disparity, costs))


# --- Question : et si les caractéristiques s'apprennent ? ----------------------------


def correlate(left, right):
    """Compare les caractéristiques de gauche à celles de droite, à chaque décalage.

    Args:
        left: `(n, h, w, c)`.
        right: de même.

    Returns:
        `(n, h, w, 32)` : le produit scalaire ; 0 là où le décalage sort de l'image.

    Source : Dosovitskiy et al., « FlowNet », arXiv 1504.06852, équation 1 ; Mayer et al., « A Large
    Dataset to Train Convolutional Networks… », arXiv 1512.02134, § 5, pour une seule ligne.
    """
    padded = ops.pad(right, ((0, 0), (0, 0), (MAX_DISPARITY, 0), (0, 0)))
    shifted = [padded[:, :, k : k - MAX_DISPARITY or None] for k in range(MAX_DISPARITY, 0, -1)]
    return ops.stack([ops.sum(left * each, axis=-1) for each in shifted], axis=-1)


def build_model() -> keras.Model:
    """Construit le réseau : une tour partagée, une corrélation, puis de quoi regarder autour.

    Tout y est convolution : appris sur des paires carrées, il en lit de plus grandes.

    Returns:
        Modèle : paires uint8 `(n, 2, h, w)`, de côtés multiples de quatre → disparités `(n, h, w)`
        float32 dans [0, 31].

    Source : Kendall et al., arXiv 1703.04309, équation 1, pour la moyenne des décalages.
    """
    pairs = keras.Input((2, None, None), dtype="uint8")
    views = layers.Rescaling(1 / 64, -2)(pairs)[..., None]  # (n, 2, h, w, 1)
    tower = [
        layers.Conv2D(FEATURES, 5, padding="same", activation="relu"),
        layers.Conv2D(FEATURES, 3, padding="same"),
    ]
    # Les deux images passent par les mêmes poids : (n, h, w, 16) pour chacune. Leurs vecteurs ont
    # une norme de 1, pour que leur produit compare comme la ZNCC.
    left, right = (ops.normalize(tower[1](tower[0](views[:, k]))) for k in (0, 1))
    matches = SHARPNESS * correlate(left, right)  # (n, h, w, 32)
    x = layers.Concatenate()([matches, left])
    x = fine = block(layers.Conv2D(WIDTHS[0], 3, strides=2, padding="same", use_bias=False), x)
    x = block(layers.Conv2D(WIDTHS[1], 3, strides=2, padding="same", use_bias=False), x)
    for dilation in (1, 2):  # (n, h / 4, w / 4, 48)
        around = layers.Conv2D(WIDTHS[1], 3, dilation_rate=dilation, padding="same", use_bias=False)
        x = x + block(around, x)
    x = block(layers.Conv2DTranspose(WIDTHS[0], 4, 2, padding="same", use_bias=False), x) + fine
    x = layers.Conv2DTranspose(MAX_DISPARITY, 4, 2, padding="same")(x)  # (n, h, w, 32)
    scores = layers.Activation("softmax", dtype="float32")(x + matches)
    answer = ops.sum(scores * ops.arange(MAX_DISPARITY, dtype="float32"), axis=-1)
    return keras.Model(pairs, answer, name="depth")


# --- Question : de combien se trompe-t-on ? ------------------------------------------


def answer(model: keras.Model, images: np.ndarray, constant: float) -> dict[str, np.ndarray]:
    """Rend les disparités du réseau, des fenêtres et de deux témoins.

    Args:
        model: le réseau siamois.
        images: paires `(n, 2, h, w)` uint8.
        constant: ce que répond partout le premier témoin.

    Returns:
        Huit disparités `(n, h, w)`, celles de `with_network` puis de `without_network`.
    """
    return with_network(model, images, constant) | without_network(images)


def with_network(model: keras.Model, images: np.ndarray, constant: float) -> dict[str, np.ndarray]:
    """Rend les disparités du réseau, et de deux témoins ; mêmes arguments que `answer`.

    Celle de `"blind"` vient du réseau à qui l'on montre deux fois l'image de gauche : il ne peut
    que deviner.
    """
    return {
        "network": model.predict(images, verbose=0),
        "blind": model.predict(images[:, [0, 0]], verbose=0),
        "constant": np.full(images[:, 0].shape, constant),
    }


def without_network(images: np.ndarray) -> dict[str, np.ndarray]:
    """Rend les disparités `(n, h, w)` des méthodes qui n'apprennent rien, par nom."""
    found = {
        name: match_windows(images, kind, window_px=window_px)
        for name, (kind, window_px) in WINDOWS.items()
        if name != "checked"
    }
    return found | {"checked": match_checked(images), "sgm": match_semi_global(images)}


def bad_pixels(found: dict[str, np.ndarray], truth: np.ndarray, where: np.ndarray) -> dict:
    """Rend, par réponse, la part des pixels faux de plus d'un pixel, là où `where` est vrai.

    Args:
        found: disparités rendues par `answer`.
        truth: les vraies `(n, h, w)`.
        where: booléens, de même forme.

    Returns:
        `(n,)` par réponse : une part par paire, où `where` est vrai d'un pixel au moins.

    Source : Scharstein et Szeliski, « A Taxonomy and Evaluation of Dense Two-Frame Stereo
    Correspondence Algorithms », IJCV 47, 2002, équation 2.
    """
    wrong = {name: np.abs(each - truth) > TOLERANCE_PX for name, each in found.items()}
    return {name: each.mean(axis=(1, 2), where=where) for name, each in wrong.items()}


def depth_cm(disparity):
    """Rend la profondeur, en centimètres : focale × écartement / disparité."""
    return FOCAL_PX * BASELINE_CM / disparity


def agreement(pair: np.ndarray, disparity: np.ndarray) -> float:
    """Rend la corrélation de l'image de gauche et de celle de droite, décalée vers elle.

    Args:
        pair: `(2, h, w)`, gauche et droite.
        disparity: `(h, w)`, en pixels : le pixel x de gauche est en x - disparité à droite.

    Returns:
        1 si l'une redonne l'autre, près de 0 si elles n'ont rien de commun, ou sont unies.
    """
    left, right = pair
    places = np.arange(left.shape[1]) - np.round(disparity).astype(int)  # (h, w)
    moved = np.take_along_axis(right, places.clip(0, left.shape[1] - 1), axis=1)
    if not left.std() or not moved.std():
        return 0.0
    return float(np.corrcoef(left.ravel(), moved.ravel())[0, 1])
