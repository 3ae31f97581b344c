"""Le pooling à la main : le maximum ou la moyenne de chaque fenêtre, à l'aller et au retour.

D'après : S4 « backpropagation pour CNN ? ».
Commande : python -m exercises.ex22_by_hand
"""

import numpy as np

from exercises.ex22_by_hand.convolution import add_windows, windows

# --- Question : seul le plus grand reçoit le gradient --------------------------------


class MaxPooling:
    """Garde le plus grand de chaque fenêtre, canal par canal.

        aller :  y[n, i, j, c] = max x[n, s·i + u, s·j + v, c]
        retour : dy[n, i, j, c] va tout entier à la case qui était la plus grande

    À égalité, c'est la première, ligne par ligne.

    Args:
        size: côté de la fenêtre, en pixels.
        stride: pas ; None : `size`, des fenêtres qui ne se recouvrent pas.

    Source : Scherer, Müller et Behnke, ICANN 2010.
    """

    weights, gradients = (), ()

    def __init__(self, size: int, *, stride: int | None = None):
        self.size, self.stride = size, stride or size

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Rend y `(n, h', w', c)` pour x `(n, h, w, c)`."""
        patches = windows(x, (self.size, self.size), self.stride)  # (n, h', w', k, k, c)
        self.shape, self.patches_shape = x.shape, patches.shape
        patches = patches.reshape(*patches.shape[:3], -1, x.shape[3])  # (n, h', w', k·k, c)
        self.largest = patches.argmax(axis=3, keepdims=True)  # (n, h', w', 1, c)
        return np.take_along_axis(patches, self.largest, axis=3)[:, :, :, 0]

    def backward(self, dy: np.ndarray) -> np.ndarray:
        """Rend dx `(n, h, w, c)` pour dy `(n, h', w', c)`."""
        cells = np.arange(self.size**2)[:, np.newaxis]  # (k·k, 1)
        patches = (self.largest == cells) * dy[:, :, :, np.newaxis]  # (n, h', w', k·k, c)
        return add_windows(patches.reshape(self.patches_shape), self.shape, self.stride)


# --- Question : tous reçoivent la même part du gradient ------------------------------


class AveragePooling:
    """Rend la moyenne de chaque fenêtre, canal par canal.

        aller :  y[n, i, j, c] = Σ x[n, s·i + u, s·j + v, c] / k²
        retour : chaque case de la fenêtre reçoit dy[n, i, j, c] / k²

    Args:
        size: côté k de la fenêtre, en pixels.
        stride: pas ; None : `size`, des fenêtres qui ne se recouvrent pas.

    Source : LeCun et al., Proc. IEEE 86(11), 1998, le sous-échantillonnage sans ses coefficients.
    """

    weights, gradients = (), ()

    def __init__(self, size: int, *, stride: int | None = None):
        self.size, self.stride = size, stride or size

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Rend y `(n, h', w', c)` pour x `(n, h, w, c)`."""
        patches = windows(x, (self.size, self.size), self.stride)  # (n, h', w', k, k, c)
        self.shape, self.patches_shape = x.shape, patches.shape
        return patches.mean(axis=(3, 4))

    def backward(self, dy: np.ndarray) -> np.ndarray:
        """Rend dx `(n, h, w, c)` pour dy `(n, h', w', c)`."""
        share = dy[:, :, :, np.newaxis, np.newaxis] / self.size**2  # (n, h', w', 1, 1, c)
        return add_windows(np.broadcast_to(share, self.patches_shape), self.shape, self.stride)
