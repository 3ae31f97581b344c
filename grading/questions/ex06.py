"""Exercice 06 : les filtres et les cartes d'un réseau connu, et l'image que préfère un filtre."""

from functools import partial

import numpy as np

from grading import messages, pupil
from grading.questions import RIGHT, Ask, Credit, Mistake, credit, judge, numbers, question, same
from grading.questions.heatmaps import forward, network

SHAPE = (7, 9, 3)
TOLERANCE = 1e-5
LAYERS = ("early", "late")  # celles de `probes.small_network`
STEPS = 30  # de montée, bien assez pour un si petit réseau
NUM_NOISES = 200
GREY, NOISE = 128, 20  # du bruit auquel comparer, en niveaux


def _image(rng) -> np.ndarray:
    return rng.integers(0, 256, SHAPE).astype(np.uint8)


# --- Les filtres ---------------------------------------------------------------------


def _kernels(model, *, axes=(1, 2, 3)):
    kernels = model.options["kernels"][0].transpose(3, 0, 1, 2)
    if kernels.shape[3] != 3:
        raise ValueError
    highest = abs(kernels).max(axes, keepdims=True)
    return 0.5 + kernels / (2 * np.maximum(highest, 1e-9))


def _stretched(model):
    kernels = _kernels(model)
    low, high = (find((1, 2, 3), keepdims=True) for find in (kernels.min, kernels.max))
    return (kernels - low) / np.maximum(high - low, 1e-9)


@question("ex06.first_kernels")
def ask_first_kernels(ask: Ask) -> Credit:
    """Montre des filtres connus, dont un nul, puis ceux d'une image en gris."""
    plain, other, grey = (network(ask.rng, SHAPE) for _ in range(3))
    other.options["kernels"][0][..., 1] = 0
    grey.options["kernels"][0] = grey.options["kernels"][0][:, :, :1]
    grey.options["shape"] = [*SHAPE[:2], 1]
    calls = [((each,), {}) for each in (plain, other, grey)]
    groups = [("1/2", calls[:1]), ("3/4", calls[1:2]), ("1", calls[2:])]
    mistakes = [
        Mistake("one_scale_for_all", partial(_kernels, axes=(0, 1, 2, 3)), "1/2"),
        Mistake("zero_not_grey", _stretched, "1/4"),
        Mistake("zero_not_grey", lambda model: 2 * _kernels(model) - 1, "1/4"),
    ]
    return ask.judge("first_kernels", groups, _kernels, mistakes, tolerance=TOLERANCE)


# --- Les cartes ----------------------------------------------------------------------


def _map(model, image, name):
    return forward(model, image[None])[name][0]


def _named(answer: pupil.Answer, name: str) -> pupil.Answer:
    """Prend une carte du dictionnaire rendu ; None s'il n'y en a pas de ce nom."""
    maps = answer.value if isinstance(answer.value, dict) else {}
    return answer._replace(value=maps.get(name))


@question("ex06.activation_maps")
def ask_activation_maps(ask: Ask) -> Credit:
    """Demande une couche, puis deux, dans un autre ordre."""
    image, model = _image(ask.rng), network(ask.rng, SHAPE)
    wanted = [["late"], ["early"], ["late", "early"]]
    found = ask.calls("activation_maps", [((model, image, names), {}) for names in wanted])
    answers = [
        _named(each, name) for names, each in zip(wanted, found, strict=True) for name in names
    ]
    calls = [((model, image, name), {}) for name in ("late", "early")]
    mistakes = [
        Mistake("batch_axis_kept", lambda *given: _map(*given)[None], "1/2"),
        Mistake("scaled_in_evaluate", lambda m, i, name: _map(m, i // 255, name), "1/4"),
        Mistake("layers_swapped", lambda m, i, name: _map(m, i, LAYERS[name == "early"]), "1/4"),
    ]
    return judge(answers, [("1/2", calls), ("1", calls)], _map, mistakes, tolerance=1e-4)


def _strongest(maps, num):
    return np.argsort(-maps.mean((0, 1)))[:num]


@question("ex06.strongest")
def ask_strongest(ask: Ask) -> Credit:
    """Range des cartes dont la plus haute case n'est pas celle de la carte la plus forte."""
    calls = []
    for num in (3, 5):
        means = ask.rng.permutation(np.linspace(-1, 1, 8))
        maps = 4 * ask.rng.normal(0, 1, (4, 6, 8))
        calls.append(((maps + means - maps.mean((0, 1)), num), {}))
    mistakes = [
        Mistake("weakest_maps_first", lambda maps, num: _strongest(-maps, num), "1/4"),
        Mistake("weakest_maps_first", lambda *given: _strongest(*given)[::-1], "1/2"),
        Mistake("ranked_by_maximum", lambda m, num: np.argsort(-m.max((0, 1)))[:num], "1/2"),
        Mistake("values_for_numbers", lambda m, num: -np.sort(-m.mean((0, 1)))[:num], "1/4"),
    ]
    return ask.judge("strongest", [("1", calls)], _strongest, mistakes)


# --- L'image que préfère un filtre ---------------------------------------------------


def _smoothed(images, share, *, mode="edge", divisor=4):
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), mode=mode)
    across = padded[:, 1:-1, :-2] + padded[:, 1:-1, 2:]
    down = padded[:, :-2, 1:-1] + padded[:, 2:, 1:-1]
    return (1 - share) * images + share * (across + down) / divisor


@question("ex06.smooth")
def ask_smooth(ask: Ask) -> Credit:
    """Lisse des images tirées au hasard, d'une part nulle à une part entière."""
    rng = ask.rng
    calls = [((rng.uniform(0, 255, (2, 5, 7, 3)), share), {}) for share in (0.0, 0.15, 0.6, 1.0)]
    mistakes = [
        Mistake("border_of_zeros", partial(_smoothed, mode="constant"), "1/2"),
        Mistake("border_wrapped", partial(_smoothed, mode="wrap"), "1/2"),
        Mistake("neighbours_summed", partial(_smoothed, divisor=1), "1/2"),
        Mistake("share_reversed", lambda images, share: _smoothed(images, 1 - share), "1/2"),
    ]
    return ask.judge("smooth", [("1", calls)], _smoothed, mistakes, tolerance=TOLERANCE)


@question("ex06.maximise")
def ask_maximise(ask: Ask) -> Credit:
    """Fait monter trois filtres d'un réseau connu, et lui donne les images obtenues."""
    model, filters = network(ask.rng, SHAPE), [2, 0, 1]
    noise = ask.rng.normal(GREY, NOISE, (NUM_NOISES, *SHAPE))
    first, options = (model, "late", filters), {"steps": STEPS, "seed": int(ask.rng.integers(1000))}
    calls = [(first, options), (first, options), (first, {**options, "seed": -1})]
    calls.append(((model, "late", [0, 3]), options))
    found, again, *refused = ask.calls("maximise", calls)
    images = numbers(found, (len(filters), *SHAPE))
    if np.asarray(found.value).dtype != np.uint8:
        return credit(0, "wrong_type")
    after, before = (_responses(model, each)[:, filters] for each in (images, noise))
    more = after > before.max(0)  # (images, filtres)
    if (after.diagonal() < before.min(0)).all():
        return credit("1/4", "gradient_descended")
    if not more.diagonal().all():
        return credit("1/4", "another_filter" if more.any(1).all() else "responds_little")
    if not same(found.value, again.value):
        return credit("1/2", "seed_ignored")
    return RIGHT if all(each.error for each in refused) else credit("3/4", "no_error")


def _responses(model: messages.Ingredient, images: np.ndarray) -> np.ndarray:
    """Rend la réponse moyenne `(n, filtres)` de la dernière couche."""
    return forward(model, images)["late"].mean((1, 2))
