"""Le chemin dans le cours : ses chapitres, et ce qu'il faut avoir lu avant chaque exercice."""

from typing import NamedTuple

from exercises import EXERCISES, Exercise


class Chapter(NamedTuple):
    """Un chapitre : son titre, ce qu'on y apprend, ses exercices dans l'ordre de lecture."""

    title: str
    summary: str
    numbers: tuple[int, ...]


CHAPTERS = (
    Chapter(
        "La convolution",
        "Une fenêtre glisse sur une image : les exemples des documents, refaits à la main.",
        (0, 1),
    ),
    Chapter(
        "Classer une image",
        "Empiler des filtres, les entraîner, et mesurer ce que chaque pièce apporte.",
        (2, 3, 4, 22, 23),
    ),
    Chapter("Reprendre un réseau", "Peu d'images, et des filtres entraînés ailleurs.", (5,)),
    Chapter(
        "Ouvrir le réseau",
        "Ce qu'il a appris, ce qui l'a décidé, et à quelle explication se fier.",
        (6, 7, 8, 9, 10, 11),
    ),
    Chapter(
        "Les architectures",
        "De LeNet à ResNet et aux transformeurs ; et ce qu'on faisait avant.",
        (15, 16, 19),
    ),
    Chapter(
        "Où, et combien",
        "Boîtes, masques, articulations, profondeur, cellules comptées.",
        (17, 18, 28),
    ),
    Chapter(
        "Fabriquer des images",
        "Remonter le réseau, de ses activations ou d'une phrase à des pixels.",
        (12, 13, 14, 24, 26),
    ),
    Chapter(
        "Au-delà d'une image", "Des sons, des graphes, des phrases, des vidéos.", (20, 21, 25, 27)
    ),
)

BEFORE = {  # numéro d'un exercice : ceux qu'il vaut mieux avoir lus
    1: (0,),
    2: (0, 1),
    3: (2,),
    4: (2,),
    5: (3,),
    6: (3,),
    7: (3,),
    8: (3,),
    9: (6, 8),
    10: (7,),
    11: (7, 8, 9, 10),
    12: (6,),
    13: (6,),
    14: (13,),
    15: (3,),
    16: (3,),
    17: (3,),
    18: (3,),
    19: (15,),
    20: (18,),
    21: (3,),
    22: (0, 2),
    23: (2, 3),
    24: (18,),
    25: (3,),
    26: (24,),
    27: (17,),
    28: (17, 18),
}

KNOWN = {exercise.number: exercise for exercise in EXERCISES}


def chapters() -> list[tuple[Chapter, list[Exercise]]]:
    """Rend chaque chapitre et ses exercices, dans l'ordre de la lecture."""
    return [(chapter, [KNOWN[number] for number in chapter.numbers]) for chapter in CHAPTERS]


def before(exercise: Exercise) -> list[Exercise]:
    """Rend les exercices qu'il vaut mieux avoir lus avant celui-ci."""
    return [KNOWN[number] for number in BEFORE.get(exercise.number, ())]
