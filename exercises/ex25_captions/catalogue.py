"""Dire un article de boutique en français, et répondre aux questions sur lui.

D'après : S3, figures (4) et (5).

Le catalogue est en anglais, une case par attribut : « Dresses, Red, Casual, Women, Summer ». La
phrase accorde la couleur et le style avec le nom : « une robe rouge décontractée, pour femme,
d'été ».
"""

from typing import NamedTuple

import numpy as np

from convnets.datasets.product_words import COLORS, FEMININE, KINDS, MASCULINE
from convnets.datasets.products import Product
from exercises.ex25_captions.grammar import END, START, Vocabulary, split
from exercises.ex25_captions.network import Lexicon

STYLES = {
    "Casual": ("décontracté", "décontractée", "décontractés", "décontractées"),
    "Formal": ("habillé", "habillée", "habillés", "habillées"),
    "Sports": ("sportif", "sportive", "sportifs", "sportives"),
    "Ethnic": ("traditionnel", "traditionnelle", "traditionnels", "traditionnelles"),
}
GENDERS = {
    "Men": "pour homme",
    "Women": "pour femme",
    "Unisex": "pour tous",
    "Boys": "pour garçon",
    "Girls": "pour fille",
}
SEASONS = {"Spring": "de printemps", "Summer": "d'été", "Fall": "d'automne", "Winter": "d'hiver"}


class Attribute(NamedTuple):
    """Une case du catalogue, la question qu'elle pose, et ses réponses dans l'ordre des mots."""

    words: dict[str, object]  # mot du catalogue → mot français
    question: str
    answers: tuple[str, ...]


ATTRIBUTES = {
    "kind": Attribute(KINDS, "Qu'est-ce que c'est ?", tuple(name.words for name in KINDS.values())),
    "color": Attribute(
        COLORS, "De quelle couleur ?", tuple(forms[MASCULINE] for forms in COLORS.values())
    ),
    "style": Attribute(
        STYLES, "De quel style ?", tuple(forms[MASCULINE] for forms in STYLES.values())
    ),
    "gender": Attribute(GENDERS, "Pour qui ?", tuple(GENDERS.values())),
    "season": Attribute(SEASONS, "Pour quelle saison ?", tuple(SEASONS.values())),
}


# --- Question : dire un article ------------------------------------------------------


def find_labels(product: Product) -> list[int] | None:
    """Rend le rang de chaque attribut, dans l'ordre d'`ATTRIBUTES` ; None s'il en manque un."""
    labels = []
    for name, attribute in ATTRIBUTES.items():
        value = getattr(product, name)
        if value not in attribute.words:
            return None
        labels.append([*attribute.words].index(value))
    return labels


def describe_product(labels) -> str:
    """Dit un article en une phrase, sans majuscule ni point.

    Args:
        labels: le rang de chaque attribut, dans l'ordre d'`ATTRIBUTES`.

    Returns:
        « une robe rouge décontractée, pour femme, d'été ».
    """
    values = [
        [*attribute.words.values()][label]
        for attribute, label in zip(ATTRIBUTES.values(), labels, strict=True)
    ]
    name, color, style, gender, season = values
    return f"{name.words} {color[name.form]} {style[name.form]}, {gender}, {season}"


# --- Question : des mots aux nombres -------------------------------------------------


def _pieces() -> list[str]:
    """Rend tout ce qui se dit entre deux espaces : chaque attribut sous toutes ses formes."""
    adjectives = [form for table in (COLORS, STYLES) for forms in table.values() for form in forms]
    names = [name.words for name in KINDS.values()]
    return [*names, *adjectives, *GENDERS.values(), *SEASONS.values(), ","]


def _longest() -> int:
    """Compte les mots de la plus longue phrase, fin comprise."""
    choices = [
        [name.words for name in KINDS.values()],
        *([forms[FEMININE] for forms in table.values()] for table in (COLORS, STYLES)),
        [f", {words}" for words in GENDERS.values()],
        [f", {words}" for words in SEASONS.values()],
    ]
    return sum(max(len(split(words)) for words in part) for part in choices) + 1


SAID = Vocabulary(_pieces(), more=(START, END))
MAX_SAID = _longest()
ASKED = Vocabulary(attribute.question for attribute in ATTRIBUTES.values())
MAX_ASKED = max(len(split(attribute.question)) for attribute in ATTRIBUTES.values())
ANSWERS = tuple(answer for attribute in ATTRIBUTES.values() for answer in attribute.answers)
FIRST = np.cumsum([0, *(len(attribute.answers) for attribute in ATTRIBUTES.values())])
LEXICON = Lexicon(len(SAID.words), MAX_SAID, len(ASKED.words), MAX_ASKED, len(ANSWERS))


def encode_captions(labels: np.ndarray) -> np.ndarray:
    """Rend la phrase de chaque article : `(n, 5)` → `(n, MAX_SAID + 1)` uint8."""
    sentences = [[START, *split(describe_product(each)), END] for each in labels]
    return np.array([SAID.encode(words, MAX_SAID + 1) for words in sentences], np.uint8)


def encode_questions() -> np.ndarray:
    """Rend les mots des cinq questions, `(5, MAX_ASKED)` uint8, dans l'ordre d'`ATTRIBUTES`."""
    questions = [split(attribute.question) for attribute in ATTRIBUTES.values()]
    return np.array([ASKED.encode(words, MAX_ASKED) for words in questions], np.uint8)


def encode_answers(labels: np.ndarray) -> np.ndarray:
    """Rend le rang de chaque réponse dans `ANSWERS` : `(n, 5)` → `(n, 5)` uint8."""
    return (labels + FIRST[:-1]).astype(np.uint8)


def decode_answers(probabilities: np.ndarray) -> np.ndarray:
    """Choisit une réponse à chaque question, parmi celles qui lui répondent.

    Args:
        probabilities: `(n, 5, réponses)`.

    Returns:
        Le rang de chaque attribut, `(n, 5)`.
    """
    found = [
        probabilities[:, k, start:end].argmax(-1)
        for k, (start, end) in enumerate(zip(FIRST[:-1], FIRST[1:], strict=True))
    ]
    return np.stack(found, axis=1)


def to_words(numbers: np.ndarray) -> list[str]:
    """Rend les mots d'une phrase, de START exclu à END exclu."""
    words = [SAID.words[number] for number in numbers[1:] if number]
    return words[: words.index(END)] if END in words else words
