"""Des questions en français sur une scène, et leur réponse exacte.

D'après : S3, figure (5), « image question answering ».

Trois sortes de questions : combien, de quelle couleur, où. La réponse s'accorde elle aussi :
« Combien y a-t-il de robes ? — Aucune. », « De quelle couleur est la robe ? — Verte. »
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from exercises.ex25_captions.grammar import (
    KINDS,
    NUMBERS,
    PLACES,
    THINGS,
    Scene,
    Thing,
    Vocabulary,
    color_word,
    noun,
    number_word,
    split,
)

TYPES = ("count", "color", "where")
TYPES_FR = {"count": "combien ?", "color": "de quelle couleur ?", "where": "où ?"}
NONE_SHARE = 1 / 3  # des « combien ? », ceux dont la réponse est « aucun »


class Question(NamedTuple):  # (donnée)
    """Une question."""

    type: str  # un de `TYPES`
    kind: int  # le vêtement dont on parle : rang dans `KINDS`
    color: int | None = None  # « les sacs rouges » : rang dans `COLORS` ; None : sans la dire

    @property
    def text(self) -> str:
        """La question, en français."""
        number = 2 if self.type == "count" else 1
        words = noun(self.kind, number=number)
        if self.color is not None:
            words += " " + color_word(Thing(self.kind, self.color), number=number)
        if self.type == "count":
            return f"Combien y a-t-il de {words} ?"
        start = "Où" if self.type == "where" else "De quelle couleur"
        return f"{start} est {'la' if KINDS[self.kind].feminine else 'le'} {words} ?"


QUESTIONS = (
    *(Question("count", kind) for kind in range(len(KINDS))),
    *(Question("count", *thing) for thing in THINGS),
    *(Question("color", kind) for kind in range(len(KINDS))),
    *(Question("where", kind) for kind in range(len(KINDS))),
    *(Question("where", *thing) for thing in THINGS),
)


# --- Question : répondre, quand on sait tout de la scène -----------------------------


def answer(question: Question, scene: Scene) -> str | None:
    """Répond d'après la scène.

    Args:
        question: une question.
        scene: quatre coins.

    Returns:
        La réponse, sans majuscule ; None si la question ne va pas à la scène : « où est la robe ? »
        quand il y en a deux, ou aucune.
    """
    found = [
        (cell, thing)
        for cell, thing in enumerate(scene)
        if thing is not None
        and thing.kind == question.kind
        and question.color in (None, thing.color)
    ]
    if question.type == "count":
        return number_word(len(found), question.kind)
    if len(found) != 1:
        return None
    cell, thing = found[0]
    return PLACES[cell] if question.type == "where" else color_word(thing, number=1)


# --- Question : quoi demander --------------------------------------------------------


def draw(
    scene: Scene, rng: np.random.Generator, *, among: Sequence[Question], num_draws: int
) -> list[Question]:
    """Tire quelques fois une question de chaque sorte.

    Args:
        scene: quatre coins.
        rng: générateur aléatoire.
        among: les questions permises, dont un « combien ? » sur un vêtement de la scène.
        num_draws: nombre de tirages.

    Returns:
        Trois questions par tirage, qui ont toutes une réponse, dans l'ordre de `TYPES`. Une sorte
        qui n'en a aucune est remplacée par un « combien ? ».
    """
    given = [(each, answer(each, scene)) for each in among]
    count = [(each, said) for each, said in given if each.type == "count"]
    empty = [each for each, said in count if said.startswith(NUMBERS[0])]
    some = [each for each, said in count if not said.startswith(NUMBERS[0])]
    drawn = []
    for kind in num_draws * TYPES:
        choices = [each for each, said in given if said and each.type == kind != "count"] or some
        if kind == "count" and empty and rng.random() < NONE_SHARE:
            choices = empty
        drawn.append(choices[rng.integers(len(choices))])
    return drawn


ASKED = Vocabulary(question.text for question in QUESTIONS)
MAX_ASKED = max(len(split(question.text)) for question in QUESTIONS)
ANSWERS = (
    *dict.fromkeys(number_word(n, kind) for n in range(len(NUMBERS)) for kind in range(len(KINDS))),
    *dict.fromkeys(color_word(thing, number=1) for thing in THINGS),
    *PLACES,
)
