"""Exercice 09 : les cartes d'une couche, leurs gradients, et les deux façons de les peser."""

from functools import partial

import numpy as np
from scipy import ndimage

from grading.questions import Ask, Credit, Mistake, altered, credit, judge, numbers, question
from grading.questions.heatmaps import (
    CLASS,
    SEEDS,
    TOLERANCE,
    backward,
    clipped,
    forward,
    network,
    score_seeds,
)

SHAPE = (8, 11, 3)
LAYERS = ("early", "late")  # celles de `probes.small_network`


# --- Les cartes et leurs gradients ---------------------------------------------------


def _maps_and_gradients(model, image, class_index, *, layer_name="late", seeds=score_seeds):
    """Rend les cartes et leurs gradients, les unes sur les autres."""
    if layer_name not in LAYERS:
        raise ValueError
    images = image[None].astype(float)
    gradients = backward(model, images, seeds(model, images, class_index))
    return np.stack([forward(model, images)[layer_name][0], gradients[layer_name][0]])


@question("ex09.maps_and_gradients")
def ask_maps_and_gradients(ask: Ask) -> Credit:
    """Demande la dernière couche, puis une autre, puis une qui n'existe pas."""
    given = network(ask.rng, SHAPE), ask.rng.integers(0, 256, SHAPE).astype(np.uint8), CLASS
    names = ({}, {"layer_name": "early"}, {"layer_name": "late"}, {"layer_name": "mixed7"})
    calls = [(given, options) for options in names]
    return ask.judge(
        "maps_and_gradients",
        [("1/2", calls[:1]), ("3/4", calls[1:3]), ("1", calls[3:])],
        _maps_and_gradients,
        [
            *(Mistake(k, partial(_maps_and_gradients, seeds=SEEDS[k]), "1/4") for k in SEEDS),
            Mistake("wrong_class", lambda m, i, k, **o: _maps_and_gradients(m, i, 0, **o), "1/4"),
            Mistake("layer_ignored", lambda *given, **_: _maps_and_gradients(*given), "1/2"),
        ],
        tolerance=TOLERANCE,
    )


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


@question("ex09.grad_cam_map")
def ask_grad_cam_map(ask: Ask) -> Credit:
    """Pèse des cartes tirées au hasard."""
    return ask.judge(
        "grad_cam_map",
        [("1", _drawn(ask.rng, 4))],
        _grad_cam,
        [
            Mistake("averaged_over_channels", lambda m, g: m.sum(2) * g.mean(2), "1/4"),
            Mistake("gradients_not_averaged", lambda m, g: (m * g).sum(2), "1/4"),
            Mistake("maps_averaged", lambda m, g: _grad_cam(m, g) / m.shape[2], "1/2"),
            Mistake("relu_too_early", altered(_grad_cam, _rectified), "3/4"),
        ],
        tolerance=TOLERANCE,
    )


def _plus_plus(maps, gradients, *, positive=_rectified, axes=(0, 1)):
    """Pèse comme Grad-CAM++ ; `axes` dit sur quoi une carte est additionnée."""
    total, positive = _rectified(maps.sum(axes)), positive(gradients)
    return maps @ (positive / (2 + total * positive)).sum((0, 1))


@question("ex09.grad_cam_plus_plus_map")
def ask_plus_plus(ask: Ask) -> Credit:
    """Pèse des cartes positives, puis une dont la somme est négative."""
    *calls, ((maps, gradients), _) = _drawn(ask.rng, 4)
    return ask.judge(
        "grad_cam_plus_plus_map",
        [("3/4", calls), ("1", [((maps - [0, 3, 0, 0, 1], gradients), {})])],
        _plus_plus,
        [
            Mistake("plain_grad_cam", _grad_cam, "1/4"),
            Mistake("negative_gradients_kept", partial(_plus_plus, positive=abs), "1/4"),
            Mistake("map_sum_forgotten", partial(_plus_plus, axes=()), "1/4"),
            Mistake("relu_too_early", altered(_plus_plus, _rectified), "3/4"),
        ],
        tolerance=TOLERANCE,
    )


# --- La carte ------------------------------------------------------------------------


def _resized(heatmap, image, *, order=1):
    """Agrandit une carte : bilinéaire, ou par blocs si `order` vaut 0."""
    factors = np.divide(image.shape[:2], heatmap.shape)
    return ndimage.zoom(heatmap, factors, order=order, mode="nearest", grid_mode=True)


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
            Mistake("map_not_scaled", lambda m, i: _resized(_rectified(m), i), "1/2"),
            Mistake("enlarged_by_blocks", partial(_enlarged, order=0), "1/2"),
        ],
        tolerance=TOLERANCE,
    )


@question("ex09.grad_cam")
def ask_grad_cam(ask: Ask) -> Credit:
    """Compare la carte à ce que donnent, enchaînées, les fonctions du rendu."""
    image = ask.rng.integers(0, 256, SHAPE).astype(np.uint8)
    # De vingt réseaux, celui dont la carte a le plus de positif.
    model = max(
        (network(ask.rng, SHAPE) for _ in range(20)),
        key=lambda each: _grad_cam(*_maps_and_gradients(each, image, CLASS)).max(),
    )
    calls = [((model, image, CLASS), {}), ((model, image, CLASS), {"layer_name": "early"})]
    pairs = [numbers(each) for each in ask.calls("maps_and_gradients", calls)]
    if any(each.ndim != 4 or len(each) != 2 for each in pairs):
        return credit(0, "wrong_shape", "maps_and_gradients")
    maps = ask.calls("grad_cam_map", [((*pair.astype(np.float32),), {}) for pair in pairs])
    small = [numbers(each).astype(np.float32) for each in maps]
    own = [
        numbers(each, SHAPE[:2], detail="enlarge")
        for each in ask.calls("enlarge", [((each, image), {}) for each in small])
    ]
    return judge(
        ask.calls("grad_cam", calls),
        [("1/2", [((0,), {})]), ("1", [((1,), {})])],
        own.__getitem__,
        [Mistake("layer_ignored", lambda number: own[0])],
        tolerance=TOLERANCE,
    )
