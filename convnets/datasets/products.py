"""Des articles de boutique sur fond blanc, portés ou non : vêtements, sacs, chaussures.

9 583 carrés de 224 pixels, les premiers d'un jeu qui en a 44 000, et le type de chaque article.
Les images et les types viennent de deux dépôts de GitHub, ou du cache.

Source : Aggarwal, « Fashion Product Images Dataset », Kaggle, 2019.
"""

import csv
from pathlib import Path

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


def load_products() -> dict[str, list[Path]]:
    """Rend les images de chaque type d'article, `"Handbags"` par exemple, dans l'ordre des numéros.

    Raises:
        FileNotFoundError: aucune source n'a abouti ; le message dit quoi mettre où.
    """
    images, types = (archives.load(*each) for each in zip(ARCHIVES, (_scan, _read), strict=True))
    found = {}
    for number, path in sorted(images.items()):
        found.setdefault(types.get(number), []).append(path)
    return found


def _scan(folder: Path) -> dict[str, Path]:
    found = {path.stem: path for path in folder.glob("*.jpg")}
    if len(found) != COUNT:
        raise ValueError(f"{folder} a {len(found)} images, attendu {COUNT}")
    return found


def _read(folder: Path) -> dict[str, str]:
    with open(folder / "styles.csv", encoding="utf-8", newline="") as file:
        return {row["id"]: row["articleType"] for row in csv.DictReader(file)}
