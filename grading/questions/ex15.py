"""Exercice 15 : compter ce que coûte un réseau ; le module Inception, le bloc à raccourci."""

import itertools
from collections.abc import Callable, Iterator
from math import prod
from operator import attrgetter, itemgetter
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
PATCHES = 8  # carrés de PATCH_PX pixels le long d'un côté
POOL = 2
FLATTEN, NORMALISATION = ["Flatten", {}], ["BatchNormalization", {}]
# Une normalisation qui n'a rien appris divise par √1,001 : elle est permise dans une branche.
CLOSE = 1e-2


# --- Compter -------------------------------------------------------------------------


def _network(shape: tuple, *stack: list) -> tuple:
    """Rend l'appel qui donne un réseau de ces couches."""
    return (messages.Ingredient("plain_network", {"shape": list(shape), "stack": stack}),), {}


def _conv(filters: int, side: int | tuple[int, int], **options) -> list:
    return ["Conv2D", {"filters": filters, "kernel_size": side, **options}]


def _dense(units: int) -> list:
    return ["Dense", {"units": units}]


def _sizes(ask: Ask) -> tuple[int, ...]:
    """Tire la hauteur et la largeur d'une image, puis quatre nombres de canaux, tous différents."""
    sides = ask.rng.integers((11, 17), (16, 22))
    return tuple(int(each) for each in (*sides, *ask.rng.permutation(np.arange(2, 12))[:4]))


class Layer(NamedTuple):
    """Une couche : ce qu'elle lit, et ce qu'elle en fait ; sans noyau, `kernel` est vide."""

    name: str
    kernel: tuple[int, ...]  # sans les groupes : tous les canaux lus
    read: tuple[int, ...]  # côtés des cartes lues ; () d'une couche dense
    written: tuple[int, ...]  # de même, rendues
    stride: int
    lost: tuple[int, ...]  # places qu'une fenêtre de pas 1 n'a pas, le long de chaque côté
    groups: int  # autant que de canaux pour une convolution par canal
    filters: int  # autant de biais

    def num_weights(self) -> int:
        """Compte les poids du noyau."""
        return prod(self.kernel) // self.groups if self.kernel else 0


def _stack(network) -> list[Layer]:
    """Lit les couches du réseau d'un appel (voir `_network`).

    Raises:
        ValueError: taille libre, ou couche que l'énoncé ne compte pas.
    """
    shape, found = tuple(network.options["shape"]), []
    if None in shape:
        raise ValueError
    for name, options in network.options["stack"]:
        channels = shape[-1]
        if name in ("Conv2D", "DepthwiseConv2D"):
            sides, stride = options["kernel_size"], options.get("strides", 1)
            sides = sides if isinstance(sides, tuple | list) else (sides, sides)
            filters = options.get("filters", channels)
            groups = options.get("groups", channels if name == "DepthwiseConv2D" else 1)
            kept = options.get("padding") == "same"
            lost = tuple(0 if kept else side - 1 for side in sides)
            written = tuple(
                -(-(each - less) // stride) for each, less in zip(shape[:-1], lost, strict=True)
            )
            kernel = (*sides, channels, filters)
            found.append(Layer(name, kernel, shape[:-1], written, stride, lost, groups, filters))
            shape = (*written, filters)
        elif name == "Dense":
            units = options["units"]
            found.append(Layer(name, (channels, units), (), (), 1, (), 1, units))
            shape = (units,)
        elif name == "MaxPooling2D":
            side = options["pool_size"]
            written = tuple(each // side for each in shape[:-1])
            found.append(Layer(name, (), shape[:-1], written, side, (), 1, channels))
            shape = (*written, channels)
        elif name == "Flatten":
            shape = (prod(shape),)
        elif name == "BatchNormalization":
            found.append(Layer(name, (), shape[:-1], shape[:-1], 1, (), 1, channels))
        else:
            raise ValueError
    return found


def _layers(network) -> list[Layer]:
    """Lit les seules couches à noyau."""
    return [each for each in _stack(network) if each.kernel]


def _of_output(layer: Layer) -> int:
    """Compte les positions d'une fenêtre, comme l'énoncé le demande."""
    return prod(layer.written)


def _of_input(layer: Layer) -> int:
    return prod(layer.read)


def _without_stride(layer: Layer) -> int:
    return prod(each - less for each, less in zip(layer.read, layer.lost, strict=True))


def _without_padding(layer: Layer) -> int:
    pairs = zip(layer.read, layer.kernel[:2], strict=True)
    return prod((each - side) // layer.stride + 1 for each, side in pairs)


def _without_both(layer: Layer) -> int:
    pairs = zip(layer.read, layer.kernel[:2], strict=True)
    return prod(each - side + 1 for each, side in pairs)


def _lost_twice(layer: Layer) -> int:
    """Retranche le noyau des cartes rendues, qui en tiennent déjà compte."""
    pairs = zip(layer.written, layer.kernel[:2], strict=True)
    return prod(each - side + 1 for each, side in pairs)


def _of_square(layer: Layer) -> int:
    return layer.written[0] ** 2


def _only_one(layer: Layer) -> int:
    return 1


def _on_plain_ones(function: Callable) -> Callable:
    """Rend un compte de positions qui ne se trompe que sur les convolutions ordinaires."""

    def positions(layer: Layer) -> int:
        return (function if layer.name == "Conv2D" else _of_output)(layer)

    return positions


def _operations(positions=_of_output, *, biases=0, grouped=True, by_channel=True, without=""):
    """Rend `operations` avec, au choix, une erreur.

    Args:
        positions: compte celles de la fenêtre.
        biases: ce que compte un biais, par position.
        grouped: partager les canaux lus d'après les groupes.
        by_channel: de même pour une convolution par canal.
        without: la sorte de couches à ne pas compter.
    """

    def operations(network):
        total = 0
        for layer in _layers(network):
            alone = layer.groups == layer.kernel[-2] > 1
            shared = layer.groups if (by_channel if alone else grouped) else 1
            count = prod(layer.kernel) // shared + biases * layer.filters
            total += count * (positions(layer) if layer.read else 1) * (layer.name != without)
        return total

    return operations


def _with_biases_once(network) -> int:
    return _operations()(network) + sum(each.filters for each in _layers(network))


def _with_biases_of_two(network) -> int:
    """Ajoute les biais, sauf ceux des convolutions par canal."""
    plain = [each for each in _layers(network) if each.name != "DepthwiseConv2D"]
    return _operations()(network) + sum(each.filters for each in plain)


def _with_others(name: str, times: int) -> Callable:
    """Rend `operations`, où compte aussi une sorte de couches : `times` par valeur rendue."""

    def operations(network):
        others = [each for each in _stack(network) if each.name == name]
        count = sum(prod(each.written) * each.filters for each in others)
        return _operations()(network) + times * count

    return operations


def _of_kernel_squared(network) -> int:
    """Prend le premier côté d'un noyau pour ses deux côtés."""
    found = 0
    for layer in _layers(network):
        weights = layer.num_weights()
        if layer.name == "Conv2D":
            weights = weights // layer.kernel[1] * layer.kernel[0]
        found += weights * (prod(layer.written) if layer.read else 1)
    return found


def _of_first_layer(network) -> int:
    first, *_ = _layers(network)
    return first.num_weights() * (prod(first.written) if first.read else 1)


def _of_parameters(network) -> int:
    """Compte les paramètres d'une convolution ordinaire, biais compris, au lieu des opérations."""
    plain = [each for each in _layers(network) if each.name == "Conv2D"]
    return _operations(without="Conv2D")(network) + sum(
        each.num_weights() + each.filters for each in plain
    )


OPERATIONS = [
    Mistake("positions_of_input", _operations(_of_input)),
    Mistake("positions_of_input", _operations(_on_plain_ones(_of_input))),
    Mistake("positions_forgotten", _operations(_only_one)),
    Mistake("parameters_counted", _operations(_only_one, biases=1)),
    Mistake("parameters_counted", _of_parameters),
    Mistake("biases_counted", _operations(biases=1)),
    Mistake("biases_counted", _with_biases_once),
    Mistake("biases_counted", _with_biases_of_two),
    Mistake("groups_forgotten", _operations(grouped=False)),
    Mistake("channels_not_apart", _operations(by_channel=False)),
    Mistake("groups_forgotten", _operations(grouped=False, by_channel=False)),
    Mistake("stride_not_counted", _operations(_without_stride)),
    Mistake("padding_not_counted", _operations(_without_padding)),
    Mistake("padding_not_counted", _operations(_on_plain_ones(_without_padding))),
    Mistake("stride_and_padding", _operations(_without_both)),
    Mistake("stride_and_padding", _operations(_on_plain_ones(_without_both))),
    Mistake("kernel_lost_twice", _operations(_lost_twice)),
    Mistake("kernel_lost_twice", _operations(_on_plain_ones(_lost_twice))),
    Mistake("maps_not_square", _operations(_of_square)),
    Mistake("maps_not_square", _operations(_on_plain_ones(_of_square))),
    Mistake("kernel_not_square", _of_kernel_squared),
    Mistake("depthwise_not_counted", _operations(without="DepthwiseConv2D")),
    Mistake("dense_not_counted", _operations(without="Dense")),
    Mistake("normalisation_counted", _with_others("BatchNormalization", 1)),
    Mistake("normalisation_counted", _with_others("BatchNormalization", 2)),
    Mistake("pooling_counted", _with_others("MaxPooling2D", POOL**2)),
    Mistake("pooling_counted", _with_others("MaxPooling2D", 1)),
    Mistake("first_layer_only", _of_first_layer),
]


@compared("ex15.operations", mistakes=OPERATIONS)
def ask_operations(ask: Ask) -> list:
    """Compte sur de petits réseaux, de plus en plus variés."""
    h, w, c, f, g, u = _sizes(ask)
    image, pool = (h, w, c), ["MaxPooling2D", {"pool_size": POOL}]
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
        _network(image, _conv(f, (3, 5))),
    ]
    refused = [
        _network((None, None, 3), _conv(f, 3)),  # taille libre
        _network((h, c), ["GRU", {"units": f}]),
        _network(image, ["Conv2DTranspose", {"filters": f, "kernel_size": 3}]),
    ]
    return [("1/2", plain), ("3/4", varied), ("1", refused)]


def _size(*, unlearned=2, biases=1, dense_biases=1):
    """Rend `measure`, opérations à part, avec, au choix, une erreur.

    Args:
        unlearned: nombres qu'une normalisation garde par carte sans les apprendre.
        biases: ce que compte un biais.
        dense_biases: de même, dans les couches denses.
    """

    def measure(network):
        layers = _layers(network)
        normalised = layers[0].filters  # la première convolution l'est
        total = sum(each.num_weights() + biases * each.filters for each in layers)
        total += (2 + unlearned) * normalised
        return total, 0, _dense_parameters(network, biases=dense_biases) / total

    return measure


def _dense_parameters(network, *, biases=1) -> int:
    dense = [each for each in _layers(network) if not each.read]
    return sum(each.num_weights() + biases * each.filters for each in dense)


def _with_share(share: Callable) -> Callable:
    """Rend `measure`, dont la part est autre : `share(réseau, paramètres, part)`."""

    def measure(network):
        total, _, right = _size()(network)
        return total, 0, share(network, total, right)

    return measure


def _in_percent(network, total: int, right: float) -> float:
    return 100 * right


def _not_divided(network, total: int, right: float) -> float:
    return right * total


def _rounded_down(network, total: int, right: float) -> float:
    return right // 1


def _of_the_others(network, total: int, right: float) -> float:
    return 1 - right


def _of_operations(network, total: int, right: float) -> float:
    dense = [each for each in _layers(network) if not each.read]
    return sum(each.num_weights() for each in dense) / _operations()(network)


def _parameters_by_operations(network, total: int, right: float) -> float:
    return right * total / _operations()(network)


def _of_layers(network, total: int, right: float) -> float:
    """Compte les couches, l'entrée comprise."""
    names = [name for name, _ in network.options["stack"]]
    return names.count("Dense") / (len(names) + 1)


def _of_last_layer(network, total: int, right: float) -> float:
    """Ne compte que la dernière couche, dense ou non."""
    known = network.options["stack"][-1][0] == "Dense"
    last = _layers(network)[-1]
    return (last.num_weights() + last.filters) / total if known else 0.0


MEASURED = [
    Mistake("unlearned_forgotten", _size(unlearned=0)),
    Mistake("normalisation_forgotten", _size(unlearned=-2)),
    Mistake("biases_forgotten", _size(biases=0, dense_biases=0)),
    Mistake("biases_forgotten", _size(biases=0)),
    Mistake("share_in_percent", _with_share(_in_percent), "1/2"),
    Mistake("dense_biases_forgotten", _size(dense_biases=0), "1/2"),
    Mistake("share_not_divided", _with_share(_not_divided), "1/2"),
    Mistake("share_rounded_down", _with_share(_rounded_down), "1/2"),
    Mistake("share_of_the_others", _with_share(_of_the_others), "1/2"),
    Mistake("share_of_operations", _with_share(_of_operations), "1/2"),
    Mistake("share_of_operations", _with_share(_parameters_by_operations), "1/2"),
    Mistake("share_of_layers", _with_share(_of_layers), "1/2"),
    Mistake("last_dense_only", _with_share(_of_last_layer), "1/2"),
]


@compared("ex15.measure", mistakes=MEASURED)
def ask_measure(ask: Ask) -> list:
    """Compte les paramètres, puis la part des couches denses ; les opérations sont à part.

    Comparée avec des milliers de paramètres, une part fausse passerait pour juste.
    """
    h, w, c, f, g, u = _sizes(ask)
    stacks = [_dense(g)], [_dense(g), _dense(u)], []
    built = [_network((h, w, c), _conv(f, 3), NORMALISATION, FLATTEN, *each) for each in stacks]
    return [("1/2", built, itemgetter(0)), ("1", built, itemgetter(2))]


# --- Construire ----------------------------------------------------------------------


class Branches(NamedTuple):
    """De quoi refaire les branches d'un module, justes ou non : cartes, noyaux et largeurs."""

    maps: np.ndarray
    kernels: dict[tuple, np.ndarray]  # par forme
    widths: dict[str, int]

    def convolved(self, maps: np.ndarray, name: str, side: int = 1, *, bent=True) -> np.ndarray:
        """Convolue des cartes bordées de zéros, puis, si l'on veut, met le négatif à zéro.

        Args:
            maps: cartes.
            name: ce dont le noyau a la largeur.
            side: côté du noyau.
            bent: mettre le négatif à zéro.
        """
        kernel = self.kernels[side, side, maps.shape[3], self.widths[name]]
        found = np.einsum("nhwcij,ijcf->nhwf", _windows(maps, side, 0), kernel)
        return np.maximum(found, 0) if bent else found

    def reduced(self, name: str, **how) -> np.ndarray:
        """Rend la branche d'une convolution 1×1, puis d'une plus grande.

        Args:
            name: la branche.
            how: ce qui change : `by`, qui donne sa largeur à la 1×1, `read`, ce qu'elle lit,
                `side`, `inner` et `bent`, s'il y a une ReLU après la première et la seconde.
        """
        by, read = how.get("by", f"reduce_{name}"), how.get("read", self.maps)
        inner = self.convolved(read, by, bent=how.get("inner", True))
        return self.convolved(inner, name, how.get("side", SIDES[name]), bent=how.get("bent", True))


def _windows(maps: np.ndarray, side: int, around: float) -> np.ndarray:
    """Rend la fenêtre de chaque place, `(n, h, w, c, côté, côté)` ; `around` borde les cartes."""
    edges = ((side - 1) // 2, side // 2)
    padded = np.pad(maps, [(0, 0), edges, edges, (0, 0)], constant_values=around)
    return np.lib.stride_tricks.sliding_window_view(padded, (side, side), (1, 2))


def _largest(maps: np.ndarray, side: int = 3) -> np.ndarray:
    return np.nanmax(_windows(maps, side, np.nan), axis=(4, 5))


def _averaged(maps: np.ndarray) -> np.ndarray:
    return np.nanmean(_windows(maps, 3, np.nan), axis=(4, 5))


def _wrong_one(known: Branches) -> Iterator[tuple]:
    """Rend ce que donnerait chaque erreur connue : `(raison, cartes)`."""
    yield "branch_without_relu", known.convolved(known.maps, "one", bent=False)


def _wrong_large(name: str, known: Branches) -> Iterator[tuple]:
    """Fait de même pour la branche 3×3, ou 5×5."""
    other, three = (f"reduce_{each}" for each in SIDES if each != name), known.reduced("three")
    yield "reduction_missing", known.convolved(known.maps, name, SIDES[name])
    yield "branch_without_relu", known.reduced(name, bent=False)
    yield "reduction_without_relu", known.reduced(name, inner=False)
    yield "branch_without_relu", known.reduced(name, inner=False, bent=False)
    yield "reductions_exchanged", known.reduced(name, by=next(other))
    if name == "five":
        small = known.reduced(name, side=3)
        yield "branches_chained", known.reduced(name, read=three)
        yield "kernel_of_three", small
        yield "two_of_three", known.convolved(small, name, 3)


def _wrong_pooled(known: Branches) -> Iterator[tuple]:
    """Fait de même pour la branche du pooling."""
    maps, largest = known.maps, _largest(known.maps)
    plain = known.convolved(maps, "pooled")
    yield "pooling_missing", plain
    yield "pooling_averaged", known.convolved(_averaged(maps), "pooled")
    yield "pooling_too_small", known.convolved(_largest(maps, 2), "pooled")
    yield "pooling_after", _largest(plain)
    yield "branch_without_relu", known.convolved(largest, "pooled", bent=False)


def _wrong(name: str, known: Branches) -> Iterator[tuple]:
    """Rend les erreurs connues d'une branche."""
    if name in SIDES:
        return _wrong_large(name, known)
    return _wrong_one(known) if name == "one" else _wrong_pooled(known)


def _by_branch(found: Credit, known: Branches) -> Credit:
    """Nomme la première branche fausse d'un module, et son erreur si elle se reconnaît."""
    whole = found.wrong.whole or (found.wrong.answer, found.wrong.expected)
    pair = as_floats(whole[0].value), as_floats(whole[1])
    if pair[0] is None or pair[0].ndim < 4:
        return found
    ends = np.cumsum([known.widths[name] for name in OUTPUTS])[:-1]
    right = dict(zip(OUTPUTS, np.split(pair[1], ends, 3), strict=True))
    if pair[0].shape != pair[1].shape:
        return _by_width(found, pair[0], right, known)
    orders = itertools.permutations(OUTPUTS)
    if any(_is_joined(pair[0], [right[name] for name in order]) for order in orders):
        return found._replace(reason="branches_reordered", detail="")
    for name, ours in zip(OUTPUTS, np.split(pair[0], ends, 3), strict=True):
        if not same(ours, right[name], tolerance=CLOSE):
            wrong = _wrong(name, known)
            likely = (reason for reason, maps in wrong if same(ours, maps, tolerance=CLOSE))
            reason = next(likely, "wrong_branch" if found.reason in UNNAMED else found.reason)
            return found._replace(reason=reason, detail=f"`{name}`")
    return found


def _by_width(found: Credit, maps: np.ndarray, right: dict, known: Branches) -> Credit:
    """Dit pourquoi un module n'a pas la bonne largeur : une branche manque, ou sa 1×1."""
    for name in OUTPUTS:
        if _is_joined(maps, [right[each] for each in OUTPUTS if each != name]):
            return found._replace(reason="branch_missing", detail=f"`{name}`")
    first = [right[name] for name in OUTPUTS[:-1]]
    if _is_joined(maps, [*first, _largest(known.maps)]):
        return found._replace(reason="pooled_not_reduced", detail="")
    return found


def _is_joined(maps: np.ndarray, branches: list[np.ndarray]) -> bool:
    return same(maps, np.concatenate(branches, axis=3), tolerance=CLOSE)


@question("ex15.inception_module")
def ask_inception_module(ask: Ask) -> Credit:
    """Donne à un module des noyaux positifs, puis de tout signe, où la ReLU compte.

    Chaque largeur est différente : chaque noyau se reconnaît à sa forme, et prend sa valeur. Un
    noyau a des poids d'autant plus petits qu'il en a plus : chaque branche rend des cartes du même
    ordre, et aucune ne passe inaperçue à côté d'une autre.
    """
    channels, *widths = (int(each) for each in ask.rng.permutation(np.arange(3, 12))[:7])
    shapes = [
        (side, side, read, filters)
        for side, read, filters in itertools.product((1, 3, 5), (channels, *widths), widths)
    ]
    drawn = [ask.rng.uniform(0.1, 1, each) for each in shapes]
    positive = [np.float32(each / prod(each.shape[:3])) for each in drawn]
    # Un filtre de moyenne nulle rend des deux signes : sans ReLU, il en reste des négatifs.
    centred = [each - each.mean((0, 1, 2)) for each in drawn]
    signed = [np.float32(each / np.sqrt(prod(each.shape[:3]))) for each in centred]
    named = dict(zip(BRANCHES, widths, strict=True))
    maps = ask.rng.uniform(0, 1, (2, *MAPS, channels)).astype(np.float32)
    calls = [((maps, messages.Ingredient("record", named)), {})]
    ask.searched_s = SEARCH_S  # un seul calcul voisin prend déjà longtemps
    found = []
    for level, weights in (("1/2", positive), ("3/4", signed)):
        given = ask.compare(
            "inception_module",
            [(level, calls, np.shape), ("1", calls)],
            operation="through",
            weights=weights,
            tolerance=CLOSE,
        )
        known = Branches(maps, {each.shape: each for each in weights}, named)
        compared_ = given.wrong is not None and not given.wrong.answer.error
        found.append(_by_branch(given, known) if compared_ else given)
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


def _count(found: dict, name: str) -> int:
    """Compte les couches d'une classe."""
    return [each["class"] for each in found["layers"]].count(name)


def _judge_shortcuts(plain: dict, found: dict) -> Credit:
    """Cherche ce qui est ajouté, et où, dans un réseau sans raccourcis et dans un qui en a."""
    layers, added = found["layers"], _additions(found)
    depth = [list(each.get("kernel_size", ())) for each in layers].count([3, 3])
    ends = [sorted(layers[number]["parents"]) for number in added]
    starts = {first for first, _ in ends}
    blocks = {_backwards(layers, last, first) for first, last in ends}
    after = [each for each in layers if set(each["parents"]) & set(added)]
    weighs = plain["num_parameters"] != found["num_parameters"]
    of_places = [
        # La première convolution est peut-être 3×3.
        (0, "wrong_depth", depth not in (DEPTH, DEPTH + 1), f"{depth} convolutions 3×3"),
        ("1/4", "shortcut_always", _additions(plain)),
        ("1/4", "shortcut_missing", not added),
        ("1/2", "shortcut_elsewhere", len(added) != DEPTH // 2, f"{len(added)} additions"),
        ("1/2", "added_to_itself", any(first == last for first, last in ends)),
    ]
    return first_fault(
        *of_places,
        ("1/2", "shortcut_with_weights", weighs),
        ("1/2", "shortcut_from_start", len(starts) == 1),
        ("1/2", "shortcut_over_one", blocks <= {"C", "rC", "Cr", "rCr"}),
        ("1/2", "relu_before_addition", "rCrC" in blocks),
        ("1/2", "relu_forgotten", "CC" in blocks),
        ("1/2", "shortcut_elsewhere", blocks != {"CrC"}),
        ("1/2", "relu_after_forgotten", not all(map(networks.bends, after))),
    )


def _judge_rest(plain: dict, found: dict) -> Credit:
    """Regarde la taille des cartes que les raccourcis ajoutent, les normalisations et la sortie."""
    added = [found["layers"][number]["shapes"].get("output", ()) for number in _additions(found)]
    sizes = {tuple(each[1:3]) for each in added}
    said = " ; ".join("×".join(map(str, each)) for each in sizes)
    convolved, normed = (_count(plain, each) for each in ("Conv2D", "BatchNormalization"))
    outputs = as_floats(plain["outputs"])
    certain = outputs is not None and outputs.shape == (1, 10) and abs(outputs.sum() - 1) < CLOSE
    return first_fault(
        ("3/4", "maps_of_other_size", sizes != {(PATCHES, PATCHES)}, said),
        ("3/4", "normalisation_missing", normed < convolved, f"{normed} pour {convolved}"),
        ("3/4", "not_probabilities", not certain),
    )


@question("ex15.build_deep")
def ask_build_deep(ask: Ask) -> Credit:
    """Construit le même réseau avec et sans raccourcis, puis demande des profondeurs refusées."""
    images = np.zeros((1, 32, 32, 3), np.uint8)
    models = [
        ask.model("build_deep", DEPTH, shape=images.shape[1:], shortcuts=each)
        for each in (False, True)
    ]
    both = [ask.clean("inspect", content=each, images=images) for each in models]
    calls = [((number,), {"shortcuts": True}) for number in (2, 5, 0)]
    raised = all(each.is_refused for each in ask.calls("build_deep", calls)[1:])
    of_errors = first_fault(("3/4", "no_error", not raised))
    return min(_judge_shortcuts(*both), _judge_rest(*both), of_errors, key=attrgetter("level"))
