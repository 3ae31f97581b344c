"""Des photographies de vêtements, dix classes, en dossiers : clothing-dataset-small.

3 781 photographies dans le domaine public (CC0) : 3 068 pour apprendre, 341 de validation, 372 de
test. Elles viennent du cache, ou de GitHub.

Source : Grigorev, « Clothing dataset », https://github.com/alexeygrigorev/clothing-dataset-small,
2020.
"""

from pathlib import Path

from convnets.datasets import archives, folders

NAME, COMMIT = "clothing-dataset-small", "11961516512414bf9f6c150a832cfd21b54a6b54"
ARCHIVE = archives.Archive(
    NAME,
    f"https://github.com/alexeygrigorev/{NAME}/archive/{COMMIT}.zip",
    inside=f"{NAME}-*",
    contents="train/, validation/ et test/",
    size_mb=105,
)
COUNTS = {"train": 3068, "validation": 341, "test": 372}
CLASSES_FR = {  # dans l'ordre des dossiers
    "dress": "Robe",
    "hat": "Chapeau",
    "longsleeve": "Haut à manches longues",
    "outwear": "Veste ou manteau",
    "pants": "Pantalon",
    "shirt": "Chemise",
    "shoes": "Chaussures",
    "shorts": "Short",
    "skirt": "Jupe",
    "t-shirt": "T-shirt",
}


def load_clothes() -> dict[str, folders.Pictures]:
    """Rend les photographies de chaque part : `train`, `validation` et `test`.

    Raises:
        FileNotFoundError: aucune source n'a abouti ; le message dit quoi mettre où.
    """
    return archives.load(ARCHIVE, _scan)


def _scan(folder: Path) -> dict[str, folders.Pictures]:
    parts = {part: folders.scan(folder / part) for part in COUNTS}
    if (found := {part: len(each.paths) for part, each in parts.items()}) != COUNTS:
        raise ValueError(f"images de {folder} : {found}, attendu {COUNTS}")
    return parts
