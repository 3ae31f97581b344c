"""Exercice 25 : BLEU, et les mots d'une phrase."""

import numpy as np

from grading import sealed
from grading.questions import Ask, Mistake, compared

GRAMMAR = sealed.module("ex25_captions.grammar")
BLEU = sealed.module("ex25_captions.bleu")
WORDS = "un une deux sac pull robe rouge verte en haut bas et".split()
CAPTIONS = GRAMMAR.CAPTIONS
FIRST, LAST = CAPTIONS.numbers[GRAMMAR.START], CAPTIONS.numbers[GRAMMAR.END]
LETTERS = 200  # de quoi écrire une phrase


# --- BLEU ----------------------------------------------------------------------------


def _sentence(rng, num: int) -> list[str]:
    return [str(word) for word in rng.permutation(WORDS)[:num]]


def _said(rng, truth: list[str]) -> list[str]:
    """Dit presque une phrase : un mot de plus, un mot changé, un bout répété."""
    return [*truth[:-1], "deux", *truth[:2], *truth[:2], str(rng.choice(WORDS))]


def _counted_again(said, truth, order) -> tuple[int, int]:
    """Compte une suite juste autant de fois qu'elle est dite."""
    runs = [[*zip(*(each[k:] for k in range(order)), strict=False)] for each in (said, truth)]
    return sum(run in runs[1] for run in runs[0]), len(runs[0])


def _by_sentence(said, truths, *, order=4) -> float:
    """Moyenne les mesures des phrases, prises une à une."""
    pairs = zip(said, truths, strict=True)
    return np.mean([BLEU.bleu([each], [truth], order=order) for each, truth in pairs])


@compared("ex25.matches", mistakes=[Mistake("runs_counted_again", _counted_again)])
def ask_matches(ask: Ask) -> list:
    """Compte des suites, sans répétition puis avec."""
    truths = [(_sentence(ask.rng, 8), order) for order in (1, 2, 2, 3)]
    short = ((_sentence(ask.rng, 2), _sentence(ask.rng, 6), 4), {})
    plain = [(([*truth[3:], *truth[:3][::-1]], truth, order), {}) for truth, order in truths]
    repeated = [((_said(ask.rng, truth), truth, order), {}) for truth, order in truths]
    repeated += [((4 * truth[:4], 2 * truth[:4], order), {}) for truth, order in truths]
    return [("1/2", [short, *plain]), ("1", repeated)]


@compared("ex25.bleu", mistakes=[Mistake("sentence_by_sentence", _by_sentence)])
def ask_bleu(ask: Ask) -> list:
    """Mesure des lots de phrases, de longueurs différentes."""

    def draw(*lengths: int, end: int | None = None):
        truths = [_sentence(ask.rng, num) for num in lengths]
        return [_said(ask.rng, each)[:end] for each in truths], truths

    cut = [(draw(9, 7, end=-8), {"order": order}) for order in (1, 2)]
    short = (([["un", "sac"], WORDS[:7]], [["un", "sac"], WORDS[:9]]), {})
    return [
        ("1/2", [(draw(9, 6), {"order": 1}), (draw(7), {"order": 1})]),
        ("3/4", [*((draw(9, 6, 7), {"order": order}) for order in (2, 3, 4)), (draw(10, 5), {})]),
        ("1", [*cut, short, (([["rouge"] * 5], [["sac"] * 5]), {"order": 1})]),
    ]


# --- Dire ----------------------------------------------------------------------------


@compared("ex25.to_words")
def ask_to_words(ask: Ask) -> list:
    """Rend les mots de phrases finies, sans END, ou vides."""
    rows = [[FIRST, LAST, 0, 0], [FIRST, 0, 0]]
    for num in (4, 7, 2):
        words = [FIRST, *map(int, ask.rng.integers(3, len(CAPTIONS.words), num))]
        rows += [[*words, LAST, 0, 0], [*words, LAST, *words[1:3]], words, [*words, 0]]
    return [
        (
            "1",
            [((np.array(row, np.uint8),), {}) for row in rows],
            lambda words: list("/".join(words).encode().ljust(LETTERS)),  # un octet, un nombre
        )
    ]
