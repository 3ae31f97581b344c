"""Des arcs un par un, des messages avec Keras."""

from typing import NamedTuple

import keras
import numpy as np
from keras import layers, ops


class Graph(NamedTuple):
    num_nodes: int
    senders: np.ndarray
    receivers: np.ndarray
    features: np.ndarray


def grid_graph(height, width):
    senders, receivers, places = [], [], []
    for row in range(height):
        for column in range(width):
            for place in range(9):
                there = row + place // 3 - 1, column + place % 3 - 1
                if 0 <= there[0] < height and 0 <= there[1] < width:
                    receivers.append(row * width + column)
                    senders.append(there[0] * width + there[1])
                    places.append(place)
    features = np.zeros((len(places), 9), "float32")
    features[range(len(places)), places] = 1
    return Graph(height * width, np.array(senders, "int32"), np.array(receivers, "int32"), features)


def undirected_graph(num_nodes, pairs, weights):
    senders = [*pairs[:, 0], *pairs[:, 1]]
    receivers = [*pairs[:, 1], *pairs[:, 0]]
    features = np.array([*weights, *weights], "float32").reshape(-1, 1)
    return Graph(num_nodes, np.array(senders, "int32"), np.array(receivers, "int32"), features)


def pass_messages(nodes, graph, psi, *, aggregate="sum"):
    if aggregate not in ("sum", "mean", "max"):
        raise ValueError(f"agrégateur {aggregate} inconnu")
    messages = psi(
        ops.take(nodes, graph.receivers, axis=1),
        ops.take(nodes, graph.senders, axis=1),
        ops.convert_to_tensor(graph.features[None]),
    )
    found = []
    for i in range(graph.num_nodes):
        mine = np.flatnonzero(graph.receivers == i)
        if not len(mine):
            found.append(ops.zeros_like(messages[:, 0]))
            continue
        received = ops.take(messages, mine, axis=1)
        reduce = {"sum": ops.sum, "mean": ops.mean, "max": ops.max}[aggregate]
        found.append(reduce(received, axis=1))
    return ops.stack(found, axis=1)


def edge_head(nodes, pairs):
    first, second = ops.take(nodes, pairs[:, 0], axis=1), ops.take(nodes, pairs[:, 1], axis=1)
    return keras.layers.Dense(1, activation="sigmoid")(ops.abs(first - second))


def graph_head(nodes, num_classes):
    average = layers.GlobalAveragePooling1D()(nodes)
    highest = layers.GlobalMaxPooling1D()(nodes)
    return layers.Dense(num_classes, "softmax")(layers.Concatenate()([average, highest]))
