"""Exercice 12 : la réponse d'une couche, et l'image qui la fait monter, octave par octave."""

import numpy as np

from grading.inside import messages
from grading.questions import (
    TOLERANCE,
    Ask,
    Credit,
    as_floats,
    compared,
    dreams,
    first_fault,
    question,
    same,
)

LEVELS = 2.0  # ce dont un pixel change en moyenne à chaque pas, dit l'énoncé
SHAPE = (24, 30, 3)
OCTAVES, STEPS = 3, 2
MAX_GAP = 0.3  # d'autres tailles d'octaves, arrondies autrement, changent cette part de 4 %


@compared("ex12.response", tolerance=TOLERANCE)
def ask_response(ask: Ask) -> list:
    """Mesure des réponses, sans guide puis avec."""
    maps = ask.rng.uniform(-2, 3, (4, 1, 5, 4, 6)).astype(np.float32)
    guides = [ask.rng.uniform(-2, 3, (num, 6)).astype(np.float32) for num in (7, 3, 5, 4)]
    guided = [(pair, {}) for pair in zip(maps, guides, strict=True)]
    return [("1/2", [((each,), {}) for each in maps]), ("1", guided)]


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
    """Fait un pas, à une seule échelle : de combien l'image change, et où."""
    network = dreams.draw_network(ask.rng)
    image, weights = ask.rng.uniform(60, 200, SHAPE).astype(np.float32), np.array([1.0, 3.0])
    options = messages.Ingredient("namespace", {"octaves": 1, "steps": 1, "seed": 1})
    call = [((network.extractor(*dreams.NAMES), image, weights), {"options": options})]

    def change(value):
        """Rend ce qui change à chaque pixel."""
        return as_floats(value[0]) - image

    return ask.compare(
        "dream",
        [
            ("1/4", call, lambda value: np.shape(change(value))),
            ("1/2", call, lambda value: np.abs(change(value)).mean()),
            ("1", call, change),
        ],
        tolerance=5e-3,
    )


@question("ex12.octaves")
def ask_octaves(ask: Ask) -> Credit:
    """Fait rêver sur une image très détaillée, puis regarde ce qu'il en reste."""
    network = dreams.draw_network(ask.rng)
    image = ask.rng.uniform(20, 235, SHAPE).astype(np.float32)
    options = [{"octaves": octaves, "steps": STEPS, "seed": 1} for octaves in (OCTAVES, 1)]
    given = ("dream", (network.extractor(*dreams.NAMES), image, [1.0, 1.0]), options)
    (found, rest), (alone, rest_alone) = dreams.pictures(ask, *given)
    (ours, _), (ours_alone, _) = dreams.pictures(ask.reference, *given)
    curves = as_floats(rest)
    complete = np.shape(curves) == (1, OCTAVES, STEPS)
    relative = complete and same(curves[0, :, 0], [1] * OCTAVES, tolerance=0.02)
    miscounted = _miscounted(OCTAVES, curves) or _miscounted(1, as_floats(rest_alone))
    # Ce que les petites octaves ont changé se retrouve dans la dernière image. Chaque pas déplace
    # un pixel de LEVELS ; le détail perdu, lui, de dizaines de niveaux.
    added, changed = (np.abs(found - each).mean() for each in (alone, image))
    share = _share(found - alone, ours - ours_alone)
    misadded = abs(share - _share(alone - image, ours_alone - image)) > MAX_GAP
    lost = "octaves_miscounted" if miscounted else "octave_forgotten"
    partly = "octaves_miscounted" if miscounted else "octave_misadded"
    return first_fault(
        ("1/2" if complete else "1/4", lost, added < LEVELS / 4, miscounted),
        ("1/2", "details_lost", changed > 2 * LEVELS * STEPS * OCTAVES),
        ("1/2", partly, misadded, miscounted),
        ("3/4", "curves_not_returned", not complete or bool(miscounted), miscounted),
        ("3/4", "curves_not_relative", not relative),
    )


def _miscounted(octaves: int, curves: np.ndarray | None) -> str:
    """Dit combien de courbes étaient demandées et rendues ; rien s'il y en a le bon nombre."""
    if np.ndim(curves) != 3 or curves.shape == (1, octaves, STEPS):
        return ""
    _, found, steps = curves.shape
    return f"demandé : octaves={octaves}, steps={STEPS} ; rendu : {found} courbe(s) de {steps}"


def _share(found: np.ndarray, ours: np.ndarray) -> float:
    """Rend la part d'un changement qui se retrouve dans un autre : 1 s'il y est en entier."""
    return np.vdot(found, ours) / np.vdot(ours, ours)
