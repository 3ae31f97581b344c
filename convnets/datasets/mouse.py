"""Une souris qui marche, vue de côté et dans un miroir, et dix-sept points annotés à la main.

90 images grises d'environ 400 pixels de côté (licence MIT), les exemples d'un dépôt de 8 Mo. Elles
viennent du cache, ou de GitHub.

Source : Biderman, Whiteway et al., « Lightning Pose », Nature Methods 21, 2024 ; Warren et al.,
eLife 10, 63596, 2021, pour la souris.
"""

import csv
from pathlib import Path
from typing import NamedTuple

import numpy as np

from convnets.datasets import archives

COMMIT = "f54c4778ad1cc70af7be940919073793a70f3eef"
ARCHIVE = archives.Archive(
    "souris",
    f"https://github.com/paninski-lab/lightning-pose/archive/{COMMIT}.zip",
    inside="lightning-pose-*/data/mirror-mouse-example",
    contents="CollectedData.csv et labeled-data/",
    size_mb=8,
    what="Les images",
)
COUNT = 90
# De côté, puis dans le miroir, d'en dessous ; l'obstacle est la barre que la souris enjambe.
POINTS = [
    *("paw1LH_top", "paw2LF_top", "paw3RF_top", "paw4RH_top", "tailBase_top", "tailMid_top"),
    *("nose_top", "obs_top"),
    *("paw1LH_bot", "paw2LF_bot", "paw3RF_bot", "paw4RH_bot", "tailBase_bot", "tailMid_bot"),
    *("nose_bot", "obsHigh_bot", "obsLow_bot"),
]


class Mouse(NamedTuple):
    """Les images annotées, dans l'ordre de leurs numéros."""

    paths: list[Path]
    points: np.ndarray  # (90, 17, 2) float32 : x, y en pixels de l'image ; NaN, non annoté


def load_mouse() -> Mouse:
    """Rend les images et leurs points.

    Raises:
        FileNotFoundError: aucune source n'a abouti ; le message dit quoi mettre où.
    """
    return archives.load(ARCHIVE, _read)


def _read(folder: Path) -> Mouse:
    path = folder / "CollectedData.csv"
    with open(path, encoding="utf-8", newline="") as file:
        _, names, _, *rows = csv.reader(file)  # l'annotateur, les points, « x » et « y »
    if names[1::2] != POINTS:
        raise ValueError(f"{path} n'a pas les {len(POINTS)} points attendus")
    paths = [folder / row[0] for row in rows]
    present = sum(path.is_file() for path in paths)
    if present != COUNT:
        raise ValueError(f"{folder} a {present} images annotées, attendu {COUNT}")
    points = np.array([[value or "nan" for value in row[1:]] for row in rows], np.float32)
    return Mouse(paths, points.reshape(COUNT, len(POINTS), 2))
