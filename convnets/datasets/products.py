"""Des articles de boutique sur fond blanc, portés ou non : vêtements, sacs, chaussures.

9 583 carrés de 224 pixels, d'un jeu qui en a 44 000, et ce que le catalogue dit de chaque article :
son type, sa couleur, son style, pour qui et pour quelle saison. Les images et le catalogue viennent
de deux dépôts de GitHub, ou du cache.

Source : Aggarwal, « Fashion Product Images Dataset », Kaggle, 2019. Nous n'avons pas trouvé sa
licence : ces images sont lues sur la machine de l'utilisateur, et jamais redistribuées.
"""

import csv
from pathlib import Path
from typing import NamedTuple

from convnets.datasets import archives

NAME, COUNT = "boutique", 9583
IMAGES, IMAGES_COMMIT = "Fashion-Recommendation-System", "7cf263426a1a818fbcab19006b87c924b4dd0fa1"
TYPES, TYPES_COMMIT = (
    "FashionProductRecommendationSystem",
    "91e8036739fe4f903aaa4a95009a13d4bc7cb542",
)
ARCHIVES = (
    archives.Archive(
        f"{NAME}-images",
        f"https://github.com/GaneshNeupane01/{IMAGES}/archive/{IMAGES_COMMIT}.zip",
        inside=f"{IMAGES}-*/images",
        contents=f"son dossier images/, de {COUNT} fichiers .jpg",
        size_mb=57,
    ),
    archives.Archive(
        f"{NAME}-types",
        f"https://github.com/animmala3942/{TYPES}/archive/{TYPES_COMMIT}.zip",
        inside=f"{TYPES}-*",
        contents="son fichier styles.csv",
        size_mb=2,
    ),
)


GARMENT_TYPES = {  # pour chaque classe de `clothes`, et le sac
    "dress": ("Dresses",),
    "hat": ("Caps", "Hat"),
    "longsleeve": ("Sweaters", "Sweatshirts"),
    "outwear": ("Jackets",),
    "pants": ("Jeans", "Trousers", "Track Pants"),
    "shirt": ("Shirts",),
    "shoes": (
        *("Casual Shoes", "Flats", "Flip Flops", "Formal Shoes", "Heels", "Sandals"),
        "Sports Shoes",
    ),
    "shorts": ("Lounge Shorts", "Shorts"),
    "skirt": ("Skirts",),
    "t-shirt": ("Tshirts",),
    "bag": (
        *("Backpacks", "Clutches", "Duffel Bag", "Handbags", "Laptop Bag", "Messenger Bag"),
        *("Rucksacks", "Trolley Bag"),
    ),
}
# Ce que le catalogue dit d'un article, dans l'ordre des champs de `Product` : les noms anglais.
COLUMNS = ("articleType", "baseColour", "usage", "gender", "season")


class Product(NamedTuple):
    """Un article de boutique, tel que le catalogue le dit, en anglais."""

    number: int
    path: Path  # de sa photographie
    kind: str  # "Handbags"
    color: str  # "Navy Blue" ; "NA" si le catalogue ne la dit pas
    style: str  # "Casual"
    gender: str  # "Women"
    season: str  # "Fall"


def load_catalogue() -> list[Product]:
    """Rend les articles qui ont une photographie et une ligne du catalogue, par numéro croissant.

    Raises:
        FileNotFoundError: aucune source n'a abouti ; le message dit quoi mettre où.
    """
    images, rows = (archives.load(*each) for each in zip(ARCHIVES, (_scan, _read), strict=True))
    numbers = sorted(images.keys() & rows.keys(), key=int)
    return [Product(int(each), images[each], *rows[each]) for each in numbers]


def load_products() -> dict[str, list[Path]]:
    """Rend les images de chaque type d'article, `"Handbags"` par exemple, par numéro croissant.

    Mêmes erreurs que `load_catalogue`.
    """
    found = {}
    for product in load_catalogue():
        found.setdefault(product.kind, []).append(product.path)
    return found


def _scan(folder: Path) -> dict[str, Path]:
    found = {path.stem: path for path in folder.glob("*.jpg")}
    if len(found) != COUNT:
        raise ValueError(f"{folder} a {len(found)} images, attendu {COUNT}")
    return found


def _read(folder: Path) -> dict[str, tuple[str, ...]]:
    path = folder / "styles.csv"
    with open(path, encoding="utf-8", newline="") as file:
        lines = csv.DictReader(file)
        absent = [name for name in ("id", *COLUMNS) if name not in (lines.fieldnames or ())]
        if absent:
            raise ValueError(f"{path} n'a pas de colonne {', '.join(absent)}")
        return {line["id"]: tuple(line[name] for name in COLUMNS) for line in lines}
