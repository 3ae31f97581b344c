"""Vérifier un gradient : contre des différences finies.

D'après : S4 « backpropagation pour CNN ? ».
Commande : python -m exercises.ex22_by_hand --check

Un réseau apprend parfois malgré une formule fausse : on ne se fie à une formule qu'après l'avoir
comparée. Tout se fait ici en float64, sur des tailles impaires, où un décalage d'un pixel se voit.
`loops` compare ensuite le réseau entier à ceux de Keras et de PyTorch.
"""

from typing import NamedTuple

import numpy as np

from convnets.figures.charts import table
from exercises.ex22_by_hand.convolution import Convolution
from exercises.ex22_by_hand.dense import Dense, Flatten, Relu
from exercises.ex22_by_hand.loss import cross_entropy
from exercises.ex22_by_hand.network import backward, forward
from exercises.ex22_by_hand.pooling import AveragePooling, MaxPooling

STEP = 1e-5  # écart des différences finies : plus petit, l'arrondi l'emporte


class Case(NamedTuple):
    """Un essai : des couches, ce que lit la première, et la perte qui suit la dernière."""

    layers: list
    x: np.ndarray
    labels: np.ndarray | None = None  # classes de l'entropie croisée ; None : voir `loss_of`


# --- Question : le gradient que donnent nos formules ---------------------------------


def loss_of(case: Case) -> tuple[float, np.ndarray]:
    """Rend la perte, et son gradient par rapport à la sortie des couches.

    Sans classes, la perte est la somme des sorties, chacune avec son poids : `Σ dy·y`.
    """
    y = forward(case.layers, case.x)
    if case.labels is not None:
        return cross_entropy(y, case.labels)
    dy = np.cos(np.arange(y.size)).reshape(y.shape)  # quelconque, mais jamais deux fois le même
    return float(np.sum(dy * y)), dy


def arrays_of(case: Case) -> list[np.ndarray]:
    """Rend les tableaux dont la perte dépend : l'entrée, puis les poids."""
    return [case.x, *(weight for layer in case.layers for weight in layer.weights)]


def our_gradients(case: Case) -> list[np.ndarray]:
    """Rend le gradient de la perte par rapport à chaque tableau d'`arrays_of`."""
    _, dy = loss_of(case)
    dx = backward(case.layers, dy)
    return [dx, *(gradient for layer in case.layers for gradient in layer.gradients)]


# --- Question : le même par différences finies ---------------------------------------


def finite_differences(case: Case) -> list[np.ndarray]:
    """Change chaque nombre un peu, dans un sens puis dans l'autre, et regarde la perte.

        dL/dw ≈ (L(w + ε) - L(w - ε)) / 2ε

    Deux allers par nombre : bon pour vérifier, bien trop lent pour apprendre.

    Returns:
        Un tableau par tableau d'`arrays_of`, de même forme.
    """
    found = []
    for array in arrays_of(case):
        gradient = np.empty_like(array)
        for place in np.ndindex(array.shape):
            value, losses = array[place], []
            for moved in (value + STEP, value - STEP):
                array[place] = moved
                losses.append(loss_of(case)[0])
            array[place] = value
            gradient[place] = (losses[0] - losses[1]) / (2 * STEP)
        found.append(gradient)
    return found


# --- Question : à quel point sont-ils d'accord ? -------------------------------------


def worst_error(case: Case) -> float:
    """Rend le pire écart relatif entre nos gradients et les différences finies.

    Returns:
        L'écart maximal d'un tableau, divisé par son plus grand gradient ; le pire des tableaux.
    """
    pairs = zip(our_gradients(case), finite_differences(case), strict=True)
    return float(max(np.abs(ours - theirs).max() / np.abs(theirs).max() for ours, theirs in pairs))


def spread_values(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Tire des nombres tous différents, jamais proches de 0, où ReLU et le maximum se dérivent.

    Returns:
        float64, dans ]-1, 1[ ; deux d'entre eux diffèrent d'au moins 1 / nombre.
    """
    num = int(np.prod(shape))
    return ((2 * rng.permutation(num) + 1 - num) / num + 0.5 / num).reshape(shape)


def make_cases() -> dict[str, Case]:
    """Prépare chaque couche seule, la perte seule, puis une chaîne de toutes."""
    rng = np.random.default_rng(0)

    def draw(*shape: int) -> np.ndarray:
        return spread_values(rng, *shape)

    chain = [
        Convolution(draw(3, 3, 1, 3), draw(3), stride=2, padding=2),  # 13 × 11 → 8 × 7
        Relu(),
        MaxPooling(2, stride=1),  # 7 × 6
        Convolution(draw(3, 2, 3, 4), draw(4), padding=1),  # 7 × 7
        Relu(),
        AveragePooling(3, stride=2),  # 3 × 3
        Flatten(),
        Dense(draw(36, 5), draw(5)),
    ]
    return {
        "convolution 3×2, pas 1": Case([Convolution(draw(3, 2, 3, 4), draw(4))], draw(2, 7, 5, 3)),
        "convolution 3×3, pas 2, padding 1": Case(
            [Convolution(draw(3, 3, 2, 3), draw(3), stride=2, padding=1)], draw(2, 7, 9, 2)
        ),
        "convolution 2×5, pas 3, padding 2": Case(
            [Convolution(draw(2, 5, 2, 3), draw(3), stride=3, padding=2)], draw(2, 9, 7, 2)
        ),
        "ReLU": Case([Relu()], draw(3, 5, 7, 2)),
        "maximum 2×2, pas 2": Case([MaxPooling(2)], draw(2, 7, 5, 3)),
        "maximum 3×3, pas 2": Case([MaxPooling(3, stride=2)], draw(2, 7, 9, 3)),
        "moyenne 2×2, pas 2": Case([AveragePooling(2)], draw(2, 7, 5, 3)),
        "moyenne 3×3, pas 2": Case([AveragePooling(3, stride=2)], draw(2, 7, 9, 3)),
        "couche dense": Case([Dense(draw(7, 5), draw(5))], draw(3, 7)),
        "softmax et entropie croisée": Case([], 5 * draw(5, 7), rng.integers(7, size=5)),
        "toutes, à la chaîne": Case(chain, draw(2, 13, 11, 1), np.array([1, 4])),
    }


def errors_table() -> str:
    """Met en tableau le pire écart de chaque cas de `make_cases`."""
    rows = [[name, f"{worst_error(case):.1g}"] for name, case in make_cases().items()]
    return table(["gradients", "pire écart relatif aux différences finies"], rows)
