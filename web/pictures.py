"""Des images de toute sorte, pour comparer la page « Nommer » à `./predict` : voir `parity.py`.

Les photographies sont celles de `python -m benchmarks.photographs`, gardées dans le cache ; les
autres sont composées ici, toujours les mêmes.
"""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageDraw, PngImagePlugin

from benchmarks import photographs
from convnets.core.images import open_image
from convnets.datasets import sources

Pictures = Iterator[tuple[str, Callable[[Path], None]]]  # un nom, et comment l'écrire

SEED = 2026
ORIENTATION = 0x0112  # étiquette EXIF
SMOOTH = (Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS)
FILTERS = (Image.Resampling.NEAREST, *SMOOTH)
SIDES = (48, 64, 96, 100, 128, 150, 200, 224, 256, 300, 400, 512)  # de vignettes agrandies
SHAPES = (  # largeur et hauteur, en pixels
    *((1, 1), (1, 2), (2, 1), (3, 3), (1, 300), (300, 1), (5, 7), (16, 16), (31, 33), (33, 31)),
    *((63, 64), (64, 63), (64, 64), (65, 65), (64, 2000), (2000, 64), (100, 1500), (1500, 100)),
    *((383, 384), (384, 384), (767, 768), (768, 768), (769, 1537), (1920, 1080), (1080, 1920)),
    *((3000, 2000), (2000, 3000), (4032, 3024), (6000, 4000), (7000, 1000)),
)


def write_pictures(folder: Path) -> None:
    """Écrit plus de mille images, un dossier par sorte.

    Args:
        folder: dossier à créer.

    Raises:
        FileNotFoundError, ValueError: données ou photographies introuvables.
    """
    rng = np.random.default_rng(SEED)
    (_, _), (thumbnails, _) = sources.load_cifar10()
    thumbnails = [Image.fromarray(each) for each in thumbnails[:600]]
    listed = photographs.read_list(photographs.TEST_LIST)
    found = photographs.collect(listed)
    real = [path for each, path in found.items() if each.is_photograph]
    drawn = [path for each, path in found.items() if not each.is_photograph]
    few = [open_image(path, min_side_px=400) for path in real[::5]]  # à réécrire autrement
    kinds = {
        "vignettes": _thumbnails(thumbnails[:250]),
        "vignettes agrandies": _enlarged(thumbnails[250:450], rng),
        "photographies": _copies(real),
        "dessins et jouets": _copies(drawn),
        "PNG : palette, gris, 1 et 16 bits": _depths(few[:20]),
        "JPEG : qualités, sous-échantillonnages, CMJN, gris": _jpegs(few[20:36]),
        "WebP, AVIF, GIF, BMP": _formats(few[36:50]),
        "tournées (EXIF)": _turned(few[50:55], rng),
        "transparentes": _transparent(few[55:65], rng),
        "profils de couleur": _profiled(few[:20]),
        "de 1 × 1 à 6000 × 4000, étirées": _shapes(few),
        "bruit, dégradés, unies": _synthetic(rng),
        "chiffres et vêtements": _digits(),
        "traits et formes": _drawings(rng),
    }
    for kind, pictures in kinds.items():
        place = folder / kind
        place.mkdir(parents=True)
        for number, (name, save) in enumerate(pictures):
            save(place / f"{number:03}_{name}")


def _saving(image: Image.Image, **options) -> Callable[[Path], None]:
    return lambda path: image.save(path, **options)


def _copies(paths: list[Path]) -> Pictures:
    for path in paths:
        yield path.name[:8] + path.suffix, lambda place, path=path: shutil.copy(path, place)


def _thumbnails(images) -> Pictures:
    for image in images:
        yield "vignette.png", _saving(image)


def _enlarged(images, rng) -> Pictures:
    for index, image in enumerate(images):
        side, smoothing = SIDES[index % len(SIDES)], FILTERS[index // len(SIDES) % len(FILTERS)]
        large = image.resize((side, side), smoothing)
        quality = int(rng.integers(60, 96))
        if index % 3 == 0:
            yield f"{side}.jpg", _saving(large, quality=quality)
        else:
            yield f"{side}.png", _saving(large)


def _depths(images) -> Pictures:
    for image in images:
        grey = image.convert("L")
        yield "palette.png", _saving(image.quantize(64))
        yield "gris.png", _saving(grey)
        yield "un_bit.png", _saving(image.convert("1"))
        levels = np.asarray(grey, np.uint16) * 257
        yield "seize_bits.png", _saving(Image.fromarray(levels))


def _jpegs(images) -> Pictures:
    for index, image in enumerate(images):
        yield "pire.jpg", _saving(image, quality=20)
        yield "croissant.jpg", _saving(image, quality=85, progressive=True)
        yield "plein.jpg", _saving(image, quality=95, subsampling=index % 3)
        yield "gris.jpg", _saving(image.convert("L"), quality=85)
        yield "cmjn.jpg", _saving(image.convert("CMYK"), quality=90)


def _formats(images) -> Pictures:
    for image in images:
        yield "avec_pertes.webp", _saving(image, quality=70)
        yield "sans_perte.webp", _saving(image, lossless=True)
        yield "image.avif", _saving(image, quality=70)
        yield "image.gif", _saving(image)
        yield "image.bmp", _saving(image)


def _turned(images, rng) -> Pictures:
    for image in images:
        for turn in range(1, 9):
            exif = Image.Exif()
            exif[ORIENTATION] = turn
            format_name = ("jpg", "webp", "png")[int(rng.integers(3))]
            yield f"{turn}.{format_name}", _saving(image, exif=exif)


def _transparent(images, rng) -> Pictures:
    for image in images:
        fade = np.linspace(0, 255, image.width * image.height).reshape(image.height, image.width)
        holes = 255 * (rng.random((image.height, image.width)) < 0.6)
        for name, alpha in (("fondu", fade), ("trous", holes)):
            seen = image.copy()
            seen.putalpha(Image.fromarray(alpha.astype(np.uint8)))
            yield f"{name}.png", _saving(seen)
            yield f"{name}.webp", _saving(seen, lossless=True)
        yield "palette.png", _saving(image.quantize(32), transparency=3)
        yield "gris.png", _saving(image.convert("LA"))


def _profiled(images) -> Pictures:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    wide = _wide_profile(srgb)
    for image in images:
        yield "srvb.jpg", _saving(image, quality=90, icc_profile=srgb)
        yield "large.jpg", _saving(image, quality=90, icc_profile=wide)
        yield "large.png", _saving(image, icc_profile=wide)
        gamma = PngImagePlugin.PngInfo()
        gamma.add(b"gAMA", (100_000).to_bytes(4, "big"))  # gamma de 1
        yield "gamma.png", _saving(image, pnginfo=gamma)


def _wide_profile(srgb: bytes) -> bytes:
    """Échange le rouge et le vert d'un profil : qui l'applique ne peut pas passer inaperçu."""
    return srgb.replace(b"rXYZ", b"tmpX").replace(b"gXYZ", b"rXYZ").replace(b"tmpX", b"gXYZ")


def _shapes(images) -> Pictures:
    for index, size in enumerate(SHAPES):
        stretched = images[index % len(images)].resize(size, Image.Resampling.BICUBIC)
        yield f"{size[0]}x{size[1]}.jpg", _saving(stretched, quality=90)
        yield f"{size[0]}x{size[1]}.png", _saving(stretched, compress_level=1)


def _synthetic(rng) -> Pictures:
    for side in (32, 40, 64, 90, 128, 200, 300, 500):
        shape = (side, side, 3)
        yield "bruit.png", _saving(Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8)))
        smooth = np.clip(rng.normal(128, 60, shape), 0, 255).astype(np.uint8)
        yield "bruit_doux.jpg", _saving(Image.fromarray(smooth), quality=80)
        ramp = np.linspace(0, 255, side)[:, None, None] * np.ones(shape)
        yield "degrade.png", _saving(Image.fromarray(ramp.astype(np.uint8)))
        yield "unie.png", _saving(Image.new("RGB", shape[:2], tuple(rng.integers(0, 256, 3))))


def _digits() -> Pictures:
    for load in (sources.load_mnist, sources.load_fashion_mnist):
        (_, _), (images, _) = load()
        for index, image in enumerate(images[:20]):
            side = (28, 56, 112, 280)[index % 4]
            yield "gris.png", _saving(Image.fromarray(image).resize((side, side)))


def _drawings(rng) -> Pictures:
    for index in range(40):
        side = int(rng.integers(100, 600))
        image = Image.new("RGB", (side, side), tuple(map(int, rng.integers(120, 256, 3))))
        pen = ImageDraw.Draw(image)
        for _ in range(int(rng.integers(1, 6))):
            ink = tuple(map(int, rng.integers(0, 256, 3)))
            left, right = sorted(map(int, rng.integers(0, side, 2)))
            top, bottom = sorted(map(int, rng.integers(0, side, 2)))
            shape = (pen.ellipse, pen.rectangle, pen.line)[int(rng.integers(3))]
            shape((left, top, right + 1, bottom + 1), fill=ink)
        yield ("trace.jpg" if index % 2 else "trace.png"), _saving(image)
