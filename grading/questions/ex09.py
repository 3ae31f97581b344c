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
    same,
    shown_as,
)
from grading.questions.heatmaps import CLASS, NUM_CLASSES, backward, clipped, forward, network

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


def _of_class(scores: np.ndarray, class_index: int) -> np.ndarray:
    return np.eye(len(scores))[class_index]


def _of_log_probability(scores: np.ndarray, class_index: int) -> np.ndarray:
    return np.eye(len(scores))[class_index] - softmax(scores)


def _of_number(number: int):
    """Rend ce qui dérive toujours le score de la même classe."""

    def slope(scores: np.ndarray, class_index: int) -> np.ndarray:
        return _of_class(scores, number)

    return slope


def _of_first_layer(model, image, class_index, *, layer_name=None):
    """Prend par défaut la première couche, celle qui met l'image à l'échelle."""
    if layer_name is None:
        return image / 255, 255 * backward(model, image[None], class_index)[0]
    return _of_scores(_of_class)(model, image, class_index, layer_name=layer_name)


OTHERS = [number for number in range(NUM_CLASSES) if number != CLASS]
GRADIENTS = [
    Mistake("probability_for_score", _of_scores(_of_probability)),
    Mistake("log_probability_for_score", _of_scores(_of_log_probability)),
    Mistake("scores_summed", _of_scores(_of_every_score)),
    Mistake("highest_score", _of_scores(_of_highest)),
    *(Mistake("wrong_class", _of_scores(_of_number(number))) for number in OTHERS),
    Mistake("first_layer_by_default", _of_first_layer),
]


def _announcing(rng, image: np.ndarray, class_index: int) -> messages.Ingredient:
    """Tire un réseau pour qui cette classe est la plus probable."""
    while True:
        model = network(rng, image.shape)
        if forward(model, image[None])["scores"][0].argmax() == class_index:
            return model


def _is_gradient_of_image(found, call: tuple) -> bool:
    """Dit si le second élément rendu est le gradient du score par rapport à l'image."""
    (model, image, class_index), _ = call
    expected = backward(model, image[None], class_index)[0]
    return len(found) == 2 and same(255 * found[1], 255 * expected, tolerance=TOLERANCE)


@question("ex09.maps_and_gradients")
def ask_maps_and_gradients(ask: Ask) -> Credit:
    """Demande la dernière couche, puis une autre, puis une qui n'existe pas."""
    image = pixels(ask.rng, *SHAPE)
    # Deux réseaux annoncent deux classes : la plus probable n'est pas toujours la même.
    given, other = (
        (_announcing(ask.rng, image, number), image, CLASS)
        for number in ask.rng.permutation(OTHERS)[:2]
    )
    early, late, unknown = ((given, {"layer_name": k}) for k in ("early", "late", "mixed7"))
    groups = [("1/2", [(given, {}), (other, {})]), ("3/4", [early, late]), ("1", [unknown])]
    found = ask.compare("maps_and_gradients", groups, mistakes=GRADIENTS, tolerance=TOLERANCE)
    if found.reason == "wrong_parts" and _is_gradient_of_image(found.wrong.answer.value, early):
        return found._replace(reason="gradient_of_image", detail="")
    return found


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


def _weights_of_lines(maps, gradients):
    """Ne fait la moyenne que le long des colonnes : il reste un poids par colonne."""
    return (maps * gradients.mean(0)).sum(2)


def _weights_of_files(maps, gradients):
    """Ne fait la moyenne que le long des lignes : il reste un poids par ligne."""
    return (maps * gradients.mean(1, keepdims=True)).sum(2)


def _absolute_weights(maps, gradients):
    return maps @ np.abs(gradients.mean((0, 1)))


def _positive_gradients(maps, gradients):
    return _grad_cam(maps, np.maximum(gradients, 0))


def _without_gradients(maps, gradients):
    return maps.mean(2)


def _sum_of_maps(maps, gradients):
    return maps.sum(2)


def _of_some_maps(some: slice):
    """Rend la pesée de ces cartes-là seulement."""

    def weighed(maps, gradients):
        return _grad_cam(maps[..., some], gradients[..., some])

    return weighed


FIRST, LAST = slice(None, 1), slice(-1, None)
WITHOUT_FIRST, WITHOUT_LAST = slice(1, None), slice(None, -1)
WEIGHINGS = [  # pesées fausses
    Mistake("averaged_over_channels", lambda m, g: m.sum(2) * g.mean(2), "1/4"),
    Mistake("one_weight_for_all", _one_weight, "1/4"),
    Mistake("weights_of_other_axes", _weights_of_rows, "1/4"),
    Mistake("weights_of_other_axes", _weights_of_columns, "1/4"),
    Mistake("gradients_not_averaged", lambda m, g: (m * g).sum(2), "1/4"),
    Mistake("averaged_along_one_axis", _weights_of_lines, "1/4"),
    Mistake("averaged_along_one_axis", _weights_of_files, "1/4"),
    Mistake("weights_absolute", _absolute_weights, "1/4"),
    Mistake("negative_gradients_removed", _positive_gradients, "1/4"),
    Mistake("one_map_only", _of_some_maps(LAST), "1/4"),
    Mistake("one_map_only", _of_some_maps(FIRST), "1/4"),
    Mistake("map_skipped", _of_some_maps(WITHOUT_FIRST), "1/4"),
    Mistake("map_skipped", _of_some_maps(WITHOUT_LAST), "1/4"),
    Mistake("gradients_unused", _without_gradients),
    Mistake("gradients_unused", _sum_of_maps),
    Mistake("maps_and_gradients_swapped", _weights_of_maps),
]


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
            *WEIGHINGS,
            Mistake("maps_averaged", lambda m, g: _grad_cam(m, g) / m.shape[2], "1/2"),
            Mistake("relu_too_early", altered(_grad_cam, _rectified), "3/4"),
            Mistake("scaled_too_early", altered(_grad_cam, _scaled)),
            Mistake("scaled_too_early", altered(_grad_cam, _scaled_by_size)),
            Mistake("scaled_too_early", altered(_grad_cam, clipped)),
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


def _numerator_squared(maps, gradients):
    """Lit Σ g² / (2 + S·g), là où il faut Σ g / (2 + S·g)."""
    positive, sums = np.maximum(gradients, 0), np.maximum(maps.sum((0, 1)), 0)
    return maps @ (positive**2 / (2 + sums * positive)).sum((0, 1))


PLUS_PLUS = [
    Mistake("weights_of_grad_cam", _grad_cam),
    Mistake("numerator_squared", _numerator_squared),
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


def _by_first_cell(heatmap, image):
    """Recopie en chaque pixel la case où il tombe, en arrondissant vers le bas."""
    rows, columns = (
        np.arange(size) * side // size
        for size, side in zip(image.shape[:2], heatmap.shape, strict=True)
    )
    return clipped(heatmap[rows][:, columns])


def _stretched(heatmap, image):
    large = _not_scaled(heatmap, image)
    return (large - large.min()) / max(np.ptp(large), np.finfo(np.float32).tiny)


def _lost_if_small(heatmap, image):
    large = _enlarged(heatmap, image)
    return large if heatmap.max() > 1 else 0 * large


def _ones_for_nothing(heatmap, image):
    large = _enlarged(heatmap, image)
    return large if large.max() > 0 else 1 + large


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
    """Agrandit des cartes des deux signes, une toute positive, puis une qui n'a rien de positif."""
    image = np.zeros((13, 18, 3), np.uint8)
    signed = [((ask.rng.normal(0, 3, (4, 5)).astype(np.float32), image), {}) for _ in range(3)]
    signed += [((ask.rng.uniform(0.2, 0.6, (4, 5)).astype(np.float32), image), {})]
    nothing = [((-ask.rng.random((4, 5)).astype(np.float32), image), {})]
    mistakes = [
        Mistake("relu_after_resize", altered(_resized, clipped), "3/4"),
        Mistake("map_not_clipped", altered(_resized, lambda m: m / abs(m).max()), "1/4"),
        Mistake("map_not_scaled", _not_scaled, "1/2"),
        Mistake("scaled_before_resize", _scaled_before),
        Mistake("absolute_for_relu", _absolute),
        Mistake("absolute_for_relu", _absolute_scaled_before),
    ]
    mistakes += [
        Mistake("enlarged_by_blocks", partial(_enlarged, order=0), "1/2"),
        Mistake("enlarged_by_blocks", _in_whole_blocks),
        Mistake("enlarged_by_blocks", _by_first_cell, "1/2"),
        Mistake("minimum_removed", _stretched, "1/4"),
        Mistake("small_map_lost", _lost_if_small, "1/4"),
        Mistake("ones_for_nothing", _ones_for_nothing),
    ]
    return ask.judge(
        "enlarge", [("1/2", signed), ("1", nothing)], _enlarged, mistakes, tolerance=TOLERANCE
    )


def _plus_plus(maps, gradients):
    positive, sums = np.maximum(gradients, 0), np.maximum(maps.sum((0, 1)), 0)
    return maps @ (positive / (2 + sums * positive)).sum((0, 1))


def _composed(calls: list, pairs: list, small: list) -> list[Mistake]:
    """Rend les fautes de `grad_cam` qui viennent de ce qu'elle enchaîne, par numéro d'appel."""
    if any(heatmap.ndim != 2 for heatmap in small):  # `grad_cam_map` est déjà fausse
        return []
    explained = _of_scores(_of_class)

    def enlarged(heatmap):
        return _enlarged(heatmap, np.zeros(SHAPE))

    def plus_plus(number):
        return enlarged(_plus_plus(*pairs[number]))

    def weighed(weigh):
        return lambda number: enlarged(weigh(*pairs[number]))

    def most_probable(number):
        (model, image, _), options = calls[number]
        predicted = forward(model, image[None])["scores"][0].argmax()
        return enlarged(_grad_cam(*explained(model, image, predicted, **options)))

    def always(class_index):
        def compute(number):
            (model, image, _), options = calls[number]
            return enlarged(_grad_cam(*explained(model, image, class_index, **options)))

        return compute

    def negated(number):
        return enlarged(-small[number])

    def upside_down(number):
        return 1 - enlarged(small[number])

    def times_image(number):
        (_, image, _), _ = calls[number]
        return enlarged(small[number])[..., np.newaxis] * image

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
        Mistake("class_ignored", most_probable),
        *(Mistake("wrong_class", always(number)) for number in OTHERS),
        Mistake("map_against_class", negated),
        Mistake("map_upside_down", upside_down),
        Mistake("multiplied_by_image", times_image),
        Mistake("image_divided", divided),
        Mistake("absolute_for_relu", absolute),
        Mistake("map_not_scaled", not_scaled),
        Mistake("map_not_enlarged", small_scaled),
        *(each._replace(compute=weighed(each.compute), level="0") for each in reversed(WEIGHINGS)),
    ]


@question("ex09.grad_cam")
def ask_grad_cam(ask: Ask) -> Credit:
    """Compare la carte à ce que donnent, enchaînées, les fonctions du rendu."""
    image = pixels(ask.rng, *SHAPE)
    models = [network(ask.rng, SHAPE) for _ in range(NUM_MODELS)]
    names = ({}, {"layer_name": "early"})
    calls = [((model, image, CLASS), options) for options in names for model in models]
    unknown = (models[0], image, CLASS), {"layer_name": "mixed7"}
    *answers, refused = ask.calls("maps_and_gradients", [*calls, unknown])
    pairs = [numbers(each) for each in answers]
    if any(each.ndim != 4 or len(each) != 2 for each in pairs):
        return credit(0, "wrong_shape", "maps_and_gradients")
    maps = ask.calls("grad_cam_map", [((*pair.astype(np.float32),), {}) for pair in pairs])
    small = [numbers(each).astype(np.float32) for each in maps]
    own = [
        numbers(each, SHAPE[:2], detail="enlarge")
        for each in ask.calls("enlarge", [((each, image), {}) for each in small])
    ]
    if refused.is_refused:
        calls.append(unknown)

    def right(number):
        if number == len(own):
            raise ValueError
        return own[number]

    every = [((number,), {}) for number in range(len(calls))]
    last, early, beyond = every[:NUM_MODELS], every[NUM_MODELS : len(own)], every[len(own) :]
    found = judge(
        ask.calls("grad_cam", calls),
        [("1/2", last), ("3/4", early), ("1", beyond)],
        right,
        [
            Mistake("layer_ignored", lambda number: own[number % NUM_MODELS]),
            Mistake("map_not_enlarged", small.__getitem__),
            Mistake("map_not_enlarged", lambda number: small[number % NUM_MODELS]),
            *_composed(calls, pairs, small),
        ],
        tolerance=TOLERANCE,
    )
    return shown_as(found, "grad_cam", every, calls)
