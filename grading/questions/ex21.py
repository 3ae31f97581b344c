"""Exercice 21 : des graphes, les messages qui y passent, et ce qu'on en lit."""

import numpy as np

from grading.messages import Ingredient
from grading.questions import (
    TENSORS,
    TOLERANCE,
    Ask,
    Credit,
    as_floats,
    first_fault,
    numbers,
    question,
    same,
)

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


@question("ex21.grid_graph")
def ask_grid_graph(ask: Ask) -> Credit:
    """Relie les cases de grilles qui ne sont pas carrées."""
    sizes = (3, 4), (int(ask.rng.integers(4, 7)), 3), (1, 5)
    calls = [(size, {}) for size in sizes]
    return ask.compare("grid_graph", [("1/2", calls, _ends), ("1", calls, _arcs)])


@question("ex21.undirected_graph")
def ask_undirected_graph(ask: Ask) -> Credit:
    """Fait deux arcs de chaque lien."""
    calls = [((num, *_links(ask.rng, num, links)), {}) for num, links in ((5, 4), (7, 9))]
    return ask.compare("undirected_graph", [("1", calls, _arcs)])


@question("ex21.normalised")
def ask_normalised(ask: Ask) -> Credit:
    """Normalise de petits graphes, dont des nœuds peuvent n'avoir aucun voisin."""
    drawn = [(num, *_links(ask.rng, num, links)) for num, links in ((5, 6), (8, 11))]
    networks = [
        {"pairs": pairs, "weights": weights, "labels": np.arange(num) % 2}
        for num, pairs, weights in drawn
    ]
    calls = [((Ingredient("record", each),), {}) for each in networks]
    groups = [("1/2", calls, _ends), ("1", calls, _arcs)]
    return ask.compare("normalised", groups, tolerance=TOLERANCE)


# --- Les messages --------------------------------------------------------------------


@question("ex21.pass_messages")
def ask_pass_messages(ask: Ask) -> Credit:
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
    groups = [
        ("1/2", [draw(5), draw(7, aggregate="sum")]),
        ("3/4", [draw(6, aggregate="mean"), draw(6, aggregate="max")]),
        ("1", [*alone, draw(4, aggregate="median")]),
    ]
    return ask.compare("pass_messages", groups, tolerance=TOLERANCE, **TENSORS)


# --- Lire un graphe ------------------------------------------------------------------


def _heads(ask: Ask, function: str, calls, shape: tuple) -> np.ndarray:
    """Rend les réponses d'une tête, aux mêmes poids à chaque appel, `(appels, *shape)`.

    Raises:
        pupil.Failure: une réponse est une exception, ou n'a pas la forme voulue.
    """
    return np.stack([numbers(each, shape) for each in ask.calls(function, calls, **TENSORS)])


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
