"""Exercice 21 : des graphes, les messages qui y passent, et ce qu'on en lit."""

import numpy as np

from grading import pupil
from grading.messages import Ingredient, Record
from grading.questions import RIGHT, Ask, Credit, Mistake, as_floats, credit, judge, question, same

TOLERANCE = 1e-4  # TensorFlow calcule en float32
UNDEFINED = -99.0  # ce qui tient lieu de l'infini et de NaN, qu'on ne sait pas comparer

# --- Des graphes ---------------------------------------------------------------------


def _dense(answer: pupil.Answer) -> pupil.Answer:
    """Écrit un graphe `(n, n, k)` : à la ligne i, ce qui vient de chaque j, sans ordre."""
    value = answer.value.values if isinstance(answer.value, Record) else answer.value
    if answer.error or not isinstance(value, tuple) or len(value) != 4:
        return answer
    num_nodes, *ends = as_floats(value[0]), *map(as_floats, value[1:])
    if any(each is None for each in (num_nodes, *ends)) or num_nodes.shape or num_nodes > 1000:
        return pupil.Answer(None)
    senders, receivers, features = ends
    inside = all(
        each.ndim == 1 and ((each >= 0) & (each < num_nodes)).all() for each in (senders, receivers)
    )
    if not inside or features.ndim != 2 or not len(senders) == len(receivers) == len(features):
        return pupil.Answer(None)
    return pupil.Answer(_matrix(int(num_nodes), senders, receivers, features))


def _matrix(num_nodes: int, senders, receivers, features) -> np.ndarray:
    found = np.zeros((num_nodes, num_nodes, features.shape[1]))
    np.add.at(found, (np.asarray(receivers, int), np.asarray(senders, int)), features)
    return found


def _grid(height, width, *, part, reach=lambda down, right: True, place=None, columns=False):
    """Refait `grid_graph`, case par case.

    Args:
        height: nombre de lignes.
        width: nombre de colonnes.
        part: `"arcs"`, combien d'arcs de j à i, ou `"places"`, avec ce que chacun porte.
        reach: les décalages reliés, parmi les neuf.
        place: rang, de 0 à 8, de l'arc d'un décalage.
        columns: numéroter les cases colonne par colonne.
    """
    place = place or (lambda down, right: 3 * (down + 1) + right + 1)
    found = np.zeros((height * width, height * width, 9))

    def number(row, column):
        return column * height + row if columns else row * width + column

    for row in range(height):
        for column in range(width):
            for down in (-1, 0, 1):
                for right in (-1, 0, 1):
                    inside = 0 <= row + down < height and 0 <= column + right < width
                    if inside and reach(down, right):
                        there = number(row + down, column + right)
                        found[number(row, column), there, place(down, right)] += 1
    return found.sum(-1) if part == "arcs" else found


def _grid_without(**changes):
    return lambda height, width, *, part: _grid(height, width, part=part, **changes)


@question("ex21.grid_graph")
def ask_grid_graph(ask: Ask) -> Credit:
    """Relie les cases de grilles qui ne sont pas carrées."""
    sizes = [(3, 4), (int(ask.rng.integers(4, 7)), 3), (1, 5)]
    dense = list(map(_dense, ask.calls("grid_graph", [(size, {}) for size in sizes])))

    def arcs(answer):
        whole = isinstance(answer.value, np.ndarray) and answer.value.ndim == 3
        return pupil.Answer(answer.value.sum(-1)) if whole else answer

    mistakes = [
        Mistake("self_loop_forgotten", _grid_without(reach=lambda d, r: d or r), "1/2"),
        Mistake("four_neighbours", _grid_without(reach=lambda d, r: not (d and r)), "1/4"),
        Mistake("places_reversed", _grid_without(place=lambda d, r: 3 * (1 - d) + 1 - r), "1/2"),
        Mistake("transposed_axes", _grid_without(place=lambda d, r: 3 * (r + 1) + d + 1), "1/2"),
        Mistake("columns_first", _grid_without(columns=True), "1/4"),
    ]
    groups = [
        (level, [(size, {"part": part}) for size in sizes])
        for level, part in (("1/2", "arcs"), ("1", "places"))
    ]
    return judge([*map(arcs, dense), *dense], groups, _grid, mistakes)


def _links(rng, num_nodes: int, num_links: int) -> tuple[np.ndarray, np.ndarray]:
    """Tire des liens `(l, 2)`, tous différents, et leurs poids."""
    pairs = np.stack(np.triu_indices(num_nodes, 1), axis=1)
    pairs = pairs[rng.permutation(len(pairs))[:num_links]]
    turned = np.where(rng.random(num_links)[:, None] < 0.5, pairs, pairs[:, ::-1])
    return turned, rng.integers(2, 30, num_links) / 4


def _undirected(num_nodes, pairs, weights, *, order=None) -> np.ndarray:
    """Refait `undirected_graph`, sous la forme de `_dense`."""
    both = np.concatenate([pairs, pairs[:, ::-1]])
    weights = np.concatenate([weights, weights]) if order is None else order(weights)
    return _matrix(num_nodes, both[:, 0], both[:, 1], weights[:, None])


@question("ex21.undirected_graph")
def ask_undirected_graph(ask: Ask) -> Credit:
    """Fait deux arcs de chaque lien."""
    calls = [((num, *_links(ask.rng, num, links)), {}) for num, links in ((5, 4), (7, 9))]

    def one_way(num_nodes, pairs, weights):
        return _matrix(num_nodes, pairs[:, 0], pairs[:, 1], weights[:, None])

    def other_way(num_nodes, pairs, weights):
        return one_way(num_nodes, pairs[:, ::-1], weights)

    def without(num_nodes, pairs, weights):
        return _undirected(num_nodes, pairs, np.ones(len(weights)))

    def interleaved(num_nodes, pairs, weights):
        return _undirected(num_nodes, pairs, weights, order=lambda each: np.repeat(each, 2))

    mistakes = [
        Mistake("one_way", one_way, "1/2"),
        Mistake("one_way", other_way, "1/2"),
        Mistake("edge_weights_ignored", without, "1/2"),
        Mistake("weights_misplaced", interleaved, "1/2"),
    ]
    answers = list(map(_dense, ask.calls("undirected_graph", calls)))
    return judge(answers, [("1", calls)], _undirected, mistakes)


def _normalised(network, *, loops=True, weigh="both", weighted=True, late=False) -> np.ndarray:
    """Refait `normalised`, sous la forme de `_dense`.

    Args:
        network: le graphe.
        loops: ajouter une boucle à chaque nœud.
        weigh: par quoi diviser : `"both"`, les deux degrés, `"mine"` ou `"none"`.
        weighted: garder les poids des liens.
        late: compter les degrés avant d'ajouter les boucles.
    """
    pairs, num_nodes = network.options["pairs"], len(network.options["labels"])
    weights = network.options["weights"] if weighted else np.ones(len(pairs))
    bare = _undirected(num_nodes, pairs, weights)[..., 0]
    matrix = bare + np.eye(num_nodes) if loops else bare
    degrees = (bare if late else matrix).sum(1)
    divide = {
        "both": np.sqrt(degrees[:, None] * degrees),
        "product": degrees[:, None] * degrees,
        "mine": np.repeat(degrees[:, None], num_nodes, axis=1),
        "none": np.ones(matrix.shape),
    }[weigh]
    return np.divide(matrix, divide, out=np.zeros(matrix.shape), where=matrix > 0)[..., None]


@question("ex21.normalised")
def ask_normalised(ask: Ask) -> Credit:
    """Normalise de petits graphes, dont chaque nœud a un voisin au moins."""
    calls = []
    for num_nodes in (5, 8):
        ring = np.stack([np.arange(num_nodes), (np.arange(num_nodes) + 1) % num_nodes], axis=1)
        pairs = np.concatenate([ring, [[0, 2], [1, 3]]])
        fields = {
            "pairs": pairs[ask.rng.permutation(len(pairs))],
            "weights": (ask.rng.integers(2, 30, len(pairs)) / 4).astype(np.float32),
            "labels": np.arange(num_nodes) % 2,
        }
        calls.append(((Ingredient("record", fields),), {}))

    def changed(**changes):
        return lambda network: _normalised(network, **changes)

    mistakes = [
        Mistake("self_loop_forgotten", changed(loops=False), "1/2"),
        Mistake("not_normalised", changed(weigh="none"), "1/4"),
        Mistake("not_normalised", changed(weigh="none", loops=False), "0"),
        Mistake("one_degree_only", changed(weigh="mine"), "1/2"),
        Mistake("root_forgotten", changed(weigh="product"), "1/2"),
        Mistake("degrees_too_early", changed(late=True), "1/2"),
        Mistake("edge_weights_ignored", changed(weighted=False), "1/2"),
    ]
    answers = list(map(_dense, ask.calls("normalised", calls)))
    return judge(answers, [("1", calls)], _normalised, mistakes, tolerance=TOLERANCE)


# --- Les messages --------------------------------------------------------------------


def _psi(target, source, edge) -> np.ndarray:
    """Refait l'ingrédient « psi »."""
    return 2 * target - source * edge[0] + edge[1]


def _pass(nodes, graph, _, *, aggregate="sum", reverse=False, psi=_psi, nothing=0.0, own=False):
    """Refait `pass_messages`, nœud par nœud.

    Args:
        nodes: `(b, n, c)`.
        graph: le graphe.
        aggregate: `"sum"`, `"mean"` ou `"max"`.
        reverse: additionner au départ de chaque arc, et non à l'arrivée.
        psi: ce qui est calculé, s'il est faux.
        nothing: valeur d'un nœud qui ne reçoit rien, la somme exceptée.
        own: ajouter la valeur du nœud à ce qu'il reçoit.
    """
    reduce = {"sum": np.sum, "mean": np.mean, "max": np.max}
    if aggregate not in reduce:
        raise ValueError
    arcs = {name: graph.options[name] for name in ("senders", "receivers", "features")}
    received = [[] for _ in range(nodes.shape[1])]
    for j, i, edge in zip(*arcs.values(), strict=True):
        received[j if reverse else i].append(psi(nodes[:, i], nodes[:, j], edge))
    empty = np.full(nodes[:, 0].shape, 0.0 if aggregate == "sum" else nothing)
    found = [reduce[aggregate](each, axis=0) if each else empty for each in received]
    return np.stack(found, axis=1) + (nodes if own else 0)


@question("ex21.pass_messages")
def ask_pass_messages(ask: Ask) -> Credit:
    """Passe des messages qui distinguent les deux bouts d'un arc : somme, moyenne, maximum."""
    rng = ask.rng

    def draw(num_nodes, *, silent=False, **options):
        """Chaque nœud reçoit d'un à trois messages ; le dernier, aucun s'il est isolé."""
        counts = rng.permutation(np.arange(num_nodes) % 3 + 1)
        counts[-1] *= not silent
        receivers = np.repeat(np.arange(num_nodes), counts)
        order = rng.permutation(len(receivers))
        fields = {
            "num_nodes": num_nodes,
            "senders": rng.integers(0, num_nodes, len(receivers)).astype(np.int32),
            "receivers": receivers[order].astype(np.int32),
            "features": rng.normal(size=(len(receivers), 2)).astype(np.float32),
        }
        nodes = rng.normal(size=(2, num_nodes, 3)).astype(np.float32)
        return (nodes, Ingredient("record", fields), Ingredient("psi", {})), options

    sums = [draw(5), draw(7, aggregate="sum")]
    others = [draw(6, aggregate="mean"), draw(6, aggregate="max")]
    silent = [draw(6, silent=True, aggregate=name) for name in ("sum", "mean", "max")]
    silent += [draw(4, aggregate="median")]
    calls = sums + others + silent
    answers = []
    for answer in ask.calls("pass_messages", calls, operation="through", weights=[]):
        value = as_floats(answer.value)
        if value is not None:
            wild = ~np.isfinite(value) | (np.abs(value) > 1e30)
            answer = pupil.Answer(np.where(wild, UNDEFINED, value))
        answers.append(answer)

    def changed(**changes):
        return lambda *graph, **options: _pass(*graph, **{**options, **changes})

    def always(name):
        def compute(*graph, aggregate="sum"):
            _pass(*graph, aggregate=aggregate)  # refuse ce qu'il faut refuser
            return _pass(*graph, aggregate=name)

        return compute

    def unknown(*graph, aggregate="sum"):
        known = aggregate in ("sum", "mean", "max")
        return _pass(*graph, aggregate=aggregate if known else "sum")

    mistakes = [
        Mistake("nothing_received", changed(nothing=UNDEFINED), "3/4"),
        Mistake("no_error", unknown, "3/4"),
        Mistake("aggregate_ignored", always("sum"), "1/2"),
        Mistake("aggregate_ignored", changed(aggregate="sum"), "1/2"),
        Mistake("sum_averaged", always("mean"), "1/4"),
        Mistake("arcs_reversed", changed(reverse=True), "1/4"),
        Mistake(
            "arcs_reversed",
            changed(reverse=True, psi=lambda target, source, edge: _psi(source, target, edge)),
            "1/4",
        ),
        Mistake(
            "ends_of_psi_swapped",
            changed(psi=lambda target, source, edge: _psi(source, target, edge)),
            "1/2",
        ),
        Mistake(
            "own_value_twice",
            changed(psi=lambda target, source, edge: _psi(target, target, edge)),
            "1/4",
        ),
        Mistake("own_value_added", changed(own=True), "1/2"),
    ]
    groups = [("1/2", sums), ("3/4", others), ("1", silent)]
    return judge(answers, groups, _pass, mistakes, tolerance=TOLERANCE)


# --- Lire un graphe ------------------------------------------------------------------


@question("ex21.edge_head")
def ask_edge_head(ask: Ask) -> Credit:
    """Change un nœud à la fois, et retourne les paires."""
    rng = ask.rng
    nodes = rng.normal(size=(2, 6, 4)).astype(np.float32)
    pairs = np.array([[0, 1], [2, 3], [4, 5], [1, 4]])
    first, second = nodes.copy(), nodes.copy()
    first[:, 2] += rng.uniform(1, 2, 4)
    second[:, 3] += rng.uniform(1, 2, 4)
    calls = [
        ((each, Ingredient("array", {"values": links})), {})
        for each, links in (
            (nodes, pairs),
            (nodes, pairs[:, ::-1].copy()),
            (first, pairs),
            (second, pairs),
        )
    ]
    found = []
    for answer in ask.calls("edge_head", calls, operation="through", weights=[]):
        if answer.error:
            raise pupil.failure_of(answer.error)
        found.append(as_floats(answer.value))
    if any(each is None or each.shape != (2, len(pairs), 1) for each in found):
        return credit(0, "wrong_shape")
    here, turned, *moved = found
    if min(here.min(), 0) < 0 or max(here.max(), 1) > 1:
        return credit("1/4", "not_probabilities")
    for each in moved:
        if same(each[:, 1], here[:, 1], tolerance=1e-5):
            return credit("1/4", "one_end_only")
        if not same(each[:, [0, 2, 3]], here[:, [0, 2, 3]], tolerance=1e-5):
            return credit("1/4", "other_nodes_matter")
    return RIGHT if same(turned, here, tolerance=1e-5) else credit("1/2", "direction_matters")


def _softmax(scores) -> np.ndarray:
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


@question("ex21.graph_head")
def ask_graph_head(ask: Ask) -> Credit:
    """Lit un graphe entier, avec des poids donnés ; puis le même, nœuds mêlés."""
    rng, width, num_classes = ask.rng, 3, 4
    kernel = rng.normal(size=(width, num_classes)).astype(np.float32)
    # Deux fois le même noyau : l'ordre de la moyenne et du maximum est libre.
    weights = [kernel, np.concatenate([kernel, kernel])]
    nodes = rng.normal(size=(2, 7, width)).astype(np.float32)
    mixed = nodes[:, np.roll(rng.permutation(7), 1)]
    calls = [((each, num_classes), {}) for each in (nodes, nodes[:, ::-1].copy(), mixed)]
    answers = ask.calls("graph_head", calls, operation="through", weights=weights)
    values = [as_floats(answer.value) for answer in answers]
    shape = (len(nodes), num_classes)
    if all(each is not None and each.shape == shape for each in values) and not (
        same(values[0], values[1], tolerance=TOLERANCE)
        and same(values[0], values[2], tolerance=TOLERANCE)
    ):
        return credit("1/4", "order_of_nodes_matters")

    def summary(nodes):
        return nodes.mean(1) @ kernel + nodes.max(1) @ kernel

    def right(nodes, _):
        return _softmax(summary(nodes))

    mistakes = [
        Mistake("half_of_the_summary", lambda x, _: _softmax(x.mean(1) @ kernel), "1/2"),
        Mistake("half_of_the_summary", lambda x, _: _softmax(x.max(1) @ kernel), "1/2"),
        Mistake("nodes_summed", lambda x, _: _softmax((x.sum(1) + x.max(1)) @ kernel), "1/2"),
        Mistake("nodes_summed", lambda x, _: _softmax(x.sum(1) @ kernel), "1/4"),
        Mistake("not_probabilities", lambda x, _: summary(x), "1/2"),
        Mistake("not_probabilities", lambda x, _: 1 / (1 + np.exp(-summary(x))), "1/2"),
    ]
    found = judge(answers, [("1", calls)], right, mistakes, tolerance=TOLERANCE)
    return _by_its_changes(ask, nodes, num_classes) if found.reason == "wrong_values" else found


def _by_its_changes(ask: Ask, nodes: np.ndarray, num_classes: int) -> Credit:
    """Juge une lecture d'une autre forme à ce qui change sa réponse, et à ce qui la laisse."""
    graphs, columns = np.arange(nodes.shape[0])[:, None], np.arange(nodes.shape[2])
    low, middle, *_, high = np.argsort(nodes, axis=1).transpose(1, 0, 2)
    alike, mean_moved, max_moved = nodes.copy(), nodes.copy(), nodes.copy()
    step = np.ptp(nodes, axis=1) / 2
    alike[graphs, low, columns] += step  # ni la moyenne ni le maximum ne changent
    alike[graphs, middle, columns] -= step
    mean_moved[graphs, low, columns] -= 7
    max_moved[graphs, high, columns] += 3
    max_moved[graphs, low, columns] -= 3
    several = (nodes, alike, np.concatenate([nodes, nodes], axis=1), mean_moved, max_moved)
    calls = [((each, num_classes), {}) for each in several]
    answers = ask.calls("graph_head", calls, operation="through", weights=[])
    values = [as_floats(answer.value) for answer in answers]
    if any(each is None or each.shape != (len(nodes), num_classes) for each in values):
        return credit(0, "wrong_shape")
    here, kept, doubled, *moved = values
    if here.min() < 0 or not same(here.sum(1), np.ones(len(nodes)), tolerance=TOLERANCE):
        return credit("1/2", "not_probabilities")
    if any(same(each, here, tolerance=TOLERANCE) for each in moved):
        return credit("1/2", "half_of_the_summary")
    if not same(kept, here, tolerance=TOLERANCE):
        return credit("1/2", "wrong_values")
    return RIGHT if same(doubled, here, tolerance=TOLERANCE) else credit("1/2", "nodes_summed")
