"""Un dossier d'un dépôt de GitHub : du cache, sinon de l'archive du dépôt, sinon une phrase."""

import os
import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from convnets.core.paths import data_cache_dir
from convnets.datasets import packages


class Archive(NamedTuple):
    """Un dossier, et l'archive d'où il vient."""

    name: str  # du dossier, dans le cache
    address: str  # de l'archive zip
    inside: str  # où est le dossier dans l'archive, en motif de `Path.glob`
    contents: str  # ce qu'il contient, pour le message
    size_mb: int  # de l'archive
    what: str = "Les photographies"  # au pluriel, féminin, pour le message


def load(archive: Archive, read: Callable[[Path], object]):
    """Rend ce qu'on lit d'un dossier, que l'on télécharge s'il n'est pas dans le cache.

    Args:
        archive: le dossier.
        read: `read(dossier)` vérifie qu'il est entier, et en rend ce que veut l'appelant.

    Raises:
        FileNotFoundError: aucune source n'a abouti ; le message dit quoi mettre où.
    """
    folder = data_cache_dir() / archive.name
    fetch = partial(
        packages.from_package,
        partial(_fetch, archive),
        partial(_place, read, folder),
        title=archive.name,
        package="archive de GitHub",
        size_mb=archive.size_mb,
        cache_dir=folder.parent,
    )
    # Ce qu'un utilisateur a pu déposer : l'archive, ou ce qu'elle contient, sous son nom à elle.
    whole = archive.inside.partition("/")[0]  # « clothing-dataset-small-* », du numéro de commit
    left = [(path.name, partial(read, path)) for path in folder.parent.glob(archive.inside)]
    zips = [
        (path.name, partial(_unzip, archive, read, folder, path))
        for start in (whole.removesuffix("-*"), archive.name, Path(archive.address).stem)
        for path in sorted(folder.parent.glob(f"{start}*.zip"))
    ]
    return packages.find(
        [(f"cache local ({folder})", partial(read, folder)), *left],
        [*zips, (archive.address, fetch)],
        lock=folder.with_suffix(".lock"),
        title=archive.name,
        missing=f"{archive.what} de {archive.name} sont introuvables",
        wanted=f"cette archive, telle quelle ou décompressée ({archive.contents})",
    )


def _fetch(archive: Archive, folder: Path) -> Path:
    packages.download(archive.address, folder / "archive.zip")
    return _unpack(archive, folder / "archive.zip", folder)


def _unpack(archive: Archive, path: Path, folder: Path) -> Path:
    """Décompresse l'archive dans un dossier ; rend celui qu'on en veut."""
    shutil.unpack_archive(path, folder)
    found = next(folder.glob(archive.inside), None)
    if found is None:
        raise FileNotFoundError(f"{path.name} ne contient pas {archive.inside}")
    return found


def _unzip(archive: Archive, read: Callable, folder: Path, path: Path):
    """Rend ce qu'on lit d'une archive déposée à la main, une fois décompressée dans le cache."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as staged:
        return _place(read, folder, _unpack(archive, path, Path(staged)))


def _place(read: Callable, folder: Path, staged: Path):
    read(staged)
    shutil.rmtree(folder, ignore_errors=True)  # d'une copie incomplète
    os.replace(staged, folder)
    return read(folder)
