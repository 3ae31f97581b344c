"""Image → codes → entiers → octets, et retour : la chaîne que tous les codeurs d'ici partagent.

D'après : S3, figure (7), image → bits → image.
Commande : python -m exercises.ex24_autoencoder

Les codeurs ne diffèrent que par la première étape : un réseau ou une ACP. Chaque code est ensuite
divisé par un pas et arrondi, ce qui perd des détails ; puis un compresseur ordinaire, celui de xz,
écrit les entiers sans rien perdre. Un pas plus grand fait un fichier plus petit : c'est le réglage
de qualité, comme celui de JPEG.
"""

import lzma
import struct
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

STEPS = (192, 128, 96, 64, 48, 32, 24)  # pas des qualités 1 à 7, en niveaux de gris
ROUNDING = 0.35  # au lieu de 0,5 : un code est plus volontiers arrondi vers zéro, qui coûte moins
LIMIT = 127  # plus grand entier écrit, en valeur absolue : il tient dans un octet
BLOCK_PX = 8  # un vecteur de codes par carré de 8 × 8 pixels
HEADER = struct.Struct(">BIII")  # qualité, nombre d'images, hauteur, largeur


class Codec(NamedTuple):
    """Un codeur d'images : une transformation, et son inverse."""

    # images uint8 (n, 8a, 8b, 3) → codes float32 (n, a, b, c) ; et retour, float32 non borné
    analyse: Callable[[np.ndarray], np.ndarray]
    synthesise: Callable[[np.ndarray], np.ndarray]


# --- Question : que perd l'image, et où ? --------------------------------------------


def quantise(codes: np.ndarray, step: float) -> np.ndarray:
    """Arrondit des codes à un multiple du pas.

    La valeur absolue devient la partie entière de |code| / pas + `ROUNDING` ; le signe reste.

    Args:
        codes: réels, de forme quelconque.
        step: le pas.

    Returns:
        int8, même forme, de −LIMIT à LIMIT : un code vaut à peu près `step` fois son entier.
    """
    sizes = np.floor(np.abs(codes) / step + ROUNDING)
    return (np.sign(codes) * np.minimum(sizes, LIMIT)).astype(np.int8)


# --- Question : le fichier, écrit puis relu ------------------------------------------


def pack(codec: Codec, images: np.ndarray, quality: int) -> bytes:
    """Compresse des images de même taille dans le contenu d'un fichier.

    Les entiers sont rangés voie par voie : ceux d'une même voie se ressemblent, et sont souvent des
    zéros. Le compresseur, xz, a été choisi contre zlib et bzip2 sur 256 vignettes d'apprentissage.

    Args:
        codec: le codeur.
        images: uint8 `(n, h, w, 3)`.
        quality: de 1 à 7.
    """
    num, height, width = images.shape[:3]
    margins = [(0, 0), (0, -height % BLOCK_PX), (0, -width % BLOCK_PX), (0, 0)]
    codes = codec.analyse(np.pad(images, margins, mode="edge"))
    planes = np.moveaxis(quantise(codes, STEPS[quality - 1]), -1, 0)  # (c, n, a, b)
    return lzma.compress(HEADER.pack(quality, num, height, width) + planes.tobytes())


def unpack(codec: Codec, content: bytes) -> np.ndarray:
    """Relit des images de ce que `pack` a écrit.

    Args:
        codec: le codeur qui l'a écrit ; un autre rendrait d'autres images.
        content: le contenu du fichier.

    Returns:
        Images uint8 `(n, h, w, 3)`.

    Raises:
        ValueError: ce n'est pas un tel fichier, ou il est abîmé.
    """
    try:
        found = lzma.decompress(content)
    except lzma.LZMAError as error:
        message = "Ce fichier n'a pas été écrit par --compress, ou il est abîmé."
        raise ValueError(message) from error
    quality, num, height, width = HEADER.unpack_from(found)
    rows, columns = -(-height // BLOCK_PX), -(-width // BLOCK_PX)
    planes = np.frombuffer(found, np.int8, offset=HEADER.size).reshape(-1, num, rows, columns)
    codes = np.moveaxis(planes, 0, -1).astype(np.float32) * STEPS[quality - 1]
    images = codec.synthesise(codes)[:, :height, :width]
    return np.clip(np.round(images), 0, 255).astype(np.uint8)


def through_codec(codec: Codec, images: np.ndarray, quality: int) -> tuple[bytes, np.ndarray]:
    """Compresse des images à une qualité, et les relit : `(contenu du fichier, images relues)`."""
    content = pack(codec, images, quality)
    return content, unpack(codec, content)
