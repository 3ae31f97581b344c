"""Exercice 25 : BLEU, et les mots d'une phrase."""

from functools import partial

import numpy as np

from grading import sealed
from grading.questions import Ask, Mistake, compared

GRAMMAR = sealed.module("ex25_captions.grammar")
BLEU = sealed.module("ex25_captions.bleu")
WORDS = "un une deux sac pull robe rouge verte en haut bas et".split()
CAPTIONS = GRAMMAR.CAPTIONS
FIRST, LAST = CAPTIONS.numbers[GRAMMAR.START], CAPTIONS.numbers[GRAMMAR.END]
BLANKS = ("", GRAMMAR.START, GRAMMAR.END)


# --- BLEU ----------------------------------------------------------------------------


def _sentence(rng, num: int) -> list[str]:
    return [str(word) for word in rng.permutation(WORDS)[:num]]


def _said(rng, truth: list[str]) -> list[str]:
    """Dit presque une phrase : un mot de plus, un mot changé, un bout répété."""
    return [*truth[:-1], "deux", *truth[:2], *truth[:2], str(rng.choice(WORDS))]


def _runs(words, order) -> list[tuple]:
    """Rend les suites de `order` mots d'une phrase, dans l'ordre."""
    return [*zip(*(words[k:] for k in range(order)), strict=False)]


def _counted_again(said, truth, order) -> tuple[int, int]:
    """Compte une suite juste autant de fois qu'elle est dite."""
    runs = [_runs(each, order) for each in (said, truth)]
    return sum(run in runs[1] for run in runs[0]), len(runs[0])


def _counted_once(said, truth, order) -> tuple[int, int]:
    """Compte une suite juste une seule fois, même si la vraie phrase la répète."""
    return len({*_runs(said, order)} & {*_runs(truth, order)}), len(_runs(said, order))


def _counted_as_sets(said, truth, order) -> tuple[int, int]:
    """Compte chaque suite une seule fois, parmi les justes comme parmi toutes."""
    ours = {*_runs(said, order)}
    return len(ours & {*_runs(truth, order)}), len(ours)


def _last_run_forgotten(said, truth, order) -> tuple[int, int]:
    """Oublie la dernière suite de chaque phrase."""
    return BLEU.matches(said[:-1], truth[:-1], order)


def _place_by_place(said, truth, order) -> tuple[int, int]:
    """Ne compte une suite que si la vraie phrase l'a à la même place."""
    pairs = zip(_runs(said, order), _runs(truth, order), strict=False)
    return sum(ours == theirs for ours, theirs in pairs), len(_runs(said, order))


def _out_of_words(said, truth, order) -> tuple[int, int]:
    """Rend, pour second nombre, celui des mots."""
    return BLEU.matches(said, truth, order)[0], len(said)


def _larger_counts(said, truth, order) -> tuple[int, int]:
    """Compte une suite autant de fois que la phrase qui la dit le plus."""
    ours, theirs = BLEU.runs(said, order), BLEU.runs(truth, order)
    return sum(max(count, theirs[run]) for run, count in ours.items()), ours.total()


def _by_sentence(said, truths, *, order=4) -> float:
    """Moyenne les mesures des phrases, prises une à une."""
    pairs = zip(said, truths, strict=True)
    return np.mean([BLEU.bleu([each], [truth], order=order) for each, truth in pairs])


def _end_to_end(said, truths, *, order=4) -> float:
    """Mesure toutes les phrases, collées bout à bout, comme une seule."""
    ours, theirs = ([word for words in each for word in words] for each in (said, truths))
    return BLEU.bleu([ours], [theirs], order=order)


def _first_only(said, truths, *, order=4) -> float:
    """Ne lit que la première phrase."""
    return BLEU.bleu(said[:1], truths[:1], order=order)


def _every_order(order: int) -> range:
    return range(1, order + 1)


def _last_order(order: int) -> range:
    return range(order, order + 1)


def _but_last_order(order: int) -> range:
    return range(1, order)


def _geometric(shares: np.ndarray, order: int) -> float:
    return np.prod(shares) ** (1 / order)


def _geometric_of_shares(shares: np.ndarray, order: int) -> float:
    return np.prod(shares) ** (1 / len(shares))


def _geometric_of_right(shares: np.ndarray, order: int) -> float:
    return np.prod(shares[shares > 0]) ** (1 / order)


def _geometric_of_those_right(shares: np.ndarray, order: int) -> float:
    right = shares[shares > 0]
    return np.prod(right) ** (1 / max(len(right), 1))


def _arithmetic(shares: np.ndarray, order: int) -> float:
    return np.mean(shares)


def _product(shares: np.ndarray, order: int) -> float:
    return np.prod(shares)


def _fourth_root(shares: np.ndarray, order: int) -> float:
    return np.prod(shares) ** (1 / BLEU.MAX_ORDER)


def _penalty(said, truths) -> float:
    return BLEU.brevity_penalty(sum(map(len, said)), sum(map(len, truths)))


def _no_penalty(said, truths) -> float:
    return 1.0


def _penalty_swapped(said, truths) -> float:
    return _penalty(truths, said)


def _penalty_by_sentence(said, truths) -> float:
    pairs = zip(said, truths, strict=True)
    return np.mean([BLEU.brevity_penalty(len(each), len(truth)) for each, truth in pairs])


def _penalty_as_ratio(said, truths) -> float:
    return min(1.0, sum(map(len, said)) / sum(map(len, truths)))


def _measured(
    said, truths, *, order=4, lengths=_every_order, mean=_geometric, penalty=_penalty, more=0
) -> float:
    """Refait `bleu` avec, au choix, une erreur.

    Args:
        said: les phrases à juger.
        truths: les vraies phrases.
        order: longueur des plus longues suites.
        lengths: rend, de `order`, les longueurs des suites qui comptent.
        mean: résume les parts justes, une par longueur.
        penalty: punit les phrases trop courtes.
        more: ce qui est ajouté à chaque compte.
    """
    shares = []
    for n in lengths(order):
        counts = [BLEU.matches(*pair, n) for pair in zip(said, truths, strict=True)]
        right, total = np.sum(counts, axis=0) + more
        shares.append(right / total if total else 0.0)
    return penalty(said, truths) * mean(np.array(shares), order)


def _penalty_under_root(said, truths, *, order=4) -> float:
    """Multiplie les parts par la pénalité avant de prendre la racine."""
    return _measured(said, truths, order=order, mean=_product) ** (1 / order)


def _mistaken(reason: str, **how) -> Mistake:
    return Mistake(reason, partial(_measured, **how))


MEASURED = [
    Mistake("sentence_by_sentence", _by_sentence),
    Mistake("sentences_end_to_end", _end_to_end),
    Mistake("first_sentence_only", _first_only),
    _mistaken("penalty_forgotten", penalty=_no_penalty),
    _mistaken("penalty_swapped", penalty=_penalty_swapped),
    _mistaken("penalty_by_sentence", penalty=_penalty_by_sentence),
    _mistaken("penalty_as_ratio", penalty=_penalty_as_ratio),
    Mistake("penalty_under_root", _penalty_under_root),
    _mistaken("null_share_skipped", mean=_geometric_of_right),
    _mistaken("null_share_skipped", mean=_geometric_of_those_right),
    _mistaken("arithmetic_mean", mean=_arithmetic),
    _mistaken("root_forgotten", mean=_product),
    _mistaken("fourth_root", mean=_fourth_root),
    _mistaken("longest_runs_only", lengths=_last_order, mean=_product),
    _mistaken("longest_runs_only", lengths=_last_order),
    _mistaken("longest_runs_forgotten", lengths=_but_last_order),
    _mistaken("longest_runs_forgotten", lengths=_but_last_order, mean=_geometric_of_shares),
    _mistaken("smoothed", more=1),
    _mistaken("smoothed", more=np.array([1, 0])),
]
COUNTED = [
    Mistake("runs_counted_again", _counted_again),
    Mistake("runs_counted_once", _counted_once),
    Mistake("runs_counted_once", _counted_as_sets),
    Mistake("last_run_forgotten", _last_run_forgotten),
    Mistake("place_by_place", _place_by_place),
    Mistake("words_for_runs", _out_of_words),
    Mistake("larger_counts", _larger_counts),
]


@compared("ex25.matches", mistakes=COUNTED)
def ask_matches(ask: Ask) -> list:
    """Compte des suites, sans répétition puis avec."""
    truths = [(_sentence(ask.rng, 8), order) for order in (1, 2, 2, 3)]
    short = ((_sentence(ask.rng, 2), _sentence(ask.rng, 6), 4), {})
    plain = [(([*truth[3:], *truth[:3][::-1]], truth, order), {}) for truth, order in truths]
    repeated = [((_said(ask.rng, truth), truth, order), {}) for truth, order in truths]
    repeated += [((4 * truth[:4], 2 * truth[:4], order), {}) for truth, order in truths]
    return [("1/2", [short, *plain]), ("1", repeated)]


@compared("ex25.bleu", mistakes=MEASURED)
def ask_bleu(ask: Ask) -> list:
    """Mesure des lots de phrases, de longueurs différentes."""

    def draw(*lengths: int, end: int | None = None):
        truths = [_sentence(ask.rng, num) for num in lengths]
        return [_said(ask.rng, each)[:end] for each in truths], truths

    cut = [(draw(9, 7, end=-8), {"order": order}) for order in (1, 2)]
    short = (([["un", "sac"], WORDS[:7]], [["un", "sac"], WORDS[:9]]), {})
    no_runs = (([["un", "sac"], ["rouge"]], [["un", "sac"], ["rouge"]]), {"order": 3})
    return [
        ("1/2", [(draw(*lengths), {"order": 1}) for lengths in ((9, 6), (7,), (8, 5, 10))]),
        ("3/4", [*((draw(9, 6, 7), {"order": order}) for order in (2, 3, 4)), (draw(10, 5), {})]),
        ("1", [*cut, short, no_runs, (([["rouge"] * 5], [["sac"] * 5]), {"order": 1})]),
    ]


# --- Dire ----------------------------------------------------------------------------


def _spoken(numbers) -> list[str]:
    """Rend les mots de numéros, sans START, END ni blancs ; ceux qui suivent END aussi."""
    return [CAPTIONS.words[n] for n in numbers if CAPTIONS.words[n] not in BLANKS]


def _until_end(numbers, *, more=0, left=("", GRAMMAR.START)) -> list[str]:
    """Rend les mots qui précèdent END, et `more` de plus, sans ceux de `left`."""
    words = [CAPTIONS.words[n] for n in numbers]
    words = words[: words.index(GRAMMAR.END) + more] if GRAMMAR.END in words else words
    return [word for word in words if word not in left]


def _neighbours(numbers, *, step: int) -> list[str]:
    """Lit chaque mot à côté de sa place dans le vocabulaire."""
    numbers = [int(number) for number in numbers]
    numbers = numbers[: numbers.index(LAST)] if LAST in numbers else numbers
    return _spoken([number + step for number in numbers if number not in (0, FIRST)])


def _shifted(numbers) -> list[str]:
    """Lit tous les numéros, ceux de START, d'END et des blancs aussi, une place trop tôt."""
    words = [CAPTIONS.words[int(number) - 1] for number in numbers]
    words = words[: words.index(GRAMMAR.END)] if GRAMMAR.END in words else words
    return [word for word in words if word not in BLANKS]


def _but_last_place(numbers) -> list[str]:
    """Ôte la première et la dernière case, puis les blancs."""
    return [CAPTIONS.words[number] for number in numbers[1:-1] if number]


def _sorted_words(numbers) -> list[str]:
    """Rend chaque mot une seule fois, dans l'ordre du vocabulaire."""
    return _spoken(np.unique(numbers))


SPOKEN = [
    Mistake("after_the_end", _spoken),
    Mistake("end_kept", partial(_until_end, more=1)),
    Mistake("blanks_kept", partial(_until_end, left=(GRAMMAR.START,))),
    Mistake("word_beside", partial(_neighbours, step=-1)),
    Mistake("word_beside", partial(_neighbours, step=1)),
    Mistake("word_beside", _shifted),
    Mistake("last_place_removed", _but_last_place),
    Mistake("words_sorted", _sorted_words),
]


@compared("ex25.to_words", mistakes=SPOKEN)
def ask_to_words(ask: Ask) -> list:
    """Rend les mots de phrases finies, puis d'autres : répétées, sans END, ou vides."""
    drawn = [(3 + ask.rng.permutation(len(CAPTIONS.words) - 3)[:k]).tolist() for k in (4, 7, 2)]
    drawn[0].sort(reverse=True)  # qui rangerait les mots en changerait l'ordre
    finished = [[FIRST, *words, LAST, 0, 0] for words in drawn]
    others = [[FIRST, *drawn[0], *drawn[0][:2], LAST, 0]]  # des mots se répètent
    for words in drawn:
        others += [[FIRST, *words, LAST, *words[:2]], [FIRST, *words], [FIRST, *words, 0]]
    others += [[FIRST, LAST, 0, 0], [FIRST, 0, 0]]
    rows = (finished, others)
    return [("1", [((np.array(row, np.uint8),), {}) for row in each]) for each in rows]
