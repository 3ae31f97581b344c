"""X ou O ? Toute la chaîne des diapositives : filtres, cartes, ReLU, pooling, vecteur, votes.

D'après : S0, de « Distinguer les X et les O » au dépliement final.
Commande : python -m exercises.ex00_convolution --example N9
Nombres attendus : exercises/ex00_convolution/examples.json.

Tout est calculé en fractions exactes ; `truncate` retrouve l'écriture des diapositives. La même
chaîne en Keras, dont les filtres sont appris, est dans `learned_filters`.
"""

from fractions import Fraction
from typing import NamedTuple

import numpy as np

from exercises.ex00_convolution.operations import conv2d
from exercises.ex00_convolution.pooling import pool2d, relu

X = """
.........
.#.....#.
..#...#..
...#.#...
....#....
...#.#...
..#...#..
.#.....#.
.........
"""
DEFORMED_X = """
.........
......#..
.#...#...
..##.#...
....#....
...#.##..
...#...#.
..#......
.........
"""
# Le O des diapositives est perdu : celui-ci est dessiné pour ce cours.
O = """
.........
...###...
..#...#..
.#.....#.
.#.....#.
.#.....#.
..#...#..
...###...
.........
"""  # noqa: E741
FILTERS = ("#.. .#. ..#", "#.# .#. #.#", "..# .#. #..")  # descente, centre, montée


def read_picture(rows: str) -> np.ndarray:  # (donnée)
    """Lit une image dessinée au clavier.

    Args:
        rows: lignes de même longueur, `#` pour 1 et `.` pour -1.

    Returns:
        int64 `(h, w)`, chaque pixel 1 ou -1, comme sur les diapositives.
    """
    return np.array([[1 if mark == "#" else -1 for mark in row] for row in rows.split()])


# --- Question 1 : une carte par filtre -----------------------------------------------


def feature_map(picture: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Dit où l'image ressemble au filtre : 1 là où tout concorde, -1 là où tout s'oppose.

    Args:
        picture: int64 `(9, 9)`, pixels ±1.
        kernel: int64 `(3, 3)`, ±1.

    Returns:
        `Fraction` `(7, 7)` dans [-1, 1] : la moyenne des produits, somme / 9.

    Source : S0, « Opération de Convolution ».
    """
    return conv2d(picture, kernel) * Fraction(1, kernel.size)


def truncate(value: Fraction, digits: int = 2) -> Fraction:
    """Coupe un nombre vers zéro, comme le font les diapositives (7/9 s'y écrit .77).

    Args:
        value: nombre exact.
        digits: décimales gardées.

    Returns:
        Le nombre coupé, exact lui aussi.

    Source : S0 ; arrondir donnerait .78.
    """
    return Fraction(int(value * 10**digits), 10**digits)


# --- Question 2 : la chaîne ----------------------------------------------------------


class Chain(NamedTuple):
    """Ce que devient une image, étage après étage ; des `Fraction` partout."""

    maps: np.ndarray  # (3, 7, 7) dans [-1, 1]
    rectified: np.ndarray  # (3, 7, 7) dans [0, 1]
    pooled: np.ndarray  # (3, 4, 4)
    second: np.ndarray  # (3, 2, 2)
    vector: np.ndarray  # (12,)


def chain(picture: np.ndarray) -> Chain:
    """Déroule les étages : convolution, ReLU, pooling, ReLU, pooling, dépliement.

    Args:
        picture: int64 `(9, 9)`, pixels ±1.

    Returns:
        Les cinq étages ; le vecteur lit les trois cartes l'une après l'autre.

    Source : S0, « Combinaison des couches ».
    """
    maps = np.stack([feature_map(picture, read_picture(rows)) for rows in FILTERS])
    rectified = relu(maps)
    # 7 est impair : « same » garde la dernière ligne, d'où 4×4 et non 3×3.
    pooled = np.stack([pool2d(each, 2, padding="same") for each in rectified])
    second = np.stack([pool2d(relu(each), 2, padding="same") for each in pooled])
    return Chain(maps, rectified, pooled, second, second.reshape(-1))


# --- Question 3 : le vote ------------------------------------------------------------


def vote_weights() -> np.ndarray:
    """Choisit qui vote : pour chaque classe, les valeurs plus fortes chez elle que chez l'autre.

    Returns:
        `Fraction` `(12, 2)`, colonnes X puis O ; les voix d'une classe pèsent autant et
        font 1 en tout, si bien qu'un vote est une moyenne.

    Source : notre choix ; les poids de S0 sont perdus avec ses images.
    """
    x, o = (chain(read_picture(rows)).vector for rows in (X, O))
    voters = np.stack([x > o, o > x], axis=1)  # (12, 2)
    return voters * np.array([Fraction(1, int(n)) for n in voters.sum(axis=0)])


def votes(picture: np.ndarray) -> np.ndarray:
    """Fait voter les 12 valeurs.

    Args:
        picture: int64 `(9, 9)`, pixels ±1.

    Returns:
        `Fraction` `(2,)` dans [0, 1] : pour X, pour O. La plus grande l'emporte.

    Source : S0, « Dépliement et couche dense ».
    """
    return chain(picture).vector @ vote_weights()
