"""Exercice 25 : BLEU, et une phrase dite mot à mot."""

import math
from collections import Counter

import numpy as np

from exercises.ex25_captions.grammar import CAPTIONS, END, MAX_WORDS, START
from grading import messages, pupil
from grading.questions import RIGHT, Ask, Credit, Mistake, as_floats, credit, judge, question, same

WORDS = "un une deux sac pull robe rouge verte en haut bas et".split()
FIRST, LAST = CAPTIONS.numbers[START], CAPTIONS.numbers[END]
CELLS, FEATURES = 64, 128  # d'une carte
LENGTHS = (5, 3, 8, MAX_WORDS)  # mots dits de chaque phrase, END compris ; la dernière n'en a pas
SAYS, HOPES = 8.0, 2.0  # scores du mot qui suit, et de celui que dit la carte


# --- BLEU ----------------------------------------------------------------------------


def _runs(words, order: int) -> list[tuple]:
    return [tuple(words[k : k + order]) for k in range(len(words) - order + 1)]


def _matches(said, truth, order: int, *, clipped: bool = True) -> tuple[int, int]:
    found, known = _runs(said, order), Counter(_runs(truth, order))
    if not clipped:
        return sum(run in known for run in found), len(found)
    return sum(min(n, known[run]) for run, n in Counter(found).items()), len(found)


def _penalty(num_said: int, num_true: int) -> float:
    if num_said >= num_true:
        return 1.0
    return math.exp(1 - num_true / num_said) if num_said else 0.0


def _geometric(shares) -> float:
    return math.prod(shares) ** (1 / len(shares))


def _bleu(said, truths, *, order=4, clipped=True, penalty=_penalty, mean=_geometric, first=1):
    """Refait `bleu` ; les options sont les erreurs."""
    shares = []
    for n in range(order if first is None else first, order + 1):
        counts = [_matches(*pair, n, clipped=clipped) for pair in zip(said, truths, strict=True)]
        right, total = (sum(each) for each in zip(*counts, strict=True))
        shares.append(right / total if total else 0.0)
    lengths = (sum(map(len, each)) for each in (said, truths))
    return penalty(*lengths) * mean(shares)


def _with(**options):
    return lambda said, truths, *, order=4: _bleu(said, truths, order=order, **options)


def _sentence(rng, num: int, *, repeats: bool = False) -> list[str]:
    """Tire une phrase ; sans répétition, ou avec un mot dit trois fois."""
    words = [str(word) for word in rng.permutation(WORDS)[:num]]
    if repeats:
        words[num // 2 : num // 2] = [words[0]] * 2
    return words


def _said(rng, truth: list[str]) -> list[str]:
    """Dit presque une phrase : un mot de plus, un mot changé, un bout répété."""
    return [*truth[:-1], "deux", *truth[:2], *truth[:2], str(rng.choice(WORDS))]


@question("ex25.matches")
def ask_matches(ask: Ask) -> Credit:
    """Compte des suites, sans répétition puis avec."""
    rng = ask.rng
    plain, repeated = [], []
    for order in (1, 2, 2, 3):
        truth = _sentence(rng, 8)
        said = [*truth[3:], *truth[:3][::-1]]
        plain.append(((said, truth, order), {}))
        repeated.append(((_said(rng, truth), truth, order), {}))
        again = _sentence(rng, 6, repeats=True)
        repeated.append((([*again, *again[:3]], again, order), {}))
    plain.append(((_sentence(rng, 2), _sentence(rng, 6), 4), {}))

    def once(said, truth, order):
        found = set(_runs(said, order))
        return len(found & set(_runs(truth, order))), len(found)

    def single(said, truth, order):
        return _matches(said, truth, 1)

    def unclipped(said, truth, order):
        return _matches(said, truth, order, clipped=False)

    mistakes = [
        Mistake("unclipped_counts", unclipped, "1/2"),
        Mistake("runs_seen_once", once, "1/2"),
        Mistake("words_for_runs", single, "1/4"),
    ]
    groups = [("1/2", plain), ("1", repeated)]
    return judge(ask.calls("matches", plain + repeated), groups, _matches, mistakes)


@question("ex25.brevity_penalty")
def ask_brevity_penalty(ask: Ask) -> Credit:
    """Compare deux longueurs."""
    rng = ask.rng
    num = int(rng.integers(6, 20))
    long = [((num, num), {}), ((num + 3, num), {}), ((5 * num, num), {})]
    short = [((num, num + each), {}) for each in (1, 4, num)] + [((0, num), {})]

    def reversed_(said, true):
        return 1.0 if said >= true else math.exp(1 - said / true)

    def ratio(said, true):
        return min(1.0, said / true)

    def both(said, true):
        return _penalty(said, true) if said < true else math.exp(1 - said / true)

    def unbounded(said, true):
        return math.exp(1 - true / said) if said else 0.0

    mistakes = [
        Mistake("no_brevity_penalty", lambda said, true: 1.0, "1/2"),
        Mistake("ratio_for_exponential", ratio, "1/2"),
        Mistake("penalty_upside_down", reversed_, "1/2"),
        Mistake("long_punished", both),
        Mistake("long_punished", unbounded),
    ]
    groups = [("1/2", long), ("1", short)]
    return judge(ask.calls("brevity_penalty", long + short), groups, _penalty, mistakes)


@question("ex25.bleu")
def ask_bleu(ask: Ask) -> Credit:
    """Mesure des lots de phrases, de longueurs différentes."""
    rng = ask.rng

    def draw(*lengths: int, cut: int = 0):
        truths = [_sentence(rng, num) for num in lengths]
        return [_said(rng, each)[: len(each) - cut if cut else None] for each in truths], truths

    first = [(draw(9, 6), {"order": 1}), (draw(7), {"order": 1})]
    means = [(draw(9, 6, 7), {"order": order}) for order in (2, 3, 4)] + [(draw(10, 5), {})]
    other = [["rouge"] * 5], [["sac"] * 5]
    short = [(draw(9, 7, cut=3), {"order": order}) for order in (1, 2)]
    short += [(([["un", "sac"], WORDS[:7]], [["un", "sac"], WORDS[:9]]), {}), (other, {"order": 1})]

    def each_alone(said, truths, *, order=4):
        pairs = zip(said, truths, strict=True)
        return float(np.mean([_bleu([one], [two], order=order) for one, two in pairs]))

    def never(said, true):
        return 1.0

    mistakes = [
        Mistake("unclipped_counts", _with(clipped=False), "1/4"),
        Mistake("no_brevity_penalty", _with(penalty=never), "3/4"),
        Mistake("arithmetic_mean", _with(mean=np.mean), "1/2"),
        Mistake("product_for_mean", _with(mean=math.prod), "1/2"),
        Mistake("last_order_only", _with(first=None), "1/2"),
        Mistake("averaged_sentences", each_alone, "1/4"),
        Mistake("penalty_upside_down", _with(penalty=lambda s, t: _penalty(t, s)), "3/4"),
    ]
    groups = [("1/2", first), ("3/4", means), ("1", short)]
    return judge(ask.calls("bleu", first + means + short), groups, _bleu, mistakes)


# --- Dire ----------------------------------------------------------------------------


@question("ex25.to_words")
def ask_to_words(ask: Ask) -> Credit:
    """Rend les mots de phrases finies, sans END, ou vides."""
    rng, rows = ask.rng, []
    for num in (4, 7, 2):
        words = [FIRST, *map(int, rng.integers(3, len(CAPTIONS.words), num))]
        rows += [[*words, LAST, 0, 0], [*words, LAST, *map(int, words[1:3])], words, [*words, 0]]
    rows += [[FIRST, LAST, 0, 0], [FIRST, 0, 0]]
    calls = [((np.array(row, np.uint8),), {}) for row in rows]

    def right(row, *, end=False, start=False, blanks=False, further=False):
        row = [int(number) for number in row]
        if LAST in row and not further:
            row = row[: row.index(LAST) + end]
        dropped = {FIRST: not start, 0: not blanks, LAST: not end}
        return np.array([number for number in row if not dropped.get(number)], float)

    mistakes = [
        Mistake("end_kept", lambda row: right(row, end=True), "1/2"),
        Mistake("start_kept", lambda row: right(row, start=True), "1/2"),
        Mistake("blanks_kept", lambda row: right(row, blanks=True), "1/2"),
        Mistake("goes_on_after_end", lambda row: right(row, further=True), "1/4"),
        Mistake("goes_on_after_end", lambda row: right(row, further=True, blanks=True), "1/4"),
        Mistake("goes_on_after_end", lambda row: right(row, further=True, end=True), "1/4"),
    ]
    answers = [_as_numbers(answer) for answer in ask.calls("to_words", calls)]
    return judge(answers, [("1", calls)], right, mistakes)


def _as_numbers(answer: pupil.Answer) -> pupil.Answer:
    """Remplace des mots par leurs numéros, −1 pour un inconnu, de quoi les comparer."""
    words = answer.value
    if answer.error or not isinstance(words, list | tuple):
        return answer
    numbers = [CAPTIONS.numbers.get(word, -1) if isinstance(word, str) else -1 for word in words]
    return pupil.Answer(np.array(numbers, float))


@question("ex25.say")
def ask_say(ask: Ask) -> Credit:
    """Fait parler un réseau dont on sait d'avance ce qu'il dira, et où il regarde."""
    rng, num = ask.rng, len(CAPTIONS.words)
    chain = [int(word) for word in rng.permutation(np.arange(3, num))[: LENGTHS[2] - 1]]
    table = np.zeros((num, num), np.float32)
    for before, after in zip(chain, [*chain[1:], LAST], strict=True):
        table[before, after] = SAYS
    table[LAST, chain[0]] = SAYS  # après END, il parlerait encore
    loop = [int(word) for word in rng.permutation(np.setdiff1d(np.arange(3, num), chain))[:2]]
    table[loop[0], loop[1]] = table[loop[1], loop[0]] = SAYS
    maps = rng.uniform(0, 1, (len(LENGTHS), CELLS, FEATURES)).astype(np.float32)
    starts = [chain[-(length - 1)] for length in LENGTHS[:3]] + [loop[0]]
    for image, word in enumerate(starts):
        maps[image, 0, word] = HOPES  # au début, c'est la carte qui dit par quel mot commencer
    speaker = messages.Ingredient("planted_speaker", {"table": table, "num_words": MAX_WORDS})
    (answer,) = ask.calls("say", [((speaker, maps), {})])
    if answer.error:
        raise pupil.failure_of(answer.error)
    if not isinstance(answer.value, tuple | list) or len(answer.value) != 2:
        return credit(0, "wrong_type")
    said, attention = (as_floats(each) for each in answer.value)
    expected, further, unread = (
        _spoken(table, maps, **options) for options in ({}, {"stops": False}, {"rereads": False})
    )
    if said is None or said.shape != expected.shape:
        return credit(0, "wrong_shape")
    if same(said, unread):
        return credit("1/4", "never_rereads")
    if not same(said, expected):
        lengths = [length + 1 for length in LENGTHS]
        begun = all((a[:n] == b[:n]).all() for a, b, n in zip(said, expected, lengths, strict=True))
        if begun or same(said, further):
            return credit("1/2", "goes_on_after_end")
        shortest = min(LENGTHS) + 1
        if (said[:, :shortest] == expected[:, :shortest]).all() and not said[:, shortest:].any():
            return credit("1/4", "stops_too_soon")
        late = [np.roll(expected[:, :-2], step, axis=1) for step in (1, -1)]
        if any((said[:, 1:-2] == each[:, 1:]).mean() > 0.9 for each in late):
            return credit("1/4", "one_step_late")
        return credit(0, "wrong_values")
    looked = _attention(maps)
    if attention is None or attention.shape != looked.shape:
        return credit("3/4", "wrong_attention")
    for image, length in enumerate(LENGTHS):
        if not same(attention[image, :length], looked[image, :length], tolerance=1e-3):
            return credit("3/4", "wrong_attention")
    return RIGHT


def _spoken(table, maps, *, stops: bool = True, rereads: bool = True) -> np.ndarray:
    """Refait ce que dit le réseau planté, phrase par phrase."""
    found = np.zeros((len(maps), MAX_WORDS + 1))
    for row, cells in zip(found, maps, strict=True):
        row[0] = FIRST
        for t in range(MAX_WORDS):
            read = int(row[t]) if rereads or t == 0 else 0
            row[t + 1] = (table[read] + cells[t, : len(table)]).argmax()
            if stops and row[t + 1] == LAST:
                break
    return found


def _attention(maps) -> np.ndarray:
    """Refait où regarde le réseau planté : `(n, MAX_WORDS, cases)`."""
    scores = np.arange(1, MAX_WORDS + 1)[:, None] * maps[:, None, :, -1].astype(float)
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)
