"""Exercice 15 : compter ce que coûte un réseau ; le module Inception, le bloc à raccourci."""

from fractions import Fraction

import numpy as np

from grading import messages
from grading.questions import Ask, Credit, first_fault, networks, numbers, question, same

MAPS = (8, 10)  # lignes et colonnes des cartes données au module Inception
DEPTH = 6
FLATTEN, NORMALISATION = ["Flatten", {}], ["BatchNormalization", {}]


# --- Compter -------------------------------------------------------------------------


def _network(shape: tuple, *stack: list) -> messages.Ingredient:
    return messages.Ingredient("plain_network", {"shape": list(shape), "stack": list(stack)})


def _conv(filters: int, side: int, **options) -> list:
    return ["Conv2D", {"filters": filters, "kernel_size": side, **options}]


def _dense(units: int) -> list:
    return ["Dense", {"units": units}]


def _sizes(ask: Ask) -> tuple[int, ...]:
    """Tire la hauteur et la largeur d'une image, puis quatre nombres de canaux, tous différents."""
    sides = ask.rng.integers((11, 17), (16, 22))
    return tuple(int(each) for each in (*sides, *ask.rng.permutation(np.arange(2, 12))[:4]))


@question("ex15.operations")
def ask_operations(ask: Ask) -> Credit:
    """Compte sur de petits réseaux, de plus en plus variés."""
    h, w, c, f, g, u = _sizes(ask)
    inside = (h - 2) * (w - 2)  # positions d'une fenêtre de 3×3
    strided = ((h - 5) // 2 + 1) * ((w - 5) // 2 + 1)
    half_h, half_w = (h + 1) // 2, (w + 1) // 2
    rows = [  # niveau, réseau, opérations
        (
            "1/2",
            _network((h, w, c), _conv(f, 3), _conv(g, 2), FLATTEN, _dense(u), _dense(f)),
            inside * 9 * c * f + (h - 3) * (w - 3) * (4 * f * g + g * u) + u * f,
        ),
        ("1/2", _network((c,), _dense(f), _dense(g)), c * f + f * g),
        (
            "3/4",
            _network(
                (h, w, c),
                *(_conv(f, 5, strides=2), _conv(g, 3, padding="same"), FLATTEN, _dense(u)),
            ),
            strided * (25 * c * f + 9 * f * g + g * u),
        ),
        (
            "3/4",
            _network(
                (h, w, c),
                *(_conv(f, 3, strides=2, padding="same"), NORMALISATION),
                *(["MaxPooling2D", {"pool_size": 2}], _conv(g, 1)),
            ),
            half_h * half_w * 9 * c * f + (half_h // 2) * (half_w // 2) * f * g,
        ),
        (
            "3/4",
            _network((h, w, c), ["DepthwiseConv2D", {"kernel_size": 3}], _conv(g, 1)),
            inside * (9 * c + c * g),
        ),
        ("3/4", _network((h, w, 4), _conv(6, 3, groups=2)), inside * 9 * 2 * 6),
        ("1", _network((None, None, 3), _conv(f, 3)), None),  # taille libre
        ("1", _network((h, c), ["GRU", {"units": f}]), None),
    ]

    def right(network):
        (found,) = (total for _, each, total in rows if each is network)
        if found is None:
            raise ValueError
        return found

    groups = [
        (level, [((network,), {}) for each, network, _ in rows if each == level])
        for level in ("1/2", "3/4", "1")
    ]
    return ask.judge("operations", groups, right)


@question("ex15.measure")
def ask_measure(ask: Ask) -> Credit:
    """Compte les paramètres, et la part des couches denses ; les opérations sont à part."""
    h, w, c, f, g, u = _sizes(ask)
    convolution = 9 * c * f + f + 4 * f  # biais et normalisation compris
    one = ((h - 2) * (w - 2) * f + 1) * g
    dense = np.array([one, one + (g + 1) * u, 0])
    calls = [
        ((_network((h, w, c), _conv(f, 3), NORMALISATION, FLATTEN, *each),), {})
        for each in ([_dense(g)], [_dense(g), _dense(u)], [])
    ]
    sizes = [numbers(answer, (3,)) for answer in ask.calls("measure", calls)]
    counts, _, shares = np.transpose(sizes)
    return first_fault(
        (0, "parameters_miscounted", not same(counts, convolution + dense)),
        ("1/2", "wrong_dense_share", not same(shares, dense / (convolution + dense))),
    )


# --- Construire ----------------------------------------------------------------------


def _children(layers: list[dict], number: int) -> list[int]:
    return [k for k, each in enumerate(layers) if number in each["parents"]]


def _bends_later(layers: list[dict], number: int) -> bool:
    """Dit si toute suite d'une couche, elle comprise, est non linéaire avant d'autres poids."""
    if networks.bends(layers[number]):
        return True
    after = _children(layers, number)
    free = [k for k in after if layers[k]["class"] not in networks.WEIGHTED]
    return bool(after) and free == after and all(_bends_later(layers, k) for k in after)


@question("ex15.inception_module")
def ask_inception_module(ask: Ask) -> Credit:
    """Fait un module où chaque largeur se reconnaît."""
    names = ("one", "reduce_three", "three", "reduce_five", "five", "pooled")
    channels, *widths = (int(each) for each in ask.rng.permutation(np.arange(3, 12))[:7])
    one, reduce_three, three, reduce_five, five, pooled = widths
    record = messages.Ingredient("record", dict(zip(names, widths, strict=True)))
    shape = [*MAPS, channels]
    content = ask.model("inception_module", messages.Ingredient("input", {"shape": shape}), record)
    images = np.zeros((1, *shape), np.float32)
    found = ask.clean("inspect", content=content, images=images)
    layers = found["layers"]
    places = [k for k, each in enumerate(layers) if each["class"] == "Conv2D"]
    seen = [  # côté du noyau, cartes lues, filtres
        (layers[k]["kernel_size"][0], layers[k]["shapes"]["input"][-1], layers[k]["filters"])
        for k in places
    ]
    read = [(1, channels, each) for each in (one, reduce_three, reduce_five, pooled)]
    expected = [*read, (3, reduce_three, three), (5, reduce_five, five)]
    pools = [
        ("Max" in each["class"], np.ravel(each.get("pool_size"))[0])
        for each in layers
        if "Pool" in each["class"]
    ]
    together = any(each["class"] == "Concatenate" for each in layers)
    level = Fraction(together + ({side for side, *_ in seen} == {1, 3, 5}), 4)
    whole = found["output_shape"] == [None, *MAPS, one + three + five + pooled]
    bends = [_bends_later(layers, k) for k in places]
    return first_fault(
        (level, "wrong_branches", not whole or sorted(seen) != sorted(expected)),
        ("1/2", "wrong_module_pooling", pools != [(True, 3)]),
        ("3/4", "relu_forgotten", not any(bends)),
        ("3/4", "relu_partly", not all(bends)),
    )


def _backwards(layers: list[dict], number: int, start: int) -> str:
    """Décrit un bloc, de sa fin à son début : C pour une convolution, r pour une ReLU.

    Args:
        layers: les couches du réseau.
        number: la dernière du bloc.
        start: celle d'avant le bloc.

    Returns:
        `"CrC"` pour un bloc juste ; rien si aucun chemin sans fourche ne mène à `start`.
    """
    found = ""
    while number != start and len(layers[number]["parents"]) == 1:
        layer = layers[number]
        found += "r" * networks.bends(layer) + "C" * (layer["class"] == "Conv2D")
        (number,) = layers[number]["parents"]
    return found.replace("rr", "r") if number == start else ""


def _additions(found: dict) -> list[int]:
    """Rend les numéros des couches qui en additionnent deux autres."""
    layers = enumerate(found["layers"])
    return [k for k, each in layers if each["class"] == "Add" and len(each["parents"]) == 2]


@question("ex15.build_deep")
def ask_build_deep(ask: Ask) -> Credit:
    """Construit le même réseau avec et sans raccourcis ; cherche ce qui est ajouté, et où."""
    images = np.zeros((1, 32, 32, 3), np.uint8)
    models = [
        ask.model("build_deep", DEPTH, shape=images.shape[1:], shortcuts=each)
        for each in (False, True)
    ]
    plain, found = (ask.clean("inspect", content=each, images=images) for each in models)
    layers, added = found["layers"], _additions(found)
    depth = [list(each.get("kernel_size", ())) for each in layers].count([3, 3])
    ends = [sorted(layers[number]["parents"]) for number in added]
    blocks = [_backwards(layers, last, first) for first, last in ends]
    after = [layers[k] for number in added for k in _children(layers, number)]
    calls = [((number,), {"shortcuts": True}) for number in (2, 5, 0)]
    refused = [each.error or {} for each in ask.calls("build_deep", calls)[1:]]
    return first_fault(
        # La première convolution est peut-être 3×3.
        (0, "wrong_depth", depth not in (DEPTH, DEPTH + 1), f"{depth} convolutions 3×3"),
        ("1/4", "shortcut_always", _additions(plain)),
        ("1/4", "shortcut_missing", not added),
        ("1/2", "shortcut_elsewhere", len(added) != DEPTH // 2, f"{len(added)} additions"),
        ("1/2", "relu_before_addition", "rCrC" in blocks),
        ("1/2", "relu_forgotten", "CC" in blocks),
        ("1/2", "shortcut_elsewhere", set(blocks) != {"CrC"}),
        ("1/2", "relu_after_forgotten", not all(map(networks.bends, after))),
        ("1/2", "shortcut_with_weights", plain["num_parameters"] != found["num_parameters"]),
        ("3/4", "no_error", not all("ValueError" in each.get("families", ()) for each in refused)),
    )
