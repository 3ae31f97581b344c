"""Exercice 14 : le contenu, la matrice de Gram, et les deux ensemble."""

import itertools

import numpy as np

from grading.asking import failures
from grading.inside import messages
from grading.questions import (
    TOLERANCE,
    Ask,
    Credit,
    Mistake,
    altered,
    as_floats,
    compared,
    credit,
    dreams,
    first_fault,
    question,
    same,
)

SHAPES = {"a": (1, 5, 7, 3), "b": (1, 4, 3, 6)}
STEPS = 60
CLOSE = 1e-3  # écart permis entre deux appels pareils
FEW = 5  # pas des appels qui ne regardent que le départ, les poids et la graine
PATCH = (12, 16, 3)  # de l'image transformée
WEIGHTS = ("content_weight", "style_weight", "tv_weight")
TOGETHER = (2.0, 3.0, 5.0)
ALONE = ((0.0, 3.0, 0.0), (2.0, 0.0, 0.0), (0.0, 0.0, 5.0))  # le style, le contenu, la variation
NUM_STYLE_LAYERS = 5  # de l'énoncé : `STYLE_LAYERS`


def _maps(ask: Ask, shapes: dict = SHAPES) -> dict[str, np.ndarray]:
    """Tire des cartes où quelques valeurs sont bien plus grandes que les autres.

    Entre valeurs semblables, la racine d'une distance vaut presque le rapport des valeurs
    absolues : une erreur y passerait pour l'autre.
    """
    values = {name: ask.rng.uniform(-1, 1.6, shape) for name, shape in shapes.items()}
    return {name: np.float32(each**3) for name, each in values.items()}


def _on_one_then_two(maps: dict, target: dict) -> list[tuple]:
    """Compare une couche, puis les deux, dont la seconde est bien plus loin de ce qui est voulu."""
    target = {**target, "b": 3 * target["b"]}  # sinon, les deux écarts se ressemblent parfois
    single = {"a": maps["a"]}, {"a": target["a"]}
    return [("3/4", [(single, {})]), ("1", [((maps, target), {})])]


def _last(distances: list) -> float:
    return distances[-1]


def _first(distances: list) -> float:
    return distances[0]


def _over_constant(distances: list) -> float:
    return np.sum(distances) / NUM_STYLE_LAYERS


LAYERS = (
    ("layers_summed", np.sum),
    ("one_layer_only", _last),
    ("one_layer_only", _first),
    ("layers_of_sheet", _over_constant),
)


def _halved(found, target) -> float:
    return dreams.relative_distance(found, target) / 2


def _absolute_over_squares(found, target) -> float:
    return np.abs(found - target).sum() / np.sum(target**2)


def _diagonal(found, target) -> float:
    """Ne compare que la diagonale de deux matrices."""
    return np.sum(np.diagonal(found - target) ** 2) / np.sum(target**2)


MEASURES = (
    *dreams.MEASURES,
    ("distance_halved", _halved),
    ("gaps_not_squared", _absolute_over_squares),
)
OF_MATRICES = ("diagonal_only", _diagonal)  # des cartes n'ont pas de diagonale


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

    def norms_added(maps, target):
        found = grams or maps
        gaps = [np.sum((found[name] - target[name]) ** 2) for name in target]
        return np.sum(gaps) / np.sum([np.sum(target[name] ** 2) for name in target])

    measures = [(None, dreams.relative_distance), *MEASURES, *([OF_MATRICES] if grams else [])]
    every = itertools.product(measures, [(None, np.mean), *LAYERS])
    known = [
        Mistake(distance or layers, loss(measure, reduce))
        for (distance, measure), (layers, reduce) in every
        if distance or layers
    ]
    return [*known, Mistake("norms_added", norms_added)]


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


def _lines(maps) -> np.ndarray:
    """Met les cartes en un tableau `(h·w, c)`."""
    return np.float64(maps).reshape(-1, np.shape(maps)[-1])


def _gram(maps) -> np.ndarray:
    lines = _lines(maps)
    return lines.T @ lines / len(lines)


def _centred(maps) -> np.ndarray:
    lines = _lines(maps)
    return _gram(lines - lines.mean(axis=0))


def _of_unit_norms(maps) -> np.ndarray:
    """Ramène chaque carte à une norme de 1, puis divise ou non par le nombre de cases."""
    lines = _lines(maps)
    return _gram(lines / np.linalg.norm(lines, axis=0))


def _summed_of_unit_norms(maps) -> np.ndarray:
    return _of_unit_norms(maps) * len(_lines(maps))


def _divided_by_channels(maps) -> np.ndarray:
    return _gram(maps) * len(_lines(maps)) / np.shape(maps)[-1]


def _rooted(gram) -> np.ndarray:
    with np.errstate(invalid="ignore"):  # un produit scalaire est parfois négatif
        return np.sqrt(gram)


GRAM = [
    Mistake("channels_mixed", _rows_mixed),
    Mistake("gram_centred", _centred),
    Mistake("gram_of_unit_maps", _of_unit_norms),
    Mistake("gram_of_unit_maps", _summed_of_unit_norms),
    Mistake("gram_rooted", altered(_gram, _rooted)),
    Mistake("divided_by_channels", _divided_by_channels, "1/2"),
]


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
        again = {name: _gram(each) for name, each in target.items()}
        return np.mean([dreams.relative_distance(found[name], again[name]) for name in target])

    def gram_twice_above(_, target) -> float:
        gaps = [np.sum((found[name] - _gram(target[name])) ** 2) for name in target]
        norms = [np.sum(each**2) for each in target.values()]
        return np.mean(np.divide(gaps, norms))

    return ask.judge(
        "style_loss",
        _on_one_then_two(maps, wanted),
        lambda _, target: np.mean(
            [dreams.relative_distance(found[name], target[name]) for name in target]
        ),
        [
            Mistake("gram_of_gram", gram_twice),
            Mistake("gram_of_gram", gram_twice_above),
            *_mistakes(found),
        ],
        tolerance=TOLERANCE,
    )


# --- Les deux ensemble ---------------------------------------------------------------


class Sparse(dreams.Network):
    """Le même réseau, qui ne lit qu'un pixel sur deux : un décalage en change les cartes."""

    __slots__ = ()

    @property
    def options(self) -> dict:
        """De quoi le construire chez le rendu."""
        known = super().options
        first, second = known["stack"]
        return {**known, "stack": [[first[0], {**first[1], "strides": 2}], second]}

    def maps(self, image: np.ndarray) -> dict[str, np.ndarray]:
        """Rend les cartes `{couche: (h, w, c)}` d'une image `(h, w, 3)` de 0 à 255."""
        return super().maps(image[::2, ::2])


def _style(network, image) -> np.ndarray:
    return _gram(network.maps(image)["basse"])


def _pictures(ask: Ask, network, content, style, settings: list[tuple]) -> list[dreams.Found]:
    """Transforme le contenu ; `settings` sont les trois poids, puis le nombre de pas."""
    names = (*WEIGHTS, "steps", "seed")
    return dreams.pictures(
        ask,
        "transfer",
        (messages.Ingredient("plain_network", network.options), content, style),
        [dict(zip(names, (*each, 1), strict=True)) for each in settings],
        content_layers=("haute",),
        style_layers=("basse",),
    )


def _stopped(ask: Ask, network, content, style, failure: failures.Failure) -> Credit:
    """Dit pourquoi aucune image de la bonne forme n'est rendue.

    Raises:
        failures.Failure: rien ne l'explique mieux que ce qu'elle dit.
    """
    if failure.reason == "wrong_shape" and f"rendue {style.shape}" in failure.detail:
        return credit(0, "made_of_style", failure.detail)
    if failure.reason != "exception":
        raise failure
    if "inconnue de" in str((failure.error or {}).get("message")):  # ce que dit `extractor`
        return credit(0, "layers_not_given", failure.detail)
    alike = np.resize(style, content.shape)  # chaque pixel en est un de l'image de style
    try:
        [made] = _pictures(ask, network, content, alike, [(1.0, 1.0, 0.0, 1)])
    except failures.Failure:
        raise failure from None
    if np.abs(made.pixels - alike).mean() < np.abs(made.pixels - content).mean():
        return credit(0, "starts_elsewhere", "c'est celle du style")
    return credit(0, "style_of_other_size", failure.detail)


def _losses(found: dreams.Found) -> dict[str, np.ndarray]:
    """Lit les pertes rendues avec une image : `{nom: une valeur par pas}`, {} si elles manquent."""
    told = next((each for each in found.rest if isinstance(each, dict)), {})
    values = {name: as_floats(each) for name, each in told.items()}
    return {name: np.ravel(each) for name, each in values.items() if each is not None}


def _wrong_sizes(losses: dict) -> str:
    """Dit combien de valeurs sont rendues, et combien il en faut ; "" si c'est ce qu'il faut."""
    found = [len(each) for each in losses.values()]
    if found == [STEPS] * 3:
        return ""
    said = ", ".join(map(str, found))
    wanted = f"valeurs attendues : {STEPS} de chacune des trois ; rendues : {said}"
    return wanted if found else "aucun dictionnaire de pertes n'est rendu avec l'image"


def _fault_of_weights(alone: list[dict], distance: float, variation: float) -> str | None:
    """Dit quel poids ne multiplie pas sa perte : une raison, ou None.

    Args:
        alone: les pertes quand un seul poids n'est pas nul, dans l'ordre d'`ALONE`.
        distance: ce que vaut au départ la perte de style, avant d'être pondérée.
        variation: de même, la variation totale.
    """
    alive = [[name for name, each in told.items() if np.abs(each).max() > 1e-9] for told in alone]
    extra = tuple(len(names) > 1 for names in alive)
    ignored = {
        (True, False, True): "content_weight_ignored",
        (True, True, False): "variation_weight_ignored",
        (False, True, True): "style_weight_ignored",
    }
    if any(extra):
        return ignored.get(extra, "losses_unweighted")
    raw = (_first_of(alone[0]), distance), (_first_of(alone[2]), variation)
    return "losses_unweighted" if any(np.isclose(*pair, rtol=0.02) for pair in raw) else None


def _first_of(losses: dict) -> float:
    """Rend la plus grande des pertes avant le premier pas ; zéro s'il n'y en a pas."""
    return max((each[0] for each in losses.values() if each.size), default=0.0)


def _are_alike(found: dreams.Found, again: dreams.Found) -> bool:
    """Dit si deux appels pareils rendent la même image, et les mêmes pertes."""
    first, second = _losses(found), _losses(again)
    known = all(same(second.get(name), each, tolerance=CLOSE) for name, each in first.items())
    return known and same(again.pixels, found.pixels, tolerance=CLOSE)


def _patch(ask: Ask, shape: tuple, *, colour: tuple, spread: float) -> np.ndarray:
    """Tire une petite image, autour d'une couleur : `(h, w, 3)` float32 de 0 à 255."""
    return np.clip(colour + ask.rng.normal(0, spread, shape), 0, 255).astype(np.float32)


@question("ex14.transfer")
def ask_transfer(ask: Ask) -> Credit:
    """Transforme une petite image sombre en une claire, un poids à la fois, puis tous ensemble."""
    network = dreams.draw_network(ask.rng)
    content = _patch(ask, PATCH, colour=(50, 70, 90), spread=12)
    style = _patch(ask, (10, 9, 3), colour=(190, 170, 210), spread=25)
    try:
        made = _pictures(ask, network, content, style, [(*each, STEPS) for each in ALONE])
    except failures.Failure as failure:
        return _stopped(ask, network, content, style, failure)
    begun = _pictures(ask, Sparse(*network), content, style, [(*TOGETHER, FEW)] * 2)
    styled, kept, smooth = (each.pixels for each in made)
    told = [_losses(each) for each in made]
    sizes = next(filter(None, map(_wrong_sizes, told)), "")
    wanted = _style(network, style)
    before, after, without = (
        dreams.relative_distance(_style(network, each), wanted) for each in (content, styled, kept)
    )
    rough, smoothed = dreams.total_variation(content), dreams.total_variation(smooth)
    lowest = min((each.min() for each in told[0].values() if each.size), default=0)
    # Les autres poids sont nuls : la plus grande des pertes est la variation totale.
    variation = dreams.total_variation(content / 255)
    num_steps = [len(each) for each in _losses(begun[0]).values()]
    grows = _first_of(told[2]) > 10 * TOGETHER[2] * variation
    missed = after > 0.9 * before
    exchanged = missed and without < 0.5 * before
    itself = told[0] and _first_of(told[0]) < 0.02 * before
    still = np.abs(styled - content).max() < 1
    of_weights = None if sizes else _fault_of_weights(told, before, variation / content.size)
    of_style = [
        ("1/4", "weights_exchanged", exchanged),
        ("1/4", of_weights, missed and of_weights),
        ("1/4", "losses_negative", missed and lowest < 0),
        ("1/4", "style_of_content", missed and itself),
        ("1/4", "picture_still", missed and still),
        ("1/4", "style_not_reached", missed),
    ]
    return first_fault(
        *of_style,
        # En trop de pas, l'image s'éloigne de celle du départ : la suite n'en dirait rien.
        ("1/2", "steps_unread", sizes and min(num_steps, default=0) > FEW, sizes),
        # Une image au hasard peut ressembler au style sans l'avoir cherché.
        ("1/2", "starts_elsewhere", np.abs(begun[0].pixels - content).mean() > 30),
        ("1/4", "style_weight_ignored", without < 0.5 * before),
        ("1/2", "variation_ignored", smoothed > 0.8 * rough),
        ("3/4", "losses_not_returned", sizes, sizes),
        ("3/4", "variation_of_bytes", grows),
        ("3/4", "seed_ignored", not _are_alike(*begun)),
        ("3/4", of_weights, of_weights),
        ("3/4", "integers_for_floats", made[0].dtype.kind in "iu"),
    )
