"""Un dossier d'images par classe : le lire, l'assainir.

`ImageDataGenerator` prend un dossier caché pour une classe, ne voit ni WebP ni GIF, ignore
l'orientation EXIF et s'arrête au premier fichier illisible. On lui donne donc des copies carrées,
lues comme `./predict` lit une photo.
"""

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from convnets.core.cli import agreed, printable
from convnets.core.files import file_sha256
from convnets.core.images import crop_resize, open_image

MIN_PER_CLASS = 5  # en dessous, un cinquième ne fait pas une image de validation
SPLIT_NAMES = frozenset({"train", "training", "val", "valid", "validation", "test"})
ARCHIVE_LEFTOVERS = "__MACOSX"  # copie fantôme que laissent certaines archives zip


class Pictures(NamedTuple):
    """Les images d'un dossier, classe après classe, dans l'ordre du générateur de Keras."""

    folder: Path  # celui des originaux ; de `square_copies`, celui des copies, classe/000123.png
    classes: list[str]  # noms des dossiers, triés
    paths: list[Path]  # les originaux
    labels: np.ndarray  # (n,) entiers, indices dans classes
    ignored: list[str]  # une phrase par fichier laissé de côté
    sha256: str = ""  # de `square_copies` : contenu des originaux, classes et cadrage


def display_names(classes: Sequence[str]) -> list[str]:
    """Rend les noms à montrer : `chien_loup` devient `Chien loup`."""
    names = [" ".join(name.replace("_", " ").split()) or name for name in classes]
    return [name[0].upper() + name[1:] for name in names]


def scan(folder: Path, *, limit: int | None = None) -> Pictures:
    """Liste les images d'un dossier qui en contient un par classe.

    Les sous-dossiers d'une classe en font partie. Ce qui commence par un point est laissé.

    Args:
        folder: dossier dont chaque sous-dossier est une classe.
        limit: au plus ce nombre d'images, les premières de chaque classe, à parts égales.

    Returns:
        Un `Pictures` ; rien n'est encore ouvert.

    Raises:
        FileNotFoundError: pas de dossier ici.
        ValueError: moins de deux classes, moins de `MIN_PER_CLASS` fichiers dans l'une, ou
            dossiers `train` et `test` au lieu de classes.
    """
    folder = Path(folder)
    if not folder.is_dir():
        kind = "est un fichier" if folder.exists() else "n'existe pas"
        raise FileNotFoundError(
            f"{printable(os.fspath(folder))} {kind} ; donnez un dossier qui en contient un par "
            "classe."
        )
    found = sorted(each for each in folder.iterdir() if not _hidden(each.name))
    kept = [each for each in found if each.is_dir()]
    _check_classes(folder, kept, limit)
    ignored = [
        f"{_name(each, folder)} n'est dans aucune classe" for each in found if not each.is_dir()
    ]
    paths, labels = [], []
    for label, each in enumerate(kept):
        files = _files(each)[: limit and limit // len(kept)]
        paths += files
        labels += [label] * len(files)
    names = [each.name for each in kept]
    listing = Pictures(folder, names, paths, np.array(labels, int), ignored)
    _check_counts(listing)
    return listing


def _check_classes(folder: Path, kept: Sequence[Path], limit: int | None) -> None:
    """Refuse ce qui n'est pas des classes, une classe seule, ou trop peu d'images demandées."""
    shown, names = printable(os.fspath(folder)), [each.name for each in kept]
    if names and {name.lower() for name in names} <= SPLIT_NAMES:
        raise ValueError(
            f"{shown} contient {', '.join(names)} : ce sont des parts d'un jeu, pas des classes ; "
            f"donnez l'une d'elles, par exemple {printable(os.fspath(kept[0]))}."
        )
    if len(names) < 2:
        listed = printable(", ".join(names)) if names else "rien"
        raise ValueError(
            f"{shown} : {agreed(len(names), 'dossier')} de classe ({listed}), au moins deux "
            f"attendus ; donnez le dossier qui en contient un par classe, comme {shown}/chat et "
            f"{shown}/chien."
        )
    if limit and limit < MIN_PER_CLASS * len(names):
        raise ValueError(
            f"{agreed(limit, 'image')} au plus pour {len(names)} classes : demandez-en au moins "
            f"{MIN_PER_CLASS * len(names)}, soit {MIN_PER_CLASS} par classe."
        )


def _hidden(name: str) -> bool:
    return name.startswith(".") or name == ARCHIVE_LEFTOVERS


def _name(path: Path, root: Path) -> str:
    return printable(os.fspath(path.relative_to(root)))


def _files(folder: Path) -> list[Path]:
    """Rend les fichiers ordinaires d'une classe, dans l'ordre où le générateur les lirait."""
    found = []
    for parent, subfolders, names in os.walk(folder):
        subfolders[:] = [name for name in subfolders if not _hidden(name)]
        found += [(parent, name) for name in names if not _hidden(name)]
    paths = [Path(parent, name) for parent, name in sorted(found)]
    return [path for path in paths if path.is_file()]  # ni lien mort, ni tube qui bloquerait


def _check_counts(listing: Pictures) -> None:
    shown = printable(os.fspath(listing.folder))
    counts = np.bincount(listing.labels, minlength=len(listing.classes))
    poor = [
        f"{name} ({count})"
        for name, count in zip(listing.classes, counts, strict=True)
        if count < MIN_PER_CLASS
    ]
    if poor:
        why = f" ; laissés de côté : {' ; '.join(listing.ignored[:3])}" if listing.ignored else ""
        raise ValueError(
            f"{shown} : trop peu d'images lisibles pour {', '.join(poor)}, au moins "
            f"{MIN_PER_CLASS} par classe attendues{why}. Ajoutez-en, ou retirez ce dossier."
        )


@contextlib.contextmanager
def square_copies(listing: Pictures, size_px: int) -> Iterator[Pictures]:
    """Copie les images en carrés PNG, dans un dossier temporaire effacé à la sortie du bloc.

    Args:
        listing: ce que rend `scan`.
        size_px: côté des carrés ; l'image entière y est déformée, comme le fait `target_size`.

    Yields:
        Un `Pictures` ; les fichiers illisibles n'y sont plus, `ignored` les nomme.

    Raises:
        ValueError: trop peu d'images lisibles dans une classe.
    """
    paths, labels, ignored = [], [], list(listing.ignored)
    digest = hashlib.sha256(f"squash {size_px} {listing.classes}".encode())
    with tempfile.TemporaryDirectory(prefix="cours-cnn-") as temporary:
        folder = Path(temporary)
        for name in listing.classes:
            (folder / name).mkdir()
        squares = Squares(listing.paths, size_px)
        for i, (path, label) in enumerate(zip(listing.paths, listing.labels, strict=True)):
            try:
                pixels = squares[i]
            except (ValueError, OSError) as error:
                name = _name(path, listing.folder)
                ignored.append(str(error).replace(printable(os.fspath(path)), name).rstrip("."))
                continue
            # Le numéro garde l'ordre des noms d'origine, qui décide du partage.
            copy = folder / listing.classes[label] / f"{len(paths):06}.png"
            Image.fromarray(pixels).save(copy, compress_level=1)
            digest.update(f"{label} {file_sha256(path)}\n".encode())
            paths.append(path)
            labels.append(label)
        kept = listing._replace(paths=paths, labels=np.array(labels, int), ignored=ignored)
        _check_counts(kept)
        yield kept._replace(folder=folder, sha256=digest.hexdigest())


class Squares:
    """Les carrés d'images restées sur disque, lus un par un quand on les demande.

    Args:
        paths: chemins d'images lisibles.
        size_px: côté des carrés.
    """

    def __init__(self, paths: Sequence[Path], size_px: int):
        self.paths, self.size_px = paths, size_px

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> np.ndarray:
        """Rend l'image `index` entière, déformée en uint8 `(size_px, size_px, 3)`."""
        with open_image(self.paths[index], min_side_px=4 * self.size_px) as image:
            return crop_resize(image, self.size_px, mode="squash")
