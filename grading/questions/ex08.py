"""Exercice 08 : dériver un score par rapport à l'image, puis moyenner, puis partager."""

import numpy as np
from scipy.special import softmax

from grading.questions import (
    TOLERANCE,
    Ask,
    Credit,
    Mistake,
    as_floats,
    compared,
    first_fault,
    judge,
    numbers,
    pixels,
    question,
    same,
    seen,
)
from grading.questions.heatmaps import CLASS, NUM_CLASSES, ask_bounded, backward, forward, network

SHAPE = (7, 9, 3)
MANY, NOISE = 400, 0.5  # copies de SmoothGrad, pour que le hasard du rendu compte peu
FINE = 100  # points d'une intégrale où la règle choisie ne compte plus


def _enlarged(value) -> np.ndarray:
    """Multiplie une réponse par 255 : à un près, de petites valeurs paraîtraient nulles."""
    return 255 * as_floats(value)


# --- Le gradient ---------------------------------------------------------------------


def _mean_of_batches(model, class_index, batches) -> np.ndarray:
    """Donne à chaque lot le même poids, quelle que soit sa taille."""
    return np.mean([backward(model, batch, class_index).mean(0) for batch in batches], axis=0)


def _last_batch(model, class_index, batches) -> np.ndarray:
    return backward(model, batches[-1], class_index).mean(0)


def _first_image(model, class_index, batches) -> np.ndarray:
    return backward(model, batches[0], class_index)[0]


def _of_probability(model, class_index, batches) -> np.ndarray:
    """Dérive la probabilité, où le softmax mêle les scores des autres classes."""
    images = np.concatenate(batches)
    shares = softmax(forward(model, images)["scores"], axis=1).reshape(len(images), -1, 1, 1, 1)
    every = np.stack([backward(model, images, k) for k in range(NUM_CLASSES)], axis=1)
    return (shares[:, class_index] * (every[:, class_index] - (shares * every).sum(1))).mean(0)


MEANS = [
    Mistake("probability_derived", _of_probability),
    Mistake("batches_weigh_the_same", _mean_of_batches),
    Mistake("one_batch_only", _last_batch),
    Mistake("one_batch_only", _first_image),
]


@compared("ex08.mean_gradient", mistakes=MEANS, tolerance=TOLERANCE)
def ask_mean_gradient(ask: Ask) -> list:
    """Dérive une image seule, puis des lots de tailles inégales."""
    model = network(ask.rng, SHAPE)
    calls = [
        ((model, CLASS, [np.float32(pixels(ask.rng, size, *SHAPE)) for size in sizes]), {})
        for sizes in ((1,), (1,), (3, 1, 2))
    ]
    return [("1/2", calls[:2], _enlarged), ("1", calls[2:], _enlarged)]


@question("ex08.sensitivity")
def ask_sensitivity(ask: Ask) -> Credit:
    """Résume les trois couleurs du gradient que calcule le rendu."""
    calls = [((network(ask.rng, SHAPE), pixels(ask.rng, *SHAPE), CLASS), {}) for _ in range(2)]
    named = [((model, k, [image[None].astype(np.float32)]), {}) for (model, image, k), _ in calls]
    own = [_enlarged(numbers(each, SHAPE)) for each in ask.calls("mean_gradient", named)]
    answers = [seen(each, _enlarged) for each in ask.calls("sensitivity", calls)]
    groups = [("1", [((each,), {}) for each in own])]
    mistakes = [
        Mistake("sign_before_maximum", lambda g: g.max(axis=2), "1/2"),
        Mistake("sign_before_maximum", lambda g: abs(g.max(axis=2)), "1/2"),
        Mistake("colors_averaged", lambda g: abs(g).mean(axis=2), "1/2"),
        Mistake("colors_averaged", lambda g: abs(g).sum(axis=2), "1/2"),
        Mistake("colors_not_last", lambda g: abs(g).max(axis=0)),
        Mistake("colors_not_last", lambda g: abs(g).max(axis=1)),
    ]
    return judge(answers, groups, _strongest_color, mistakes, tolerance=TOLERANCE)


def _strongest_color(gradient):
    return abs(gradient).max(axis=2)


# --- SmoothGrad ----------------------------------------------------------------------


@question("ex08.smooth_sensitivity")
def ask_smooth(ask: Ask) -> Credit:
    """Compare une moyenne de nombreuses copies à celles que donneraient d'autres façons."""
    image = np.clip(pixels(ask.rng, *SHAPE), 40, 200)  # l'étendue n'est pas 255
    unit = ask.rng.normal(0, NOISE, (2000, *SHAPE))
    model = network(ask.rng, SHAPE, bend=3)  # dont le gradient change de signe avec le bruit
    short = {"num_samples": 3, "noise": NOISE, "seed": 7}
    every = [{**short, "num_samples": MANY}, short, short, {**short, "seed": 8}]
    every += [{**short, "noise": 1.5}, {**short, "seed": -1}]
    calls = [((model, image, CLASS), each) for each in every]
    answers = ask.calls("smooth_sensitivity", calls)
    found, *few = (_enlarged(numbers(answer, SHAPE[:2])) for answer in answers[:4])

    def away(copies, *, absolute: bool = False) -> float:
        """Rend l'écart à ce que donneraient ces copies, en part de ce qu'elles donneraient."""
        gradients = 255 * backward(model, copies, CLASS)
        mean = abs(gradients).mean(0) if absolute else gradients.mean(0)
        expected = _strongest_color(mean)
        return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))

    copies = image + np.ptp(image) * unit
    right, absolute = away(copies), away(copies, absolute=True)
    wide, cut = away(image + 255 * unit), away(copies.astype(np.int64).astype(np.uint8))
    return first_fault(
        ("1/4", "absolute_before_mean", absolute < min(right, 0.4)),
        ("1/4", "no_noise", away(image[np.newaxis]) < 0.01),
        ("1/4", "samples_ignored", same(found, few[0])),
        ("1/4", "noise_of_every_level", right > 0.25 > wide),
        ("1/4", "copies_of_bytes", right > 0.25 > cut),
        ("1/4", "wrong_values", right > 0.25),
        ("1/2", "noise_ignores_seed", not same(*few[:2])),
        ("1/2", "seed_without_effect", same(few[0], few[2])),
        ("3/4", "no_error", not all(answer.error for answer in answers[4:])),
    )


# --- Gradients intégrés --------------------------------------------------------------


BASELINES = {"black": 0, "grey": 128}  # ceux de l'énoncé


def _attributed(
    places=lambda steps: (np.arange(steps) + 0.5) / steps, *, product=None, in_bytes: bool = False
):
    """Rend `attributions`, avec une erreur au choix.

    Args:
        places: où prendre `steps` points entre la référence et l'image ; au milieu par défaut.
        product: par quoi multiplier le gradient moyen, d'après l'image ; par sa différence avec
            la référence par défaut.
        in_bytes: retrancher la référence en octets.
    """

    def attributions(model, image, class_index, *, steps, baseline="black"):
        if baseline not in BASELINES:
            raise ValueError(baseline)
        reference = np.full_like(image, BASELINES[baseline])
        path = image - (reference if in_bytes else reference.astype(float))
        points = reference + np.reshape(places(steps), (-1, 1, 1, 1)) * path
        factor = path if product is None else product(image)
        return factor * backward(model, points, class_index).mean(0)

    return attributions


SHARED = [
    Mistake("points_not_in_the_middle", _attributed(lambda n: np.linspace(0, 1, n)), "3/4"),
    Mistake("points_not_in_the_middle", _attributed(lambda n: np.arange(n) / n), "3/4"),
    Mistake("points_not_in_the_middle", _attributed(lambda n: np.arange(1, n + 1) / n), "3/4"),
    Mistake("path_not_multiplied", _attributed(product=lambda image: 1.0)),
    Mistake("image_for_path", _attributed(product=lambda image: image), "1/2"),
    Mistake("path_of_bytes", _attributed(in_bytes=True), "1/2"),
]


@compared("ex08.attributions", mistakes=SHARED, tolerance=TOLERANCE)
def ask_attributions(ask: Ask) -> list:
    """Partage un score depuis le noir, depuis le gris, puis en peu de points."""
    model, image, other = network(ask.rng, SHAPE), pixels(ask.rng, *SHAPE), pixels(ask.rng, *SHAPE)
    settings = [
        (image, {"steps": FINE}),
        (other, {"steps": FINE, "baseline": "black"}),
        (image, {"steps": FINE, "baseline": "grey"}),
        (image, {"steps": 2}),
        (other, {"steps": 3, "baseline": "grey"}),
        (image, {"steps": 2, "baseline": "white"}),
    ]
    calls = [((model, each, CLASS), options) for each, options in settings]
    return [("1/2", calls[:2]), ("3/4", calls[2:3]), ("1", calls[3:])]


@question("ex08.integrated_gradients")
def ask_integrated_gradients(ask: Ask) -> Credit:
    """Compare la carte bornée du rendu à ses propres parts ; le dernier réseau ne dit rien."""
    image, models = pixels(ask.rng, *SHAPE), [network(ask.rng, SHAPE) for _ in range(3)]
    models[-1].options["kernels"][-1][:] = 0
    calls = [((model, image, CLASS), {"steps": 5}) for model in models]
    return ask_bounded(ask, "integrated_gradients", "shares", calls)
