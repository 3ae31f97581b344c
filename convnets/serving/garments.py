"""Découper un vêtement d'une image, et le présenter comme Fashion-MNIST.

Un fond transparent ou uni s'enlève sans rien apprendre. N'importe que Pillow : `./predict` passe
par ici, et charger NumPy lui coûterait plus que lire une photo de douze millions de pixels.
"""

import re

from PIL import Image, ImageChops

SIDE_PX = 28  # côté d'une image de Fashion-MNIST
WORK_PX = 256  # côté auquel une image est examinée
# Un fond est uni si 80 % du bord est à 12 niveaux de sa couleur ; le reste peut être du vêtement.
# C'est le cas de 25 photographies de boutique sur 29, et de 4 sur 341 dont le fond est réel. Une
# ombre s'en écarte plus.
PLAIN, MIN_PLAIN, SHADOW = 12, 0.8, 30
MIN_SHARE, MAX_SHARE = 0.03, 0.97  # part de l'image qu'un vêtement occupe
MIN_PIECE = 0.1  # part du plus gros morceau, pour en être un autre : deux chaussures


def garment_square(image: Image.Image, side_px: int) -> Image.Image | None:
    """Rend le vêtement d'une image comme Fashion-MNIST le montrerait.

    Args:
        image: image Pillow `RGB`, telle que la rend `open_image`.
        side_px: côté de ce que lit le réseau.

    Returns:
        Image Pillow `L` de ce côté, ou None si le fond n'est ni transparent ni uni. Le fond est
        noir ; le vêtement, au milieu, a le plus grand côté possible, et est d'autant plus clair que
        l'image est sombre.

    Source : Xiao, Rasul et Vollgraf, arXiv 1708.07747, 2017, §2 (cadrage de Fashion-MNIST).
    """
    scale = min(1, WORK_PX / max(image.size))  # sans copier l'image entière, comme `thumbnail`
    size = [max(1, round(side * scale)) for side in image.size]
    small = image.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)
    alpha = image.info.get("alpha")
    if alpha is None or alpha.getextrema()[0] > 127:
        mask = _differs(small)
    else:
        mask = alpha.resize(small.size).point(lambda level: 255 * (level > 127))
    share = mask.histogram()[255] / (mask.width * mask.height) if mask else 0
    if not MIN_SHARE < share < MAX_SHARE:
        return None
    found = _pieces(mask)
    least = MIN_PIECE * max(map(_size, found))
    mask = _draw([piece for piece in found if _size(piece) >= least], mask.size)
    negative = ImageChops.darker(ImageChops.invert(small.convert("L")), mask).convert("F")
    box = negative.crop(mask.getbbox())
    width, height = (max(1, round(side * side_px / max(box.size))) for side in box.size)
    levels = memoryview(box.resize((width, height)).tobytes()).cast("f")
    scale = 255 / max(1, *levels)
    placed = bytes(round(max(0, level) * scale) for level in levels)
    square = Image.new("L", (side_px, side_px))
    place = ((side_px - width) // 2, (side_px - height) // 2)
    square.paste(Image.frombytes("L", (width, height), placed), place)
    return square


def _differs(small: Image.Image) -> Image.Image | None:
    """Rend ce qui se détache d'un fond uni, en blanc ; None si le fond ne l'est pas."""
    width, height = small.size
    sides = (0, 0, width, 1), (0, height - 1, width, height)
    sides += (0, 0, 1, height), (width - 1, 0, width, height)
    edge = b"".join(small.crop(side).tobytes() for side in sides)
    bands = [edge[band::3] for band in range(3)]
    ground = [_median(band) for band in bands]
    gaps = ([abs(level - of) for level in band] for band, of in zip(bands, ground, strict=True))
    plain = sum(max(each) <= PLAIN for each in zip(*gaps, strict=True))
    if plain < MIN_PLAIN * len(bands[0]):
        return None
    far = [
        band.point([255 * (abs(level - of) > SHADOW) for level in range(256)])
        for band, of in zip(small.split(), ground, strict=True)
    ]
    near = ImageChops.invert(ImageChops.lighter(ImageChops.lighter(*far[:2]), far[2]))
    # Du blanc au milieu d'un vêtement n'est pas du fond : lui touche le bord.
    outside = [
        piece
        for piece in _pieces(near)
        if any(y in (0, height - 1) or not start or end == width for y, start, end in piece)
    ]
    return ImageChops.invert(_draw(outside, small.size))


def _median(levels: bytes) -> float:
    ranked, middle = sorted(levels), len(levels) // 2
    return (ranked[middle] + ranked[~middle]) / 2


def _pieces(mask: Image.Image) -> list[list[tuple[int, int, int]]]:
    """Sépare les morceaux d'un masque ; deux pixels voisins, même en diagonale, n'en font qu'un.

    Args:
        mask: image `L`, blanche ou noire.

    Returns:
        Les segments `(ligne, début, fin)` de chaque morceau, fin exclue.
    """
    pixels, (width, height) = mask.tobytes(), mask.size
    pieces: dict[int, list] = {}
    into: list[int] = []  # le morceau qu'un autre a rejoint, ou lui-même

    def find(number: int) -> int:
        while into[number] != number:
            number = into[number]
        return number

    above = [None] * (width + 2)
    for y in range(height):
        row = [None] * (width + 2)  # le morceau de chaque pixel, décalé de 1
        for white in re.finditer(rb"\xff+", pixels[y * width : (y + 1) * width]):
            start, end = white.span()
            number = len(into)
            into.append(number)
            pieces[number] = [(y, start, end)]
            for other in {find(each) for each in set(above[start : end + 2]) - {None}}:
                few, many = sorted((number, other), key=lambda each: len(pieces[each]))
                pieces[many] += pieces.pop(few)
                into[few] = number = many
            row[start + 1 : end + 1] = [number] * (end - start)
        above = row
    return [*pieces.values()]


def _size(piece: list[tuple[int, int, int]]) -> int:
    return sum(end - start for _, start, end in piece)


def _draw(pieces: list, size: tuple[int, int]) -> Image.Image:
    """Rend le masque de ces morceaux."""
    pixels, width = bytearray(size[0] * size[1]), size[0]
    for y, start, end in (segment for piece in pieces for segment in piece):
        pixels[y * width + start : y * width + end] = b"\xff" * (end - start)
    return Image.frombytes("L", size, bytes(pixels))
