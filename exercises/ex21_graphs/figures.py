"""Les figures des réseaux de graphes : le club, les exactitudes, le champ récepteur.

D'après : S3 (diapositives), « Graph Neural Networks ».
Commande : python -m exercises.ex21_graphs --show
"""

from pathlib import Path

import networkx as nx
import numpy as np

from convnets.core.cli import percent
from convnets.core.reports import Report, format_metric
from convnets.figures.charts import save_training_figures
from convnets.figures.style import COLORS, INK, new_figure, output_dir
from exercises.ex21_graphs.messages import grid_graph, undirected_graph
from exercises.ex21_graphs.real_graphs import Network, load_club, load_novel
from exercises.ex21_graphs.receptive_field import node_gradient, reached, spread

GRID_PX = 15  # côté de la grille où l'on regarde le champ récepteur
DEPTHS = range(0, 7)
SHARE_LIMITS = 0.0001, 100  # en %, des parts que les couleurs d'une grille distinguent
BARS = (  # mesure, nom, témoin ou non
    ("accuracy_alone", "sans message", True),
    ("accuracy_conv", "convolution 3 × 3", True),
    ("accuracy", "messages, somme", False),
    ("accuracy_mean", "messages, moyenne", False),
    ("accuracy_max", "messages, maximum", False),
)
CLUB_BARS = (
    ("nodes_majority", "classe majoritaire", True),
    ("nodes_logistic", "régression logistique", True),
    ("nodes_propagation", "propagation d'étiquettes", True),
    ("nodes", "messages, ψ = e·W·n", False),
    ("nodes_mlp", "messages, ψ = perceptron", False),
)
EDGE_BARS = (
    ("edges_degrees", "produit des degrés", True),
    ("edges_common", "voisins communs", True),
    ("edges", "messages, ψ = e·W·n", False),
)
PANELS = (  # titre, unité, barres
    ("Graphes entiers : Fashion-MNIST", "exactitude (%)", BARS),
    ("Nœuds : le club de karaté", "exactitude (%)", CLUB_BARS),
    ("Arcs : « Les Misérables »", "aire sous la courbe ROC (%)", EDGE_BARS),
)


# --- Question : le résultat sur les nœuds --------------------------------------------


def save_club(network: Network, first: dict, path: Path) -> None:
    """Dessine le club deux fois : les camps, puis ceux que le modèle a devinés.

    Args:
        network: le club.
        first: `{"labelled", "predicted"}`, rendu par `measure_nodes`.
        path: fichier PNG.
    """
    graph = nx.Graph(network.pairs.tolist())
    places = nx.kamada_kawai_layout(graph)
    places = np.array([places[node] for node in range(len(network.labels))])
    labelled = np.isin(np.arange(len(network.labels)), first["labelled"])
    predicted = np.array(first["predicted"])
    panels = (("La vérité", network.labels), ("Ce que le réseau a deviné", predicted))
    with new_figure(path, columns=2, size=(5.2, 4.6)) as (figure, axes):
        for axis, (title, classes) in zip(axes[0], panels, strict=True):
            for pair in network.pairs:
                axis.plot(*places[pair].T, color="#bbbbbb", linewidth=0.8, zorder=1)
            for camp in np.unique(network.labels):
                for chosen, mark, size in ((labelled, "s", 210), (~labelled, "o", 150)):
                    where = chosen & (classes == camp)
                    axis.scatter(
                        *places[where].T,
                        s=size,
                        marker=mark,
                        color=COLORS[camp],
                        edgecolor=INK if mark == "s" else "white",
                        zorder=2,
                        linewidth=2 if mark == "s" else 0.8,
                    )
            for node, place in enumerate(places):
                axis.text(*place, node, color="white", fontsize=7, ha="center", va="center")
            wrong = classes != network.labels
            axis.scatter(
                *places[wrong].T,
                s=330,
                facecolor="none",
                edgecolor=INK,
                linestyle=":",
                linewidth=1.5,
            )
            axis.set_title(title + (f" : {wrong.sum()} faux, en pointillé" if wrong.any() else ""))
            axis.axis("off")
        figure.suptitle("Le club de karaté ; carrés : les seuls nœuds étiquetés")


# --- Question : le résultat des trois pertes -----------------------------------------


def save_bars(report: Report, path: Path) -> None:
    """Compare les méthodes, une perte par cadre ; la barre d'erreur est l'écart-type.

    Args:
        report: compte rendu, `models/ex21_graphs.json`.
        path: fichier PNG.
    """
    with new_figure(path, columns=3, size=(4.6, 3.0)) as (_, axes):
        for axis, (title, unit, bars) in zip(axes[0], PANELS, strict=True):
            for row, (name, _, control) in enumerate(bars):
                metric = report.metrics[name]
                mean, sd = metric.mean, metric.sd
                color, ink = ("#b5b5b5", INK) if control else (COLORS[0], "white")
                # Un écart-type est symétrique, une part ne dépasse pas 1 : la barre s'y arrête.
                error = None
                if sd is not None:
                    error = 100 * np.array([[min(sd, mean)], [min(sd, 1 - mean)]])
                axis.barh(row, 100 * mean, xerr=error, color=color, height=0.7, capsize=3)
                axis.text(2, row, percent(mean), color=ink, va="center", weight="bold")
            axis.set_yticks(range(len(bars)), [label for _, label, _ in bars])
            axis.invert_yaxis()
            axis.set(title=title, xlabel=unit, xlim=(0, 100))


# --- Question : le champ récepteur ---------------------------------------------------


def save_receptive_field(path: Path) -> None:
    """Dessine ce que voit un nœud d'une grille, puis ce qu'en fait la profondeur.

    Args:
        path: fichier PNG.
    """
    from matplotlib.colors import LogNorm

    grid, middle = grid_graph(GRID_PX, GRID_PX), GRID_PX**2 // 2
    path_pairs = np.stack([np.arange(GRID_PX - 1), np.arange(1, GRID_PX)], axis=1)
    club, novel = load_club(), load_novel()
    graphs = {
        f"grille {GRID_PX} × {GRID_PX}": (grid, middle),
        f"chemin de {GRID_PX} nœuds": (
            undirected_graph(GRID_PX, path_pairs, np.ones(GRID_PX - 1)),
            GRID_PX // 2,
        ),
        "club de karaté": (undirected_graph(len(club.labels), *club[:2]), 0),
        "« Les Misérables »": (undirected_graph(len(novel.labels), *novel[:2]), 0),
    }
    with new_figure(path, columns=5, size=(3.1, 3.6)) as (figure, axes):
        for axis, depth in zip(axes[0], (1, 2, 4), strict=False):
            gradient = node_gradient(grid, depth, node=middle).reshape(GRID_PX, GRID_PX)
            share = 100 * gradient / gradient.sum()
            scale = LogNorm(*SHARE_LIMITS)  # la même sur les trois grilles
            shown = axis.imshow(np.where(share > 0, share, np.nan), cmap="viridis", norm=scale)
            axis.spines[:].set_visible(True)
            side = 2 * depth + 1
            axis.set(
                xticks=[],
                yticks=[],
                title=f"{depth} passage{'s' * (depth > 1)}",
                xlabel=f"{(gradient > 0).sum()} nœuds vus : {side} × {side}",
            )
        figure.colorbar(
            shown,
            ax=axes[0, :3].tolist(),
            location="bottom",
            aspect=40,
            extend="min",
            label="part de la réponse du nœud central (%) ; blanc : nœud jamais vu",
            format="{x:g}",
        )
        for (label, (graph, node)), mark in zip(graphs.items(), "os^D", strict=True):
            share = np.array(reached(graph, node=node, depths=DEPTHS)) / graph.num_nodes
            axes[0, 3].plot(DEPTHS, 100 * share, marker=mark, label=label)
            axes[0, 4].plot(DEPTHS, spread(graph, depths=DEPTHS), marker=mark, label=label)
        axes[0, 3].set(title="Champ récepteur", xlabel="passages", ylabel="nœuds vus (%)")
        axes[0, 4].set(
            title="Lissage de trop",
            xlabel="passages",
            ylim=(0, None),
            ylabel="écart-type entre nœuds",
        )
        axes[0, 4].legend(fontsize=9)


# --- Question : le montrer -----------------------------------------------------------


def show(options, report, *_) -> None:
    """Écrit les figures du compte rendu, et dit ce que chaque méthode a mesuré."""
    folder = output_dir(options)
    for title, _, bars in PANELS:
        print(title)
        for name, label, _ in bars:
            print(f"  {label:<26} {format_metric(report.metrics[name])}")
    save_club(load_club(), report.details["club"], folder / "club.png")
    save_bars(report, folder / "mesures.png")
    save_receptive_field(folder / "champ.png")
    save_training_figures(options, report, None, None, None)
