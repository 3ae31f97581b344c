"""Exercice 12 : la réponse d'une couche, et l'image qui la fait monter, octave par octave."""

import numpy as np

from grading.asking.failures import Failure
from grading.inside import messages
from grading.questions import (
    TOLERANCE,
    Ask,
    Credit,
    Mistake,
    as_floats,
    credit,
    dreams,
    first_fault,
    question,
    same,
)

LEVELS = 2.0  # ce dont un pixel change en moyenne à chaque pas, dit l'énoncé
SHAPE = (24, 30, 3)
OCTAVES, STEPS = 3, 2
MAX_GAP = 0.3  # d'autres tailles d'octaves, arrondies autrement, changent cette part de 4 %


@question("ex12.response")
def ask_response(ask: Ask) -> Credit:
    """Mesure des réponses, sans guide puis avec ; le gradient doit ensuite en revenir."""
    maps = ask.rng.uniform(-2, 3, (4, 1, 5, 4, 6)).astype(np.float32)
    guides = [ask.rng.uniform(-2, 3, (num, 6)).astype(np.float32) for num in (7, 3, 5, 4)]
    guided = [(pair, {}) for pair in zip(maps, guides, strict=True)]
    groups = [("1/2", [((each,), {}) for each in maps]), ("1", guided)]
    found = ask.compare("response", groups, tolerance=TOLERANCE)
    if found.level < 1:
        return found
    try:
        slopes = ask.calls("response", [groups[0][1][0], guided[0]], operation="slopes")
    except Failure as failure:
        return credit("1/2", failure.reason, failure.detail)
    return first_fault(("1/2", "gradient_lost", any(each.value is None for each in slopes)))


def _rolled(image: np.ndarray, offset) -> np.ndarray:
    return np.roll(image, offset, (0, 1))


def _cut(image: np.ndarray, offset) -> np.ndarray:
    """Décale une image, et met des zéros à la place de ce qui devrait rentrer."""
    moved, inside = _rolled(image, offset), np.ones(image.shape[:2], bool)
    for axis, distance in enumerate(offset):
        places = np.arange(image.shape[axis])
        kept = (places >= distance) & (places < image.shape[axis] + distance)
        inside &= kept[:, None] if axis == 0 else kept
    return moved * inside[..., None]


def _repeated(image: np.ndarray, offset) -> np.ndarray:
    """Décale une image, et répète ses bords à la place de ce qui devrait rentrer."""
    rows, columns = (
        np.clip(np.arange(side) - distance, 0, side - 1)
        for side, distance in zip(image.shape, offset, strict=False)
    )
    return image[rows][:, columns]


def _repeated_backwards(image: np.ndarray, offset) -> np.ndarray:
    return _repeated(image, np.negative(offset))


def _rolled_down(image: np.ndarray, offset) -> np.ndarray:
    return np.roll(image, offset[0], 0)


def _rolled_right(image: np.ndarray, offset) -> np.ndarray:
    return np.roll(image, offset[1], 1)


def _rolled_as_batch(image: np.ndarray, offset) -> np.ndarray:
    return np.roll(image, offset, (1, 2))


def _swapped_backwards(image: np.ndarray, offset) -> np.ndarray:
    return _rolled(image, np.negative(offset)[::-1])


SHIFTED = [
    Mistake("outside_lost", _cut),
    Mistake("outside_lost", _repeated),
    Mistake("outside_lost", _repeated_backwards),
    Mistake("one_axis_shifted", _rolled_down),
    Mistake("one_axis_shifted", _rolled_right),
    Mistake("colours_shifted", _rolled_as_batch),
    Mistake("offset_swapped_backwards", _swapped_backwards),
]


@question("ex12.shift")
def ask_shift(ask: Ask) -> Credit:
    """Décale une image, dans les deux sens."""
    image = ask.rng.uniform(0, 255, (6, 9, 3)).astype(np.float32)
    first, *others = [((image, np.array(each)), {}) for each in ((2, 3), (-1, 4), (0, -2))]
    groups = [("1", [first]), ("1", others)]
    return ask.judge("shift", groups, _rolled, SHIFTED)


# --- Le rêve -------------------------------------------------------------------------


def _relative(weights: np.ndarray, starts: np.ndarray) -> np.ndarray:
    return weights / starts


def _without_weights(weights: np.ndarray, starts: np.ndarray) -> np.ndarray:
    return 1 / starts


def _not_relative(weights: np.ndarray, starts: np.ndarray) -> np.ndarray:
    return weights


def _without_weights_nor_starts(weights: np.ndarray, starts: np.ndarray) -> np.ndarray:
    return np.ones_like(weights)


def _climbed(network: dreams.Network, factors=_relative, sign=1):
    """Rend ce que fait `dream` d'un pas, à une seule échelle, avec, au choix, une erreur.

    Args:
        network: le réseau.
        factors: rend ce qui multiplie la réponse de chaque couche, des poids et des réponses.
        sign: -1 pour descendre.
    """
    first, _, second, _ = network.weights

    def dream(_, image, weights, *, options):
        low, high = network.maps(image).values()
        starts = np.array([np.mean(low**2), np.mean(high**2)])
        of_low, of_high = factors(np.asarray(weights), starts)
        slope = of_low * 2 * low / low.size
        slope = slope + of_high * 2 * high / high.size @ second[0, 0].T  # `high` coupe, comme ReLU
        slope = (slope * (low > 0)) @ first[0, 0].T
        change = sign * LEVELS * slope / np.abs(slope).mean()
        return np.clip(image + change, 0, 255), []

    return dream


def _left_alone(_, image, weights, *, options):
    return image, []


def _ignores_offset(ask: Ask) -> bool:
    """Dit si l'image n'est pas décalée : la graine ne change alors rien, même près des bords."""
    kernel = ask.rng.normal(0, 0.3, (3, 3, 3, 4))
    layer = {"filters": 4, "name": "bords", "kernel_size": 3, "padding": "same"}
    network = {
        "shape": [None, None, 3],
        "stack": [["Conv2D", layer]],
        "weights": [kernel, np.ones(4)],
    }
    given = {"network": network, "layer_names": ["bords"]}
    image = ask.rng.uniform(60, 200, SHAPE).astype(np.float32)
    positional = messages.Ingredient("dream_extractor", given), image, np.ones(1)
    options = [{"octaves": 1, "steps": 1, "seed": seed} for seed in (1, 2, 3)]
    first, *others = (pixels for pixels, _ in dreams.pictures(ask, "dream", positional, options))
    return all(same(each, first, tolerance=1e-4) for each in others)


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

    mistakes = [
        Mistake("picture_unchanged", _left_alone),
        Mistake("gradient_reversed", _climbed(network, sign=-1), "1/2"),
        Mistake("layers_not_weighted", _climbed(network, _without_weights), "1/2"),
        Mistake("not_relative_to_start", _climbed(network, _not_relative), "1/2"),
        Mistake("not_relative_to_start", _climbed(network, _without_weights_nor_starts), "1/2"),
    ]
    found = ask.compare(
        "dream",
        [
            ("1/4", call, lambda value: np.shape(change(value))),
            ("1/2", call, lambda value: np.abs(change(value)).mean()),
            ("1", call, change),
        ],
        mistakes=mistakes,
        tolerance=5e-3,
    )
    if found.level:  # les pixels de cette image-ci sont déjà noirs, ou blancs
        extreme = 255 * ask.rng.integers(0, 2, SHAPE).astype(np.float32)
        given = network.extractor(*dreams.NAMES), extreme, weights
        dreams.pictures(ask, "dream", given, [options.options])
    if found.level == 1 and _ignores_offset(ask):
        return credit("3/4", "offset_missing")
    return found


@question("ex12.octaves")
def ask_octaves(ask: Ask) -> Credit:
    """Fait rêver sur une image très détaillée, puis regarde ce qu'il en reste."""
    network = dreams.draw_network(ask.rng)
    image = ask.rng.uniform(20, 235, SHAPE).astype(np.float32)
    options = [{"octaves": octaves, "steps": STEPS, "seed": 1} for octaves in (OCTAVES, 1)]
    given = ("dream", (network.extractor(*dreams.NAMES), image, [1.0, 1.0]), options)
    _check_last_octave(ask, *given)
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


def _check_last_octave(ask: Ask, function: str, positional: tuple, options: list[dict]) -> None:
    """Vérifie que la dernière octave a la taille de l'image.

    Raises:
        Failure: elle est plus petite.
    """
    calls = [(positional, {"options": messages.Ingredient("namespace", options[0])})]
    (answer,) = ask.calls(function, calls)
    picture = answer.value[0] if isinstance(answer.value, tuple | list) and answer.value else None
    sides = np.shape(picture)[:2] if isinstance(picture, np.ndarray) else ()
    if len(sides) == 2 and sides < SHAPE[:2]:
        raise Failure("last_octave_small", f"attendu : {SHAPE[:2]} ; rendu : {sides}")


def _miscounted(octaves: int, curves: np.ndarray | None) -> str:
    """Dit combien de courbes étaient demandées et rendues ; rien s'il y en a le bon nombre."""
    if np.ndim(curves) != 3 or curves.shape == (1, octaves, STEPS):
        return ""
    _, found, steps = curves.shape
    return f"demandé : octaves={octaves}, steps={STEPS} ; rendu : {found} courbe(s) de {steps}"


def _share(found: np.ndarray, ours: np.ndarray) -> float:
    """Rend la part d'un changement qui se retrouve dans un autre : 1 s'il y est en entier."""
    return np.vdot(found, ours) / np.vdot(ours, ours)
