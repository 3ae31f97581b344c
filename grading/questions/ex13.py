"""Exercice 13 : retrouver une image d'après ses cartes."""

import numpy as np

from grading import messages, pupil
from grading.questions import RIGHT, Ask, Credit, as_floats, credit, dreams, judge, question, same

TOLERANCE = 1e-4  # float32
SHAPE = (14, 18, 3)
STEPS = 60
LAYER = dreams.NAMES[0]


@question("ex13.feature_distance")
def ask_feature_distance(ask: Ask) -> Credit:
    """Compare des cartes ; des cartes nulles sont à distance 1."""
    maps, target = (ask.rng.uniform(-1, 3, (1, 5, 7, 4)).astype(np.float32) for _ in range(2))
    calls = [((maps, target), {}), ((2 * maps, target / 3), {}), ((0 * maps, target), {})]
    answers = ask.calls("feature_distance", calls)
    right, mistakes = dreams.relative_distance, dreams.DISTANCE_MISTAKES
    return judge(answers, [("1", calls)], right, mistakes, tolerance=TOLERANCE)


@question("ex13.frequencies")
def ask_frequencies(ask: Ask) -> Credit:
    """Fait l'aller et retour, puis compare une fréquence basse à une haute."""
    height, width, _ = SHAPE
    image = ask.rng.uniform(0, 255, (1, *SHAPE)).astype(np.float32)
    x = np.arange(width)[None, None, :, None] * np.ones((1, *SHAPE))
    cycles = (1, 6)  # sur la largeur
    waves = [np.cos(2 * np.pi * each * x / width).astype(np.float32) for each in cycles]
    numbers = ask.rng.normal(size=(2, 3, height, width // 2 + 1)).astype(np.float32)
    found = ask.op(
        "there_and_back",
        function="frequencies",
        positional=[height, width],
        images=[image, *waves],
        numbers=numbers,
    )
    if not isinstance(found, dict) or not {"encoded", "decoded", "drawn"} <= set(found):
        raise pupil.Failure("forged_answer")
    encoded, low, high = (as_floats(each) for each in found["encoded"])
    back = as_floats(found["decoded"][0])
    if encoded is None or encoded.shape != numbers.shape:
        return credit(0, "wrong_shape")
    if back is None or back.shape != image.shape:
        return credit("1/4", "wrong_shape")
    if not same(back, image, tolerance=1e-3):
        return credit("1/4", "no_way_back")
    ratio = np.abs(high).max() / np.abs(low).max()  # la basse, plus rapide, demande moins
    if ratio < 0.9:
        return credit("1/2", "frequencies_reversed")
    if ratio < 1.5:
        return credit("1/2", "frequencies_alike")
    spread = as_floats(found["drawn"]).std()
    if not 0.2 < spread < 8:
        return credit("3/4", "wrong_unit", f"{spread:.2g} niveaux".replace(".", ","))
    return RIGHT


# --- Retrouver l'image ---------------------------------------------------------------


def _reconstruct(ask: Ask, network, image, *, steps: int, tv_weight: float) -> tuple:
    """Lance la reconstruction ; rend l'image et les deux écarts."""
    options = {"steps": steps, "tv_weight": tv_weight, "seed": 3}
    value = dreams.one(
        ask,
        "reconstruct",
        network.extractor(LAYER),
        image,
        options=messages.Ingredient("namespace", options),
    )
    values = value.values if isinstance(value, messages.Record) else value
    if not isinstance(values, tuple | list) or len(values) != 3:
        raise pupil.Failure("wrong_type", "(image, error, pixel_error) attendu")
    return tuple(values)


def _setting(ask: Ask) -> tuple[dreams.Network, np.ndarray]:
    """Tire un réseau, et une image faite d'une moitié sombre et d'une claire."""
    rng = np.random.default_rng(ask.rng.integers(2**32))
    image = np.where(np.arange(SHAPE[1])[:, None] < SHAPE[1] // 2, 50, 205) + np.zeros(SHAPE)
    image = np.clip(image + rng.normal(0, 20, SHAPE), 5, 250).astype(np.float32)
    return dreams.draw_network(rng), image


def _gap(network, found, image) -> float:
    return dreams.relative_distance(*(network.maps(each)[LAYER] for each in (found, image)))


@question("ex13.reconstruct")
def ask_reconstruct(ask: Ask) -> Credit:
    """Cherche une petite image : d'où part-on, arrive-t-on, et plus lisse si on le demande ?"""
    network, image = _setting(ask)
    found, *_ = _reconstruct(ask, network, image, steps=STEPS, tv_weight=0.0)
    if problem := dreams.picture_problem(found, SHAPE):
        return problem
    found = as_floats(found)
    first = as_floats(_reconstruct(ask, network, image, steps=1, tv_weight=0.0)[0])
    if np.sqrt(np.mean((first - image) ** 2)) < 30:
        return credit("1/4", "image_not_forgotten")
    if _gap(network, found, image) > 0.8 * _gap(network, first, image):
        return credit("1/4", "features_not_reached")
    smooth = as_floats(_reconstruct(ask, network, image, steps=STEPS, tv_weight=100.0)[0])
    if dreams.total_variation(smooth) > 0.8 * dreams.total_variation(found):
        return credit("3/4", "variation_ignored")
    return RIGHT


@question("ex13.errors")
def ask_errors(ask: Ask) -> Credit:
    """Recalcule les deux écarts rendus avec l'image."""
    network, image = _setting(ask)
    found, error, pixel_error = _reconstruct(ask, network, image, steps=8, tv_weight=1.0)
    if problem := dreams.picture_problem(found, SHAPE):
        return problem
    found, gap = as_floats(found), _gap(network, as_floats(found), image)
    if any(as_floats(each) is None for each in (error, pixel_error)):
        return credit(0, "wrong_type")
    difference = found - image
    right = np.sqrt(gap), np.sqrt(np.mean(difference**2))
    known = {
        "mean_square_for_root": (gap, np.mean(difference**2)),
        "wrong_unit_of_error": (None, right[1] / 255),
        "mean_absolute_error": (None, np.mean(np.abs(difference))),
    }
    bad = [k for k, each in enumerate((error, pixel_error)) if not _near(each, right[k])]
    if not bad:
        return RIGHT
    level = "1/2" if len(bad) == 1 else "0"
    for reason, values in known.items():
        if all(values[k] is not None and _near((error, pixel_error)[k], values[k]) for k in bad):
            return credit(level, reason)
    return credit(level, "wrong_values")


def _near(found, expected) -> bool:
    return abs(float(found) - expected) < 2e-3 * expected
