"""Exercice 21 : des graphes, les messages qui y passent, et ce qu'on en lit."""

from collections import Counter
from typing import NamedTuple

import numpy as np

from grading.asking import differences, failures
from grading.asking.arguments import OF_SIDES
from grading.asking.comparing import DIRECTIONS, UNEXPLAINED
from grading.asking.parts import Keyed, with_names
from grading.inside import probes
from grading.inside.messages import Ingredient
from grading.questions import (
    TENSORS,
    TOLERANCE,
    Ask,
    Credit,
    Mistake,
    as_floats,
    compared,
    first_fault,
    numbers,
    question,
    same,
)

AGGREGATES = ("sum", "mean", "max")  # ceux de l'énoncé

# --- Des graphes ---------------------------------------------------------------------


FIELDS = ("num_nodes", "senders", "receivers", "features")  # d'un graphe


def _arcs(graph) -> np.ndarray:
    """Range les arcs d'un graphe, une ligne `(n, i, j, *e_ji)` chacun, d'après i, puis j.

    Un arc qui ne porte que des zéros n'en est pas un.
    """
    num_nodes, senders, receivers, features = map(as_floats, graph)
    rows = np.column_stack([np.full(len(senders), num_nodes), receivers, senders, features])
    rows = rows[features.any(axis=1)]
    return rows[np.lexsort(rows.T[::-1])]  # de deux arcs pareils, d'après ce qu'ils portent


def _ends(graph) -> np.ndarray:
    """Range de même les deux bouts de chaque arc, sans ce qu'il porte."""
    return _arcs(graph)[:, :3]


def _links(rng, num_nodes: int, num_links: int) -> tuple[np.ndarray, np.ndarray]:
    """Tire des liens `(l, 2)`, tous différents, et leurs poids."""
    pairs = rng.permutation(np.stack(np.triu_indices(num_nodes, 1), axis=1))[:num_links]
    return rng.permuted(pairs, axis=1), rng.integers(2, 30, num_links).astype(np.float32) / 4


def _compare_graphs(ask: Ask, groups: list, mistakes: list, **how) -> Credit:
    """Compare des graphes ; dit leurs nombres d'arcs, et quel champ de `Graph` est faux."""
    found = ask.compare(ask.rule.name, groups, mistakes=mistakes, **how)
    if found.wrong is None or found.wrong.answer.error:
        return found
    calls = [(found.wrong.positional, found.wrong.named)]
    ours, theirs = (each.calls(ask.rule.name, calls)[0].value for each in (ask, ask.reference))
    if not all(map(_is_graph, (ours, theirs))):
        return found
    whole = failures.Answer(_shown(ours)), _shown(theirs)
    found = found._replace(wrong=found.wrong._replace(whole=whole))
    fault = _fault_of_form(ours)
    is_settled = ask.seeks_cause or found.reason not in UNEXPLAINED  # rien de plus n'est cherché
    if not fault and found.reason in OF_ROWS and is_settled:
        fault = _fault_of_field(ours, theirs)
    return found._replace(reason=fault[0], detail=fault[1]) if fault else found


def _is_graph(value) -> bool:
    """Dit si une valeur a quatre champs faits de nombres, les trois derniers des tableaux."""
    is_long = isinstance(value, tuple | list) and len(value) == len(FIELDS)
    fields = [as_floats(each) for each in value] if is_long else [None]
    return all(each is not None for each in fields) and all(each.ndim for each in fields[1:])


def _shown(graph) -> Keyed:
    """Rend ce qui se montre d'un graphe : « 70 arcs et `features` (70, 9) »."""
    names = (f"{len(graph[1])} arcs", f"`features` {np.shape(graph[3])}")
    return with_names(names, names)


def _fault_of_form(graph) -> tuple[str, str] | None:
    """Dit quel champ d'un graphe n'a pas une forme possible ; None si toutes le sont."""
    forms = {name: np.shape(each) for name, each in zip(FIELDS[1:], graph[1:], strict=True)}
    if len(forms["features"]) == 1:
        return "features_without_axis", ""
    sizes = {name: form[0] for name, form in forms.items()}
    if len({*sizes.values()}) > 1:
        said = ", ".join(f"`{name}` : {size}" for name, size in sizes.items())
        return "fields_of_other_lengths", said
    return None


def _fault_of_field(graph, expected) -> tuple[str, str] | None:
    """Dit quel champ d'un graphe est faux, et à quel arc ; None si tous semblent justes."""
    if np.shape(graph[3])[1:] != np.shape(expected[3])[1:]:
        return "features_of_other_width", ""
    ours, theirs = _arcs(graph), _arcs(expected)
    ends, right_ends = ([tuple(row) for row in each[:, 1:3].astype(int)] for each in (ours, theirs))
    if ends != right_ends:
        return _fault_of_ends(Counter(ends), Counter(right_ends))
    if not same(ours[:, 0], theirs[:, 0]):
        return "wrong_num_nodes", ""
    right = np.isclose(ours[:, 3:], theirs[:, 3:], rtol=TOLERANCE).all(axis=1)
    if right.all():
        return None
    receiver, sender = ends[right.argmin()]
    share = f"{right.sum()} arcs sur {len(right)} sont justes"
    where = f"{share} ; le premier faux va de {sender} à {receiver}"
    is_shuffled = same(np.sort(ours[:, 3:], axis=0), np.sort(theirs[:, 3:], axis=0))
    return "features_shuffled" if is_shuffled else "features_wrong", where


def _fault_of_ends(ends: Counter, expected: Counter) -> tuple[str, str]:
    """Dit quels arcs `(i, j)` sont de trop, et à quel nœud il en manque."""
    extra, missing = sorted((ends - expected).elements()), sorted((expected - ends).elements())
    said = []
    if extra:
        said.append(f"de trop : {len(extra)}, le premier va de {extra[0][1]} à {extra[0][0]}")
    if missing:
        said.append(f"manquants : {len(missing)}, le premier arrive en {missing[0][0]}")
    return "ends_wrong", " ; ".join(said)


# Ce qui se dit des lignes d'un tableau d'arcs, et qui ne dirait rien d'un graphe.
OF_ROWS = {
    *(each.reason for each in (*differences.SHAPES, *differences.VALUES)),
    *(*UNEXPLAINED, *DIRECTIONS, *OF_SIDES, "only_some_calls"),
}


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
    Mistake("numbered_by_height", _grid(numbered=_by_height)),
    Mistake("numbered_by_columns", _grid(numbered=_by_columns)),
    Mistake("grid_closed", _closed_grid),
]


@question("ex21.grid_graph")
def ask_grid_graph(ask: Ask) -> Credit:
    """Relie les cases de grilles qui ne sont pas carrées."""
    calls = [((3, 4), {}), ((int(ask.rng.integers(4, 7)), 3), {}), ((1, 5), {})]
    return _compare_graphs(ask, [("1/2", calls, _ends), ("1", calls, _arcs)], GRIDS)


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


LINKED = [
    Mistake("one_way_only", _linked(ways=[(0, 1)])),
    Mistake("one_way_only", _linked(ways=[(1, 0)])),
    Mistake("loops_added", _linked(loops=True)),
    Mistake("same_way_twice", _linked(ways=[(0, 1), (0, 1)])),
    Mistake("same_way_twice", _linked(ways=[(1, 0), (1, 0)])),
    Mistake("weights_in_a_row", _linked(weigh=_in_a_row)),
    Mistake("weight_shared", _linked(weigh=_shared)),
    Mistake("link_weights_ignored", _linked(weigh=_ones)),
]


@question("ex21.undirected_graph")
def ask_undirected_graph(ask: Ask) -> Credit:
    """Fait deux arcs de chaque lien."""
    five, seven = (5, *_links(ask.rng, 5, 4)), (7, *_links(ask.rng, 7, 9))
    return _compare_graphs(ask, [("1", [(five, {}), (seven, {})], _arcs)], LINKED)


def _by_both(degrees, receivers, senders) -> np.ndarray:
    """Rend ce qui divise le poids d'un arc, comme l'énoncé le demande."""
    return np.sqrt(degrees[receivers] * degrees[senders])


def _by_receiver(degrees, receivers, senders) -> np.ndarray:
    return degrees[receivers]


def _by_sender(degrees, receivers, senders) -> np.ndarray:
    return degrees[senders]


def _by_product(degrees, receivers, senders) -> np.ndarray:
    return degrees[receivers] * degrees[senders]


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


def _normal(divide=_by_both, *, read=WEIGHTS, linked=_both_ways, loops=True, counted=True):
    """Rend `normalised` avec, au choix, une erreur.

    Args:
        divide: rend ce qui divise le poids d'un arc.
        read: les poids des liens qui se lisent.
        linked: rend les arcs des liens.
        loops: ajouter une boucle à chaque nœud.
        counted: compter cette boucle dans la somme des poids d'un nœud.
    """

    def normalised(network):
        fields = network.options
        num_nodes = len(fields["labels"])
        matrix = np.zeros((num_nodes, num_nodes))
        first, second = fields["pairs"].T
        matrix[first, second] = matrix[second, first] = fields["weights"]
        own, ones = np.eye(num_nodes), (matrix > 0).astype(float)
        degrees = (matrix if read.of_degrees else ones).sum(axis=1) + counted
        arcs = linked(fields["pairs"], matrix)
        receivers, senders = np.nonzero(arcs | (own > 0) if loops else arcs)
        weights = ((matrix if read.of_arcs else ones) + own)[receivers, senders]
        with np.errstate(all="ignore"):  # un nœud sans voisin
            weights = weights / divide(degrees, receivers, senders)
        return num_nodes, senders, receivers, weights[:, None]

    return normalised


NORMALISED = [
    *(Mistake("loops_missing", _normal(loops=False, counted=each)) for each in (False, True)),
    Mistake("loop_not_counted", _normal(counted=False)),
    Mistake("link_weights_ignored", _normal(read=Weights(False, False))),
    Mistake("degrees_count_links", _normal(read=Weights(of_degrees=False))),
    Mistake("arc_weights_ignored", _normal(read=Weights(of_arcs=False))),
    *(Mistake("one_way_only", _normal(linked=each)) for each in (_as_given, _as_turned)),
    Mistake("divided_by_one_end", _normal(_by_receiver)),
    Mistake("divided_by_one_end", _normal(_by_sender)),
    Mistake("root_of_product_missing", _normal(_by_product)),
    Mistake("not_divided", _normal(_undivided)),
]


@question("ex21.normalised")
def ask_normalised(ask: Ask) -> Credit:
    """Normalise de petits graphes, dont des nœuds peuvent n'avoir aucun voisin."""

    def draw(num, num_links):
        pairs, weights = _links(ask.rng, num, num_links)
        fields = {"pairs": pairs, "weights": weights, "labels": np.arange(num) % 2}
        return (Ingredient("record", fields),), {}

    calls = [draw(5, 6), draw(8, 11)]
    groups = [("1/2", calls, _ends), ("1", calls, _arcs)]
    return _compare_graphs(ask, groups, NORMALISED, tolerance=TOLERANCE)


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


@question("ex21.graph_head")
def ask_graph_head(ask: Ask) -> Credit:
    """Change les nœuds d'un graphe : ce qui doit changer la réponse, et ce qui ne le doit pas."""
    rng, num_classes = ask.rng, 4
    nodes = np.sort(rng.normal(size=(2, 7, 3)).astype(np.float32), axis=1)
    low, middle, high = np.eye(7, dtype=np.float32)[[0, 1, -1]][:, :, None]  # un 1 à un nœud
    step = np.ptp(nodes, axis=1, keepdims=True) / 2
    several = [
        nodes,
        nodes[:, ::-1].copy(),
        nodes + step * (low - middle),  # ni la moyenne ni le maximum ne changent
        np.concatenate([nodes, nodes], axis=1),
        nodes - 7 * low,  # la moyenne seule
        nodes + 3 * (high - low),  # le maximum seul
    ]
    answers = ask.calls("graph_head", [((each, num_classes), {}) for each in several], **TENSORS)
    here, turned, kept, doubled, *others = _read_heads(answers, nodes.shape, num_classes)
    probabilities = (here >= 0).all() and _alike(here.sum(1), [1, 1])
    return first_fault(
        ("1/4", "order_of_nodes_matters", not _alike(turned, here)),
        ("1/4", "not_probabilities", not probabilities),
        ("1/2", "half_of_the_summary", any(_alike(each, here) for each in others)),
        ("1/2", "another_summary", not _alike(kept, here)),
        ("1/2", "nodes_summed", not _alike(doubled, here)),
    )


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
