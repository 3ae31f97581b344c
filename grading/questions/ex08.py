"""Exercice 08 : dériver un score par rapport à l'image, puis moyenner, puis partager."""

from functools import partial

import numpy as np
from scipy.special import softmax

from grading.inside import messages
from grading.questions import (
    REFUSED,
    RIGHT,
    TOLERANCE,
    VAGUE,
    Ask,
    Credit,
    Mistake,
    altered,
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
    LIKELIEST,
    NUM_CLASSES,
    ask_bounded,
    backward,
    clipped,
    forward,
    from_late,
    network,
)

SHAPE = (7, 9, 3)
MANY, NOISE = 200, 0.5  # copies de SmoothGrad, pour que le hasard du rendu compte peu
FEW = {"num_samples": 3, "noise": NOISE, "seed": 7}
LOT = 16  # images données ensemble au réseau, dans l'énoncé : `BATCH_SIZE`
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


def _first_batch(model, class_index, batches) -> np.ndarray:
    return backward(model, batches[0], class_index).mean(0)


def _first_image(model, class_index, batches) -> np.ndarray:
    return backward(model, batches[0], class_index)[0]


def _first_of_each_batch(model, class_index, batches, *, weighted: bool = True) -> np.ndarray:
    """Ne garde qu'une image par lot, qui compte ou non pour tout le lot."""
    found = [backward(model, batch[:1], class_index)[0] for batch in batches]
    return np.average(found, axis=0, weights=[len(each) for each in batches] if weighted else None)


def _over_num_batches(model, class_index, batches) -> np.ndarray:
    """Additionne sur toutes les images, et divise par le nombre de lots."""
    return backward(model, np.concatenate(batches), class_index).sum(0) / len(batches)


def _of_every_score(model, class_index, batches) -> np.ndarray:
    """Dérive tous les scores à la fois."""
    images = np.concatenate(batches)
    return np.sum([backward(model, images, k).mean(0) for k in range(NUM_CLASSES)], axis=0)


def _of_highest_score(model, class_index, batches) -> np.ndarray:
    """Dérive, pour chaque image, le plus grand de ses scores."""
    images = np.concatenate(batches)
    every = np.stack([backward(model, images, k) for k in range(NUM_CLASSES)])
    return every[forward(model, images)["scores"].argmax(1), np.arange(len(images))].mean(0)


def _of_maps(model, class_index, batches, *, of_row: bool = False) -> np.ndarray:
    """Dérive la somme d'une carte de la dernière couche, ou celle d'une ligne de toutes."""
    images = np.concatenate(batches)
    picked = np.zeros(forward(model, images[:1])["late"].shape[1:])
    picked[class_index if of_row else (..., class_index)] = 1
    return from_late(model, images, picked).mean(0)


def _of_probability(model, class_index, batches) -> np.ndarray:
    """Dérive la probabilité, où le softmax mêle les scores des autres classes."""
    images = np.concatenate(batches)
    shares = softmax(forward(model, images)["scores"], axis=1).reshape(len(images), -1, 1, 1, 1)
    every = np.stack([backward(model, images, k) for k in range(NUM_CLASSES)], axis=1)
    return (shares[:, class_index] * (every[:, class_index] - (shares * every).sum(1))).mean(0)


def _of_absolute_values(model, class_index, batches) -> np.ndarray:
    return np.abs(backward(model, np.concatenate(batches), class_index)).mean(0)


def _of_class(model, class_index, batches, *, number: int) -> np.ndarray:
    """Dérive toujours le score de la même classe."""
    return backward(model, np.concatenate(batches), number).mean(0)


def _of_divided_images(model, class_index, batches, *, by=1) -> np.ndarray:
    """Divise les images par 255 avant le réseau, qui attend des niveaux de 0 à 255."""
    return backward(model, np.concatenate(batches) / 255, class_index).mean(0) / by


MEANS = [
    Mistake("probability_derived", _of_probability),
    Mistake("absolute_value", _of_absolute_values),
    Mistake("scaled_in_evaluate", _of_divided_images),
    Mistake("scaled_in_evaluate", partial(_of_divided_images, by=255)),
    Mistake("every_score_derived", _of_every_score),
    Mistake("highest_score_derived", _of_highest_score),
    *(Mistake("wrong_class", altered(_of_class, number=k)) for k in range(NUM_CLASSES)),
    Mistake("maps_derived", _of_maps),
    Mistake("maps_derived", altered(_of_maps, of_row=True)),
    Mistake("batches_weigh_the_same", _mean_of_batches),
    Mistake("divided_by_batches", _over_num_batches),
    Mistake("one_batch_only", _last_batch),
    Mistake("one_batch_only", _first_batch),
    Mistake("one_batch_only", _first_image),
    Mistake("one_batch_only", _first_of_each_batch),
    Mistake("one_batch_only", altered(_first_of_each_batch, weighted=False)),
]


@question("ex08.mean_gradient")
def ask_mean_gradient(ask: Ask) -> Credit:
    """Dérive une image seule, des lots de tailles inégales, puis un réseau qui a un dropout."""
    lots = [
        [np.float32(pixels(ask.rng, size, *SHAPE)) for size in sizes]
        for sizes in ((1,), (1,), (3, 1, 2))
    ]
    model = network(ask.rng, SHAPE)
    _announce_another(model, np.concatenate([batch for batches in lots for batch in batches]))
    calls = [((model, CLASS, batches), {}) for batches in lots]
    groups = [("1/2", calls[:2], _enlarged), ("3/4", calls[2:], _enlarged)]
    found = ask.compare("mean_gradient", groups, mistakes=MEANS, tolerance=TOLERANCE)
    if found.level < 1:
        return found
    return _iterable_fault(ask, model, lots[-1]) or _training_fault(ask, lots[0]) or found


def _announce_another(model: messages.Ingredient, images: np.ndarray) -> None:
    """Change un réseau pour que `CLASS` ne soit la plus probable d'aucune de ces images."""
    scores = forward(model, images)["scores"]
    lead = (scores[:, CLASS] - scores[:, LIKELIEST]).max()
    model.options["biases"][-1][LIKELIEST] += max(lead, 0) + 0.5


def _iterable_fault(ask: Ask, model, batches: list) -> Credit | None:
    """Dit si des lots qui ne se parcourent qu'une fois ne sont pas tous lus."""
    single = messages.Ingredient("iterator", {"values": batches})
    calls = [((model, CLASS, each), {}) for each in (batches, single)]
    known, answer = ask.calls("mean_gradient", calls)
    if not answer.error and same(*map(_enlarged, (answer.value, known.value)), tolerance=TOLERANCE):
        return None
    fault = credit("3/4", "batches_of_list")
    return at_call(fault, "mean_gradient", calls[1], answer, known.value)


def _training_fault(ask: Ask, batches: list) -> Credit | None:
    """Dit si le réseau est appelé comme pour l'entraîner, où son dropout efface des valeurs."""
    height, width, channels = SHAPE
    kernels = [
        ask.rng.normal(0, 0.4, (3, 3, channels, 4)),
        ask.rng.normal(0, 0.1, ((height - 2) * (width - 2) * 4, NUM_CLASSES)),
    ]
    weights = [each for kernel in kernels for each in (kernel, np.zeros(kernel.shape[-1]))]
    stack = [
        ["Rescaling", {"scale": 1 / 255, "dtype": "float32"}],
        ["Conv2D", {"filters": 4, "kernel_size": 3, "activation": "tanh"}],
        ["Flatten", {}],
        ["Dropout", {"rate": 0.5}],
        ["Dense", {"units": NUM_CLASSES, "activation": "softmax"}],
    ]
    options = {"shape": list(SHAPE), "stack": stack, "weights": weights, "dtype": "uint8"}
    call = ((messages.Ingredient("plain_network", options), CLASS, batches), {})
    (answer,), (ours,) = (each.calls("mean_gradient", [call]) for each in (ask, ask.reference))
    if same(_enlarged(numbers(answer, SHAPE)), _enlarged(ours.value), tolerance=TOLERANCE):
        return None
    fault = credit("3/4", "called_in_training")
    return at_call(fault, "mean_gradient", call, answer, ours.value)


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
        Mistake("norm_of_colors", lambda g: np.linalg.norm(g, axis=2)),
        Mistake("colors_not_last", lambda g: abs(g).max(axis=0)),
        Mistake("colors_not_last", lambda g: abs(g).max(axis=1)),
    ]
    found = judge(answers, groups, _strongest_color, mistakes, tolerance=TOLERANCE)
    if found.reason in VAGUE and _is_of_divided_images(ask, named, answers):
        found = found._replace(reason="scaled_in_evaluate", detail="")
    return shown_as(found, "sensitivity", groups[0][1], calls)


def _is_of_divided_images(ask: Ask, named: list, answers: list) -> bool:
    """Dit si `sensitivity` divise par 255 les images qu'elle donne au `mean_gradient` du rendu."""
    divided = [((model, k, [batch / 255 for batch in some]), {}) for (model, k, some), _ in named]
    own = [as_floats(each.value) for each in ask.calls("mean_gradient", divided)]
    return all(
        np.shape(gradient) == SHAPE
        and same(answer.value, _strongest_color(_enlarged(gradient)), tolerance=TOLERANCE)
        for gradient, answer in zip(own, answers, strict=True)
    )


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
    image = np.clip(pixels(ask.rng, *SHAPE), 40, 200)  # l'étendue n'est pas 255
    unit = ask.rng.normal(0, NOISE, (10 * MANY, *SHAPE))
    copies = image + np.ptp(image) * unit
    model, gradients = _steady_network(ask.rng, copies)
    lot, lots, many = ({**FEW, "num_samples": num} for num in (LOT, 2 * LOT, MANY))
    settings = (FEW, FEW, {**FEW, "seed": 8}, lot, lots, many)
    calls = [((model, image, CLASS), each) for each in settings]
    # Peu de copies d'abord : qui ne s'y compense pas se fait image par image, et serait long.
    answers = ask.calls("smooth_sensitivity", calls[:-1])
    few = [_enlarged(numbers(each, SHAPE[:2])) for each in answers]
    if _is_absolute(few[-1], gradients):
        return _shown(credit("1/4", "absolute_before_mean"), calls[-2], answers[-1])
    answers += ask.calls("smooth_sensitivity", calls[-1:])
    found = _enlarged(numbers(answers[-1], SHAPE[:2]))
    right = _away(found, _of_mean(gradients))
    still = _of_mean(_slopes(model, image[np.newaxis]))
    is_still = _away(found, still) < 0.01
    is_repeated = same(*few[3:], tolerance=TOLERANCE)
    is_plain = is_still and _away(few[0], still) < TOLERANCE
    fault = first_fault(
        ("1/4", "absolute_before_mean", _is_absolute(found, gradients)),
        ("1/4", "sign_before_maximum", _away(found, _signed(gradients)) < min(right / 2, 0.4)),
        ("1/4", "no_noise", is_plain),
        ("1/4", "almost_no_noise", is_still),
        ("1/4", "one_noisy_copy", same(found, few[0]) and right > 0.6),
        ("1/4", "samples_ignored", same(found, few[0])),
        ("1/4", "one_noisy_copy", is_repeated, "tous les lots ont les mêmes copies"),
    )
    fault = fault if fault.reason else _noise_fault(ask, model, unit)
    fault = fault if fault.reason else first_fault(("1/4", "wrong_values", right > 0.25))
    if fault.reason:
        return _shown(fault, calls[-1], answers[-1])
    for reason, number, wrong in (
        ("noise_ignores_seed", 1, not same(*few[:2])),
        ("seed_without_effect", 2, same(few[0], few[2])),
    ):
        if wrong:
            return _shown(credit("1/2", reason), calls[number], answers[number])
    return _options_fault(ask, model, image)


def _steady_network(rng: np.random.Generator, copies: np.ndarray) -> tuple:
    """Tire un réseau, dont le gradient change de signe avec le bruit.

    De l'un à l'autre de dix tirages de `MANY` copies, la moyenne change peu : une réponse juste ne
    passe pas pour fausse, quel que soit son tirage.

    Args:
        rng: hasard de la session.
        copies: dix fois `MANY` copies bruitées d'une image.

    Returns:
        Le réseau, et ses gradients à ces copies.
    """
    while True:
        model = network(rng, SHAPE, bend=3)
        gradients = _slopes(model, copies)
        expected = _of_mean(gradients)
        if max(_away(_of_mean(each), expected) for each in np.split(gradients, 10)) < 0.18:
            return model, gradients


def _noise_fault(ask: Ask, model, unit: np.ndarray) -> Credit:
    """Juge l'écart-type du bruit, puis ce que deviennent des copies très contrastées.

    L'écart-type, sur une image pâle, où un bruit juste sort peu de 0 à 255 : sur une autre, des
    copies trop bruitées, puis coupées, passeraient pour les bonnes.
    """
    pale = np.clip(pixels(ask.rng, *SHAPE), 80, 180)
    sharp = np.where(pixels(ask.rng, *SHAPE) < 128, 0, 255).astype(np.uint8)
    calls = [((model, image, CLASS), {**FEW, "num_samples": MANY}) for image in (pale, sharp)]
    answers = ask.calls("smooth_sensitivity", calls)
    on_pale, on_sharp = (_enlarged(numbers(each, SHAPE[:2])) for each in answers)
    if spread := _other_spread(model, pale, unit, on_pale):
        return credit("1/4", "other_spread", spread)
    copies = sharp + np.ptp(sharp) * unit[: 5 * MANY]
    right, wrapped, cut = (
        _away(on_sharp, _of_mean(_slopes(model, each)))
        for each in (copies, copies.astype(np.int64).astype(np.uint8), np.clip(copies, 0, 255))
    )
    return first_fault(
        ("1/4", "copies_of_bytes", wrapped < min(right / 2, 0.25)),
        ("1/4", "copies_clipped", cut < min(right / 2, 0.25)),
        ("1/4", "same_noise_for_colors", _is_noise_grey(ask, pale)),
    )


def _other_spread(model, image: np.ndarray, unit: np.ndarray, found: np.ndarray) -> str:
    """Dit si le bruit est trop grand, ou trop petit ; vide s'il est juste, ou autrement faux.

    Args:
        model: le réseau.
        image: l'image.
        unit: des bruits, en part de l'étendue.
        found: la carte du rendu.
    """
    noises = np.ptp(image) * unit
    right = _away(found, _of_mean(_slopes(model, image + noises)))
    if right < 0.2:
        return ""
    small, large = (
        min(
            _away(found, _of_mean(_slopes(model, image + factor * noises[: 2 * MANY])))
            for factor in factors
        )
        for factors in (SMALLER, LARGER)
    )
    of_every_level = np.clip(image + 255 * unit, 0, 255)
    large = min(large, _away(found, _of_mean(_slopes(model, of_every_level))))
    if min(small, large) > min(0.6 * right, 0.25):
        return ""
    return "trop grand" if large < small else "trop petit"


def _is_noise_grey(ask: Ask, image: np.ndarray) -> bool:
    """Dit si les trois couleurs d'un pixel ont le même bruit.

    Le réseau ne lit que des différences de couleurs : sous un tel bruit, rien ne change.
    """
    model = network(ask.rng, SHAPE)
    first = model.options["kernels"][0]
    first -= first.mean(axis=2, keepdims=True)
    (answer,) = ask.calls("smooth_sensitivity", [((model, image, CLASS), FEW)])
    found = _enlarged(numbers(answer, SHAPE[:2]))
    return _away(found, _of_mean(_slopes(model, image[np.newaxis]))) < 1e-3


def _options_fault(ask: Ask, model, image: np.ndarray) -> Credit:
    """Juge le nombre exact de copies, puis les options qui sont aux bornes, ou impossibles."""
    # Deux nombres voisins, entre lesquels ne passe presque aucune taille de lots.
    options = [{**FEW, "num_samples": 21}, {**FEW, "num_samples": 22}]
    options += [{**FEW, "noise": 0.0}, {**FEW, "noise": 1.0}]
    options += [{**FEW, "noise": 1.5}, {**FEW, "seed": -1}]
    calls = [((model, image, CLASS), each) for each in options]
    answers = ask.calls("smooth_sensitivity", calls)
    if same(*(_enlarged(numbers(each, SHAPE[:2])) for each in answers[:2])):
        return _shown(credit("1/2", "samples_rounded"), calls[1], answers[1])
    for call, answer in zip(calls[2:4], answers[2:4], strict=True):
        if answer.is_refused:
            return _shown(credit("3/4", "bound_refused"), call, answer)
    for call, answer in zip(calls[4:], answers[4:], strict=True):
        if not answer.error:
            fault = credit("3/4", "no_error")
            return at_call(fault, "smooth_sensitivity", call, answer, REFUSED)
    return RIGHT


def _shown(fault: Credit, call: tuple, answer) -> Credit:
    """Note dans un crédit un appel de `smooth_sensitivity`, dont la réponse est une carte."""
    form = np.zeros(SHAPE[:2], np.float32)  # de quoi dire sa forme
    return at_call(fault, "smooth_sensitivity", call, answer, form)


# Écarts-types du bruit, en part de celui qui est demandé.
SMALLER, LARGER = (1 / 8, 1 / 4, 0.35, 0.43, 0.5, 0.58, 0.7), (1.4, 1.8, 2.2, 3, 4, 8)


def _slopes(model, copies: np.ndarray) -> np.ndarray:
    """Rend le gradient de chaque copie, multiplié par 255."""
    return 255 * backward(model, copies, CLASS)


def _of_mean(gradients: np.ndarray) -> np.ndarray:
    return _strongest_color(gradients.mean(0))


def _of_mean_strength(gradients: np.ndarray) -> np.ndarray:
    """Prend les valeurs absolues avant la moyenne."""
    return abs(gradients).mean(0).max(axis=2)


def _mean_of_maps(gradients: np.ndarray) -> np.ndarray:
    """Fait une carte de chaque copie, puis leur moyenne."""
    return abs(gradients).max(axis=3).mean(0)


def _is_absolute(found: np.ndarray, gradients: np.ndarray) -> bool:
    """Dit si une carte est celle de valeurs absolues, prises avant la moyenne."""
    absolute = min(_away(found, each(gradients)) for each in (_of_mean_strength, _mean_of_maps))
    return absolute < min(_away(found, _of_mean(gradients)) / 2, 0.25)


def _signed(gradients: np.ndarray) -> np.ndarray:
    """Garde le signe des couleurs."""
    return gradients.mean(0).max(axis=2)


def _away(found: np.ndarray, expected: np.ndarray) -> float:
    """Rend l'écart d'une carte à une autre, en part de celle-ci."""
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))


# --- Gradients intégrés --------------------------------------------------------------


BASELINES = {"black": 0, "grey": 128}  # ceux de l'énoncé


def _attributed(
    places=lambda steps: (np.arange(steps) + 0.5) / steps,
    *,
    product=None,
    in_bytes: bool = False,
    grey=lambda image: BASELINES["grey"],
    rounded=lambda points: points,
    summary=lambda gradients: gradients.mean(0),
):
    """Rend `attributions`, avec une erreur au choix.

    Args:
        places: où prendre `steps` points entre la référence et l'image ; au milieu par défaut.
        product: par quoi multiplier le gradient moyen, d'après l'image ; par sa différence avec
            la référence par défaut.
        in_bytes: retrancher la référence en octets.
        grey: ce que vaut la référence grise, d'après l'image.
        rounded: ce que deviennent les images du chemin.
        summary: résume les gradients du chemin.
    """

    def attributions(model, image, class_index, *, steps, baseline="black"):
        if baseline not in BASELINES:
            raise ValueError(baseline)
        level = grey(image) if baseline == "grey" else BASELINES[baseline]
        reference = np.full(image.shape, level, np.uint8 if in_bytes else float)
        path = image - reference
        points = rounded(reference + np.reshape(places(steps), (-1, 1, 1, 1)) * path)
        factor = path if product is None else product(image)
        return factor * summary(backward(model, points, class_index))

    return attributions


OTHER_GREYS = (
    lambda image: 127,
    lambda image: 127.5,
    lambda image: image.mean(),
    lambda image: image.mean((0, 1)),
)
SHARED = [
    Mistake("points_not_in_the_middle", _attributed(lambda n: np.linspace(0, 1, n)), "3/4"),
    Mistake("points_not_in_the_middle", _attributed(lambda n: np.arange(n) / n), "3/4"),
    Mistake("points_not_in_the_middle", _attributed(lambda n: np.arange(1, n + 1) / n), "3/4"),
    Mistake("points_not_in_the_middle", _attributed(lambda n: np.linspace(0, 1, n + 1)), "3/4"),
    Mistake("gradient_at_image", _attributed(lambda n: np.ones(1))),
    Mistake("path_not_multiplied", _attributed(product=lambda image: 1.0)),
    Mistake("image_for_path", _attributed(product=lambda image: image), "1/2"),
    Mistake("path_of_bytes", _attributed(in_bytes=True), "1/2"),
    Mistake("points_of_bytes", _attributed(rounded=np.floor)),
    Mistake("points_of_bytes", _attributed(rounded=np.rint)),
    Mistake("path_summed", _attributed(summary=lambda gradients: gradients.sum(0))),
    Mistake("absolute_value", _attributed(summary=lambda gradients: abs(gradients.mean(0)))),
    *(Mistake("grey_not_128", _attributed(grey=each), "1/2") for each in OTHER_GREYS),
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
    if found.reason in VAGUE:
        for reason, summary in COLORS.items():
            if _is_summed_up(ask, calls, summary):
                return found._replace(reason=reason, detail="")
    return found


def _is_summed_up(ask: Ask, calls: list, summary) -> bool:
    """Dit si les parts des trois couleurs deviennent une carte autrement que par leur somme."""
    parts = [as_floats(each.value) for each in ask.calls("attributions", calls[:-1])]
    answers = ask.calls("integrated_gradients", calls[:-1])
    return all(
        np.shape(part) == SHAPE and same(answer.value, clipped(summary(part)), tolerance=TOLERANCE)
        for part, answer in zip(parts, answers, strict=True)
    )


COLORS = {  # ce que deviennent les parts des trois couleurs, autrement que par leur somme
    "clipped_by_color": lambda part: np.maximum(part, 0).sum(2),
    "colors_not_summed": lambda part: part.max(2),
}
