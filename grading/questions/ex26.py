"""Exercice 26 : le chemin du bruit à l'image, la force de la phrase, la distance de Fréchet."""

import numpy as np

from grading.inside.messages import Ingredient
from grading.questions import TOLERANCE, Ask, Mistake, compared

# --- Le chemin -----------------------------------------------------------------------


@compared("ex26.travel", tolerance=TOLERANCE)
def ask_travel(ask: Ask) -> list:
    """Place des points entre des bruits et des images."""

    def draw(*shape):
        times = ask.rng.permutation(np.linspace(0, 1, shape[0])) * 0.9 + 0.03
        return (ask.rng.normal(size=shape), ask.rng.uniform(-1, 1, shape), times), {}

    return [("1", [draw(3, 2, 4, 3), draw(4, 5, 3, 1), draw(2, 3, 3, 2)])]


@compared("ex26.exact_velocity", tolerance=TOLERANCE, operation="chained")
def ask_exact_velocity(ask: Ask) -> list:
    """Suit une image, puis plusieurs, à des instants différents."""

    def draw(num, time):
        points = ask.rng.uniform(-1, 1, (num, 2, 3, 1))
        x = (1 - time) * ask.rng.normal(size=(4, 2, 3, 1)) + time * points[
            ask.rng.integers(num, size=4)
        ]
        return ([points], ["__call__", x, time]), {}

    return [
        ("1/2", [draw(1, time) for time in (0.0, 0.4, 0.8)]),
        ("1", [draw(num, time) for num, time in ((2, 0.3), (5, 0.6), (3, 0.5))]),
    ]


# --- La vitesse ----------------------------------------------------------------------


def _velocity(rng, *, timed: bool = True) -> Ingredient:
    gain, slope = (float(each) for each in rng.uniform(0.3, 1.2, 2))
    return Ingredient("planted_velocity", {"gain": gain, "slope": slope * timed})


@compared("ex26.guided", tolerance=TOLERANCE, operation="chained")
def ask_guided(ask: Ask) -> list:
    """Mêle deux vitesses, de plusieurs forces."""

    def draw(guidance):
        x, time = ask.rng.normal(size=(2, 3, 3, 1)), float(ask.rng.uniform(0.1, 0.9))
        return ([_velocity(ask.rng), _velocity(ask.rng), guidance], ["__call__", x, time]), {}

    return [("1/2", [draw(0), draw(1)]), ("1", [draw(2), draw(3.5), draw(0.5)])]


@compared("ex26.follow", tolerance=TOLERANCE)
def ask_follow(ask: Ask) -> list:
    """Suit des vitesses sans, puis avec l'instant."""

    def draw(num_steps, *, timed=True):
        start = ask.rng.normal(size=(2, 3))
        return (_velocity(ask.rng, timed=timed), start), {"num_steps": num_steps}

    return [
        ("1/2", [draw(5, timed=False), draw(8, timed=False)]),
        ("1", [draw(4), draw(9), draw(20)]),
    ]


# --- Deux nuages ---------------------------------------------------------------------


def _variances_only(found, truth) -> float:
    """Compare les variances, sans les covariances."""
    gap, spread = found.mean(0) - truth.mean(0), found.std(0, ddof=1) - truth.std(0, ddof=1)
    return gap @ gap + spread @ spread


@compared("ex26.frechet", mistakes=[Mistake("variances_only", _variances_only)], tolerance=1e-3)
def ask_frechet(ask: Ask) -> list:
    """Compare des nuages, déplacés puis de formes différentes."""

    def cloud(num=40):
        return ask.rng.normal(size=(num, 4)) @ ask.rng.normal(size=(4, 4)) + ask.rng.normal(size=4)

    first = cloud()
    return [
        ("1/4", [((first, first + ask.rng.uniform(1, 2, 4)), {}), ((first, first), {})]),
        ("1", [((cloud(), cloud(30)), {}), ((cloud(25), cloud(50)), {})]),
    ]
