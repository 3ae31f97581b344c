"""Exercice 21 : des graphes, les messages qui y passent, et ce qu'on en lit."""

import numpy as np

from grading import pupil
from grading.messages import Ingredient, Record
from grading.questions import Ask, Credit, as_floats, first_fault, judge_parts, question, same

TOLERANCE = 1e-4  # TensorFlow calcule en float32
REDUCE = {"sum": np.sum, "mean": np.mean, "max": np.max}

# --- Des graphes ---------------------------------------------------------------------


def _arcs(graph) -> np.ndarray | None:
    """Range les arcs d'un graphe, une ligne `(n, i, j, *e_ji)` chacun, d'après i puis j.

    Un arc qui ne porte que des zéros n'en est pas un.
    """
    fields = graph.values if isinstance(graph, Record) else graph
    parts = list(map(as_floats, fields)) if isinstance(fields, tuple) else []
    lengths = {len(each) for each in parts if np.ndim(each)}
    if [np.ndim(each) for each in parts] != [0, 1, 1, 2] or len(lengths) > 1:
        return None
    num_nodes, senders, receivers, features = parts
    rows = np.column_stack([np.full(len(senders), num_nodes, float), receivers, senders, features])
    rows = rows[features.any(axis=1)]
    return rows[np.lexsort((rows[:, 2], rows[:, 1]))]


def _ends(graph) -> np.ndarray | None:
    """Range de même les deux bouts de chaque arc, sans ce qu'il porte."""
    rows = _arcs(graph)
    return None if rows is None else rows[:, :3]


def _links(rng, num_nodes: int, num_links: int) -> tuple[np.ndarray, np.ndarray]:
    """Tire des liens `(l, 2)`, tous différents, et leurs poids."""
    pairs = rng.permutation(np.stack(np.triu_indices(num_nodes, 1), axis=1))[:num_links]
    return rng.permuted(pairs, axis=1), rng.integers(2, 30, num_links).astype(np.float32) / 4


@question("ex21.grid_graph")
def ask_grid_graph(ask: Ask) -> Credit:
    """Relie les cases de grilles qui ne sont pas carrées."""
    sizes = (3, 4), (int(ask.rng.integers(4, 7)), 3), (1, 5)
    calls = [(size, {}) for size in sizes]

    def right(height, width):
        rows, columns = np.indices((height, width)).reshape(2, -1)
        down, across = rows - rows[:, None], columns - columns[:, None]
        receivers, senders = np.nonzero(np.maximum(abs(down), abs(across)) <= 1)
        places = (3 * (down + 1) + across + 1)[receivers, senders]
        return height * width, senders, receivers, np.eye(9)[places]

    return judge_parts(ask, "grid_graph", [("1/2", calls, _ends), ("1", calls, _arcs)], right)


@question("ex21.undirected_graph")
def ask_undirected_graph(ask: Ask) -> Credit:
    """Fait deux arcs de chaque lien."""
    calls = [((num, *_links(ask.rng, num, links)), {}) for num, links in ((5, 4), (7, 9))]

    def right(num_nodes, pairs, weights):
        senders, receivers = np.concatenate([pairs, pairs[:, ::-1]]).T
        return num_nodes, senders, receivers, np.concatenate([weights, weights])[:, None]

    return judge_parts(ask, "undirected_graph", [("1", calls, _arcs)], right)


@question("ex21.normalised")
def ask_normalised(ask: Ask) -> Credit:
    """Normalise de petits graphes, dont des nœuds peuvent n'avoir aucun voisin."""
    calls = []
    for num_nodes, num_links in ((5, 6), (8, 11)):
        pairs, weights = _links(ask.rng, num_nodes, num_links)
        fields = {"pairs": pairs, "weights": weights, "labels": np.arange(num_nodes) % 2}
        calls.append(((Ingredient("record", fields),), {}))

    def right(network):
        pairs, weights, labels = network.options.values()
        matrix = np.eye(len(labels))
        matrix[pairs[:, 0], pairs[:, 1]] = matrix[pairs[:, 1], pairs[:, 0]] = weights
        roots = np.sqrt(matrix.sum(axis=1))
        receivers, senders = np.nonzero(matrix)
        shares = matrix[receivers, senders] / (roots[receivers] * roots[senders])
        return len(labels), senders, receivers, shares[:, None]

    groups = [("1/2", calls, _ends), ("1", calls, _arcs)]
    return judge_parts(ask, "normalised", groups, right, tolerance=TOLERANCE)


# --- Les messages --------------------------------------------------------------------


def _pass(nodes, graph, _, *, aggregate="sum") -> np.ndarray:
    """Refait `pass_messages`, nœud par nœud, avec la ψ de l'ingrédient « psi »."""
    if aggregate not in REDUCE:
        raise ValueError
    senders, receivers, edges = (
        graph.options[name] for name in ("senders", "receivers", "features")
    )
    messages = 2 * nodes[:, receivers] - nodes[:, senders] * edges[:, :1] + edges[:, 1:]
    found = np.zeros(nodes.shape)
    for node in set(receivers.tolist()):
        found[:, node] = REDUCE[aggregate](messages[:, receivers == node], axis=1)
    return found


@question("ex21.pass_messages")
def ask_pass_messages(ask: Ask) -> Credit:
    """Passe des messages qui distinguent les deux bouts d'un arc : somme, moyenne, maximum."""
    rng = ask.rng

    def draw(num_nodes, *, silent=0, **options):
        """Chaque nœud reçoit un message au moins ; les derniers, aucun s'ils sont isolés."""
        heard = num_nodes - silent
        receivers = np.concatenate([np.arange(heard), rng.integers(0, heard, num_nodes)])
        fields = {
            "num_nodes": num_nodes,
            "senders": rng.integers(0, num_nodes, len(receivers)).astype(np.int32),
            "receivers": rng.permutation(receivers).astype(np.int32),
            "features": rng.normal(size=(len(receivers), 2)).astype(np.float32),
        }
        nodes = rng.normal(size=(2, num_nodes, 3)).astype(np.float32)
        return (nodes, Ingredient("record", fields), Ingredient("psi", {})), options

    sums = [draw(5), draw(7, aggregate="sum")]
    others = [draw(6, aggregate="mean"), draw(6, aggregate="max")]
    last = [draw(6, silent=1, aggregate=name) for name in REDUCE]
    last.append(draw(4, aggregate="median"))
    groups = [("1/2", sums), ("3/4", others), ("1", last)]
    how = {"operation": "through", "weights": []}
    return ask.judge("pass_messages", groups, _pass, tolerance=TOLERANCE, **how)


# --- Lire un graphe ------------------------------------------------------------------


def _heads(ask: Ask, function: str, calls, shape: tuple) -> np.ndarray:
    """Rend les réponses d'une tête, aux mêmes poids à chaque appel, `(appels, *shape)`.

    Raises:
        pupil.Failure: une réponse est une exception, ou n'a pas la forme voulue.
    """
    answers = ask.calls(function, calls, operation="through", weights=[])
    error = next((each.error for each in answers if each.error), None)
    if error:
        raise pupil.failure_of(error)
    found = as_floats([each.value for each in answers])
    if np.shape(found) != (len(calls), *shape):
        raise pupil.Failure("wrong_shape")
    return found


def _alike(found, expected) -> bool:
    return same(found, expected, tolerance=TOLERANCE)


@question("ex21.edge_head")
def ask_edge_head(ask: Ask) -> Credit:
    """Change un nœud à la fois, et retourne les paires."""
    rng = ask.rng
    nodes = rng.normal(size=(2, 6, 4)).astype(np.float32)
    pairs = np.array([[0, 1], [2, 3], [4, 5], [1, 4]])
    alone = np.eye(len(nodes[0]), dtype=np.float32)[pairs[1]][:, :, None]  # un 1 à un nœud
    changed = [nodes + each * rng.uniform(1, 2, 4).astype(np.float32) for each in alone]
    inputs = [(nodes, pairs), (nodes, pairs[:, ::-1].copy()), *((each, pairs) for each in changed)]
    calls = [((each, Ingredient("array", {"values": links})), {}) for each, links in inputs]
    here, turned, *moved = _heads(ask, "edge_head", calls, (2, len(pairs), 1))
    others = [0, 2, 3]  # les paires dont aucun nœud ne change
    one_end = any(_alike(each[:, 1], here[:, 1]) for each in moved)
    elsewhere = not all(_alike(each[:, others], here[:, others]) for each in moved)
    return first_fault(
        ("1/4", "not_probabilities", not ((here >= 0) & (here <= 1)).all()),
        ("1/4", "one_end_only", one_end),
        ("1/4", "wrong_values", elsewhere),
        ("1/2", "direction_matters", not _alike(turned, here)),
    )


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
    calls = [((each, num_classes), {}) for each in several]
    shape = (len(nodes), num_classes)
    here, turned, kept, doubled, *others = _heads(ask, "graph_head", calls, shape)
    probabilities = (here >= 0).all() and _alike(here.sum(1), [1, 1])
    return first_fault(
        ("1/4", "order_of_nodes_matters", not _alike(turned, here)),
        ("1/4", "not_probabilities", not probabilities),
        ("1/2", "half_of_the_summary", any(_alike(each, here) for each in others)),
        ("1/2", "wrong_values", not (_alike(kept, here) and _alike(doubled, here))),
    )
