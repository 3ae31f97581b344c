"""Image → codes → entiers → octets, et retour : la chaîne que tous les codeurs d'ici partagent.

D'après : S3, figure (7), image → bits → image.
Commande : python -m exercises.ex24_autoencoder

Les codeurs ne diffèrent que par la première étape : un réseau ou une ACP. Chaque code est ensuite
divisé par un pas et arrondi, ce qui perd des détails ; puis `coder.py` écrit les entiers, sans rien
perdre. Un pas plus grand fait un fichier plus petit : c'est le réglage de qualité, comme celui de
JPEG.
"""

import struct
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from exercises.ex24_autoencoder import coder

STEPS = (192, 128, 96, 64, 48, 32, 24)  # pas des qualités 1 à 7, en niveaux de gris
ROUNDING = 0.35  # au lieu de 0,5 : un code est plus volontiers arrondi vers zéro, qui coûte moins
BLOCK_PX = 8  # un vecteur de codes par carré de 8 × 8 pixels
MAX_PIXELS = 4_000_000  # d'un fichier
MAX_SIDE_PX = 65_535  # seize bits dans l'en-tête
HEADER = struct.Struct(">4sBHHH")  # signature, qualité, images, hauteur, largeur : 11 octets
SIGNATURE = b"ex24"


class Codec(NamedTuple):
    """Un codeur d'images : sa transformation, et les statistiques de ce qu'elle rend."""

    # images uint8 (n, 8a, 8b, 3) → codes float32 (n, a, b, c) ; et retour, float32 non borné
    analyse: Callable[[np.ndarray], np.ndarray]
    synthesise: Callable[[np.ndarray], np.ndarray]
    statistics: list[list[tuple[int, int]]]  # par qualité et par voie, ce qu'il faut à `Table`

    def tables(self, quality: int, num_vectors: int) -> list[coder.Table]:
        """Rend la table de chaque entier de `num_vectors` vecteurs, à une qualité."""
        return [coder.Table(*each) for each in self.statistics[quality - 1]] * num_vectors


# --- Question : que perd l'image, et où ? --------------------------------------------


def quantise(codes: np.ndarray, step: float) -> np.ndarray:
    """Arrondit des codes à un multiple du pas.

    La valeur absolue devient la partie entière de |code| / pas + `ROUNDING` ; le signe reste.

    Args:
        codes: réels, de forme quelconque.
        step: le pas.

    Returns:
        Entiers, même forme, de −LIMIT à LIMIT : un code vaut à peu près `step` fois son entier.
    """
    sizes = np.floor(np.abs(codes) / step + ROUNDING)
    return (np.sign(codes) * np.minimum(sizes, coder.LIMIT)).astype(np.int64)


def make_codec(analyse, synthesise, images: np.ndarray) -> Codec:
    """Fait un codeur d'une transformation : compte, à chaque qualité, les entiers qu'elle rend.

    Args:
        analyse: voir `Codec`.
        synthesise: voir `Codec`.
        images: uint8 `(n, h, w, 3)`, d'apprentissage : ces statistiques font partie du codeur.
    """
    codes = analyse(images)
    return Codec(analyse, synthesise, [coder.count(quantise(codes, step)) for step in STEPS])


# --- Question : le fichier, écrit puis relu ------------------------------------------


def pack(codec: Codec, images: np.ndarray, quality: int) -> bytes:
    """Compresse des images de même taille dans le contenu d'un fichier.

    Args:
        codec: le codeur.
        images: uint8 `(n, h, w, 3)` ; n, h et w de 1 à 65 535.
        quality: de 1 à 7.

    Returns:
        L'en-tête, puis tous les codes, image après image.

    Raises:
        ValueError: un côté de plus de `MAX_SIDE_PX` pixels, ou plus de `MAX_PIXELS` pixels.
    """
    num, height, width = images.shape[:3]
    if max(height, width) > MAX_SIDE_PX or num * height * width > MAX_PIXELS:
        raise ValueError(
            f"Cette image a {height} × {width} pixels ; des côtés de 1 à {MAX_SIDE_PX} et au plus "
            f"{MAX_PIXELS} pixels sont attendus : réduisez-la d'abord."
        )
    margins = [(0, 0), (0, -height % BLOCK_PX), (0, -width % BLOCK_PX), (0, 0)]
    codes = codec.analyse(np.pad(images, margins, mode="edge"))
    symbols = quantise(codes, STEPS[quality - 1])
    tables = codec.tables(quality, symbols[..., 0].size)
    header = HEADER.pack(SIGNATURE, quality, num, height, width)
    return header + coder.encode(symbols.reshape(-1).tolist(), tables)


def unpack(codec: Codec, content: bytes) -> np.ndarray:
    """Relit des images de ce que `pack` a écrit.

    Args:
        codec: le codeur qui l'a écrit.
        content: le contenu du fichier.

    Returns:
        Images uint8 `(n, h, w, 3)`.

    Raises:
        ValueError: ce n'est pas un tel fichier, il vient d'un autre codeur, ou il est abîmé.
    """
    head, code = content[: HEADER.size], content[HEADER.size :]
    signature, quality, num, height, width = HEADER.unpack(head.ljust(HEADER.size))
    possible = 1 <= quality <= len(STEPS) and 0 < num * height * width <= MAX_PIXELS
    if signature != SIGNATURE or not possible:
        raise ValueError("Ce fichier n'a pas été écrit par --compress, ou son début est abîmé.")
    rows, columns = -(-height // BLOCK_PX), -(-width // BLOCK_PX)
    symbols = coder.decode(code, codec.tables(quality, num * rows * columns))
    codes = np.array(symbols, np.float32).reshape(num, rows, columns, -1) * STEPS[quality - 1]
    images = codec.synthesise(codes)[:, :height, :width]
    return np.clip(np.round(images), 0, 255).astype(np.uint8)


def through_codec(codec: Codec, images: np.ndarray, quality: int) -> tuple[bytes, np.ndarray]:
    """Compresse des images à une qualité, et les relit : `(contenu du fichier, images relues)`."""
    content = pack(codec, images, quality)
    return content, unpack(codec, content)
