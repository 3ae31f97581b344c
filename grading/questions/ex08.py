"""Exercice 08 : dériver un score par rapport à l'image, puis moyenner, puis partager."""

from functools import partial

import numpy as np
from scipy.special import softmax

from grading.questions import (
    REFUSED,
    RIGHT,
    TOLERANCE,
    VAGUE,
    Ask,
    Credit,
    Mistake,
    as_floats,
    at_call,
    compared,
    credit,
    first_fault,
    judge,
    numbers,
    pixels,
    question,
    same,
    seen,
    shown_as,
)
from grading.questions.heatmaps import (
    CLASS,
    NUM_CLASSES,
    ask_bounded,
    backward,
    clipped,
    forward,
    network,
)

SHAPE = (7, 9, 3)
MANY, NOISE = 400, 0.5  # copies de SmoothGrad, pour que le hasard du rendu compte peu
FEW = {"num_samples": 3, "noise": NOISE, "seed": 7}
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


def _of_absolute_values(model, class_index, batches) -> np.ndarray:
    return np.abs(backward(model, np.concatenate(batches), class_index)).mean(0)


def _of_divided_images(model, class_index, batches, *, by=1) -> np.ndarray:
    """Divise les images par 255 avant le réseau, qui attend des niveaux de 0 à 255."""
    return backward(model, np.concatenate(batches) / 255, class_index).mean(0) / by


MEANS = [
    Mistake("probability_derived", _of_probability),
    Mistake("absolute_value", _of_absolute_values),
    Mistake("scaled_in_evaluate", _of_divided_images),
    Mistake("scaled_in_evaluate", partial(_of_divided_images, by=255)),
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
        Mistake("divided_by_maximum", _over_its_maximum),
    ]
    mistakes += [
        Mistake("colors_averaged", lambda g: g.sum(axis=2)),
        Mistake("colors_averaged", lambda g: abs(g.sum(axis=2))),
        Mistake("colors_not_last", lambda g: abs(g).max(axis=0)),
        Mistake("colors_not_last", lambda g: abs(g).max(axis=1)),
    ]
    found = judge(answers, groups, _strongest_color, mistakes, tolerance=TOLERANCE)
    return shown_as(found, "sensitivity", groups[0][1], calls)


def _strongest_color(gradient):
    return abs(gradient).max(axis=2)


def _over_its_maximum(gradient):
    """Ramène la carte à [0, 1], où les réponses comparées sont multipliées par 255."""
    found = _strongest_color(gradient)
    return 255 * found / found.max()


# --- SmoothGrad ----------------------------------------------------------------------


@question("ex08.smooth_sensitivity")
def ask_smooth(ask: Ask) -> Credit:
    """Compare une moyenne de nombreuses copies à celles que donneraient d'autres façons."""
    model = network(ask.rng, SHAPE, bend=3)  # dont le gradient change de signe avec le bruit
    image = np.clip(pixels(ask.rng, *SHAPE), 40, 200)  # l'étendue n'est pas 255
    unit = ask.rng.normal(0, NOISE, (2000, *SHAPE))
    many = {**FEW, "num_samples": MANY}
    calls = [((model, image, CLASS), each) for each in (many, FEW, FEW, {**FEW, "seed": 8})]
    answers = ask.calls("smooth_sensitivity", calls)
    found, *few = (_enlarged(numbers(each, SHAPE[:2])) for each in answers)
    away = partial(_away, model, found)
    copies = image + np.ptp(image) * unit
    right, absolute = away(copies), away(copies, absolute=True)
    wide, cut = away(image + 255 * unit), away(copies.astype(np.int64).astype(np.uint8))
    is_still = away(image[np.newaxis]) < 0.01
    is_plain = is_still and _away(model, few[0], image[np.newaxis]) < TOLERANCE
    fault = first_fault(
        ("1/4", "absolute_before_mean", absolute < min(right, 0.4)),
        ("1/4", "no_noise", is_plain),
        ("1/4", "almost_no_noise", is_still),
        ("1/4", "one_noisy_copy", same(found, few[0]) and right > 0.6),
        ("1/4", "samples_ignored", same(found, few[0])),
        ("1/4", "noise_of_every_level", right > 0.25 > wide),
        ("1/4", "copies_of_bytes", right > 0.25 > cut),
        ("1/4", "wrong_values", right > 0.25),
    )
    fault = fault if fault.reason else _spread_fault(ask, model, unit)
    if fault.reason:
        return _shown(fault, calls[0], answers[0])
    for reason, number, wrong in (
        ("noise_ignores_seed", 2, not same(*few[:2])),
        ("seed_without_effect", 3, same(few[0], few[2])),
    ):
        if wrong:
            return _shown(credit("1/2", reason), calls[number], answers[number])
    return _options_fault(ask, model, image)


def _spread_fault(ask: Ask, model, unit: np.ndarray) -> Credit:
    """Juge l'écart-type sur une image pâle, où un bruit juste sort peu de 0 à 255.

    Sur une autre, des copies trop bruitées, puis coupées, passeraient pour les bonnes.
    """
    pale = np.clip(pixels(ask.rng, *SHAPE), 80, 180)
    calls = [((model, pale, CLASS), {**FEW, "num_samples": MANY})]
    found = _enlarged(numbers(ask.calls("smooth_sensitivity", calls)[0], SHAPE[:2]))
    copies = pale + 255 * unit
    right = _away(model, found, pale + np.ptp(pale) * unit)
    wide = min(_away(model, found, each) for each in (copies, np.clip(copies, 0, 255)))
    return first_fault(("1/4", "noise_of_every_level", right > 0.25 > wide))


def _options_fault(ask: Ask, model, image: np.ndarray) -> Credit:
    """Juge le nombre exact de copies, puis les options impossibles."""
    # Deux nombres voisins, entre lesquels ne passe presque aucune taille de lots.
    options = [{**FEW, "num_samples": 21}, {**FEW, "num_samples": 22}]
    options += [{**FEW, "noise": 1.5}, {**FEW, "seed": -1}]
    calls = [((model, image, CLASS), each) for each in options]
    answers = ask.calls("smooth_sensitivity", calls)
    if same(*(_enlarged(numbers(each, SHAPE[:2])) for each in answers[:2])):
        return _shown(credit("1/2", "samples_rounded"), calls[1], answers[1])
    for call, answer in zip(calls[2:], answers[2:], strict=True):
        if not answer.error:
            fault = credit("3/4", "no_error")
            return at_call(fault, "smooth_sensitivity", call, answer, REFUSED)
    return RIGHT


def _shown(fault: Credit, call: tuple, answer) -> Credit:
    """Note dans un crédit un appel de `smooth_sensitivity`, dont la réponse est une carte."""
    form = np.zeros(SHAPE[:2], np.float32)  # de quoi dire sa forme
    return at_call(fault, "smooth_sensitivity", call, answer, form)


def _away(model, found: np.ndarray, copies: np.ndarray, *, absolute: bool = False) -> float:
    """Rend l'écart d'une carte à ce que donneraient ces copies, en part de ce qu'elles donneraient.

    `absolute` : les valeurs absolues sont prises avant la moyenne.
    """
    gradients = 255 * backward(model, copies, CLASS)
    mean = abs(gradients).mean(0) if absolute else gradients.mean(0)
    expected = _strongest_color(mean)
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))


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
    """Compare la carte bornée du rendu à ses propres parts ; le dernier réseau ne dit rien.

    La deuxième carte est l'opposée de la première : du côté négatif, l'une des deux a son plus
    grand nombre en valeur absolue.
    """
    image, models = pixels(ask.rng, *SHAPE), [network(ask.rng, SHAPE) for _ in range(3)]
    models[1].options.update(models[0].options)
    kernels = models[0].options["kernels"]
    models[1].options["kernels"] = [*kernels[:-1], -kernels[-1]]
    models[-1].options["kernels"][-1][:] = 0
    calls = [((model, image, CLASS), {"steps": 5}) for model in models]
    found = ask_bounded(ask, "integrated_gradients", "shares", calls)
    if found.reason in VAGUE and _is_clipped_by_color(ask, calls):
        found = found._replace(reason="clipped_by_color", detail="")
    return found


def _is_clipped_by_color(ask: Ask, calls: list) -> bool:
    """Dit si le négatif de chaque couleur est mis à zéro avant leur somme."""
    parts = [as_floats(each.value) for each in ask.calls("attributions", calls[:-1])]
    answers = ask.calls("integrated_gradients", calls[:-1])
    return all(
        np.shape(part) == SHAPE
        and same(answer.value, clipped(np.maximum(part, 0).sum(2)), tolerance=TOLERANCE)
        for part, answer in zip(parts, answers, strict=True)
    )
