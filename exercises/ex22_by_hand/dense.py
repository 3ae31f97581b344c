"""Les couches sans fenêtre, à la main : ReLU, mise à plat, couche dense.

D'après : S4 « backpropagation pour CNN ? ».
Commande : python -m exercises.ex22_by_hand
"""

import numpy as np

# --- Question : ReLU laisse passer le gradient, ou l'arrête --------------------------


class Relu:
    """Remplace les négatifs par 0.

        aller :  y = max(x, 0)
        retour : dx = dy là où x > 0, et 0 ailleurs

    Source : Nair et Hinton, ICML 2010.
    """

    weights, gradients = (), ()

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Rend y, de la forme de x."""
        self.positive = x > 0
        return x * self.positive

    def backward(self, dy: np.ndarray) -> np.ndarray:
        """Rend dx, de la même forme."""
        return dy * self.positive


# --- Question : la couche dense, et ses trois gradients ------------------------------


class Flatten:
    """Met chaque image à plat : `(n, h, w, c)` → `(n, h·w·c)`, et l'inverse au retour."""

    weights, gradients = (), ()

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Rend y `(n, h·w·c)`."""
        self.shape = x.shape
        return x.reshape(len(x), -1)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        """Rend dx `(n, h, w, c)`."""
        return dy.reshape(self.shape)


class Dense:
    """Une couche dense : chaque sortie pèse toutes les entrées.

        aller :  y = x·W + b
        retour : dW = xᵀ·dy, db = Σ dy sur les images, dx = dy·Wᵀ

    Args:
        matrix: W, `(d, m)`.
        bias: b, `(m,)`.

    Attributes:
        weights: `[matrix, bias]`, que la descente change.
        gradients: `[dW, db]`, dans le même ordre ; `backward` remplace les précédents.
            Vide avant le premier retour.

    Source : Rumelhart, Hinton et Williams, Nature 323, 1986.
    """

    def __init__(self, matrix: np.ndarray, bias: np.ndarray):
        self.weights, self.gradients = [matrix, bias], []

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Rend y `(n, m)` pour x `(n, d)`."""
        matrix, bias = self.weights
        self.x = x
        return x @ matrix + bias

    def backward(self, dy: np.ndarray) -> np.ndarray:
        """Note dW et db pour dy `(n, m)` ; rend dx `(n, d)`."""
        matrix, _ = self.weights
        self.gradients = [self.x.T @ dy, dy.sum(axis=0)]
        return dy @ matrix.T
