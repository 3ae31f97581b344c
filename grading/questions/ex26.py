"""Exercice 26 : le chemin du bruit à l'image, la force de la phrase, la distance de Fréchet."""

from collections.abc import Callable

import numpy as np
from scipy import linalg
from scipy.special import softmax

from grading.inside.messages import Ingredient
from grading.questions import TOLERANCE, Ask, Mistake, altered, compared

# --- Le chemin -----------------------------------------------------------------------


def _on_last_axis(noise, images, times):
    """Garde les instants sur le dernier axe, comme le fait NumPy si rien ne le lui dit."""
    return (1 - times) * noise + times * images


def _backwards(noise, images, times):
    """Part de l'image, et va au bruit."""
    times = times.reshape(-1, 1, 1, 1)
    return times * noise + (1 - times) * images


def _speed_of_path(noise, images, times):
    """Rend la vitesse du chemin, et non le point où l'on est."""
    return images - noise


def _of_diffusion(noise, images, times):
    """Pèse par des racines, qui gardent la variance."""
    times = times.reshape(-1, 1, 1, 1)
    return np.sqrt(1 - times) * noise + np.sqrt(times) * images


def _whole_times(noise, images, times):
    """Coupe les instants à des entiers."""
    times = times.astype(int).reshape(-1, 1, 1, 1)
    return (1 - times) * noise + times * images


PATHS = [
    Mistake("times_on_last_axis", _on_last_axis),
    Mistake("path_backwards", _backwards),
    Mistake("speed_of_path", _speed_of_path),
    Mistake("weights_of_diffusion", _of_diffusion),
    Mistake("times_made_whole", _whole_times),
]


@compared("ex26.travel", mistakes=PATHS, tolerance=TOLERANCE)
def ask_travel(ask: Ask) -> list:
    """Place des points entre des bruits et des images."""

    def draw(*shape):
        times = ask.rng.permutation(np.linspace(0, 1, shape[0])) * 0.9 + 0.03
        return (ask.rng.normal(size=shape), ask.rng.uniform(-1, 1, shape), times), {}

    return [("1", [draw(3, 2, 4, 3), draw(4, 5, 3, 1), draw(2, 3, 3, 2)])]


def _exponents(found: np.ndarray, flat: np.ndarray, time: float, *, reach=None, power=2):
    """Rend les exposants des poids, `(n, m)` ; `reach` : ce qui multiplie les images."""
    gaps = np.linalg.norm(found[:, None] - (time if reach is None else reach) * flat, axis=-1)
    return -(gaps**power) / (2 * (1 - time) ** 2)


def _toward(weigh: Callable) -> Callable:
    """Rend `exact_velocity`, dont les poids des images sont ceux de `weigh`."""

    def velocity(made, asked):
        (points,), (_, x, time) = made, asked
        flat, found = points.reshape(len(points), -1), x.reshape(len(x), -1)
        return ((weigh(found, flat, time) @ flat - found) / (1 - time)).reshape(x.shape)

    return velocity


def _over_points(*where):
    return softmax(_exponents(*where), axis=0)


def _without_time(*where):
    return softmax(_exponents(*where, reach=1), axis=1)


def _without_square(*where):
    return softmax(_exponents(*where, power=1), axis=1)


def _farthest(*where):
    return softmax(-_exponents(*where), axis=1)


def _nearest(found, flat, time):
    return np.eye(len(flat))[_exponents(found, flat, time).argmax(axis=1)]


def _not_shared(*where):
    return np.exp(_exponents(*where))


def _averaged_gaps(found, flat, time):
    return softmax(_exponents(found, flat, time) / flat.shape[1], axis=1)


def _divided_late(*where):
    """Divise les exponentielles par leur somme, qui est nulle si toutes le sont."""
    with np.errstate(all="ignore"):
        raw = np.exp(_exponents(*where))
        return raw / raw.sum(axis=1, keepdims=True)


WEIGHTS = [
    Mistake("shares_over_points", _toward(_over_points)),
    Mistake("gaps_without_time", _toward(_without_time)),
    Mistake("gaps_without_square", _toward(_without_square)),
    Mistake("farthest_counts_most", _toward(_farthest)),
    Mistake("nearest_only", _toward(_nearest)),
    Mistake("shares_not_divided", _toward(_not_shared)),
    Mistake("gaps_averaged", _toward(_averaged_gaps)),
    Mistake("exponentials_vanish", _toward(_divided_late), "1/2"),
]


@compared("ex26.exact_velocity", mistakes=WEIGHTS, tolerance=TOLERANCE, operation="chained")
def ask_exact_velocity(ask: Ask) -> list:
    """Suit une image, puis plusieurs, à des instants différents."""

    def draw(num, time, *, far=False):
        points = ask.rng.uniform(-1, 1, (num, 2, 3, 1))
        x = (1 - time) * ask.rng.normal(size=(4, 2, 3, 1)) + time * points[
            ask.rng.integers(num, size=4)
        ]
        x += far * ask.rng.normal(size=x.shape)
        return ([points], ["__call__", x, time]), {}

    return [
        ("1/2", [draw(1, time) for time in (0.0, 0.4, 0.8)]),
        ("1", [draw(num, time) for num, time in ((2, 0.3), (5, 0.6), (3, 0.5))]),
        ("1", [draw(3, 0.98, far=True)]),  # loin de toute image, chaque exponentielle est nulle
    ]


# --- La vitesse ----------------------------------------------------------------------


def _velocity(rng, *, timed: bool = True) -> Ingredient:
    # Courbe : droites, deux vitesses seraient la même, multipliée par un nombre et décalée.
    gain, slope, bend = (float(each) for each in rng.uniform(0.3, 1.2, 3))
    return Ingredient("planted_velocity", {"gain": gain, "slope": slope * timed, "bend": bend})


def _speed(planted: Ingredient, x: np.ndarray, time: float) -> np.ndarray:
    """Rend ce que la vitesse tirée par `_velocity` répond en x à un instant."""
    gain, slope, bend = (planted.options[name] for name in ("gain", "slope", "bend"))
    return gain * x + slope * time + bend * np.sin(x)


def _mixed(mix: Callable) -> Callable:
    """Rend `guided`, qui mêle autrement la vitesse de la phrase et celle de la phrase vide."""

    def velocity(made, called):
        (asked, free, force), (_, x, time) = made, called
        return mix(_speed(asked, x, time), _speed(free, x, time), force)

    return velocity


def _exchanged(asked, free, force):
    return asked + force * (free - asked)


def _from_asked(asked, free, force):
    return asked + force * (asked - free)


def _clipped(asked, free, force):
    return free + np.clip(force, 0, 1) * (asked - free)


def _one_or_the_other(asked, free, force):
    return asked if force else free


def _averaged(asked, free, force):
    return (free + force * asked) / (1 + force)


def _asked_only(asked, free, force):
    return force * asked


FORCES = [
    Mistake("speeds_exchanged", _mixed(_exchanged)),
    Mistake("force_of_article", _mixed(_from_asked)),
    Mistake("force_clipped", _mixed(_clipped)),
    Mistake("force_unread", _mixed(_one_or_the_other)),
    Mistake("speeds_averaged", _mixed(_averaged)),
    Mistake("free_unread", _mixed(_asked_only)),
]


@compared("ex26.guided", mistakes=FORCES, tolerance=TOLERANCE, operation="chained")
def ask_guided(ask: Ask) -> list:
    """Mêle deux vitesses, de plusieurs forces."""

    def draw(guidance):
        x, time = ask.rng.normal(size=(2, 3, 3, 1)), float(ask.rng.uniform(0.1, 0.9))
        return ([_velocity(ask.rng), _velocity(ask.rng), guidance], ["__call__", x, time]), {}

    return [("1/2", [draw(0), draw(1)]), ("1", [draw(2), draw(3.5), draw(0.5)])]


def _walk(instant: Callable, *, from_start: bool = False) -> Callable:
    """Rend `follow`, qui lit la vitesse à d'autres instants, ou toujours au point de départ."""

    def follow(velocity, noise, *, num_steps):
        points = [noise]
        for step in range(num_steps):
            here = noise if from_start else points[-1]
            points.append(points[-1] + _speed(velocity, here, instant(step, num_steps)) / num_steps)
        return np.stack(points)

    return follow


def _zero(step, num_steps):
    return 0


def _begun(step, num_steps):
    return step / num_steps


def _up_to_one(step, num_steps):
    return step / (num_steps - 1)


def _middle(step, num_steps):
    return (step + 0.5) / num_steps


def _ended(step, num_steps):
    return (step + 1) / num_steps


def _without_start(points):
    return points[1:]


WALKS = [
    Mistake("speed_of_start", _walk(_zero, from_start=True)),
    Mistake("speed_of_start", _walk(_begun, from_start=True)),
    Mistake("instants_up_to_one", _walk(_up_to_one)),
    Mistake("instants_of_middle", _walk(_middle), "1/2"),
    Mistake("instants_of_end", _walk(_ended), "1/2"),
    Mistake("start_missing", altered(_walk(_begun), _without_start)),
]


@compared("ex26.follow", mistakes=WALKS, tolerance=TOLERANCE)
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


def _square(far):
    return far @ far


def _square_of_mean(far):
    return far.mean() ** 2


def _mean_of_squares(far):
    return (far**2).mean()


def _means_only(found, truth) -> float:
    far = found.mean(axis=0) - truth.mean(axis=0)
    return far @ far


def _cells_summed(found, truth) -> float:
    """Additionne toutes les cases, et non celles de la diagonale."""
    first, second = (np.cov(each, rowvar=False) for each in (found, truth))
    root = np.real(linalg.sqrtm(first @ second))
    return _means_only(found, truth) + np.sum(first + second - 2 * root)


def _roots_apart(first, second):
    return np.trace(linalg.sqrtm(first) @ linalg.sqrtm(second)).real


def _root_of_positive_cells(first, second):
    return np.trace(np.sqrt(np.maximum(first @ second, 0)))


def _root(first, second):
    """Rend la trace de la racine de C1 C2."""
    return np.sqrt(np.maximum(np.linalg.eigvals(first @ second).real, 0)).sum()


def _root_of_cells(first, second):
    return np.trace(np.sqrt(first @ second))


def _product_of_cells(first, second):
    return np.sqrt(np.maximum(np.linalg.eigvals(first * second).real, 0)).sum()


def _apart(*, gap: Callable = _square, common: Callable = _root, bias: bool = False) -> Callable:
    """Rend `frechet`, dont change l'écart des moyennes, la racine ou la covariance."""

    def frechet(found, truth):
        first, second = (np.cov(each, rowvar=False, bias=bias) for each in (found, truth))
        far = found.mean(axis=0) - truth.mean(axis=0)
        return gap(far) + np.trace(first) + np.trace(second) - 2 * common(first, second)

    return frechet


CLOUDS = [
    Mistake("variances_only", _variances_only),
    Mistake("means_only", _means_only),
    Mistake("root_of_cells", _apart(common=_root_of_cells)),
    Mistake("root_of_cells", _apart(common=_root_of_positive_cells)),
    Mistake("roots_apart", _apart(common=_roots_apart)),
    Mistake("cells_summed", _cells_summed),
    Mistake("gap_averaged", _apart(gap=_mean_of_squares)),
    Mistake("product_of_cells", _apart(common=_product_of_cells)),
    Mistake("gap_without_square", _apart(gap=np.linalg.norm)),
    Mistake("spread_over_all", _apart(bias=True)),
    Mistake("root_of_distance", altered(_apart(), np.sqrt)),
    Mistake("one_mean_for_all", _apart(gap=_square_of_mean)),
]


@compared("ex26.frechet", mistakes=CLOUDS, tolerance=1e-3)
def ask_frechet(ask: Ask) -> list:
    """Compare des nuages, déplacés puis de formes différentes."""

    def cloud(num=40):
        return ask.rng.normal(size=(num, 4)) @ ask.rng.normal(size=(4, 4)) + ask.rng.normal(size=4)

    first = cloud()
    return [
        ("1/4", [((first, first + ask.rng.uniform(1, 2, 4)), {}), ((first, first), {})]),
        ("1", [((cloud(), cloud(30)), {}), ((cloud(25), cloud(50)), {})]),
    ]
