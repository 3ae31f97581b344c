"""De vrais graphes, petits et entiers : les lire, les normaliser, y faire apprendre un modèle.

D'après : S3 (diapositives), « Graph Neural Networks » : pertes sur les nœuds et sur les arcs.
Commande : python -m exercises.ex21_graphs

networkx fournit les deux graphes : le club de karaté de Zachary (34 membres, deux camps après une
dispute) et les 77 personnages des « Misérables », liés quand ils paraissent dans un même chapitre.
"""

from typing import NamedTuple

import keras
import networkx as nx
import numpy as np
from keras import layers, ops

from exercises.ex21_graphs.messages import Graph, pass_messages

UNITS = 16  # valeurs par nœud
STEPS = 100  # pas d'Adam
LEARNING_RATE = 1e-2


class Network(NamedTuple):
    """Un graphe réel, chaque lien une fois."""

    pairs: np.ndarray  # (l, 2) entiers
    weights: np.ndarray  # (l,) float32
    labels: np.ndarray  # (n,) entiers


# --- Question : des graphes réels ----------------------------------------------------


def from_networkx(graph: nx.Graph, *, label: str = "") -> Network:
    """Numérote les nœuds dans leur ordre ; `label` nomme leur classe (toutes à 0 sinon)."""
    numbers = {node: k for k, node in enumerate(graph)}
    links = [(numbers[u], numbers[v], w) for u, v, w in graph.edges(data="weight", default=1)]
    names = [str(name) for _, name in graph.nodes(data=label)]
    links = np.array(links, np.float32)  # (l, 3)
    return Network(links[:, :2].astype(int), links[:, 2], np.unique(names, return_inverse=True)[1])


def load_club() -> Network:
    """Lit le club de karaté de Zachary ; la classe est le camp choisi."""
    return from_networkx(nx.karate_club_graph(), label="club")


def load_novel() -> Network:
    """Lit les personnages des « Misérables », liés quand ils paraissent ensemble."""
    return from_networkx(nx.les_miserables_graph())


def adjacency(network: Network) -> np.ndarray:
    """Rend la matrice des poids, `(n, n)` float32, symétrique, de diagonale nulle."""
    matrix = np.zeros((len(network.labels),) * 2, np.float32)
    first, second = network.pairs.T
    matrix[first, second] = matrix[second, first] = network.weights
    return matrix


def normalised(network: Network) -> Graph:
    """Ajoute à chaque nœud une boucle de poids 1 et prend `e_ji = w_ji / √(d_i d_j)`.

    Source : Kipf et Welling, arXiv 1609.02907, équation 2.
    """
    matrix = adjacency(network) + np.eye(len(network.labels), dtype=np.float32)
    receivers, senders = np.nonzero(matrix)
    degrees = matrix.sum(axis=1)
    features = matrix[receivers, senders] / np.sqrt(degrees[receivers] * degrees[senders])
    return Graph(
        len(matrix), senders.astype(np.int32), receivers.astype(np.int32), features[:, None]
    )


def scaled(units: int):
    """Prend `ψ = e_ji · W n_j` : une matrice, et le poids de l'arc ; le GCN de Kipf et Welling."""
    matrix = layers.Dense(units, use_bias=False)
    return lambda n_i, n_j, e_ji: e_ji * matrix(n_j)


# --- Question : des couches sur un graphe entier -----------------------------------------


def encode(graph: Graph, psi) -> tuple:
    """Passe deux fois des messages, chaque nœud n'étant au départ que son numéro.

    Args:
        graph: le graphe.
        psi: constructeur de ψ, `mlp` ou `scaled`, à appeler avec `UNITS`.

    Returns:
        `(entrée, nœuds)` d'un modèle fonctionnel : `(b, n, n)` et `(b, n, UNITS)`.
    """
    inputs = keras.Input((graph.num_nodes, graph.num_nodes))
    nodes = ops.tanh(pass_messages(inputs, graph, psi(UNITS)))
    return inputs, pass_messages(nodes, graph, psi(UNITS))


def fit_whole(model: keras.Model, targets: np.ndarray, weights: np.ndarray, loss: str):
    """Fait `STEPS` pas d'Adam, chacun sur le graphe entier.

    Args:
        model: modèle dont l'entrée est celle d'`encode`.
        targets: ce que chaque nœud ou chaque paire doit rendre, sans axe de lot.
        weights: poids de chacun dans la perte, 0 pour ce qui n'est pas connu ; float32.
        loss: nom de la perte de Keras.

    Returns:
        Les sorties du modèle appris, sans axe de lot, float32.
    """
    model.compile(keras.optimizers.Adam(LEARNING_RATE), loss, weighted_metrics=[])
    one_hot = np.eye(model.input_shape[1], dtype=np.float32)
    x, y, w = (np.repeat(each[None], STEPS, axis=0) for each in (one_hot, targets, weights))
    model.fit(x, y, sample_weight=w, batch_size=1, verbose=0)  # STEPS fois le même graphe
    return ops.convert_to_numpy(model(x[:1], training=False))[0]
