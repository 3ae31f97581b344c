import keras
import networkx as nx
import numpy as np
import pytest

from exercises.ex21_graphs import real_graphs as ex21
from exercises.ex21_graphs.messages import node_head, pass_messages

QUESTION = "S3, réseaux de graphes"


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
    inputs, nodes = ex21.encode(ex21.normalised(network))
    model = keras.Model(inputs, node_head(nodes, 2))
    before = np.asarray(model(np.eye(4, dtype=np.float32)[None]))[0]
    weights = np.array([1, 0, 0, 0], np.float32)
    loss = "sparse_categorical_crossentropy"
    after = ex21.fit_whole(model, np.array([1, 0, 0, 0]), weights, loss)
    assert after[0, 1] > 0.9 and after[1, 1] > 0.9  # le voisin suit
    assert np.abs(after[2:] - before[2:]).max() < np.abs(after[:2] - before[:2]).max()


# --- Deux tâches -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def planted():
    """Deux camps égaux : bien plus de liens à l'intérieur qu'entre eux."""
    graph = nx.stochastic_block_model([20, 20], [[0.4, 0.04], [0.04, 0.4]], seed=0)
    return ex21.from_networkx(graph, label="block")


# --- Les nœuds -----------------------------------------------------------------------


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_classify_nodes_finds_the_planted_camps_without_reading_them(planted):
    labelled = np.array([0, 1, 20, 21])
    read = np.isin(np.arange(40), labelled)
    hidden = planted._replace(labels=np.where(read, planted.labels, 0))  # rien d'autre n'est lu
    predicted = ex21.classify_nodes(hidden, labelled, seed=0)
    assert (predicted == planted.labels).mean() >= 0.9


def harmonic_by_networkx(graph):
    return nx.node_classification.harmonic_function(graph, max_iter=2000)


def spread_by_networkx(graph):
    return nx.node_classification.local_and_global_consistency(
        graph, alpha=ex21.SPREAD, max_iter=500
    )


@pytest.mark.parametrize(
    ("spread", "by_networkx"),
    [(ex21.propagate_labels, harmonic_by_networkx), (ex21.spread_labels, spread_by_networkx)],
)
def test_labels_pass_from_node_to_node_as_in_networkx(spread, by_networkx):
    graph = nx.karate_club_graph()
    network, names, labelled = ex21.from_networkx(graph, label="club"), ["a", "b"], [4, 8, 12, 30]
    for node in labelled:
        graph.nodes[node]["label"] = names[network.labels[node]]
    found = spread(network, np.array(labelled))
    assert [names[k] for k in found] == by_networkx(graph)


def test_the_cut_finds_planted_camps_and_reads_labels_to_name_them_only(planted):
    labelled = np.array([0, 1, 20, 21])
    assert (ex21.cut_in_two(planted, labelled) == planted.labels).mean() >= 0.9
    swapped = planted._replace(labels=1 - planted.labels)
    assert (ex21.cut_in_two(swapped, labelled) == swapped.labels).mean() >= 0.9


def test_measure_nodes_leaves_the_labelled_nodes_out(planted, monkeypatch):
    seen = []

    def cheat(network, labelled, *, seed):
        """Ne sait que ce qu'on lui a dit ; se trompe partout ailleurs."""
        seen.append(tuple(labelled))
        known = np.isin(np.arange(40), labelled)
        return np.where(known, network.labels, 1 - network.labels)

    monkeypatch.setattr(ex21, "classify_nodes", cheat)
    for seed in (0, 1):  # d'autres tirages
        found = ex21.over_draws(ex21.measure_nodes, planted, seed=seed)
        assert found["nodes"] == 0 < found["nodes_propagation"]
    assert planted.labels[list(seen[0])].tolist() == [0, 0, 1, 1]
    assert len(set(seen)) == 2 * ex21.NUM_DRAWS


# --- Les arcs ------------------------------------------------------------------------


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_score_pairs_tells_linked_pairs_in_either_order(planted):
    pairs = np.argwhere(np.triu(np.ones((40, 40)), 1))
    scores = ex21.score_pairs(planted, np.concatenate([pairs, pairs[:, ::-1]]), seed=0)
    forward, backward = scores[: len(pairs)], scores[len(pairs) :]
    np.testing.assert_allclose(forward, backward, rtol=1e-4)
    linked = ex21.adjacency(planted)[pairs[:, 0], pairs[:, 1]] > 0
    assert forward[linked].mean() > forward[~linked].mean() + 0.2


def test_measure_edges_judges_what_was_hidden(monkeypatch):
    """Une roue : qui sait tout a une aire de 1 ; qui ne voit que les liens montrés, de 1/2."""
    network = ex21.from_networkx(nx.wheel_graph(8))

    def scored(known):
        def score(shown, pairs, *, seed):
            assert len(shown.pairs) == 14 - round(ex21.HIDDEN * 14)
            return ex21.adjacency(known or shown)[pairs[:, 0], pairs[:, 1]]

        monkeypatch.setattr(ex21, "score_pairs", score)
        return ex21.measure_edges(network, 0)["edges"]

    assert scored(network) == 1 and scored(None) == 0.5
