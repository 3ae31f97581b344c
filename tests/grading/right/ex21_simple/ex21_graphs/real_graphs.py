"""La normalisation, arc par arc."""

import numpy as np

from exercises.ex21_graphs.messages import Graph


def normalised(network):
    num_nodes = len(network.labels)
    arcs = {(i, i): 1.0 for i in range(num_nodes)}
    for (i, j), weight in zip(network.pairs, network.weights, strict=True):
        arcs[int(i), int(j)] = arcs[int(j), int(i)] = float(weight)
    degrees = np.zeros(num_nodes)
    for (i, _), weight in arcs.items():
        degrees[i] += weight
    features = [[w / np.sqrt(degrees[i] * degrees[j])] for (i, j), w in arcs.items()]
    ends = np.array(list(arcs), "int32")
    return Graph(num_nodes, ends[:, 1], ends[:, 0], np.array(features, "float32"))
