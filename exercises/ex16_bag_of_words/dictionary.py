"""Le dictionnaire : des petits morceaux d'image, normalisés, blanchis, puis regroupés en mots.

D'après : S3 « Avant le deep », étape 1 : extraire un dictionnaire de features.
Commande : python -m exercises.ex16_bag_of_words

Aucune étiquette n'est lue ici : les mots ne savent rien des classes.
"""

from typing import NamedTuple

import numpy as np
from sklearn.cluster import MiniBatchKMeans

SIZES = (50, 200, 800)  # mots des dictionnaires essayés ; le dernier est livré
PATCH_PX = 6  # côté d'un morceau
NUM_PATCHES = 60_000  # morceaux tirés au hasard pour apprendre les mots
CONTRAST = 10.0  # ajouté à la variance d'un morceau, en niveaux de gris au carré
EPSILON = 0.1  # (donné) ajouté à chaque valeur propre : ne pas grossir le bruit
MAX_PASSES = 20  # de k-means sur les morceaux tirés


class Dictionary(NamedTuple):
    """Ce qu'il faut pour nommer un morceau d'image."""

    whitening: np.ndarray  # (d, d) float32, d = 3·PATCH_PX² ; la somme de chaque colonne est nulle
    words: np.ndarray  # (mots, d) float32, blanchis, du plus fréquent au plus rare


# --- Question : de l'image aux morceaux ----------------------------------------------


def sample_patches(x: np.ndarray, num_patches: int, *, seed: int) -> np.ndarray:
    """Tire des morceaux au hasard, image et position.

    Args:
        x: images uint8 `(n, h, w, 3)`.
        num_patches: combien ; un morceau peut revenir, et tous ont la même chance.
        seed: graine du tirage.

    Returns:
        `(num_patches, 3·PATCH_PX²)` float32 dans [0, 255], ligne, colonne puis canal.
    """
    windows = np.lib.stride_tricks.sliding_window_view(x, (PATCH_PX, PATCH_PX), axis=(1, 2))
    rng = np.random.default_rng(seed)
    where = tuple(rng.integers(0, bound, num_patches) for bound in windows.shape[:3])
    patches = windows[where].transpose(0, 2, 3, 1)  # (num_patches, 6, 6, 3)
    return patches.reshape(num_patches, -1).astype(np.float32)


def normalise(patches: np.ndarray) -> np.ndarray:
    """Ôte à chaque morceau sa moyenne et le divise par son écart-type : ni clarté, ni contraste.

    Args:
        patches: `(n, d)` dans [0, 255].

    Returns:
        `(n, d)` float32, `(morceau - moyenne) / √(variance + CONTRAST)` ; `CONTRAST` évite de
        grossir le bruit d'un ciel uni.

    Source : Coates, Lee et Ng, AISTATS 2011, section 3.1.
    """
    centred = patches - patches.mean(1, keepdims=True)
    return (centred / np.sqrt(patches.var(1, keepdims=True) + CONTRAST)).astype(np.float32)


def whitening_matrix(normalised: np.ndarray) -> np.ndarray:
    """Calcule la matrice qui décorrèle les pixels d'un morceau (blanchiment ZCA).

    Sans elle, les mots seraient presque tous des taches floues : deux pixels voisins se
    ressemblent, et la distance ne verrait que cela.

    La covariance est celle des pixels : la moyenne de chacun, sur les morceaux, en est ôtée. V
    étant ses vecteurs propres, en colonnes, et λ ses valeurs propres :
    `V · diag(1/√(λ + EPSILON)) · Vᵀ`, puis la moyenne de chaque colonne est ôtée.

    Args:
        normalised: `(n, d)`, rendu par `normalise`.

    Returns:
        `(d, d)` float32 ; appliquée à un morceau non centré, elle le centre aussi.
    """
    values, vectors = np.linalg.eigh(np.cov(normalised, rowvar=False))
    matrix = (vectors / np.sqrt(values + EPSILON)) @ vectors.T
    return (matrix - matrix.mean(0)).astype(np.float32)


# --- Question : des morceaux aux mots ------------------------------------------------


def learn_dictionary(x: np.ndarray, num_words: int, *, seed: int) -> Dictionary:
    """Apprend les mots : les centres de k-means sur des morceaux blanchis.

    Args:
        x: images uint8 `(n, h, w, 3)`.
        num_words: taille du dictionnaire.
        seed: graine du tirage et de k-means.

    Returns:
        Le dictionnaire.

    Source : Csurka et al., ECCV 2004 (le vocabulaire visuel) ; Coates, Lee et Ng, AISTATS 2011.
    """
    normalised = normalise(sample_patches(x, NUM_PATCHES, seed=seed))
    whitening = whitening_matrix(normalised)
    groups = MiniBatchKMeans(
        num_words, batch_size=4096, max_iter=MAX_PASSES, n_init=1, random_state=seed
    ).fit(normalised @ whitening)
    order = np.argsort(-np.bincount(groups.labels_, minlength=num_words), kind="stable")
    return Dictionary(whitening, groups.cluster_centers_[order].astype(np.float32))


def draw_dictionary(x: np.ndarray, num_words: int, *, seed: int) -> Dictionary:
    """Tire les mots au hasard parmi les morceaux blanchis : le témoin de `learn_dictionary`.

    Args:
        x: images uint8 `(n, h, w, 3)`.
        num_words: taille du dictionnaire.
        seed: graine du tirage.

    Returns:
        Le dictionnaire : mêmes morceaux et même blanchiment ; ses mots ne sont pas rangés.

    Source : Coates et Ng, « The Importance of Encoding Versus Training with Sparse Coding and
    Vector Quantization », ICML 2011.
    """
    normalised = normalise(sample_patches(x, NUM_PATCHES, seed=seed))
    whitening = whitening_matrix(normalised)
    return Dictionary(whitening, normalised[:num_words] @ whitening)  # déjà dans un ordre au hasard


def word_pictures(dictionary: Dictionary) -> np.ndarray:
    """Défait le blanchiment, pour montrer chaque mot comme un morceau d'image.

    Args:
        dictionary: rendu par `learn_dictionary`.

    Returns:
        `(mots, PATCH_PX, PATCH_PX, 3)` uint8 : gris pour la moyenne, le contraste de chaque mot
        étiré au maximum ; celui d'un mot presque uni l'est moins.
    """
    # La direction constante est perdue, d'où la pseudo-inverse.
    patches = dictionary.words @ np.linalg.pinv(dictionary.whitening, rcond=1e-4)
    peaks = np.abs(patches).max(1, keepdims=True)
    peaks = np.maximum(peaks, max(np.median(peaks) / 2, 1e-6))
    pixels = np.round(127.5 * (1 + patches / peaks)).astype(np.uint8)
    return pixels.reshape(-1, PATCH_PX, PATCH_PX, 3)
