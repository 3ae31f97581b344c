"""Ce que les pages interactives reprennent de l'exercice 00 : exemples, filtres, voix."""

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from convnets.core.paths import MODELS_DIR
from convnets.core.reports import read_report
from exercises.ex00_convolution import x_or_o
from exercises.ex00_convolution.examples import CHANNEL_KERNELS, CHANNELS, EDGE_IMAGE, read_examples
from exercises.ex00_convolution.geometry import windows
from exercises.ex00_convolution.matrices import im2col, toeplitz_matrix
from exercises.ex00_convolution.operations import (
    EDGE_KERNEL,
    IMAGE,
    KERNEL,
    SIGNAL,
    SIGNAL_KERNEL,
    conv1d,
)
from web.networks import open_weights

WINDOW = np.ones((2, 2), int)  # celle d'un pooling
MAXIMUM = {"operation": "max"}
HALF = MAXIMUM | {"stride": 2, "padding": "same"}  # qui garde une case sur quatre


def as_text(grid) -> str:
    """Écrit une grille, ou une par canal, comme la page la lit."""
    values = np.asarray(grid)
    if values.ndim == 3:
        return "\n\n".join(map(as_text, values))
    return "\n".join(" ".join(f"{value:g}" for value in row) for row in np.atleast_2d(values))


class Case(NamedTuple):
    """Un exemple des documents, tel qu'une page l'ouvre."""

    number: str  # N1 à N23
    what: str  # ce qui le distingue des autres du même numéro ; vide s'il est seul
    content: dict  # ce que la page remplit, et ce qu'elle doit trouver


def list_examples() -> list[dict]:
    """Rend les exemples N1 à N23, chacun avec ce qu'il doit donner (`examples.json`).

    Returns:
        `id`, `number`, `title`, `note`, `page`, puis, pour la page « Convolution », `image`,
        `kernel`, les réglages qui ne sont pas d'usage, et `expected`, une grille, ou `size` ; pour
        la page « Réseau », `network`, `parameters` et parfois `shape`.
    """
    entries = read_examples()
    known = {name: entry["imprimé"] | entry["attendu"] for name, entry in entries.items()}
    cases = [
        each for make in (_operations, _x_or_o, _sizes, _pixels, _networks) for each in make(known)
    ]
    found = []
    for case in sorted(cases, key=lambda each: int(each.number[1:])):
        shared = [each["number"] for each in found].count(case.number)
        entry = entries[case.number]
        title = f"{case.number} : {entry['titre']}"
        found.append(
            {
                "id": f"{case.number}-{shared + 1}" if shared else case.number,
                "number": case.number,
                "what": case.what or "l'ouvrir",
                "title": f"{title} ({case.what})" if case.what else title,
                "note": entry["note"],
                "document": entry["document"],
                "subject": entry["titre"],
                "page": "reseau" if "network" in case.content else "convolution",
            }
            | case.content
        )
    return found


def _grid(image, kernel, expected=None, **settings) -> dict:
    """Rend ce qu'il faut à la page « Convolution » ; `expected` : une grille, ou `size` seule."""
    content = {"image": as_text(image), "kernel": as_text(kernel)} | settings
    if expected is not None:
        content["expected"] = np.atleast_2d(np.array(expected, float)).tolist()
    return content


def _operations(known: dict) -> list[Case]:
    """Rend N1 à N5 : un signal, une image, une fenêtre."""
    signal, one = conv1d(SIGNAL, SIGNAL_KERNEL), known["N1"]
    first = x_or_o.read_picture(x_or_o.FILTERS[0])
    _, patch = list(windows(x_or_o.read_picture(x_or_o.X), first.shape))[24]
    return [
        Case("N1", "tel quel", _grid(SIGNAL, SIGNAL_KERNEL, one["sortie"])),
        Case(
            "N1", "noyau retourné", _grid(SIGNAL, SIGNAL_KERNEL, one["noyau retourné"], flip=True)
        ),
        *(
            Case("N2", name, _grid([signal], [[1, 1]], known["N2"][name], stride=stride, **MAXIMUM))
            for stride, name in enumerate(("pas un", "pas deux"), start=1)
        ),
        Case("N3", "", _grid(IMAGE, KERNEL, known["N3"]["sortie"])),
        Case("N4", "", _grid(IMAGE, KERNEL, known["N4"]["sortie"], padding="same")),
        Case("N5", "", _grid(patch, first, known["N5"]["somme"])),
    ]


def _x_or_o(known: dict) -> Iterator[Case]:
    """Rend N6 à N10, filtre par filtre : le X de S0, de ses cartes à son vecteur."""
    x, deformed = (x_or_o.read_picture(rows) for rows in (x_or_o.X, x_or_o.DEFORMED_X))
    maps, rectified, pooled, others = (
        known[number]["neuvièmes"] for number in ("N6", "N7", "N8", "N10")
    )
    vectors = np.reshape(known["N9"]["vecteur"], (3, 2, 2))
    for k, rows in enumerate(x_or_o.FILTERS):
        kernel, what = x_or_o.read_picture(rows), f"filtre {k + 1}"
        yield Case("N6", what, _grid(x, kernel, maps[k]))
        yield Case("N7", what, _grid(maps[k], [[1]], rectified[k], operation="relu"))
        yield Case("N8", what, _grid(rectified[k], WINDOW, pooled[k], **HALF))
        yield Case("N9", what, _grid(pooled[k], WINDOW, vectors[k], **HALF))
        yield Case("N10", what, _grid(deformed, kernel, others[k]))


def _sizes(known: dict) -> Iterator[Case]:
    """Rend les exemples dont les documents ne donnent que la taille : N11, N12 et N19."""
    side = int(known["N11"]["côté"])
    yield Case("N11", "", _grid(np.eye(32), np.eye(5), size=[side, side]))
    for name, key, kernel, settings in (
        ("7 par 2, pas 2", "pooling de sept par deux", WINDOW, MAXIMUM | {"stride": 2}),
        ("7 par 3, dilatation 2", "noyau dilaté", KERNEL, {"dilation": 2}),
    ):
        side = int(known["N12"][key])
        yield Case("N12", name, _grid(_ramp(7), kernel, size=[side, side], **settings))
    for name, side in (("côté pair", 8), ("côté sept", 7)):
        kept = math.isqrt(int(Fraction(known["N19"][name]) * side**2))
        yield Case("N19", name, _grid(_ramp(side), WINDOW, size=[kept, kept], **HALF))


def _ramp(side: int) -> np.ndarray:
    return np.add.outer(np.arange(side), np.arange(side))


def _pixels(known: dict) -> Iterator[Case]:
    """Rend N20 à N23 : une grille de pixels, un contour, trois canaux, deux matrices."""
    pixels = known["N20"]["grille"]
    for what, key, operation in (("la somme", "somme", {}), ("le maximum", "maximum", MAXIMUM)):
        yield Case("N20", what, _grid(pixels, np.ones((20, 20)), known["N20"][key], **operation))
    for what, kernel, flip in (
        ("convolution", EDGE_KERNEL, True),
        ("corrélation", EDGE_KERNEL, False),
        ("noyau en uint8", np.array(EDGE_KERNEL).astype(np.uint8), True),
    ):
        content = _grid(EDGE_IMAGE, kernel, known["N21"][what], flip=flip, padding="same")
        yield Case("N21", what, content)
    yield Case("N22", "", _grid(CHANNELS, CHANNEL_KERNELS, known["N22"]["somme"]))
    column = np.reshape(known["N23"]["sortie"], (-1, 1))
    for what, matrix, vector in (
        ("une ligne par fenêtre", im2col(IMAGE, (3, 3)), KERNEL),
        ("une colonne par pixel", toeplitz_matrix(KERNEL, (5, 5)), IMAGE),
    ):
        yield Case("N23", what, _grid(matrix, np.reshape(vector, (1, -1)), column))


def _networks(known: dict) -> list[Case]:
    """Rend les exemples que la page « Réseau » compte."""
    alexnet = 96 * (11 * 11 * 3 + 1)
    sides = (int(known["N12"][key]) for key in ("avec partie entière", "AlexNet"))
    cut, whole = ([side, side, 96] for side in sides)
    last = int(known["N13"]["côtés"][-1])
    wide, narrow = known["N16"]["paramètres"]
    inception = list(map(int, known["N17"]["sortie"]))
    large, on_mnist, sixteen = (
        known[number][key]
        for number, key in (
            ("N13", "couche dense"),
            ("N15", "paramètres en MNIST"),
            ("N22", "paramètres de seize filtres"),
        )
    )
    totals = {name: entry.get("paramètres") for name, entry in known.items()}
    rows = [  # numéro, ce qui le distingue, réseau, paramètres, forme de sa sortie
        ("N12", "224", "Pas de 4 sur 224 pixels (S3)", alexnet, cut),
        ("N12", "227", "Pas de 4 sur 227 pixels", alexnet, whole),
        ("N13", "convolution", "Un étage de convolution (S3)", totals["N13"], [last, last, 16]),
        ("N13", "couche dense", "Une couche dense de même sortie (S3)", large, None),
        ("N14", "", "BasicCNNModel (S0)", totals["N14"], [1000]),
        ("N15", "32×32", "LeNet-5, images 32×32", totals["N15"], None),
        (
            "N15",
            "28×28",
            "LeNet-5, images 28×28 (MNIST)",
            known["N15"]["paramètres en MNIST"],
            None,
        ),
        ("N16", "78 neurones", "Réseau dense 784-78-10", wide, None),
        ("N16", "77 neurones", "Réseau dense 784-77-10", narrow, None),
        ("N17", "", "InceptionV3 sans sa tête, images 150×150 (S2)", totals["N17"], inception),
        ("N18", "", "Fashion-MNIST, architecture imposée (S1)", totals["N18"], None),
        ("N22", "seize filtres", "Seize filtres 3×3 sur trois canaux (S4)", sixteen, None),
    ]
    return [
        Case(
            number,
            what,
            {"network": network, "parameters": int(total)} | ({"shape": shape} if shape else {}),
        )
        for number, what, network, total, shape in rows
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
    # Keras déplie les cartes en dernier ; la page, en premier.
    by_map = votes.reshape(2, 2, 3, 2).transpose(2, 0, 1, 3).reshape(12, 2)
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
