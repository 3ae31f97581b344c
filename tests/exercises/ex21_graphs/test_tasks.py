import networkx as nx
import numpy as np
import pytest

from exercises.ex21_graphs import tasks as ex21
from exercises.ex21_graphs.real_graphs import adjacency, from_networkx

QUESTION = "S3, réseaux de graphes"


@pytest.fixture(scope="module")
def planted():
    """Deux camps égaux : bien plus de liens à l'intérieur qu'entre eux."""
    graph = nx.stochastic_block_model([20, 20], [[0.4, 0.04], [0.04, 0.4]], seed=0)
    return from_networkx(graph, label="block")


# --- Les nœuds -----------------------------------------------------------------------


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_classify_nodes_finds_the_planted_camps_without_reading_them(planted):
    labelled = np.array([0, 1, 20, 21])
    read = np.isin(np.arange(40), labelled)
    hidden = planted._replace(labels=np.where(read, planted.labels, 0))  # rien d'autre n'est lu
    predicted = ex21.classify_nodes(hidden, labelled, seed=0)
    assert (predicted == planted.labels).mean() >= 0.9


def test_propagate_labels_is_the_harmonic_function_of_networkx():
    graph = nx.karate_club_graph()
    network, names, labelled = from_networkx(graph, label="club"), ["a", "b"], [4, 8, 12, 30]
    for node in labelled:
        graph.nodes[node]["label"] = names[network.labels[node]]
    expected = nx.node_classification.harmonic_function(graph, max_iter=2000)
    found = ex21.propagate_labels(network, np.array(labelled))
    assert [names[k] for k in found] == expected


def test_measure_nodes_leaves_the_labelled_nodes_out(planted, monkeypatch):
    seen = []

    def cheat(network, labelled, *, seed, **options):
        """Ne sait que ce qu'on lui a dit ; se trompe partout ailleurs."""
        seen.append(tuple(labelled))
        known = np.isin(np.arange(40), labelled)
        return np.where(known, network.labels, 1 - network.labels)

    monkeypatch.setattr(ex21, "classify_nodes", cheat)
    found, first = ex21.measure_nodes(planted, seed=0)
    assert found["nodes"] == found["nodes_mlp"] == 0 < found["nodes_propagation"]
    assert planted.labels[list(seen[0])].tolist() == [0, 0, 1, 1]
    assert first["labelled"].tolist() == [*seen[0]]
    ex21.measure_nodes(planted, seed=1)  # d'autres tirages
    assert len(set(seen)) == 2 * ex21.NUM_DRAWS


# --- Les arcs ------------------------------------------------------------------------


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_score_pairs_tells_linked_pairs_in_either_order(planted):
    pairs = np.argwhere(np.triu(np.ones((40, 40)), 1))
    scores = ex21.score_pairs(planted, np.concatenate([pairs, pairs[:, ::-1]]), seed=0)
    forward, backward = scores[: len(pairs)], scores[len(pairs) :]
    np.testing.assert_allclose(forward, backward, rtol=1e-4)
    linked = adjacency(planted)[pairs[:, 0], pairs[:, 1]] > 0
    assert forward[linked].mean() > forward[~linked].mean() + 0.2


def test_measure_edges_judges_what_was_hidden(monkeypatch):
    """Une roue : qui sait tout a une aire de 1 ; qui ne voit que les liens montrés, de 1/2."""
    network = from_networkx(nx.wheel_graph(8))

    def scored(known):
        def score(shown, pairs, *, seed):
            assert len(shown.pairs) == 14 - round(ex21.HIDDEN * 14)
            return adjacency(known or shown)[pairs[:, 0], pairs[:, 1]]

        monkeypatch.setattr(ex21, "score_pairs", score)
        return ex21.measure_edges(network, seed=0)["edges"]

    assert scored(network) == 1 and scored(None) == 0.5
