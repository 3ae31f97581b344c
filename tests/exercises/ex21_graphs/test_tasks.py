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
    from exercises.ex21_graphs.real_graphs import planted_graph

    return planted_graph(40, inside=0.4, across=0.04, seed=0)


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


def test_propagate_labels_survives_a_piece_without_label(ex21):
    from exercises.ex21_graphs.real_graphs import Network

    pairs, labels = np.array([[0, 1], [2, 3], [4, 5]]), np.array([1, 1, 0, 0, 0, 0])
    network = Network(pairs, np.ones(3, np.float32), labels)
    assert ex21.propagate_labels(network, np.array([0, 2]))[:4].tolist() == [1, 1, 0, 0]


def test_measure_nodes_leaves_the_labelled_nodes_out(ex21, planted, monkeypatch):
    seen = []

    def cheat(network, labelled, *, seed, **options):
        """Ne sait que ce qu'on lui a dit ; se trompe partout ailleurs."""
        seen.append(labelled)
        known = np.isin(np.arange(40), labelled)
        return np.where(known, network.labels, 1 - network.labels)

    monkeypatch.setattr(ex21, "classify_nodes", cheat)
    found, first = ex21.measure_nodes(planted)
    assert found["nodes"] == found["nodes_mlp"] == [0] * ex21.NUM_DRAWS
    assert found["nodes_majority"] == [0.5] * ex21.NUM_DRAWS
    assert len(found["nodes_propagation"]) == ex21.NUM_DRAWS
    assert all(np.bincount(planted.labels[each]).tolist() == [2, 2] for each in seen)
    assert len({tuple(each) for each in seen}) > 1
    assert first["labelled"] == seen[0].tolist() and len(first["predicted"]) == 40


# --- Les arcs ------------------------------------------------------------------------


@pytest.mark.question(QUESTION)
def test_one_sum_and_a_dot_product_count_the_common_neighbours():
    """Ce que sait le témoin, un passage de messages sans poids le calcule déjà."""
    from exercises.ex21_graphs.messages import pass_messages, undirected_graph

    graph = nx.karate_club_graph()
    arcs = undirected_graph(34, np.array(graph.edges), np.ones(78))
    one_hot = np.eye(34, dtype=np.float32)[None]
    nodes = np.asarray(pass_messages(one_hot, arcs, lambda n_i, n_j, e_ji: e_ji * n_j))[0]
    for u, v in ((0, 33), (0, 1), (4, 20)):
        assert nodes[u] @ nodes[v] == len(list(nx.common_neighbors(graph, u, v)))


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
    found = ex21.measure_edges(network)
    assert found["edges"] == [1, 1]
    whole = adjacency(network)
    for k, matrix in enumerate(visible):
        assert (whole - matrix).sum() / 2 == round(ex21.HIDDEN * 14)
        links = (matrix > 0).astype(int)
        unknown = [(i, j) for i in range(8) for j in range(i + 1, 8) if not links[i, j]]
        hidden = [p for p in unknown if whole[p]]
        others = [p for p in unknown if not whole[p]]
        for name, score in (
            ("edges_common", lambda p, links=links: links[p[0]] @ links[p[1]]),
            ("edges_degrees", lambda p, links=links: links[p[0]].sum() * links[p[1]].sum()),
        ):
            wins = [
                (score(a) > score(b)) + 0.5 * (score(a) == score(b)) for a in hidden for b in others
            ]
            assert found[name][k] == pytest.approx(np.mean(wins))
