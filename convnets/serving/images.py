"""Ce que `./predict` prend d'une image : à quelle échelle la lire, en combien de vues.

Ouvrir et recadrer, ce que d'autres font aussi, est dans `core.images`.
"""

from collections.abc import Sequence

from PIL import Image

from convnets.core.images import crop_resize_image

THUMBNAIL_PX = 32  # côté d'une vignette de CIFAR-10
DETAIL_PX = 6 * THUMBNAIL_PX  # côté auquel `detail` regarde une grande image
MAX_DECODED_PX = 384  # petit côté qui suffit à un réseau, voir `decoded_side`


def decoded_side(side_px: int) -> int:
    """Rend le petit côté auquel décoder une photo qu'un réseau lira sur `side_px` pixels.

    Quatre fois plus, pour que la réduction lisse et que l'on puisse recadrer ; 384 pixels
    suffisent, et se décodent plus vite.
    """
    return max(side_px, min(4 * side_px, MAX_DECODED_PX))


def squares(
    image: Image.Image, side_px: int, views: Sequence[tuple[str, float]]
) -> list[Image.Image]:
    """Rend les vues d'une image.

    Args:
        image: image Pillow `RGB`, telle que la rend `open_image`.
        side_px: côté de chaque vue, en pixels.
        views: mode et zoom de chacune, voir `crop_resize` ; la première seule si le petit côté de
            l'image n'a pas deux fois `THUMBNAIL_PX`, car agrandir n'apprend rien.

    Returns:
        Images Pillow `RGB`, carrées.
    """
    if is_thumbnail(image):
        views = views[:1]
    return [crop_resize_image(image, side_px, mode=mode, zoom=zoom) for mode, zoom in views]


def is_thumbnail(image: Image.Image) -> bool:
    """Dit si une image est trop petite pour être une photo."""
    return min(image.size) < 2 * THUMBNAIL_PX


def detail(image: Image.Image) -> float:
    """Mesure ce qu'une vignette de 32×32 perdrait d'une image.

    Le carré central est réduit, puis agrandi de nouveau, en lissant, pixel par pixel, et pixel par
    pixel en arrondissant par défaut (OpenCV, PyTorch) : c'est le plus petit écart à lui-même, en
    part de son contraste. Une vignette agrandie en a peu, même par JPEG.
    Approximation : une photo floue en a peu aussi (docs/cadrage.md).

    Args:
        image: image Pillow `RGB`.

    Returns:
        Écart quadratique moyen, rapporté à l'écart-type des niveaux de gris ; 0 si tout est uni.
    """
    from PIL import ImageChops, ImageStat

    side = min(image.size)
    if side > MAX_DECODED_PX:
        square = crop_resize_image(image, DETAIL_PX)
    else:  # tel quel : un pixel répété reste un carré net
        left, top = (image.width - side) // 2, (image.height - side) // 2
        square = image.crop((left, top, left + side, top + side))
    grey, small = square.convert("L"), (THUMBNAIL_PX, THUMBNAIL_PX)
    contrast = ImageStat.Stat(grey).stddev[0]
    averaged = grey.resize(small, Image.Resampling.BOX)
    picked = grey.resize(small, Image.Resampling.NEAREST)
    scale = THUMBNAIL_PX / grey.width
    start = 1e-6 - scale / 2  # le pixel j est repris de la colonne ⌊j × scale⌋
    again = (
        averaged.resize(grey.size, Image.Resampling.BICUBIC),
        picked.resize(grey.size, Image.Resampling.NEAREST),
        picked.transform(
            grey.size,
            Image.Transform.AFFINE,
            (scale, 0, start, 0, scale, start),
            Image.Resampling.NEAREST,
        ),
    )
    gap = min(ImageStat.Stat(ImageChops.difference(grey, each)).rms[0] for each in again)
    return gap / contrast if contrast else 0.0
