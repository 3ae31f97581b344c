"""La convolution à la main : pas et zéros au bord, à l'aller comme au retour.

D'après : S4 « backpropagation pour CNN ? » ; S0, les filtres appris par rétropropagation.
Commande : python -m exercises.ex22_by_hand

Tout tient en deux fonctions : `windows` lit chaque fenêtre de l'image ; `add_windows`, son
contraire, additionne dans chaque pixel les gradients de toutes les fenêtres qui l'ont lu. Le
pooling emploie les mêmes.
"""

import numpy as np

# --- Question : lire chaque fenêtre, et rendre à chaque pixel ce qui lui revient -----


def windows(x: np.ndarray, shape: tuple[int, int], stride: int) -> np.ndarray:
    """Lit chaque fenêtre d'une image, sans rien recopier.

    Args:
        x: `(n, h, w, c)`.
        shape: `(kh, kw)`, hauteur et largeur d'une fenêtre.
        stride: pas, en pixels ; ce qui dépasse de la dernière fenêtre entière n'est pas lu.

    Returns:
        Vue `(n, h', w', kh, kw, c)`, avec `h' = ⌊(h - kh) / stride⌋ + 1`, et de même `w'`.

    Raises:
        ValueError: la fenêtre est plus grande que l'image.
    """
    if shape[0] > x.shape[1] or shape[1] > x.shape[2]:
        raise ValueError(
            f"Une fenêtre {shape[0]}×{shape[1]} n'entre pas dans une image {x.shape[1]}×"
            f"{x.shape[2]} : prenez-la plus petite, ou ajoutez du padding."
        )
    found = np.lib.stride_tricks.sliding_window_view(x, shape, axis=(1, 2))
    return found[:, ::stride, ::stride].transpose(0, 1, 2, 4, 5, 3)


def add_windows(patches: np.ndarray, shape: tuple, stride: int) -> np.ndarray:
    """Additionne des fenêtres à leur place : le retour de `windows`.

    Un pixel lu par quatre fenêtres reçoit quatre gradients : leur somme est le sien.

    Args:
        patches: `(n, h', w', kh, kw, c)`.
        shape: `(n, h, w, c)`, celle de l'image.
        stride: pas, en pixels.

    Returns:
        `(n, h, w, c)` ; 0 là où aucune fenêtre n'a lu.
    """
    x = np.zeros(shape, patches.dtype)
    _, height, width, *kernel_shape, _ = patches.shape
    for u, v in np.ndindex(*kernel_shape):
        rows = slice(u, u + stride * height, stride)
        columns = slice(v, v + stride * width, stride)
        x[:, rows, columns] += patches[:, :, :, u, v]
    return x


# --- Question : la convolution, et ses trois gradients -------------------------------


class Convolution:
    """Une couche de convolution, qui se souvient de ce qu'elle vient de lire.

    À l'aller, s étant le pas et p le padding :

        y[n, i, j, f] = b[f] + Σ x[n, s·i + u - p, s·j + v - p, c] · k[u, v, c, f]

    Au retour, dy étant le gradient de la perte par rapport à y :

        db[f]          = Σ dy[n, i, j, f]
        dk[u, v, c, f] = Σ x[n, s·i + u - p, s·j + v - p, c] · dy[n, i, j, f]
        dx[n, a, b, c] = Σ k[u, v, c, f] · dy[n, i, j, f], où s·i + u - p = a, s·j + v - p = b

    Chaque fenêtre est rangée dans une ligne : l'aller et les deux derniers gradients deviennent
    des produits de matrices.

    Args:
        kernel: `(kh, kw, c, f)` ; le noyau n'est pas retourné, comme dans Keras et PyTorch.
        bias: `(f,)`.
        stride: pas, en pixels.
        padding: zéros ajoutés de chaque côté, en pixels.

    Attributes:
        weights: `[kernel, bias]`, que la descente change.
        gradients: `[dk, db]`, dans le même ordre ; `backward` remplace les précédents.
            Vide avant le premier retour.

    Source : Chellapilla, Puri et Simard, « High Performance Convolutional Neural Networks for
    Document Processing », 2006 (une ligne par fenêtre) ; Dumoulin et Visin, arXiv 1603.07285,
    chapitre 4 (le gradient de l'entrée).
    """

    def __init__(self, kernel: np.ndarray, bias: np.ndarray, *, stride: int = 1, padding: int = 0):
        self.weights, self.gradients = [kernel, bias], []
        self.stride, self.padding = stride, padding

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Rend y `(n, h', w', f)` pour x `(n, h, w, c)`."""
        kernel, bias = self.weights
        p = self.padding
        x = np.pad(x, ((0, 0), (p, p), (p, p), (0, 0)))
        patches = windows(x, kernel.shape[:2], self.stride)  # (n, h', w', kh, kw, c)
        self.padded_shape, self.patches_shape = x.shape, patches.shape
        self.rows = patches.reshape(-1, kernel[..., 0].size)  # (n·h'·w', kh·kw·c)
        y = self.rows @ kernel.reshape(len(self.rows[0]), -1) + bias
        return y.reshape(*patches.shape[:3], -1)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        """Note dk et db pour dy `(n, h', w', f)` ; rend dx `(n, h, w, c)`."""
        kernel, _ = self.weights
        dy = dy.reshape(len(self.rows), -1)  # (n·h'·w', f)
        dk = self.rows.T @ dy
        self.gradients = [dk.reshape(kernel.shape), dy.sum(axis=0)]
        patches = dy @ kernel.reshape(len(dk), -1).T
        dx = add_windows(patches.reshape(self.patches_shape), self.padded_shape, self.stride)
        _, height, width, _ = dx.shape
        p = self.padding
        return dx[:, p : height - p, p : width - p]
