"""Exercice 25 : BLEU, et une phrase dite mot à mot."""

from itertools import pairwise

import numpy as np

from exercises.ex25_captions import bleu
from exercises.ex25_captions.grammar import CAPTIONS, END, MAX_WORDS, START
from grading import messages
from grading.questions import RIGHT, Ask, Credit, as_floats, credit, failed, question, same

WORDS = "un une deux sac pull robe rouge verte en haut bas et".split()
FIRST, LAST = CAPTIONS.numbers[START], CAPTIONS.numbers[END]
CELLS, FEATURES = 64, 128  # d'une carte
LENGTHS = (5, 3, 8)  # mots dits des phrases qui finissent, END compris
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
    plain = [((_sentence(ask.rng, 2), _sentence(ask.rng, 6), 4), {})]
    repeated = []
    for order in (1, 2, 2, 3):
        truth = _sentence(ask.rng, 8)
        plain.append((([*truth[3:], *truth[:3][::-1]], truth, order), {}))
        repeated.append(((_said(ask.rng, truth), truth, order), {}))
        again = [*truth[:3], truth[0], truth[0], *truth[3:6]]
        repeated.append((([*again, *again[:3]], again, order), {}))
    return ask.judge("matches", [("1/2", plain), ("1", repeated)], bleu.matches)


@question("ex25.brevity_penalty")
def ask_brevity_penalty(ask: Ask) -> Credit:
    """Compare deux longueurs."""
    num = int(ask.rng.integers(6, 20))
    long = [((said, num), {}) for said in (num, num + 3, 5 * num)]
    short = [((num, num + more), {}) for more in (1, 4, num)] + [((0, num), {})]
    groups = [("1/2", long), ("1", short)]
    return ask.judge("brevity_penalty", groups, bleu.brevity_penalty)


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
    return ask.judge("bleu", [("1/2", first), ("3/4", means), ("1", short)], bleu.bleu)


# --- Dire ----------------------------------------------------------------------------


@question("ex25.to_words")
def ask_to_words(ask: Ask) -> Credit:
    """Rend les mots de phrases finies, sans END, ou vides."""
    rows = [[FIRST, LAST, 0, 0], [FIRST, 0, 0]]
    for num in (4, 7, 2):
        words = [FIRST, *map(int, ask.rng.integers(3, len(CAPTIONS.words), num))]
        rows += [[*words, LAST, 0, 0], [*words, LAST, *words[1:3]], words, [*words, 0]]
    answers = ask.calls("to_words", [((np.array(row, np.uint8),), {}) for row in rows])
    for row, answer in zip(rows, answers, strict=True):
        said = row[1 : row.index(LAST) if LAST in row else None]
        if answer.error:
            return failed(answer)
        if not isinstance(answer.value, list | tuple):
            return credit(0, "wrong_type")
        if [*map(str, answer.value)] != [CAPTIONS.words[number] for number in said if number]:
            return credit(0, "wrong_values")
    return RIGHT


@question("ex25.say")
def ask_say(ask: Ask) -> Credit:
    """Fait parler un réseau dont on sait d'avance ce qu'il dira, et où il regarde."""
    maps, table, expected = _plant_sentences(ask.rng)
    speaker = messages.Ingredient("planted_speaker", {"table": table, "num_words": MAX_WORDS})
    (answer,) = ask.calls("say", [((speaker, maps), {})])
    if not isinstance(answer.value, tuple | list) or len(answer.value) != 2:
        return credit(0, "wrong_type")
    said, attention = (as_floats(each) for each in answer.value)
    if said is None or said.shape != expected.shape:
        return credit(0, "wrong_shape")
    talking = np.cumsum(expected == LAST, axis=1) - (expected == LAST) == 0  # END compris
    if not same(said * talking, expected):
        return credit(0, "wrong_values")
    if not same(said, expected):
        return credit("1/2", "wrong_values", "les mots d'après END devraient être des blancs")
    powers = np.exp(np.arange(1, MAX_WORDS + 1)[:, None] * maps[:, None, :, -1].astype(float))
    looked = powers / powers.sum(-1, keepdims=True)
    if attention is None or attention.shape != looked.shape:
        return credit("3/4", "wrong_attention")
    right = same(attention[talking[:, 1:]], looked[talking[:, 1:]], tolerance=1e-3)
    return RIGHT if right else credit("3/4", "wrong_attention")


def _plant_sentences(rng) -> tuple:
    """Choisit ce qu'un réseau dira : des bouts d'une même suite de mots, puis deux mots sans fin.

    Returns:
        Les cartes `(n, 64, 128)`, où la première case désigne le premier mot de chaque phrase ; le
        score `(mots, mots)` de ce qui suit chaque mot ; les phrases `(n, MAX_WORDS + 1)`.
    """
    words = rng.permutation(np.arange(3, len(CAPTIONS.words)))
    chain, loop = [*words[: max(LENGTHS) - 1], LAST], words[-2:]
    sentences = [chain[-length:] for length in LENGTHS] + [np.resize(loop, MAX_WORDS)]
    table = np.zeros((len(CAPTIONS.words),) * 2, np.float32)
    # Après END, il parlerait encore.
    for before, after in [*pairwise([*chain, chain[0]]), tuple(loop), tuple(loop[::-1])]:
        table[before, after] = SAYS
    maps = rng.uniform(0, 1, (len(sentences), CELLS, FEATURES)).astype(np.float32)
    expected = np.zeros((len(sentences), MAX_WORDS + 1))
    for image, sentence in enumerate(sentences):
        maps[image, 0, sentence[0]] = HOPES
        expected[image, : len(sentence) + 1] = FIRST, *sentence
    return maps, table, expected
