"""Exercice 26 : le chemin du bruit à l'image, la force de la phrase, la distance de Fréchet."""

import numpy as np

from exercises.ex26_text_to_image import flow
from grading.messages import Ingredient
from grading.questions import RIGHT, Ask, Credit, as_floats, credit, question, same

NUM_IMAGES, NUM_WORDS = 600, 10  # de l'essai de `draw_batch`, et de ses phrases
FEW, MANY = 0.05, 0.16  # part des phrases effacées : hors de là, ce n'est pas une sur dix
TOLERANCE = 1e-4
ASTRAY = "wrong_values", "la vitesse doit mener du point à l'image, dans l'échelle du réseau"
PARTLY_ERASED = "wrong_values", "chaque phrase doit être gardée telle quelle, ou effacée en entier"
NOT_ONE_IN_TEN = "wrong_values", "ce n'est pas une phrase sur dix"


# --- Le chemin -----------------------------------------------------------------------


@question("ex26.travel")
def ask_travel(ask: Ask) -> Credit:
    """Place des points entre des bruits et des images."""
    rng, calls = ask.rng, []
    for shape in ((3, 2, 4, 3), (4, 5, 3, 1), (2, 3, 3, 2)):
        times = rng.permutation(np.linspace(0, 1, shape[0])) * 0.9 + 0.03
        calls.append(((rng.normal(size=shape), rng.uniform(-1, 1, shape), times), {}))
    return ask.judge("travel", [("1", calls)], flow.travel, tolerance=TOLERANCE)


@question("ex26.exact_velocity")
def ask_exact_velocity(ask: Ask) -> Credit:
    """Suit une image, puis plusieurs, à des instants différents."""
    rng = ask.rng

    def draw(num, time):
        points = rng.uniform(-1, 1, (num, 2, 3, 1))
        x = (1 - time) * rng.normal(size=(4, 2, 3, 1)) + time * points[rng.integers(num, size=4)]
        return (points, x, time), {}

    def right(points, x, time):
        return flow.exact_velocity(points)(x, time)

    groups = [
        ("1/2", [draw(1, time) for time in (0.0, 0.4, 0.8)]),
        ("1", [draw(num, time) for num, time in ((2, 0.3), (5, 0.6), (3, 0.5))]),
    ]
    applied = {"operation": "applied", "num_first": 1}
    return ask.judge("exact_velocity", groups, right, tolerance=TOLERANCE, **applied)


# --- La vitesse ----------------------------------------------------------------------


def _velocity(rng, *, timed: bool = True) -> Ingredient:
    gain, slope = (float(each) for each in rng.uniform(0.3, 1.2, 2))
    return Ingredient("planted_velocity", {"gain": gain, "slope": slope * timed})


def _planted(velocity: Ingredient):
    """Refait la vitesse que reçoit le rendu."""
    return lambda x, time: velocity.options["gain"] * x + velocity.options["slope"] * time


@question("ex26.guided")
def ask_guided(ask: Ask) -> Credit:
    """Mêle deux vitesses, de plusieurs forces."""
    rng = ask.rng

    def draw(guidance):
        x, time = rng.normal(size=(2, 3, 3, 1)), float(rng.uniform(0.1, 0.9))
        return (_velocity(rng), _velocity(rng), guidance, x, time), {}

    def right(asked, free, guidance, x, time):
        return flow.guided(_planted(asked), _planted(free), guidance)(x, time)

    groups = [("1/2", [draw(0), draw(1)]), ("1", [draw(2), draw(3.5), draw(0.5)])]
    applied = {"operation": "applied", "num_first": 3}
    return ask.judge("guided", groups, right, tolerance=TOLERANCE, **applied)


@question("ex26.follow")
def ask_follow(ask: Ask) -> Credit:
    """Suit des vitesses sans, puis avec l'instant."""

    def draw(num_steps, *, timed=True):
        velocity = _velocity(ask.rng, timed=timed)
        return (velocity, ask.rng.normal(size=(2, 3))), {"num_steps": num_steps}

    def right(velocity, noise, *, num_steps):
        return flow.follow(_planted(velocity), noise, num_steps=num_steps)

    plain, timed = [draw(5, timed=False), draw(8, timed=False)], [draw(4), draw(9), draw(20)]
    groups = [("1/2", plain), ("1", timed)]
    return ask.judge("follow", groups, right, tolerance=TOLERANCE)


# --- De quoi apprendre ---------------------------------------------------------------


@question("ex26.draw_batch")
def ask_draw_batch(ask: Ask) -> Credit:
    """Tire un lot, et retrouve le bruit d'après le point et la vitesse."""
    rng = ask.rng
    images = rng.integers(0, 256, (NUM_IMAGES, 2, 2, 1)).astype(np.uint8)
    words = rng.integers(1, 30, (NUM_IMAGES, NUM_WORDS)).astype(np.uint8)
    generator = Ingredient("random_generator", {"seed": int(rng.integers(1000))})
    (answer,) = ask.calls("draw_batch", [((images, words), {"rng": generator})])
    try:
        given, velocity = answer.value
        values = given["image"], velocity, given["words"], given["time"]
    except (TypeError, ValueError, LookupError):
        return credit(0, "wrong_type")
    point, velocity, said, time = found = [as_floats(each) for each in values]
    if any(each is None for each in found):
        return credit(0, "wrong_type")
    shapes = images.shape, images.shape, words.shape, (NUM_IMAGES, 1)
    if any(each.shape != shape for each, shape in zip(found, shapes, strict=True)):
        return credit(0, "wrong_shape")
    noise = images / 127.5 - 1 - velocity
    normal = abs(noise.mean()) < 0.1 and abs(noise.std() - 1) < 0.1
    erased = (said == 0).all(axis=1)
    checks = [
        ("0", same(point, noise + time[..., None, None] * velocity, tolerance=TOLERANCE), *ASTRAY),
        ("1/2", noise[..., 0].std(axis=0).min() > 0.1 and time.std() > 0.1, "same_noise"),
        ("1/2", normal and time.min() >= 0 and time.max() <= 1, "not_normal_noise"),
        ("3/4", same(said, np.where(erased[:, None], 0, words)), *PARTLY_ERASED),
        ("3/4", FEW < erased.mean() < MANY, *NOT_ONE_IN_TEN),
    ]
    return next((credit(level, *why) for level, right, *why in checks if not right), RIGHT)


# --- Deux nuages ---------------------------------------------------------------------


def _frechet(found, truth) -> float:
    """Refait `frechet`, que le corrigé range parmi des fonctions de Keras."""
    gap = found.mean(axis=0) - truth.mean(axis=0)
    first, second = (np.cov(each, rowvar=False) for each in (found, truth))
    common = np.sqrt(np.maximum(np.linalg.eigvals(first @ second).real, 0)).sum()
    return gap @ gap + np.trace(first + second) - 2 * common


@question("ex26.frechet")
def ask_frechet(ask: Ask) -> Credit:
    """Compare des nuages, déplacés puis de formes différentes."""
    rng = ask.rng

    def cloud(num=40):
        return rng.normal(size=(num, 4)) @ rng.normal(size=(4, 4)) + rng.normal(size=4)

    first = cloud()
    moved = [((first, first + rng.uniform(1, 2, 4)), {}), ((first, first), {})]
    other = [((cloud(), cloud(30)), {}), ((cloud(25), cloud(50)), {})]
    return ask.judge("frechet", [("1/4", moved), ("1", other)], _frechet, tolerance=1e-3)
