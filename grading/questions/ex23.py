"""Exercice 23 : changer une pièce d'un réseau, et savoir si l'on a montré quelque chose."""

from fractions import Fraction

import numpy as np
from scipy import stats

from grading import messages, pupil
from grading.questions import (
    RIGHT,
    Ask,
    Credit,
    Mistake,
    as_floats,
    credit,
    failed,
    judge,
    question,
)

LEVEL = 0.95  # de l'énoncé
UNITS, NUM_CLASSES = 64, 10
REFERENCE = (3, "max", (8, 16, 32), (1, 1, 1), "relu", 0.0, False, False, False)
CHANGES = {  # rang de la pièce dans `REFERENCE`, et ce qu'elle devient
    "kernel_1": (0, 1),
    "stride": (1, "stride"),
    "double": (2, (16, 32, 64)),
    "deep": (3, (2, 2, 2)),
    "linear": (4, "linear"),
    "dropout": (5, 0.5),
    "normalised": (6, True),
    "dense": (8, True),
}


# --- Des intervalles -----------------------------------------------------------------


def _gap(right, reference, *, seeds=True, images=True, ddof=1, error=True, student=True) -> list:
    """Rend `[différence, bas, haut]` ; chaque option ôte une précaution."""
    if right.shape != reference.shape or right.ndim != 2 or right.shape[1] < 2:
        raise ValueError
    gaps = right.astype(float) - reference.astype(float)
    means = [gaps.mean(0)] if images or len(gaps) == 1 else []
    means += [gaps.mean(1)] if seeds and len(gaps) > 1 else []
    parts = [each.var(ddof=ddof) / (each.size if error else 1) for each in means]
    counts = [each.size - 1 for each in means]
    total = sum(parts)
    freedom = total**2 / sum(part**2 / count for part, count in zip(parts, counts, strict=True))
    quantile = (stats.t.ppf if student else lambda share, _: stats.norm.ppf(share))(
        (1 + LEVEL) / 2, freedom
    )
    reach = quantile * total**0.5
    return [gaps.mean(), gaps.mean() - reach, gaps.mean() + reach]


def _unpaired(right, reference) -> list:
    shares, n = [each.mean() for each in (right, reference)], right.shape[1]
    reach = stats.norm.ppf((1 + LEVEL) / 2) * sum(p * (1 - p) / n for p in shares) ** 0.5
    difference = shares[0] - shares[1]
    return [difference, difference - reach, difference + reach]


@question("ex23.paired_gap")
def ask_paired_gap(ask: Ask) -> Credit:
    """Compare des réponses à une graine, puis à plusieurs."""
    rng = ask.rng

    def call(num_seeds, num_images):
        hard = rng.random(num_images)  # chaque image a sa difficulté, commune aux deux réseaux
        skill = rng.normal(0, 0.1, (num_seeds, 1))
        first = rng.random((num_seeds, num_images)) < hard + 0.1 + skill
        second = rng.random((num_seeds, num_images)) < hard
        return (first, second), {}

    one, several = [call(1, 60), call(1, 45)], [call(3, 50), call(5, 40)]
    refused = [((np.ones((2, 9), bool), np.ones((2, 8), bool)), {})]
    answers = ask.calls("paired_gap", one + several + refused)
    differences = [
        pupil.Answer(None if found is None or found.shape != (3,) else found[0], answer.error)
        for answer in answers[:-1]
        for found in [as_floats(answer.value)]
    ]

    def only(compute):
        return lambda *positional: compute(*positional)[0]

    first = judge(
        differences,
        [("1", one + several)],
        only(_gap),
        [Mistake("difference_reversed", only(lambda r, s: _gap(s, r)))],
    )
    if first.level < 1:
        return Credit(Fraction(0), first.reason, first.detail)
    mistakes = [
        Mistake(reason, lambda r, s, options=options: _gap(r, s, **options))
        for reason, options in (
            ("seeds_ignored", {"seeds": False}),
            ("images_ignored", {"images": False}),
            ("normal_for_student", {"student": False}),
            ("deviation_for_error", {"error": False}),
            ("biased_variance", {"ddof": 0}),
        )
    ]
    mistakes.append(Mistake("unpaired_interval", _unpaired))
    groups = [("1/2", one), ("1", several + refused)]
    found = judge(answers, groups, _gap, mistakes)
    return Credit(max(found.level, Fraction(1, 4)), found.reason, found.detail)


@question("ex23.sign")
def ask_sign(ask: Ask) -> Credit:
    """Donne des différences établies, et d'autres qui ne le sont pas."""
    rng = ask.rng
    centers = [*rng.uniform(0.02, 0.2, 4).tolist(), *rng.uniform(-0.2, -0.02, 4).tolist()]
    triples = [
        (center, center - share * abs(center), center + share * abs(center))
        for center in centers
        for share in (0.5, 2.0)
    ]
    records = [
        messages.Ingredient("record", dict(zip(("difference", "low", "high"), each, strict=True)))
        for each in triples
    ]
    answers = ask.calls("sign", [((each,), {}) for each in records])
    plain = [((each,), {}) for each in triples]

    def sign(gap):
        return (gap[1] > 0) - (gap[2] < 0)

    mistakes = [
        Mistake("interval_ignored", lambda gap: (gap[0] > 0) - (gap[0] < 0)),
        Mistake("sign_reversed", lambda gap: -sign(gap), "1/2"),
    ]
    return judge(answers, [("1", plain)], sign, mistakes)


# --- Des réseaux ---------------------------------------------------------------------


def _as_pieces(value) -> tuple | None:
    """Rend les pièces d'un `NamedTuple` ; les listes et les tuples s'y valent."""
    if not isinstance(value, messages.Record):
        return None
    return tuple(tuple(each) if isinstance(each, list) else each for each in value.values)


@question("ex23.pieces_of")
def ask_pieces_of(ask: Ask) -> Credit:
    """Demande des variantes, puis la référence."""
    names = [*ask.rng.permutation([*CHANGES]).tolist(), "reference", "twin"]
    answers = ask.calls("pieces_of", [((name,), {}) for name in names])
    wrong = []
    for name, answer in zip(names, answers, strict=True):
        expected = list(REFERENCE)
        if name in CHANGES:
            rank, value = CHANGES[name]
            expected[rank] = value
        if answer.error or _as_pieces(answer.value) != tuple(expected):
            wrong.append((name, answer))
    if not wrong:
        return RIGHT
    others = [answer for name, answer in wrong if name not in CHANGES]
    if len(others) == len(wrong):
        return credit("1/2", "unknown_variant")
    stopped = next((answer for _, answer in wrong if answer.error), None)
    if stopped:
        return failed(stopped)
    if any(_as_pieces(answer.value) is None for _, answer in wrong):
        return credit(0, "wrong_type")
    same = all(_as_pieces(answer.value) == REFERENCE for _, answer in wrong)
    return credit(0, "reference_only" if same else "wrong_values")


def _dense_size(units: int, shape) -> int:
    """Compte les paramètres du réseau dense."""
    pixels = int(np.prod(shape))
    return (pixels + 1) * units + (units + 1) * UNITS + (UNITS + 1) * NUM_CLASSES


def _reference_size(shape) -> int:
    """Compte ceux de la référence : trois convolutions, deux poolings, deux couches denses."""
    height, width, channels = shape
    total = 0
    for filters in REFERENCE[2]:
        total += (9 * channels + 1) * filters
        channels = filters
    flat = (height // 4) * (width // 4) * channels
    return total + (flat + 1) * UNITS + (UNITS + 1) * NUM_CLASSES


@question("ex23.equal_units")
def ask_equal_units(ask: Ask) -> Credit:
    """Compte les paramètres que donnerait la largeur rendue."""
    sides = ask.rng.permutation([20, 24, 28, 32])[:2].tolist()
    shapes = [(side, side, channels) for side, channels in zip(sides, (1, 3), strict=True)]
    gaps = []
    for shape, answer in zip(
        shapes, ask.calls("equal_units", [((shape,), {}) for shape in shapes]), strict=True
    ):
        if answer.error:
            return failed(answer)
        units = as_floats(answer.value)
        if units is None or units.shape or units != units.round():
            return credit(0, "wrong_type")
        gaps.append(abs(_dense_size(int(units), shape) / _reference_size(shape) - 1))
    if 100 * max(gaps) <= ask.settings["percent"]:
        return RIGHT
    return credit("1/2" if max(gaps) <= 0.1 else 0, "unequal_networks")
