"""Exercice 09 : les cartes d'une couche, leurs gradients, et les deux façons de les peser."""

import numpy as np

from grading import messages, pupil
from grading.questions import RIGHT, Ask, Credit, Mistake, as_floats, credit, judge, question
from grading.questions.heatmaps import (
    CLASS,
    NUM_CLASSES,
    SEEDS,
    backward,
    clipped,
    forward,
    network,
    score_seeds,
)

SHAPE = (8, 11, 3)
TOLERANCE = 1e-5
LAYERS = ("early", "late")  # celles de `probes.small_network`


# --- Les cartes et leurs gradients ---------------------------------------------------


def _maps_and_gradients(
    model, image, class_index, *, layer_name=None, seeds=score_seeds, swapped=False
):
    """Rend les deux tableaux, l'un sur l'autre ; les deux derniers arguments disent une erreur."""
    layer_name = layer_name or LAYERS[-1]
    if layer_name not in LAYERS:
        raise ValueError
    images = image[None].astype(float)
    gradients = backward(model, images, seeds(model, images, class_index))
    pair = [forward(model, images)[layer_name][0], gradients[layer_name][0]]
    return np.stack(pair[::-1] if swapped else pair)


@question("ex09.maps_and_gradients")
def ask_maps_and_gradients(ask: Ask) -> Credit:
    """Demande la dernière couche, puis une autre, puis une qui n'existe pas."""
    rng = ask.rng
    image = rng.integers(0, 256, SHAPE).astype(np.uint8)
    model = network(rng, SHAPE)
    first = (model, image, CLASS)
    groups = [
        ("1/2", [(first, {})]),
        ("3/4", [(first, {"layer_name": "early"}), (first, {"layer_name": "late"})]),
        ("1", [(first, {"layer_name": "mixed7"})]),
    ]

    def wrong(**changes):
        return lambda *positional, **named: _maps_and_gradients(*positional, **{**named, **changes})

    mistakes = [
        *(Mistake(reason, wrong(seeds=seeds), "1/4") for reason, seeds in SEEDS),
        *(Mistake("layer_ignored", wrong(layer_name=name), "1/2") for name in LAYERS),
        Mistake("pair_swapped", wrong(swapped=True), "1/2"),
    ]
    answers = ask.calls("maps_and_gradients", [each for _, calls in groups for each in calls])
    return judge(answers, groups, _maps_and_gradients, mistakes, tolerance=TOLERANCE)


# --- Peser les cartes ----------------------------------------------------------------


def _drawn(rng, num: int = 4) -> list[tuple]:
    """Tire des cartes positives, comme après une ReLU, et des gradients des deux signes."""
    return [
        ((np.maximum(rng.normal(0.2, 1, (4, 6, 5)), 0), rng.normal(0.1, 1, (4, 6, 5))), {})
        for _ in range(num)
    ]


def _weighted(maps, gradients, *, weigh=lambda g: g.mean((0, 1)), gather=np.sum):
    return gather(maps * weigh(gradients), axis=2)


def _grad_cam(**changes):
    return lambda maps, gradients: _weighted(maps, gradients, **changes)


@question("ex09.grad_cam_map")
def ask_grad_cam_map(ask: Ask) -> Credit:
    """Pèse des cartes tirées au hasard."""
    calls = _drawn(ask.rng)
    ground = _weighted

    mistakes = [
        Mistake(
            "averaged_over_channels", _grad_cam(weigh=lambda g: g.mean(2, keepdims=True)), "1/4"
        ),
        Mistake("gradients_not_averaged", _grad_cam(weigh=lambda g: g), "1/4"),
        Mistake("gradients_summed", _grad_cam(weigh=lambda g: g.sum((0, 1))), "1/2"),
        Mistake("maps_averaged", _grad_cam(gather=np.mean), "1/2"),
        Mistake("maps_averaged", _grad_cam(gather=np.max), "1/4"),
        Mistake(
            "gradients_clipped", _grad_cam(weigh=lambda g: np.maximum(g, 0).mean((0, 1))), "1/4"
        ),
        Mistake("gradients_clipped", _grad_cam(weigh=lambda g: abs(g).mean((0, 1))), "1/4"),
        Mistake("gradients_clipped", _grad_cam(weigh=lambda g: abs(g.mean((0, 1)))), "1/4"),
        Mistake("largest_gradient", _grad_cam(weigh=lambda g: g.max((0, 1))), "1/4"),
        Mistake("relu_too_early", lambda *a: np.maximum(ground(*a), 0), "3/4"),
        Mistake("relu_too_early", lambda *a: clipped(ground(*a)), "1/2"),
        Mistake("absolute_value", lambda *a: abs(ground(*a)), "1/4"),
    ]
    answers = ask.calls("grad_cam_map", calls)
    return judge(answers, [("1", calls)], ground, mistakes, tolerance=TOLERANCE)


def _plus_plus(maps, gradients, *, positive=None, sums=None, weigh=None, gather=np.sum):
    """Pèse comme Grad-CAM++ ; les quatre derniers arguments disent une erreur."""
    positive = np.maximum(gradients, 0) if positive is None else positive(gradients)
    total = np.maximum(maps.sum((0, 1)) if sums is None else sums(maps), 0)
    shares = (positive if weigh is None else weigh(positive)) / (2 + total * positive)
    return maps @ gather(shares, axis=(0, 1))


def _wrong_plus_plus(**changes):
    return lambda maps, gradients: _plus_plus(maps, gradients, **changes)


@question("ex09.grad_cam_plus_plus_map")
def ask_plus_plus(ask: Ask) -> Credit:
    """Pèse des cartes positives, puis une dont la somme est négative."""
    calls, (((maps, gradients), _),) = _drawn(ask.rng, 3), _drawn(ask.rng, 1)
    below = maps - [0, 3, 0, 0, 1]
    groups = [("3/4", calls), ("1", [((below, gradients), {})])]
    mistakes = [
        Mistake("plain_grad_cam", _weighted, "1/4"),
        Mistake("negative_gradients_kept", _wrong_plus_plus(positive=np.array), "1/4"),
        Mistake("negative_gradients_kept", _wrong_plus_plus(positive=np.abs), "1/4"),
        Mistake("weight_without_gradient", _wrong_plus_plus(weigh=lambda p: p > 0), "1/4"),
        Mistake("weight_without_gradient", _wrong_plus_plus(weigh=np.ones_like), "1/4"),
        Mistake("map_sum_forgotten", _wrong_plus_plus(sums=lambda m: m), "1/4"),
        Mistake("map_sum_forgotten", _wrong_plus_plus(sums=lambda m: np.zeros(m.shape[2])), "1/4"),
        Mistake("map_sum_forgotten", _wrong_plus_plus(sums=lambda m: m.mean((0, 1))), "1/4"),
        Mistake("map_sum_forgotten", _wrong_plus_plus(sums=lambda m: m.sum()), "1/4"),
        Mistake("weights_averaged", _wrong_plus_plus(gather=np.mean), "1/2"),
        Mistake("relu_too_early", lambda *a: np.maximum(_plus_plus(*a), 0), "3/4"),
    ]
    answers = ask.calls("grad_cam_plus_plus_map", [each for _, some in groups for each in some])
    return judge(answers, groups, _plus_plus, mistakes, tolerance=TOLERANCE)


# --- La carte ------------------------------------------------------------------------


def _resized(heatmap, height, width, *, blocks=False):
    """Agrandit une carte, bilinéaire, le milieu d'une case au milieu des pixels qu'elle couvre."""
    heatmap = np.asarray(heatmap, float)
    for axis, length in enumerate((height, width)):
        old = heatmap.shape[axis]
        places = np.clip((np.arange(length) + 0.5) * old / length - 0.5, 0, old - 1)
        places = np.floor((np.arange(length) + 0.5) * old / length) if blocks else places
        low = np.floor(places).astype(int)
        part = (places - low).reshape((-1, 1) if axis == 0 else (1, -1))
        first, second = (np.take(heatmap, np.minimum(low + k, old - 1), axis) for k in (0, 1))
        heatmap = first * (1 - part) + second * part
    return heatmap


def _enlarged(heatmap, image, *, before=lambda v: np.maximum(v, 0), after=clipped, **options):
    return after(_resized(before(heatmap), *image.shape[:2], **options))


def _same(values):
    return values


@question("ex09.enlarge")
def ask_enlarge(ask: Ask) -> Credit:
    """Agrandit des cartes des deux signes, puis une qui n'a rien de positif."""
    rng = ask.rng
    image = np.zeros((13, 18, 3), np.uint8)
    signed = [((rng.normal(0, 3, (4, 5)).astype(np.float32), image), {}) for _ in range(3)]
    nothing = [((-rng.random((4, 5)).astype(np.float32), image), {})]

    def wrong(**changes):
        return lambda heatmap, image: _enlarged(heatmap, image, **changes)

    mistakes = [
        Mistake("relu_after_resize", wrong(before=_same), "3/4"),
        Mistake("map_not_clipped", wrong(before=_same, after=lambda v: v / abs(v).max()), "1/4"),
        Mistake("map_not_clipped", wrong(before=_same, after=lambda v: v / v.max()), "1/4"),
        Mistake("absolute_value", wrong(before=abs), "1/4"),
        Mistake("map_not_scaled", wrong(after=_same), "1/2"),
        Mistake("map_not_scaled", lambda h, i: _enlarged(clipped(h), i, after=_same), "3/4"),
        Mistake("map_not_scaled", wrong(before=_same, after=_same)),
        Mistake("enlarged_by_blocks", wrong(blocks=True), "1/2"),
        Mistake("map_stretched", wrong(before=_same, after=_stretched), "1/4"),
    ]
    groups = [("1/2", signed), ("1", nothing)]
    answers = ask.calls("enlarge", signed + nothing)
    with np.errstate(invalid="ignore"):  # une erreur divise zéro par zéro
        return judge(answers, groups, _enlarged, mistakes, tolerance=1e-4)


def _stretched(values):
    return (values - values.min()) / np.ptp(values)


@question("ex09.grad_cam")
def ask_grad_cam(ask: Ask) -> Credit:
    """Compare la carte à ce que donnent, enchaînées, les fonctions du rendu."""
    rng = ask.rng
    image = rng.integers(0, 256, SHAPE).astype(np.uint8)
    model = _lit_network(rng, image)
    calls = [
        ((model, image, CLASS), {"layer_name": name} if name else {}) for name in (None, "early")
    ]
    pairs = [_values(each) for each in ask.calls("maps_and_gradients", calls)]
    if any(each.ndim != 4 or len(each) != 2 for each in pairs):
        return credit(0, "wrong_shape", "maps_and_gradients")
    kinds = {}
    for function in ("grad_cam_map", "grad_cam_plus_plus_map"):
        maps = ask.calls(function, [((*pair,), {}) for pair in pairs])
        maps = ask.calls("enlarge", [((_values(each), image), {}) for each in maps])
        kinds[function] = [_values(each) for each in maps]
    right, other = kinds["grad_cam_map"], kinds["grad_cam_plus_plus_map"]
    if any(each.shape != SHAPE[:2] or np.ptp(each) == 0 for each in right):
        return credit(0, "wrong_values", "enlarge")
    groups = [("1/2", [((0,), {})]), ("1", [((1,), {})])]
    mistakes = [
        Mistake("layer_ignored", lambda k: right[0], "1/2"),
        Mistake("layer_ignored", lambda k: right[1], "1/2"),
        Mistake("methods_swapped", lambda k: other[k], "1/2"),
    ]
    answers = ask.calls("grad_cam", calls)
    found = judge(answers, groups, lambda k: right[k], mistakes, tolerance=1e-4)
    return RIGHT if found.level == 1 else found


def _lit_network(rng, image) -> messages.Ingredient:
    """Tire un réseau dont aucune carte, de quelque classe ou couche que ce soit, n'est nulle."""
    while True:
        model = network(rng, SHAPE)
        found = [
            _weighted(*_maps_and_gradients(model, image, k, layer_name=name))
            for k in range(NUM_CLASSES)
            for name in LAYERS
        ]
        if all(each.max() > abs(each).max() / 10 for each in found):
            return model


def _values(answer: pupil.Answer) -> np.ndarray:
    """Rend ce qu'a rendu une fonction, ou relance ce qui l'a arrêtée."""
    if answer.error:
        raise pupil.failure_of(answer.error)
    values = as_floats(answer.value)
    if values is None:
        raise pupil.Failure("wrong_type")
    return values.astype(np.float32)
