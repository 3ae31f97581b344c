"""Ce que les pages où l'on essaie reprennent de l'exercice 00 : exemples, filtres, voix."""

import numpy as np

from convnets.core.paths import MODELS_DIR
from convnets.core.reports import read_report
from exercises.ex00_convolution import x_or_o
from exercises.ex00_convolution.examples import CHANNEL_KERNELS, CHANNELS, EDGE_IMAGE
from exercises.ex00_convolution.geometry import windows
from exercises.ex00_convolution.operations import (
    EDGE_KERNEL,
    IMAGE,
    KERNEL,
    SIGNAL,
    SIGNAL_KERNEL,
    conv1d,
)
from web.networks import open_weights


def as_text(grid) -> str:
    """Écrit une grille, ou une par canal, comme la page la lit."""
    values = np.asarray(grid)
    if values.ndim == 3:
        return "\n\n".join(map(as_text, values))
    return "\n".join(" ".join(f"{value:g}" for value in row) for row in np.atleast_2d(values))


def list_examples() -> list[dict]:
    """Rend les exemples : `title`, `image`, `kernel`, et les réglages qui ne sont pas d'usage."""
    x, filters = (
        x_or_o.read_picture(x_or_o.X),
        [x_or_o.read_picture(rows) for rows in x_or_o.FILTERS],
    )
    _, patch = list(windows(x, filters[0].shape))[24]
    deformed = x_or_o.read_picture(x_or_o.DEFORMED_X)
    signal, edges = conv1d(SIGNAL, SIGNAL_KERNEL), {"padding": "same"}
    pooling = {"operation": "max"}
    window = np.ones((2, 2), int)
    found = [
        ("N3 : image 5×5 par un noyau 3×3", IMAGE, KERNEL, {}),
        ("N1 : convolution 1-D", SIGNAL, SIGNAL_KERNEL, {}),
        ("N1 : la même, noyau retourné", SIGNAL, SIGNAL_KERNEL, {"flip": True}),
        ("N4 : N3 avec padding « same »", IMAGE, KERNEL, edges),
        ("N5 : filtre 1 sur un carré du X", patch, filters[0], {}),
        *(
            (f"N6 : X par le filtre {number}", x, each, {})
            for number, each in enumerate(filters, start=1)
        ),
        ("N8 : max-pooling du X, fenêtre 2, pas 2", x, window, pooling | edges | {"stride": 2}),
        ("N10 : X déformé par le filtre 1", deformed, filters[0], {}),
        ("N12 : côté 7, noyau 3, dilatation 2", np.eye(7, dtype=int), KERNEL, {"dilation": 2}),
        ("N19 : côté 6, max-pooling 2, pas 2", EDGE_IMAGE, window, pooling | {"stride": 2}),
        ("N21 : un bord, corrélation", EDGE_IMAGE, EDGE_KERNEL, edges),
        ("N21 : un bord, noyau retourné", EDGE_IMAGE, EDGE_KERNEL, edges | {"flip": True}),
        ("N22 : trois canaux", CHANNELS, CHANNEL_KERNELS, {}),
        ("N2 : suite de N1, répétée sur deux lignes", [signal, signal], window, pooling),
    ]
    return [
        {"title": title, "image": as_text(image), "kernel": as_text(kernel), **settings}
        for title, image, kernel, settings in found
    ]


def x_or_o_weights() -> dict:
    """Rend dessins, filtres et voix de « X ou O ? », posés à la main et appris.

    Returns:
        `"drawings"` : dessins ±1 `(9, 9)` par nom ; `"hand"` et `"learned"` : `"filters"`
        `(3, 3, 3)`, filtre en premier, `"votes"` `(12, 2)`, carte après carte, et `"bias"` `(2,)`.

    Raises:
        FileNotFoundError, ValueError: modèle absent, ou abîmé.
    """
    slug = "ex00_learned_filters"
    read_report(slug)  # l'empreinte des fichiers est vérifiée
    with open_weights(MODELS_DIR / f"{slug}.keras") as file:
        kernels = np.moveaxis(file["layers/conv2d/vars/0"][:, :, 0, :], -1, 0)
        votes, bias = (file[f"layers/dense/vars/{k}"][:] for k in (0, 1))
    by_map = (
        votes.reshape(2, 2, 3, 2).transpose(2, 0, 1, 3).reshape(12, 2)
    )  # Keras : cartes à la fin
    hand = np.array([x_or_o.read_picture(rows) for rows in x_or_o.FILTERS])
    drawings = {"X": x_or_o.X, "X déformé": x_or_o.DEFORMED_X, "O": x_or_o.O}
    return {
        "drawings": {name: x_or_o.read_picture(rows).tolist() for name, rows in drawings.items()},
        "hand": {
            "filters": (hand / hand[0].size).tolist(),
            "votes": x_or_o.vote_weights().astype(float).tolist(),
            "bias": [0, 0],
        },
        "learned": {"filters": kernels.tolist(), "votes": by_map.tolist(), "bias": bias.tolist()},
    }
