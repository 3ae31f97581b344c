"""Lire un film : une image animée, un dossier d'images, ou un fichier vidéo.

D'après : S3 « Object Tracking ».

Une image animée (GIF, WebP, PNG) et un dossier d'images ne demandent que Pillow. Un fichier vidéo
(AVI, MP4…) demande le paquet `av`, que le cours n'installe pas.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, UnidentifiedImageError

from convnets.core.cli import agreed, install_advice, printable
from convnets.core.images import open_image

WIDTH_PX = 320  # largeur d'une image lue ; une image plus étroite reste comme elle est
MIN_FRAMES = 5  # en dessous, le fond ne se devine pas
MAX_FRAMES = 600  # les suivantes ne sont pas lues : 140 Mo
KINDS = "un dossier d'images, une image animée (GIF, WebP, PNG) ou une vidéo (AVI, MP4…)"


class Film(NamedTuple):
    """Un film réduit, et s'il continuait."""

    frames: np.ndarray  # (t, h, w, 3) uint8
    is_cut: bool  # seules les `MAX_FRAMES` premières images ont été lues


def read_film(name: str) -> Film:
    """Lit un film, réduit à `WIDTH_PX` pixels de large.

    Args:
        name: chemin d'un fichier, ou d'un dossier d'images.

    Raises:
        FileNotFoundError: rien à ce chemin.
        ValueError: ce n'est pas un film, il est illisible ou trop court, ou il manque un paquet.
    """
    path, shown = Path(name), printable(name)
    if name and path.is_dir():  # un nom vide n'est pas le dossier courant
        return gather(_of_folder(path), shown)
    if not path.is_file():
        raise FileNotFoundError(f"{shown} : aucun film ici ; donnez {KINDS}.")
    try:
        Image.open(path).close()
    except UnidentifiedImageError:
        return gather(_of_video(path), shown)
    open_image(path).close()  # dit en français ce qui ne va pas, avant tout le reste
    return gather(_of_animation(path), shown)


def gather(images: Iterable[Image.Image], shown: str) -> Film:
    """Réduit des images de même forme, et les met dans un tableau.

    Args:
        images: images Pillow ; au plus `MAX_FRAMES` sont gardées.
        shown: nom du film, pour les messages.

    Raises:
        ValueError: trop peu d'images, ou des tailles différentes.
    """
    frames, size = [], None
    for image in images:
        if len(frames) == MAX_FRAMES:
            return Film(np.stack(frames), is_cut=True)
        size = size or image.size
        if image.size != size:
            raise ValueError(
                f"{shown} : l'image {len(frames) + 1} a {image.width} × {image.height} pixels, et "
                f"la première {size[0]} × {size[1]} ; les images d'un film ont la même taille."
            )
        frames.append(_reduced(image))
    if len(frames) < MIN_FRAMES:
        raise ValueError(
            f"{shown} : {agreed(len(frames), 'image')}, au moins {MIN_FRAMES} attendues ; donnez "
            f"{KINDS}."
        )
    return Film(np.stack(frames), is_cut=False)


def _reduced(image: Image.Image) -> np.ndarray:
    width = min(WIDTH_PX, image.width)
    height = max(1, round(image.height * width / image.width))
    return np.asarray(image.convert("RGB").resize((width, height), Image.Resampling.BOX))


def _of_folder(folder: Path) -> Iterator[Image.Image]:
    """Lit les images d'un dossier, dans l'ordre de leurs numéros : 2 est avant 10."""
    paths = [each for each in folder.iterdir() if each.is_file() and not each.name.startswith(".")]
    for path in sorted(paths, key=_numbered):
        yield open_image(path)


def _numbered(path: Path) -> list:
    parts = re.split(r"(\d+)", path.name)
    return [int(part) if part.isdecimal() else part for part in parts]


def _of_animation(path: Path) -> Iterator[Image.Image]:
    """Lit une image animée, l'une après l'autre ; une image fixe n'en donne qu'une."""
    try:
        with Image.open(path) as image:
            for rank in range(getattr(image, "n_frames", 1)):
                image.seek(rank)
                yield image.convert("RGB")
    except (OSError, EOFError, SyntaxError) as error:
        raise ValueError(f"{printable(str(path))} est abîmé : une image ne se lit pas.") from error


def _of_video(path: Path) -> Iterator[Image.Image]:
    """Lit un fichier vidéo, avec le paquet `av`."""
    shown = printable(str(path))
    try:
        import av
    except ModuleNotFoundError as error:
        raise ValueError(
            f"{shown} n'est pas une image ; pour lire une vidéo, il faut un paquet de plus : "
            f"{install_advice('av')}"
        ) from error
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise ValueError(f"{shown} ne contient pas d'images ; donnez {KINDS}.")
            for frame in container.decode(video=0):
                yield frame.to_image()
    except av.error.FFmpegError as error:
        raise ValueError(f"{shown} n'est pas une vidéo lisible ; donnez {KINDS}.") from error
