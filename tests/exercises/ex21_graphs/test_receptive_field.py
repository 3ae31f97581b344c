import networkx as nx
import numpy as np
import pytest

from exercises.ex21_graphs import messages
from exercises.ex21_graphs.receptive_field import node_gradient

QUESTION = "S3, champ récepteur d'un réseau de graphes"


@pytest.mark.ci
@pytest.mark.question(QUESTION)
@pytest.mark.parametrize("depth", [0, 1, 3])
def test_a_node_sees_exactly_the_nodes_at_its_depth(depth):
    known = nx.karate_club_graph()
    pairs = np.array(known.edges)
    graph = messages.undirected_graph(len(known), pairs, np.ones(len(pairs)))
    within = nx.single_source_shortest_path_length(known, 16, cutoff=depth)
    assert set(np.flatnonzero(node_gradient(graph, depth, node=16)).tolist()) == set(within)


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_on_a_grid_it_is_the_square_of_a_convolution():
    seen = node_gradient(messages.grid_graph(7, 9), 2, node=3 * 9 + 4).reshape(7, 9) > 0
    assert seen[1:6, 2:7].all() and seen.sum() == 25
