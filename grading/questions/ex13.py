"""Exercice 13 : retrouver une image d'après ses cartes."""

import numpy as np

from grading import messages, pupil
from grading.questions import RIGHT, Ask, Credit, as_floats, credit, dreams, judge, question, same

TOLERANCE = 1e-4  # float32
SHAPE = (14, 18, 3)
ODD = (9, 13, 3)
BLIND = 2  # canal que le réseau ne voit pas
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
    """Fait l'aller et retour de deux images, puis regarde par quoi chaque onde est multipliée."""
    image, odd = (ask.rng.uniform(0, 255, (1, *each)).astype(np.float32) for each in (SHAPE, ODD))
    encoded, back, drawn = _there_and_back(ask, image)
    if encoded is None or encoded.shape != _shape_of_numbers(image):
        return credit(0, "wrong_shape")
    if back is None or back.shape != image.shape:
        return credit("1/4", "wrong_shape")
    if not same(back, image, tolerance=1e-3):
        return credit("1/4", "no_way_back")
    _, back, _ = _there_and_back(ask, odd)
    if not same(back, odd, tolerance=1e-3):
        return credit("1/4", "odd_side_lost")
    if problem := _law_problem(image[0], encoded):
        return problem
    spread = drawn.std()
    if not 0.2 < spread < 8:
        return credit("3/4", "wrong_unit", f"{spread:.2g} niveaux".replace(".", ","))
    return RIGHT


def _shape_of_numbers(image: np.ndarray) -> tuple[int, ...]:
    return 2, 3, image.shape[1], image.shape[2] // 2 + 1


def _there_and_back(ask: Ask, image: np.ndarray) -> tuple:
    """Rend ce que l'aller fait d'une image, ce que le retour en refait, et du hasard décodé."""
    found = ask.op(
        "there_and_back",
        function="frequencies",
        positional=list(image.shape[1:3]),
        images=[image],
        numbers=ask.rng.normal(size=_shape_of_numbers(image)).astype(np.float32),
    )
    if not isinstance(found, dict) or not {"encoded", "decoded", "drawn"} <= set(found):
        raise pupil.Failure("forged_answer")
    return tuple(as_floats(each) for each in (*found["encoded"], *found["decoded"], found["drawn"]))


def _law_problem(image: np.ndarray, encoded: np.ndarray) -> Credit | None:
    """Dit si chaque onde n'est pas multipliée par l'inverse de sa fréquence ; la moyenne à part."""
    height, width, _ = image.shape
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)).ravel()[1:]
    spectrum = np.fft.rfft2(image.transpose(2, 0, 1))
    numbers = encoded[0] + 1j * encoded[1]
    factors = (spectrum / np.where(numbers == 0, np.inf, numbers)).reshape(3, -1)[:, 1:]

    def follows(power: float) -> bool:
        scaled = factors * frequency**power
        return bool(np.allclose(scaled, scaled.mean(), rtol=0.02, atol=0))

    if follows(1):
        return None
    if follows(0):
        return credit("1/2", "frequencies_alike")
    if any(follows(power) for power in (-0.5, -1, -2)):
        return credit("1/2", "frequencies_reversed")
    slow = frequency < np.median(frequency)
    if np.abs(factors[:, slow]).mean() > 1.5 * np.abs(factors[:, ~slow]).mean():
        return credit("3/4", "frequencies_other_law")
    return credit("1/2", "wrong_values")


# --- Retrouver l'image ---------------------------------------------------------------


def _reconstruct(ask: Ask, network, image, *, steps: int, tv_weight: float, seed=3) -> tuple:
    """Lance la reconstruction ; rend l'image et les deux écarts."""
    options = {"steps": steps, "tv_weight": tv_weight, "seed": seed}
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
    """Tire un réseau aveugle à une couleur, et une image, sombre puis claire."""
    rng = np.random.default_rng(ask.rng.integers(2**32))
    image = np.where(np.arange(SHAPE[1])[:, None] < SHAPE[1] // 2, 50, 205) + np.zeros(SHAPE)
    image = np.clip(image + rng.normal(0, 20, SHAPE), 5, 250).astype(np.float32)
    network = dreams.draw_network(rng)
    network.kernels[0][BLIND] = 0
    return network, image


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
    if not np.isfinite(first).all():
        return credit("1/4", "not_a_number")
    if np.sqrt(np.mean((first - image) ** 2)) < 30:
        return credit("1/4", "image_not_forgotten")
    if _gap(network, found, image) > 0.8 * _gap(network, first, image):
        return credit("1/4", "features_not_reached")
    away, before = (np.abs(each - image)[..., BLIND].mean() for each in (found, first))
    if away < 0.9 * before:
        return credit("1/2", "pixels_compared")
    smooth = as_floats(_reconstruct(ask, network, image, steps=STEPS, tv_weight=100.0)[0])
    if not np.isfinite(smooth).all():
        return credit("3/4", "not_a_number")
    if dreams.total_variation(smooth) > 0.8 * dreams.total_variation(found):
        return credit("3/4", "variation_ignored")
    if _ignores_seed(ask, network, image):
        return credit("3/4", "start_not_seeded")
    return RIGHT


def _ignores_seed(ask: Ask, network, image) -> bool:
    """Dit si une graine ne redonne pas la même image, ou si une autre graine la redonne."""
    named = [
        {"options": messages.Ingredient("namespace", {"steps": 1, "tv_weight": 0.0, "seed": seed})}
        for seed in (5, 5, 6)
    ]
    calls = [((network.extractor(LAYER), image), each) for each in named]
    first, again, other = (_image_of(each) for each in ask.calls("reconstruct", calls))
    return not same(first, again) or same(first, other, tolerance=1e-3)


def _image_of(answer: pupil.Answer):
    value = answer.value.values if isinstance(answer.value, messages.Record) else answer.value
    return as_floats(value[0]) if isinstance(value, tuple | list) and value else None


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
