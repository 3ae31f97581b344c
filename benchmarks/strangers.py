"""Des images étrangères aux dix classes, de vignettes abîmées aux objets photographiés."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import gaussian_filter

from convnets.core.images import open_image
from convnets.datasets import archives, sources

SIDE_PX, TILE_PX, BLUR_PX = 32, 8, 2.5
COCO_PARTS = ("train2017", "val2017")
COCO_COMMIT = "e7a689f7d6d1a1908df287c3e79eccdadfdba1fe"
COCO = archives.Archive(  # 160 photos annotées
    "COCO_Tiny",
    f"https://github.com/zzowenzz/COCO_Tiny/archive/{COCO_COMMIT}.zip",
    inside="COCO_Tiny-*",
    contents="annotations/, train2017/ et val2017/",
    size_mb=24,
)
IN_THE_TEN = "airplane car bird cat dog horse boat truck".split()  # de COCO, et à nous
OBJECT_PX, PER_CATEGORY = 32, 30  # plus petit côté, objets gardés
MARGIN, KNOWN_SHARE = 1.1, 0.1  # carré, en côtés du cadre ; part permise à un objet des dix


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


def objects() -> np.ndarray:
    """Rend des objets photographiés, hors des dix classes : les étrangers les plus proches.

    Chacun est un carré autour d'un objet annoté de COCO, ramené à 32 pixels. Un carré où un objet
    des dix classes occupe plus d'un dixième est laissé de côté.

    Returns:
        uint8 `(n, 32, 32, 3)`, `PER_CATEGORY` au plus de chacune des 72 catégories.

    Source : Lin et al., « Microsoft COCO », arXiv 1405.0312, 2014.
    """
    return archives.load(COCO, _objects_of)


def _objects_of(folder: Path) -> np.ndarray:
    found: dict[str, list[np.ndarray]] = {}
    for part in COCO_PARTS:
        for category, square in _squares(folder, part):
            found.setdefault(category, []).append(square)
    return np.concatenate([each[:PER_CATEGORY] for each in found.values()])


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


def strangers(x_test: np.ndarray, count: int) -> dict[str, np.ndarray]:
    """Rend les images étrangères du tableau, sur lesquelles rien n'a été réglé.

    Args:
        x_test: vignettes de test, uint8 `(n, 32, 32, 3)` ; les dernières sont abîmées.
        count: images de chaque sorte, au plus.

    Returns:
        Pour chaque sorte, uint8 `(count, 32, 32, 3)`.
    """
    rng, known = np.random.default_rng(7), x_test[-count:]
    blurred = gaussian_filter(known.astype(np.float32), (0, BLUR_PX, BLUR_PX, 0))
    return {
        "chiffres (MNIST)": coloured(sources.load_mnist()[1][0][:count]),
        "vêtements (Fashion-MNIST)": coloured(sources.load_fashion_mnist()[1][0][:count]),
        "bruit": noise(rng, count),
        "formes dessinées": np.stack([_shapes(rng) for _ in range(count)]),
        "vignettes floues": blurred.astype(np.uint8),
        "vignettes en morceaux": scramble(known, rng),
        "objets proches (COCO)": rng.permutation(objects())[:count],
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
