"""Exercice 23 : changer une pièce d'un réseau, et savoir si l'on a montré quelque chose."""

import numpy as np

from exercises.ex23_what_matters import intervals
from grading import pupil
from grading.messages import Ingredient, Record
from grading.questions import (
    RIGHT,
    Ask,
    Credit,
    as_floats,
    credit,
    failed,
    judge,
    judge_parts,
    question,
)

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


@question("ex23.paired_gap")
def ask_paired_gap(ask: Ask) -> Credit:
    """Compare des réponses à une graine, puis à plusieurs : la différence, puis l'intervalle."""
    rng = ask.rng

    def draw(num_seeds, num_images):
        hard = rng.random(num_images)  # chaque image a sa difficulté, commune aux deux réseaux
        skill = rng.normal(0, 0.1, (num_seeds, 1))
        first = rng.random((num_seeds, num_images)) < hard + 0.1 + skill
        return (first, rng.random((num_seeds, num_images)) < hard), {}

    one, several = [draw(1, 60), draw(1, 45)], [draw(3, 50), draw(5, 40)]
    refused = ((np.ones((2, 9), bool), np.ones((2, 8), bool)), {})

    def difference(gap):
        found = as_floats(gap)
        return None if found is None or found.shape != (3,) else found[0]

    groups = [
        ("1/4", one + several, difference),
        ("1/2", one, as_floats),
        ("1", [*several, refused], as_floats),
    ]
    return judge_parts(ask, "paired_gap", groups, intervals.paired_gap)


@question("ex23.sign")
def ask_sign(ask: Ask) -> Credit:
    """Donne des différences établies, et d'autres qui ne le sont pas."""
    sizes, calls = ask.rng.uniform(0.02, 0.2, 8), []
    for center in sizes * np.repeat([1, -1], 4):
        for reach in (0.5 * abs(center), 2 * abs(center)):
            gap = {"difference": center, "low": center - reach, "high": center + reach}
            calls.append(((Ingredient("record", gap),), {}))

    def right(gap):
        return intervals.sign(intervals.Gap(**gap.options))

    return ask.judge("sign", [("1", calls)], right)


# --- Des réseaux ---------------------------------------------------------------------


def _has_pieces(answer: pupil.Answer, name: str) -> pupil.Answer:
    """Dit si un `NamedTuple` a les pièces d'une variante ; une liste vaut un tuple."""
    values = answer.value.values if isinstance(answer.value, Record) else ()
    values = [each.tolist() if isinstance(each, np.ndarray) else each for each in values]
    found = tuple(tuple(each) if isinstance(each, list) else each for each in values)
    rank, value = CHANGES.get(name, (0, REFERENCE[0]))
    return pupil.Answer(found == (*REFERENCE[:rank], value, *REFERENCE[rank + 1 :]), answer.error)


@question("ex23.pieces_of")
def ask_pieces_of(ask: Ask) -> Credit:
    """Demande des variantes, puis la référence, par deux noms qui n'en sont pas."""
    names = [*ask.rng.permutation([*CHANGES]).tolist(), "reference", "twin"]
    calls = [((name,), {}) for name in names]
    answers = map(_has_pieces, ask.calls("pieces_of", calls), names)
    groups = [("1/2", calls[: len(CHANGES)]), ("1", calls[len(CHANGES) :])]
    return judge(list(answers), groups, lambda name: True)


def _excess(units, shape) -> float:
    """Rend ce que le réseau dense a de paramètres en trop, ou en moins : une part de la référence.

    La référence a trois convolutions, deux poolings et deux couches denses.
    """
    height, width, channels = shape
    inputs = [channels, *REFERENCE[2]]
    kernels = sum((9 * m + 1) * n for m, n in zip(inputs, REFERENCE[2], strict=False))
    flat = (height // 4) * (width // 4) * inputs[-1]
    rest = UNITS + (UNITS + 1) * NUM_CLASSES  # ce qui suit est le même dans les deux
    size = (height * width * channels + 1 + UNITS) * units + rest
    return abs(float(size / (kernels + flat * UNITS + rest) - 1))


@question("ex23.equal_units")
def ask_equal_units(ask: Ask) -> Credit:
    """Compte les paramètres que donnerait la largeur rendue."""
    sides, gaps = ask.rng.permutation([20, 24, 28, 32])[:2].tolist(), []
    shapes = [(side, side, channels) for side, channels in zip(sides, (1, 3), strict=True)]
    answers = ask.calls("equal_units", [((shape,), {}) for shape in shapes])
    for shape, answer in zip(shapes, answers, strict=True):
        units = as_floats(answer.value)
        if answer.error:
            return failed(answer)
        if units is None or units.shape or units != units.round():
            return credit(0, "wrong_type")
        gaps.append(_excess(units, shape))
    if 100 * max(gaps) <= ask.settings["percent"]:
        return RIGHT
    return credit("1/2" if max(gaps) <= 0.1 else 0, "unequal_networks")
