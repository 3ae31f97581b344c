"""Exercice 26 : le chemin du bruit à l'image, la force de la phrase, la distance de Fréchet."""

from functools import partial

import numpy as np

from grading import pupil
from grading.messages import Ingredient
from grading.questions import RIGHT, Ask, Credit, Mistake, as_floats, credit, judge, question, same

NUM_IMAGES, NUM_WORDS = 600, 10  # de l'essai de `draw_batch`, et de ses phrases
FEW, MANY = 0.05, 0.16  # part des phrases effacées : hors de là, ce n'est pas une sur dix
TOLERANCE = 1e-4


# --- Le chemin -----------------------------------------------------------------------


def _travel(noise, images, times):
    points = [(1 - t) * a + t * b for a, b, t in zip(noise, images, times, strict=True)]
    return np.array(points)


@question("ex26.travel")
def ask_travel(ask: Ask) -> Credit:
    """Place des points entre des bruits et des images."""
    rng, calls = ask.rng, []
    for shape in ((3, 2, 4, 3), (4, 5, 3, 1), (2, 3, 3, 2)):
        times = rng.permutation(np.linspace(0, 1, shape[0])) * 0.9 + 0.03
        calls.append(((rng.normal(size=shape), rng.uniform(-1, 1, shape), times), {}))
    mistakes = [
        Mistake("path_reversed", lambda a, b, t: _travel(b, a, t), "1/2"),
        Mistake("times_on_wrong_axis", lambda a, b, t: (1 - t) * a + t * b, "1/4"),
    ]
    answers = ask.calls("travel", calls)
    return judge(answers, [("1", calls)], _travel, mistakes, tolerance=TOLERANCE)


def _exact(points, x, time, *, ending=True, toward=None, spread=None):
    """Refait la vitesse exacte, point par point ; les options sont les erreurs."""
    ahead = time if toward is None else toward
    width = (1 - time) if spread is None else spread
    found = []
    for place in x:
        gaps = np.array([((place - ahead * image) ** 2).sum() for image in points])
        powers = np.exp(-(gaps - gaps.min()) / (2 * width**2))
        mean = np.tensordot(powers / powers.sum(), points, 1)
        found.append((mean - place) / ((1 - time) if ending else 1))
    return np.array(found)


@question("ex26.exact_velocity")
def ask_exact_velocity(ask: Ask) -> Credit:
    """Suit une image, puis plusieurs, à des instants différents."""
    rng = ask.rng

    def draw(num, time):
        points = rng.uniform(-1, 1, (num, 2, 3, 1))
        x = (1 - time) * rng.normal(size=(4, 2, 3, 1)) + time * points[rng.integers(num, size=4)]
        return (points, x, time), {}

    one = [draw(1, time) for time in (0.0, 0.4, 0.8)]
    several = [draw(num, time) for num, time in ((2, 0.3), (5, 0.6), (3, 0.5))]
    mistakes = [
        Mistake("not_per_time_left", partial(_exact, ending=False), "1/4"),
        Mistake("images_not_weighted", partial(_exact, spread=1e6), "1/2"),
        Mistake("distance_to_image_itself", partial(_exact, toward=1), "1/2"),
        Mistake("spread_of_noise_missing", partial(_exact, spread=1), "1/2"),
        Mistake("spread_of_noise_missing", partial(_exact, spread=0.5**0.5), "1/2"),
    ]
    groups = [("1/2", one), ("1", several)]
    answers = ask.calls("exact_velocity", one + several, operation="applied", num_first=1)
    return judge(answers, groups, _exact, mistakes, tolerance=TOLERANCE)


# --- La vitesse ----------------------------------------------------------------------


def _velocity(rng) -> Ingredient:
    gain, slope = (float(each) for each in rng.uniform(0.3, 1.2, 2))
    return Ingredient("planted_velocity", {"gain": gain, "slope": slope})


def _at(velocity: Ingredient, x, time):
    return velocity.options["gain"] * x + velocity.options["slope"] * time


def _guided(asked, free, guidance, x, time):
    first, second = (_at(each, x, time) for each in (asked, free))
    return second + guidance * (first - second)


@question("ex26.guided")
def ask_guided(ask: Ask) -> Credit:
    """Mêle deux vitesses, de plusieurs forces."""
    rng = ask.rng

    def draw(guidance):
        x, time = rng.normal(size=(2, 3, 3, 1)), float(rng.uniform(0.1, 0.9))
        return (_velocity(rng), _velocity(rng), guidance, x, time), {}

    plain, strong = [draw(0), draw(1)], [draw(2), draw(3.5), draw(0.5)]

    def shifted(asked, free, guidance, x, time):
        return _guided(asked, free, guidance + 1, x, time)

    def shifted_beyond(asked, free, guidance, x, time):
        return _guided(asked, free, guidance + (guidance > 0), x, time)

    def reversed_(asked, free, guidance, x, time):
        return _guided(asked, free, -guidance, x, time)

    def swapped(asked, free, guidance, x, time):
        return _guided(free, asked, guidance, x, time)

    def away(asked, free, guidance, x, time):
        return _guided(asked, free, 1 - guidance, x, time)

    mistakes = [
        Mistake("guidance_off_by_one", shifted),
        Mistake("guidance_off_by_one", shifted_beyond, "1/4"),
        Mistake("guidance_reversed", reversed_, "1/4"),
        Mistake("guidance_reversed", swapped),
        Mistake("guidance_reversed", away),
    ]
    groups = [("1/2", plain), ("1", strong)]
    answers = ask.calls("guided", plain + strong, operation="applied", num_first=3)
    return judge(answers, groups, _guided, mistakes, tolerance=TOLERANCE)


def _follow(velocity, noise, *, num_steps=20, late=0, clock=1, stride=None, last=False):
    """Refait `follow` ; les options sont les erreurs."""
    points = [noise]
    for step in range(num_steps):
        time = clock * (step + late) / num_steps
        points.append(points[-1] + _at(velocity, points[-1], time) * (stride or 1 / num_steps))
    return points[-1] if last else np.stack(points)


@question("ex26.follow")
def ask_follow(ask: Ask) -> Credit:
    """Suit des vitesses sans, puis avec l'instant."""
    rng = ask.rng

    def draw(num_steps, *, timed=True):
        velocity = _velocity(rng)
        velocity.options["slope"] *= timed
        return (velocity, rng.normal(size=(2, 3))), {"num_steps": num_steps}

    plain, timed = [draw(5, timed=False), draw(8, timed=False)], [draw(4), draw(9), draw(20)]
    mistakes = [
        Mistake("end_of_step", partial(_follow, late=1), "3/4"),
        Mistake("time_ignored", partial(_follow, clock=0), "1/2"),
        Mistake("whole_step", partial(_follow, stride=1), "1/4"),
        Mistake("last_point_only", partial(_follow, last=True), "1/2"),
    ]
    groups = [("1/2", plain), ("1", timed)]
    answers = ask.calls("follow", plain + timed)
    return judge(answers, groups, _follow, mistakes, tolerance=TOLERANCE)


# --- De quoi apprendre ---------------------------------------------------------------


@question("ex26.draw_batch")
def ask_draw_batch(ask: Ask) -> Credit:
    """Tire un lot, et retrouve le bruit d'après le point et la vitesse."""
    rng = ask.rng
    images = rng.integers(0, 256, (NUM_IMAGES, 2, 2, 1)).astype(np.uint8)
    words = rng.integers(1, 30, (NUM_IMAGES, NUM_WORDS)).astype(np.uint8)
    generator = Ingredient("random_generator", {"seed": int(rng.integers(1000))})
    (answer,) = ask.calls("draw_batch", [((images, words), {"rng": generator})])
    if answer.error:
        raise pupil.failure_of(answer.error)
    try:
        given, velocity = answer.value
        point, time, said = (as_floats(given[name]) for name in ("image", "time", "words"))
    except (TypeError, ValueError, KeyError):
        return credit(0, "wrong_type")
    velocity = as_floats(velocity)
    if any(each is None for each in (point, time, said, velocity)):
        return credit(0, "wrong_type")
    shapes = [each.shape for each in (point, velocity, said, time)]
    if shapes != [images.shape, images.shape, words.shape, (NUM_IMAGES, 1)]:
        return credit(0, "wrong_shape")
    unit, left = images / 127.5 - 1, (1 - time)[..., None, None]
    close = partial(same, tolerance=TOLERANCE)
    if not close(point, unit - left * velocity):
        if close(point, unit + left * velocity):
            return credit("1/4", "target_reversed")
        if close(point, images - left * velocity):
            return credit("1/4", "images_not_scaled")
        if close(point, unit - (1 - left) * velocity):
            return credit("1/4", "path_reversed")
        return credit(0, "wrong_values")
    noise = unit - velocity
    if noise[..., 0].std(axis=0).min() < 0.1 or time.std() < 0.1:
        return credit("1/2", "same_noise")
    if abs(noise.mean()) > 0.1 or abs(noise.std() - 1) > 0.1 or time.min() < 0 or time.max() > 1:
        return credit("1/2", "not_normal_noise")
    return _judge_words(said, words)


def _judge_words(said: np.ndarray, words: np.ndarray) -> Credit:
    erased = said == 0
    if not erased.any():
        return credit("3/4", "nothing_erased")
    if not same(np.where(erased, 0, words), said):
        return credit("3/4", "wrong_values")
    if (erased.any(axis=1) != erased.all(axis=1)).any():
        return credit("3/4", "words_erased")
    if not FEW < erased[:, 0].mean() < MANY:
        return credit("3/4", "wrong_values", "ce n'est pas une phrase sur dix")
    return RIGHT


# --- Deux nuages ---------------------------------------------------------------------


def _frechet(found, truth, *, ddof=1, squared=True, terms=True, common="matrix") -> float:
    """Refait `frechet` par les valeurs propres d'un produit ; les options sont les erreurs."""
    gap = ((found.mean(axis=0) - truth.mean(axis=0)) ** 2).sum()
    gap = gap if squared else np.sqrt(gap)
    first, second = (np.cov(each, rowvar=False, ddof=ddof) for each in (found, truth))
    if not terms:
        return gap
    shared = {
        "matrix": np.sqrt(np.maximum(np.linalg.eigvals(first @ second).real, 0)).sum(),
        "none": 0.0,
        "cells": np.sqrt(np.abs(np.diag(first @ second))).sum(),
        "products": np.sqrt(np.diag(first) * np.diag(second)).sum(),
    }[common]
    return gap + np.trace(first) + np.trace(second) - 2 * shared


@question("ex26.frechet")
def ask_frechet(ask: Ask) -> Credit:
    """Compare des nuages, déplacés puis de formes différentes."""
    rng = ask.rng

    def cloud(num=40):
        return rng.normal(size=(num, 4)) @ rng.normal(size=(4, 4)) + rng.normal(size=4)

    first = cloud()
    moved = [((first, first + rng.uniform(1, 2, 4)), {}), ((first, first), {})]
    other = [((cloud(), cloud(30)), {}), ((cloud(25), cloud(50)), {})]
    mistakes = [
        Mistake("means_only", partial(_frechet, terms=False), "1/4"),
        Mistake("no_common_term", partial(_frechet, common="none"), "1/4"),
        Mistake("elementwise_root", partial(_frechet, common="cells"), "1/4"),
        Mistake("elementwise_root", partial(_frechet, common="products"), "1/4"),
        Mistake("distance_not_squared", partial(_frechet, squared=False), "1/2"),
        Mistake("covariances_of_n", partial(_frechet, ddof=0), "3/4"),
    ]
    groups = [("1/4", moved), ("1", other)]
    return judge(ask.calls("frechet", moved + other), groups, _frechet, mistakes, tolerance=1e-3)
