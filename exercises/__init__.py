"""Exercices corrigés du cours « Réseaux convolutifs, par la pratique » : leur liste.

Un exercice est un fichier `exercises/exNN_slug.py` ou un dossier `exercises/exNN_slug/` ; dans
les deux cas, `python -m exercises.exNN_slug` le lance.
"""

import re
from pathlib import Path
from typing import NamedTuple

from convnets.core import startup

startup.prepare()

FOLDER = Path(__file__).resolve().parent
RULE = re.compile(r"# --- (.+?) -+$")  # le filet d'une question, et son titre


class Exercise(NamedTuple):
    """Un exercice, pour qui les liste : l'accueil, la galerie, le correcteur, les tests."""

    number: int
    slug: str
    title: str
    document: str  # S0 à S4 : les documents du cours, que le README nomme
    models: tuple[str, ...]  # comptes rendus qu'il écrit, ou sa recette ; () : rien à entraîner
    minutes: float  # commande par défaut, sur deux cœurs libres ; 0 : moins d'une

    @property
    def duration(self) -> str:
        """La durée de la commande par défaut, écrite : `"environ 3 min"`."""
        return f"environ {self.minutes:g} min" if self.minutes else "moins d'une minute"


EXERCISES = (
    Exercise(
        0,
        "ex00_convolution",
        "Refaire les exemples des documents",
        "S0, S1, S2, S3, S4",
        ("ex00_learned_filters", "ex00_position"),
        0,
    ),
    Exercise(1, "ex01_filters", "Filtrer une image avec `tf.nn.conv2d`", "S1, exercice 01", (), 0),
    Exercise(
        2,
        "ex02_fashion",
        "Fashion-MNIST, architecture imposée",
        "S1, exercice 2",
        ("ex02_fashion", "garments"),
        4,
    ),
    Exercise(
        3,
        "ex03_cifar10",
        "CIFAR-10 et `./predict`",
        "S1, exercice 3",
        ("ex03_cifar10", "thumbnails"),
        7,
    ),
    Exercise(
        4,
        "ex04_lenet",
        "LeNet contre un réseau dense, sur MNIST",
        "S2, question 1",
        ("ex04_lenet", "digits", "ex04_comparison"),
        4,
    ),
    Exercise(
        5,
        "ex05_inception",
        "InceptionV3 : reprendre un réseau entraîné",
        "S2, question 2",
        ("ex05_inception", "ex05_layers", "photos", "ex05_forgetting"),
        3,
    ),
    Exercise(
        6,
        "ex06_feature_maps",
        "Ce qu'un réseau a appris : filtres, cartes, images préférées",
        "S2, S3",
        (),
        0,
    ),
    Exercise(7, "ex07_occlusion", "Occlusion", "S3", (), 0),
    Exercise(8, "ex08_saliency", "Saillance, SmoothGrad, gradients intégrés", "S3", (), 0),
    Exercise(9, "ex09_grad_cam", "Grad-CAM, Grad-CAM++ et CAM", "S3, S4", ("ex09_cam",), 0),
    Exercise(10, "ex10_lime", "LIME", "S3", (), 0),
    Exercise(11, "ex11_curves", "Comparer les explications", "S3", (), 8),
    Exercise(12, "ex12_deep_dream", "Deep Dream", "S4", (), 0),
    Exercise(
        13,
        "ex13_reconstruction",
        "Reconstruire une image d'après ses caractéristiques",
        "S3",
        (),
        1,
    ),
    Exercise(14, "ex14_style", "Transfert de style", "S3", (), 0),
    Exercise(
        15,
        "ex15_architectures",
        "Architectures : LeNet, AlexNet, VGG, Inception, ResNet, raccourcis",
        "S0, S3",
        ("ex15_architectures",),
        5,
    ),
    Exercise(16, "ex16_bag_of_words", "Sac de mots visuels", "S3", ("ex16_bag_of_words",), 2),
    Exercise(
        17,
        "ex17_detection",
        "Localiser et détecter : grille, deux étages ; compter de vraies cellules",
        "S3",
        ("ex17_detection", "ex17_cells"),
        4,
    ),
    Exercise(
        18,
        "ex18_segmentation",
        "Segmenter : U-Net, SegNet ; un masque par objet ; de vraies rues",
        "S3",
        ("ex18_segmentation", "ex18_instances", "ex18_streets"),
        3,
    ),
    Exercise(
        19,
        "ex19_vision_transformer",
        "Transformeur de vision, seul ou après des convolutions",
        "S3",
        ("ex19_vision_transformer",),
        3,
    ),
    Exercise(
        20,
        "ex20_source_separation",
        "Séparer deux sources sonores",
        "S3",
        ("ex20_source_separation",),
        2,
    ),
    Exercise(21, "ex21_graphs", "Réseaux de graphes", "S3", ("ex21_graphs",), 2),
    Exercise(
        22,
        "ex22_by_hand",
        "Un CNN à la main : rétropropagation et boucle d'apprentissage",
        "S0, S4",
        ("ex22_by_hand",),
        1,
    ),
    Exercise(
        23,
        "ex23_what_matters",
        "Ce qui compte dans un CNN : une pièce changée à la fois",
        "S1, S3, S4",
        ("ex23_what_matters",),
        3,
    ),
    Exercise(
        24,
        "ex24_autoencoder",
        "Auto-encodeurs : U-Net sans goulot, image → bits → image",
        "S3",
        ("ex24_autoencoder",),
        6,
    ),
    Exercise(
        25,
        "ex25_captions",
        "Légendes et questions : décrire une image, répondre ; de vrais articles",
        "S3",
        ("ex25_captions", "ex25_products"),
        4,
    ),
    Exercise(
        26, "ex26_text_to_image", "Dessiner ce que dit une phrase", "S3", ("ex26_text_to_image",), 2
    ),
    Exercise(
        27,
        "ex27_video",
        "Vidéo : suivre des objets, reconnaître une action",
        "S0, S3",
        ("ex27_video",),
        1,
    ),
    Exercise(
        28,
        "ex28_pose_and_depth",
        "Pose et relief : un point, puis un nombre par pixel",
        "S3",
        ("ex28_pose_and_depth",),
        3,
    ),
)


def find(slug: str) -> Exercise:
    """Rend l'exercice de ce nom.

    Args:
        slug: par exemple `"ex02_fashion"`.

    Raises:
        ValueError: pas d'exercice de ce nom.
    """
    for exercise in EXERCISES:
        if exercise.slug == slug:
            return exercise
    raise ValueError(f"Pas d'exercice {slug} : `python -m exercises` les liste.")


def sources(slug: str) -> list[Path]:
    """Rend les fichiers Python d'un exercice : le sien, ou ceux de son dossier.

    Args:
        slug: un exercice de `EXERCISES`.

    Returns:
        Des chemins dans l'ordre des noms ; `__init__.py` et `__main__.py` d'abord.
    """
    path = FOLDER / f"{slug}.py"
    return [path] if path.is_file() else sorted((FOLDER / slug).glob("*.py"))
