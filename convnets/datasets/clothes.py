"""Des photographies de vêtements, dix classes, en dossiers : clothing-dataset-small.

3 781 photographies dans le domaine public (CC0) : 3 068 pour apprendre, 341 de validation, 372 de
test. Elles viennent du cache, ou de GitHub.

Source : Grigorev, « Clothing dataset », https://github.com/alexeygrigorev/clothing-dataset-small,
2020.
"""

import os
import shutil
import urllib.request
from functools import partial
from pathlib import Path

from convnets.core.paths import data_cache_dir
from convnets.datasets import folders, packages

NAME, COMMIT = "clothing-dataset-small", "11961516512414bf9f6c150a832cfd21b54a6b54"
ADDRESS = f"https://github.com/alexeygrigorev/{NAME}/archive/{COMMIT}.zip"
COUNTS = {"train": 3068, "validation": 341, "test": 372}
CLASSES_FR = {  # dans l'ordre des dossiers
    "dress": "Robe",
    "hat": "Chapeau",
    "longsleeve": "Haut à manches longues",
    "outwear": "Veste ou manteau",
    "pants": "Pantalon",
    "shirt": "Chemise",
    "shoes": "Chaussures",
    "shorts": "Short",
    "skirt": "Jupe",
    "t-shirt": "T-shirt",
}


def load_clothes() -> dict[str, folders.Pictures]:
    """Rend les photographies de chaque part : `train`, `validation` et `test`.

    Raises:
        FileNotFoundError: aucune source n'a abouti ; le message dit quoi mettre où.
    """
    folder = data_cache_dir() / NAME
    told = {"title": NAME, "package": "archive de GitHub", "size_mb": 105}
    fetch = partial(packages.from_package, _fetch, partial(_place, folder=folder), **told)
    return packages.find(
        [(f"cache local ({folder})", partial(_scan, folder))],
        [(ADDRESS, partial(fetch, cache_dir=folder.parent))],
        lock=folder.with_suffix(".lock"),
        title=NAME,
        missing=f"Les photographies de {NAME} sont introuvables",
        wanted=f"le dossier {NAME} de cette archive (train/, validation/ et test/)",
    )


def _fetch(folder: Path) -> Path:
    with packages.keras_download():  # la même attente, la même phrase
        urllib.request.urlretrieve(ADDRESS, folder / "archive.zip")
    shutil.unpack_archive(folder / "archive.zip", folder)
    return next(folder.glob(f"{NAME}-*"))


def _place(staged: Path, *, folder: Path) -> dict[str, folders.Pictures]:
    _scan(staged)
    shutil.rmtree(folder, ignore_errors=True)  # d'une copie incomplète
    os.replace(staged, folder)
    return _scan(folder)


def _scan(folder: Path) -> dict[str, folders.Pictures]:
    parts = {part: folders.scan(folder / part) for part in COUNTS}
    if (found := {part: len(each.paths) for part, each in parts.items()}) != COUNTS:
        raise ValueError(f"images de {folder} : {found}, attendu {COUNTS}")
    return parts
