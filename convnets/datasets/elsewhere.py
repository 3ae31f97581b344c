"""Des photographies d'autre chose que les dix classes de CIFAR-10 et que des vêtements.

Objets, animaux, plantes, plats, maisons et personnes, de trois dépôts de GitHub ou du cache, avec
les photographies des dix classes qui les accompagnent. Nous n'avons pas la licence de chacune : ces
images sont lues sur la machine de l'utilisateur, et jamais redistribuées.

Sources : Fei-Fei, Fergus et Perona, « Caltech-101 », 2004 ; Li et al., « PACS », arXiv 1710.03077,
2017 ; Deng et al., « ImageNet », 2009, une image de chacune de ses mille classes.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from convnets.datasets import archives

# Images étrangères de chaque catégorie, au plus.
PER_OBJECT, PER_KIND = 30, 100
# Les catégories des dix classes ; et celles qui en sont trop proches, ou d'un vêtement.
CALTECH_KNOWN = frozenset(
    "airplanes car_side dalmatian emu ferry flamingo ibis ketch pigeon rooster schooner".split()
)
CALTECH_UNSURE = frozenset(
    (
        "BACKGROUND_Google flamingo_head garfield gerenuk inline_skate kangaroo llama okapi snoopy "
        "wild_cat"
    ).split()
)
PACS_KNOWN = frozenset({"dog", "horse"})
# Rangs, de 0 à 999, des mille classes d'ImageNet.
BIRDS = (*range(7, 25), *range(80, 101), *range(127, 147))
# Grenouilles, chiens, chats, cheval.
OTHER_ANIMALS = (*range(30, 33), *range(151, 269), *range(281, 286), 339)
PLANES_AND_CARS = (404, 895, 436, 468, 511, 609, 627, 656, 661, 751, 817)
BOATS = (484, 510, 554, 625, 628, 724, 780, 814, 871, 914)
TRUCKS = (555, 569, 675, 864, 867)
IMAGENET_KNOWN = frozenset((*BIRDS, *OTHER_ANIMALS, *PLANES_AND_CARS, *BOATS, *TRUCKS))
IMAGENET_UNSURE = frozenset(
    [*range(269, 276), *range(345, 356)]  # loups ; bœufs, antilopes, chameaux
    + [403, 407, 472, 536, 575, 576, 586, 654, 694, 705, 717, 734, 757, 779, 833, 847, 874, 913]
    + [399, 400, 411, 414, 433, 439, 445, 451, 452, 457, 459, 461, 465, 474, 496, 501, 502, 514]
    + [515, 518, 524, 529, 552, 560, 568, 578, 601, 608, 610, 614, 617, 630, 636, 638, 639, 643]
    + [652, 655, 658, 667, 679, 689, 697, 728, 735, 748, 770, 774, 775, 788, 790, 791, 793, 796]
    + [797, 806, 808, 824, 834, 841, 842, 869, 885, 887, 903, 906, 911]
)


class Elsewhere(NamedTuple):
    """Les photographies d'une source."""

    known: list[Path]  # de l'une des dix classes
    strange: list[Path]  # d'autre chose


def load_elsewhere() -> list[Elsewhere]:
    """Rend les photographies de chaque source.

    Raises:
        FileNotFoundError: une source n'a pas abouti ; le message dit quoi mettre où.
    """
    return [archives.load(archive, partial(_read, sort)) for archive, sort in SOURCES]


def _read(sort: Callable[[Path], Elsewhere], folder: Path) -> Elsewhere:
    found = sort(folder)
    if not found.strange:
        raise ValueError(f"{folder} n'a pas les images attendues")
    return found


def _caltech(folder: Path) -> Elsewhere:
    found = Elsewhere([], [])
    for category in sorted(folder.iterdir()):
        own = sorted(category.glob("*.jpg"))
        if category.name in CALTECH_KNOWN:
            found.known.extend(own[: 2 * PER_OBJECT])
        elif category.name not in CALTECH_UNSURE:
            found.strange.extend(own[:PER_OBJECT])
    return found


def _pacs(folder: Path) -> Elsewhere:
    """Laisse une image sur quatre : `benchmarks.photographs --development` y prend les siennes."""
    found = Elsewhere([], [])
    for category in sorted(folder.iterdir()):
        own = sorted(category.glob("*.jpg"))
        del own[::4]
        if category.name in PACS_KNOWN:
            found.known.extend(own)
        else:
            found.strange.extend(own[:PER_KIND])
    return found


def _imagenet(folder: Path) -> Elsewhere:
    found = Elsewhere([], [])
    for rank, path in enumerate(sorted(folder.glob("n*.JPEG"))):
        if rank in IMAGENET_KNOWN:
            found.known.append(path)
        elif rank not in IMAGENET_UNSURE:
            found.strange.append(path)
    return found


def _archive(name: str, repository: str, commit: str, *, inside: str, size_mb: int):
    short = repository.partition("/")[2]
    return archives.Archive(
        name,
        f"https://github.com/{repository}/archive/{commit}.zip",
        inside=f"{short}-*/{inside}".rstrip("/"),
        contents=f"son dossier {inside}" if inside else "ses fichiers .JPEG",
        size_mb=size_mb,
    )


SOURCES = (
    (
        _archive(
            "caltech",
            "MachineLearning2020/Homework2-Caltech101",
            "836044dd000296b2bb74d0aa4b4e462e459b01d7",
            inside="101_ObjectCategories",
            size_mb=130,
        ),
        _caltech,
    ),
    (
        _archive(
            "pacs",
            "MachineLearning2020/Homework3-PACS",
            "d586a6cf3db84896fb6cc465c7bf51bdaf6d65d8",
            inside="PACS/photo",
            size_mb=175,
        ),
        _pacs,
    ),
    (
        _archive(
            "imagenet-1000",
            "EliSchwartz/imagenet-sample-images",
            "bc69043e2862758a1906c6a24a792bb28c6bb2ff",
            inside="",
            size_mb=104,
        ),
        _imagenet,
    ),
)
