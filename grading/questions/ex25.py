"""Exercice 25 : BLEU, et une phrase dite mot à mot."""

from itertools import pairwise
from operator import itemgetter

import numpy as np

from exercises.ex25_captions.grammar import CAPTIONS, END, MAX_WORDS, START
from grading import messages
from grading.questions import Ask, Credit, question

WORDS = "un une deux sac pull robe rouge verte en haut bas et".split()
FIRST, LAST = CAPTIONS.numbers[START], CAPTIONS.numbers[END]
CELLS, FEATURES = 64, 128  # d'une carte
LENGTHS = (5, 3, 8)  # mots dits des phrases qui finissent, END compris
LETTERS = 200  # de quoi écrire une phrase
SAYS, HOPES = 8.0, 2.0  # scores du mot qui suit, et de celui que dit la carte


# --- BLEU ----------------------------------------------------------------------------


def _sentence(rng, num: int) -> list[str]:
    return [str(word) for word in rng.permutation(WORDS)[:num]]


def _said(rng, truth: list[str]) -> list[str]:
    """Dit presque une phrase : un mot de plus, un mot changé, un bout répété."""
    return [*truth[:-1], "deux", *truth[:2], *truth[:2], str(rng.choice(WORDS))]


@question("ex25.matches")
def ask_matches(ask: Ask) -> Credit:
    """Compte des suites, sans répétition puis avec."""
    truths = [(_sentence(ask.rng, 8), order) for order in (1, 2, 2, 3)]
    short = ((_sentence(ask.rng, 2), _sentence(ask.rng, 6), 4), {})
    plain = [(([*truth[3:], *truth[:3][::-1]], truth, order), {}) for truth, order in truths]
    repeated = [((_said(ask.rng, truth), truth, order), {}) for truth, order in truths]
    repeated += [((4 * truth[:4], 2 * truth[:4], order), {}) for truth, order in truths]
    return ask.compare("matches", [("1/2", [short, *plain]), ("1", repeated)])


@question("ex25.brevity_penalty")
def ask_brevity_penalty(ask: Ask) -> Credit:
    """Compare deux longueurs."""
    num = int(ask.rng.integers(6, 20))
    long = [((said, num), {}) for said in (num, num + 3, 5 * num)]
    short = [((num, num + more), {}) for more in (1, 4, num)] + [((0, num), {})]
    return ask.compare("brevity_penalty", [("1/2", long), ("1", short)])


@question("ex25.bleu")
def ask_bleu(ask: Ask) -> Credit:
    """Mesure des lots de phrases, de longueurs différentes."""

    def draw(*lengths: int, end: int | None = None):
        truths = [_sentence(ask.rng, num) for num in lengths]
        return [_said(ask.rng, each)[:end] for each in truths], truths

    first = [(draw(9, 6), {"order": 1}), (draw(7), {"order": 1})]
    means = [(draw(9, 6, 7), {"order": order}) for order in (2, 3, 4)] + [(draw(10, 5), {})]
    short = [
        *((draw(9, 7, end=-8), {"order": order}) for order in (1, 2)),
        (([["un", "sac"], WORDS[:7]], [["un", "sac"], WORDS[:9]]), {}),
        (([["rouge"] * 5], [["sac"] * 5]), {"order": 1}),
    ]
    return ask.compare("bleu", [("1/2", first), ("3/4", means), ("1", short)])


# --- Dire ----------------------------------------------------------------------------


def _letters(words) -> list[int]:
    """Écrit une phrase en nombres, une lettre chacun."""
    return list("/".join(words).ljust(LETTERS).encode())


@question("ex25.to_words")
def ask_to_words(ask: Ask) -> Credit:
    """Rend les mots de phrases finies, sans END, ou vides."""
    rows = [[FIRST, LAST, 0, 0], [FIRST, 0, 0]]
    for num in (4, 7, 2):
        words = [FIRST, *map(int, ask.rng.integers(3, len(CAPTIONS.words), num))]
        rows += [[*words, LAST, 0, 0], [*words, LAST, *words[1:3]], words, [*words, 0]]
    calls = [((np.array(row, np.uint8),), {}) for row in rows]
    return ask.compare("to_words", [("1", calls, _letters)])


def _until_end(said) -> np.ndarray:
    """Dit de chaque mot s'il est avant END, ou END lui-même."""
    ends = np.asarray(said) == LAST
    return np.cumsum(ends, axis=1) - ends == 0


@question("ex25.say")
def ask_say(ask: Ask) -> Credit:
    """Fait parler un réseau dont on sait d'avance ce qu'il dira, et où il regarde."""
    maps, table = _plant_sentences(ask.rng)
    speaker = messages.Ingredient("planted_speaker", {"table": table, "num_words": MAX_WORDS})
    call = [((speaker, maps), {})]

    def words(answer):
        return np.where(_until_end(answer[0]), answer[0], 0)

    def looked(answer):
        """Ne garde que l'attention des mots dits."""
        return answer[1][_until_end(answer[0])[:, 1:]]

    groups = [("1/2", call, words), ("3/4", call, itemgetter(0)), ("1", call, looked)]
    return ask.compare("say", groups, tolerance=1e-3)


def _plant_sentences(rng) -> tuple[np.ndarray, np.ndarray]:
    """Choisit ce qu'un réseau dira : des bouts d'une même suite de mots, puis deux mots sans fin.

    Returns:
        Les cartes `(n, 64, 128)`, où la première case désigne le premier mot de chaque phrase ; le
        score `(mots, mots)` de ce qui suit chaque mot.
    """
    words = rng.permutation(np.arange(3, len(CAPTIONS.words)))
    chain, loop = [*words[: max(LENGTHS) - 1], LAST], words[-2:]
    starts = [chain[-length] for length in LENGTHS] + [loop[0]]
    table = np.zeros((len(CAPTIONS.words),) * 2, np.float32)
    # Après END, il parlerait encore.
    for before, after in [*pairwise([*chain, chain[0]]), tuple(loop), tuple(loop[::-1])]:
        table[before, after] = SAYS
    maps = rng.uniform(0, 1, (len(starts), CELLS, FEATURES)).astype(np.float32)
    maps[range(len(starts)), 0, starts] = HOPES
    return maps, table
