"""Des photographies de sang au microscope, et une boîte par cellule : BCCD.

364 photographies (licence MIT), 4 888 boîtes : 205 pour apprendre, 87 de validation, 72 de test,
comme leurs auteurs les ont partagées. Elles viennent du cache, ou de GitHub.

Source : « BCCD Dataset », https://github.com/Shenggan/BCCD_Dataset, 2018.
"""

from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import numpy as np

from convnets.datasets import archives
from convnets.datasets.scenes import ABSENT

COMMIT = "d272fb14cdff6e473fafeeeba32aba5f560e9e43"
ARCHIVE = archives.Archive(
    "BCCD",
    f"https://github.com/Shenggan/BCCD_Dataset/archive/{COMMIT}.zip",
    inside="BCCD_Dataset-*/BCCD",
    contents="Annotations/, ImageSets/ et JPEGImages/",
    size_mb=8,
)
COUNTS = {"train": 205, "val": 87, "test": 72}
CLASSES = ["RBC", "WBC", "Platelets"]
CLASSES_FR = ["Globule rouge", "Globule blanc", "Plaquette"]
MOST = 30  # cellules d'une photographie
CORNERS = ("xmin", "ymin", "xmax", "ymax")


class Photographs(NamedTuple):
    """Des photographies et leur vérité."""

    paths: list[Path]
    boxes: np.ndarray  # (n, 30, 4) float32 : x0, y0, x1, y1, en parts des côtés de l'image
    labels: np.ndarray  # (n, 30) int32 : rang dans `CLASSES`, ABSENT pour une ligne vide


def load_cells() -> dict[str, Photographs]:
    """Rend les photographies de chaque part : `train`, `val` et `test`.

    Raises:
        FileNotFoundError: aucune source n'a abouti ; le message dit quoi mettre où.
    """
    return archives.load(ARCHIVE, _read)


def _read(folder: Path) -> dict[str, Photographs]:
    parts = {}
    for part in COUNTS:
        names = (folder / "ImageSets" / "Main" / f"{part}.txt").read_text().split()
        paths = [folder / "JPEGImages" / f"{name}.jpg" for name in names]
        shape = len(names), MOST
        boxes, labels = np.zeros((*shape, 4), np.float32), np.full(shape, ABSENT, np.int32)
        for i, name in enumerate(names):
            tree = ElementTree.parse(folder / "Annotations" / f"{name}.xml")
            sides = [int(tree.findtext(f"size/{side}")) for side in ("width", "height")]
            for k, cell in enumerate(tree.iter("object")):
                corners = [int(cell.findtext(f"bndbox/{corner}")) for corner in CORNERS]
                boxes[i, k] = np.divide(corners, 2 * sides)
                labels[i, k] = CLASSES.index(cell.findtext("name"))
        parts[part] = Photographs([path for path in paths if path.is_file()], boxes, labels)
    if (found := {part: len(each.paths) for part, each in parts.items()}) != COUNTS:
        raise ValueError(f"photographies de {folder} : {found}, attendu {COUNTS}")
    return parts
