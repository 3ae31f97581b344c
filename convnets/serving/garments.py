"""Découper un vêtement d'une image, et le présenter comme Fashion-MNIST.

Un fond transparent ou uni s'enlève sans rien apprendre. N'importe que Pillow et NumPy : `./predict`
passe par ici.
"""

import numpy as np
from PIL import Image

from convnets.serving.digits import label

WORK_PX = 256  # côté auquel une image est examinée
# Un fond est uni si 80 % du bord est à 12 niveaux de sa couleur ; le reste peut être du vêtement.
# C'est le cas de 25 photographies de boutique sur 29, et de 4 sur 341 dont le fond est réel. Une
# ombre s'en écarte plus.
PLAIN, MIN_PLAIN, SHADOW = 12, 0.8, 30
MIN_SHARE, MAX_SHARE = 0.03, 0.97  # part de l'image qu'un vêtement occupe
MIN_PIECE = 0.1  # part du plus gros morceau, pour en être un autre : deux chaussures


def garment_square(image: Image.Image, side_px: int) -> np.ndarray | None:
    """Rend le vêtement d'une image comme Fashion-MNIST le montrerait.

    Args:
        image: image Pillow `RGB`, telle que la rend `open_image`.
        side_px: côté de ce que lit le réseau.

    Returns:
        uint8 `(side_px, side_px)`, ou None si le fond n'est ni transparent ni uni. Le fond est
        noir ; le vêtement, au milieu, a le plus grand côté possible, et est d'autant plus clair que
        l'image est sombre.

    Source : Xiao, Rasul et Vollgraf, arXiv 1708.07747, 2017, §2 (cadrage de Fashion-MNIST).
    """
    small = image.copy()
    small.thumbnail((WORK_PX, WORK_PX), reducing_gap=2.0)
    alpha = image.info.get("alpha")
    opaque = alpha is None or alpha.getextrema()[0] > 127
    mask = _differs(np.asarray(small)) if opaque else np.asarray(alpha.resize(small.size)) > 127
    if not MIN_SHARE < mask.mean() < MAX_SHARE:
        return None
    pieces, count = label(mask)
    sizes = np.bincount(pieces[mask], minlength=count + 1)
    mask = mask & (sizes >= MIN_PIECE * sizes.max())[pieces]
    negative = np.where(mask, 255 - np.asarray(small.convert("L")), 0).astype(np.float32)
    rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    box = negative[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = (max(1, round(side * side_px / max(box.shape))) for side in box.shape)
    placed = np.asarray(Image.fromarray(box).resize((width, height))).clip(0)
    top, left = (side_px - height) // 2, (side_px - width) // 2
    around = [(top, side_px - height - top), (left, side_px - width - left)]
    return np.pad((255 * placed / max(1, placed.max())).round().astype(np.uint8), around)


def _differs(pixels: np.ndarray) -> np.ndarray:
    """Rend ce qui se détache d'un fond uni, `(h, w)` ; rien si le fond ne l'est pas."""
    edge = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    ground = np.median(edge, axis=0)
    plain = (abs(edge - ground).max(-1) <= PLAIN).mean() >= MIN_PLAIN
    near = abs(pixels - ground).max(-1) <= SHADOW
    # Du blanc au milieu d'un vêtement n'est pas du fond : lui touche le bord.
    pieces, _ = label(near)
    outside = np.concatenate([pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1]])
    return plain & ~(near & np.isin(pieces, outside))
