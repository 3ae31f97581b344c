"""Exercice 13 : retrouver une image d'après ses cartes."""

import numpy as np

from grading.asking import failures
from grading.inside import messages
from grading.questions import (
    TOLERANCE,
    Ask,
    Credit,
    Mistake,
    at_call,
    credit,
    dreams,
    first_fault,
    numbers,
    question,
    same,
)

SHAPE = (14, 18, 3)
BLIND = 2  # canal que le réseau ne voit pas
STEPS = 60
SMOOTH = 100.0  # un poids de la variation totale qui se voit
LAYER = dreams.NAMES[0]


DISTANCES = [Mistake(reason, measure) for reason, measure in dreams.MEASURES]


@question("ex13.feature_distance")
def ask_feature_distance(ask: Ask) -> Credit:
    """Compare des cartes, nulles ou non ; le gradient doit ensuite en revenir."""
    maps, target = (ask.rng.uniform(-1, 3, (1, 5, 7, 4)).astype(np.float32) for _ in range(2))
    calls = [((maps, target), {}), ((2 * maps, target / 3), {}), ((0 * maps, target), {})]
    found = ask.judge(
        "feature_distance", [("1", calls)], dreams.relative_distance, DISTANCES, tolerance=TOLERANCE
    )
    if found.level < 1:
        return found
    try:
        [slope] = ask.calls("feature_distance", calls[:1], operation="slopes")
    except failures.Failure as failure:
        return credit("1/2", failure.reason, failure.detail)
    return first_fault(("1/2", "gradient_lost", slope.value is None))


# --- Retrouver l'image ---------------------------------------------------------------


def _setting(ask: Ask) -> tuple[dreams.Network, np.ndarray]:
    """Tire un réseau aveugle à une couleur, et une image, sombre puis claire."""
    network = dreams.draw_network(ask.rng)
    network.weights[0][:, :, BLIND] = 0
    halves = np.repeat([50, 205], SHAPE[1] // 2)[:, np.newaxis]
    return network, np.clip(halves + ask.rng.normal(0, 20, SHAPE), 5, 250).astype(np.float32)


def _options(*settings: tuple) -> list[dict]:
    """Rend les options de chaque `(pas, poids de la variation totale, graine)`."""
    return [dict(zip(("steps", "tv_weight", "seed"), each, strict=True)) for each in settings]


def _reconstruct(ask: Ask, network, image: np.ndarray, options: list[dict]) -> list:
    """Reconstruit une image pour chaque jeu d'options."""
    return dreams.whole_pictures(ask, "reconstruct", (network.extractor(LAYER), image), options)


def _gap(network, found, image) -> float:
    return dreams.relative_distance(*(network.maps(each)[LAYER] for each in (found, image)))


MISSED = {  # faute de `reconstruct`, et le rang de l'appel qui la montre
    **{"image_not_forgotten": 1, "start_not_seeded": 2},
    **{"variation_ignored": 4, "variation_of_bytes": 5},
}


@question("ex13.reconstruct")
def ask_reconstruct(ask: Ask) -> Credit:
    """Cherche une petite image : d'où part-on, arrive-t-on, et plus lisse si on le demande ?"""
    network, image = _setting(ask)
    settings = [(STEPS, 0.0, 3), (1, 0.0, 3), (1, 0.0, 3), (1, 0.0, 4)]
    settings += [(STEPS, SMOOTH, 3), (STEPS, SMOOTH / 255**2, 3)]
    options = _options(*settings)
    answers = _reconstruct(ask, network, image, options)
    found, first, again, other, smooth, barely = (each.pixels for each in answers)
    gaps = [_gap(network, each, image) for each in (found, first)]
    of_grey = _gap(network, np.full_like(image, 127.5), image)
    blind = [np.abs(each - image)[..., BLIND].mean() for each in (found, first)]
    rough, smoothed, kept = (dreams.total_variation(each) for each in (found, smooth, barely))
    seeded = same(first, again) and not same(first, other, tolerance=1e-3)
    is_still, is_far = same(found, first, tolerance=1e-3), gaps[1] > 0.8 * of_grey
    fault = first_fault(
        ("1/4", "image_not_forgotten", np.sqrt(np.mean((first - image) ** 2)) < 30),
        ("1/4", "search_stands_still", is_still and is_far),
        ("1/4", "features_not_reached", gaps[0] > 0.8 * gaps[1]),
        ("1/2", "pixels_compared", blind[0] < 0.9 * blind[1]),
        ("3/4", "variation_of_bytes", kept < 0.8 * rough),
        ("3/4", "variation_ignored", smoothed > 0.8 * rough),
        ("3/4", "start_not_seeded", not seeded),
        ("3/4", "integers_for_floats", answers[0].dtype.kind in "iu"),
    )
    number = MISSED.get(fault.reason, 0)
    positional = (network.extractor(LAYER), image)
    call = positional, {"options": messages.Ingredient("namespace", options[number])}
    given = np.zeros(SHAPE, answers[number].dtype)
    return at_call(fault, "reconstruct", call, failures.Answer(given), np.zeros(SHAPE, np.float32))


@question("ex13.errors")
def ask_errors(ask: Ask) -> Credit:
    """Recalcule les deux écarts rendus avec l'image, où la variation totale compte beaucoup."""
    network, image = _setting(ask)
    [(found, rest, _)] = _reconstruct(ask, network, image, _options((8, SMOOTH, 3)))
    distance, rough = _gap(network, found, image), dreams.total_variation(found / 255) / found.size
    right = np.sqrt([distance, np.mean((found - image) ** 2)])
    given = numbers(failures.Answer(rest), (2,))
    maps, pixels = _are_close(given, right)
    with_variation = _are_close(given, np.sqrt([distance + SMOOTH * rough, 0]))[0]
    return first_fault(
        (0, "errors_squared", not maps and _are_close(np.sqrt(np.abs(given)), right).all()),
        (0, "parts_exchanged", _are_close(given[::-1], right).all()),
        ("1/2" if pixels else 0, "variation_in_error", not maps and with_variation),
        (0, "wrong_values", not maps and not pixels),
        ("1/2", "wrong_feature_error", not maps),
        ("1/2", "wrong_pixel_error", not pixels),
    )


def _are_close(found, right) -> np.ndarray:
    return np.isclose(found, right, rtol=2e-3, atol=2e-3)
