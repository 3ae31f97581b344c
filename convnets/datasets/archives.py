"""Un dossier d'un dépôt de GitHub : du cache, sinon de l'archive du dépôt, sinon une phrase."""

import os
import shutil
import urllib.request
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
    return packages.find(
        [(f"cache local ({folder})", partial(read, folder))],
        [(archive.address, fetch)],
        lock=folder.with_suffix(".lock"),
        title=archive.name,
        missing=f"Les photographies de {archive.name} sont introuvables",
        wanted=f"le dossier {archive.name} de cette archive ({archive.contents})",
    )


def _fetch(archive: Archive, folder: Path) -> Path:
    with packages.keras_download():  # la même attente, la même phrase
        urllib.request.urlretrieve(archive.address, folder / "archive.zip")
    shutil.unpack_archive(folder / "archive.zip", folder)
    return next(folder.glob(archive.inside))


def _place(read: Callable, folder: Path, staged: Path):
    read(staged)
    shutil.rmtree(folder, ignore_errors=True)  # d'une copie incomplète
    os.replace(staged, folder)
    return read(folder)
