import networkx as nx
import numpy as np
import pytest

QUESTION = "S3, champ récepteur d'un réseau de graphes"


@pytest.fixture(scope="module")
def ex21():
    from exercises.ex21_graphs import receptive_field

    return receptive_field


def to_graph(graph):
    from exercises.ex21_graphs.messages import undirected_graph

    pairs = np.array(graph.edges)
    return undirected_graph(len(graph), pairs, np.ones(len(pairs)))


@pytest.mark.ci
@pytest.mark.question(QUESTION)
@pytest.mark.parametrize("depth", [0, 1, 2, 3])
@pytest.mark.parametrize("name", ["path", "club"])
def test_a_node_sees_exactly_the_nodes_at_its_depth(ex21, name, depth):
    graph, node = (nx.path_graph(9), 3) if name == "path" else (nx.karate_club_graph(), 16)
    gradient = ex21.node_gradient(to_graph(graph), depth, node=node)
    within = nx.single_source_shortest_path_length(graph, node, cutoff=depth)
    assert set(np.flatnonzero(gradient).tolist()) == set(within)


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_on_a_grid_it_is_the_square_of_a_convolution(ex21):
    from exercises.ex21_graphs.messages import grid_graph

    graph, depths = grid_graph(7, 9), range(4)
    assert ex21.reached(graph, node=4 * 9 + 4, depths=depths) == [1, 9, 25, 6 * 7]  # le bord coupe
    seen = ex21.node_gradient(graph, 2, node=3 * 9 + 4).reshape(7, 9) > 0
    assert seen[1:6, 2:7].all() and seen.sum() == 25
