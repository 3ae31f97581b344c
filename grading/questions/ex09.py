"""Exercice 09 : les cartes d'une couche, leurs gradients, et les deux façons de les peser."""

from functools import partial

import numpy as np
from scipy import ndimage
from scipy.special import softmax

from grading.inside import messages
from grading.questions import (
    TOLERANCE,
    Ask,
    Credit,
    Mistake,
    altered,
    compared,
    credit,
    judge,
    numbers,
    pixels,
    question,
    shown_as,
)
from grading.questions.heatmaps import CLASS, clipped, forward, network

SHAPE = (8, 11, 3)
NUM_MODELS = 4  # la carte de l'un peut n'avoir rien de positif


# --- Les cartes et leurs gradients ---------------------------------------------------


def _of_scores(slope):
    """Rend `maps_and_gradients`, d'autre chose que le score de la classe.

    Args:
        slope: rend, des scores et de la classe, la dérivée de cette autre chose par les scores.
    """

    def maps_and_gradients(model, image, class_index, *, layer_name=None):
        found, (_, second, dense) = forward(model, image[None]), model.options["kernels"]
        if layer_name not in (None, "early", "late"):
            raise ValueError
        late = found["late"][0]
        gradient = (dense @ slope(found["scores"][0], class_index)).reshape(late.shape)
        if layer_name != "early":
            return late, gradient
        return found["early"][0], (gradient * (1 - late**2)) @ second[0, 0].T

    return maps_and_gradients


def _of_probability(scores: np.ndarray, class_index: int) -> np.ndarray:
    shares = softmax(scores)
    return shares[class_index] * (np.eye(len(scores))[class_index] - shares)


def _of_every_score(scores: np.ndarray, class_index: int) -> np.ndarray:
    return np.ones(len(scores))


def _of_highest(scores: np.ndarray, class_index: int) -> np.ndarray:
    return np.eye(len(scores))[scores.argmax()]


GRADIENTS = [
    Mistake("probability_for_score", _of_scores(_of_probability)),
    Mistake("scores_summed", _of_scores(_of_every_score)),
    Mistake("highest_score", _of_scores(_of_highest)),
]


def _surprised(rng, image: np.ndarray) -> messages.Ingredient:
    """Tire un réseau pour qui la classe expliquée n'est pas la plus probable."""
    while True:
        model = network(rng, image.shape)
        if forward(model, image[None])["scores"][0].argmax() != CLASS:
            return model


@compared("ex09.maps_and_gradients", mistakes=GRADIENTS, tolerance=TOLERANCE)
def ask_maps_and_gradients(ask: Ask) -> list:
    """Demande la dernière couche, puis une autre, puis une qui n'existe pas."""
    image = pixels(ask.rng, *SHAPE)
    given = _surprised(ask.rng, image), image, CLASS
    early, late, unknown = ((given, {"layer_name": k}) for k in ("early", "late", "mixed7"))
    return [("1/2", [(given, {})]), ("3/4", [early, late]), ("1", [unknown])]


# --- Peser les cartes ----------------------------------------------------------------


def _drawn(rng, num: int) -> list[tuple]:
    """Tire des cartes positives, comme après une ReLU, et des gradients des deux signes."""
    return [
        ((np.maximum(rng.normal(0.2, 1, (4, 6, 5)), 0), rng.normal(0.1, 1, (4, 6, 5))), {})
        for _ in range(num)
    ]


def _rectified(heatmap):
    return np.maximum(heatmap, 0)


def _grad_cam(maps, gradients):
    return maps @ gradients.mean((0, 1))


def _one_weight(maps, gradients):
    return maps.sum(2) * gradients.mean()


def _weights_of_rows(maps, gradients):
    return maps.sum(2) * gradients.mean((1, 2))[:, None]


def _weights_of_columns(maps, gradients):
    return maps.sum(2) * gradients.mean((0, 2))[None]


def _weights_of_maps(maps, gradients):
    return _grad_cam(gradients, maps)


def _scaled(heatmap):
    return heatmap / heatmap.max()


def _scaled_by_size(heatmap):
    return heatmap / np.abs(heatmap).max()


@question("ex09.grad_cam_map")
def ask_grad_cam_map(ask: Ask) -> Credit:
    """Pèse des cartes tirées au hasard."""
    return ask.judge(
        "grad_cam_map",
        [("1", _drawn(ask.rng, 4))],
        _grad_cam,
        [
            Mistake("averaged_over_channels", lambda m, g: m.sum(2) * g.mean(2), "1/4"),
            Mistake("one_weight_for_all", _one_weight, "1/4"),
            Mistake("weights_of_other_axes", _weights_of_rows, "1/4"),
            Mistake("weights_of_other_axes", _weights_of_columns, "1/4"),
            Mistake("gradients_not_averaged", lambda m, g: (m * g).sum(2), "1/4"),
            Mistake("maps_averaged", lambda m, g: _grad_cam(m, g) / m.shape[2], "1/2"),
            Mistake("relu_too_early", altered(_grad_cam, _rectified), "3/4"),
            Mistake("scaled_too_early", altered(_grad_cam, _scaled)),
            Mistake("scaled_too_early", altered(_grad_cam, _scaled_by_size)),
            Mistake("scaled_too_early", altered(_grad_cam, clipped)),
            Mistake("maps_and_gradients_swapped", _weights_of_maps),
            Mistake("maps_and_gradients_swapped", altered(_weights_of_maps, _rectified)),
        ],
        tolerance=TOLERANCE,
    )


def _divided_too_early(maps, gradients):
    """Lit g / 2 + S·g, sans parenthèses, là où il faut g / (2 + S·g)."""
    positive = np.maximum(gradients, 0)
    return maps @ (positive / 2 + np.maximum(maps.sum((0, 1)), 0) * positive).sum((0, 1))


def _one_sum(maps, gradients):
    """Prend, pour la somme de chaque carte, celle de toutes les cartes."""
    positive = np.maximum(gradients, 0)
    return maps @ (positive / (2 + max(maps.sum(), 0) * positive)).sum((0, 1))


PLUS_PLUS = [
    Mistake("parentheses_missing", _divided_too_early),
    Mistake("one_sum_for_all", _one_sum),
]


@compared("ex09.grad_cam_plus_plus_map", mistakes=PLUS_PLUS, tolerance=TOLERANCE)
def ask_plus_plus(ask: Ask) -> list:
    """Pèse des cartes positives, puis une dont la somme est négative."""
    *calls, ((maps, gradients), _) = _drawn(ask.rng, 4)
    return [("3/4", calls), ("1", [((maps - [0, 3, 0, 0, 1], gradients), {})])]


# --- La carte ------------------------------------------------------------------------


def _resized(heatmap, image, *, order=1):
    """Agrandit une carte : bilinéaire, ou par blocs si `order` vaut 0."""
    factors = np.divide(image.shape[:2], heatmap.shape)
    return ndimage.zoom(heatmap, factors, order=order, mode="nearest", grid_mode=True)


def _in_whole_blocks(heatmap, image):
    """Recopie chaque case un nombre entier de fois : la carte n'a pas toujours la bonne taille."""
    sides = np.floor_divide(image.shape[:2], heatmap.shape)
    with np.errstate(invalid="ignore"):
        large = np.kron(_rectified(heatmap), np.ones(sides))
        return large / large.max()


def _scaled_before(heatmap, image):
    return _resized(clipped(heatmap), image)


def _absolute(heatmap, image):
    return clipped(_resized(np.abs(heatmap), image))


def _absolute_scaled_before(heatmap, image):
    return _scaled_before(np.abs(heatmap), image)


def _not_scaled(heatmap, image):
    return _resized(_rectified(heatmap), image)


def _enlarged(heatmap, image, **options):
    return clipped(_resized(_rectified(heatmap), image, **options))


@question("ex09.enlarge")
def ask_enlarge(ask: Ask) -> Credit:
    """Agrandit des cartes des deux signes, puis une qui n'a rien de positif."""
    image = np.zeros((13, 18, 3), np.uint8)
    signed = [((ask.rng.normal(0, 3, (4, 5)).astype(np.float32), image), {}) for _ in range(3)]
    nothing = [((-ask.rng.random((4, 5)).astype(np.float32), image), {})]
    return ask.judge(
        "enlarge",
        [("1/2", signed), ("1", nothing)],
        _enlarged,
        [
            Mistake("relu_after_resize", altered(_resized, clipped), "3/4"),
            Mistake("map_not_clipped", altered(_resized, lambda m: m / abs(m).max()), "1/4"),
            Mistake("map_not_scaled", _not_scaled, "1/2"),
            Mistake("scaled_before_resize", _scaled_before),
            Mistake("absolute_for_relu", _absolute),
            Mistake("absolute_for_relu", _absolute_scaled_before),
            Mistake("enlarged_by_blocks", partial(_enlarged, order=0), "1/2"),
            Mistake("enlarged_by_blocks", _in_whole_blocks),
        ],
        tolerance=TOLERANCE,
    )


def _plus_plus(maps, gradients):
    positive, sums = np.maximum(gradients, 0), np.maximum(maps.sum((0, 1)), 0)
    return maps @ (positive / (2 + sums * positive)).sum((0, 1))


def _of_class(scores: np.ndarray, class_index: int) -> np.ndarray:
    return np.eye(len(scores))[class_index]


def _composed(calls: list, pairs: list, small: list) -> list[Mistake]:
    """Rend les fautes de `grad_cam` qui viennent de ce qu'elle enchaîne, par numéro d'appel."""
    if any(heatmap.ndim != 2 for heatmap in small):  # `grad_cam_map` est déjà fausse
        return []
    explained = _of_scores(_of_class)

    def enlarged(heatmap):
        return _enlarged(heatmap, np.zeros(SHAPE))

    def plus_plus(number):
        return enlarged(_plus_plus(*pairs[number]))

    def swapped(number):
        return enlarged(_grad_cam(*pairs[number][::-1]))

    def most_probable(number):
        (model, image, _), options = calls[number]
        predicted = forward(model, image[None])["scores"][0].argmax()
        return enlarged(_grad_cam(*explained(model, image, predicted, **options)))

    def divided(number):
        (model, image, index), options = calls[number]
        return enlarged(_grad_cam(*explained(model, image / 255, index, **options)))

    def absolute(number):
        return enlarged(np.abs(small[number]))

    def not_scaled(number):
        return _not_scaled(small[number], np.zeros(SHAPE))

    def small_scaled(number):
        return clipped(small[number])

    return [
        Mistake("weights_of_plus_plus", plus_plus),
        Mistake("maps_and_gradients_swapped", swapped),
        Mistake("class_ignored", most_probable),
        Mistake("image_divided", divided),
        Mistake("absolute_for_relu", absolute),
        Mistake("map_not_scaled", not_scaled),
        Mistake("map_not_enlarged", small_scaled),
    ]


@question("ex09.grad_cam")
def ask_grad_cam(ask: Ask) -> Credit:
    """Compare la carte à ce que donnent, enchaînées, les fonctions du rendu."""
    image = pixels(ask.rng, *SHAPE)
    models = [network(ask.rng, SHAPE) for _ in range(NUM_MODELS)]
    names = ({}, {"layer_name": "early"})
    calls = [((model, image, CLASS), options) for options in names for model in models]
    pairs = [numbers(each) for each in ask.calls("maps_and_gradients", calls)]
    if any(each.ndim != 4 or len(each) != 2 for each in pairs):
        return credit(0, "wrong_shape", "maps_and_gradients")
    maps = ask.calls("grad_cam_map", [((*pair.astype(np.float32),), {}) for pair in pairs])
    small = [numbers(each).astype(np.float32) for each in maps]
    own = [
        numbers(each, SHAPE[:2], detail="enlarge")
        for each in ask.calls("enlarge", [((each, image), {}) for each in small])
    ]
    every = [((number,), {}) for number in range(len(calls))]
    found = judge(
        ask.calls("grad_cam", calls),
        [("1/2", every[:NUM_MODELS]), ("1", every[NUM_MODELS:])],
        own.__getitem__,
        [
            Mistake("layer_ignored", lambda number: own[number % NUM_MODELS]),
            Mistake("map_not_enlarged", small.__getitem__),
            Mistake("map_not_enlarged", lambda number: small[number % NUM_MODELS]),
            *_composed(calls, pairs, small),
        ],
        tolerance=TOLERANCE,
    )
    return shown_as(found, "grad_cam", every, calls)
