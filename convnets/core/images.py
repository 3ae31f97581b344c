"""Ouvrir n'importe quelle image, et la ramener à un carré.

Ce module n'importe que Pillow, et NumPy s'il le faut. `./predict` l'emploie, et les dossiers
d'images que l'on apprend (`datasets.folders`) aussi : une image est lue de la même façon pour
apprendre et pour répondre.
"""

import io
import os
import warnings
from typing import TYPE_CHECKING, BinaryIO

from PIL import Image, UnidentifiedImageError

from convnets.core.cli import install_advice, printable, reason
from convnets.core.decoding import FORMATS, GROUND, TELEPHONE_STARTS, TooHeavyError, decode

if TYPE_CHECKING:
    import numpy as np

MAX_STREAM_BYTES = 64 * 2**20  # ce qu'on accepte de lire d'un tube, qui peut être sans fin


def open_image(
    source: str | os.PathLike | BinaryIO, *, min_side_px: int | None = None
) -> Image.Image:
    """Lit une image de tout format et de tout mode, droite, en couleurs, sur fond neutre.

    L'orientation EXIF est appliquée, la transparence posée sur un gris 128, une animation
    réduite à sa première image ; des niveaux sur plus de 8 bits sont ramenés à 0-255 sans
    être écrêtés (voir `decoding._scale`).

    Args:
        source: chemin, ou fichier ouvert en binaire (un tube convient).
        min_side_px: côté qui suffit : un JPEG plus grand est décodé à une échelle
            1/2, 1/4 ou 1/8, sans que son petit côté passe sous cette valeur.

    Returns:
        Image Pillow de mode `RGB`, entièrement lue, le fichier refermé.

    Raises:
        FileNotFoundError: rien à ce chemin.
        ValueError: dossier, fichier vide, illisible, tronqué, d'un format inconnu, ou image
            de plus de `PIL.Image.MAX_IMAGE_PIXELS` pixels.

    Example:
        >>> open_image("samples/pont.png").mode
        'RGB'

    Source : Jour 04, exercice 3 (l'argument de `./predict`).
    """
    name = source_name(source)
    if hasattr(source, "read"):
        return _decode(_seekable(source, name), name, min_side_px)
    try:
        file = open(source, "rb")
    except (OSError, ValueError) as error:
        raise _opening_error(source, name, error) from error
    with file:
        return _decode(_seekable(file, name), name, min_side_px)


def source_name(source) -> str:
    """Rend un nom qui tient sur une ligne, pour les messages."""
    if hasattr(source, "read"):
        source = getattr(source, "name", None)
        if not isinstance(source, str) or source == "<stdin>":
            return "l'entrée"
    return printable(os.fsdecode(source))


def _opening_error(source, name: str, error: Exception) -> Exception:
    if name.startswith(("http://", "https://")):
        return FileNotFoundError(
            f"{name} est une adresse, qui n'est pas lue ; écrivez : curl -L '{name}' | ./predict -"
        )
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        return FileNotFoundError(f"{name} : aucun fichier ici ; donnez le chemin d'une image.")
    if isinstance(error, OSError) and os.path.isdir(source):
        return ValueError(
            f"{name} est un dossier, pas une image ; donnez le chemin d'un fichier de ce dossier."
        )
    if isinstance(error, PermissionError):
        return ValueError(
            f"{name} ne peut pas être lu : l'accès est refusé ; une image lisible est attendue, "
            "donnez-vous le droit de la lire (chmod u+r)."
        )
    return ValueError(
        f"{name} ne peut pas être ouvert ({reason(error, named=False)}) ; "
        "donnez le chemin d'une image."
    )


def _seekable(file: BinaryIO, name: str) -> BinaryIO:
    """Rend un fichier où l'on peut revenir en arrière, ce que Pillow demande."""
    if file.seekable():
        return file
    content = file.read(MAX_STREAM_BYTES + 1)
    if len(content) > MAX_STREAM_BYTES:
        raise ValueError(
            f"{name} envoie plus de {MAX_STREAM_BYTES // 2**20} Mio ; une seule image est "
            "attendue, enregistrez-la dans un fichier."
        )
    return io.BytesIO(content)


def _decode(file: BinaryIO, name: str, min_side_px: int | None) -> Image.Image:
    # Un EXIF abîmé n'empêche pas de voir l'image. Pas de `catch_warnings` ici : il n'est pas
    # fait pour plusieurs fils, et ./predict en a.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    try:
        return decode(file, min_side_px=min_side_px)
    except (Image.DecompressionBombError, TooHeavyError, MemoryError) as error:
        limit = f"{Image.MAX_IMAGE_PIXELS / 1e6:.1f}".replace(".", ",")
        why = {
            Image.DecompressionBombError: f"au plus {limit} millions de pixels sont acceptés",
            MemoryError: "la mémoire manque",
        }.get(type(error), error)
        raise ValueError(
            f"{name} est une image démesurée : {why} ; réduisez-la d'abord."
        ) from error
    except UnidentifiedImageError as error:
        file.seek(0)
        if not file.read(1):
            raise ValueError(
                f"{name} est vide (0 octet) ; une image est attendue, copiez-la à nouveau."
            ) from error
        file.seek(0)
        start = file.read(512)
        if start.startswith(b"version https://git-lfs"):
            raise ValueError(
                f"{name} n'est que l'adresse d'une image, celle de Git LFS ; lancez d'abord : git "
                "lfs pull."
            ) from error
        if start.lstrip(b"\xef\xbb\xbf \r\n\t").lower().startswith((b"<!doctype html", b"<html")):
            raise ValueError(
                f"{name} est une page Web, et non une image ; téléchargez l'image elle-même."
            ) from error
        if kind := _other_kind(start):
            raise ValueError(
                f"{name} est {kind}, que ./predict ne lit pas ; donnez-en une copie en PNG ou en "
                "JPEG."
            ) from error
        raise ValueError(
            f"{name} n'est d'aucun format d'image connu ({', '.join(FORMATS)}, HEIC) ; vérifiez "
            "ce fichier ou convertissez-le en PNG."
        ) from error
    except ImportError as error:
        raise ValueError(
            f"{name} est une photo de téléphone (HEIC) ; installez de quoi la lire "
            f"({install_advice('pi-heif')}), ou convertissez-la en JPEG."
        ) from error
    except Exception as error:  # chaque lecteur de Pillow a ses propres exceptions
        raise ValueError(
            f"{name} est une image endommagée, tronquée ou d'une variante que Pillow ne lit "
            "pas ; une image complète est attendue, copiez-la à nouveau ou convertissez-la "
            "en PNG."
        ) from error


def _other_kind(start: bytes) -> str:
    """Nomme un fichier que l'on prend souvent pour une image, d'après son début ; "" sinon."""
    text = start.lstrip().lower()
    if text.startswith(b"%pdf"):
        return "un document PDF"
    if b"<svg" in text:
        return "un dessin SVG"
    if start[4:11] == b"ftypavi":
        return "une image AVIF abîmée, ou de plus de 268 millions de pixels"
    if start[4:11] in TELEPHONE_STARTS:
        return "une photo HEIC abîmée, ou d'une variante rare"
    if start.startswith((b"II*\0", b"MM\0*")):
        return "une variante rare de TIFF (CIE Lab, flottants en couleurs…)"
    if start.startswith((b"\xff\x0a", b"\0\0\0\x0cJXL ")):
        return "une image JPEG XL"
    films = (start[4:8] == b"ftyp", start[:4] == b"\x1aE\xdf\xa3", start[8:12] == b"AVI ")
    return "une vidéo" if any(films) else ""


def crop_resize(
    image: Image.Image,
    size_px: int,
    *,
    mode: str = "crop",
    zoom: float = 1.0,
    resample: Image.Resampling = Image.Resampling.BICUBIC,
) -> "np.ndarray":
    """Ramène une image à un carré, avec le lissage qu'une réduction demande.

    Args:
        image: image Pillow `RGB`, telle que la rend `open_image`.
        size_px: côté du carré, en pixels.
        mode: `"crop"` garde le carré central, `"pad"` garde tout entre deux bandes de gris
            128, `"squash"` garde tout en déformant.
        zoom: part du côté du carré central à garder, dans ]0, 1] (`"crop"` seulement).
        resample: filtre de Pillow.

    Returns:
        Tableau `(size_px, size_px, 3)` uint8 dans [0, 255] ; une image qui a déjà cette
        taille est rendue au bit près.

    Raises:
        ValueError: image d'un autre mode que RGB, ou `mode` inconnu.

    Source : Jour 04, exercice 3 (l'entrée d'un réseau a une taille fixe).
    """
    import numpy as np

    return np.array(crop_resize_image(image, size_px, mode=mode, zoom=zoom, resample=resample))


def crop_resize_image(
    image: Image.Image,
    size_px: int | tuple[int, int],
    *,
    mode: str = "crop",
    zoom: float = 1.0,
    resample: Image.Resampling = Image.Resampling.BICUBIC,
) -> Image.Image:
    """Fait comme `crop_resize`, en image Pillow ; `"squash"` accepte une largeur et une hauteur."""
    if image.mode != "RGB":
        raise ValueError(f"Image de mode {image.mode} reçue, RGB attendu : passez par open_image.")
    width, height = image.size
    box = (0, 0, width, height)
    size = (size_px, size_px) if isinstance(size_px, int) else size_px
    if mode == "crop":
        side = zoom * min(width, height)
        left, top = (width - side) / 2, (height - side) / 2
        box = (left, top, left + side, top + side)
    elif mode == "pad":
        scale = size_px / max(width, height)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
    elif mode != "squash":
        raise ValueError(f"Mode {mode!r} reçu ; au choix : 'crop', 'pad', 'squash'.")
    if image.size == size and box == (0, 0, *size):
        return image
    # reducing_gap : moyenne d'abord par blocs entiers, bien plus vite et sans écart visible.
    resized = image.resize(size, resample, box=box, reducing_gap=3.0)
    if mode != "pad":
        return resized
    square = Image.new("RGB", (size_px, size_px), (GROUND, GROUND, GROUND))
    square.paste(resized, ((size_px - size[0]) // 2, (size_px - size[1]) // 2))
    return square
