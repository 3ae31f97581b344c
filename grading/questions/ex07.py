"""Exercice 07 : cacher l'image carré par carré, et mesurer ce que la classe y perd."""

import types

import numpy as np

from exercises.ex07_occlusion import drops, fill_color, positions
from grading import messages
from grading.questions import Ask, Credit, Mistake, question
from grading.questions.heatmaps import (
    CLASS,
    LIKELIEST,
    NUM_CLASSES,
    ask_bounded,
    glance,
    probabilities,
)

TOLERANCE = 1e-5  # les probabilités sont en float32


def _image(rng, height=9, width=13) -> np.ndarray:
    return rng.integers(0, 256, (height, width, 3)).astype(np.uint8)


@question("ex07.fill_color")
def ask_fill_color(ask: Ask) -> Credit:
    """Demande les trois couleurs, puis une qui n'existe pas."""
    tinted = (_image(ask.rng) * [1, 0.6, 0.3]).astype(np.uint8)
    plain = [((tinted, fill), {}) for fill in ("black", "grey")]
    means = [((each, "mean"), {}) for each in (tinted, _image(ask.rng, 5, 7))]
    groups = [("1/2", plain), ("3/4", means), ("1", [((tinted, "blue"), {})])]
    mistakes = [
        Mistake("color_truncated", lambda image, fill: np.floor(image.mean((0, 1))), "3/4"),
        Mistake("color_not_rounded", lambda image, fill: image.mean((0, 1)), "3/4"),
        Mistake("one_grey_for_all", lambda image, fill: [np.rint(image.mean())] * 3),
    ]
    return ask.judge("fill_color", groups, fill_color, mistakes)


@question("ex07.positions")
def ask_positions(ask: Ask) -> Credit:
    """Tire des côtés où le pas tombe juste, puis d'autres."""
    even, ragged = [((6, 6, 2), {})], [((10, 3, 2), {})]
    for _ in range(3):
        patch, stride, count = (int(n) for n in ask.rng.integers([4, 2, 3], [8, 4, 7]))
        length = patch + stride * count
        even.append(((length, patch, stride), {}))
        ragged.append(((length + int(ask.rng.integers(1, stride)), patch, stride), {}))
    mistakes = [
        Mistake("border_missed", lambda n, patch, step: np.arange(0, n - patch + 1, step)),
        Mistake("patch_sticks_out", lambda n, patch, step: np.arange(0, n, step), "1/4"),
        Mistake("first_values_only", lambda n, patch, step: np.arange(0, n - patch, step), "1/4"),
    ]
    groups = [("1/2", even), ("1", ragged)]
    return ask.judge("positions", groups, positions, mistakes)


def _drops(model, image, class_index, **options) -> np.ndarray:
    """Donne au corrigé un réseau de `glance`."""
    network = types.SimpleNamespace(predict=lambda images, **_: probabilities(model, images))
    return drops(network, image, class_index, **options)


def _what_is_left(model, image, class_index, **options) -> np.ndarray:
    whole = probabilities(model, image[None])[0, class_index]
    return whole - _drops(model, image, class_index, **options)


@question("ex07.drops")
def ask_drops(ask: Ask) -> Credit:
    """Cache l'image d'un réseau connu : carrés côte à côte, qui se recouvrent, par défaut."""
    rng = ask.rng
    small, other, large = _image(rng), _image(rng, 8, 11), _image(rng, 65, 67)

    def call(image, *sizes, **options):
        options |= dict(zip(("patch_px", "stride_px"), sizes, strict=False))
        return (glance(rng, image), image, CLASS), options

    beside = [call(_image(rng, 9, 12), 3, 3, fill="black")]
    beside.append(call(_image(rng, 8, 12), 4, 4, fill="grey"))
    over = [call(small, 3, 2, fill="black"), call(small, 4, 3, fill="grey")]
    over.append(call(other, 8, 1, fill="black"))
    rest = [call(small, 3, 1), call(large), call(other, 9, 2), call(other, 3, 4)]
    mistakes = [
        Mistake("gain_for_drop", lambda *given, **options: -_drops(*given, **options), "1/2"),
        Mistake("probability_not_drop", _what_is_left, "1/4"),
        Mistake("gains_dropped", lambda *given, **o: np.maximum(_drops(*given, **o), 0), "1/2"),
        Mistake(
            "wrong_class", lambda m, i, k, **options: _drops(m, i, LIKELIEST, **options), "1/4"
        ),
    ]
    groups = [("1/2", beside), ("3/4", over), ("1", rest)]
    return ask.judge("drops", groups, _drops, mistakes, tolerance=TOLERANCE)


@question("ex07.occlusion")
def ask_occlusion(ask: Ask) -> Credit:
    """Compare la carte bornée du rendu à ses propres baisses ; la dernière n'en a pas."""
    image = _image(ask.rng)
    shy = np.zeros((*image.shape, NUM_CLASSES))
    shy[..., CLASS] = -1 / image.size  # cacher sous du noir aide toujours cette classe
    models = [glance(ask.rng, image), glance(ask.rng, image)]
    models.append(messages.Ingredient("glance", {"kernel": shy, "bias": np.zeros(NUM_CLASSES)}))
    options = {"patch_px": 3, "stride_px": 2, "fill": "black"}
    return ask_bounded(
        ask, "occlusion", "drops", [((each, image, CLASS), options) for each in models]
    )
