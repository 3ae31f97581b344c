import networkx as nx
import numpy as np
import pytest

QUESTION = "S3, réseaux de graphes"


@pytest.fixture(scope="module")
def ex21():
    from exercises.ex21_graphs import tasks

    return tasks


@pytest.fixture(scope="module")
def planted():
    """Deux camps égaux : bien plus de liens à l'intérieur qu'entre eux."""
    from exercises.ex21_graphs.real_graphs import from_networkx

    graph = nx.stochastic_block_model([20, 20], [[0.4, 0.04], [0.04, 0.4]], seed=0)
    return from_networkx(graph, label="block")


# --- Les nœuds -----------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.question(QUESTION)
def test_classify_nodes_finds_the_planted_camps_without_reading_them(
    ex21, planted, request, monkeypatch
):
    from exercises.ex21_graphs import real_graphs

    labelled, labels = np.array([0, 1, 20, 21]), planted.labels.copy()
    labels[np.setdiff1d(np.arange(40), labelled)] = 0  # rien d'autre n'est lu
    hidden = planted._replace(labels=labels)
    predicted = ex21.classify_nodes(hidden, labelled, seed=0)
    assert (predicted == planted.labels).mean() >= 0.9
    request.getfixturevalue("eager")  # en quelques pas, où tout se joue encore : les mêmes réponses
    monkeypatch.setattr(real_graphs, "STEPS", 4)
    first, again = (ex21.classify_nodes(each, labelled, seed=0) for each in (planted, hidden))
    assert (again == first).all()


def test_propagate_labels_is_the_harmonic_function_of_networkx(ex21):
    graph = nx.karate_club_graph()
    from exercises.ex21_graphs.real_graphs import from_networkx

    network = from_networkx(graph, label="club")
    for labelled in ([0, 33], [4, 8, 12, 30]):
        names = np.array(["a", "b"])
        for node in graph:
            graph.nodes[node].pop("label", None)
        for node in labelled:
            graph.nodes[node]["label"] = names[network.labels[node]]
        expected = nx.node_classification.harmonic_function(graph, max_iter=2000)
        found = ex21.propagate_labels(network, np.array(labelled))
        assert names[found].tolist() == expected


def test_measure_nodes_leaves_the_labelled_nodes_out(ex21, planted, monkeypatch):
    seen = []

    def cheat(network, labelled, *, seed, **options):
        """Ne sait que ce qu'on lui a dit ; se trompe partout ailleurs."""
        seen.append(labelled)
        known = np.isin(np.arange(40), labelled)
        return np.where(known, network.labels, 1 - network.labels)

    monkeypatch.setattr(ex21, "classify_nodes", cheat)
    found, first = ex21.measure_nodes(planted, seed=0)
    assert found["nodes"] == found["nodes_mlp"] == 0 < found["nodes_propagation"]
    assert all(np.bincount(planted.labels[each]).tolist() == [2, 2] for each in seen)
    assert len({tuple(each) for each in seen}) > 1
    assert first["labelled"].tolist() == seen[0].tolist() and len(first["predicted"]) == 40
    ex21.measure_nodes(planted, seed=1)  # d'autres tirages
    assert len({tuple(each) for each in seen}) == 2 * ex21.NUM_DRAWS


# --- Les arcs ------------------------------------------------------------------------


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_score_pairs_tells_linked_pairs_in_either_order(ex21, planted):
    pairs = np.argwhere(np.triu(np.ones((40, 40)), 1))
    scores = ex21.score_pairs(planted, np.concatenate([pairs, pairs[:, ::-1]]), seed=0)
    forward, backward = scores[: len(pairs)], scores[len(pairs) :]
    np.testing.assert_allclose(forward, backward, rtol=1e-4)
    from exercises.ex21_graphs.real_graphs import adjacency

    linked = adjacency(planted)[pairs[:, 0], pairs[:, 1]] > 0
    assert forward[linked].mean() > forward[~linked].mean() + 0.2


def test_measure_edges_against_areas_counted_by_hand(ex21, monkeypatch):
    """Une roue : le lien caché est jugé parmi les seules paires qui restent à deviner."""
    from exercises.ex21_graphs.real_graphs import adjacency, from_networkx

    monkeypatch.setattr(ex21, "NUM_DRAWS", 2)
    network, visible = from_networkx(nx.wheel_graph(8)), []

    def oracle(shown, pairs, *, seed):
        visible.append(adjacency(shown))
        return adjacency(network)[pairs[:, 0], pairs[:, 1]]  # sait tout

    monkeypatch.setattr(ex21, "score_pairs", oracle)
    found = ex21.measure_edges(network, seed=0)
    assert found["edges"] == 1
    whole, areas = adjacency(network), []
    for matrix in visible:
        assert (whole - matrix).sum() / 2 == round(ex21.HIDDEN * 14)
        links = (matrix > 0).astype(int)
        common = links @ links
        unknown = [(i, j) for i in range(8) for j in range(i + 1, 8) if not links[i, j]]
        hidden = [p for p in unknown if whole[p]]
        others = [p for p in unknown if not whole[p]]
        wins = [
            (common[a] > common[b]) + 0.5 * (common[a] == common[b]) for a in hidden for b in others
        ]
        areas.append(np.mean(wins))
    assert found["edges_common"] == pytest.approx(np.mean(areas))
