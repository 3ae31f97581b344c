"""Jusqu'où voit un nœud ? Le champ récepteur, calculé par le gradient.

D'après : S3 (diapositives), « Message Passing » : plus de couches, plus grand champ récepteur.
Commande : python -m exercises.ex21_graphs

Après k passages, un nœud dépend des nœuds à k arcs de lui au plus, et d'aucun autre.
"""

import keras
import numpy as np
from keras import layers

from exercises.ex21_graphs.messages import Graph, mlp, pass_messages

UNITS = 4  # valeurs par nœud : assez pour qu'aucun gradient ne s'annule par hasard


# --- Question : de quels nœuds la sortie d'un nœud dépend-elle ? ---------------------


def node_gradient(graph: Graph, depth: int, *, node: int, seed: int = 0) -> np.ndarray:
    """Rend la taille du gradient de la sortie d'un nœud par rapport à chaque entrée.

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
    values = np.random.default_rng(seed).normal(size=(1, graph.num_nodes, UNITS))
    inputs = tf.convert_to_tensor(values, tf.float32)
    psis = [mlp(UNITS, activation="tanh") for _ in range(depth)]  # dérivée jamais nulle
    norms = [layers.LayerNormalization() for _ in range(depth)]  # pour qu'elle ne s'éteigne pas
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        nodes = inputs
        for psi, norm in zip(psis, norms, strict=True):
            nodes = nodes + norm(pass_messages(nodes, graph, psi))
        output = tf.reduce_sum(nodes[0, node] * np.arange(1, UNITS + 1, dtype=np.float32))
    return np.abs(tape.gradient(output, inputs).numpy()[0]).sum(axis=-1)
