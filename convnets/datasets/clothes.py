"""Des photographies de vêtements, dix classes, en dossiers : clothing-dataset-small.

3 781 photographies dans le domaine public (CC0) : 3 068 pour apprendre, 341 de validation, 372 de
test. Elles viennent du cache, ou de GitHub.

Source : Grigorev, « Clothing dataset », https://github.com/alexeygrigorev/clothing-dataset-small,
2020.
"""

import os
import shutil
import urllib.request
import zipfile
from functools import partial
from pathlib import Path

from convnets.core.paths import data_cache_dir
from convnets.datasets import folders, packages

NAME = "clothing-dataset-small"
COMMIT = "11961516512414bf9f6c150a832cfd21b54a6b54"
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
    download = partial(
        packages.from_package,
        _fetch,
        partial(_unpack, folder=folder),
        title=NAME,
        package="archive de GitHub",
        size_mb=105,
        cache_dir=folder.parent,
    )
    return packages.find(
        [(f"cache local ({folder})", lambda: _scan(folder))],
        [(ADDRESS, download)],
        lock=folder.with_suffix(".lock"),
        title=NAME,
        missing=f"Les photographies de {NAME} sont introuvables",
        wanted=f"le dossier {NAME} de cette archive (train/, validation/ et test/)",
    )


def _fetch(folder: Path) -> list[Path]:
    path = folder / f"{NAME}.zip"
    with (
        urllib.request.urlopen(ADDRESS, timeout=packages.NETWORK_TIMEOUT_S) as answer,
        open(path, "wb") as file,
    ):
        shutil.copyfileobj(answer, file)
    return [path]


def _unpack(paths: list[Path], *, folder: Path) -> dict[str, folders.Pictures]:
    with zipfile.ZipFile(paths[0]) as archive:
        archive.extractall(paths[0].parent)
    (staged,) = paths[0].parent.glob(f"{NAME}-*")
    _scan(staged)
    shutil.rmtree(folder, ignore_errors=True)  # d'une copie incomplète
    os.replace(staged, folder)
    return _scan(folder)


def _scan(folder: Path) -> dict[str, folders.Pictures]:
    parts = {part: folders.scan(folder / part) for part in COUNTS}
    found = {part: len(pictures.paths) for part, pictures in parts.items()}
    if found != COUNTS:
        raise ValueError(f"images de {folder} : {found}, attendu {COUNTS}")
    return parts
