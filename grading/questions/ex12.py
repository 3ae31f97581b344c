"""Exercice 12 : la réponse d'une couche, et l'image qui la fait monter, octave par octave."""

import numpy as np

from grading.questions import Ask, Credit, as_floats, dreams, first_fault, question, same

LEVELS = 2.0  # ce dont un pixel change en moyenne à chaque pas, dit l'énoncé
SHAPE = (24, 30, 3)
OCTAVES, STEPS = 3, 2


@question("ex12.response")
def ask_response(ask: Ask) -> Credit:
    """Mesure des réponses, sans guide puis avec."""
    maps = ask.rng.uniform(-2, 3, (1, 5, 4, 6)).astype(np.float32)
    guide = ask.rng.uniform(-2, 3, (7, 6)).astype(np.float32)

    def right(maps, guide=None):
        return np.mean(maps**2) if guide is None else (maps[0] @ guide.T).max(2).mean()

    return ask.judge(
        "response",
        [("1/2", [((maps,), {})]), ("1", [((maps, guide), {}), ((maps, guide[:3]), {})])],
        right,
        tolerance=dreams.TOLERANCE,
    )


@question("ex12.shift")
def ask_shift(ask: Ask) -> Credit:
    """Décale une image, dans les deux sens."""
    image = ask.rng.uniform(0, 255, (6, 9, 3)).astype(np.float32)
    return ask.judge(
        "shift",
        [("1", [((image, np.array(offset)), {}) for offset in ((2, 3), (-1, 4), (0, -2))])],
        lambda image, offset: np.roll(image, offset, (0, 1)),
    )


# --- Le rêve -------------------------------------------------------------------------


@question("ex12.climb")
def ask_climb(ask: Ask) -> Credit:
    """Fait un pas, à une seule échelle : le gradient d'un si petit réseau se refait à la main."""
    network = dreams.draw_network(ask.rng)
    image, weights = ask.rng.uniform(60, 200, SHAPE).astype(np.float32), np.array([1.0, 3.0])
    options = {"octaves": 1, "steps": 1, "seed": 1}
    ((found, _),) = dreams.pictures(
        ask, "dream", (network.extractor(*dreams.NAMES), image, weights), [options]
    )
    start = np.array([np.mean(maps**2) for maps in network.maps(image).values()])
    gradient = network.gradient(image.astype(float), weights / start)
    right, change = gradient * LEVELS / np.abs(gradient).mean(), found - image
    size = np.abs(change).mean()
    # D'un pixel à l'autre : un gradient décalé n'a plus rien à voir avec le bon.
    moved, wanted = (each - each.mean((0, 1)) for each in (change, right))
    in_place = np.vdot(moved, wanted) > np.linalg.norm(moved) * np.linalg.norm(wanted) / 2
    return first_fault(
        ("1/4", "gradient_not_followed", not np.vdot(change, right) > 0),
        ("1/2", "gradient_not_normalised", abs(size - LEVELS) > 0.02, dreams.in_levels(size)),
        ("1/2", "gradient_misplaced", not in_place),
        ("3/4", "layers_not_weighed", not same(change, right, tolerance=5e-3)),
    )


@question("ex12.octaves")
def ask_octaves(ask: Ask) -> Credit:
    """Fait rêver sur une image très détaillée, puis regarde ce qu'il en reste."""
    network = dreams.draw_network(ask.rng)
    image = ask.rng.uniform(20, 235, SHAPE).astype(np.float32)
    options = [{"octaves": octaves, "steps": STEPS, "seed": 1} for octaves in (OCTAVES, 1)]
    (found, rest), (alone, _) = dreams.pictures(
        ask, "dream", (network.extractor(*dreams.NAMES), image, [1.0, 1.0]), options
    )
    curves = as_floats(rest)
    complete = np.shape(curves) == (1, OCTAVES, STEPS)
    # Ce que les petites octaves ont changé se retrouve dans la dernière image. Chaque pas déplace
    # un pixel de LEVELS ; le détail perdu, lui, de dizaines de niveaux.
    added, changed = (np.abs(found - each).mean() for each in (alone, image))
    relative = complete and same(curves[0, :, 0], [1] * OCTAVES, tolerance=0.02)
    return first_fault(
        ("1/2" if complete else "1/4", "octave_forgotten", added < LEVELS / 4),
        ("1/2", "details_lost", changed > 2 * LEVELS * STEPS * OCTAVES),
        ("3/4", "curves_not_returned", not complete),
        ("3/4", "curves_not_relative", not relative),
    )
