"""Exercice 08 : dériver un score par rapport à l'image, puis moyenner, puis partager."""

from functools import partial

import numpy as np

from grading.questions import (
    Ask,
    Credit,
    Mistake,
    as_floats,
    first_fault,
    judge,
    numbers,
    question,
    same,
)
from grading.questions.heatmaps import (
    CLASS,
    SEEDS,
    TOLERANCE,
    ask_bounded,
    backward,
    enlarged,
    network,
    score_seeds,
)

SHAPE = (7, 9, 3)
MANY, NOISE = 400, 0.5  # copies de SmoothGrad, pour que le hasard du rendu compte peu
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
    lots = [
        [_image(ask.rng, (size, *SHAPE)).astype(np.float32) for size in sizes]
        for sizes in ((1,), (1,), (3, 1, 2))
    ]
    calls = [((model, CLASS, batches), {}) for batches in lots]
    return judge(
        enlarged(ask.calls("mean_gradient", calls), 255),
        [("1/2", calls[:2]), ("1", calls[2:])],
        _mean_gradient,
        [
            *(Mistake(each, partial(_mean_gradient, seeds=SEEDS[each]), "1/4") for each in SEEDS),
            Mistake("wrong_class", lambda m, k, b: _mean_gradient(m, 0, b), "1/4"),
            Mistake("sum_for_mean_of_images", partial(_mean_gradient, gather=np.sum), "1/2"),
        ],
        tolerance=TOLERANCE,
    )


@question("ex08.sensitivity")
def ask_sensitivity(ask: Ask) -> Credit:
    """Résume les trois couleurs d'un gradient : le vrai, ou celui du rendu."""
    calls = [((network(ask.rng, SHAPE), _image(ask.rng), CLASS), {}) for _ in range(2)]
    answers = enlarged(ask.calls("sensitivity", calls), 255)
    named = [((model, k, [image[None].astype(np.float32)]), {}) for (model, image, k), _ in calls]
    found = _credit_colors(answers, [_mean_gradient(*given) for given, _ in named])
    own = [as_floats(each.value) for each in enlarged(ask.calls("mean_gradient", named), 255)]
    if np.shape(own) != (2, *SHAPE):
        return found
    return max(found, _credit_colors(answers, own), key=lambda each: each.level)


def _credit_colors(answers, gradients) -> Credit:
    return judge(
        answers,
        [("1", [((each,), {}) for each in gradients])],
        lambda g: abs(g).max(axis=2),
        [
            Mistake("sign_before_maximum", lambda g: g.max(axis=2), "1/2"),
            Mistake("sign_before_maximum", lambda g: abs(g.max(axis=2)), "1/2"),
            Mistake("colors_averaged", lambda g: abs(g).mean(axis=2), "1/2"),
            Mistake("colors_averaged", lambda g: abs(g).sum(axis=2), "1/2"),
        ],
        tolerance=TOLERANCE,
    )


# --- SmoothGrad ----------------------------------------------------------------------


@question("ex08.smooth_sensitivity")
def ask_smooth(ask: Ask) -> Credit:
    """Compare une moyenne de nombreuses copies à celles que donneraient d'autres façons."""
    image = np.clip(_image(ask.rng), 40, 200)  # l'étendue n'est pas 255
    copies = image + ask.rng.normal(0, NOISE * np.ptp(image), (2000, *SHAPE))
    model = network(ask.rng, SHAPE, bend=3)  # dont le gradient change de signe avec le bruit
    short = {"num_samples": 3, "noise": NOISE, "seed": 7}
    every = [{**short, "num_samples": MANY}, short, short, {**short, "noise": 1.5}]
    calls = [((model, image, CLASS), each) for each in (*every, {**short, "seed": -1})]
    answers = enlarged(ask.calls("smooth_sensitivity", calls), 255)
    found, *twice = (numbers(answer, SHAPE[:2]) for answer in answers[:3])
    maps = _smooth_maps(model, image, copies)
    away = {k: np.linalg.norm(found - maps[k]) / np.linalg.norm(maps[k]) for k in maps}
    nearest = min(away, key=away.get)
    return first_fault(
        ("1/4", nearest, nearest != "right" and away[nearest] < 0.25),
        ("1/4", "wrong_values", nearest != "right" or away["right"] > 0.25),
        ("1/2", "noise_ignores_seed", not same(*twice)),
        ("3/4", "no_error", not all(answer.error for answer in answers[3:])),
    )


def _smooth_maps(model, image, copies) -> dict[str, np.ndarray]:
    """Rend la bonne carte, et celle de chaque erreur connue."""
    gradients = {
        "right": _gradients(model, copies, CLASS),
        "noise_missing": _gradients(model, image[None], CLASS),
        **{name: _gradients(model, copies, CLASS, seeds=seeds) for name, seeds in SEEDS.items()},
    }
    maps = {name: abs(each.mean(0)).max(axis=2) for name, each in gradients.items()}
    return {**maps, "absolute_before_mean": abs(gradients["right"]).mean(0).max(axis=2)}


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
    settings = [
        (image, {"steps": FINE}),
        (other, {"steps": FINE, "baseline": "black"}),
        (image, {"steps": FINE, "baseline": "grey"}),
        (image, {"steps": 2}),
        (other, {"steps": 3, "baseline": "grey"}),
        (image, {"steps": 2, "baseline": "white"}),
    ]
    calls = [((model, each, CLASS), options) for each, options in settings]
    return ask.judge(
        "attributions",
        [("1/2", calls[:2]), ("3/4", calls[2:3]), ("1", calls[3:])],
        _attributions,
        [
            *(Mistake(each, partial(_attributions, seeds=SEEDS[each]), "1/4") for each in SEEDS),
            Mistake("not_multiplied", partial(_attributions, factor=1), "1/4"),
            Mistake(
                "sum_for_integral",
                lambda *given, steps, **o: steps * _attributions(*given, steps=steps, **o),
                "1/2",
            ),
        ],
        tolerance=TOLERANCE,
    )


@question("ex08.integrated_gradients")
def ask_integrated_gradients(ask: Ask) -> Credit:
    """Compare la carte bornée du rendu à ses propres parts ; le dernier réseau ne dit rien."""
    image, models = _image(ask.rng), [network(ask.rng, SHAPE) for _ in range(3)]
    models[-1].options["kernels"][-1][:] = 0
    calls = [((model, image, CLASS), {"steps": 5}) for model in models]
    return ask_bounded(ask, "integrated_gradients", "shares", calls)
