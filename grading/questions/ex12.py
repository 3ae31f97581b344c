"""Exercice 12 : la réponse d'une couche, et l'image qui la fait monter, octave par octave."""

import numpy as np

from grading import messages, pupil
from grading.questions import (
    RIGHT,
    Ask,
    Credit,
    Mistake,
    as_floats,
    credit,
    dreams,
    judge,
    question,
    same,
)

TOLERANCE = 1e-4  # float32
LEVELS = 2.0  # ce dont un pixel change en moyenne à chaque pas, dit l'énoncé
SHAPE = (24, 30, 3)
OCTAVES = 3


@question("ex12.response")
def ask_response(ask: Ask) -> Credit:
    """Mesure des réponses, sans guide puis avec."""
    rng = ask.rng
    maps = rng.uniform(-2, 3, (1, 5, 4, 6)).astype(np.float32)
    guide = rng.uniform(-2, 3, (7, 6)).astype(np.float32)
    groups = [("1/2", [((maps,), {})]), ("1", [((maps, guide), {}), ((maps, guide[:3]), {})])]

    def products(maps, guide):
        return maps.reshape(-1, maps.shape[-1]) @ guide.T

    def alone(reduce):
        return lambda maps, guide=None: reduce(maps) if guide is None else right(maps, guide)

    def guided(reduce):
        return lambda maps, guide=None: right(maps) if guide is None else reduce(maps, guide)

    def right(maps, guide=None):
        if guide is None:
            return np.mean(maps**2)
        return products(maps, guide).max(1).mean()

    mistakes = [
        Mistake("response_not_squared", alone(np.mean), "1/4"),
        Mistake("response_not_squared", alone(lambda maps: np.abs(maps).mean()), "1/4"),
        Mistake("response_summed", alone(lambda maps: np.sum(maps**2)), "1/4"),
        Mistake("response_summed", alone(lambda maps: np.sqrt(np.sum(maps**2))), "1/4"),
        Mistake("response_summed", guided(lambda m, g: products(m, g).max(1).sum()), "3/4"),
        Mistake("guide_ignored", guided(lambda maps, guide: right(maps)), "1/2"),
        Mistake("guide_averaged", guided(lambda m, g: products(m, g).mean()), "1/2"),
        Mistake("guide_wrong_side", guided(lambda m, g: products(m, g).max(0).mean()), "1/2"),
    ]
    answers = ask.calls("response", [call for _, calls in groups for call in calls])
    return judge(answers, groups, right, mistakes, tolerance=TOLERANCE)


@question("ex12.shift")
def ask_shift(ask: Ask) -> Credit:
    """Décale une image, dans les deux sens."""
    image = ask.rng.uniform(0, 255, (6, 9, 3)).astype(np.float32)
    offsets = [(2, 3), (-1, 4), (0, -2)]
    calls = [((image, np.array(offset)), {}) for offset in offsets]

    def rolled(image, offset, *, order=(0, 1), sign=1):
        return np.roll(image, [sign * int(each) for each in offset], order)

    def lost(image, offset):
        """Ce qui sort ne rentre pas."""
        down, right = (int(each) for each in offset)
        found, (height, width, _) = rolled(image, offset), image.shape
        rows, columns = np.arange(height) - down, np.arange(width) - right
        found[(rows < 0) | (rows >= height)] = 0
        found[:, (columns < 0) | (columns >= width)] = 0
        return found

    mistakes = [
        Mistake("transposed_axes", lambda i, o: rolled(i, o, order=(1, 0)), "1/2"),
        Mistake("shifted_backwards", lambda i, o: rolled(i, o, sign=-1), "1/2"),
        Mistake("nothing_comes_back", lost, "1/2"),
    ]
    return judge(ask.calls("shift", calls), [("1", calls)], rolled, mistakes)


# --- Le rêve -------------------------------------------------------------------------


def _dream(ask: Ask, network: dreams.Network, image: np.ndarray, weights, **options):
    """Fait rêver le réseau ; rend l'image, et les courbes telles quelles."""
    value = dreams.one(
        ask,
        "dream",
        network.extractor(*dreams.NAMES),
        image,
        weights,
        options=messages.Ingredient("namespace", {"seed": 1, **options}),
    )
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise pupil.Failure("wrong_type", "(rêve, courbes) attendu")
    return value


@question("ex12.climb")
def ask_climb(ask: Ask) -> Credit:
    """Fait un pas, à une seule échelle : le gradient d'un si petit réseau se refait à la main."""
    network = dreams.draw_network(ask.rng)
    image = ask.rng.uniform(60, 200, SHAPE).astype(np.float32)
    weights = [1.0, 3.0]
    found, _ = _dream(ask, network, image, weights, octaves=1, steps=1)
    if problem := dreams.picture_problem(found, SHAPE):
        return problem
    change = as_floats(found) - image
    start = np.array([np.mean(maps**2) for maps in network.maps(image).values()])

    def step(weights, start=start) -> np.ndarray:
        gradient = network.gradient(image.astype(np.float64), np.array(weights) / start)
        return gradient * LEVELS / np.abs(gradient).mean()

    def close(found, expected) -> bool:
        return same(found, expected, tolerance=5e-3)

    right, size = step(weights), np.abs(change).mean()
    if not change.any():
        return credit("1/4", "nothing_changes")
    if size < LEVELS / 20:  # l'arrondi des pixels cache le reste
        rises = np.sum(change * right) > 0
        return credit("1/2" if rises else "1/4", "gradient_not_normalised", _said(size))
    unit = change * LEVELS / size
    if close(unit, -right):
        return credit("1/4", "descent_for_ascent")
    if close(unit, right):
        if abs(size - LEVELS) < 0.02:
            return RIGHT
        return credit("1/2", "gradient_not_normalised", _said(size))
    if close(unit, step(weights, 1.0)) or close(unit, step((1, 1))):
        return credit("3/4", "layers_not_weighed")
    rolls = ((down, right) for down in range(SHAPE[0]) for right in range(SHAPE[1]))
    if any(close(unit, np.roll(right, offset, (0, 1))) for offset in rolls):
        return credit("1/2", "shift_not_undone")
    signs = np.sign(right)
    if close(unit, signs * LEVELS / np.abs(signs).mean()):
        return credit("1/2", "only_gradient_sign")
    return credit("1/4", "wrong_values")


def _said(size: float) -> str:
    return f"{size:.2g} niveau en moyenne".replace(".", ",")


@question("ex12.octaves")
def ask_octaves(ask: Ask) -> Credit:
    """Fait rêver sur une image très détaillée, puis regarde ce qu'il en reste."""
    network = dreams.draw_network(ask.rng)
    image = ask.rng.uniform(20, 235, SHAPE).astype(np.float32)
    steps = 2
    found, curves = _dream(ask, network, image, [1.0, 1.0], octaves=OCTAVES, steps=steps)
    if as_floats(found) is not None and as_floats(found).shape[:2] < SHAPE[:2]:
        return credit("1/4", "small_octave_last")
    if problem := dreams.picture_problem(found, SHAPE):
        return problem
    found = as_floats(found)
    if isinstance(curves, np.ndarray) and curves.ndim == 2:  # une ligne par octave
        curves = list(curves)
    # Chaque pas déplace un pixel de LEVELS ; le détail perdu, lui, de dizaines de niveaux.
    if np.abs(found - image).mean() > 2 * LEVELS * steps * OCTAVES:
        return credit("1/2", "details_lost")
    lengths = [np.size(each) for each in curves] if isinstance(curves, list | tuple) else []
    if lengths != [steps] * OCTAVES:
        if len(lengths) == 1 or lengths == [steps]:
            return credit("1/4", "octaves_ignored")
        return credit("3/4", "curves_not_returned")
    # Ce que les petites octaves ont changé doit se retrouver dans la dernière image.
    alone, _ = _dream(ask, network, image, [1.0, 1.0], octaves=1, steps=steps)
    if not np.abs(found - as_floats(alone)).mean() >= LEVELS / 4:  # NaN compris
        return credit("1/2", "octave_forgotten")
    before, after = (
        sum(np.mean(maps**2) for maps in network.maps(each).values()) for each in (image, found)
    )
    if after < before:
        return credit("1/2", "descent_for_ascent")
    if not all(abs(as_floats(each)[0] - 1) <= 0.02 for each in curves):  # NaN compris
        return credit("3/4", "curves_not_relative")
    return RIGHT
