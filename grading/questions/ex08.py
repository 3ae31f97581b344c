"""Exercice 08 : dériver un score par rapport à l'image, puis moyenner, puis partager."""

from functools import partial

import numpy as np

from grading import messages
from grading.questions import (
    RIGHT,
    Ask,
    Credit,
    Mistake,
    as_floats,
    credit,
    judge,
    numbers,
    question,
    same,
)
from grading.questions.heatmaps import (
    CLASS,
    SEEDS,
    ask_bounded,
    backward,
    enlarged,
    network,
    score_seeds,
)

SHAPE = (7, 9, 3)
TOLERANCE = 1e-4  # le réseau calcule en float32
MANY, NOISE = 300, 0.5  # copies de SmoothGrad, pour que le hasard du rendu compte peu
FINE = 100  # points d'une intégrale où la règle choisie ne compte plus
REFERENCES = {"black": 0.0, "grey": 128.0}  # que dit la docstring


def _image(rng, shape=SHAPE) -> np.ndarray:
    return rng.integers(0, 256, shape).astype(np.uint8)


def _gradients(model, images, class_index, *, seeds=score_seeds) -> np.ndarray:
    """Rend le gradient de chaque image, pour 255 niveaux."""
    images = np.asarray(images, float)
    return 255 * backward(model, images, seeds(model, images, class_index))["image"]


# --- Le gradient ---------------------------------------------------------------------


def _mean_gradient(model, class_index, batches, *, gather=np.mean, **options):
    return gather(_gradients(model, np.concatenate(batches), class_index, **options), axis=0)


@question("ex08.mean_gradient")
def ask_mean_gradient(ask: Ask) -> Credit:
    """Dérive une image seule, puis des lots de tailles inégales."""
    model = network(ask.rng, SHAPE)
    lots = [[_image(ask.rng, (size, *SHAPE)).astype(np.float32) for size in (3, 1, 2)]]
    lots = [[_image(ask.rng)[None].astype(np.float32)] for _ in range(2)] + lots
    calls = [((model, CLASS, batches), {}) for batches in lots]
    mistakes = [
        *(Mistake(each, partial(_mean_gradient, seeds=SEEDS[each]), "1/4") for each in SEEDS),
        Mistake("wrong_class", lambda m, k, b: _mean_gradient(m, 0, b), "1/4"),
        Mistake("sum_for_mean_of_images", partial(_mean_gradient, gather=np.sum), "1/2"),
    ]
    answers = enlarged(ask.calls("mean_gradient", calls), 255)
    groups = [("1/2", calls[:2]), ("1", calls[2:])]
    return judge(answers, groups, _mean_gradient, mistakes, tolerance=TOLERANCE)


@question("ex08.sensitivity")
def ask_sensitivity(ask: Ask) -> Credit:
    """Résume les trois couleurs d'un gradient : le vrai, ou celui du rendu."""
    calls = [((network(ask.rng, SHAPE), _image(ask.rng), CLASS), {}) for _ in range(2)]
    answers = enlarged(ask.calls("sensitivity", calls), 255)
    named = [((model, k, [image[None].astype(np.float32)]), {}) for (model, image, k), _ in calls]
    own = [as_floats(each.value) for each in enlarged(ask.calls("mean_gradient", named), 255)]
    found = _credit_colors(answers, [_mean_gradient(*given) for given, _ in named])
    if all(each is not None and each.shape == SHAPE for each in own):
        found = max(found, _credit_colors(answers, own), key=lambda each: each.level)
    return found


def _credit_colors(answers, gradients) -> Credit:
    calls = [((each,), {}) for each in gradients]
    mistakes = [
        Mistake("sign_before_maximum", lambda g: g.max(axis=2), "1/2"),
        Mistake("sign_before_maximum", lambda g: abs(g.max(axis=2)), "1/2"),
        Mistake("colors_averaged", lambda g: abs(g).mean(axis=2), "1/2"),
        Mistake("colors_averaged", lambda g: abs(g).sum(axis=2), "1/2"),
    ]
    return judge(
        answers, [("1", calls)], lambda g: abs(g).max(axis=2), mistakes, tolerance=TOLERANCE
    )


# --- SmoothGrad ----------------------------------------------------------------------


@question("ex08.smooth_sensitivity")
def ask_smooth(ask: Ask) -> Credit:
    """Compare une moyenne de nombreuses copies à celles que donneraient d'autres façons."""
    rng = ask.rng
    image = np.clip(_image(rng), 40, 200)  # l'étendue n'est pas 255
    model = _bent_network(rng, image)
    options = {"num_samples": MANY, "noise": NOISE, "seed": int(rng.integers(1000))}
    short = {**options, "num_samples": 3}
    every = [options, short, short, {**short, "noise": 1.5}, {**short, "seed": -1}]
    calls = [((model, image, CLASS), each) for each in every]
    answers = enlarged(ask.calls("smooth_sensitivity", calls), 255)
    found, *twice = (numbers(answer, SHAPE[:2]) for answer in answers[:3])
    copies = _copies(rng, image, 2000)
    gradients = {None: _gradients(model, copies, CLASS)}
    gradients |= {name: _gradients(model, copies, CLASS, seeds=SEEDS[name]) for name in SEEDS}
    gradients["noise_missing"] = _gradients(model, image[None], CLASS)
    maps = {name: abs(each.mean(0)).max(axis=2) for name, each in gradients.items()}
    maps["absolute_before_mean"] = abs(gradients[None]).mean(0).max(axis=2)
    away = {name: _distance(found, each) for name, each in maps.items()}
    nearest = min(away, key=away.get)
    if nearest or away[None] > 0.25:
        return credit("1/4", nearest if away[nearest] < 0.25 else "wrong_values")
    if not same(*twice):
        return credit("1/2", "noise_ignores_seed")
    return RIGHT if all(answer.error for answer in answers[3:]) else credit("3/4", "no_error")


def _copies(rng, image, num) -> np.ndarray:
    return image + rng.normal(0, NOISE * np.ptp(image), (num, *SHAPE))


def _bent_network(rng, image) -> messages.Ingredient:
    """Choisit, de dix réseaux, celui dont le gradient change le plus de signe avec le bruit."""

    def changes(model) -> float:
        gradients = _gradients(model, _copies(rng, image, 200), CLASS)
        return _distance(abs(gradients).mean(0), abs(gradients.mean(0)))

    return max((network(rng, SHAPE, bend=1.5) for _ in range(10)), key=changes)


def _distance(found, expected) -> float:
    """Rend l'écart relatif de deux cartes."""
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))


# --- Gradients intégrés --------------------------------------------------------------


def _attributions(model, image, class_index, *, steps, baseline="black", factor=None, **options):
    """Partage le score ; `factor` remplace ce par quoi le gradient moyen est multiplié."""
    if baseline not in REFERENCES:
        raise ValueError
    path = image - REFERENCES[baseline]
    shares = ((np.arange(steps) + 0.5) / steps).reshape(-1, 1, 1, 1)
    gradients = _gradients(model, REFERENCES[baseline] + shares * path, class_index, **options)
    return gradients.mean(0) * (path if factor is None else factor) / 255


@question("ex08.attributions")
def ask_attributions(ask: Ask) -> Credit:
    """Partage un score depuis le noir, depuis le gris, puis en peu de points."""
    model, image, other = network(ask.rng, SHAPE), _image(ask.rng), _image(ask.rng)

    def call(each, steps, **options):
        return (model, each, CLASS), {"steps": steps, **options}

    def added(*given, steps, **options):
        return steps * _attributions(*given, steps=steps, **options)

    dark = [call(image, FINE), call(other, FINE, baseline="black")]
    grey = [call(image, FINE, baseline="grey")]
    rest = [call(image, 2), call(other, 3, baseline="grey"), call(image, 2, baseline="white")]
    mistakes = [
        *(Mistake(each, partial(_attributions, seeds=SEEDS[each]), "1/4") for each in SEEDS),
        Mistake("not_multiplied", partial(_attributions, factor=1), "1/4"),
        Mistake("sum_for_integral", added, "1/2"),
    ]
    groups = [("1/2", dark), ("3/4", grey), ("1", rest)]
    return ask.judge("attributions", groups, _attributions, mistakes, tolerance=TOLERANCE)


@question("ex08.integrated_gradients")
def ask_integrated_gradients(ask: Ask) -> Credit:
    """Compare la carte bornée du rendu à ses propres parts ; le dernier réseau ne dit rien."""
    image, models = _image(ask.rng), [network(ask.rng, SHAPE) for _ in range(3)]
    models[-1].options["kernels"][-1][:] = 0
    calls = [((model, image, CLASS), {"steps": 5}) for model in models]
    return ask_bounded(ask, "integrated_gradients", "shares", calls)
