"""Compresser une image dans un fichier, et la relire.

D'après : S3, figure (7), image → bits → image.
Commande : python -m exercises.ex24_autoencoder --compress image.png --output code.bin
           python -m exercises.ex24_autoencoder --decompress code.bin --output relue.png

Ce réseau n'a vu que des vignettes de 32 pixels ; il compresse aussi une image plus grande.
"""

from argparse import Namespace

import numpy as np

from convnets.core.images import open_image
from convnets.explaining.dreams import save_picture
from convnets.figures.charts import number
from convnets.figures.style import output_file
from convnets.training import lesson
from exercises.ex24_autoencoder import network
from exercises.ex24_autoencoder.codec import Codec, through_codec, unpack
from exercises.ex24_autoencoder.measures import psnr

QUALITY = 5  # par défaut


def load_codec(options: Namespace) -> Codec:
    """Charge le réseau enregistré par la leçon, ou celui que nomme `--model`."""
    return network.to_codec(lesson.load_saved(options))


# --- Question : image → bits → image -------------------------------------------------


def compress(options: Namespace) -> int:
    """Compresse une image dans un fichier, le relit, et dit ce qu'il pèse ; rend 0."""
    image = np.asarray(open_image(options.compress))
    path = output_file(options, f"{options.compress.stem}.bin")
    content, found = through_codec(load_codec(options), image[None], options.quality)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    rate = number(8 * len(content) / image[..., 0].size, 2)
    text = f"{rate} bit/pixel, PSNR {number(psnr(image[None], found), 1)} dB"
    print(f"{image.size} octets de pixels → {len(content)} octets : {text}\n{path}")
    return 0


def decompress(options: Namespace) -> int:
    """Relit un fichier compressé et en écrit l'image en PNG ; rend 0."""
    path = output_file(options, f"{options.decompress.stem}.png")
    save_picture(unpack(load_codec(options), options.decompress.read_bytes())[0], path)
    print(path)
    return 0
