"""Exercice 13 : retrouver une image d'après ses cartes."""

import numpy as np

from grading.asking import failures
from grading.asking.comparing import ANOTHER
from grading.inside import messages
from grading.questions import (
    RIGHT,
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
STEPS = 25  # chacun coûte cher à qui n'emploie pas `tf.function`
# Poids de la variation totale : l'un se voit ; l'autre non, sauf si elle est mal comptée.
SMOOTH, SLIGHT = 10.0, 6e-3
LAYER = dreams.NAMES[0]


DISTANCES = [Mistake(reason, measure) for reason, measure in dreams.MEASURES]


def _drawn_maps(rng) -> np.ndarray:
    """Tire des cartes des deux signes, toutes loin de zéro : on peut diviser par elles."""
    shape = (1, 5, 7, 4)
    signs = np.where(rng.random(shape) < 0.25, -1, 1)
    return (signs * rng.uniform(0.3, 3, shape)).astype(np.float32)


@question("ex13.feature_distance")
def ask_feature_distance(ask: Ask) -> Credit:
    """Compare des cartes, nulles ou non ; le gradient doit ensuite en revenir."""
    maps, target = (_drawn_maps(ask.rng) for _ in range(2))
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


def _setting(ask: Ask, *, levels=(50, 205)) -> tuple[dreams.Network, np.ndarray]:
    """Tire un réseau aveugle à une couleur, et une image dont les moitiés ont ces niveaux."""
    network = dreams.draw_network(ask.rng)
    network.weights[0][:, :, BLIND] = 0
    halves = np.repeat(levels, SHAPE[1] // 2)[:, np.newaxis]
    return network, np.clip(halves + ask.rng.normal(0, 20, SHAPE), 5, 250).astype(np.float32)


def _options(*settings: tuple) -> list[dict]:
    """Rend les options de chaque `(pas, poids de la variation totale, graine)`."""
    return [dict(zip(("steps", "tv_weight", "seed"), each, strict=True)) for each in settings]


def _reconstruct(ask: Ask, network, image: np.ndarray, options: list[dict]) -> list[dreams.Found]:
    """Reconstruit une image pour chaque jeu d'options."""
    return dreams.pictures(ask, "reconstruct", (network.extractor(LAYER), image), options)


def _root_mean_square(gap: np.ndarray) -> float:
    return np.sqrt(np.mean(gap**2))


def _gap(network, found, image) -> float:
    return dreams.relative_distance(*(network.maps(each)[LAYER] for each in (found, image)))


def _is_flat_grey(first: np.ndarray) -> bool:
    """Dit si une image, après un pas, est encore un gris moyen, à peine bruité."""
    return abs(first.mean() - 127.5) < 40 and first.std() < 25


def _variation_fault(found: np.ndarray, smooth: np.ndarray, slight: np.ndarray) -> str:
    """Dit ce que la variation totale a de faux ; rien si elle rend l'image plus lisse.

    Args:
        found: l'image trouvée sans elle.
        smooth: l'image trouvée quand elle compte.
        slight: l'image trouvée quand elle ne compte presque pas.
    """
    rough, smoothed, kept = (dreams.variations(each) for each in (found, smooth, slight))
    kept_share, (low, high) = kept.sum() / rough.sum(), np.sort(smoothed / rough)
    if kept_share < 0.8:
        return "variation_too_heavy"
    if same(found, smooth, tolerance=1e-3):
        return "variation_ignored"
    if low > 2:
        return "variation_reversed"
    if smoothed.sum() > 0.8 * rough.sum():
        return "variation_not_smoothing"
    return "variation_one_way" if high > 0.35 and low < 0.25 * high else ""


SPOT_SHAPE = (10, 14, 3)  # d'une image noire dont un seul pixel est blanc
COPYING = dreams.Network(  # un réseau dont les cartes sont les trois couleurs, presque de 0 à 2
    [np.eye(3, 5)[None, None], np.full(5, 1.02), np.eye(5, 4)[None, None], np.zeros(4)]
)


def _overflows(ask: Ask) -> bool:
    """Dit si l'image trouvée sort de [0, 255] quand rien ne la coupe.

    Toutes les fréquences d'un seul pixel blanc ont la même phase : elles montent ensemble, et
    l'élan d'Adam les emporte au-delà de 255. Rien n'y est tiré au hasard, sauf le bruit de départ.
    Réglés un à un, les pixels n'ont pas le temps d'en sortir : cette faute-là n'est pas vue.
    """
    image = np.zeros(SPOT_SHAPE, np.float32)
    image[SPOT_SHAPE[0] // 2, SPOT_SHAPE[1] // 2] = 255
    try:
        _reconstruct(ask, COPYING, image, _options((STEPS, 0.0, 3)))
    except failures.Failure as failure:
        if failure.reason != "picture_out_of_range":
            raise
        return True
    return False


MISSED = {  # faute de `reconstruct`, et le rang de l'appel qui la montre
    **{"image_not_forgotten": 1, "start_not_grey": 1, "start_not_seeded": 2},
    **{"variation_ignored": 4, "variation_reversed": 4, "variation_not_smoothing": 4},
    **{"variation_one_way": 4, "variation_too_heavy": 5},
}


@question("ex13.reconstruct")
def ask_reconstruct(ask: Ask) -> Credit:
    """Cherche une petite image : d'où part-on, arrive-t-on, et plus lisse si on le demande ?"""
    network, image = _setting(ask)
    settings = [(STEPS, 0.0, 3), (1, 0.0, 3), (1, 0.0, 3), (1, 0.0, 4)]
    settings += [(STEPS, SMOOTH, 3), (STEPS, SLIGHT, 3)]
    options = _options(*settings)
    answers = _reconstruct(ask, network, image, options)
    found, first, again, other, smooth, slight = (each.pixels for each in answers)
    gaps = [_gap(network, each, image) for each in (found, first)]
    of_grey = _gap(network, np.full_like(image, 127.5), image)
    blind = [np.abs(each - image)[..., BLIND].mean() for each in (found, first)]
    seeded = same(first, again) and not same(first, other, tolerance=1e-3)
    is_still, is_far = same(found, first, tolerance=1e-3), gaps[1] > 0.8 * of_grey
    variation = _variation_fault(found, smooth, slight)
    fault = first_fault(
        ("1/4", "image_not_forgotten", _root_mean_square(first - image) < 30),
        ("1/4", "search_stands_still", is_still and is_far),
        ("1/4", "search_climbs", gaps[0] > 1.2 * gaps[1]),
        ("1/4", "features_not_reached", gaps[0] > 0.8 * gaps[1]),
        ("1/2", "pixels_compared", blind[0] < 0.9 * blind[1]),
        ("3/4", "start_not_grey", not _is_flat_grey(first)),
        ("3/4", "start_not_seeded", not seeded),
        ("3/4", variation, variation != ""),
        ("3/4", "integers_for_floats", answers[0].dtype.kind in "iu"),
    )
    if fault.reason is None and _overflows(ask):
        return credit("3/4", "picture_out_of_range")
    number = MISSED.get(fault.reason, 0)
    positional = (network.extractor(LAYER), image)
    call = positional, {"options": messages.Ingredient("namespace", options[number])}
    given = np.zeros(SHAPE, answers[number].dtype)
    return at_call(fault, "reconstruct", call, failures.Answer(given), np.zeros(SHAPE, np.float32))


# --- Mesurer les écarts --------------------------------------------------------------

HEAVY = 100.0  # un poids de la variation totale qui se verrait dans un écart
DARK = (30, 110)  # niveaux d'une image bien plus sombre que le départ
SEVERAL = (8, 7, 1)  # nombres de pas


def _feature_faults(network, image: np.ndarray, found, before) -> list[tuple[str, float]]:
    """Rend ce que vaudrait l'écart des caractéristiques, pour chaque faute connue.

    Args:
        network: le réseau.
        image: l'image à retrouver.
        found: l'image trouvée.
        before: celle qu'un pas de moins aurait trouvée.
    """
    maps, target = (network.maps(each)[LAYER] for each in (found, image))
    distance, old = (_gap(network, each, image) for each in (found, before))
    faults = [
        ("feature_error_squared", distance),
        ("feature_error_in_percent", 100 * np.sqrt(distance)),
        ("error_before_last_step", np.sqrt(old)),
    ]
    for loss, pixels in ((distance, found), (old, before)):
        for variation in _mean_variations(pixels / 255):
            whole = loss + HEAVY * variation
            faults += [("variation_in_error", np.sqrt(whole)), ("variation_in_error", whole)]
    for reason, measure in dreams.MEASURES:
        if reason != "distance_not_squared":  # la racine de la distance est ce qui est demandé
            value = measure(maps, target)
            faults += [(reason, np.sqrt(value)), (reason, value)]
    return faults


def _mean_variations(image: np.ndarray) -> tuple[float, float]:
    """Rend la variation totale par pixel, puis par paire de voisins."""
    gaps = [np.diff(image, axis=axis) ** 2 for axis in (0, 1)]
    return sum(map(np.sum, gaps)) / image.size, sum(map(np.mean, gaps))


def _pixel_faults(image: np.ndarray, found: np.ndarray) -> list[tuple[str, float]]:
    """Rend ce que vaudrait l'écart des pixels, pour chaque faute connue."""
    gap = found - image
    return [
        ("pixel_error_squared", np.mean(gap**2)),
        ("pixel_error_absolute", np.mean(np.abs(gap))),
        ("pixel_error_signed", np.mean(gap)),
        ("pixel_error_signed", -np.mean(gap)),
        ("pixel_error_of_zero_one", _root_mean_square(gap / 255)),
        ("pixel_error_summed", np.sqrt(np.sum(gap**2))),
        ("pixel_error_relative", np.linalg.norm(gap) / np.linalg.norm(image)),
        ("pixel_error_centred", np.std(gap)),
    ]


def _cause(given: float, faults: list[tuple[str, float]]) -> str:
    """Rend la première faute connue qui donne cet écart ; rien s'il n'y en a pas."""
    close = (reason for reason, value in faults if np.isclose(given, value, rtol=1e-3, atol=1e-6))
    return next(close, "")


def _is_from_start(given: np.ndarray, found: list[np.ndarray], right: float) -> bool:
    """Dit si les écarts sont ceux des pixels au départ, que le premier pas a peu changé.

    Args:
        given: écarts rendus avec ces images.
        found: images trouvées, en de moins en moins de pas, la dernière en un seul.
        right: écart de la dernière à l'image à retrouver.
    """
    *errors, short = given
    gaps = [_root_mean_square(each - found[-1]) for each in found[:-1]]
    return 0 < short < 0.2 * right and bool(np.all(np.abs(errors - np.array(gaps)) <= 1.02 * short))


def _error_causes(network, image: np.ndarray, found: list[np.ndarray], given) -> tuple[str, str]:
    """Rend la faute de chacun des deux écarts ; rien si elle n'est pas connue.

    Args:
        network: le réseau.
        image: l'image à retrouver.
        found: images trouvées en `SEVERAL` pas.
        given: les deux écarts rendus avec chacune.
    """
    moved = not same(found[0], found[-1], tolerance=1e-3)
    still = [moved and same(each, np.full_like(each, each[0])) for each in given.T]
    features = _cause(given[0, 0], _feature_faults(network, image, *found[:2]))
    pixels = _cause(given[0, 1], _pixel_faults(image, found[0]))
    if not pixels and _is_from_start(given[:, 1], found, _root_mean_square(found[-1] - image)):
        pixels = "pixel_error_from_start"
    known = zip(still, (features, pixels), strict=True)
    return tuple("error_stands_still" if fixed else cause for fixed, cause in known)


@question("ex13.errors")
def ask_errors(ask: Ask) -> Credit:
    """Recalcule les deux écarts rendus avec l'image, où la variation totale compte beaucoup."""
    network, image = _setting(ask, levels=DARK)
    options = _options(*((steps, HEAVY, 3) for steps in SEVERAL))
    answers = _reconstruct(ask, network, image, options)
    if any(len(each.rest) < 2 for each in answers):
        return credit(0, "errors_missing")
    given = np.array([numbers(failures.Answer(each.rest), (2,)) for each in answers])
    found = [each.pixels for each in answers]
    right = np.array([np.sqrt(_gap(network, found[0], image)), _root_mean_square(found[0] - image)])
    maps, pixels = _are_close(given[0], right)
    if maps and pixels:
        return RIGHT
    if not maps and _are_close(np.sqrt(np.abs(given[0])), right).all():
        return credit(0, "errors_squared")
    if _are_close(given[0, ::-1], right).all():
        return credit(0, "parts_exchanged")
    of_maps, of_pixels = _error_causes(network, image, found, given)
    if not maps and not pixels:
        reason = of_maps or of_pixels
        return credit(0, reason or "wrong_values", ANOTHER if reason else "")
    return first_fault(
        ("1/2", of_maps or "wrong_feature_error", not maps, "`error`"),
        ("1/2", of_pixels or "wrong_pixel_error", not pixels, "`pixel_error`"),
    )


def _are_close(found, right) -> np.ndarray:
    return np.isclose(found, right, rtol=2e-3, atol=2e-3)
