"""Exercice 14 : le contenu, la matrice de Gram, et les deux ensemble."""

import itertools

import numpy as np

from grading.inside import messages
from grading.questions import (
    TOLERANCE,
    Ask,
    Credit,
    Mistake,
    as_floats,
    compared,
    credit,
    dreams,
    first_fault,
    question,
)

SHAPES = {"a": (1, 5, 7, 3), "b": (1, 4, 3, 6)}
STEPS = 60
PATCH = (12, 16, 3)  # de l'image transformée


def _maps(ask: Ask, shapes: dict = SHAPES) -> dict[str, np.ndarray]:
    """Tire des cartes où quelques valeurs sont bien plus grandes que les autres.

    Entre valeurs semblables, la racine d'une distance vaut presque le rapport des valeurs
    absolues : une erreur y passerait pour l'autre.
    """
    values = {name: ask.rng.uniform(-1, 1.6, shape) for name, shape in shapes.items()}
    return {name: np.float32(each**3) for name, each in values.items()}


def _on_one_then_two(maps: dict, target: dict) -> list[tuple]:
    """Compare une couche, puis les deux."""
    single = {"a": maps["a"]}, {"a": target["a"]}
    return [("3/4", [(single, {})]), ("1", [((maps, target), {})])]


def _last(distances: list) -> float:
    return distances[-1]


def _first(distances: list) -> float:
    return distances[0]


LAYERS = (("layers_summed", np.sum), ("one_layer_only", _last), ("one_layer_only", _first))


def _mistakes(grams: dict | None = None) -> list[Mistake]:
    """Rend les erreurs sur la distance, sur les couches, puis sur les deux.

    Args:
        grams: ce qui se compare, `{couche: matrice}` ; par défaut, les cartes données.
    """

    def loss(measure, reduce):
        def compute(maps, target):
            found = grams or maps
            return reduce([measure(found[name], target[name]) for name in target])

        return compute

    every = itertools.product(
        [(None, dreams.relative_distance), *dreams.MEASURES], [(None, np.mean), *LAYERS]
    )
    return [
        Mistake(distance or layers, loss(measure, reduce))
        for (distance, measure), (layers, reduce) in every
        if distance or layers
    ]


CONTENTS = _mistakes()


@compared("ex14.content_loss", mistakes=CONTENTS, tolerance=TOLERANCE)
def ask_content_loss(ask: Ask) -> list:
    """Compare des cartes, sur une couche puis sur deux."""
    return _on_one_then_two(_maps(ask), _maps(ask))


# --- Le style ------------------------------------------------------------------------


def _rows_mixed(maps) -> np.ndarray:
    """Met les cartes en lignes sans amener d'abord leurs canaux au premier rang."""
    rows = np.reshape(maps, (np.shape(maps)[-1], -1))
    return rows @ rows.T / rows.shape[1]


GRAM = [Mistake("channels_mixed", _rows_mixed)]


@compared("ex14.gram_matrix", mistakes=GRAM, tolerance=TOLERANCE)
def ask_gram_matrix(ask: Ask) -> list:
    """Calcule des matrices de Gram, de cartes de deux tailles ; un facteur faux vaut la moitié."""
    calls = [((maps,), {}) for maps in _maps(ask).values()]
    return [("1/2", calls, lambda gram: as_floats(gram) / np.trace(gram)), ("1", calls)]


@question("ex14.style_loss")
def ask_style_loss(ask: Ask) -> Credit:
    """Compare des styles, avec les matrices de Gram du rendu : une erreur n'y compte qu'une fois.

    Les cartes voulues ont d'autres tailles : seule une matrice par couche permet de comparer.
    """
    maps, seen = _maps(ask), _maps(ask, {"a": (1, 6, 8, 3), "b": (1, 6, 8, 6)})
    both = [((each,), {}) for each in (*maps.values(), *seen.values())]
    grams = [np.float32(as_floats(each.value)) for each in ask.calls("gram_matrix", both)]
    if [each.shape for each in grams] != [(3, 3), (6, 6)] * 2:
        return credit(0, "gram_needed")
    found, wanted = (dict(zip(SHAPES, part, strict=True)) for part in (grams[:2], grams[2:]))

    def gram_twice(_, target) -> float:
        again = {name: each.T @ each / len(each) for name, each in target.items()}
        return np.mean([dreams.relative_distance(found[name], again[name]) for name in target])

    return ask.judge(
        "style_loss",
        _on_one_then_two(maps, wanted),
        lambda _, target: np.mean(
            [dreams.relative_distance(found[name], target[name]) for name in target]
        ),
        [Mistake("gram_of_gram", gram_twice), *_mistakes(found)],
        tolerance=TOLERANCE,
    )


# --- Les deux ensemble ---------------------------------------------------------------


def _style(network, image) -> np.ndarray:
    places = network.maps(image)["basse"].reshape(-1, 5)
    return places.T @ places / len(places)


@question("ex14.transfer")
def ask_transfer(ask: Ask) -> Credit:
    """Transforme une petite image sombre en une claire, un poids à la fois."""
    network = dreams.draw_network(ask.rng)
    content = np.array([50, 70, 90]) + ask.rng.normal(0, 12, PATCH)
    style = np.array([190, 170, 210]) + ask.rng.normal(0, 25, (10, 9, 3))
    content, style = (np.clip(each, 0, 255).astype(np.float32) for each in (content, style))
    names = ("content_weight", "style_weight", "tv_weight", "steps", "seed")
    settings = [(0.0, 1.0, 0.0, STEPS, 1), (1.0, 0.0, 0.0, STEPS, 1), (0.0, 0.0, 1.0, STEPS, 1)]
    made = dreams.pictures(
        ask,
        "transfer",
        (messages.Ingredient("plain_network", network.options), content, style),
        [dict(zip(names, each, strict=True)) for each in (*settings, (1.0, 1.0, 0.0, 1, 1))],
        content_layers=("haute",),
        style_layers=("basse",),
    )
    styled, kept, smooth, first = (each.pixels for each in made)
    rest, told = made[0].rest, made[2].rest
    lengths = [np.size(each) for part in rest if isinstance(part, dict) for each in part.values()]
    wanted = _style(network, style)
    before, after, without = (
        dreams.relative_distance(_style(network, each), wanted) for each in (content, styled, kept)
    )
    rough, smoothed = (dreams.total_variation(each) for each in (content, smooth))
    begins = [np.max(each[:1]) for part in told if isinstance(part, dict) for each in part.values()]
    # Les autres poids sont nuls : la plus grande des pertes est la variation totale.
    grows = max(begins, default=0) > 10 * dreams.total_variation(content / 255)
    exchanged = after > 0.9 * before and without < 0.5 * before
    return first_fault(
        ("1/4", "weights_exchanged", exchanged),
        ("1/4", "style_not_reached", after > 0.9 * before),
        # Une image au hasard peut ressembler au style sans l'avoir cherché.
        ("1/2", "starts_elsewhere", np.abs(first - content).mean() > 30),
        ("1/4", "style_weight_ignored", without < 0.5 * before),
        ("1/2", "variation_ignored", smoothed > 0.8 * rough),
        ("3/4", "losses_not_returned", lengths != [STEPS] * 3),
        ("3/4", "variation_of_bytes", grows),
    )
