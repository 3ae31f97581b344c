"""Suppression et insertion : suivre la probabilité d'une classe, pixel après pixel.

D'après : S3 « Introspection d'un CNN ».
Commande : python -m exercises.ex11_curves

Une bonne carte met en tête les pixels dont dépend la réponse. Effacés dans son ordre, la
probabilité de la classe tombe vite : l'aire sous la courbe de suppression est petite. Révélés
dans son ordre, sur une image floue, elle monte vite : l'aire d'insertion est grande.

On efface par cases de 4×4 pixels, et non pixel par pixel. Sur une image si petite, des pixels
épars troublent le réseau par eux-mêmes, et non parce que la carte les a bien choisis.

Source : Petsiuk, Das et Saenko, « RISE », arXiv 1806.07421, 2018 (les deux courbes) ; Samek
et al., arXiv 1509.06321, 2015 (effacer par cases).
"""

import keras
import numpy as np
from scipy import ndimage

NUM_STEPS = 16  # pas d'une courbe (donné) : 64 pixels à la fois, sur une image de 32×32
CELL_PX = 4  # côté des cases, en pixels ; choisi sur des images de validation
BLUR = 1 / 6  # écart-type du flou de l'insertion (donné), en part du côté de l'image
BATCH_SIZE = 256


# --- Question : effacer, ou faire apparaître, les pixels dans l'ordre d'une carte ----


def pixel_order(heatmap: np.ndarray, *, seed: int, cell_px: int = CELL_PX) -> np.ndarray:
    """Range les pixels du plus important au moins important, case par case.

    Args:
        heatmap: carte `(H, W)`.
        seed: graine du tirage entre cases égales ; sans ce tirage, les zéros d'une carte
            partiraient ligne par ligne, du haut de l'image.
        cell_px: côté des cases ; une case vaut la moyenne de ses pixels.

    Returns:
        Numéros des pixels, `(H · W,)`.
    """
    rows, columns = np.indices(heatmap.shape) // cell_px
    cells = (rows * (columns.max() + 1) + columns).reshape(-1)
    means = np.bincount(cells, heatmap.reshape(-1)) / np.bincount(cells)
    ties = np.random.default_rng(seed).permutation(len(means))
    return np.lexsort((ties[cells], -means[cells]))


def frames(start: np.ndarray, end: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Passe d'une image à une autre en `NUM_STEPS` pas, pixel par pixel.

    Args:
        start: `(H, W, 3)` uint8.
        end: `(H, W, 3)` uint8.
        order: rendu par `pixel_order`.

    Returns:
        `(NUM_STEPS + 1, H, W, 3)` uint8, de `start` à `end`.
    """
    place = np.empty(order.size, int)
    place[order] = np.arange(order.size)
    counts = np.linspace(0, order.size, NUM_STEPS + 1).round()
    changed = place.reshape(1, *start.shape[:2], 1) < counts.reshape(-1, 1, 1, 1)
    return np.where(changed, end, start)


def deletion_and_insertion(
    model: keras.Model,
    image: np.ndarray,
    class_index: int,
    heatmaps: dict,
    *,
    seed: int = 0,
    cell_px: int = CELL_PX,
) -> dict[str, np.ndarray]:
    """Trace les deux courbes de chaque carte ; un seul appel du réseau suffit.

    Args:
        model: images uint8 → probabilités.
        image: `(H, W, 3)` uint8.
        class_index: classe expliquée.
        heatmaps: cartes `(H, W)` par nom.
        seed: voir `pixel_order` ; le même tirage sert à toutes les cartes.
        cell_px: voir `pixel_order`.

    Returns:
        Par nom, `(2, NUM_STEPS + 1)` float32 : les probabilités de la suppression, sous la
        couleur moyenne de l'image, puis celles de l'insertion, sur l'image passée dans un flou
        gaussien (écart-type : un sixième du côté).
    """
    ground = np.broadcast_to(image.mean((0, 1)).round().astype(np.uint8), image.shape)
    sigmas = (BLUR * image.shape[0], BLUR * image.shape[1], 0)
    blurred = ndimage.gaussian_filter(image.astype(float), sigmas).round().astype(np.uint8)
    orders = [pixel_order(each, seed=seed, cell_px=cell_px) for each in heatmaps.values()]
    batch = [
        each
        for order in orders
        for each in (frames(image, ground, order), frames(blurred, image, order))
    ]
    found = model.predict(np.concatenate(batch), batch_size=BATCH_SIZE, verbose=0)
    curves = found[:, class_index].reshape(len(heatmaps), 2, NUM_STEPS + 1)
    return dict(zip(heatmaps, curves, strict=True))


def area(curve: np.ndarray) -> float:
    """Rend l'aire sous une courbe de `NUM_STEPS + 1` points, la part des pixels allant de 0 à 1."""
    return float(np.trapezoid(curve, dx=1 / (len(curve) - 1)))
