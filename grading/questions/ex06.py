"""Exercice 06 : les filtres et les cartes d'un réseau connu, et l'image que préfère un filtre."""

import numpy as np

from grading import messages, pupil
from grading.questions import RIGHT, Ask, Credit, Mistake, as_floats, credit, judge, question, same
from grading.questions.heatmaps import forward, network

SHAPE = (7, 9, 3)
TOLERANCE = 1e-5
LAYERS = ("early", "late")  # celles de `probes.small_network`
STEPS = 30  # de montée, bien assez pour un si petit réseau
NUM_NOISES = 200
HOLE = -7.0  # mis là où une réponse n'est pas un nombre
GREY, NOISE = 128, 20  # du bruit auquel comparer, en niveaux


def _image(rng) -> np.ndarray:
    return rng.integers(0, 256, SHAPE).astype(np.uint8)


# --- Les filtres ---------------------------------------------------------------------


def _kernels(model, *, axes=(3, 0, 1, 2), scale=None, finish=lambda k: 0.5 + k / 2):
    kernels = model.options["kernels"][0].transpose(axes)
    if kernels.shape[3] != 3:
        raise ValueError
    highest = abs(kernels).max((1, 2, 3), keepdims=True) if scale is None else scale(kernels)
    return finish(kernels / np.maximum(highest, 1e-9))


def _wrong_kernels(**changes):
    return lambda model: _kernels(model, **changes)


def _unguarded(compute):
    """Rend la même erreur chez qui divise un filtre nul par zéro : `HOLE` marque ce qui manque."""

    def careless(model):
        found = compute(model)
        empty = ~model.options["kernels"][0].any((0, 1, 2))
        found[empty] = HOLE
        return found

    return careless


def _stretched(model):
    kernels = _kernels(model, finish=lambda k: k)
    low = kernels.min((1, 2, 3), keepdims=True)
    return (kernels - low) / np.maximum(kernels.max((1, 2, 3), keepdims=True) - low, 1e-9)


@question("ex06.first_kernels")
def ask_first_kernels(ask: Ask) -> Credit:
    """Montre des filtres connus, dont un nul, puis ceux d'une image en gris."""
    rng = ask.rng
    plain, other = network(rng, SHAPE), network(rng, SHAPE)
    other.options["kernels"][0][..., 1] = 0
    grey = network(rng, SHAPE)
    grey.options["kernels"][0] = grey.options["kernels"][0][:, :, :1]
    grey.options["shape"] = [*SHAPE[:2], 1]
    groups = [("1/2", [((plain,), {})]), ("3/4", [((other,), {})]), ("1", [((grey,), {})])]
    mistakes = [
        Mistake("one_scale_for_all", _wrong_kernels(scale=lambda k: abs(k).max()), "1/2"),
        Mistake("not_a_number", _unguarded(_kernels), "1/2"),
        Mistake("zero_not_grey", _stretched, "1/4"),
        Mistake("zero_not_grey", _unguarded(_stretched), "1/4"),
        Mistake("zero_not_grey", _wrong_kernels(finish=lambda k: k), "1/4"),
        Mistake("absolute_value", _wrong_kernels(finish=abs), "1/4"),
        Mistake("absolute_value", _wrong_kernels(finish=lambda k: np.maximum(k, 0)), "1/4"),
        Mistake("transposed_axes", _wrong_kernels(axes=(3, 1, 0, 2)), "1/2"),
    ]
    answers = ask.calls("first_kernels", [call for _, calls in groups for call in calls])
    for number, answer in enumerate(answers):
        values = as_floats(answer.value)
        if values is not None:
            answers[number] = pupil.Answer(np.nan_to_num(values, nan=HOLE), answer.error)
    return judge(answers, groups, _kernels, mistakes, tolerance=TOLERANCE)


# --- Les cartes ----------------------------------------------------------------------


@question("ex06.activation_maps")
def ask_activation_maps(ask: Ask) -> Credit:
    """Demande une couche, puis deux, dans un autre ordre."""
    rng = ask.rng
    image, model = _image(rng), network(rng, SHAPE)
    wanted = [["late"], ["early"], ["late", "early"]]
    answers, groups = [], [("1/2", []), ("1", [])]
    for names, answer in zip(
        wanted,
        ask.calls("activation_maps", [((model, image, names), {}) for names in wanted]),
        strict=True,
    ):
        if not answer.error and not isinstance(answer.value, dict):
            return credit(0, "wrong_type")
        for name in names:
            value = answer.value.get(name) if not answer.error else None
            answers.append(pupil.Answer(value, answer.error))
            groups[len(names) - 1][1].append(((model, image, name), {}))

    def right(model, image, name):
        return forward(model, image[None])[name][0]

    def other(model, image, name):
        return right(model, image, LAYERS[1 - LAYERS.index(name)])

    mistakes = [
        Mistake("batch_axis_kept", lambda *a: right(*a)[None], "1/2"),
        Mistake("scaled_in_evaluate", lambda m, i, n: right(m, i // 255, n), "1/4"),
        Mistake("layers_swapped", other, "1/4"),
        Mistake("layers_swapped", lambda m, i, n: right(m, i, LAYERS[-1]), "1/4"),
        Mistake("relu_too_many", lambda *a: np.maximum(right(*a), 0), "1/2"),
    ]
    return judge(answers, groups, right, mistakes, tolerance=1e-4)


def _strongest(maps, num, *, strength=lambda m: m.mean((0, 1))):
    return np.argsort(-strength(maps), kind="stable")[:num]


@question("ex06.strongest")
def ask_strongest(ask: Ask) -> Credit:
    """Range des cartes dont la plus haute case n'est pas celle de la carte la plus forte."""
    rng = ask.rng
    calls = []
    for num in (3, 5):
        means = rng.permutation(np.linspace(-1, 1, 8))
        maps = means + 4 * rng.normal(0, 1, (4, 6, 8))
        maps += means - maps.mean((0, 1))
        calls.append(((maps, num), {}))
    mistakes = [
        Mistake("weakest_maps_first", lambda m, n: _strongest(-m, n), "1/4"),
        Mistake("weakest_maps_first", lambda m, n: _strongest(m, n)[::-1], "1/2"),
        Mistake("ranked_by_maximum", lambda m, n: _strongest(m, n, strength=_highest), "1/2"),
        Mistake("ranked_by_maximum", lambda m, n: _strongest(m, n, strength=_energy), "1/2"),
        Mistake("values_for_numbers", lambda m, n: -np.sort(-m.mean((0, 1)))[:n], "1/4"),
        Mistake("ranks_for_numbers", lambda m, n: _strongest(m, 8).argsort()[:n], "1/4"),
        Mistake("weakest_maps_first", lambda m, n: np.sort(_strongest(m, n)), "1/2"),
    ]
    return judge(ask.calls("strongest", calls), [("1", calls)], _strongest, mistakes)


def _highest(maps):
    return maps.max((0, 1))


def _energy(maps):
    return (maps**2).mean((0, 1))


# --- L'image que préfère un filtre ---------------------------------------------------


def _smoothed(images, share, *, pad="edge", cells=4, diagonal=0, centre=0):
    """Lisse ; les derniers arguments disent une erreur : bord, voisins, diviseur."""
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), mode=pad)
    height, width = images.shape[1:3]
    total = np.zeros(images.shape)
    for row in range(3):
        for column in range(3):
            far = abs(row - 1) + abs(column - 1)
            weight = {0: centre, 1: 1, 2: diagonal}[far]
            total += weight * padded[:, row : row + height, column : column + width]
    return (1 - share) * images + share * total / cells


@question("ex06.smooth")
def ask_smooth(ask: Ask) -> Credit:
    """Lisse des images tirées au hasard, d'une part nulle à une part entière."""
    rng = ask.rng
    calls = [((rng.uniform(0, 255, (2, 5, 7, 3)), share), {}) for share in (0.0, 0.15, 0.6, 1.0)]

    def wrong(**changes):
        return lambda images, share: _smoothed(images, share, **changes)

    mistakes = [
        Mistake("border_of_zeros", wrong(pad="constant"), "1/2"),
        Mistake("border_wrapped", wrong(pad="wrap"), "1/2"),
        Mistake("border_wrapped", wrong(pad="reflect"), "3/4"),
        Mistake("wrong_neighbours", wrong(diagonal=1, cells=8), "1/2"),
        Mistake("wrong_neighbours", wrong(diagonal=1, centre=1, cells=9), "1/2"),
        Mistake("wrong_neighbours", wrong(centre=1, cells=5), "1/2"),
        Mistake("neighbours_summed", wrong(cells=1), "1/2"),
        Mistake("share_ignored", lambda images, share: _smoothed(images, 1), "1/4"),
        Mistake("share_reversed", lambda images, share: _smoothed(images, 1 - share), "1/2"),
        Mistake("pixel_not_reduced", lambda i, s: _smoothed(i, s) + s * i, "1/4"),
    ]
    groups = [("1", calls)]
    return judge(ask.calls("smooth", calls), groups, _smoothed, mistakes, tolerance=1e-5)


@question("ex06.maximise")
def ask_maximise(ask: Ask) -> Credit:
    """Fait monter trois filtres d'un réseau connu, et lui donne les images obtenues."""
    rng = ask.rng
    model, filters = network(rng, SHAPE), [2, 0, 1]
    noise = rng.normal(GREY, NOISE, (NUM_NOISES, *SHAPE))
    first, options = (model, "late", filters), {"steps": STEPS, "seed": int(rng.integers(1000))}
    calls = [(first, options), (first, options), (first, {**options, "seed": -1})]
    calls.append(((model, "late", [0, 3]), options))
    answers = ask.calls("maximise", calls)
    if answers[0].error:
        failure = pupil.failure_of(answers[0].error)
        return credit(0, failure.reason, failure.detail)
    images = as_floats(answers[0].value)
    if images is None or images.shape != (len(filters), *SHAPE):
        return credit(0, "wrong_shape")
    if np.asarray(answers[0].value).dtype != np.uint8:
        return credit(0, "wrong_type")
    after, before = (_responses(model, each)[:, filters] for each in (images, noise))
    own, alike = after.diagonal(), same(images[0], images[1]) and same(images[0], images[2])
    if alike and (after > before.max(0)).any():
        return credit("1/4", "one_image_for_all")
    if (own < before.min(0)).all():
        return credit("1/4", "gradient_descended")
    if not (own > before.max(0)).all():
        others = any((after[k] > before.max(0)).any() for k in range(len(filters)))
        return credit("1/4", "another_filter" if others else "responds_little")
    if not same(answers[0].value, answers[1].value):
        return credit("1/2", "seed_ignored")
    return RIGHT if all(each.error for each in answers[2:]) else credit("3/4", "no_error")


def _responses(model: messages.Ingredient, images: np.ndarray) -> np.ndarray:
    """Rend la réponse moyenne `(n, filtres)` de la dernière couche."""
    return forward(model, images)["late"].mean((1, 2))
