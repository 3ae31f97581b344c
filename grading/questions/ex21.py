"""Exercice 21 : des graphes, les messages qui y passent, et ce qu'on en lit."""

import numpy as np

from grading.asking import failures
from grading.asking.parts import Keyed
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


def _arcs(graph) -> np.ndarray:
    """Range les arcs d'un graphe, une ligne `(n, i, j, *e_ji)` chacun, d'après i puis j.

    Un arc qui ne porte que des zéros n'en est pas un.
    """
    num_nodes, senders, receivers, features = map(as_floats, graph)
    rows = np.column_stack([np.full(len(senders), num_nodes), receivers, senders, features])
    rows = rows[features.any(axis=1)]
    return rows[np.lexsort((rows[:, 2], rows[:, 1]))]


def _ends(graph) -> np.ndarray:
    """Range de même les deux bouts de chaque arc, sans ce qu'il porte."""
    return _arcs(graph)[:, :3]


def _links(rng, num_nodes: int, num_links: int) -> tuple[np.ndarray, np.ndarray]:
    """Tire des liens `(l, 2)`, tous différents, et leurs poids."""
    pairs = rng.permutation(np.stack(np.triu_indices(num_nodes, 1), axis=1))[:num_links]
    return rng.permuted(pairs, axis=1), rng.integers(2, 30, num_links).astype(np.float32) / 4


def _compare_graphs(ask: Ask, groups: list, mistakes: list, **how) -> Credit:
    """Compare des graphes, et dit leurs nombres d'arcs plutôt que la forme de leurs lignes."""
    found = ask.compare(ask.rule.name, groups, mistakes=mistakes, **how)
    if found.wrong is None or found.wrong.answer.error:
        return found
    graph, expected = found.wrong.answer.value, found.wrong.expected
    if isinstance(graph, tuple) and len(graph) == 4 and np.ndim(graph[3]) == 1:
        return _counted(found._replace(reason="features_without_axis", detail=""))
    if not isinstance(graph, np.ndarray) or graph.ndim != 2:
        return found
    if same(graph[:, 1:], expected[:, 1:]) and not same(graph[:, 0], expected[:, 0]):
        found = found._replace(reason="wrong_num_nodes", detail="")
    return _counted(found)


def _counted(found: Credit) -> Credit:
    """Note, à la place de ce qui se compare, combien d'arcs ont les deux graphes."""
    whole = failures.Answer(_arcs_of(found.wrong.answer.value)), _arcs_of(found.wrong.expected)
    return found._replace(wrong=found.wrong._replace(whole=whole))


def _arcs_of(graph) -> Keyed:
    """Rend ce qui se montre d'un graphe : « 70 arcs »."""
    shown, arcs = Keyed(), graph if isinstance(graph, np.ndarray) else graph[1]
    shown.names = (f"{len(arcs)} arcs",)
    return shown


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


def _grid(linked=_in_square, *, features=_one_hot, columns="width"):
    """Rend `grid_graph` avec, au choix, une erreur.

    Args:
        linked: dit quelles cases sont reliées, d'après leurs écarts de lignes et de colonnes.
        features: rend ce que porte chaque arc, d'après la place de j vue de i.
        columns: le côté pris pour le nombre de colonnes, en numérotant les cases.
    """

    def grid_graph(height, width):
        y, x = np.indices((height, width)).reshape(2, -1)
        down, right = y - y[:, None], x - x[:, None]
        receivers, senders = np.nonzero(linked(abs(down), abs(right)))
        places = (3 * (down + 1) + right + 1)[receivers, senders]
        numbers = y * (width if columns == "width" else height) + x
        return height * width, numbers[senders], numbers[receivers], features(places)

    return grid_graph


GRIDS = [
    Mistake("loops_missing", _grid(_in_square_but_itself)),
    Mistake("four_neighbours", _grid(_in_cross)),
    Mistake("four_neighbours", _grid(_in_cross_but_itself)),
    Mistake("place_as_number", _grid(features=_as_number)),
    Mistake("place_as_number", _grid(features=_from_one), "1/2"),
    Mistake("numbered_by_height", _grid(columns="height")),
]


@question("ex21.grid_graph")
def ask_grid_graph(ask: Ask) -> Credit:
    """Relie les cases de grilles qui ne sont pas carrées."""
    calls = [((3, 4), {}), ((int(ask.rng.integers(4, 7)), 3), {}), ((1, 5), {})]
    return _compare_graphs(ask, [("1/2", calls, _ends), ("1", calls, _arcs)], GRIDS)


def _linked(*, ways=((0, 1), (1, 0)), loops=False):
    """Rend `undirected_graph` avec, au choix, une erreur.

    Args:
        ways: les sens de chaque lien, de quelle colonne à quelle autre.
        loops: ajouter à chaque nœud une boucle de poids 1.
    """

    def undirected_graph(num_nodes, pairs, weights):
        own = np.arange(num_nodes)[: num_nodes * loops]
        senders = np.concatenate([*(pairs[:, first] for first, _ in ways), own])
        receivers = np.concatenate([*(pairs[:, second] for _, second in ways), own])
        features = np.concatenate([*(weights for _ in ways), np.ones(len(own))])
        return num_nodes, senders, receivers, features[:, None]

    return undirected_graph


LINKED = [
    Mistake("one_way_only", _linked(ways=[(0, 1)])),
    Mistake("one_way_only", _linked(ways=[(1, 0)])),
    Mistake("loops_added", _linked(loops=True)),
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


def _normal(divide=_by_both, *, weighted=True, loops=True, counted=True):
    """Rend `normalised` avec, au choix, une erreur.

    Args:
        divide: rend ce qui divise le poids d'un arc.
        weighted: lire les poids des liens ; sinon, ils valent 1.
        loops: ajouter une boucle à chaque nœud.
        counted: compter cette boucle dans la somme des poids d'un nœud.
    """

    def normalised(network):
        fields = network.options
        num_nodes = len(fields["labels"])
        matrix = np.zeros((num_nodes, num_nodes))
        first, second = fields["pairs"].T
        matrix[first, second] = matrix[second, first] = fields["weights"] if weighted else 1
        own = np.eye(num_nodes)
        degrees = matrix.sum(axis=1) + (loops and counted)
        receivers, senders = np.nonzero(matrix + own if loops else matrix)
        with np.errstate(all="ignore"):  # un nœud sans voisin
            weights = (matrix + own)[receivers, senders] / divide(degrees, receivers, senders)
        return num_nodes, senders, receivers, weights[:, None]

    return normalised


NORMALISED = [
    Mistake("loops_missing", _normal(loops=False)),
    Mistake("loop_not_counted", _normal(counted=False)),
    Mistake("link_weights_ignored", _normal(weighted=False)),
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


def _by_num_sent(graph: dict) -> np.ndarray:
    return np.maximum(np.bincount(graph["senders"], minlength=graph["num_nodes"]), 1)


def _by_num_nodes(graph: dict) -> np.ndarray:
    return np.full(graph["num_nodes"], graph["num_nodes"])


def _by_num_edges(graph: dict) -> np.ndarray:
    return np.full(graph["num_nodes"], len(graph["receivers"]))


def _passed(
    *, psi=_both_ends, end="receivers", divide=_by_num_received, known=AGGREGATES, from_zero=False
):
    """Rend `pass_messages` avec, au choix, une erreur.

    Args:
        psi: calcule les messages.
        end: le bout de chaque arc qui reçoit le message.
        divide: rend ce qui divise la somme de chaque nœud.
        known: agrégateurs compris ; les autres font une somme.
        from_zero: faire partir le maximum de zéro.
    """

    def pass_messages(nodes, graph, _, *, aggregate="sum"):
        if aggregate not in AGGREGATES:
            raise ValueError
        graph, aggregate = graph.options, aggregate if aggregate in known else "sum"
        features = np.broadcast_to(graph["features"], (len(nodes), *graph["features"].shape))
        messages = psi(nodes[:, graph["receivers"]], nodes[:, graph["senders"]], features)
        start = -np.inf if aggregate == "max" and not from_zero else 0.0
        received = np.full((len(nodes), graph["num_nodes"], messages.shape[2]), start)
        gather = np.maximum if aggregate == "max" else np.add
        gather.at(received, (slice(None), graph[end]), messages)
        if aggregate == "mean":
            received /= divide(graph)[:, None]
        return np.where(np.isinf(received), 0, received)

    return pass_messages


PASSED = [
    Mistake("ends_swapped", _passed(psi=_ends_swapped)),
    Mistake("sent_back", _passed(end="senders")),
    Mistake("one_end_read", _passed(psi=_receiver_only)),
    Mistake("one_end_read", _passed(psi=_sender_only)),
    Mistake("edge_ignored", _passed(psi=_edge_ignored)),
    Mistake("always_summed", _passed(known=("sum",))),
    Mistake("mean_is_sum", _passed(known=("sum", "max"))),
    Mistake("max_is_sum", _passed(known=("sum", "mean"))),
    Mistake("mean_of_all_nodes", _passed(divide=_by_num_nodes)),
    Mistake("mean_of_all_edges", _passed(divide=_by_num_edges)),
    Mistake("mean_of_sent", _passed(divide=_by_num_sent)),
    Mistake("maximum_from_zero", _passed(from_zero=True)),
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
