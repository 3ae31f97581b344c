"""Exercice 15 : compter ce que coûte un réseau ; le module Inception, le bloc à raccourci."""

import itertools
from math import prod
from operator import attrgetter
from typing import NamedTuple

import numpy as np

from grading.asking.ask import SEARCH_S
from grading.asking.comparing import DIRECTIONS, UNEXPLAINED
from grading.inside import messages
from grading.questions import (
    Ask,
    Credit,
    Mistake,
    as_floats,
    compared,
    first_fault,
    networks,
    question,
    same,
)

MAPS = (8, 10)  # lignes et colonnes des cartes données au module Inception
SIDES = {"three": 3, "five": 5}  # côtés des noyaux qu'une convolution 1×1 précède
OUTPUTS = ("one", "three", "five", "pooled")  # les quatre branches, dans l'ordre de la sortie
UNNAMED = (*UNEXPLAINED, *DIRECTIONS, "zeros_left")  # ce que ne dit pas la branche fausse
BRANCHES = ("one", "reduce_three", "three", "reduce_five", "five", "pooled")
DEPTH = 6
FLATTEN, NORMALISATION = ["Flatten", {}], ["BatchNormalization", {}]
# Une normalisation qui n'a rien appris divise par √1,001 : elle est permise dans une branche.
CLOSE = 1e-2


# --- Compter -------------------------------------------------------------------------


def _network(shape: tuple, *stack: list) -> tuple:
    """Rend l'appel qui donne un réseau de ces couches."""
    return (messages.Ingredient("plain_network", {"shape": list(shape), "stack": stack}),), {}


def _conv(filters: int, side: int, **options) -> list:
    return ["Conv2D", {"filters": filters, "kernel_size": side, **options}]


def _dense(units: int) -> list:
    return ["Dense", {"units": units}]


def _sizes(ask: Ask) -> tuple[int, ...]:
    """Tire la hauteur et la largeur d'une image, puis quatre nombres de canaux, tous différents."""
    sides = ask.rng.integers((11, 17), (16, 22))
    return tuple(int(each) for each in (*sides, *ask.rng.permutation(np.arange(2, 12))[:4]))


class Layer(NamedTuple):
    """Une couche à noyau : ce qu'elle lit, et ce qu'elle en fait."""

    kernel: tuple[int, ...]  # sans les groupes : tous les canaux lus
    read: tuple[int, ...]  # côtés des cartes lues ; () d'une couche dense
    written: tuple[int, ...]  # de même, rendues
    stride: int
    lost: int  # places qu'une fenêtre de pas 1 n'a pas, le long de chaque côté
    groups: int  # autant que de canaux pour une convolution par canal
    filters: int  # autant de biais

    def num_weights(self) -> int:
        """Compte les poids du noyau."""
        return prod(self.kernel) // self.groups


def _layers(network) -> list[Layer]:
    """Lit les couches à noyau du réseau d'un appel (voir `_network`).

    Raises:
        ValueError: taille libre, ou couche que l'énoncé ne compte pas.
    """
    shape, found = tuple(network.options["shape"]), []
    if None in shape:
        raise ValueError
    for name, options in network.options["stack"]:
        channels = shape[-1]
        if name in ("Conv2D", "DepthwiseConv2D"):
            side, stride = options["kernel_size"], options.get("strides", 1)
            filters = options.get("filters", channels)
            groups = options.get("groups", channels if name == "DepthwiseConv2D" else 1)
            lost = 0 if options.get("padding") == "same" else side - 1
            written = tuple(-(-(each - lost) // stride) for each in shape[:-1])
            kernel = (side, side, channels, filters)
            found.append(Layer(kernel, shape[:-1], written, stride, lost, groups, filters))
            shape = (*written, filters)
        elif name == "Dense":
            units = options["units"]
            found.append(Layer((channels, units), (), (), 1, 0, 1, units))
            shape = (units,)
        elif name == "MaxPooling2D":
            shape = (*(each // options["pool_size"] for each in shape[:-1]), channels)
        elif name == "Flatten":
            shape = (prod(shape),)
        elif name != "BatchNormalization":
            raise ValueError
    return found


def _of_output(layer: Layer) -> int:
    """Compte les positions d'une fenêtre, comme l'énoncé le demande."""
    return prod(layer.written)


def _of_input(layer: Layer) -> int:
    return prod(layer.read)


def _without_stride(layer: Layer) -> int:
    return prod(each - layer.lost for each in layer.read)


def _without_padding(layer: Layer) -> int:
    side, stride = layer.kernel[0], layer.stride
    return prod((each - side) // stride + 1 for each in layer.read)


def _only_one(layer: Layer) -> int:
    return 1


def _operations(positions=_of_output, *, biases=0, grouped=True, by_channel=True):
    """Rend `operations` avec, au choix, une erreur.

    Args:
        positions: compte celles de la fenêtre.
        biases: ce que compte un biais, par position.
        grouped: partager les canaux lus d'après les groupes.
        by_channel: de même pour une convolution par canal.
    """

    def operations(network):
        total = 0
        for layer in _layers(network):
            alone = layer.groups == layer.kernel[-2] > 1
            shared = layer.groups if (by_channel if alone else grouped) else 1
            count = prod(layer.kernel) // shared + biases * layer.filters
            total += count * (positions(layer) if layer.read else 1)
        return total

    return operations


def _with_biases_once(network) -> int:
    return _operations()(network) + sum(each.filters for each in _layers(network))


OPERATIONS = [
    Mistake("positions_of_input", _operations(_of_input)),
    Mistake("positions_forgotten", _operations(_only_one)),
    Mistake("biases_counted", _operations(biases=1)),
    Mistake("biases_counted", _with_biases_once),
    Mistake("groups_forgotten", _operations(grouped=False)),
    Mistake("channels_not_apart", _operations(by_channel=False)),
    Mistake("groups_forgotten", _operations(grouped=False, by_channel=False)),
    Mistake("stride_not_counted", _operations(_without_stride)),
    Mistake("padding_not_counted", _operations(_without_padding)),
]


@compared("ex15.operations", mistakes=OPERATIONS)
def ask_operations(ask: Ask) -> list:
    """Compte sur de petits réseaux, de plus en plus variés."""
    h, w, c, f, g, u = _sizes(ask)
    image, pool = (h, w, c), ["MaxPooling2D", {"pool_size": 2}]
    same = {"padding": "same"}
    plain = [
        _network(image, _conv(f, 3), _conv(g, 2), FLATTEN, _dense(u), _dense(f)),
        _network((c,), _dense(f), _dense(g)),
    ]
    varied = [
        _network(image, _conv(f, 5, strides=2), _conv(g, 3, **same), FLATTEN, _dense(u)),
        _network(image, _conv(f, 3, strides=2, **same), NORMALISATION, pool, _conv(g, 1)),
        _network(image, ["DepthwiseConv2D", {"kernel_size": 3}], _conv(g, 1)),
        _network((h, w, 4), _conv(6, 3, groups=2)),
    ]
    refused = [
        _network((None, None, 3), _conv(f, 3)),  # taille libre
        _network((h, c), ["GRU", {"units": f}]),
    ]
    return [("1/2", plain), ("3/4", varied), ("1", refused)]


def _size(*, unlearned=2, biases=1, dense_biases=1, times=1):
    """Rend `measure`, opérations à part, avec, au choix, une erreur.

    Args:
        unlearned: nombres qu'une normalisation garde par carte sans les apprendre.
        biases: ce que compte un biais.
        dense_biases: de même, dans les couches denses.
        times: ce qui multiplie la part.
    """

    def measure(network):
        layers = _layers(network)
        normalised = layers[0].filters  # la première convolution l'est
        total = sum(each.num_weights() + biases * each.filters for each in layers)
        total += (2 + unlearned) * normalised
        dense = [each for each in layers if not each.read]
        known = sum(each.num_weights() + dense_biases * each.filters for each in dense)
        return total, 0, times * known / total

    return measure


MEASURED = [
    Mistake("share_in_percent", _size(times=100)),
    Mistake("unlearned_forgotten", _size(unlearned=0)),
    Mistake("normalisation_forgotten", _size(unlearned=-2)),
    Mistake("biases_forgotten", _size(biases=0, dense_biases=0)),
    Mistake("dense_biases_forgotten", _size(dense_biases=0), "1/2"),
]


@compared("ex15.measure", mistakes=MEASURED)
def ask_measure(ask: Ask) -> list:
    """Compte les paramètres, et la part des couches denses ; les opérations sont à part."""
    h, w, c, f, g, u = _sizes(ask)
    stacks = [_dense(g)], [_dense(g), _dense(u)], []
    built = [_network((h, w, c), _conv(f, 3), NORMALISATION, FLATTEN, *each) for each in stacks]
    return [
        ("1/2", built, lambda size: as_floats(size)[0]),
        ("1", built, lambda size: as_floats(size)[[0, 2]]),
    ]


# --- Construire ----------------------------------------------------------------------


def _convolved(maps: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Convolue des cartes bordées de zéros, puis met le négatif à zéro."""
    side = len(kernel)
    around = np.pad(maps, [(0, 0), (side // 2,) * 2, (side // 2,) * 2, (0, 0)])
    windows = np.lib.stride_tricks.sliding_window_view(around, (side, side), (1, 2))
    return np.maximum(np.einsum("nhwcij,ijcf->nhwf", windows, kernel), 0)


def _by_branch(found: Credit, maps: np.ndarray, widths: dict, kernels: list) -> Credit:
    """Nomme la première branche fausse d'un module qui rend des cartes de la bonne forme."""
    pair = as_floats(found.wrong.answer.value), as_floats(found.wrong.expected)
    if pair[0] is None or pair[0].shape != pair[1].shape or pair[0].ndim < 4:
        return found
    ends = np.cumsum([widths[name] for name in OUTPUTS])[:-1]
    for name, *both in zip(OUTPUTS, *(np.split(each, ends, 3) for each in pair), strict=True):
        if not same(*both, tolerance=CLOSE):
            shape = SIDES.get(name), SIDES.get(name), maps.shape[3], widths[name]
            unreduced = [_convolved(maps, each) for each in kernels if each.shape == shape]
            whole = any(same(both[0], each, tolerance=CLOSE) for each in unreduced)
            reason = "reduction_missing" if whole else "wrong_branch"
            return found._replace(reason=reason, detail=f"`{name}`")
    return found


@question("ex15.inception_module")
def ask_inception_module(ask: Ask) -> Credit:
    """Donne à un module des noyaux positifs, puis de tout signe, où la ReLU compte.

    Chaque largeur est différente : chaque noyau se reconnaît à sa forme, et prend sa valeur.
    """
    channels, *widths = (int(each) for each in ask.rng.permutation(np.arange(3, 12))[:7])
    kernels = [
        ask.rng.uniform(0.1, 1, (side, side, read, filters)).astype(np.float32)
        for side, read, filters in itertools.product((1, 3, 5), (channels, *widths), widths)
    ]
    named = dict(zip(BRANCHES, widths, strict=True))
    maps = ask.rng.uniform(0, 1, (2, *MAPS, channels)).astype(np.float32)
    calls = [((maps, messages.Ingredient("record", named)), {})]
    ask.searched_s = SEARCH_S  # un seul calcul voisin prend déjà longtemps
    found = []
    for level, weights in (("1/2", kernels), ("3/4", [each - 0.5 for each in kernels])):
        given = ask.compare(
            "inception_module",
            [(level, calls, np.shape), ("1", calls)],
            operation="through",
            weights=weights,
            tolerance=CLOSE,
        )
        vague = given.reason in UNNAMED
        found.append(_by_branch(given, maps, named, weights) if vague else given)
    return min(found, key=attrgetter("level"))


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
        (number,) = layer["parents"]
    return found.replace("rr", "r") if number == start else ""


def _additions(found: dict) -> list[int]:
    """Rend les numéros des couches qui en additionnent deux autres."""
    return [
        number
        for number, layer in enumerate(found["layers"])
        if layer["class"] == "Add" and len(layer["parents"]) == 2
    ]


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
    after = [each for each in layers if set(each["parents"]) & set(added)]
    calls = [((number,), {"shortcuts": True}) for number in (2, 5, 0)]
    raised = all(each.is_refused for each in ask.calls("build_deep", calls)[1:])
    weighs = plain["num_parameters"] != found["num_parameters"]
    bent = all(map(networks.bends, after))
    return first_fault(
        # La première convolution est peut-être 3×3.
        (0, "wrong_depth", depth not in (DEPTH, DEPTH + 1), f"{depth} convolutions 3×3"),
        ("1/4", "shortcut_always", _additions(plain)),
        ("1/4", "shortcut_missing", not added),
        ("1/2", "shortcut_elsewhere", len(added) != DEPTH // 2, f"{len(added)} additions"),
        ("1/2", "relu_before_addition", "rCrC" in blocks),
        ("1/2", "relu_forgotten", "CC" in blocks),
        ("1/2", "shortcut_elsewhere", set(blocks) != {"CrC"}),
        ("1/2", "relu_after_forgotten", not bent),
        ("1/2", "shortcut_with_weights", weighs),
        ("3/4", "no_error", not raised),
    )
