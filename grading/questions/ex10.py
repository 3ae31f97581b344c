"""Exercice 10 : découper l'image, cacher des morceaux, ajuster un modèle linéaire local."""

from collections.abc import Sequence
from fractions import Fraction
from operator import attrgetter
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from grading import sealed
from grading.asking import failures
from grading.asking.comparing import ANOTHER
from grading.questions import (
    VAGUE,
    Ask,
    Credit,
    Mistake,
    as_floats,
    credit,
    first_fault,
    numbers,
    question,
    same,
)
from grading.questions.heatmaps import (
    CLASS,
    NUM_CLASSES,
    ask_bounded,
    clipped,
    linear,
    probabilities,
)

OURS = sealed.module("ex10_lime")
MANY = 8000  # variantes, pour que le hasard du rendu ne compte plus
FEW = 40  # pour qu'il compte
NUM_FITTED = 40  # variantes d'une régression
NEGLIGIBLE = 1e-4  # part du plus grand coefficient, en deçà de laquelle un autre est nul
COLORS = np.array([[30, 50, 110], [210, 180, 90]])  # des images, du fond puis du reste


# --- Découper ------------------------------------------------------------------------


def _two_colors(rng, height=24, width=30) -> tuple[np.ndarray, np.ndarray]:
    """Tire une image de deux couleurs, dont la frontière n'est pas celle d'une grille."""
    side = np.zeros((height, width), bool)
    side[:, int(rng.choice([12, 13, 17, 18])) :] = True
    side[7 : int(rng.integers(16, 18)), 5 : int(rng.integers(22, 24))] ^= True
    return _noisy(rng, side), side


def _stripes(rng, height=24, width=30) -> np.ndarray:
    """Tire des rayures de deux pixels : ceux d'une couleur ne se touchent pas tous."""
    side = (np.arange(width) + rng.integers(4)) // 2 % 2
    return _noisy(rng, np.tile(side, (height, 1)))


def _noisy(rng, side: np.ndarray) -> np.ndarray:
    """Peint une image de deux couleurs, où deux pixels ne sont presque jamais les mêmes."""
    image = COLORS[side.astype(int)]
    return (image + rng.integers(-8, 9, image.shape)).astype(np.uint8)


@question("ex10.segment")
def ask_segment(ask: Ask) -> Credit:
    """Fait découper des images de deux couleurs, et regarde ce qu'un morceau contient.

    Des rayures, seul compte que chaque morceau soit d'un seul tenant.
    """
    images, sides = zip(*(_two_colors(ask.rng) for _ in range(2)), strict=True)
    calls = [((image,), {"num_segments": 30}) for image in images]
    calls += [((_stripes(ask.rng),), {"num_segments": 30}), ((images[0],), {"num_segments": 120})]
    *answers, striped, finer = ask.calls("segment", calls)
    found = min(map(_credit_segments, answers, sides), key=attrgetter("level"))
    labels = [numbers(each, sides[0].shape) for each in (answers[0], finer)]
    ignored = first_fault(("1/4", "num_segments_ignored", same(*labels)))
    lines = numbers(striped, sides[0].shape)
    torn = first_fault(("3/4", "piece_in_parts", _has_parts(_masks(lines))))
    return min(found, ignored, torn, key=attrgetter("level"))


def _masks(labels: np.ndarray) -> list[np.ndarray]:
    """Rend, de chaque morceau, les pixels qu'il a."""
    return [labels == each for each in np.unique(labels)]


def _has_parts(masks: list[np.ndarray]) -> bool:
    """Dit si un morceau est fait de parties qui ne se touchent pas, même par un coin."""
    return any(ndimage.label(each, np.ones((3, 3)))[1] > 1 for each in masks)


def _credit_segments(answer: failures.Answer, side: np.ndarray, num: int = 30) -> Credit:
    labels = numbers(answer, side.shape)
    pieces = np.unique(labels)
    masks = _masks(labels)
    mixed = sum(min(side[mask].sum(), (~side[mask]).sum()) for mask in masks)
    return first_fault(
        ("1/4", "labels_with_holes", not same(pieces, np.arange(len(pieces)))),
        (
            "1/4",
            "wrong_number_of_pieces",
            not num / 2 <= len(pieces) <= 2 * num,
            f"{len(pieces)} pour {num}",
        ),
        ("1/2", "colors_mixed", mixed > side.size / 25),
        ("3/4", "piece_in_parts", _has_parts(masks)),
    )


# --- Cacher, ajuster -----------------------------------------------------------------


def _hidden_in_mean_grey(image, segments, visible) -> np.ndarray:
    """Cache sous la moyenne des trois couleurs mêlées."""
    return np.where(visible[:, segments, None], image, np.rint(image.mean()))


def _hidden_in_own_color(image, segments, visible) -> np.ndarray:
    """Cache chaque morceau sous sa propre couleur moyenne."""
    colors = [image[segments == each].mean(0) for each in range(segments.max() + 1)]
    return np.where(visible[:, segments, None], image, np.rint(colors)[segments])


def _hidden_in_black(image, segments, visible) -> np.ndarray:
    return np.where(visible[:, segments, None], image, 0)


def _hidden_in_grey(image, segments, visible) -> np.ndarray:
    return np.where(visible[:, segments, None], image, 128)


def _hidden_in_color_of_lines(image, segments, visible) -> np.ndarray:
    """Cache sous la couleur moyenne de chaque ligne."""
    return np.where(visible[:, segments, None], image, np.rint(image.mean(1, keepdims=True)))


def _hidden_in_color_of_columns(image, segments, visible) -> np.ndarray:
    """Cache sous la couleur moyenne de chaque colonne."""
    return np.where(visible[:, segments, None], image, np.rint(image.mean(0)))


def _visible_hidden(image, segments, visible) -> np.ndarray:
    return OURS.variants(image, segments, ~visible)


def _hidden_for_good(image, segments, visible) -> np.ndarray:
    """Ne montre plus un morceau qu'une variante d'avant a caché."""
    return OURS.variants(image, segments, np.logical_and.accumulate(visible))


def _first_never_hidden(image, segments, visible) -> np.ndarray:
    """Ne cache jamais le morceau de numéro 0."""
    return OURS.variants(image, segments, visible | (np.arange(visible.shape[1]) == 0))


HIDDEN = [
    Mistake("hidden_in_own_color", _hidden_in_own_color, "1/2"),
    Mistake("visible_for_hidden", _visible_hidden, "1/2"),
    Mistake("hidden_in_black", _hidden_in_black, "1/2"),
    Mistake("hidden_in_grey", _hidden_in_grey, "3/4"),
    Mistake("hidden_in_grey", _hidden_in_mean_grey, "3/4"),
    Mistake("hidden_in_color_of_line", _hidden_in_color_of_lines, "1/2"),
    Mistake("hidden_in_color_of_line", _hidden_in_color_of_columns, "1/2"),
    Mistake("hidden_for_good", _hidden_for_good),
    Mistake("first_never_hidden", _first_never_hidden, "1/2"),
]


@question("ex10.variants")
def ask_variants(ask: Ask) -> Credit:
    """Cache des morceaux d'un découpage donné, de tailles différentes.

    Peu de pixels sont clairs : la moyenne d'une couleur est loin de sa médiane.
    """
    image = (255 * ask.rng.random((9, 13, 3)) ** 3 * [1, 0.7, 0.4]).astype(np.uint8)
    segments = np.tile(np.repeat(np.arange(5), [2, 1, 4, 4, 2]), (9, 1))
    some = ask.rng.random((12, 5)) < 0.5
    some[:2] = [[False] * 5, [True] * 5]  # caché d'abord, chaque morceau redevient visible
    whole, hidden = (((image, segments, each), {}) for each in (np.ones((1, 5), bool), some))
    found = ask.judge(
        "variants",
        [("1/4", [whole]), ("1", [hidden])],
        OURS.variants,
        HIDDEN,
        tolerance=0.01,  # arrondie ou coupée, la couleur moyenne convient
    )
    is_explained = found.reason in {each.reason for each in HIDDEN} and found.detail != ANOTHER
    if found.wrong and not is_explained and _shows_visible(found, image, some[:, segments]):
        return found._replace(reason="hidden_in_other_color", detail="")
    return found


def _shows_visible(found: Credit, image: np.ndarray, shown: np.ndarray) -> bool:
    """Dit si, de variantes fausses, tout pixel visible est le bon, et tout pixel caché changé."""
    values = as_floats(found.wrong.answer.value)
    if values is None or values.shape != (*shown.shape, 3):
        return False
    kept = np.abs(values - image).max(-1) < 1  # à l'arrondi près
    return bool(kept[shown].all() and kept[~shown].mean() < 0.5)


PENALTY = 0.01  # celle de l'énoncé


def _weighted_mean(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Rend la moyenne qui élimine la constante du modèle."""
    return np.average(values, axis=0, weights=weights)


def _plain_mean(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return values.mean(0)


def _no_mean(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return np.zeros(values.shape[1:])


def _fitted(*, mean=_weighted_mean, of_outputs=None, penalty=PENALTY, power=1):
    """Rend `fit_linear` avec, au choix, une erreur.

    Args:
        mean: moyenne retranchée des variantes, et des réponses si `of_outputs` n'en est pas une.
        of_outputs: moyenne retranchée des réponses.
        penalty: celle des carrés des coefficients.
        power: exposant des poids.
    """

    def fit_linear(visible, outputs, weights):
        weights = weights**power
        v = visible - mean(visible.astype(float), weights)
        y = outputs - (of_outputs or mean)(outputs, weights)
        square = v.T @ (weights[:, None] * v) + penalty * np.eye(v.shape[1])
        return np.linalg.pinv(square) @ v.T @ (weights * y)

    return fit_linear


def _with_intercept_penalised(visible, outputs, weights) -> np.ndarray:
    """Ajoute une colonne de uns, et la pénalise comme les autres."""
    v = np.column_stack([visible, np.ones(len(visible))]).astype(float)
    square = (v.T * weights) @ v + PENALTY * np.eye(v.shape[1])
    return np.linalg.solve(square, (v.T * weights) @ outputs)[:-1]


def _with_weights_over_sum(visible, outputs, weights) -> np.ndarray:
    """Ramène d'abord les poids à une somme de 1."""
    return OURS.fit_linear(visible, outputs, weights / weights.sum())


FITTED = [
    Mistake("intercept_penalised", _with_intercept_penalised),
    Mistake("weights_ignored", _fitted(power=0)),
    Mistake("weights_squared", _fitted(power=2)),
    Mistake("weights_rooted", _fitted(power=0.5)),
    Mistake("weights_over_sum", _with_weights_over_sum),
    Mistake("penalty_per_variant", _fitted(penalty=NUM_FITTED * PENALTY)),
    Mistake("intercept_missing", _fitted(mean=_no_mean)),
    Mistake("intercept_missing", _fitted(mean=_no_mean, penalty=0)),
    Mistake("mean_without_weights", _fitted(mean=_plain_mean)),
    Mistake("mean_without_weights", _fitted(mean=_plain_mean, of_outputs=_weighted_mean)),
    Mistake("penalty_missing", _fitted(penalty=0)),
]


@question("ex10.fit_linear")
def ask_fit_linear(ask: Ask) -> Credit:
    """Ajuste des réponses qui ne sont pas tout à fait une somme."""

    def draw(power):
        visible = ask.rng.random((NUM_FITTED, 6)) < 0.5
        noise = ask.rng.normal(0, 0.1, NUM_FITTED)
        outputs = 0.6 + visible @ ask.rng.normal(0, 0.3, 6) + noise
        return (visible, outputs, ask.rng.random(NUM_FITTED) ** power), {}

    calls = [draw(power) for power in (0, 0, 2, 2, 2, 2)]
    calls[-1][0][0][:, 2] = True  # un morceau jamais caché : la pénalité seule tranche
    return ask.judge(
        "fit_linear",
        [("1/2", calls[:2]), ("3/4", calls[2:-1]), ("1", calls[-1:])],
        OURS.fit_linear,
        FITTED,
        tolerance=1e-5,
    )


# --- Le tout -------------------------------------------------------------------------


def _with_whole_mean(image: np.ndarray) -> np.ndarray:
    """Ôte un niveau à quelques pixels : arrondie ou coupée, la couleur moyenne est la même."""
    values = image.reshape(-1, 3).astype(int)
    values -= np.arange(len(values))[:, np.newaxis] < values.sum(0) % len(values)
    return values.astype(np.uint8).reshape(image.shape)


def _expected(ask: Ask, model, image, segments) -> tuple[list[np.ndarray], np.ndarray]:
    """Ajuste les réponses à des variantes.

    Returns:
        Les coefficients de chaque classe, puis ceux de `CLASS` si toutes les variantes pesaient
        autant.
    """
    visible = ask.rng.random((2 * MANY, int(segments.max()) + 1)) < 0.5
    outputs = probabilities(model, OURS.variants(image, segments, visible))
    weights = _weight(visible.mean(1))
    right = [OURS.fit_linear(visible, each, weights) for each in outputs.T]
    return right, OURS.fit_linear(visible, outputs[:, CLASS], np.ones_like(weights))


def _read_pair(answer: failures.Answer, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rend les coefficients et les morceaux d'une réponse.

    Raises:
        failures.Failure: elle n'en a pas, ils sont échangés, ou ils ne vont pas ensemble.
    """
    pair = answer.value if isinstance(answer.value, tuple | list) else ()
    coefficients, segments = (
        numbers(answer._replace(value=each)) for each in (*pair, None, None)[:2]
    )
    if (coefficients.ndim, segments.ndim) == (2, 1):
        raise failures.Failure("parts_exchanged")
    count = int(segments.max(initial=0)) + 1
    if (segments.shape, coefficients.shape) != (image.shape[:2], (count,)) or segments.min() < 0:
        raise failures.Failure("wrong_shape")
    return coefficients, segments.astype(int)


# --- Le poids d'une variante, d'après la part qui en est visible ---------------------


def _weight(share):
    """Rend celui de la docstring."""
    return np.exp(-(((1 - np.sqrt(share)) / 0.25) ** 2))


def _without_root(share):
    return np.exp(-(((1 - share) / 0.25) ** 2))


def _of_nearness(share):
    """Prend la racine pour la distance."""
    return np.exp(-((np.sqrt(share) / 0.25) ** 2))


def _not_squared(share):
    return np.exp(-(1 - np.sqrt(share)) / 0.25)


def _width_not_squared(share):
    return np.exp(-((1 - np.sqrt(share)) ** 2) / 0.25)


def _halved(share):
    return np.sqrt(_weight(share))


def _growing(share):
    return 1 / _weight(share)


KERNELS = {
    "wrong_weights": _weight,  # il est bon : c'est la part des morceaux visibles qui ne l'est pas
    "weights_ignored": np.ones_like,
    "distance_without_root": _without_root,
    "nearness_for_distance": _of_nearness,
    "kernel_not_squared": _not_squared,
    "width_not_squared": _width_not_squared,
    "kernel_halved": _halved,
    "weights_growing": _growing,
}


class _Pair(NamedTuple):
    """Ce que disent les coefficients de deux variantes, dont l'une est l'image entière."""

    has_whole: bool
    gap: float = 0.0  # ce que l'autre change à la réponse
    share: float = 1.0  # la part qui en est visible
    product: float = 0.5  # de leurs poids, divisé par leur somme


def _read_two(answer: failures.Answer, model, image: np.ndarray) -> _Pair:
    """Retrouve, de deux variantes, ce qui en est caché et ce qu'elles pèsent.

    Un morceau visible dans les deux a un coefficient nul. Les autres ont tous le même, c, au signe
    près : s'il change de signe, aucune des deux n'est l'image entière. Sinon, h étant leur nombre,
    y l'écart des réponses et q le produit des poids divisé par leur somme, la régression donne
    c = y·q / (q·h + pénalité) : q s'en déduit.

    Raises:
        failures.Failure: la réponse n'a pas de coefficients.
    """
    coefficients, segments = _read_pair(answer, image)
    top = abs(coefficients).max()
    hidden = abs(coefficients) > NEGLIGIBLE * top
    if not hidden.any() or np.ptp(coefficients[hidden]) > NEGLIGIBLE * top:
        return _Pair(not hidden.any())
    shown = OURS.variants(image, segments, np.stack([hidden | True, ~hidden]))
    whole, other = probabilities(model, shown)[:, CLASS]
    mean, gap = coefficients[hidden].mean(), whole - other
    product = PENALTY * mean / (gap - mean * hidden.sum())
    return _Pair(True, abs(gap), 1 - hidden.mean(), product)


def _product(kernel, share: float) -> float:
    """Rend le produit des poids de l'image entière et d'une variante, divisé par leur somme."""
    whole, other = kernel(np.array([1.0, share]))
    return whole * other / (whole + other)


def _credit_few(answers: Sequence[failures.Answer], model, image: np.ndarray) -> Credit:
    """Juge les réponses à une variante, puis à deux : le hasard n'y change presque rien.

    Returns:
        Un crédit ; entier, il dit en quoi le poids serait faux, s'il l'était.
    """
    if any(each.error for each in answers):
        return credit("3/4", "few_variants_refused")
    (coefficients, _), *_ = (_read_pair(each, image) for each in answers)
    if abs(coefficients).max() > NEGLIGIBLE:
        return credit("3/4", "one_variant_too_many")
    pairs = [_read_two(each, model, image) for each in answers[1:]]
    if not all(each.has_whole for each in pairs):
        return credit("3/4", "whole_image_missing")
    best = max(pairs, key=attrgetter("gap"))
    known = [
        reason
        for reason, kernel in KERNELS.items()
        if np.isclose(best.product, _product(kernel, best.share), rtol=0.005, atol=0)
    ]
    return Credit(Fraction(1), [*known, "wrong_weights"][0])


def _fits_few(ask: Ask) -> bool:
    """Dit si la régression du rendu est la bonne pour une variante, puis pour deux.

    Sinon, ses coefficients ne disent rien de ces variantes.
    """
    visible = np.array([[True] * 5, [True, False, True, False, False]])
    outputs, weights = np.array([0.7, 0.4]), np.array([1.0, 0.3])
    calls = [((visible[:num], outputs[:num], weights[:num]), {}) for num in (1, 2)]
    try:
        answers = ask.calls("fit_linear", calls)
    except failures.Failure:
        return False
    return all(
        not answer.error and same(answer.value, OURS.fit_linear(*call))
        for answer, (call, _) in zip(answers, calls, strict=True)
    )


@question("ex10.lime_coefficients")
def ask_lime_coefficients(ask: Ask) -> Credit:
    """Explique un réseau qui est une somme, puis un réseau qui change loin de l'image."""
    image = _with_whole_mean(_two_colors(ask.rng, 12, 20)[0])
    kernel = ask.rng.normal(0, 1 / np.sqrt(image.size), (*image.shape, NUM_CLASSES))
    plain = _sum_of(image, kernel)
    away = image - image.mean((0, 1))
    slope = 20 * 255 * away / (away**2).sum()  # le score monte de 20, du fond à l'image
    bent = linear(image, slope[..., None] * np.eye(NUM_CLASSES)[CLASS])
    calls = [
        ((model, image, CLASS), {"num_samples": num, "num_segments": pieces, "seed": seed})
        for model, num, pieces, seed in (
            *((plain, MANY, 6, 5), (bent, MANY, 6, 5)),
            *((bent, FEW, 6, 5), (bent, FEW, 6, 5), (bent, FEW, 6, 6)),
            *((plain, 1, 40, 5), (plain, 2, 40, 5), (plain, 2, 40, 6), (plain, 2, 40, 7)),
            (plain, MANY, 6, -1),
        )
    ]
    *answers, refused = ask.calls("lime_coefficients", calls)
    pairs = [_read_pair(each, image) for each in answers[:5]]
    (first, segments), (second, others), (few, _), (again, _), (seeded, _) = pairs
    (own,) = ask.calls("segment", [((image,), {"num_segments": 6})])
    finer = segments.max() > 2 * (numbers(own, image.shape[:2]).max() + 1)
    every, _ = _expected(ask, plain, image, segments)
    right = every.pop(CLASS)
    near, flat = _expected(ask, bent, image, others)
    near = near[CLASS]

    def close(found, expected, scale):
        return abs(found - expected).max() < scale

    # L'écart que laisse le hasard, au plus : un trentième, puis un tiers.
    small, wide = abs(right).max() / 30, abs(near - flat).max() / 3
    of_others = any(close(first, each, small) for each in every)
    found = first_fault(
        ("1/4", "coefficients_negated", close(first, -right, small)),
        ("1/4", "wrong_class", of_others),
        ("1/4", "wrong_values", not close(first, right, small)),
        ("1/4", "num_segments_ignored", finer),
        ("1/2", "num_samples_ignored", same(few, second)),
        ("1/2", "seed_ignored", not same(few, again)),
        ("1/2", "seed_without_effect", same(few, seeded)),
        ("1/2", "no_error", not refused.error),
    )
    if found.reason:
        return found
    few_drawn = credit(1, "weights_ignored" if close(second, flat, wide) else "wrong_weights")
    if _fits_few(ask):
        few_drawn = _credit_few(answers[5:], plain, image)
    if few_drawn.level < 1:
        return few_drawn
    return first_fault(("3/4", few_drawn.reason, not close(second, near, wide)))


@question("ex10.lime")
def ask_lime(ask: Ask) -> Credit:
    """Compare la carte bornée du rendu à ses propres gains ; le dernier réseau ne dit rien.

    Le deuxième réseau est l'opposé du premier : dans l'une des deux cartes, le plus fort des gains
    est négatif.
    """
    image, _ = _two_colors(ask.rng, 12, 20)
    kernel = ask.rng.normal(0, 1 / np.sqrt(image.size), (*image.shape, NUM_CLASSES))
    calls = [((_sum_of(image, sign * kernel), image, CLASS), OPTIONS.copy()) for sign in (1, -1, 0)]
    found = ask_bounded(ask, "lime", "gains", calls)
    if found.reason == "negatives_kept":
        return found._replace(reason="map_not_clipped", level=Fraction(1, 2))
    if found.reason not in VAGUE:
        return found
    return found._replace(reason=_reason_of_map(ask, found, calls[:-1]))


OPTIONS = {"num_samples": 60, "num_segments": 30, "seed": 3}  # de `lime`


def _sum_of(image: np.ndarray, kernel: np.ndarray):
    """Fait un réseau dont les réponses sont une somme, et ne changent pas de cette image."""
    return linear(image, kernel, scores=0.5, softmax=False)


def _reason_of_map(ask: Ask, found: Credit, calls: Sequence[tuple]) -> str:
    """Nomme ce qui ne va pas d'une carte que rien n'explique encore."""
    if found.level == Fraction(1, 2):  # les cartes qui ont du positif sont bonnes
        return "map_not_empty"
    values = as_floats(found.wrong.answer.value)
    if values is not None and values.ndim == 1:
        return "coefficients_for_map"
    if values is not None and values.any() and (values <= 0).all():
        return "map_of_negatives"
    given = [as_floats(each.value) for each in ask.calls("lime", calls)]
    for number in range(NUM_CLASSES):
        others = [((model, image, number), named) for (model, image, _), named in calls]
        maps = [numbers(each) for each in ask.calls("gains", others)]
        if all(same(*pair, tolerance=1e-4) for pair in zip(given, map(clipped, maps), strict=True)):
            return "wrong_class"
    return found.reason
