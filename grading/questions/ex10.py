"""Exercice 10 : découper l'image, cacher des morceaux, ajuster un modèle linéaire local."""

from operator import attrgetter

import numpy as np
from scipy import ndimage

from grading import sealed
from grading.asking import failures
from grading.questions import Ask, Credit, Mistake, first_fault, numbers, question, same
from grading.questions.heatmaps import (
    CLASS,
    NUM_CLASSES,
    ask_bounded,
    glance,
    linear,
    probabilities,
)

OURS = sealed.module("ex10_lime")
MANY = 8000  # variantes, pour que le hasard du rendu ne compte plus
FEW = 40  # pour qu'il compte


# --- Découper ------------------------------------------------------------------------


def _two_colors(rng, height=24, width=30) -> tuple[np.ndarray, np.ndarray]:
    """Tire une image de deux couleurs, dont la frontière n'est pas celle d'une grille."""
    side = np.zeros((height, width), bool)
    side[:, int(rng.choice([12, 13, 17, 18])) :] = True
    side[7 : int(rng.integers(16, 18)), 5 : int(rng.integers(22, 24))] ^= True
    image = np.where(side[..., None], [210, 180, 90], [30, 50, 110])
    return (image + rng.integers(-8, 9, image.shape)).astype(np.uint8), side


@question("ex10.segment")
def ask_segment(ask: Ask) -> Credit:
    """Fait découper des images de deux couleurs, et regarde ce qu'un morceau contient."""
    images, sides = zip(*(_two_colors(ask.rng) for _ in range(2)), strict=True)
    calls = [((image,), {"num_segments": 30}) for image in images]
    *answers, finer = ask.calls("segment", [*calls, ((images[0],), {"num_segments": 120})])
    found = min(map(_credit_segments, answers, sides), key=attrgetter("level"))
    labels = [numbers(each, sides[0].shape) for each in (answers[0], finer)]
    ignored = first_fault(("1/4", "num_segments_ignored", same(*labels)))
    return min(found, ignored, key=attrgetter("level"))


def _credit_segments(answer: failures.Answer, side: np.ndarray, num: int = 30) -> Credit:
    labels = numbers(answer, side.shape)
    pieces = np.unique(labels)
    masks = [labels == each for each in pieces]
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
        ("3/4", "piece_in_parts", any(ndimage.label(m, np.ones((3, 3)))[1] > 1 for m in masks)),
    )


# --- Cacher, ajuster -----------------------------------------------------------------


def _hidden_in_mean_grey(image, segments, visible) -> np.ndarray:
    """Cache sous la moyenne des trois couleurs mêlées."""
    return np.where(visible[:, segments, None], image, np.rint(image.mean()))


def _hidden_in_own_color(image, segments, visible) -> np.ndarray:
    """Cache chaque morceau sous sa propre couleur moyenne."""
    colors = [image[segments == each].mean(0) for each in range(segments.max() + 1)]
    return np.where(visible[:, segments, None], image, np.rint(colors)[segments])


@question("ex10.variants")
def ask_variants(ask: Ask) -> Credit:
    """Cache des morceaux d'un découpage donné, de tailles différentes."""
    image = (ask.rng.integers(0, 256, (9, 13, 3)) * [1, 0.7, 0.4]).astype(np.uint8)
    segments = np.tile(np.repeat(np.arange(5), [2, 1, 4, 4, 2]), (9, 1))
    some = ask.rng.random((12, 5)) < 0.5
    whole, hidden = (((image, segments, each), {}) for each in (np.ones((1, 5), bool), some))

    return ask.judge(
        "variants",
        [("1/4", [whole]), ("1", [hidden])],
        OURS.variants,
        [
            Mistake("hidden_in_own_color", _hidden_in_own_color, "1/2"),
            Mistake(
                "visible_for_hidden", lambda i, s, visible: OURS.variants(i, s, ~visible), "1/2"
            ),
            Mistake(
                "hidden_in_black", lambda i, s, visible: np.where(visible[:, s, None], i, 0), "1/2"
            ),
            Mistake(
                "hidden_in_grey", lambda i, s, visible: np.where(visible[:, s, None], i, 128), "3/4"
            ),
            Mistake("hidden_in_grey", _hidden_in_mean_grey, "3/4"),
        ],
        tolerance=0.01,  # arrondie ou coupée, la couleur moyenne convient
    )


PENALTY = 0.01  # celle de l'énoncé


def _weighted_mean(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Rend la moyenne qui élimine la constante du modèle."""
    return np.average(values, axis=0, weights=weights)


def _plain_mean(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return values.mean(0)


def _no_mean(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return np.zeros(values.shape[1:])


def _fitted(*, mean=_weighted_mean, penalty=PENALTY, power=1):
    """Rend `fit_linear` avec, au choix, une erreur ; les poids sont élevés à `power`."""

    def fit_linear(visible, outputs, weights):
        weights = weights**power
        v, y = visible - mean(visible.astype(float), weights), outputs - mean(outputs, weights)
        square = v.T @ (weights[:, None] * v) + penalty * np.eye(v.shape[1])
        return np.linalg.pinv(square) @ v.T @ (weights * y)

    return fit_linear


def _with_intercept_penalised(visible, outputs, weights) -> np.ndarray:
    """Ajoute une colonne de uns, et la pénalise comme les autres."""
    v = np.column_stack([visible, np.ones(len(visible))]).astype(float)
    square = (v.T * weights) @ v + PENALTY * np.eye(v.shape[1])
    return np.linalg.solve(square, (v.T * weights) @ outputs)[:-1]


FITTED = [
    Mistake("intercept_penalised", _with_intercept_penalised),
    Mistake("weights_ignored", _fitted(power=0)),
    Mistake("weights_squared", _fitted(power=2)),
    Mistake("intercept_missing", _fitted(mean=_no_mean)),
    Mistake("intercept_missing", _fitted(mean=_no_mean, penalty=0)),
    Mistake("mean_without_weights", _fitted(mean=_plain_mean)),
    Mistake("penalty_missing", _fitted(penalty=0)),
]


@question("ex10.fit_linear")
def ask_fit_linear(ask: Ask) -> Credit:
    """Ajuste des réponses qui ne sont pas tout à fait une somme."""

    def draw(power):
        visible = ask.rng.random((40, 6)) < 0.5
        outputs = 0.6 + visible @ ask.rng.normal(0, 0.3, 6) + ask.rng.normal(0, 0.1, 40)
        return (visible, outputs, ask.rng.random(40) ** power), {}

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


def _expected(ask: Ask, model, image, segments) -> list[np.ndarray]:
    """Ajuste les réponses à des variantes, pondérées comme il faut, puis aussi lourdes."""
    visible = ask.rng.random((2 * MANY, int(segments.max()) + 1)) < 0.5
    outputs = probabilities(model, OURS.variants(image, segments, visible))[:, CLASS]
    weights = np.exp(-(((1 - np.sqrt(visible.mean(1))) / 0.25) ** 2))  # ceux de la docstring
    return [OURS.fit_linear(visible, outputs, each) for each in (weights, np.ones_like(weights))]


def _read_pair(answer: failures.Answer, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rend les coefficients et les morceaux d'une réponse.

    Raises:
        failures.Failure: elle n'en a pas, ou ils ne vont pas ensemble.
    """
    pair = answer.value if isinstance(answer.value, tuple | list) else ()
    coefficients, segments = (
        numbers(answer._replace(value=each)) for each in (*pair, None, None)[:2]
    )
    count = int(segments.max(initial=0)) + 1
    if (segments.shape, coefficients.shape) != (image.shape[:2], (count,)) or segments.min() < 0:
        raise failures.Failure("wrong_shape")
    return coefficients, segments.astype(int)


@question("ex10.lime_coefficients")
def ask_lime_coefficients(ask: Ask) -> Credit:
    """Explique un réseau qui est une somme, puis un réseau qui change loin de l'image."""
    image = _with_whole_mean(_two_colors(ask.rng, 12, 20)[0])
    kernel = ask.rng.normal(0, 1 / np.sqrt(image.size), (*image.shape, NUM_CLASSES))
    plain = linear(image, kernel, scores=0.5, softmax=False)
    away = image - image.mean((0, 1))
    slope = 20 * 255 * away / (away**2).sum()  # le score monte de 20, du fond à l'image
    bent = linear(image, slope[..., None] * np.eye(NUM_CLASSES)[CLASS])
    calls = [
        ((model, image, CLASS), {"num_samples": num, "num_segments": 6, "seed": seed})
        for model, num, seed in (
            *((plain, MANY, 5), (bent, MANY, 5), (bent, FEW, 5), (bent, FEW, 6)),
            (plain, MANY, -1),
        )
    ]
    *answers, refused = ask.calls("lime_coefficients", calls)
    pairs = [_read_pair(each, image) for each in answers]
    (first, segments), (second, others), (few, _), (seeded, _) = pairs
    (own,) = ask.calls("segment", [((image,), {"num_segments": 6})])
    finer = segments.max() > 2 * (numbers(own, image.shape[:2]).max() + 1)
    right, _ = _expected(ask, plain, image, segments)
    near, flat = _expected(ask, bent, image, others)

    def close(found, expected, scale):
        return abs(found - expected).max() < scale

    # L'écart que laisse le hasard, au plus : un trentième, puis un tiers.
    small, wide = abs(right).max() / 30, abs(near - flat).max() / 3
    return first_fault(
        ("1/4", "visible_for_hidden", close(first, -right, small)),
        ("1/4", "wrong_values", not close(first, right, small)),
        ("1/4", "num_segments_ignored", finer),
        ("1/2", "num_samples_ignored", same(few, second)),
        ("1/2", "seed_without_effect", same(few, seeded)),
        ("1/2", "no_error", not refused.error),
        ("3/4", "weights_ignored", close(second, flat, wide)),
        ("3/4", "wrong_weights", not close(second, near, wide)),
    )


@question("ex10.lime")
def ask_lime(ask: Ask) -> Credit:
    """Compare la carte bornée du rendu à ses propres gains ; le dernier réseau ne dit rien."""
    image, _ = _two_colors(ask.rng, 12, 20)
    mute = linear(image, np.zeros((*image.shape, NUM_CLASSES)))
    calls = [
        ((model, image, CLASS), {"num_samples": 60, "num_segments": 12, "seed": 3})
        for model in (glance(ask.rng, image), glance(ask.rng, image), mute)
    ]
    return ask_bounded(ask, "lime", "gains", calls)
