"""Exercice 26 : le chemin du bruit à l'image, la force de la phrase, la distance de Fréchet."""

import numpy as np

from grading.messages import Ingredient
from grading.questions import TOLERANCE, Ask, Credit, question

# --- Le chemin -----------------------------------------------------------------------


@question("ex26.travel")
def ask_travel(ask: Ask) -> Credit:
    """Place des points entre des bruits et des images."""
    rng, calls = ask.rng, []
    for shape in ((3, 2, 4, 3), (4, 5, 3, 1), (2, 3, 3, 2)):
        times = rng.permutation(np.linspace(0, 1, shape[0])) * 0.9 + 0.03
        calls.append(((rng.normal(size=shape), rng.uniform(-1, 1, shape), times), {}))
    return ask.compare("travel", [("1", calls)], tolerance=TOLERANCE)


@question("ex26.exact_velocity")
def ask_exact_velocity(ask: Ask) -> Credit:
    """Suit une image, puis plusieurs, à des instants différents."""

    def draw(num, time):
        points = ask.rng.uniform(-1, 1, (num, 2, 3, 1))
        x = (1 - time) * ask.rng.normal(size=(4, 2, 3, 1)) + time * points[
            ask.rng.integers(num, size=4)
        ]
        return ([points], ["__call__", x, time]), {}

    groups = [
        ("1/2", [draw(1, time) for time in (0.0, 0.4, 0.8)]),
        ("1", [draw(num, time) for num, time in ((2, 0.3), (5, 0.6), (3, 0.5))]),
    ]
    return ask.compare("exact_velocity", groups, tolerance=TOLERANCE, operation="chained")


# --- La vitesse ----------------------------------------------------------------------


def _velocity(rng, *, timed: bool = True) -> Ingredient:
    gain, slope = (float(each) for each in rng.uniform(0.3, 1.2, 2))
    return Ingredient("planted_velocity", {"gain": gain, "slope": slope * timed})


@question("ex26.guided")
def ask_guided(ask: Ask) -> Credit:
    """Mêle deux vitesses, de plusieurs forces."""

    def draw(guidance):
        x, time = ask.rng.normal(size=(2, 3, 3, 1)), float(ask.rng.uniform(0.1, 0.9))
        guided = [_velocity(ask.rng), _velocity(ask.rng), guidance]
        return (guided, ["__call__", x, time]), {}

    groups = [("1/2", [draw(0), draw(1)]), ("1", [draw(2), draw(3.5), draw(0.5)])]
    return ask.compare("guided", groups, tolerance=TOLERANCE, operation="chained")


@question("ex26.follow")
def ask_follow(ask: Ask) -> Credit:
    """Suit des vitesses sans, puis avec l'instant."""

    def draw(num_steps, *, timed=True):
        velocity = _velocity(ask.rng, timed=timed)
        return (velocity, ask.rng.normal(size=(2, 3))), {"num_steps": num_steps}

    plain, timed = [draw(5, timed=False), draw(8, timed=False)], [draw(4), draw(9), draw(20)]
    groups = [("1/2", plain), ("1", timed)]
    return ask.compare("follow", groups, tolerance=TOLERANCE)


# --- Deux nuages ---------------------------------------------------------------------


@question("ex26.frechet")
def ask_frechet(ask: Ask) -> Credit:
    """Compare des nuages, déplacés puis de formes différentes."""

    def cloud(num=40):
        return ask.rng.normal(size=(num, 4)) @ ask.rng.normal(size=(4, 4)) + ask.rng.normal(size=4)

    first = cloud()
    moved = [((first, first + ask.rng.uniform(1, 2, 4)), {}), ((first, first), {})]
    other = [((cloud(), cloud(30)), {}), ((cloud(25), cloud(50)), {})]
    return ask.compare("frechet", [("1/4", moved), ("1", other)], tolerance=1e-3)
