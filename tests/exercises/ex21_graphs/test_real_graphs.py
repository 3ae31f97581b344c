import keras
import networkx as nx
import numpy as np
import pytest

from exercises.ex21_graphs import real_graphs as ex21
from exercises.ex21_graphs.messages import node_head, pass_messages


def test_the_real_graphs_are_those_of_their_papers():
    club, novel = ex21.load_club(), ex21.load_novel()
    assert len(club.labels) == 34 and len(club.pairs) == 78
    assert np.bincount(club.labels).tolist() == [17, 17] and club.labels[0] != club.labels[33]
    assert len(novel.labels) == 77 and len(novel.pairs) == 254 and not novel.labels.any()
    assert novel.weights.max() == 31  # Valjean et Cosette


def test_from_networkx_keeps_order_weights_and_classes():
    graph = nx.Graph([("z", "m", {"weight": 3}), ("a", "z")])
    nx.set_node_attributes(graph, {"z": "b", "m": "b", "a": "a"}, "side")
    network = ex21.from_networkx(graph, label="side")
    assert network.labels.tolist() == [1, 1, 0]
    assert ex21.adjacency(network).tolist() == [[0, 3, 1], [3, 0, 0], [1, 0, 0]]


def test_normalised_is_the_matrix_of_kipf_and_welling():
    network = ex21.from_networkx(nx.wheel_graph(10))
    network = network._replace(weights=np.arange(1, len(network.pairs) + 1, dtype=np.float32))
    tilde = ex21.adjacency(network) + np.eye(10)
    root = np.diag(tilde.sum(1) ** -0.5)
    x = np.random.default_rng(0).normal(size=(1, 10, 4)).astype(np.float32)
    psi = ex21.scaled(3)
    found = np.asarray(pass_messages(x, ex21.normalised(network), psi))[0]
    weights = np.asarray(psi.__closure__[0].cell_contents.kernel)
    np.testing.assert_allclose(found, root @ tilde @ root @ x[0] @ weights, rtol=1e-4, atol=1e-5)


@pytest.mark.ci
def test_fit_whole_learns_only_what_has_a_weight():
    """Deux paires de nœuds isolées : l'étiquette d'une paire ne peut rien dire à l'autre."""
    network = ex21.Network(np.array([[0, 1], [2, 3]]), np.ones(2, np.float32), np.zeros(4, int))
    keras.utils.set_random_seed(0)
    inputs, nodes = ex21.encode(ex21.normalised(network), ex21.scaled)
    model = keras.Model(inputs, node_head(nodes, 2))
    before = np.asarray(model(np.eye(4, dtype=np.float32)[None]))[0]
    weights = np.array([1, 0, 0, 0], np.float32)
    loss = "sparse_categorical_crossentropy"
    after = ex21.fit_whole(model, np.array([1, 0, 0, 0]), weights, loss)
    assert after[0, 1] > 0.9 and after[1, 1] > 0.9  # le voisin suit
    assert np.abs(after[2:] - before[2:]).max() < np.abs(after[:2] - before[:2]).max()
