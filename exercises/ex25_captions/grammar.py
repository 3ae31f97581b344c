"""De petites phrases françaises : ce qu'une scène contient, et où, accordé en genre et en nombre.

D'après : S3, figure (4), « image captioning ».

Une scène a quatre coins, vides ou non. Elle se dit d'une seule façon, de haut en bas et de gauche à
droite : « un sac rouge en haut à gauche et deux pulls bleus en bas ». La phrase d'un réseau est
donc juste ou fausse, sans que personne ait à en juger.
"""

import re
from typing import NamedTuple


class Noun(NamedTuple):
    """Le nom d'un vêtement."""

    singular: str
    plural: str
    feminine: bool


class Thing(NamedTuple):
    """Un vêtement d'une scène."""

    kind: int  # rang dans `KINDS`
    color: int  # rang dans `COLORS`


Scene = tuple[Thing | None, ...]  # les quatre coins, dans l'ordre de `PLACES` ; None : vide

KINDS = (
    Noun("pantalon", "pantalons", False),
    Noun("pull", "pulls", False),
    Noun("robe", "robes", True),
    Noun("sandale", "sandales", True),
    Noun("sac", "sacs", False),
    Noun("bottine", "bottines", True),
)
COLORS = (  # masculin, féminin, masculin pluriel, féminin pluriel
    ("rouge", "rouge", "rouges", "rouges"),
    ("orange", "orange", "orange", "orange"),  # un nom de fruit : il ne s'accorde pas
    ("vert", "verte", "verts", "vertes"),
    ("bleu", "bleue", "bleus", "bleues"),
    ("violet", "violette", "violets", "violettes"),
    ("blanc", "blanche", "blancs", "blanches"),
)
THINGS = tuple(Thing(kind, color) for kind in range(len(KINDS)) for color in range(len(COLORS)))
ROWS = ("en haut", "en bas")
SIDES = ("à gauche", "à droite")
PLACES = tuple(f"{row} {side}" for row in ROWS for side in SIDES)
NUMBERS = ("aucun", "un", "deux", "trois", "quatre")


# --- Question : accorder -------------------------------------------------------------


def number_word(number: int, kind: int) -> str:  # (donnée)
    """Écrit un nombre de 0 à 4 devant un nom : « aucun » et « un » s'accordent avec lui."""
    return NUMBERS[number] + ("e" if number < 2 and KINDS[kind].feminine else "")


def noun(kind: int, *, number: int) -> str:  # (donnée)
    """Écrit un nom, au singulier ou au pluriel."""
    return KINDS[kind].plural if number > 1 else KINDS[kind].singular


def color_word(thing: Thing, *, number: int) -> str:  # (donnée)
    """Écrit la couleur d'un vêtement, accordée avec son nom."""
    return COLORS[thing.color][KINDS[thing.kind].feminine + 2 * (number > 1)]


def group(thing: Thing, *, number: int) -> str:  # (donnée)
    """Écrit un groupe de vêtements pareils : « deux pulls bleus »."""
    words = number_word(number, thing.kind), noun(thing.kind, number=number)
    return " ".join([*words, color_word(thing, number=number)])


# --- Question : dire une scène -------------------------------------------------------


def describe(scene: Scene) -> str:
    """Dit une scène en une phrase, sans majuscule ni point.

    Args:
        scene: quatre coins, dont un au moins n'est pas vide.

    Returns:
        Deux vêtements pareils côte à côte sont dits ensemble, les autres un à un.
    """
    groups = []
    for row, (left, right) in zip(ROWS, (scene[:2], scene[2:]), strict=True):
        if left is not None and left == right:
            groups.append(f"{group(left, number=2)} {row}")
            continue
        for side, thing in zip(SIDES, (left, right), strict=True):
            if thing is not None:
                groups.append(f"{group(thing, number=1)} {row} {side}")
    return " et ".join(filter(None, [", ".join(groups[:-1]), groups[-1]]))


def read(sentence: str) -> Scene:
    """Retrouve la scène que dit une phrase : l'inverse de `describe`.

    Args:
        sentence: la phrase ; ni la majuscule, ni le point final, ni l'ordre ne comptent.

    Raises:
        ValueError: une phrase que cette grammaire n'écrit pas, ou deux vêtements au même coin.
    """
    scene = [None] * len(PLACES)
    for part in re.split(r"\s*,\s*|\s+et\s+", sentence.strip().rstrip(" .").lower()):
        if part not in _PARTS:
            raise ValueError(
                f"« {part} » n'est pas compris. Attendu, par exemple : « un sac rouge en haut à "
                f"gauche et deux pulls bleus en bas », avec {_listed(KINDS)} ; {_listed(COLORS)}."
            )
        thing, cells = _PARTS[part]
        for cell in cells:
            if scene[cell] is not None:
                raise ValueError(f"« {sentence} » met deux vêtements {PLACES[cell]}.")
            scene[cell] = thing
    return tuple(scene)


def _listed(words) -> str:
    return ", ".join(each[0] for each in words)


_PARTS = {  # tout ce qui se dit entre deux virgules, et les coins occupés
    f"{group(thing, number=len(cells))} {place}": (thing, cells)
    for thing in THINGS
    for place, cells in (
        *((place, (cell,)) for cell, place in enumerate(PLACES)),
        (ROWS[0], (0, 1)),
        (ROWS[1], (2, 3)),
    )
}


# --- Question : des mots aux nombres -------------------------------------------------


class Vocabulary:  # (donnée)
    """Les mots d'une langue et leurs numéros ; 0 est le blanc, qui complète les phrases courtes.

    Args:
        sentences: toutes les phrases qu'il faudra écrire, ou tous leurs morceaux.
        more: mots à ajouter.
    """

    def __init__(self, sentences, *, more: tuple[str, ...] = ()):
        found = {word for sentence in sentences for word in split(sentence)}
        self.words = ["", *more, *sorted(found - {*more})]
        self.numbers = {word: number for number, word in enumerate(self.words)}

    def encode(self, words: list[str], length: int) -> list[int]:
        """Rend les numéros de mots, complétés de blancs jusqu'à `length`."""
        numbers = [self.numbers[word] for word in words]
        return numbers + [0] * (length - len(numbers))


def split(sentence: str) -> list[str]:  # (donnée)
    """Coupe une phrase en mots ; la virgule et le point d'interrogation en sont."""
    return re.findall(r"[\w'-]+|[,?]", sentence.lower())


START, END = ("<début>", "<fin>")  # ce que lit le réseau d'abord, dit à la fin
CAPTIONS = Vocabulary([*_PARTS, ", et"], more=(START, END))
MAX_WORDS = len(PLACES) * 7 + 3 + 1  # « un sac rouge en haut à gauche », virgules, « et », fin
