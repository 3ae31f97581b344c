"""Décoder une image sans dépasser une mémoire fixée d'avance.

Un fichier de quelques kilo-octets peut se déplier en gigaoctets : ce que chaque format coûte est
calculé d'après l'en-tête, avant de décoder, et tous les fils se partagent la même mémoire
(`MEMORY`). N'importe que Pillow, et NumPy s'il le faut.
"""

import contextlib
import importlib
import io
import os
from collections.abc import Iterator
from threading import Condition, Lock, local
from typing import TYPE_CHECKING, BinaryIO

from PIL import ExifTags, Image, UnidentifiedImageError

if TYPE_CHECKING:
    import numpy as np

COMMON_FORMATS = ("JPEG", "PNG", "GIF", "BMP", "PPM")  # ceux que Pillow charge d'emblée
PLUGINS = "WebP Avif Tiff Tga Pcx Jpeg2K Psd Qoi Ico".split()  # chargés s'il le faut
# Les autres (EPS…) demandent un autre programme.
FORMATS = (*COMMON_FORMATS, "WEBP", "AVIF", "TIFF", "TGA", "PCX", "JPEG2000", "PSD", "QOI", "ICO")
SERIES = ("GIF", "PNG", "WEBP", "AVIF", "TIFF")  # dont un fichier peut en contenir plusieurs
ICON_START, MAX_ICON_PX = b"\0\0\1\0", 256  # côté que son en-tête peut annoncer
TELEPHONE = "HEIF"  # que lit le paquet pi-heif
TELEPHONE_STARTS = tuple(b"ftyp" + brand for brand in (b"hei", b"hev", b"mif", b"msf"))
GROUND = 128  # gris neutre, sous les pixels transparents

MEMORY_BYTES = 200 * 10**6  # ce que les images en cours occupent, tous fils réunis
CONVERTING_SHARE = 0.9  # de la mémoire, pour convertir : d'autres images, en attente, sont ouvertes
MAX_CODED_BYTES = 64 * 2**20  # d'un fichier lu entier : le décodeur en garde une ou deux copies
ALPHA_PX = 256  # côté auquel garder ce qui est opaque, dans `info["alpha"]`
TILE_PX = 512  # côté des morceaux que l'on convertit un à un

# Octets par pixel d'une image de Pillow ; 4 pour les modes qui ne sont pas ici.
PIXEL_BYTES = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2, "I;16N": 2}
# Deux toiles RGBA et deux copies chez WebP ; en AVIF, trois plans de 16 bits, et deux copies.
CODED_BYTES = {"WEBP": 16, "AVIF": 16, "HEIF": 8}
LEVELS = (1, 255, 1023, 4095, 16383, 65535)  # le plus haut niveau de chaque échelle courante
LEAN_CODECS = {"raw", "zip", "gif", "jpeg", "pcx", "tga_rle"}  # écrivent droit dans l'image

_Turn = Image.Transpose
TURNS = {  # des valeurs de l'orientation EXIF
    2: _Turn.FLIP_LEFT_RIGHT,
    3: _Turn.ROTATE_180,
    4: _Turn.FLIP_TOP_BOTTOM,
    5: _Turn.TRANSPOSE,
    6: _Turn.ROTATE_270,
    7: _Turn.TRANSVERSE,
    8: _Turn.ROTATE_90,
}


class TooHeavyError(ValueError):
    """Image dont le décodage coûterait trop ; le message dit quoi, sans nommer le fichier."""


class Budget:
    """Des octets que des fils se partagent : chacun attend qu'il en reste assez.

    Dans un bloc `with budget:`, les octets que `take` prend pour une image sont gardés jusqu'à la
    fin du bloc. Si un bloc est dans un autre, ils sont rendus à la fin de celui du dehors.

    Args:
        num_bytes: octets à partager.
    """

    def __init__(self, num_bytes: int):
        self.num_bytes = self._free = num_bytes
        self._door, self._changed, self._mine = Lock(), Condition(), local()

    def __enter__(self) -> None:
        mine = self._mine.__dict__
        mine["depth"] = mine.get("depth", 0) + 1

    def __exit__(self, *error) -> None:
        mine = self._mine.__dict__
        mine["depth"] -= 1
        if not mine["depth"] and (taken := mine.pop("taken", 0)):
            with self._changed:
                self._free += taken
                self._changed.notify()

    def take(self, num_bytes: int) -> None:
        """Prend des octets, au plus `self.num_bytes`."""
        with self._door, self._changed:  # la porte : une grande image n'est pas doublée sans fin
            self._changed.wait_for(lambda: self._free >= num_bytes)
            self._free -= num_bytes
        mine = self._mine.__dict__
        mine["taken"] = mine.get("taken", 0) + num_bytes


MEMORY = Budget(MEMORY_BYTES)


def decode(file: BinaryIO, *, min_side_px: int | None = None) -> Image.Image:
    """Décode une image, droite, en couleurs, sur fond neutre : voir `images.open_image`.

    Args:
        file: fichier où l'on peut revenir en arrière.
        min_side_px: petit côté qui suffit. Un JPEG est décodé réduit ; une autre image n'est
            réduite que si elle ne tient pas en mémoire.

    Returns:
        Image Pillow `RGB`.

    Raises:
        TooHeavyError: elle coûterait trop de mémoire.
        Exception: tout ce que les lecteurs de Pillow lèvent.
    """
    with MEMORY:
        image = _open(file)
        size = image.size
        if image.width * image.height > Image.MAX_IMAGE_PIXELS:
            raise Image.DecompressionBombError  # Pillow ne la lève qu'au double
        buffer_bytes = _buffer_bytes(image, file)
        several = False
        with contextlib.suppress(Exception):  # une suite abîmée : la première image est lue
            several = image.format in SERIES and image.is_animated
        if min_side_px:
            image.draft(None, (min_side_px, min_side_px))
        num_pixels = image.width * image.height
        num_bytes = num_pixels * PIXEL_BYTES.get(image.mode, 4)
        peak = num_bytes + buffer_bytes
        if peak > MEMORY.num_bytes:
            raise _too_big(size, image, peak)
        MEMORY.take(min(MEMORY.num_bytes, max(peak, num_bytes + 4 * num_pixels, 8 * num_pixels)))
        if peak > MEMORY.num_bytes // 2:
            from convnets.core.memory import give_back

            give_back()
        image.load()
        if image.format in CODED_BYTES:  # leur lecteur garderait trois fois l'image
            image.fp = image._decoder = image._heif_file = None
        orientation = 1
        with contextlib.suppress(Exception):  # EXIF illisible : l'image reste comme elle est
            orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
        image, turn = _in_srgb(image, min_side_px), TURNS.get(orientation)
        is_ready = image.mode == "RGB" and not image.has_transparency_data
        if not is_ready or (turn is not None and num_bytes + 4 * num_pixels > MEMORY.num_bytes):
            alpha = _alpha(image) if image.has_transparency_data and turn is None else None
            image = _to_rgb(image, _shrinking(image, num_bytes, min_side_px))
            image.info["alpha"] = alpha
        image = image if turn is None else image.transpose(turn)
        image.info["several"] = several
        return image


def _in_srgb(image: Image.Image, min_side_px: int | None) -> Image.Image:
    """Met en sRGB une image dont le profil dit d'autres couleurs (Display P3 des téléphones)."""
    profile = image.info.get("icc_profile")
    if not profile or image.mode not in ("RGB", "RGBA") or b"sRGB" in profile.replace(b"\0", b""):
        return image
    from PIL import ImageCms

    factor = min(image.size) // (min_side_px or min(image.size))
    image = image.reduce(factor) if factor > 1 else image  # moins de pixels à convertir
    with contextlib.suppress(ImageCms.PyCMSError):  # profil abîmé : l'image reste comme elle est
        srgb = ImageCms.createProfile("sRGB")
        ImageCms.profileToProfile(image, io.BytesIO(profile), srgb, inPlace=True)
    return image


def _alpha(image: Image.Image) -> Image.Image:
    """Rend ce qu'une image a d'opaque, en petit."""
    size = [min(side, ALPHA_PX) for side in image.size]
    return image.resize(size, Image.Resampling.NEAREST).convert("RGBA").getchannel("A")


def _open(file: BinaryIO) -> Image.Image:
    try:
        return Image.open(file, formats=COMMON_FORMATS)
    except UnidentifiedImageError:  # Pillow en chargerait quarante autres pour trouver ceux-ci
        file.seek(0)
        for name in PLUGINS:
            importlib.import_module(f"PIL.{name}ImagePlugin")
        if file.read(4) == ICON_START:
            return _open_icon(file)
        _check_coded_size(file)
        return Image.open(file, formats=(*FORMATS, *_telephone_formats(file)))


def _check_coded_size(file: BinaryIO) -> None:
    """Refuse, avant que Pillow ne l'ouvre, un fichier trop gros que son lecteur lirait entier."""
    file.seek(0)
    start = file.read(12)
    is_read_whole = start[8:12] == b"WEBP" or start[4:8] == b"ftyp"  # ceux de `CODED_BYTES`
    num_bytes = file.seek(0, os.SEEK_END)
    file.seek(0)
    if is_read_whole and num_bytes > MAX_CODED_BYTES:
        raise TooHeavyError(
            f"ce fichier pèse {num_bytes // 2**20} Mio, {MAX_CODED_BYTES // 2**20} au plus sont "
            "acceptés dans ce format"
        )


def _open_icon(file: BinaryIO) -> Image.Image:
    """Rend la plus grande image d'un ICO, sans la décoder si c'est un PNG.

    Pillow décode un ICO en l'ouvrant, avant que sa taille puisse être refusée.
    """
    from PIL import BmpImagePlugin, IcoImagePlugin

    file.seek(0)
    icons = IcoImagePlugin.IcoFile(file)
    file.seek(icons.entry[0].offset)
    if file.read(1) != b"\x89":  # un BMP, que Pillow décodera aussitôt
        file.seek(icons.entry[0].offset)
        if max(BmpImagePlugin.DibImageFile(file).size) > 2 * MAX_ICON_PX:  # le masque est dessous
            raise TooHeavyError(f"une icône a au plus {MAX_ICON_PX} pixels de côté")
    return icons.frame(0)


def _telephone_formats(file: BinaryIO) -> tuple[str, ...]:
    """Charge le lecteur de HEIC, si un fichier a l'en-tête de ce format.

    Raises:
        ImportError: `pi-heif` n'est pas installé.
    """
    start = file.read(12)
    file.seek(0)
    if start[4:11] not in TELEPHONE_STARTS:
        return ()
    import pi_heif

    pi_heif.register_heif_opener(thumbnails=False)
    return (TELEPHONE,)


def _too_big(
    size: tuple[int, int], image: Image.Image, num_bytes: int, limit: float | None = None
) -> TooHeavyError:
    """Rend l'erreur d'une image qui demanderait plus de mémoire que `limit`, toute par défaut."""
    allowed = MEMORY.num_bytes if limit is None else limit
    return TooHeavyError(
        f"lire ses {size[0]}×{size[1]} pixels ({image.format}, {image.mode}) demanderait "
        f"{-(-num_bytes // 10**6)} Mo de mémoire, {int(allowed // 10**6)} au plus sont accordés"
    )


# --- Ce que le décodage coûte ---------------------------------------------------------


def _buffer_bytes(image: Image.Image, file: BinaryIO) -> int:
    """Rend ce que le lecteur d'un format occupe, en octets, en plus de l'image qu'il remplit."""
    num_pixels = image.width * image.height
    pixel_bytes = PIXEL_BYTES.get(image.mode, 4)
    if image.format in CODED_BYTES:  # ceux-là lisent aussi le fichier entier
        return num_pixels * (CODED_BYTES[image.format] - pixel_bytes) + file.seek(0, os.SEEK_END)
    tile = getattr(image, "tile", None)  # d'un fichier ; une icône peut être déjà décodée
    codec = tile[0][0] if tile else None
    if image.info.get("progressive"):
        # Il n'est décodé qu'une fois lu : ses coefficients, sur 16 bits, attendent en mémoire.
        areas = [across * down for _, across, down, _ in image.layer]
        return 2 * num_pixels * sum(areas) // max(areas)
    if codec == "libtiff":  # TileWidth et TileLength, ou RowsPerStrip, décodés à part
        tags, height = image.tag_v2, image.height
        rows = min(height, tags.get(278, height))
        return pixel_bytes * (tags[322] * tags[323] if 322 in tags else image.width * rows)
    if codec not in LEAN_CODECS:  # décodé à part, puis recopié
        return 4 * num_pixels
    # Un PNG animé garde aussi l'image d'avant.
    is_animated = image.format == "PNG" and image.is_animated
    return 2 * num_pixels * pixel_bytes if is_animated else 0


# --- Mettre en couleurs, sur fond neutre ------------------------------------------------


def _shrinking(image: Image.Image, num_bytes: int, min_side_px: int | None) -> int:
    """Rend le nombre par lequel diviser les côtés d'une image pour la convertir : 1 si possible.

    Args:
        image: image décodée.
        num_bytes: ce qu'elle occupe.
        min_side_px: petit côté qui suffit.
    """
    num_pixels, limit = image.width * image.height, CONVERTING_SHARE * MEMORY.num_bytes
    for factor in range(1, max(1, min(image.size) // (min_side_px or min(image.size))) + 1):
        converted = 4 * num_pixels // factor**2
        if max(num_bytes + converted, 2 * converted) <= limit:
            return factor
    raise _too_big(image.size, image, max(num_bytes + converted, 2 * converted), limit)


def _to_rgb(image: Image.Image, shrinking: int) -> Image.Image:
    """Convertit une image morceau par morceau, chacun réduit `shrinking` fois."""
    scale = _scale(image) if image.mode.startswith("I") or image.mode == "F" else None
    if image.width * image.height <= 4 * TILE_PX**2 and shrinking == 1:
        return _tile_to_rgb(image, scale)
    result = Image.new("RGB", [-(-side // shrinking) for side in image.size])
    for left, top, tile in _tiles(image, TILE_PX // shrinking * shrinking or shrinking):
        tile = _tile_to_rgb(tile, scale)
        tile = tile.reduce(shrinking) if shrinking > 1 else tile
        result.paste(tile, (left // shrinking, top // shrinking))
    return result


def _tiles(image: Image.Image, side: int) -> Iterator[tuple[int, int, Image.Image]]:
    width, height = image.size
    for top in range(0, height, side):
        for left in range(0, width, side):
            box = (left, top, min(left + side, width), min(top + side, height))
            yield left, top, image.crop(box)


def _tile_to_rgb(tile: Image.Image, scale: tuple[float, float] | None) -> Image.Image:
    if scale:
        import numpy as np

        low, high = scale
        levels = (_finite(tile).astype(np.float64) - low) * (255 / ((high - low) or 1))
        tile = Image.fromarray(np.round(levels).astype(np.uint8))
    if tile.has_transparency_data:
        ground = Image.new("RGBA", tile.size, (GROUND, GROUND, GROUND, 255))
        tile = Image.alpha_composite(ground, tile.convert("RGBA"))
    return tile if tile.mode == "RGB" else tile.convert("RGB")


def _scale(image: Image.Image) -> tuple[float, float]:
    """Rend les niveaux qui deviennent 0 et 255 d'une image à plus de 256 niveaux de gris.

    L'échelle est la plus petite qui contient toutes les valeurs parmi 0-1, 0-255, puis 10, 12,
    14 et 16 bits, ceux des appareils ; à défaut (négatifs, valeurs plus grandes), l'étendue de
    l'image elle-même.

    Args:
        image: image Pillow, à niveaux entiers ou flottants.
    """
    extremes = []
    for _, _, tile in _tiles(image, TILE_PX):
        values = _finite(tile)
        extremes += [float(values.min()), float(values.max())]
    low, high = min(extremes), max(extremes)
    scales = [limit for limit in LEVELS if low >= 0 and high <= limit]
    return (0, scales[0]) if scales else (low, high)


def _finite(tile: Image.Image) -> "np.ndarray":
    """Rend les niveaux d'une image, `(h, w)` ; NaN et infinis comptent pour 0."""
    import numpy as np

    values = np.asarray(tile)
    return np.nan_to_num(values, nan=0, posinf=0, neginf=0) if values.dtype.kind == "f" else values
