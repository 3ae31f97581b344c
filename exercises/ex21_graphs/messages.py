"""Passer des messages le long des arcs d'un graphe, et brancher une perte où l'on veut.

D'après : S3 (diapositives), « Graph Neural Networks », « Message Passing ».
Commande : python -m exercises.ex21_graphs

Ce fichier n'emploie que des couches et des opérations de Keras : `take` lit les deux bouts de
chaque arc, `segment_sum` additionne à l'arrivée. Un modèle fait ainsi s'enregistre, se relit et
s'exporte comme les autres.
"""

from collections.abc import Callable
from typing import NamedTuple

import keras
import numpy as np
from keras import layers, ops

AGGREGATES = {"sum": "somme", "mean": "moyenne", "max": "maximum"}
NUM_DIRECTIONS = 9  # les voisins d'un nœud de grille, lui-même compris : la fenêtre 3 × 3
CROSS = np.array(
    [[1, 1, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 1, 1], [0, 0, 1, 1, 0], [0, 1, 1, 0, 0]]
)
KERNEL = np.array([[1, 0, 1], [0, 1, 0], [1, 0, 1]])

GRADIENT_UNITS = 4  # valeurs par nœud : assez pour qu'aucun gradient ne s'annule par hasard

Psi = Callable  # psi(n_i, n_j, e_ji) -> messages ; tous (b, e, …)


class Graph(NamedTuple):
    """Un graphe : chaque arc va d'un nœud j, qui envoie, à un nœud i, qui reçoit."""

    num_nodes: int
    senders: np.ndarray  # (e,) int32 : j
    receivers: np.ndarray  # (e,) int32 : i
    features: np.ndarray  # (e, k) float32 : e_ji


# --- Question : des graphes ----------------------------------------------------------


def grid_graph(height: int, width: int) -> Graph:
    """Relie chaque case d'une grille à elle-même et à ses huit voisines.

    Args:
        height: nombre de lignes.
        width: nombre de colonnes.

    Returns:
        Graphe de `height * width` nœuds, ligne par ligne. L'arc j → i dit où est j vu de i, par
        un 1 parmi 9 : les cases de la fenêtre 3 × 3, ligne par ligne.
    """
    rows, columns = np.indices((height, width)).reshape(2, -1)  # (n,)
    down, right = rows - rows[:, None], columns - columns[:, None]  # (i, j) : de i vers j
    receivers, senders = np.nonzero(np.maximum(abs(down), abs(right)) <= 1)
    places = 3 * (down[receivers, senders] + 1) + right[receivers, senders] + 1
    features = np.eye(NUM_DIRECTIONS, dtype=np.float32)[places]
    return Graph(height * width, senders.astype(np.int32), receivers.astype(np.int32), features)


def undirected_graph(num_nodes: int, pairs: np.ndarray, weights: np.ndarray) -> Graph:
    """Fait de chaque lien deux arcs, un par sens ; `e_ji` est le poids du lien.

    Args:
        num_nodes: nombre de nœuds.
        pairs: les deux nœuds de chaque lien, `(l, 2)` entiers.
        weights: `(l,)`.

    Returns:
        Graphe de `2 * l` arcs.
    """
    both = np.concatenate([pairs, pairs[:, ::-1]]).astype(np.int32)  # (2 l, 2)
    features = np.concatenate([weights, weights]).astype(np.float32)[:, None]
    return Graph(num_nodes, both[:, 0], both[:, 1], features)


# --- Question : n_i' = Σ ψ(n_i, n_j, e_ji) -------------------------------------------


def pass_messages(nodes, graph: Graph, psi: Psi, *, aggregate: str = "sum"):
    """Met à jour chaque nœud d'après ses voisins.

    Args:
        nodes: `(b, n, c)` : b fois le même graphe, avec d'autres valeurs ; tenseur symbolique
            (`KerasTensor`) quand on construit un modèle : b n'y est pas connu.
        graph: qui envoie à qui.
        psi: `psi(n_i, n_j, e_ji)`, de `(b, e, c)`, `(b, e, c)` et `(b, e, k)` à `(b, e, d)`.
        aggregate: `"sum"`, celle du cours, `"mean"` ou `"max"`.

    Returns:
        `(b, n, d)` ; 0 pour un nœud qui ne reçoit rien.

    Raises:
        ValueError: agrégateur inconnu.

    Source : S3, « Message Passing » ; Gilmer et al., arXiv 1704.01212, équation 1.
    """
    if aggregate not in AGGREGATES:
        raise ValueError(f"Agrégateur {aggregate!r} inconnu : prenez {', '.join(AGGREGATES)}.")
    targets = ops.take(nodes, graph.receivers, axis=1)  # (b, e, c) : n_i
    sources = ops.take(nodes, graph.senders, axis=1)  # (b, e, c) : n_j
    edges = ops.zeros_like(sources[..., :1]) + graph.features  # (b, e, k) : les mêmes b fois
    messages = ops.transpose(psi(targets, sources, edges), (1, 0, 2))  # (e, b, d)
    reduce = ops.segment_max if aggregate == "max" else ops.segment_sum
    received = reduce(messages, graph.receivers, num_segments=graph.num_nodes)  # (n, b, d)
    degrees = np.bincount(graph.receivers, minlength=graph.num_nodes)[:, None, None]
    if aggregate == "mean":
        received = received / np.maximum(degrees, 1).astype(np.float32)
    if aggregate == "max" and not degrees.all():  # le maximum de rien est -∞
        received = ops.where(degrees > 0, received, 0.0)
    return ops.transpose(received, (1, 0, 2))  # (b, n, d)


def mlp(units: int) -> Psi:
    """Prend pour ψ un perceptron à une couche cachée, qui lit n_i, n_j et e_ji bout à bout."""
    hidden, output = layers.Dense(units, activation="tanh"), layers.Dense(units)
    return lambda n_i, n_j, e_ji: output(hidden(ops.concatenate([n_i, n_j, e_ji], axis=-1)))


def gated(units: int) -> Psi:
    """Prend pour ψ une couche qui lit n_i et n_j, chaque sortie étant pesée selon e_ji.

    Un même motif compte ainsi autrement à gauche et à droite.

    Source : d'après Schütt et al., « SchNet », arXiv 1706.08566 (les filtres, fonctions de l'arc).
    """
    read, weigh = layers.Dense(units, activation="relu"), layers.Dense(units)
    return lambda n_i, n_j, e_ji: read(ops.concatenate([n_i, n_j], axis=-1)) * weigh(e_ji)


# --- Question : la convolution est un passage de messages ----------------------------


def weigh_neighbours(filters: int) -> Psi:
    """Prend pour ψ un poids par place dans la fenêtre : `ψ = W[e_ji] · n_j`, sans n_i.

    Args:
        filters: nombre de valeurs par message.

    Returns:
        ψ ; sa seule couche, `Dense` sans biais, a un noyau `(9 * c, filters)`, rangé comme
        celui d'une `Conv2D` 3 × 3.
    """
    kernel = layers.Dense(filters, use_bias=False, name="fenetre")

    def psi(n_i, n_j, e_ji):
        placed = ops.expand_dims(e_ji, -1) * ops.expand_dims(n_j, -2)  # (b, e, 9, c)
        edges, columns = placed.shape[1], placed.shape[2] * placed.shape[3]
        return kernel(ops.reshape(placed, (-1, edges, columns)))  # (b, e, filters)

    return psi


def convolve_on_graph(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Convolue une image par passage de messages sur la grille de ses pixels.

    Args:
        image: `(h, w)`.
        kernel: `(3, 3)`, posé sans être retourné, comme dans le cours.

    Returns:
        `(h, w)` float32, égale à la convolution `same` : un pixel du bord a moins de voisins,
        ce qui revient à compléter par des zéros.

    Source : S3, « Passer des convolutions à une logique de graphe ».
    """
    nodes = keras.Input((image.size, 1))
    outputs = pass_messages(nodes, grid_graph(*image.shape), weigh_neighbours(1))
    model = keras.Model(nodes, outputs)
    model.get_layer("fenetre").set_weights([np.reshape(kernel, (NUM_DIRECTIONS, 1))])
    result = model(np.reshape(image, (1, -1, 1)).astype(np.float32))
    return ops.convert_to_numpy(result).reshape(image.shape)


# --- Question : une perte sur les nœuds, les arcs, le graphe entier ------------------


def node_head(nodes, num_classes: int):
    """Classe chaque nœud : `(b, n, c)` → probabilités `(b, n, classes)`."""
    return layers.Dense(num_classes, activation="softmax")(nodes)


def edge_head(nodes, pairs: np.ndarray):
    """Dit si deux nœuds sont liés, dans un sens comme dans l'autre.

    Args:
        nodes: `(b, n, c)`.
        pairs: `(p, 2)` entiers.

    Returns:
        Probabilités `(b, p, 1)`.
    """
    both = [ops.take(nodes, pairs[:, end], axis=1) for end in (0, 1)]  # 2 × (b, p, c)
    return layers.Dense(1, activation="sigmoid")(both[0] * both[1])


def graph_head(nodes, num_classes: int):
    """Classe le graphe d'après moyenne et maximum de ses nœuds : `(b, n, c)` → `(b, classes)`."""
    summary = ops.concatenate([ops.mean(nodes, axis=1), ops.max(nodes, axis=1)], axis=-1)
    return layers.Dense(num_classes, activation="softmax")(summary)


# --- Question : de quels nœuds la sortie d'un nœud dépend-elle ? ---------------------


def node_gradient(graph: Graph, depth: int, *, node: int, seed: int = 0) -> np.ndarray:
    """Rend la taille du gradient de la sortie d'un nœud par rapport à chaque entrée.

    Après k passages, un nœud dépend des nœuds à k arcs de lui au plus, et d'aucun autre.

    Args:
        graph: le graphe.
        depth: nombre de passages de messages, aux poids tirés au hasard.
        node: nœud dont on dérive la sortie.
        seed: graine des poids et des entrées.

    Returns:
        `(n,)` float32, positif ; exactement 0 là où la sortie ne dépend pas de l'entrée.
    """
    import tensorflow as tf

    keras.utils.set_random_seed(seed)
    values = np.random.default_rng(seed).normal(size=(1, graph.num_nodes, GRADIENT_UNITS))
    inputs = tf.convert_to_tensor(values, tf.float32)
    psis = [mlp(GRADIENT_UNITS) for _ in range(depth)]  # dérivée jamais nulle
    norms = [layers.LayerNormalization() for _ in range(depth)]  # pour qu'elle ne s'éteigne pas
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        nodes = inputs
        for psi, norm in zip(psis, norms, strict=True):
            nodes = nodes + norm(pass_messages(nodes, graph, psi))
        output = tf.reduce_sum(nodes[0, node] * np.arange(1, GRADIENT_UNITS + 1, dtype=np.float32))
    return np.abs(tape.gradient(output, inputs).numpy()[0]).sum(axis=-1)
