"""Exercice 06 : les filtres et les cartes d'un réseau connu, et l'image que préfère un filtre."""

from functools import partial

import numpy as np

from grading import pupil
from grading.questions import (
    Ask,
    Credit,
    Mistake,
    altered,
    first_fault,
    judge,
    numbers,
    question,
    same,
)
from grading.questions.heatmaps import TOLERANCE, forward, network

SHAPE = (7, 9, 3)
OTHER = {"early": "late", "late": "early"}  # les deux couches de `probes.small_network`
STEPS = 30  # de montée, bien assez pour un si petit réseau


# --- Les filtres ---------------------------------------------------------------------


def _kernels(model, *, axes=(1, 2, 3)):
    kernels = model.options["kernels"][0].transpose(3, 0, 1, 2)
    kernels = kernels.reshape(-1, 3, 3, 3)  # ValueError si le réseau ne lit pas trois couleurs
    highest = abs(kernels).max(axes, keepdims=True)
    return 0.5 + kernels / (2 * np.maximum(highest, 1e-9))


def _stretched(kernels):
    spread = np.ptp(kernels, (1, 2, 3), keepdims=True)
    return (kernels - kernels.min((1, 2, 3), keepdims=True)) / np.maximum(spread, 1e-9)


@question("ex06.first_kernels")
def ask_first_kernels(ask: Ask) -> Credit:
    """Montre des filtres connus, dont un nul, puis ceux d'une image en gris."""
    plain, other, grey = (network(ask.rng, (*SHAPE[:2], channels)) for channels in (3, 3, 1))
    other.options["kernels"][0][..., 1] = 0
    groups = [("1/2", plain), ("3/4", other), ("1", grey)]
    return ask.judge(
        "first_kernels",
        [(level, [((model,), {})]) for level, model in groups],
        _kernels,
        [
            Mistake("one_scale_for_all", partial(_kernels, axes=(0, 1, 2, 3)), "1/2"),
            Mistake("zero_not_grey", altered(_kernels, _stretched), "1/4"),
            Mistake("zero_not_grey", altered(_kernels, lambda kernels: 2 * kernels - 1), "1/4"),
        ],
        tolerance=TOLERANCE,
    )


# --- Les cartes ----------------------------------------------------------------------


def _map(model, image, name):
    return forward(model, image[None])[name][0]


def _named(answer: pupil.Answer, name: str) -> pupil.Answer:
    """Prend une carte du dictionnaire rendu ; None s'il n'y en a pas de ce nom."""
    return answer._replace(value=answer.value.get(name) if isinstance(answer.value, dict) else None)


@question("ex06.activation_maps")
def ask_activation_maps(ask: Ask) -> Credit:
    """Demande une couche, puis deux, dans un autre ordre."""
    image, model = ask.rng.integers(0, 256, SHAPE).astype(np.uint8), network(ask.rng, SHAPE)
    requests = [((model, image, names), {}) for names in (["late"], ["late", "early"])]
    alone, both = ask.calls("activation_maps", requests)
    answers = [_named(alone, "late"), _named(both, "late"), _named(both, "early")]
    calls = [((model, image, name), {}) for name in ("late", "early")]
    return judge(
        answers,
        [("1/2", calls[:1]), ("1", calls)],
        _map,
        [
            Mistake("batch_axis_kept", altered(_map, lambda values: values[None]), "1/2"),
            Mistake("scaled_in_evaluate", lambda m, i, name: _map(m, i // 255, name), "1/4"),
            Mistake("layers_swapped", lambda m, i, name: _map(m, i, OTHER[name]), "1/4"),
        ],
        tolerance=TOLERANCE,
    )


def _strongest(maps, num):
    return np.argsort(-maps.mean((0, 1)))[:num]


@question("ex06.strongest")
def ask_strongest(ask: Ask) -> Credit:
    """Range des cartes dont la plus haute case n'est pas celle de la carte la plus forte."""
    return ask.judge(
        "strongest",
        [("1", [((ask.rng.normal(0, 4, (4, 6, 8)), num), {}) for num in (3, 5)])],
        _strongest,
        [
            Mistake("weakest_maps_first", lambda maps, num: _strongest(-maps, num), "1/4"),
            Mistake("weakest_maps_first", altered(_strongest, np.flip), "1/2"),
            Mistake("ranked_by_maximum", lambda m, num: np.argsort(-m.max((0, 1)))[:num], "1/2"),
            Mistake("values_for_numbers", lambda m, num: -np.sort(-m.mean((0, 1)))[:num], "1/4"),
        ],
    )


# --- L'image que préfère un filtre ---------------------------------------------------


def _smoothed(images, share, *, mode="edge", divisor=4):
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), mode=mode)
    across = padded[:, 1:-1, :-2] + padded[:, 1:-1, 2:]
    down = padded[:, :-2, 1:-1] + padded[:, 2:, 1:-1]
    return (1 - share) * images + share * (across + down) / divisor


@question("ex06.smooth")
def ask_smooth(ask: Ask) -> Credit:
    """Lisse des images tirées au hasard, d'une part nulle à une part entière."""
    images = ask.rng.uniform(0, 255, (2, 5, 7, 3))
    return ask.judge(
        "smooth",
        [("1", [((images, share), {}) for share in (0.0, 0.15, 0.6, 1.0)])],
        _smoothed,
        [
            Mistake("border_of_zeros", partial(_smoothed, mode="constant"), "1/2"),
            Mistake("border_wrapped", partial(_smoothed, mode="wrap"), "1/2"),
            Mistake("neighbours_summed", partial(_smoothed, divisor=1), "1/2"),
            Mistake("share_reversed", lambda images, share: _smoothed(images, 1 - share), "1/2"),
        ],
        tolerance=TOLERANCE,
    )


@question("ex06.maximise")
def ask_maximise(ask: Ask) -> Credit:
    """Fait monter trois filtres d'un réseau connu, et lui donne les images obtenues."""
    model, filters = network(ask.rng, SHAPE), [2, 0, 1]
    noise = ask.rng.normal(128, 20, (200, *SHAPE))  # du gris bruité, auquel comparer
    calls = [
        ((model, "late", some), {"steps": STEPS, "seed": seed})
        for some, seed in ((filters, 7), (filters, 7), (filters, -1), ([0, 3], 7))
    ]
    found, again, *refused = ask.calls("maximise", calls)
    images = numbers(found, (len(filters), *SHAPE))
    # La réponse moyenne de la dernière couche, `(images, filtres)`.
    after, before = (
        forward(model, each)["late"].mean((1, 2))[:, filters] for each in (images, noise)
    )
    more = after > before.max(0)
    risen = more.diagonal().all()
    return first_fault(
        (0, "wrong_type", np.asarray(found.value).dtype != np.uint8),
        ("1/4", "gradient_descended", (after.diagonal() < before.min(0)).all()),
        ("1/4", "another_filter", not risen and more.any(1).all()),
        ("1/4", "responds_little", not risen),
        ("1/2", "seed_ignored", not same(found.value, again.value)),
        ("3/4", "no_error", not all(each.error for each in refused)),
    )
