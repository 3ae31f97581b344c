"""Les figures des réseaux de graphes : le club, les mesures, le champ récepteur.

D'après : S3 (diapositives), « Graph Neural Networks ».
Commande : python -m exercises.ex21_graphs
"""

from collections.abc import Mapping
from pathlib import Path

import networkx as nx
import numpy as np

from convnets.figures.charts import Picture, bars, curves, show
from convnets.figures.style import COLORS, GREY, INK, new_figure
from exercises.ex21_graphs.messages import grid_graph, node_gradient, undirected_graph
from exercises.ex21_graphs.real_graphs import classify_nodes, draw_labelled, load_club, load_novel

GRID_PX = 15  # côté de la grille où l'on regarde le champ récepteur
DEPTHS = range(0, 7)
PANELS = {  # titre → mesures et noms
    "Graphes entiers : Fashion-MNIST,\nexactitude": {
        "accuracy_linear": "linéaire",
        "accuracy_dense": "dense, autant de poids",
        "accuracy_wide": "dense, six fois plus",
        "accuracy_alone": "sans message",
        "accuracy_conv": "convolution 3 × 3",
        "accuracy": "messages, somme",
        "accuracy_mean": "messages, moyenne",
        "accuracy_max": "messages, maximum",
    },
    "Nœuds : le club de karaté,\nexactitude": {
        "nodes_propagation": "propagation d'étiquettes",
        "nodes_spread": "diffusion",
        "nodes_cut": "coupe du graphe",
        "nodes": "messages, ψ = e·W·n",
    },
    "Arcs : « Les Misérables »,\naire sous la courbe ROC": {
        "edges_common": "voisins communs",
        "edges_rare": "voisins communs rares",
        "edges": "messages, ψ = e·W·n",
    },
}


# --- Question : le résultat des trois pertes -----------------------------------------


def save_bars(path: Path, metrics: Mapping) -> None:
    """Compare les méthodes, une perte par cadre ; les témoins, sans messages, sont en gris.

    Args:
        path: fichier PNG.
        metrics: mesures de `run`, ou leurs moyennes sur plusieurs graines ; une méthode qui n'est
            pas mesurée n'est pas dessinée.
    """
    with new_figure(path, columns=3, size=(4.6, 3.2)) as (_, axes):
        for axis, (title, names) in zip(axes[0], PANELS.items(), strict=True):
            found = {label: metrics[name] for name, label in names.items() if name in metrics}
            controls = {label: GREY for label in found if "messages" not in label}
            bars(axis, {"": found}, horizontal=True, colors=controls)
            axis.set_title(title)


# --- Question : le résultat sur les nœuds --------------------------------------------


def save_club(path: Path) -> None:
    """Dessine le club deux fois : les camps, puis ceux que devine un réseau, au premier tirage.

    Args:
        path: fichier PNG.
    """
    network = load_club()
    labelled = draw_labelled(network, 0)
    predicted = classify_nodes(network, labelled, seed=0)
    graph = nx.Graph(network.pairs.tolist())
    places = nx.kamada_kawai_layout(graph)
    num_wrong = (predicted != network.labels).sum()
    panels = {
        "La vérité": network.labels,
        f"Ce que le réseau a deviné : {num_wrong} faux": predicted,
    }
    look = {
        "edgecolors": INK,
        "linewidths": [4 if node in labelled else 1 for node in graph],
        "font_color": "white",
        "font_size": 7,
        "edge_color": GREY,
    }
    with new_figure(path, columns=2, size=(5.2, 4.6)) as (figure, axes):
        for axis, (title, classes) in zip(axes[0], panels.items(), strict=True):
            colors = [COLORS[classes[node]] for node in graph]
            nx.draw_networkx(graph, places, ax=axis, node_color=colors, node_size=200, **look)
            axis.set_title(title)
            axis.axis("off")
        figure.suptitle("Le club de karaté ; cerclés de noir : les seuls nœuds étiquetés")


# --- Question : le champ récepteur ---------------------------------------------------


def save_receptive_field(path: Path) -> None:
    """Dessine ce que voit un nœud d'une grille, puis combien de nœuds il voit.

    Args:
        path: fichier PNG.
    """
    grid, middle = grid_graph(GRID_PX, GRID_PX), GRID_PX**2 // 2
    club, novel = load_club(), load_novel()
    graphs = {
        f"grille {GRID_PX} × {GRID_PX}": (grid, middle),
        "club de karaté": (undirected_graph(len(club.labels), *club[:2]), 0),
        "« Les Misérables »": (undirected_graph(len(novel.labels), *novel[:2]), 0),
    }
    with new_figure(path, columns=4, size=(3.4, 3.2)) as (_, axes):
        *grids, last = axes[0]
        for axis, depth in zip(grids, (1, 2, 4), strict=True):
            gradient = node_gradient(grid, depth, node=middle).reshape(GRID_PX, GRID_PX)
            shares = np.log10(np.maximum(gradient / gradient.sum(), 1e-6))  # de très inégales
            caption = f"passages : {depth} ; nœuds vus : {2 * depth + 1} × {2 * depth + 1}"
            show(axis, Picture(shares, caption, cmap="viridis", limits=(-6, 0)))
            axis.set(xticks=[], yticks=[])
        seen = {
            name: [np.mean(node_gradient(graph, depth, node=node) > 0) for depth in DEPTHS]
            for name, (graph, node) in graphs.items()
        }
        curves(last, seen, x=DEPTHS)
        last.set(title="Part des nœuds vus", xlabel="passages")
        last.legend(loc="center left", bbox_to_anchor=(1, 0.5))
