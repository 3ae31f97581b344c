"""Exercice 13 : retrouver une image d'après ses cartes."""

import numpy as np

from grading.asking import failures
from grading.questions import (
    TOLERANCE,
    Ask,
    Credit,
    Mistake,
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
    """Compare des cartes ; des cartes nulles sont à distance 1."""
    maps, target = (ask.rng.uniform(-1, 3, (1, 5, 7, 4)).astype(np.float32) for _ in range(2))
    return ask.judge(
        "feature_distance",
        [("1", [((maps, target), {}), ((2 * maps, target / 3), {}), ((0 * maps, target), {})])],
        dreams.relative_distance,
        DISTANCES,
        tolerance=TOLERANCE,
    )


# --- Retrouver l'image ---------------------------------------------------------------


def _setting(ask: Ask) -> tuple[dreams.Network, np.ndarray]:
    """Tire un réseau aveugle à une couleur, et une image, sombre puis claire."""
    network = dreams.draw_network(ask.rng)
    network.weights[0][:, :, BLIND] = 0
    halves = np.repeat([50, 205], SHAPE[1] // 2)[:, np.newaxis]
    return network, np.clip(halves + ask.rng.normal(0, 20, SHAPE), 5, 250).astype(np.float32)


def _reconstruct(ask: Ask, network, image: np.ndarray, *settings: tuple) -> list:
    """Reconstruit une image pour chaque `(pas, poids de la variation totale, graine)`."""
    options = [dict(zip(("steps", "tv_weight", "seed"), each, strict=True)) for each in settings]
    return dreams.pictures(ask, "reconstruct", (network.extractor(LAYER), image), options)


def _gap(network, found, image) -> float:
    return dreams.relative_distance(*(network.maps(each)[LAYER] for each in (found, image)))


@question("ex13.reconstruct")
def ask_reconstruct(ask: Ask) -> Credit:
    """Cherche une petite image : d'où part-on, arrive-t-on, et plus lisse si on le demande ?"""
    network, image = _setting(ask)
    settings = [(STEPS, 0.0, 3), (1, 0.0, 3), (1, 0.0, 3), (1, 0.0, 4)]
    settings += [(STEPS, SMOOTH, 3), (STEPS, SMOOTH / 255**2, 3)]
    found, first, again, other, smooth, barely = (
        pixels for pixels, _ in _reconstruct(ask, network, image, *settings)
    )
    gaps = [_gap(network, each, image) for each in (found, first)]
    blind = [np.abs(each - image)[..., BLIND].mean() for each in (found, first)]
    rough, smoothed, kept = (dreams.total_variation(each) for each in (found, smooth, barely))
    seeded = same(first, again) and not same(first, other, tolerance=1e-3)
    return first_fault(
        ("1/4", "image_not_forgotten", np.sqrt(np.mean((first - image) ** 2)) < 30),
        ("1/4", "features_not_reached", gaps[0] > 0.8 * gaps[1]),
        ("1/2", "pixels_compared", blind[0] < 0.9 * blind[1]),
        ("3/4", "variation_of_bytes", kept < 0.8 * rough),
        ("3/4", "variation_ignored", smoothed > 0.8 * rough),
        ("3/4", "start_not_seeded", not seeded),
    )


@question("ex13.errors")
def ask_errors(ask: Ask) -> Credit:
    """Recalcule les deux écarts rendus avec l'image."""
    network, image = _setting(ask)
    ((found, rest),) = _reconstruct(ask, network, image, (8, 1.0, 3))
    right = np.sqrt([_gap(network, found, image), np.mean((found - image) ** 2)])
    maps, pixels = np.isclose(numbers(failures.Answer(rest), (2,)), right, rtol=2e-3, atol=2e-3)
    return first_fault(
        (0, "errors_squared", np.allclose(np.sqrt(rest), right, rtol=2e-3)),
        (0, "wrong_values", not maps and not pixels),
        ("1/2", "wrong_feature_error", not maps),
        ("1/2", "wrong_pixel_error", not pixels),
    )
