"""Des phrases vraies d'une image : les mots, deux attributs exacts, et des numéros à lire.

D'après : S3, figure (6), phrase → image.

Une classe ne suffirait pas à faire une phrase : chaque image a aussi deux attributs, calculés sur
ses pixels. Une bottine est « foncée » quand elle est dans le tiers le plus sombre des bottines
d'apprentissage : l'adjectif est donc vrai, exactement, et celui d'une image fabriquée se vérifie.
"""

import functools
import re
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from convnets.datasets import sources

PIXELS = (28, 28, 1)  # d'une image de Fashion-MNIST
NUM_CLASSES = len(sources.FASHION_CLASSES)
BACKGROUND = 25  # niveau de gris sous lequel un pixel est le fond noir de Fashion-MNIST
TEMPLATES = (
    "{article} {noun}",
    "dessine {article} {noun}",
    "je veux {article} {noun}",
    "l'image d'{article} {noun}",
    "voici {article} {noun}",
)
MAX_WORDS = 10
NOTHING = 0  # le numéro d'une place sans mot ; une phrase vide n'a que lui
WORD = re.compile(r"[\w-]+'?")
SAID = 0.7  # part des adjectifs vrais qui sont dits : les autres sont sous-entendus


class Noun(NamedTuple):
    """Un nom de classe."""

    text: str
    label: int
    feminine: bool = False


class Attribute(NamedTuple):
    """Ce qui se mesure sur une image, et les adjectifs du premier et du dernier tiers."""

    measure: Callable[[np.ndarray], np.ndarray]  # uint8 (n, h, w, c) → (n,)
    low: tuple[str, str]  # au masculin, au féminin
    high: tuple[str, str]


# --- Question : que peut-on dire d'exact d'une image ? -------------------------------


def lightness(images: np.ndarray) -> np.ndarray:
    """Mesure la clarté : le niveau moyen de l'image, hors du fond noir.

    Args:
        images: uint8 `(n, h, w, c)`.

    Returns:
        Niveaux de gris `(n,)`, dans [0, 255].
    """
    grey = images.mean(axis=-1)
    drawn = grey > BACKGROUND
    return (grey * drawn).sum(axis=(1, 2)) / np.maximum(drawn.sum(axis=(1, 2)), 1)


def width(images: np.ndarray) -> np.ndarray:
    """Mesure l'allure : la largeur du vêtement sur sa hauteur ; uint8 `(n, h, w, c)` → `(n,)`."""
    drawn = images.max(axis=-1) > BACKGROUND
    columns, rows = (drawn.any(axis=axis).sum(axis=1) for axis in (1, 2))
    return columns / np.maximum(rows, 1)


NOUNS = (
    Noun("t-shirt", 0),
    Noun("haut", 0),
    Noun("pantalon", 1),
    Noun("pull", 2),
    Noun("chandail", 2),
    Noun("robe", 3, feminine=True),
    Noun("manteau", 4),
    Noun("sandale", 5, feminine=True),
    Noun("chemise", 6, feminine=True),
    Noun("basket", 7, feminine=True),
    Noun("sac", 8),
    Noun("bottine", 9, feminine=True),
    Noun("botte", 9, feminine=True),
)
ATTRIBUTES = (
    Attribute(lightness, ("foncé", "foncée"), ("clair", "claire")),
    Attribute(width, ("étroit", "étroite"), ("large", "large")),
)
EXAMPLES = (
    "une bottine foncée",
    "une bottine claire",
    "dessine une robe étroite",
    "dessine une robe large",
    "l'image d'un sac clair",
    "un pantalon étroit et foncé",
    "je veux un pull large et clair",
    "voici une sandale",
)  # les phrases des figures


# --- Question : clair, foncé, ou ni l'un ni l'autre ? --------------------------------


def thirds(images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Cherche, dans chaque classe, où finissent le premier et le deuxième tiers d'un attribut.

    Args:
        images: uint8 `(n, h, w, c)`, d'apprentissage.
        labels: leurs classes `(n,)`.

    Returns:
        Bornes `(2 attributs, classes, 2)` ; celles de toutes les images pour une classe absente.
    """
    found = np.empty((len(ATTRIBUTES), NUM_CLASSES, 2))
    for line, attribute in zip(found, ATTRIBUTES, strict=True):
        values = attribute.measure(images)
        for label in range(NUM_CLASSES):
            own = values[labels == label]
            line[label] = np.quantile(own if len(own) else values, [1 / 3, 2 / 3])
    return found


def levels(images: np.ndarray, labels: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """Dit dans quel tiers de sa classe est chaque image.

    Args:
        images: uint8 `(n, h, w, c)`.
        labels: leurs classes `(n,)`.
        bounds: rendu par `thirds`.

    Returns:
        Entiers `(n, 2 attributs)` : −1, 0 ou 1 ; un adjectif se dit de −1 et de 1.
    """
    columns = [
        (values > own[labels, 1]).astype(int) - (values <= own[labels, 0])
        for values, own in zip((a.measure(images) for a in ATTRIBUTES), bounds, strict=True)
    ]
    return np.stack(columns, axis=1)


# --- Question : une phrase vraie d'une image -----------------------------------------


def write(noun: Noun, levels, *, rng: np.random.Generator) -> str:
    """Compose une phrase : un modèle au hasard, et ses adjectifs dans un ordre quelconque.

    Args:
        noun: le nom.
        levels: −1, 0 ou 1 par attribut ; 0 : n'en rien dire.
        rng: générateur aléatoire.

    Returns:
        Par exemple `"dessine une bottine foncée et large"`.
    """
    said = [
        (attribute.low if level < 0 else attribute.high)[noun.feminine]
        for attribute, level in zip(ATTRIBUTES, levels, strict=True)
        if level
    ]
    rng.shuffle(said)
    start = TEMPLATES[rng.integers(len(TEMPLATES))].format(
        article="une" if noun.feminine else "un", noun=noun.text
    )
    return f"{start} {' et '.join(said)}".strip()


def describe(
    labels: np.ndarray, levels: np.ndarray, *, rng: np.random.Generator
) -> tuple[list[str], np.ndarray]:
    """Compose une phrase vraie de chaque image.

    Args:
        labels: classes `(n,)`.
        levels: tiers `(n, 2)`, rendus par `levels`.
        rng: générateur aléatoire.

    Returns:
        `(n phrases, ce qu'elles disent)` : les tiers, à 0 là où l'adjectif n'est pas dit.
    """
    nouns = [[noun for noun in NOUNS if noun.label == label] for label in range(NUM_CLASSES)]
    said = levels * (rng.random(levels.shape) < SAID)
    written = [
        write(nouns[label][rng.integers(len(nouns[label]))], each, rng=rng)
        for label, each in zip(labels, said, strict=True)
    ]
    return written, said


# --- Question : de la phrase aux numéros ---------------------------------------------


def split(sentence: str) -> list[str]:
    """Coupe une phrase en mots, sans majuscule ni ponctuation : `"L'image…"` → `["l'", …]`."""
    return WORD.findall(sentence.lower().replace("’", "'"))


@functools.cache
def vocabulary() -> dict[str, int]:
    """Rend les mots connus, et leur numéro, à partir de 1."""
    texts = [template.format(article="un une", noun="") for template in TEMPLATES]
    texts += [noun.text for noun in NOUNS]
    texts += [text for each in ATTRIBUTES for pair in (each.low, each.high) for text in pair]
    return number_words([*texts, "et"])


def number_words(texts: list[str]) -> dict[str, int]:
    """Rend les mots de ces textes, et leur numéro, à partir de 1."""
    words = sorted({word for text in texts for word in split(text)})
    return {word: number for number, word in enumerate(words, NOTHING + 1)}


def encode(sentences: list[str], known: dict[str, int] | None = None) -> np.ndarray:
    """Remplace les mots par leurs numéros.

    Args:
        sentences: n phrases ; une phrase vide ne demande rien, et les mots qui suivent le dixième
            ne sont pas lus.
        known: les mots connus et leurs numéros ; None : ceux de `vocabulary`.

    Returns:
        uint8 `(n, MAX_WORDS)`, complétés par `NOTHING`.

    Raises:
        ValueError: mot inconnu.
    """
    known = known or vocabulary()
    numbers = np.full((len(sentences), MAX_WORDS), NOTHING, np.uint8)
    for row, sentence in zip(numbers, sentences, strict=True):
        words = split(sentence)
        unknown = next((word for word in words if word not in known), None)
        if unknown:
            raise ValueError(
                f"Mot inconnu : « {unknown} ». Ce réseau connaît : {', '.join(known)}."
            )
        row[: len(words)] = [known[word] for word in words[:MAX_WORDS]]
    return numbers
