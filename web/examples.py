"""Les exemples des documents que la page « Convolution » rouvre, repris de l'exercice 00."""

import numpy as np

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
