"""Ce que les pages interactives reprennent de l'exercice 00 : exemples, filtres, voix."""

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from convnets.core.paths import MODELS_DIR
from convnets.core.reports import read_report
from exercises.ex00_convolution import x_or_o
from exercises.ex00_convolution.examples import (
    CHANNEL_KERNELS,
    CHANNELS,
    EDGE_IMAGE,
    EXAMPLES,
    read_examples,
)
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
    note: str  # ce que le document en dit, et ce qu'il faut y corriger


def list_examples() -> list[dict]:
    """Rend les exemples N1 à N23, chacun avec ce qu'il doit donner (`examples.json`).

    Returns:
        `id`, `number`, `title`, `note`, `page`, puis, pour la page « Convolution », `image`,
        `kernel`, les réglages qui ne sont pas d'usage, et `expected`, une grille, ou `size` ; pour
        la page « Réseau », `network`, `parameters` et parfois `shape`.
    """
    known = {name: entry["imprimé"] | entry["attendu"] for name, entry in read_examples().items()}
    cases = [
        each for make in (_operations, _x_or_o, _sizes, _pixels, _networks) for each in make(known)
    ]
    found = []
    for case in sorted(cases, key=lambda each: int(each.number[1:])):
        shared = [each["number"] for each in found].count(case.number)
        title = f"{case.number} : {EXAMPLES[case.number].title}"
        found.append(
            {
                "id": f"{case.number}-{shared + 1}" if shared else case.number,
                "number": case.number,
                "what": case.what or "l'ouvrir",
                "title": f"{title} ({case.what})" if case.what else title,
                "note": case.note,
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
    note = (
        "La moyenne est 5/9, que S0 tronque en 0,55. La matrice des produits a la taille du "
        "filtre, et non de l'image (erratum 1)."
    )
    return [
        Case(
            "N1",
            "tel quel",
            _grid(SIGNAL, SIGNAL_KERNEL, one["sortie"]),
            "S2 n'en imprime que la première valeur.",
        ),
        Case(
            "N1",
            "noyau retourné",
            _grid(SIGNAL, SIGNAL_KERNEL, one["noyau retourné"], flip=True),
            "Retourner est ce que dit la formule de S1 ; les réseaux ne le font pas (erratum 7).",
        ),
        *(
            Case(
                "N2",
                name,
                _grid([signal], [[1, 1]], known["N2"][name], operation="max", stride=stride),
                "S2 ne dit ni la fenêtre ni les valeurs.",
            )
            for stride, name in enumerate(("pas un", "pas deux"), start=1)
        ),
        Case(
            "N3",
            "",
            _grid(IMAGE, KERNEL, known["N3"]["sortie"]),
            "S3 en imprime les deux premières lignes.",
        ),
        Case(
            "N4",
            "",
            _grid(IMAGE, KERNEL, known["N4"]["sortie"], padding="same"),
            "Aucun document ne l'imprime : il est du cours.",
        ),
        Case("N5", "", _grid(patch, first, known["N5"]["somme"]), note),
    ]


def _x_or_o(known: dict) -> Iterator[Case]:
    """Rend N6 à N10, filtre par filtre : le X de S0, de ses cartes à son vecteur."""
    x, deformed = (x_or_o.read_picture(rows) for rows in (x_or_o.X, x_or_o.DEFORMED_X))
    maps, rectified, pooled, others = (
        known[number]["neuvièmes"] for number in ("N6", "N7", "N8", "N10")
    )
    vectors = np.reshape(known["N9"]["vecteur"], (3, 2, 2))
    ninths = "S0 imprime le neuvième de ces sommes, tronqué : 1,00 pour 9, 0,77 pour 7"
    for k, rows in enumerate(x_or_o.FILTERS):
        kernel, what = x_or_o.read_picture(rows), f"filtre {k + 1}"
        note = f"{ninths}. Son X a une ligne de moins (erratum 3)."
        yield Case("N6", what, _grid(x, kernel, maps[k]), note)
        yield Case("N7", what, _grid(maps[k], [[1]], rectified[k], operation="relu"), f"{ninths}.")
        note = f"{ninths}. Dans ses cartes d'entrée, des 0,55 sont imprimés 0,33 (erratum 4)."
        yield Case("N8", what, _grid(rectified[k], WINDOW, pooled[k], **HALF), note)
        note = f"{ninths}. Les trois cartes, dépliées, font le vecteur de douze valeurs."
        yield Case("N9", what, _grid(pooled[k], WINDOW, vectors[k], **HALF), note)
        note = "S0 imprime ce X déformé, et non ce qu'il donne."
        yield Case("N10", what, _grid(deformed, kernel, others[k]), note)


def _sizes(known: dict) -> Iterator[Case]:
    """Rend les exemples dont les documents ne donnent que la taille : N11, N12 et N19."""
    side = int(known["N11"]["côté"])
    note = "S0 annonce le côté 28 ; les nombres de l'image sont les nôtres."
    yield Case("N11", "", _grid(np.eye(32), np.eye(5), size=[side, side]), note)
    note = "La formule de S3 n'a ni partie entière ni dilatation (erratum 14)."
    for name, key, kernel, settings in (
        ("7 par 2, pas 2", "pooling de sept par deux", WINDOW, MAXIMUM | {"stride": 2}),
        ("7 par 3, dilatation 2", "noyau dilaté", KERNEL, {"dilation": 2}),
    ):
        side = int(known["N12"][key])
        yield Case("N12", name, _grid(_ramp(7), kernel, size=[side, side], **settings), note)
    note = "S1 parle d'un quart : c'est vrai d'un côté pair, et 16/49 pour 7 (erratum 9)."
    for name, side in (("côté pair", 8), ("côté sept", 7)):
        kept = math.isqrt(int(Fraction(known["N19"][name]) * side**2))
        yield Case("N19", name, _grid(_ramp(side), WINDOW, size=[kept, kept], **HALF), note)


def _ramp(side: int) -> np.ndarray:
    return np.add.outer(np.arange(side), np.arange(side))


def _pixels(known: dict) -> Iterator[Case]:
    """Rend N20 à N23 : une grille de pixels, un contour, trois canaux, deux matrices."""
    pixels = known["N20"]["grille"]
    note = "La grille est imprimée, et les barres 82, 15, 2 et 1, qui font 100."
    for what, key, operation in (("la somme", "somme", {}), ("le maximum", "maximum", MAXIMUM)):
        content = _grid(pixels, np.ones((20, 20)), known["N20"][key], **operation)
        yield Case("N20", what, content, note)
    note = (
        "S4 écrit la formule de la corrélation, et son code retourne le noyau ; les zéros du "
        "bord font un faux contour (erratum 15)."
    )
    for what, kernel, flip in (
        ("convolution", EDGE_KERNEL, True),
        ("corrélation", EDGE_KERNEL, False),
        ("noyau en uint8", np.array(EDGE_KERNEL).astype(np.uint8), True),
    ):
        content = _grid(EDGE_IMAGE, kernel, known["N21"][what], flip=flip, padding="same")
        yield Case("N21", what, content, note)
    note = "Image et filtre sont du cours ; S4 donne la règle."
    yield Case("N22", "", _grid(CHANNELS, CHANNEL_KERNELS, known["N22"]["somme"]), note)
    note = "S4 l'annonce sans nombres : la sortie de N3, une case par ligne."
    column = np.reshape(known["N23"]["sortie"], (-1, 1))
    for what, matrix, vector in (
        ("une ligne par fenêtre", im2col(IMAGE, (3, 3)), KERNEL),
        ("une colonne par pixel", toeplitz_matrix(KERNEL, (5, 5)), IMAGE),
    ):
        yield Case("N23", what, _grid(matrix, np.reshape(vector, (1, -1)), column), note)


def _networks(known: dict) -> list[Case]:
    """Rend les exemples que la page « Réseau » compte."""

    def case(number, what, network, parameters, note, shape=None):
        content = {"network": network, "parameters": int(parameters)}
        return Case(number, what, content | ({"shape": shape} if shape else {}), note)

    sides, stage, lenet = known["N12"], known["N13"], known["N15"]
    cut, whole, side = (
        int(each) for each in (sides["avec partie entière"], sides["AlexNet"], stage["côtés"][-1])
    )
    weights = 96 * (11 * 11 * 3 + 1)
    dense = (
        "« Équivalent » à LeNet et ses 61 706 paramètres, à un demi pour cent près, ou un peu plus."
    )
    return [
        case(
            "N12",
            "224",
            "Pas de 4 sur 224 pixels (S3)",
            weights,
            "S3 oublie la partie entière, et trouve 54,25 (erratum 14).",
            [cut, cut, 96],
        ),
        case(
            "N12",
            "227",
            "Pas de 4 sur 227 pixels",
            weights,
            "L'image d'AlexNet a en fait 227 pixels de côté.",
            [whole, whole, 96],
        ),
        case(
            "N13",
            "convolution",
            "Un étage de convolution (S3)",
            stage["paramètres"],
            "S3 laisse compter ; un pooling de pas 1.",
            [side, side, 16],
        ),
        case(
            "N13",
            "couche dense",
            "Une couche dense de même sortie (S3)",
            stage["couche dense"],
            "Une couche dense de même sortie que la convolution de S3.",
        ),
        case(
            "N14",
            "",
            "BasicCNNModel (S0)",
            known["N14"]["paramètres"],
            "Des tailles réécrites après coup ne changent rien (erratum 16).",
            [1000],
        ),
        *(
            case(
                "N15",
                what,
                network,
                lenet[key],
                "C'est la lecture moderne ; le réseau de 1998 en avait 60 000 (erratum 10).",
            )
            for what, network, key in (
                ("32×32", "LeNet-5, images 32×32", "paramètres"),
                ("28×28", "LeNet-5, images 28×28 (MNIST)", "paramètres en MNIST"),
            )
        ),
        *(
            case("N16", f"{hidden} neurones", f"Réseau dense 784-{hidden}-10", total, dense)
            for hidden, total in zip((78, 77), known["N16"]["paramètres"], strict=True)
        ),
        case(
            "N17",
            "",
            "InceptionV3 sans sa tête, images 150×150 (S2)",
            known["N17"]["paramètres"],
            "S2 ne donne pas de nombre. Une image de moins de 75 pixels de côté serait trop "
            "petite.",
            list(map(int, known["N17"]["sortie"])),
        ),
        case(
            "N18",
            "",
            "Fashion-MNIST, architecture imposée (S1)",
            known["N18"]["paramètres"],
            "S1 impose l'ordre des couches ; leurs tailles sont un choix du cours.",
        ),
        case(
            "N22",
            "seize filtres",
            "Seize filtres 3×3 sur trois canaux (S4)",
            known["N22"]["paramètres de seize filtres"],
            "S4 : Nf × (Nw × Nh × Nc + 1).",
        ),
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
