"""Exercice 21 : des graphes, les messages qui y passent, et ce qu'on en lit."""

from typing import NamedTuple

import numpy as np

from grading.asking import failures
from grading.inside import probes
from grading.inside.messages import Ingredient
from grading.questions import (
    TENSORS,
    TOLERANCE,
    Ask,
    Credit,
    Mistake,
    compared,
    first_fault,
    graphs,
    numbers,
    question,
    same,
)

AGGREGATES = ("sum", "mean", "max")  # ceux de l'énoncé

# --- Des graphes ---------------------------------------------------------------------


def _links(rng, num_nodes: int, num_links: int) -> tuple[np.ndarray, np.ndarray]:
    """Tire des liens `(l, 2)` entre ces nœuds, et leurs poids, tous différents."""
    pairs = rng.permutation(np.stack(np.triu_indices(num_nodes, 1), axis=1))[:num_links]
    weights = rng.permutation(np.arange(2, 30, dtype=np.float32))[:num_links] / 4
    return rng.permuted(pairs, axis=1), weights


def _in_square(down, right) -> np.ndarray:
    """Dit quelles cases sont reliées, d'après leurs écarts, comme l'énoncé le demande."""
    return np.maximum(down, right) <= 1


def _in_square_but_itself(down, right) -> np.ndarray:
    return np.maximum(down, right) == 1


def _in_cross(down, right) -> np.ndarray:
    return down + right <= 1


def _in_cross_but_itself(down, right) -> np.ndarray:
    return down + right == 1


def _one_hot(places) -> np.ndarray:
    return np.eye(9)[places]


def _as_number(places) -> np.ndarray:
    return places[:, None]


def _from_one(places) -> np.ndarray:
    return places[:, None] + 1


def _by_columns_of_places(places) -> np.ndarray:
    """Numérote les cases de la fenêtre colonne par colonne."""
    return _one_hot(3 * (places % 3) + places // 3)


def _seen_from_sender(places) -> np.ndarray:
    """Dit où est i vu de j."""
    return _one_hot(8 - places)


def _by_rows(y, x, height, width) -> np.ndarray:
    """Numérote les cases ligne par ligne, comme l'énoncé le demande."""
    return y * width + x


def _by_columns(y, x, height, width) -> np.ndarray:
    return x * height + y


def _by_height(y, x, height, width) -> np.ndarray:
    return y * height + x


def _grid(linked=_in_square, *, features=_one_hot, numbered=_by_rows):
    """Rend `grid_graph` avec, au choix, une erreur.

    Args:
        linked: dit quelles cases sont reliées, d'après leurs écarts de lignes et de colonnes.
        features: rend ce que porte chaque arc, d'après la place de j vue de i.
        numbered: numérote les cases.
    """

    def grid_graph(height, width):
        y, x = np.indices((height, width)).reshape(2, -1)
        down, right = y - y[:, None], x - x[:, None]
        receivers, senders = np.nonzero(linked(abs(down), abs(right)))
        places = (3 * (down + 1) + right + 1)[receivers, senders]
        numbers = numbered(y, x, height, width)
        return height * width, numbers[senders], numbers[receivers], features(places)

    return grid_graph


def _closed_grid(height, width):
    """Rend la grille où le bord touche le bord opposé."""
    y, x = np.indices((height, width)).reshape(2, -1, 1)
    down, right = np.indices((3, 3)).reshape(2, 1, -1) - 1
    senders = (y + down) % height * width + (x + right) % width
    receivers, places = np.broadcast_to(y * width + x, senders.shape), 3 * (down + 1) + right + 1
    features = _one_hot(np.broadcast_to(places, senders.shape).ravel())
    return height * width, senders.ravel(), receivers.ravel(), features


GRIDS = [
    Mistake("loops_missing", _grid(_in_square_but_itself)),
    Mistake("four_neighbours", _grid(_in_cross)),
    Mistake("four_neighbours", _grid(_in_cross_but_itself)),
    Mistake("place_as_number", _grid(features=_as_number)),
    Mistake("place_as_number", _grid(features=_from_one), "1/2"),
    Mistake("places_by_column", _grid(features=_by_columns_of_places)),
    Mistake("place_seen_from_sender", _grid(features=_seen_from_sender)),
    Mistake("numbered_by_height", _grid(numbered=_by_height)),
    Mistake("numbered_by_columns", _grid(numbered=_by_columns)),
    Mistake("grid_closed", _closed_grid),
]


def _cells_too_far(positional, graph, expected) -> graphs.Fault | None:
    """Dit si tous les bons arcs sont là, et si d'autres relient des cases éloignées."""
    extra, missing = graphs.gaps(graph, expected)
    if not extra or missing:
        return None
    receiver, sender = (divmod(node, positional[1]) for node in extra[0])
    said = f"{len(extra)} arcs de trop, dont celui de la case {sender} à la case {receiver}"
    return "cells_too_far", said


@question("ex21.grid_graph")
def ask_grid_graph(ask: Ask) -> Credit:
    """Relie les cases de grilles qui ne sont pas carrées."""
    calls = [((3, 4), {}), ((int(ask.rng.integers(4, 7)), 3), {}), ((1, 5), {})]
    groups = [("1/2", calls, graphs.ends), ("1", calls, graphs.arcs)]
    return graphs.compare(ask, groups, GRIDS, rules=[_cells_too_far])


def _for_each_way(weights, num_ways) -> np.ndarray:
    """Rend le poids de chaque arc, un sens après l'autre, comme l'énoncé le demande."""
    return np.tile(weights, num_ways)


def _in_a_row(weights, num_ways) -> np.ndarray:
    return np.repeat(weights, num_ways)


def _shared(weights, num_ways) -> np.ndarray:
    return np.tile(weights, num_ways) / num_ways


def _ones(weights, num_ways) -> np.ndarray:
    return np.ones(num_ways * len(weights))


def _linked(*, ways=((0, 1), (1, 0)), loops=False, weigh=_for_each_way):
    """Rend `undirected_graph` avec, au choix, une erreur.

    Args:
        ways: les sens de chaque lien, de quelle colonne à quelle autre.
        loops: ajouter à chaque nœud une boucle de poids 1.
        weigh: rend le poids des arcs, d'après ceux des liens et le nombre de sens.
    """

    def undirected_graph(num_nodes, pairs, weights):
        own = np.arange(num_nodes)[: num_nodes * loops]
        senders = np.concatenate([*(pairs[:, first] for first, _ in ways), own])
        receivers = np.concatenate([*(pairs[:, second] for _, second in ways), own])
        features = np.concatenate([weigh(weights, len(ways)), np.ones(len(own))])
        return num_nodes, senders, receivers, features[:, None]

    return undirected_graph


def _recounted(count):
    """Rend `undirected_graph`, qui ignore le nombre de nœuds donné, et le tire des liens."""

    def undirected_graph(num_nodes, pairs, weights):
        return count(pairs), *_linked()(num_nodes, pairs, weights)[1:]

    return undirected_graph


def _num_linked(pairs) -> int:
    return len(np.unique(pairs))


def _last_linked(pairs) -> int:
    return pairs.max() + 1


LINKED = [
    Mistake("one_way_only", _linked(ways=[(0, 1)])),
    Mistake("one_way_only", _linked(ways=[(1, 0)])),
    Mistake("loops_added", _linked(loops=True)),
    Mistake("same_way_twice", _linked(ways=[(0, 1), (0, 1)])),
    Mistake("same_way_twice", _linked(ways=[(1, 0), (1, 0)])),
    Mistake("arcs_to_themselves", _linked(ways=[(0, 0), (1, 1)])),
    *(Mistake("nodes_recounted", _recounted(each), "1/2") for each in (_num_linked, _last_linked)),
]
LINKED += [
    Mistake("weights_in_a_row", _linked(weigh=_in_a_row)),
    Mistake("weight_shared", _linked(weigh=_shared)),
    Mistake("link_weights_ignored", _linked(weigh=_ones)),
]


@question("ex21.undirected_graph")
def ask_undirected_graph(ask: Ask) -> Credit:
    """Fait deux arcs de chaque lien ; le dernier nœud n'en a aucun."""
    five, seven = (5, *_links(ask.rng, 4, 4)), (7, *_links(ask.rng, 6, 9))
    return graphs.compare(ask, [("1", [(five, {}), (seven, {})], graphs.arcs)], LINKED)


def _by_both(degrees, receivers, senders) -> np.ndarray:
    """Rend ce qui divise le poids d'un arc, comme l'énoncé le demande."""
    return np.sqrt(degrees[receivers] * degrees[senders])


def _by_receiver(degrees, receivers, senders) -> np.ndarray:
    return degrees[receivers]


def _by_sender(degrees, receivers, senders) -> np.ndarray:
    return degrees[senders]


def _by_product(degrees, receivers, senders) -> np.ndarray:
    return degrees[receivers] * degrees[senders]


def _by_sum(degrees, receivers, senders) -> np.ndarray:
    return degrees[receivers] + degrees[senders]


def _by_root_of_sum(degrees, receivers, senders) -> np.ndarray:
    return np.sqrt(degrees[receivers] + degrees[senders])


def _by_mean(degrees, receivers, senders) -> np.ndarray:
    return (degrees[receivers] + degrees[senders]) / 2


def _undivided(degrees, receivers, senders) -> np.ndarray:
    return np.ones(len(receivers))


def _both_ways(pairs, matrix) -> np.ndarray:
    """Rend les arcs des liens, un par sens, comme l'énoncé le demande."""
    return matrix > 0


def _as_given(pairs, matrix) -> np.ndarray:
    return _marked(pairs, len(matrix))


def _as_turned(pairs, matrix) -> np.ndarray:
    return _marked(pairs, len(matrix)).T


def _marked(pairs, num_nodes) -> np.ndarray:
    """Marque l'arc de chaque lien, du premier nœud au second, dans une matrice `(i, j)`."""
    marked = np.zeros((num_nodes, num_nodes), bool)
    marked[pairs[:, 1], pairs[:, 0]] = True
    return marked


class Weights(NamedTuple):
    """Quels poids se lisent : sans quoi chaque lien compte pour 1."""

    of_arcs: bool = True
    of_degrees: bool = True


WEIGHTS = Weights()


def _normal(divide=_by_both, *, read=WEIGHTS, linked=_both_ways, loops=1, counted=True):
    """Rend `normalised` avec, au choix, une erreur.

    Args:
        divide: rend ce qui divise le poids d'un arc.
        read: les poids des liens qui se lisent.
        linked: rend les arcs des liens.
        loops: le poids de la boucle de chaque nœud ; 0 : aucune boucle.
        counted: compter cette boucle dans la somme des poids d'un nœud.
    """

    def normalised(network):
        fields = network.options
        num_nodes = len(fields["labels"])
        matrix = np.zeros((num_nodes, num_nodes))
        first, second = fields["pairs"].T
        matrix[first, second] = matrix[second, first] = fields["weights"]
        own, ones = np.eye(num_nodes), (matrix > 0).astype(float)
        degrees = (matrix if read.of_degrees else ones).sum(axis=1) + max(loops, 1) * counted
        arcs = linked(fields["pairs"], matrix)
        receivers, senders = np.nonzero(arcs | (own > 0) if loops else arcs)
        weights = ((matrix if read.of_arcs else ones) + loops * own)[receivers, senders]
        with np.errstate(all="ignore"):  # un nœud sans voisin
            weights = weights / divide(degrees, receivers, senders)
        return num_nodes, senders, receivers, weights[:, None]

    return normalised


NORMALISED = [
    *(Mistake("loops_missing", _normal(loops=0, counted=each)) for each in (False, True)),
    Mistake("loop_not_counted", _normal(counted=False)),
    Mistake("loops_too_heavy", _normal(loops=2)),
    Mistake("link_weights_ignored", _normal(read=Weights(False, False))),
    Mistake("degrees_count_links", _normal(read=Weights(of_degrees=False))),
    Mistake("arc_weights_ignored", _normal(read=Weights(of_arcs=False))),
]
NORMALISED += [
    *(Mistake("one_way_only", _normal(linked=each)) for each in (_as_given, _as_turned)),
    Mistake("divided_by_one_end", _normal(_by_receiver)),
    Mistake("divided_by_one_end", _normal(_by_sender)),
    Mistake("root_of_product_missing", _normal(_by_product)),
    *(Mistake("ends_added", _normal(each)) for each in (_by_sum, _by_root_of_sum, _by_mean)),
    Mistake("not_divided", _normal(_undivided)),
]


def _same_divisor(positional, graph, expected) -> graphs.Fault | None:
    """Dit si tous les arcs sont là, chacun divisé par un même nombre."""
    ours, undivided = graphs.arcs(graph), graphs.arcs(_normal(_undivided)(*positional))
    if any(graphs.gaps(graph, expected)):
        return None
    divisors = undivided[:, 3] / ours[:, 3]
    return ("same_divisor", "") if np.allclose(divisors, divisors[0], rtol=TOLERANCE) else None


@question("ex21.normalised")
def ask_normalised(ask: Ask) -> Credit:
    """Normalise de petits graphes, dont le second a un nœud sans voisin."""

    def draw(num, num_links, *, alone=0):
        pairs, weights = _links(ask.rng, num - alone, num_links)
        fields = {"pairs": pairs, "weights": weights, "labels": np.arange(num) % 2}
        return (Ingredient("record", fields),), {}

    calls = [draw(5, 6), draw(8, 11, alone=1)]
    groups = [("1/2", calls, graphs.ends), ("1", calls, graphs.arcs)]
    return graphs.compare(ask, groups, NORMALISED, rules=[_same_divisor], tolerance=TOLERANCE)


# --- Les messages --------------------------------------------------------------------


PSI = probes.INGREDIENTS["psi"]()  # le message de l'essai, qui distingue ses trois arguments


def _both_ends(n_i, n_j, e_ji):
    """Calcule les messages, comme l'énoncé le demande."""
    return PSI(n_i, n_j, e_ji)


def _ends_swapped(n_i, n_j, e_ji):
    return PSI(n_j, n_i, e_ji)


def _receiver_only(n_i, n_j, e_ji):
    return PSI(n_i, n_i, e_ji)


def _sender_only(n_i, n_j, e_ji):
    return PSI(n_j, n_j, e_ji)


def _edge_ignored(n_i, n_j, e_ji):
    return PSI(n_i, n_j, np.zeros_like(e_ji))


def _by_num_received(graph: dict) -> np.ndarray:
    """Rend ce qui divise une somme pour en faire la moyenne, comme l'énoncé le demande."""
    return np.maximum(np.bincount(graph["receivers"], minlength=graph["num_nodes"]), 1)


def _by_num_received_or_zero(graph: dict) -> np.ndarray:
    return np.bincount(graph["receivers"], minlength=graph["num_nodes"])


def _by_num_sent(graph: dict) -> np.ndarray:
    return np.maximum(np.bincount(graph["senders"], minlength=graph["num_nodes"]), 1)


def _by_num_nodes(graph: dict) -> np.ndarray:
    return np.full(graph["num_nodes"], graph["num_nodes"])


def _by_num_edges(graph: dict) -> np.ndarray:
    return np.full(graph["num_nodes"], len(graph["receivers"]))


def _passed(
    *,
    psi=_both_ends,
    end="receivers",
    divide=_by_num_received,
    known=AGGREGATES,
    start=-np.inf,
    empty=0.0,
):
    """Rend `pass_messages` avec, au choix, une erreur.

    Args:
        psi: calcule les messages.
        end: le bout de chaque arc qui reçoit le message.
        divide: rend ce qui divise la somme de chaque nœud.
        known: agrégateurs compris ; les autres font une somme.
        start: d'où part le maximum.
        empty: le maximum d'un nœud qui ne reçoit rien.
    """

    def pass_messages(nodes, graph, _, *, aggregate="sum"):
        if aggregate not in AGGREGATES:
            raise ValueError
        graph, aggregate = graph.options, aggregate if aggregate in known else "sum"
        features = np.broadcast_to(graph["features"], (len(nodes), *graph["features"].shape))
        messages = psi(nodes[:, graph["receivers"]], nodes[:, graph["senders"]], features)
        first = start if aggregate == "max" else 0.0
        received = np.full((len(nodes), graph["num_nodes"], messages.shape[2]), first)
        gather = np.maximum if aggregate == "max" else np.add
        gather.at(received, (slice(None), graph[end]), messages)
        if aggregate == "mean":
            with np.errstate(all="ignore"):  # un nœud qui ne reçoit rien
                received /= divide(graph)[:, None]
        return np.where(np.isinf(received), empty, received)

    return pass_messages


PASSED = [
    Mistake("ends_swapped", _passed(psi=_ends_swapped)),
    Mistake("sent_back", _passed(end="senders")),
    Mistake("sent_back", _passed(end="senders", divide=_by_num_sent)),
    Mistake("one_end_read", _passed(psi=_receiver_only)),
    Mistake("one_end_read", _passed(psi=_sender_only)),
    Mistake("edge_ignored", _passed(psi=_edge_ignored)),
    Mistake("always_summed", _passed(known=("sum",))),
    Mistake("mean_is_sum", _passed(known=("sum", "max"))),
    Mistake("max_is_sum", _passed(known=("sum", "mean"))),
    Mistake("mean_of_all_nodes", _passed(divide=_by_num_nodes)),
    Mistake("mean_of_all_edges", _passed(divide=_by_num_edges)),
    Mistake("mean_of_sent", _passed(divide=_by_num_sent)),
    Mistake("maximum_from_zero", _passed(start=0.0)),
    Mistake("mean_of_nothing", _passed(divide=_by_num_received_or_zero)),
    Mistake("maximum_of_nothing", _passed(empty=-np.inf)),
    Mistake("maximum_of_nothing", _passed(empty=float(np.finfo(np.float32).min))),
]


@compared("ex21.pass_messages", mistakes=PASSED, tolerance=TOLERANCE, **TENSORS)
def ask_pass_messages(ask: Ask) -> list:
    """Passe des messages qui distinguent les deux bouts d'un arc : somme, moyenne, maximum."""

    def draw(num_nodes, *, silent=0, **options):
        """Chaque nœud reçoit un message au moins ; les derniers, aucun s'ils sont isolés."""
        heard = num_nodes - silent
        receivers = np.concatenate([np.arange(heard), ask.rng.integers(0, heard, num_nodes)])
        fields = {
            "num_nodes": num_nodes,
            "senders": ask.rng.integers(0, num_nodes, len(receivers)).astype(np.int32),
            "receivers": ask.rng.permutation(receivers).astype(np.int32),
            "features": ask.rng.normal(size=(len(receivers), 2)).astype(np.float32),
        }
        nodes = ask.rng.normal(size=(2, num_nodes, 3)).astype(np.float32)
        return (nodes, Ingredient("record", fields), Ingredient("psi", {})), options

    alone = [draw(6, silent=1, aggregate=name) for name in ("sum", "mean", "max")]
    return [
        ("1/2", [draw(5), draw(7, aggregate="sum")]),
        ("3/4", [draw(6, aggregate="mean"), draw(6, aggregate="max")]),
        ("1", [*alone, draw(4, aggregate="median")]),
    ]


# --- Lire un graphe ------------------------------------------------------------------


def _alike(found, expected) -> bool:
    return same(found, expected, tolerance=TOLERANCE)


class Heads(NamedTuple):
    """Les réponses `(b, classes)` à un graphe, puis à ce graphe changé."""

    here: np.ndarray
    turned: np.ndarray  # ses nœuds sont rangés à l'envers
    channels: np.ndarray  # ses canaux
    doubled: np.ndarray  # chaque nœud y est deux fois
    mean: np.ndarray  # la moyenne seule a changé
    largest: np.ndarray  # le maximum seul
    smallest: np.ndarray  # le minimum seul
    middle: np.ndarray  # ni la moyenne, ni le maximum, ni le minimum
    joined: np.ndarray  # les nœuds de `here`, et ceux de `mean`
    positive: np.ndarray  # un autre graphe, sans valeur négative
    positive_mean: np.ndarray  # dont la moyenne seule a changé
    positive_smallest: np.ndarray  # le minimum seul
    positive_middle: np.ndarray  # ni la moyenne, ni le maximum, ni le minimum


def _heads_asked(rng) -> list[np.ndarray]:
    """Rend les nœuds `(2, 7, 3)` de chaque graphe de `Heads`, triés canal par canal."""
    nodes = np.sort(rng.normal(size=(2, 7, 3)).astype(np.float32), axis=1)
    positive = (nodes - nodes.min()) / np.ptp(nodes) + np.float32(0.6)
    lowered = nodes - 7 * _at(0)
    return [
        nodes,
        nodes[:, ::-1].copy(),
        nodes[:, :, ::-1].copy(),
        np.concatenate([nodes, nodes], axis=1),
        lowered,
        nodes + 3 * (_at(-1) - _at(0)),
        _with_other_smallest(nodes),
        _with_other_middle(nodes),
        np.concatenate([nodes, lowered], axis=1),
        positive,
        positive - np.float32(0.4) * _at(3),
        _with_other_smallest(positive),
        _with_other_middle(positive),
    ]


def _at(rank: int) -> np.ndarray:
    """Rend 1 à un nœud, et 0 aux autres."""
    return np.eye(7, dtype=np.float32)[rank][:, None]


def _with_other_smallest(nodes) -> np.ndarray:
    """Change le plus petit nœud, et le suivant : ni la moyenne ni le maximum ne changent."""
    return nodes + np.ptp(nodes, axis=1, keepdims=True) / 2 * (_at(0) - _at(1))


def _with_other_middle(nodes) -> np.ndarray:
    """Écarte deux nœuds l'un de l'autre, sans qu'aucun devienne le plus petit ou le plus grand."""
    room = np.minimum(nodes[:, 2] - nodes[:, 0], nodes[:, -1] - nodes[:, 4])[:, None]
    return nodes + np.float32(0.9) * room * (_at(4) - _at(2))


@question("ex21.graph_head")
def ask_graph_head(ask: Ask) -> Credit:
    """Change les nœuds d'un graphe : ce qui doit changer la réponse, et ce qui ne le doit pas."""
    several, num_classes = _heads_asked(ask.rng), 4
    answers = ask.calls("graph_head", [((each, num_classes), {}) for each in several], **TENSORS)
    heads = Heads(*_read_heads(answers, several[0].shape, num_classes))
    here, is_turned = heads.here, not _alike(heads.turned, heads.here)
    is_kept = _alike(heads.mean, here)  # d'un nœud négatif, une ReLU ne voit pas qu'il baisse
    no_mean = is_kept and _alike(heads.positive_mean, heads.positive)
    is_average = not is_kept and _alike(heads.joined, (here + heads.mean) / 2)
    return first_fault(
        ("1/4", "summarised_over_channels", is_turned and _alike(heads.channels, here)),
        ("1/4", "order_of_nodes_matters", is_turned),
        *_faults_of_probabilities(here),
        ("1/2", "half_of_the_summary", no_mean or _alike(heads.largest, here)),
        ("1/2", "answers_averaged", is_average),
        *_faults_of_summary(heads),
        ("1/2", "nodes_summed", not _alike(heads.doubled, here)),
    )


def _faults_of_probabilities(here) -> list[tuple]:
    """Dit en quoi des réponses ne sont pas des probabilités (voir `first_fault`)."""
    is_positive = bool((here >= 0).all())
    if is_positive and _alike(here.sum(axis=1), np.ones(len(here))):
        return []
    over_batch = is_positive and _alike(here.sum(axis=0), np.ones(here.shape[1]))
    return [
        ("1/4", "softmax_over_batch", over_batch),
        ("1/4", "sum_is_not_one", is_positive and (here <= 1).all()),
        ("1/4", "scores_for_probabilities", True),
    ]


def _faults_of_summary(heads: Heads) -> list[tuple]:
    """Dit de quoi des réponses dépendent, qui n'est ni la moyenne ni le maximum des nœuds."""
    smallest, middle = (not _alike(each, heads.here) for each in (heads.smallest, heads.middle))
    others = (heads.positive_smallest, heads.positive_middle)
    of_sign = all(_alike(each, heads.positive) for each in others)
    return [
        ("1/2", "negatives_changed", (smallest or middle) and of_sign),
        ("1/2", "smallest_read", smallest and not middle),
        ("1/2", "another_summary", smallest or middle),
    ]


def _read_heads(answers, shape: tuple[int, ...], num_classes: int) -> list[np.ndarray]:
    """Rend les réponses, `(b, classes)` chacune.

    Raises:
        Failure: une autre forme, nommée si l'on reconnaît d'où elle vient.
    """
    batch, num_nodes, _ = shape
    found = numbers(answers[0]).shape
    named = {
        (batch, num_nodes, num_classes): "one_answer_per_node",
        (batch, 1, num_classes): "other_axes",
        (num_nodes, num_classes): "summarised_over_graphs",
        (num_classes,): "summarised_over_graphs",
        (batch, 1): "one_class_only",
    }
    if found in named:
        raise failures.Failure(named[found], f"rendu : {found}")
    return [numbers(each, (batch, num_classes)) for each in answers]
