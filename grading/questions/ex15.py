"""Exercice 15 : compter ce que coûte un réseau ; le module Inception, le bloc à raccourci."""

from collections.abc import Iterator
from functools import partial
from math import prod
from typing import NamedTuple

import numpy as np

from grading import messages, pupil
from grading.questions import (
    RIGHT,
    Ask,
    Credit,
    Mistake,
    as_bytes,
    as_floats,
    credit,
    judge,
    networks,
    question,
)

Network = messages.Ingredient
MAPS = (8, 10)  # lignes et colonnes des cartes données au module Inception
DEPTH = 6
POOLS = {  # couches, et opérations de `keras.ops`
    **dict.fromkeys(("MaxPooling2D", "GlobalMaxPooling2D", "MaxPool"), "max"),
    **dict.fromkeys(("AveragePooling2D", "GlobalAveragePooling2D", "AveragePool"), "average"),
}


# --- Compter -------------------------------------------------------------------------


class Counted(NamedTuple):
    """Ce qu'il y a à compter dans une couche."""

    dense: bool
    weights: int  # du noyau
    depth: int  # canaux que lit chaque filtre
    biases: int
    other: int  # moyennes et échelles d'une normalisation
    inside: int  # positions de la fenêtre
    unstrided: int  # les mêmes, si le pas était de 1
    before: int  # cases de ce qui entre


def _network(shape: tuple, *stack) -> Network:
    return Network("plain_network", {"shape": list(shape), "stack": [list(each) for each in stack]})


def _layers(network: Network) -> Iterator[Counted]:
    """Suit les formes, couche par couche.

    Raises:
        ValueError: taille libre, ou couche qu'on ne compte pas.
    """
    *sides, channels = network.options["shape"]
    if None in sides:
        raise ValueError
    for name, options in network.options["stack"]:
        size, before = options.get("kernel_size", options.get("pool_size", 1)), prod(sides)
        stride = options.get("strides", size if "Pooling" in name else 1)
        same = options.get("padding") == "same"
        if name == "Flatten":
            sides, channels = [], channels * prod(sides)
        elif name == "BatchNormalization":
            yield Counted(False, 0, 1, 0, 4 * channels, 0, 0, 0)
        elif name == "Dense":
            units = options["units"]
            yield Counted(True, channels * units, channels, units, 0, 1, 1, 1)
            channels = units
        elif name in ("Conv2D", "DepthwiseConv2D", "MaxPooling2D"):
            unstrided = prod(side if same else side - size + 1 for side in sides)
            sides = [-(-side // stride) if same else (side - size) // stride + 1 for side in sides]
            depth = channels // options.get("groups", 1) if name == "Conv2D" else 1
            channels = options.get("filters", channels)
            weights = size**2 * depth * channels
            if name != "MaxPooling2D":
                yield Counted(False, weights, depth, channels, 0, prod(sides), unstrided, before)
        else:
            raise ValueError


def _operations(network: Network, *, of=lambda each: each.inside * each.weights) -> int:
    return sum(of(each) for each in _layers(network))


def _drawn(rng: np.random.Generator, low: int, high: int) -> int:
    return int(rng.integers(low, high))


@question("ex15.operations")
def ask_operations(ask: Ask) -> Credit:
    """Compte sur de petits réseaux, de plus en plus variés."""

    def draw(low, high):
        return _drawn(ask.rng, low, high)

    def conv(size, **options):
        return "Conv2D", {"filters": draw(3, 9), "kernel_size": size, **options}

    def dense():
        return "Dense", {"units": draw(3, 12)}

    def shape(channels=None):
        return draw(11, 16), draw(17, 22), channels or draw(2, 5)

    plain = [
        _network(shape(), conv(3), conv(2), ("Flatten", {}), dense(), dense()),
        _network((draw(5, 20),), dense(), dense()),
    ]
    varied = [
        _network(shape(), conv(5, strides=2), conv(3, padding="same"), ("Flatten", {}), dense()),
        _network(
            shape(),
            conv(3, strides=2, padding="same"),
            ("BatchNormalization", {}),
            ("MaxPooling2D", {"pool_size": 2}),
            conv(1),
        ),
        _network(shape(), ("DepthwiseConv2D", {"kernel_size": 3}), conv(1)),
        _network(shape(4), ("Conv2D", {"filters": 6, "kernel_size": 3, "groups": 2})),
    ]
    refused = [_network((None, None, 3), conv(3)), _network((draw(3, 7), 5), ("GRU", {"units": 4}))]
    groups = [
        (level, [((each,), {}) for each in some])
        for level, some in (("1/2", plain), ("3/4", varied), ("1", refused))
    ]
    mistakes = [
        Mistake(reason, partial(_operations, of=of), level)
        for reason, of, level in (
            ("operations_twice", lambda each: 2 * each.inside * each.weights, "1/2"),
            ("biases_counted", lambda each: each.inside * (each.weights + each.biases), "1/2"),
            ("biases_counted", lambda each: each.inside * each.weights + each.biases, "1/2"),
            ("strides_not_counted", lambda each: each.unstrided * each.weights, "1/2"),
            ("positions_of_input", lambda each: each.before * each.weights, "1/4"),
            ("positions_forgotten", lambda each: each.weights, "1/4"),
            (
                "channels_not_counted",
                lambda each: each.inside * each.weights // (1 if each.dense else each.depth),
                "1/4",
            ),
        )
    ]
    answers = ask.calls("operations", [call for _, calls in groups for call in calls])
    return judge(answers, groups, _operations, mistakes)


@question("ex15.measure")
def ask_measure(ask: Ask) -> Credit:
    """Compte les paramètres, et la part des couches denses ; les opérations sont à part."""

    def draw():
        return _drawn(ask.rng, 4, 12)

    calls = [
        (
            (
                _network(
                    (draw() + 4, draw() + 4, 3),
                    ("Conv2D", {"filters": draw(), "kernel_size": 3}),
                    ("BatchNormalization", {}),
                    ("Flatten", {}),
                    *(("Dense", {"units": draw()}) for _ in range(num_dense)),
                ),
            ),
            {},
        )
        for num_dense in (1, 2, 0)
    ]

    def size(network, *, of=lambda each: each.weights + each.biases + each.other, share=1.0):
        found = list(_layers(network))
        total = sum(of(each) for each in found)
        return [total, share * sum(of(each) for each in found if each.dense) / total]

    def without_biases(network):
        return size(network, of=lambda each: each.weights + each.other)

    def learnt_only(network):
        return size(network, of=lambda each: each.weights + each.biases + each.other // 2)

    def without_normalisations(network):
        return size(network, of=lambda each: each.weights + each.biases)

    def operations_share(network):
        parts = [(each.dense, each.inside * each.weights) for each in _layers(network)]
        dense = sum(count for is_dense, count in parts if is_dense)
        return [size(network)[0], dense / sum(count for _, count in parts)]

    mistakes = [
        Mistake("biases_not_counted", without_biases, "1/4"),
        Mistake("normalisations_not_counted", learnt_only, "1/2"),
        Mistake("normalisations_not_counted", without_normalisations, "1/2"),
        Mistake("share_in_percent", partial(size, share=100.0), "1/2"),
        Mistake("share_of_operations", operations_share, "1/2"),
    ]
    answers = []
    for answer in ask.calls("measure", calls):
        found = as_floats(answer.value)
        if found is not None and found.shape == (3,):
            answer = pupil.Answer([found[0], found[2]])
        answers.append(answer)
    return judge(answers, [("1", calls)], size, mistakes)


# --- Construire ----------------------------------------------------------------------


def _inspected(ask: Ask, content: bytes, images: np.ndarray) -> dict:
    found = ask.clean("inspect", content=content, images=images)
    if not isinstance(found, dict) or not isinstance(found.get("layers"), list):
        raise pupil.Failure("forged_answer")
    return found


def _module(ask: Ask, widths: dict, channels: int) -> dict:
    shape = [*MAPS, channels]
    positional = [messages.Ingredient("record", widths)]
    content = ask.op("block", function="inception_module", shape=shape, positional=positional)
    return _inspected(ask, as_bytes(content), np.zeros((1, *shape), np.float32))


@question("ex15.inception_module")
def ask_inception_module(ask: Ask) -> Credit:
    """Fait un module à branches égales, puis un autre où chaque largeur se reconnaît."""
    names = ("one", "reduce_three", "three", "reduce_five", "five", "pooled")
    equal = _module(ask, dict.fromkeys(names, 6), 6)
    if equal["output_shape"] == [None, *MAPS, 6]:
        return credit("1/4", "branches_added")
    channels, *drawn = (int(each) for each in ask.rng.permutation(np.arange(3, 12))[:7])
    widths = dict(zip(names, drawn, strict=True))
    found = _module(ask, widths, channels)
    layers = found["layers"]
    convolutions = [each for each in layers if each["class"] == "Conv2D"]
    seen = sorted(
        (each["kernel_size"][0], each["shapes"]["input"][-1], each["filters"])
        for each in convolutions
    )
    one, reduce_three, three, reduce_five, five, pooled = drawn
    branches = [(1, channels, one), (1, channels, pooled)]
    reduced = [(1, channels, reduce_three), (1, channels, reduce_five)]
    large = [(3, reduce_three, three), (5, reduce_five, five)]
    direct = [(3, channels, three), (5, channels, five)]
    if seen == sorted(branches + direct):
        return credit("1/2", "reduction_forgotten")
    if seen == sorted([branches[0], *reduced, *large]):
        return credit("1/2", "projection_forgotten")
    if seen != sorted(branches + reduced + large):
        return credit("1/4", "wrong_branches")
    if found["output_shape"] != [None, *MAPS, one + three + five + pooled]:
        return credit("1/4", "wrong_shape")
    pools = [each for each in layers if each["class"] in POOLS]
    kinds = [POOLS[each["class"]] for each in pools]
    if kinds == ["average"]:
        return credit("1/2", "average_for_max")
    if kinds != ["max"] or np.ravel(pools[0].get("pool_size"))[0] != 3:
        return credit("1/2", "wrong_module_pooling")
    bare = [each for each in convolutions if not _bends_later(layers, layers.index(each))]
    if bare:
        return credit("3/4", "relu_partly" if len(bare) < len(convolutions) else "relu_forgotten")
    return RIGHT


def _children(layers: list[dict], number: int) -> list[int]:
    return [k for k, each in enumerate(layers) if number in each["parents"]]


def _bends_later(layers: list[dict], number: int) -> bool:
    """Dit si toute suite d'une couche, elle comprise, est non linéaire avant d'autres poids."""
    if networks.bends(layers[number]):
        return True
    after = _children(layers, number)
    free = [k for k in after if layers[k]["class"] not in networks.WEIGHTED]
    return bool(after) and free == after and all(_bends_later(layers, k) for k in after)


@question("ex15.build_deep")
def ask_build_deep(ask: Ask) -> Credit:
    """Construit le même réseau avec et sans raccourcis ; cherche ce qui est ajouté, et où."""
    images = np.zeros((1, 32, 32, 3), np.uint8)
    plain, found = (
        _inspected(ask, ask.model("build_deep", DEPTH, shape=images.shape[1:], **each), images)
        for each in ({"shortcuts": False}, {"shortcuts": True})
    )
    layers = found["layers"]
    num_convolutions = sum(each.get("kernel_size") in ([3, 3], (3, 3)) for each in layers)
    if num_convolutions not in (DEPTH, DEPTH + 1):  # la première convolution est peut-être 3×3
        return credit(0, "wrong_depth", f"{num_convolutions} convolutions 3×3")
    added = _additions(layers)
    if _additions(plain["layers"]):
        return credit("1/4", "shortcut_always")
    if not added:
        return credit("1/4", "shortcut_missing")
    if len(added) != DEPTH // 2:
        return credit("1/2", "shortcut_elsewhere", f"{len(added)} additions")
    for number in added:
        first, second = layers[number]["parents"]
        branch, kept = max(first, second), min(first, second)
        if _num_convolutions(layers, branch, kept) != 2:
            return credit("1/2", "shortcut_elsewhere")
        if networks.bends(layers[branch]):
            return credit("1/2", "relu_before_addition")
        if not all(networks.bends(layers[k]) for k in _children(layers, number)):
            return credit("1/2", "relu_after_forgotten")
    first = next(k for k, each in enumerate(layers) if each["class"] in networks.WEIGHTED)
    layers[first]["activation"] = "relu"  # à elle, la docstring n'en demande pas
    judged = networks.judge_non_linearity(found)
    if judged.level < 1:
        return credit("1/2", judged.reason)
    if plain["num_parameters"] != found["num_parameters"]:
        return credit("1/2", "shortcut_with_weights")
    calls = [((depth,), {"shortcuts": True}) for depth in (2, 5, 0)]
    _, *answers = ask.calls("build_deep", calls)
    if not all("ValueError" in (each.error or {}).get("families", ()) for each in answers):
        return credit("3/4", "no_error")
    return RIGHT


def _additions(layers: list[dict]) -> list[int]:
    return [
        k for k, each in enumerate(layers) if each["class"] == "Add" and len(each["parents"]) == 2
    ]


def _num_convolutions(layers: list[dict], number: int, start: int) -> int | None:
    """Compte les convolutions d'une couche jusqu'à une autre, avant elle ; None sans chemin."""
    count = 0
    while number != start:
        if len(layers[number]["parents"]) != 1:
            return None
        count += layers[number]["class"] == "Conv2D"
        (number,) = layers[number]["parents"]
    return count
