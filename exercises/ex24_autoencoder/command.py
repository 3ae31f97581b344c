"""Compresser une image dans un fichier, et la relire.

D'après : S3, figure (7), image → bits → image.
Commande : python -m exercises.ex24_autoencoder --compress image.png --output code.bin
           python -m exercises.ex24_autoencoder --decompress code.bin --output relue.png

Ce réseau n'a vu que des vignettes de 32 pixels. Sur une grande photographie, plus lisse, JPEG et
WebP le dépassent.
"""

from argparse import Namespace
from pathlib import Path

import numpy as np

from convnets.core import paths
from convnets.core.cli import printable
from convnets.core.images import open_image
from convnets.core.reports import read_report
from convnets.explaining.dreams import save_picture
from convnets.figures.charts import number
from convnets.figures.style import output_file
from convnets.training import saving
from exercises.ex24_autoencoder import network
from exercises.ex24_autoencoder.codec import Codec, through_codec, unpack
from exercises.ex24_autoencoder.measures import psnr

QUALITY = 5  # par défaut


def load_codec() -> Codec:
    """Charge le réseau, et les statistiques que son compte rendu a gardées.

    Raises:
        FileNotFoundError: modèle absent.
        ValueError: le modèle et son compte rendu ne vont pas ensemble.
    """
    report = read_report("ex24_autoencoder", models_dir=paths.MODELS_DIR)
    model = saving.load_model("ex24_autoencoder", models_dir=paths.MODELS_DIR)
    return Codec(*network.transform(model), report.details["statistics"])


# --- Question : image → bits → image -------------------------------------------------


def compress(options: Namespace) -> int:
    """Compresse une image dans un fichier, le relit, et dit ce qu'il pèse ; rend 0."""
    image = np.asarray(open_image(options.compress))
    path = target(options, options.compress, ".bin")
    codec = load_codec()
    content, found = through_codec(codec, image[None], options.quality)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    rate = number(8 * len(content) / image[..., 0].size, 2)
    text = f"{rate} bit/pixel, PSNR {number(psnr(image[None], found), 1)} dB"
    print(f"{image.size} octets de pixels → {len(content)} octets : {text}\n{path}")
    return 0


def decompress(options: Namespace) -> int:
    """Relit un fichier compressé et en écrit l'image en PNG ; rend 0."""
    content = options.decompress.read_bytes()
    path = target(options, options.decompress, ".png")
    save_picture(unpack(load_codec(), content)[0], path)
    print(path)
    return 0


def target(options: Namespace, source: Path, suffix: str) -> Path:
    """Rend le fichier à écrire : `--output`, ou le nom de la source dans le dossier des figures.

    Raises:
        ValueError: c'est la source elle-même, ou une image dont le nom ne finit pas par `.png`.
    """
    path = output_file(options, f"{source.stem}{suffix}")
    if path.exists() and path.samefile(source):
        raise ValueError(
            f"--output : {printable(str(path))} est le fichier lu, qui serait remplacé. Donnez un "
            "autre nom."
        )
    return path
