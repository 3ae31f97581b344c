"""Les arcs sont des matrices : un 1 par arc, à la ligne du nœud qui reçoit."""

from collections import namedtuple

import numpy as np
from keras import layers, ops

Graph = namedtuple("Graph", "num_nodes senders receivers features")


def grid_graph(height, width):
    numbers = np.pad(np.arange(height * width).reshape(height, width), 1, constant_values=-1)
    senders, receivers, features = [], [], []
    for place, (down, right) in enumerate(np.ndindex(3, 3)):
        there = numbers[down : down + height, right : right + width].ravel()
        here = np.flatnonzero(there >= 0)
        senders.append(there[here])
        receivers.append(here)
        features.append(np.tile(np.eye(9)[place], (len(here), 1)))
    return Graph(height * width, *map(np.concatenate, (senders, receivers, features)))


def undirected_graph(num_nodes, pairs, weights):
    ends = np.repeat(pairs, 2, axis=0)
    ends[1::2] = ends[1::2, ::-1]
    return Graph(num_nodes, ends[:, 0], ends[:, 1], np.repeat(weights, 2)[:, None])


def pass_messages(nodes, graph, psi, *, aggregate="sum"):
    if aggregate not in {"sum", "mean", "max"}:
        raise ValueError(aggregate)
    arrives = np.eye(graph.num_nodes, dtype="float32")[graph.receivers].T  # (n, e)
    leaves = np.eye(graph.num_nodes, dtype="float32")[graph.senders].T
    n_i, n_j = (ops.einsum("ne,bnc->bec", each, nodes) for each in (arrives, leaves))
    messages = psi(n_i, n_j, ops.zeros_like(n_i[..., :1]) + graph.features)
    if aggregate == "max":
        far = ops.expand_dims(messages, 1) - 1e6 * (1 - arrives)[None, :, :, None]
        return ops.max(far, axis=2) * (arrives.sum(1) > 0)[None, :, None].astype("float32")
    if aggregate == "mean":
        arrives = arrives / np.maximum(arrives.sum(1, keepdims=True), 1)
    return ops.einsum("ne,bec->bnc", arrives, messages)


def graph_head(nodes, num_classes):
    summary = layers.Concatenate()([ops.max(nodes, axis=1), ops.mean(nodes, axis=1)])
    return layers.Softmax()(layers.Dense(num_classes)(layers.Dense(16, "relu")(summary)))
