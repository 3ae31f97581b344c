"""Exercice 08 : dériver un score par rapport à l'image, puis moyenner, puis partager."""

import functools

import numpy as np

from grading import messages
from grading.questions import (
    RIGHT,
    Ask,
    Credit,
    Mistake,
    as_floats,
    credit,
    failed,
    judge,
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
REFERENCES = {"black": 0, "grey": 128}  # que dit la docstring


def _image(rng, shape=SHAPE) -> np.ndarray:
    return rng.integers(0, 256, shape).astype(np.uint8)


def _gradients(model, images, class_index, *, seeds=score_seeds) -> np.ndarray:
    """Rend le gradient de chaque image, pour 255 niveaux."""
    images = np.asarray(images, float)
    return 255 * backward(model, images, seeds(model, images, class_index))["image"]


# --- Le gradient ---------------------------------------------------------------------


def _mean_gradient(model, class_index, batches, *, seeds=score_seeds, gather=None):
    found = [_gradients(model, batch, class_index, seeds=seeds) for batch in batches]
    return gather(found) if gather else np.concatenate(found).mean(axis=0)


@question("ex08.mean_gradient")
def ask_mean_gradient(ask: Ask) -> Credit:
    """Dérive une image seule, puis des lots de tailles inégales."""
    rng = ask.rng
    model = network(rng, SHAPE)
    one = [((model, CLASS, [_image(rng)[None].astype(np.float32)]), {}) for _ in range(2)]
    batches = [rng.uniform(0, 255, (size, *SHAPE)).astype(np.float32) for size in (3, 1, 2)]
    groups = [("1/2", one), ("1", [((model, CLASS, batches), {})])]

    def wrong(**changes):
        return functools.partial(_mean_gradient, **changes)

    mistakes = [
        *(Mistake(reason, wrong(seeds=seeds), "1/4") for reason, seeds in SEEDS),
        Mistake("absolute_value", lambda *a: abs(_mean_gradient(*a)), "1/4"),
        Mistake(
            "absolute_before_mean",
            wrong(gather=lambda found: abs(np.concatenate(found)).mean(axis=0)),
            "1/2",
        ),
        Mistake("sum_for_mean_of_images", wrong(gather=lambda f: np.concatenate(f).sum(0)), "1/2"),
        Mistake(
            "mean_of_batches", wrong(gather=lambda f: np.mean([b.mean(0) for b in f], 0)), "1/2"
        ),
        Mistake(
            "mean_of_batches", wrong(gather=lambda f: np.sum([b.mean(0) for b in f], 0)), "1/2"
        ),
        Mistake("last_batch_only", wrong(gather=lambda found: found[-1].mean(0)), "1/2"),
        Mistake("last_batch_only", wrong(gather=lambda found: found[0].mean(0)), "1/2"),
    ]
    answers = enlarged(ask.calls("mean_gradient", [*one, *groups[1][1]]), 255)
    return judge(answers, groups, _mean_gradient, mistakes, tolerance=TOLERANCE)


@question("ex08.sensitivity")
def ask_sensitivity(ask: Ask) -> Credit:
    """Résume les trois couleurs d'un gradient : le vrai, ou celui du rendu."""
    rng = ask.rng
    calls = [((network(rng, SHAPE), _image(rng), CLASS), {}) for _ in range(2)]
    answers = enlarged(ask.calls("sensitivity", calls), 255)
    true = [((_gradients(m, i[None], k)[0],), {}) for (m, i, k), _ in calls]
    found = _credit_colors(answers, true)
    if found.level == 1:
        return found
    named = [((model, k, [image[None].astype(np.float32)]), {}) for (model, image, k), _ in calls]
    own = [as_floats(each.value) for each in enlarged(ask.calls("mean_gradient", named), 255)]
    if any(each is None or each.shape != SHAPE for each in own):
        return found
    return max(
        found, _credit_colors(answers, [((each,), {}) for each in own]), key=lambda each: each.level
    )


def _credit_colors(answers, calls) -> Credit:
    mistakes = [
        Mistake("sign_before_maximum", lambda g: g.max(axis=2), "1/2"),
        Mistake("sign_before_maximum", lambda g: np.maximum(g, 0).max(axis=2), "1/2"),
        Mistake("sign_before_maximum", lambda g: abs(g.max(axis=2)), "1/2"),
        Mistake("colors_averaged", lambda g: abs(g).mean(axis=2), "1/2"),
        Mistake("colors_averaged", lambda g: abs(g).sum(axis=2), "1/2"),
        Mistake("colors_averaged", lambda g: abs(g.mean(axis=2)), "1/4"),
        Mistake("colors_averaged", lambda g: abs(g.sum(axis=2)), "1/4"),
        Mistake("one_channel_only", lambda g: abs(g[..., 0]), "1/4"),
        Mistake("values_scaled", lambda g: 255 * abs(g).max(2) / abs(g).max(), "1/2"),
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
    first = (model, image, CLASS)
    every = [options, short, short, {**short, "noise": 1.5}, {**short, "seed": -1}]
    answers = enlarged(ask.calls("smooth_sensitivity", [(first, each) for each in every]), 255)
    for answer in answers[:3]:
        if answer.error:
            return failed(answer)
    found, *twice = (as_floats(answer.value) for answer in answers[:3])
    if found is None or found.shape != SHAPE[:2]:
        return credit(0, "wrong_shape")
    if not np.isfinite(found).all():  # NaN n'est ni plus loin, ni plus près que rien
        return credit(0, "not_a_number")
    copies = _copies(rng, image, 4000)
    gradients = _gradients(model, copies, CLASS)
    right = abs(gradients.mean(0)).max(axis=2)
    plain = abs(_gradients(model, image[None], CLASS)[0]).max(axis=2)
    wrong = {
        "noise_missing": plain,
        "absolute_before_mean": abs(gradients).mean(0).max(axis=2),
        "sum_for_mean_of_images": MANY * right,
        "sign_before_maximum": gradients.mean(0).max(axis=2),
    }
    wrong |= {
        reason: abs(_gradients(model, copies[:1000], CLASS, seeds=seeds).mean(0)).max(axis=2)
        for reason, seeds in SEEDS[:2]
    }
    away = {name: _distance(found, each) for name, each in {None: right, **wrong}.items()}
    nearest = min(away, key=away.get)
    if nearest or away[None] > 0.25:
        known = nearest if nearest and away[nearest] < 0.25 else "wrong_values"
        return credit("1/4", known)
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


def _attributions(
    model,
    image,
    class_index,
    *,
    steps,
    baseline="black",
    seeds=score_seeds,
    multiplied="path",
    places="middle",
    total=False,
):
    """Partage le score ; les quatre derniers arguments disent une erreur."""
    reference = REFERENCES[baseline] if baseline in REFERENCES else None
    if reference is None:
        raise ValueError
    path = image - float(reference)
    shares = {
        "middle": (np.arange(steps) + 0.5) / steps,
        "image": np.ones(steps),
        "left": np.arange(steps) / steps,
        "right": np.arange(1, steps + 1) / steps,
        "ends": np.linspace(0, 1, steps),
    }[places]
    images = reference + shares[:, None, None, None] * path
    gradients = _gradients(model, images, class_index, seeds=seeds)
    mean = gradients.sum(0) if total else gradients.mean(0)
    return (
        mean * {"path": path / 255, "image": image / 255, "": np.full(SHAPE, 1 / 255)}[multiplied]
    )


@question("ex08.attributions")
def ask_attributions(ask: Ask) -> Credit:
    """Partage un score depuis le noir, depuis le gris, puis en peu de points."""
    rng = ask.rng
    model, image, other = network(rng, SHAPE), _image(rng), _image(rng)

    def call(each, **options):
        return (model, each, CLASS), options

    groups = [
        ("1/2", [call(image, steps=FINE), call(other, steps=FINE, baseline="black")]),
        ("3/4", [call(image, steps=FINE, baseline="grey")]),
        ("1", [call(image, steps=2), call(other, steps=3, baseline="grey")]),
        ("1", [call(image, steps=2, baseline="white")]),
    ]

    def wrong(**changes):
        return lambda *positional, **named: _attributions(*positional, **{**named, **changes})

    mistakes = [
        *(Mistake(reason, wrong(seeds=seeds), "1/4") for reason, seeds in SEEDS),
        Mistake("not_multiplied", wrong(multiplied=""), "1/4"),
        Mistake("baseline_ignored", wrong(baseline="black"), "1/2"),
        Mistake("multiplied_by_image", wrong(multiplied="image"), "1/2"),
        Mistake("gradient_times_image", wrong(places="image"), "1/4"),
        Mistake("sum_for_integral", wrong(total=True), "1/2"),
        Mistake("absolute_value", lambda *a, **n: abs(_attributions(*a, **n)), "1/4"),
        *(
            Mistake("not_the_middle", wrong(places=each), "3/4")
            for each in ("left", "right", "ends")
        ),
    ]
    answers = ask.calls("attributions", [each for _, calls in groups for each in calls])
    return judge(answers, groups, _attributions, mistakes, tolerance=TOLERANCE)


@question("ex08.integrated_gradients")
def ask_integrated_gradients(ask: Ask) -> Credit:
    """Compare la carte bornée du rendu à ses propres parts ; le dernier réseau ne dit rien."""
    rng = ask.rng
    image, models = _image(rng), [network(rng, SHAPE) for _ in range(3)]
    *kernels, dense = models[-1].options["kernels"]
    mute = {**models[-1].options, "kernels": [*kernels, np.zeros_like(dense)]}
    models[-1] = messages.Ingredient("small_network", mute)
    calls = [((model, image, CLASS), {"steps": 5}) for model in models]
    return ask_bounded(ask, "integrated_gradients", "shares", calls)
