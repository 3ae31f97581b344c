import keras
import networkx as nx
import numpy as np
import pytest

from exercises.ex21_graphs import messages as ex21

QUESTION = "S3, réseaux de graphes"
N3 = np.array([list(row) for row in ("11100", "01110", "00111", "00110", "01100")], float)
N4 = [list(map(int, row)) for row in ("22311", "14341", "12433", "12341", "02211")]


@pytest.fixture
def small():
    """Quatre nœuds, cinq arcs dont une boucle ; le nœud 3 ne reçoit rien."""
    return ex21.Graph(
        4,
        np.array([1, 3, 0, 2, 1], np.int32),
        np.array([0, 0, 1, 2, 2], np.int32),
        np.array([[1.0], [2.0], [-1.0], [0.5], [3.0]], np.float32),
    )


def psi(n_i, n_j, e_ji):
    """Un ψ sans poids, où les trois arguments ont des rôles différents."""
    return 2 * n_i * e_ji - n_j * n_j


def by_loops(nodes, graph, reduce):
    """La formule du cours, nœud par nœud et arc par arc."""
    found = np.zeros_like(nodes)
    for b, i in np.ndindex(found.shape[:2]):
        arcs = np.flatnonzero(graph.receivers == i)
        messages = [psi(nodes[b, i], nodes[b, graph.senders[k]], graph.features[k]) for k in arcs]
        if messages:
            found[b, i] = reduce(messages, axis=0)
    return found


# --- Le passage de messages ----------------------------------------------------------


@pytest.mark.question(QUESTION)
@pytest.mark.parametrize(
    ("aggregate", "reduce"), [("sum", np.sum), ("mean", np.mean), ("max", np.max)]
)
def test_pass_messages_is_the_double_loop(small, aggregate, reduce):
    nodes = np.random.default_rng(0).normal(size=(3, 4, 2)).astype(np.float32) - 2
    found = np.asarray(ex21.pass_messages(nodes, small, psi, aggregate=aggregate))
    np.testing.assert_allclose(found, by_loops(nodes, small, reduce), rtol=1e-5, atol=1e-6)
    assert (found[:, 3] == 0).all() and np.abs(found[:, :3]).min() > 0


def test_gated_psi_is_its_formula():
    n_i, n_j, e_ji = np.random.default_rng(1).normal(size=(3, 2, 5, 3)).astype(np.float32)
    psi = ex21.gated(4)
    found = np.asarray(psi(n_i, n_j, e_ji))
    # Les deux couches de ψ, retrouvées dans sa fermeture.
    (first, a), (second, b) = (cell.cell_contents.get_weights() for cell in psi.__closure__)
    read = np.maximum(np.concatenate([n_i, n_j], axis=-1) @ first + a, 0)
    np.testing.assert_allclose(found, read * (e_ji @ second + b), rtol=1e-4, atol=1e-5)


# --- La convolution (N25) ------------------------------------------------------------


@pytest.mark.question(QUESTION)
def test_messages_on_the_grid_are_the_convolution_of_the_course():
    assert ex21.convolve_on_graph(N3, ex21.KERNEL).tolist() == N4


@pytest.mark.question(QUESTION)
def test_messages_on_a_grid_are_a_keras_convolution():
    """Plusieurs canaux, un noyau sans symétrie, une image qui n'est pas carrée."""
    x = np.random.default_rng(0).normal(size=(2, 4, 6, 3)).astype(np.float32)
    convolution = keras.layers.Conv2D(5, 3, padding="same", use_bias=False)
    expected = np.asarray(convolution(x))
    nodes = keras.Input((24, 3))
    model = keras.Model(
        nodes, ex21.pass_messages(nodes, ex21.grid_graph(4, 6), ex21.weigh_neighbours(5))
    )
    kernel = convolution.get_weights()[0].reshape(27, 5)
    model.get_layer("fenetre").set_weights([kernel])
    found = np.asarray(model(x.reshape(2, 24, 3))).reshape(2, 4, 6, 5)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


# --- Les pertes ----------------------------------------------------------------------


@pytest.mark.question(QUESTION)
def test_heads():
    nodes = np.random.default_rng(0).normal(size=(2, 6, 4)).astype(np.float32)
    pairs = np.array([[0, 1], [1, 0], [3, 5]])
    inputs = keras.Input((6, 4))
    outputs = [ex21.node_head(inputs, 3), ex21.edge_head(inputs, pairs), ex21.graph_head(inputs, 5)]
    model = keras.Model(inputs, outputs)
    on_nodes, on_edges, on_graph = (np.asarray(y) for y in model(nodes))
    assert on_nodes.shape == (2, 6, 3) and on_edges.shape == (2, 3, 1) and on_graph.shape == (2, 5)
    np.testing.assert_allclose(on_nodes.sum(-1), 1, atol=1e-5)
    np.testing.assert_allclose(on_graph.sum(-1), 1, atol=1e-5)
    np.testing.assert_allclose(on_edges[:, 0], on_edges[:, 1], atol=1e-6)  # sans sens
    assert np.abs(on_edges[:, 0] - on_edges[:, 2]).min() > 1e-4
    # Un graphe reste le même quand on renumérote ses nœuds ; ses nœuds suivent.
    order = np.random.default_rng(1).permutation(6)
    again = model(nodes[:, order])
    np.testing.assert_allclose(np.asarray(again[2]), on_graph, atol=1e-5)
    np.testing.assert_allclose(np.asarray(again[0]), on_nodes[:, order], atol=1e-5)


# --- Le champ récepteur ------------------------------------------------------------------


@pytest.mark.ci
@pytest.mark.question("S3, champ récepteur d'un réseau de graphes")
@pytest.mark.parametrize("depth", [0, 1, 3])
def test_a_node_sees_exactly_the_nodes_at_its_depth(depth):
    known = nx.karate_club_graph()
    pairs = np.array(known.edges)
    graph = ex21.undirected_graph(len(known), pairs, np.ones(len(pairs)))
    within = nx.single_source_shortest_path_length(known, 16, cutoff=depth)
    assert set(np.flatnonzero(ex21.node_gradient(graph, depth, node=16)).tolist()) == set(within)
