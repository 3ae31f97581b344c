"""De vrais graphes : deviner le camp d'un nœud, retrouver des liens cachés.

D'après : S3 (diapositives), « Graph Neural Networks » : pertes sur les nœuds et sur les arcs.
Commande : python -m exercises.ex21_graphs

networkx fournit les deux graphes : le club de karaté de Zachary (34 membres, deux camps après une
dispute) et les 77 personnages des « Misérables », liés quand ils paraissent dans un même chapitre.

La recette n'est réglée sur aucune des mesures publiées. Celle des nœuds l'a été sur des graphes
tirés au hasard, à deux camps connus ; celle des liens, sur le club de karaté, alors que la mesure
cache des liens des « Misérables ».
"""

from collections.abc import Callable
from typing import NamedTuple

import keras
import networkx as nx
import numpy as np
from keras import layers, ops
from sklearn.metrics import roc_auc_score

from exercises.ex21_graphs.messages import Graph, edge_head, node_head, pass_messages

UNITS = 16  # valeurs par nœud
STEPS = 100  # pas d'Adam
LEARNING_RATE = 1e-2
NUM_DRAWS = 5  # tirages des nœuds étiquetés, ou des liens cachés
LABELLED = 2  # membres étiquetés par camp
HIDDEN = 0.2  # part des liens cachés
# α de Zhou et al., ce qu'un nœud prend à ses voisins plutôt qu'à son étiquette ; le meilleur
# de 0,2, 0,5, 0,8, 0,9 et 0,99 sur deux cents graphes à deux camps, tirés au hasard.
SPREAD = 0.8


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


def encode(graph: Graph) -> tuple:
    """Passe deux fois des messages, chaque nœud n'étant au départ que son numéro.

    Args:
        graph: le graphe.

    Returns:
        `(entrée, nœuds)` d'un modèle fonctionnel : `(b, n, n)` et `(b, n, UNITS)`.
    """
    inputs = keras.Input((graph.num_nodes, graph.num_nodes))
    nodes = ops.tanh(pass_messages(inputs, graph, scaled(UNITS)))
    return inputs, pass_messages(nodes, graph, scaled(UNITS))


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


# --- Question : une perte sur quelques nœuds -----------------------------------------


def classify_nodes(network: Network, labelled: np.ndarray, *, seed: int) -> np.ndarray:
    """Apprend la classe de quelques nœuds, et la rend pour tous.

    Args:
        network: le graphe ; seules les étiquettes des nœuds de `labelled` sont lues.
        labelled: leurs numéros.
        seed: graine des poids.

    Returns:
        Classes `(n,)`, entiers.
    """
    keras.utils.set_random_seed(seed)
    inputs, nodes = encode(normalised(network))
    num_classes = int(network.labels[labelled].max()) + 1
    model = keras.Model(inputs, node_head(ops.tanh(nodes), num_classes))
    known = np.isin(np.arange(len(network.labels)), labelled)  # une perte sur ces nœuds-là
    targets = np.where(known, network.labels, 0)
    weights, loss = known.astype(np.float32), "sparse_categorical_crossentropy"
    return fit_whole(model, targets, weights, loss).argmax(axis=-1)


def propagate_labels(network: Network, labelled: np.ndarray) -> np.ndarray:
    """Donne à chaque nœud la moyenne de ses voisins, les nœuds étiquetés restant fixes.

    Source : Zhu, Ghahramani et Lafferty, ICML 2003, équation 5.
    """
    matrix = adjacency(network)
    laplacian = np.diag(matrix.sum(axis=1)) - matrix
    others = np.setdiff1d(np.arange(len(matrix)), labelled)
    scores = np.eye(network.labels[labelled].max() + 1)[network.labels]
    right = matrix[np.ix_(others, labelled)] @ scores[labelled]
    # Au sens des moindres carrés : un morceau sans nœud étiqueté rend la matrice singulière.
    scores[others] = np.linalg.lstsq(laplacian[np.ix_(others, others)], right, rcond=None)[0]
    return scores.argmax(axis=1)


def spread_labels(network: Network, labelled: np.ndarray) -> np.ndarray:
    """Laisse les étiquettes se répandre, sans fixer les nœuds étiquetés.

    Source : Zhou et al., « Learning with Local and Global Consistency », NIPS 2003, section 2.
    """
    matrix = adjacency(network)
    root = np.sqrt(matrix.sum(axis=1))
    smooth = matrix / np.outer(root, root)
    start = np.zeros((len(matrix), network.labels[labelled].max() + 1))
    start[labelled, network.labels[labelled]] = 1
    return np.linalg.solve(np.eye(len(matrix)) - SPREAD * smooth, start).argmax(axis=1)


def cut_in_two(network: Network, labelled: np.ndarray) -> np.ndarray:
    """Coupe le graphe en deux là où peu de liens passent ; les étiquettes ne nomment que les côtés.

    Le deuxième vecteur propre du laplacien donne à des nœuds voisins des valeurs proches : son
    signe est le côté.

    Args:
        network: le graphe ; il a deux classes.
        labelled: numéros des nœuds dont l'étiquette est lue.

    Returns:
        Classes `(n,)`, 0 ou 1.

    Source : Fiedler, « Algebraic connectivity of graphs », 1973.
    """
    matrix = adjacency(network)
    laplacian = np.diag(matrix.sum(axis=1)) - matrix
    _, vectors = np.linalg.eigh(laplacian)  # valeurs propres croissantes
    sides = (vectors[:, 1] > 0).astype(int)
    agreed = np.mean(sides[labelled] == network.labels[labelled])
    return sides if agreed >= 0.5 else 1 - sides


def draw_labelled(network: Network, draw: int) -> np.ndarray:
    """Tire `LABELLED` nœuds de chaque classe ; rend leurs numéros, dans l'ordre."""
    rng, labels = np.random.default_rng(draw), network.labels
    camps = [np.flatnonzero(labels == k) for k in np.unique(labels)]
    return np.sort(np.concatenate([rng.choice(c, LABELLED, replace=False) for c in camps]))


def measure_nodes(network: Network, draw: int) -> dict[str, float]:
    """Compare les messages aux trois témoins, sur les nœuds qu'un tirage n'a pas étiquetés.

    Returns:
        Exactitudes `{"nodes", "nodes_propagation", "nodes_spread", "nodes_cut"}`.
    """
    labelled = draw_labelled(network, draw)
    predicted = {
        "nodes": classify_nodes(network, labelled, seed=draw),
        "nodes_propagation": propagate_labels(network, labelled),
        "nodes_spread": spread_labels(network, labelled),
        "nodes_cut": cut_in_two(network, labelled),
    }
    return elsewhere(network, labelled, predicted)


def elsewhere(network: Network, labelled: np.ndarray, predicted: dict) -> dict[str, float]:
    """Rend l'exactitude de chaque réponse `(n,)`, hors des nœuds étiquetés."""
    others = np.setdiff1d(np.arange(len(network.labels)), labelled)
    return {name: np.mean((each == network.labels)[others]) for name, each in predicted.items()}


# --- Question : une perte sur les arcs -----------------------------------------------


def score_pairs(network: Network, pairs: np.ndarray, *, seed: int) -> np.ndarray:
    """Apprend quelles paires sont liées, et rend la probabilité de chacune, `(p,)`.

    Les liens cachés comptent parmi les paires non liées : le réseau ne peut pas les en distinguer.
    """
    keras.utils.set_random_seed(seed)
    inputs, nodes = encode(normalised(network))
    linked = adjacency(network)[pairs[:, 0], pairs[:, 1]] > 0
    weights = np.where(linked, 0.5 / linked.mean(), 0.5 / (1 - linked.mean()))  # moitié-moitié
    model = keras.Model(inputs, edge_head(nodes, pairs))
    return fit_whole(model, linked[:, None], weights.astype(np.float32), "binary_crossentropy")[
        :, 0
    ]


class Hidden(NamedTuple):
    """Un graphe dont des liens sont cachés, et les paires où les chercher."""

    visible: Network
    pairs: np.ndarray  # (p, 2) entiers : toutes les paires de nœuds
    linked: np.ndarray  # (p,) booléens : vraiment liées
    unknown: np.ndarray  # (p,) booléens : sans lien visible


def hide_links(network: Network, draw: int) -> Hidden:
    """Cache une part `HIDDEN` des liens, tirée au sort."""
    pairs = np.argwhere(np.triu(np.ones((len(network.labels),) * 2), 1))  # (p, 2)
    first, second = pairs.T
    shuffled = np.random.default_rng(draw).permutation(len(network.pairs))
    kept = shuffled[round(HIDDEN * len(shuffled)) :]
    visible = Network(network.pairs[kept], network.weights[kept], network.labels)
    linked, shown = (adjacency(each)[first, second] > 0 for each in (network, visible))
    return Hidden(visible, pairs, linked, ~shown)


def common_neighbours(network: Network, *, rare: bool) -> np.ndarray:
    """Compte les voisins communs de chaque paire de nœuds, `(n, n)`.

    Args:
        network: le graphe.
        rare: compter d'autant plus un voisin commun qu'il a peu de liens.

    Source : Adamic et Adar, « Friends and neighbors on the Web », 2003 (`rare`).
    """
    links = (adjacency(network) > 0).astype(float)
    degrees = np.maximum(links.sum(axis=1), 2)  # un voisin commun a deux liens au moins
    return links / np.log(degrees) @ links if rare else links @ links


def measure_edges(network: Network, draw: int) -> dict[str, float]:
    """Cache des liens et mesure s'ils passent devant les paires vraiment non liées.

    Args:
        network: le graphe entier.
        draw: numéro du tirage.

    Returns:
        Aires sous la courbe ROC : `edges`, celle du réseau ; `edges_common` et `edges_rare`, celles
        des deux comptes de voisins communs, qui n'apprennent rien.
    """
    hidden = hide_links(network, draw)
    places = tuple(hidden.pairs.T)
    scores = {
        "edges": score_pairs(hidden.visible, hidden.pairs, seed=draw),
        "edges_common": common_neighbours(hidden.visible, rare=False)[places],
        "edges_rare": common_neighbours(hidden.visible, rare=True)[places],
    }
    return areas(hidden, scores)


def areas(hidden: Hidden, scores: dict[str, np.ndarray]) -> dict[str, float]:
    """Rend l'aire sous la courbe ROC de chaque score `(p,)`, hors des liens visibles."""
    where = hidden.unknown
    return {name: roc_auc_score(hidden.linked[where], s[where]) for name, s in scores.items()}


# --- Question : les deux mesures, sur plusieurs tirages ------------------------------


def over_draws(measure: Callable, network: Network, *, seed: int) -> dict[str, float]:
    """Rend la moyenne d'une mesure sur `NUM_DRAWS` tirages, qu'aucune autre graine n'emploie."""
    draws = range(NUM_DRAWS * seed, NUM_DRAWS * (seed + 1))
    found = [measure(network, draw) for draw in draws]
    return {name: float(np.mean([each[name] for each in found])) for name in found[0]}
