"""Le club de karaté, que la page « Graphes » dessine ; voir l'exercice 21."""

import networkx as nx
import numpy as np

APART = 0.19  # entre deux membres dessinés, au moins, dans un carré de côté 2


def club() -> dict:
    """Rend le club de Zachary.

    Returns:
        `places` : où dessiner chaque membre, `(n, 2)` dans [-1, 1] ; `pairs` : les liens, chacun
        une fois, deux membres et un poids ; `camps` : 0 ou 1, celui que chacun a choisi ;
        `chiefs` : les deux membres dont la dispute a coupé le club.
    """
    graph = nx.karate_club_graph()
    places = nx.kamada_kawai_layout(graph)
    return {
        "places": _spread(np.array([places[node] for node in graph])).round(3).tolist(),
        "pairs": [list(pair) for pair in graph.edges(data="weight")],
        "camps": [int(camp != "Mr. Hi") for _, camp in graph.nodes(data="club")],
        "chiefs": [0, len(graph) - 1],
    }


def _spread(places: np.ndarray) -> np.ndarray:
    """Étale des points dans [-1, 1], et écarte ceux qui se recouvriraient."""
    places = 2 * (places - places.min(0)) / np.ptp(places, axis=0) - 1
    for _ in range(300):
        gaps = places[:, None] - places  # (n, n, 2)
        far = np.linalg.norm(gaps, axis=-1) + np.eye(len(places))
        push = np.clip(1.05 * APART - far, 0, None)[..., None] * gaps / far[..., None]
        places = np.clip(places + push.sum(1) / 4, -1, 1)
    return places
