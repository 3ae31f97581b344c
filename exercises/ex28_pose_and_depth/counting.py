"""Compter une foule : la somme d'une carte de densité, ou le nombre de têtes détectées.

D'après : S3 « Crowd Understanding ».

Le même réseau, deux cibles. Une carte de densité a une tache de somme 1 par tête : les taches
peuvent se recouvrir, la somme de la carte reste le compte. Une carte de pics vaut 1 au milieu de
chaque tête : on compte ses maximums, et deux têtes trop proches n'en font plus qu'un.
"""

import keras
import numpy as np
from keras import layers, ops
from scipy.ndimage import maximum_filter

from exercises.ex28_pose_and_depth.puppets import SIDE_PX
from exercises.ex28_pose_and_depth.training import block

SPREADS_PX = {"density": 2.0, "peaks": 1.0}  # écart-type d'une tache
SCALE = 100.0  # le réseau rend des têtes pour cent pixels : une tache seule y vaut 4 au plus
WIDTHS = (16, 32, 48)  # canaux des cartes de 64, 32 et 16 pixels de côté
PEAK_PX = 3  # côté de la fenêtre dont un maximum est le plus grand
THRESHOLDS = np.linspace(0.05, 0.95, 37)  # essayés ; la validation choisit
NAMES_FR = {
    "density": "somme d'une densité",
    "peaks": "têtes détectées",
    "constant": "toujours le compte moyen",
}


# --- Question : que doit rendre le réseau ? ------------------------------------------


def density_map(heads: np.ndarray) -> np.ndarray:
    """Dessine une tache gaussienne par tête, de somme 1 dans l'image, même au bord.

    Son écart-type est de 2 pixels. Le pixel i couvre [i, i + 1[ : son centre est en i + 0,5.

    Args:
        heads: `(k, 2)` : x, y en pixels ; les lignes de NaN ne comptent pas.

    Returns:
        `(64, 64)` float32, de somme k : des têtes par pixel.

    Source : Lempitsky et Zisserman, « Learning to Count Objects in Images », NIPS 2010.
    """
    across, down = _spots(heads, SPREADS_PX["density"])
    across /= across.sum(1, keepdims=True)  # ce qui sortirait de l'image est rendu à l'intérieur
    down /= down.sum(1, keepdims=True)
    return (down.T @ across).astype(np.float32)


def peak_map(heads: np.ndarray) -> np.ndarray:
    """Dessine un pic de hauteur 1 par tête ; là où deux se recouvrent, le plus haut.

    Args:
        heads: `(k, 2)` : x, y en pixels ; les lignes de NaN ne comptent pas.

    Returns:
        `(64, 64)` float32 dans [0, 1] ; 1 au centre d'une tête centrée sur un pixel.

    Source : Zhou, Wang et Krähenbühl, « Objects as Points », arXiv 1904.07850, § 3.
    """
    across, down = _spots(heads, SPREADS_PX["peaks"])
    peaks = down[:, :, None] * across[:, None]  # (k, 64, 64)
    return peaks.max(0, initial=0).astype(np.float32)


def _spots(heads: np.ndarray, spread_px: float) -> tuple[np.ndarray, np.ndarray]:
    """Rend les profils `(k, 64)` de chaque tache, en x puis en y : elle en est le produit."""
    heads = heads[~np.isnan(heads[:, 0])]
    pixels = np.arange(SIDE_PX) + 0.5
    return tuple(
        np.exp(-((pixels - heads[:, axis, None]) ** 2) / (2 * spread_px**2)) for axis in (0, 1)
    )


TARGETS = {"density": density_map, "peaks": peak_map}


# --- Question : un réseau, deux cibles -----------------------------------------------


def build_model(kind: str) -> keras.Model:
    """Construit le réseau, tout en convolutions ; seule sa dernière fonction change.

    Args:
        kind: `"density"`, des têtes pour cent pixels ; `"peaks"`, une probabilité par pixel.

    Returns:
        Modèle : images uint8 `(n, 64, 64, 3)` → `(n, 64, 64)` float32.
    """
    images = keras.Input((SIDE_PX, SIDE_PX, 3), dtype="uint8")
    x = layers.Rescaling(1 / 127.5, -1)(images)
    kept = []
    for k, width in enumerate(WIDTHS):
        x = block(layers.Conv2D(width, 3, 2 if k else 1, padding="same", use_bias=False), x)
        kept.append(x)  # (n, 64, 64, 16), (n, 32, 32, 32), (n, 16, 16, 48)
    x = block(layers.Conv2D(WIDTHS[-1], 3, padding="same", use_bias=False), x)
    for width, skip in zip(WIDTHS[-2::-1], kept[-2::-1], strict=True):
        up = layers.Conv2DTranspose(width, 4, 2, padding="same", use_bias=False)
        x = block(up, x) + skip
    x = block(layers.Conv2D(WIDTHS[0], 3, padding="same", use_bias=False), x)
    # La densité n'est pas bornée : une fonction qui l'écraserait près de zéro laisserait un peu de
    # foule partout, et la somme de 4 096 pixels en compterait.
    last = {"density": "linear", "peaks": "sigmoid"}[kind]
    x = layers.Conv2D(1, 1, activation=last, dtype="float32")(x)
    return keras.Model(images, x[..., 0], name=f"crowd_{kind}")


def density_loss(density, answer):
    """Moyenne des carrés des écarts, en têtes pour cent pixels."""
    return ops.mean((SCALE * density - answer) ** 2, axis=(1, 2))


def peak_loss(peaks, answer):
    """Entropie croisée de chaque pixel, sommée sur l'image."""
    return ops.sum(ops.binary_crossentropy(peaks, answer), axis=(1, 2))


LOSSES = {"density": density_loss, "peaks": peak_loss}


# --- Question : combien sont-ils ? ---------------------------------------------------


def count_density(answers: np.ndarray) -> np.ndarray:
    """Compte en sommant la densité que rend le réseau : `(n, 64, 64)` → `(n,)`."""
    return answers.sum((1, 2)) / SCALE


def count_peaks(answers: np.ndarray, threshold: float) -> np.ndarray:
    """Compte les maximums locaux d'au moins `threshold` : `(n, 64, 64)` → `(n,)`."""
    return find_peaks(answers, threshold).sum((1, 2))


def find_peaks(answers: np.ndarray, threshold: float) -> np.ndarray:
    """Rend les pixels qui dépassent le seuil et tous leurs voisins : `(n, 64, 64)` booléens."""
    highest = maximum_filter(answers, (0, PEAK_PX, PEAK_PX))
    return (answers == highest) & (answers >= threshold)


def choose_threshold(answers: np.ndarray, counts: np.ndarray) -> float:
    """Rend le seuil qui compte le mieux, en écart absolu moyen, sur la validation."""
    errors = [np.abs(count_peaks(answers, each) - counts).mean() for each in THRESHOLDS]
    return float(THRESHOLDS[int(np.argmin(errors))])
