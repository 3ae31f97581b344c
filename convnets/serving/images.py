"""Ce que `./predict` prend d'une image : à quelle échelle la lire, en combien de vues.

Le code qui ouvre et recadre une image est dans `core.images`.
"""

import math
from collections.abc import Sequence

from PIL import Image

from convnets.core.images import crop_resize_image

THUMBNAIL_PX = 32  # côté d'une vignette de CIFAR-10
NUM_LINES = 16  # que `misfit` regarde
MAX_LOSS = 10.0  # niveaux de gris : aucune vignette agrandie n'en perd autant, même en JPEG
MIN_LOSS = 0.6  # en dessous, l'arrondi cache la différence de deux grilles
SMOOTH = (Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS)
MIN_LONG, MAX_LONG = 2, 5  # rapport des côtés d'une image longue
MAX_TINT = 6  # niveaux entre deux couleurs d'un pixel gris, un JPEG compris
BLACK, WHITE = 24, 250  # niveaux d'un fond
MIN_RIM = 0.9  # part du bord d'un carré qui n'est pas blanche
MAX_DECODED_PX = 384  # petit côté qui suffit à un réseau, voir `decoded_side`


def decoded_side(side_px: int) -> int:
    """Rend le petit côté auquel décoder une photo qu'un réseau lira sur `side_px` pixels.

    C'est quatre fois `side_px`, pour que la réduction lisse et que l'on puisse recadrer, mais au
    plus 384 pixels (ou `side_px`, s'il est plus grand) : la photo se décode plus vite.
    """
    return max(side_px, min(4 * side_px, MAX_DECODED_PX))


def squares(
    image: Image.Image, side_px: int | tuple[int, int], views: Sequence[tuple[str, float]]
) -> list[Image.Image]:
    """Rend les vues d'une image.

    Args:
        image: image Pillow `RGB`, telle que la rend `open_image`.
        side_px: côté de chaque vue, en pixels ; ou sa largeur et sa hauteur, pour `"squash"`.
        views: mode et zoom de chacune, voir `crop_resize`. Si le petit côté de l'image n'a pas
            deux fois `THUMBNAIL_PX`, la seule vue est l'image entière, selon le mode de la
            première : agrandir un morceau d'une petite image ne montre rien de plus.

    Returns:
        Images Pillow `RGB`, carrées.
    """
    if is_thumbnail(image):
        views = [(views[0][0], 1.0)]
    return [crop_resize_image(image, side_px, mode=mode, zoom=zoom) for mode, zoom in views]


def is_thumbnail(image: Image.Image) -> bool:
    """Dit si une image est trop petite pour être une photo."""
    return min(image.size) < 2 * THUMBNAIL_PX


def long_squares(image: Image.Image) -> list[Image.Image]:
    """Rend les carrés qui couvrent une image longue, d'un bout à l'autre ; rien d'une autre image.

    Au-delà de `MAX_LONG`, c'est une bande, et non une photo : chaque carré n'en montrerait rien.
    """
    (width, height), side = image.size, min(image.size)
    ratio = max(image.size) / side
    if not MIN_LONG <= ratio <= MAX_LONG or is_thumbnail(image):
        return []
    count = math.ceil(ratio)
    starts = [round(k * (max(image.size) - side) / (count - 1)) for k in range(count)]
    corners = [(start, 0) if width > height else (0, start) for start in starts]
    return [image.crop((left, top, left + side, top + side)) for left, top in corners]


def is_grey(image: Image.Image) -> bool:
    """Dit si une image `RGB` n'a pas de couleurs."""
    from PIL import ImageChops

    size = [min(side, 2 * THUMBNAIL_PX) for side in image.size]
    red, green, blue = image.resize(size, Image.Resampling.NEAREST).split()
    gaps = (ImageChops.difference(red, green), ImageChops.difference(green, blue))
    return max(gap.getextrema()[1] for gap in gaps) <= MAX_TINT


def has_black_ground(image: Image.Image) -> bool:
    """Dit si la moitié au moins du bord d'une image est noire, ou presque."""
    return _border_level(image) <= BLACK


def has_plain_ground(image: Image.Image) -> bool:
    """Dit si la moitié au moins du bord d'une image est noire, ou blanche, ou presque."""
    level = _border_level(image)
    return level <= BLACK or level >= 255 - BLACK


def _border_level(image: Image.Image) -> int:
    """Rend la médiane des niveaux de gris du bord d'une image, de 0 à 255."""
    (width, height), grey = image.size, image.convert("L")
    sides = (0, 0, width, 1), (0, height - 1, width, height)
    sides += (0, 0, 1, height), (width - 1, 0, width, height)
    levels = sorted(b"".join(grey.crop(side).tobytes() for side in sides))
    return levels[len(levels) // 2]


def figure_box(image: Image.Image) -> tuple[int, int, int, int] | None:
    """Cherche le carré d'une image qu'un notebook a enregistrée dans une marge blanche.

    Les graduations et le titre d'une figure de matplotlib n'occupent que peu de leurs lignes ; le
    carré, ou le trait qui l'entoure, les occupe d'un bord à l'autre.

    Args:
        image: image Pillow `RGB`.

    Returns:
        Gauche, haut, droite et bas du carré, pour `crop` ; None si la marge n'est pas blanche, ou
        si ce qu'elle entoure n'est pas un carré plein.
    """
    width, height = image.size
    grey = image.convert("L")
    corners = [(x, y) for x in (0, width - 1) for y in (0, height - 1)]
    if min(map(grey.getpixel, corners)) < WHITE:
        return None
    ink = grey.point([255 * (level < WHITE) for level in range(256)])
    spans = []
    for size in ((width, 1), (1, height)):
        shares = ink.resize(size, Image.Resampling.BOX).tobytes()
        full = [place for place, share in enumerate(shares) if share > max(shares) / 3]
        spans.append((full[0], full[-1] + 1) if full else (0, 0))
    (left, right), (top, bottom) = spans
    side = right - left
    if side < 2 * THUMBNAIL_PX or abs(side - (bottom - top)) > 0.03 * side:
        return None
    rim = (left, top, right, top + 1), (left, bottom - 1, right, bottom)
    rim += (left, top, left + 1, bottom), (right - 1, top, right, bottom)
    if min(_mean(ink.crop(edge)) for edge in rim) < 255 * MIN_RIM:
        return None
    inset = max(1, side // 200)  # le trait
    return left + inset, top + inset, right - inset, bottom - inset


def _mean(image: Image.Image) -> float:
    return image.convert("F").resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))


def misfit(image: Image.Image, num_cells: int = THUMBNAIL_PX) -> float:
    """Mesure si une image n'est que 32 lignes de 32 pixels, agrandies.

    Des lignes du carré central sont ramenées à 32 valeurs, puis agrandies de nouveau de chaque
    façon courante : en lissant (BILINEAR, BICUBIC, LANCZOS), pixel par pixel, et pixel par pixel en
    arrondissant par défaut (OpenCV, PyTorch). Le plus petit écart est rapporté à celui que donne la
    même grille décalée d'une demi-case : les pixels d'une vignette agrandie, même en JPEG, ne
    tombent juste que sur la première grille, et le rapport est petit. À une photographie, même
    floue, les deux grilles conviennent aussi mal. Une image presque unie compte pour une
    photographie.

    Args:
        image: image Pillow `RGB`.
        num_cells: côté de la vignette : 32 pixels, ou 28 pour MNIST et Fashion-MNIST.

    Returns:
        Près de 0 pour une vignette agrandie, près de 1 pour une photographie ; 0 si 32 valeurs
        suffisent à tout redire.
    """
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    size, box = (side, NUM_LINES), (left, top, left + side, top + side)
    lines = image.resize(size, Image.Resampling.NEAREST, box=box).convert("L")
    lost = _loss(lines, num_cells)
    if not lost or lost > MAX_LOSS:
        return float(lost > MAX_LOSS)
    half = round(side / num_cells / 2)
    shifted = _loss(lines.crop((half, 0, side - half, NUM_LINES)), num_cells - 1)
    return lost / shifted if shifted >= MIN_LOSS else 1.0


def _loss(lines: Image.Image, num_cells: int) -> float:
    """Rend ce que des lignes grises perdent à n'avoir que `num_cells` valeurs."""
    from PIL import ImageChops

    size, small = lines.size, (num_cells, lines.height)
    affine, nearest = Image.Transform.AFFINE, Image.Resampling.NEAREST
    centres = lines.transform(
        small, affine, (size[0] / num_cells, 0, 0, 0, 1, 0), Image.Resampling.BICUBIC
    )
    picked = lines.resize(small, nearest)
    scale = num_cells / size[0]
    start = 1e-6 - scale / 2  # le pixel j est repris de la case ⌊j × scale⌋
    again = [centres.resize(size, each) for each in SMOOTH]
    again += [
        picked.resize(size, nearest),
        picked.transform(size, affine, (scale, 0, start, 0, 1, 0), nearest),
    ]
    gaps = [ImageChops.difference(lines, each).convert("F") for each in again]
    return min(gap.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0)) for gap in gaps)
