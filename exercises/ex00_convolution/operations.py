"""Les deux opérations de l'exercice : la convolution d'un signal, et celle d'une image.

D'après : S2 §1 et §1.1, S0, S3 « Convolution 2D », S4.
Commande : python -m exercises.ex00_convolution --example N1
Nombres attendus : exercises/ex00_convolution/examples.json.
"""

import numpy as np

from exercises.ex00_convolution.geometry import as_numbers, output_shape, output_size, pads, windows

# Les exemples des diapositives, réutilisés par les figures et les vérifications.
SIGNAL, SIGNAL_KERNEL = [1, 0, 2, 4, 3], [3, 2]  # S2 §1
IMAGE = [[1, 1, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 1, 1], [0, 0, 1, 1, 0], [0, 1, 1, 0, 0]]  # S3
KERNEL = [[1, 0, 1], [0, 1, 0], [1, 0, 1]]  # S3
EDGE_KERNEL = [[-1, -1, -1], [0, 0, 0], [1, 1, 1]]  # S4, celui de Prewitt


# --- Question 1 : la convolution d'un signal -----------------------------------------


def conv1d(signal, kernel, *, stride=1, padding=0, dilation=1, flip=False) -> np.ndarray:
    """Glisse un noyau sur un signal : O(t) = Σ I(t + a) K(a).

    Args:
        signal: I, `(n,)`, nombres quelconques.
        kernel: K, `(k,)`.
        stride: pas entre deux positions.
        padding: `"valid"`, `"same"`, un entier ou `(avant, après)` ; ajoute des zéros.
        dilation: écart entre deux cases du noyau.
        flip: retourne le noyau, ce qui donne la convolution des mathématiciens ;
            sans lui, c'est la corrélation croisée, celle des réseaux.

    Returns:
        O, `(output_size(n, k, …),)`, int64, float64 ou fractions selon les entrées.

    Raises:
        ValueError: signal ou noyau à deux dimensions, ou tailles impossibles.

    Source : S2 §1.
    """
    signal, kernel = as_numbers(signal), as_numbers(kernel)
    if (signal.ndim, kernel.ndim) != (1, 1):
        raise ValueError(
            f"signal de forme {signal.shape} et noyau de forme {kernel.shape} : il faut (n,) et "
            "(k,) ; pour une image, prenez `conv2d`."
        )
    kernel = kernel[::-1] if flip else kernel
    options = {"stride": stride, "padding": padding, "dilation": dilation}
    num_positions = output_size(len(signal), len(kernel), **options)
    signal = np.pad(signal, pads(len(signal), len(kernel), **options))
    output = np.zeros(num_positions, dtype=np.result_type(signal, kernel))
    for t in range(num_positions):
        for a in range(len(kernel)):
            output[t] += signal[t * stride + a * dilation] * kernel[a]
    return output


# --- Question 2 : la convolution d'une image -----------------------------------------


def conv2d(image, kernel, *, stride=1, padding=0, dilation=1, flip=False) -> np.ndarray:
    """Glisse un noyau sur une image : O(x, y) = Σ I(x + a, y + b) K(a, b).

    Avec plusieurs canaux, on fait une convolution par canal, puis on les additionne :
    un filtre rend une seule carte, quel que soit le nombre de canaux de l'image.

    Args:
        image: I, `(h, w)` ou `(h, w, canaux)`, nombres quelconques.
        kernel: K, `(kh, kw)` ou `(kh, kw, canaux, filtres)`.
        stride: pas, un entier ou `(vertical, horizontal)`.
        padding: `"valid"`, `"same"`, un entier, ou un couple, un par axe.
        dilation: écart entre deux cases du noyau, un entier ou un par axe.
        flip: retourne le noyau d'un demi-tour (vraie convolution).

    Returns:
        O, `(h', w')` ou `(h', w', filtres)`, int64, float64 ou fractions.

    Raises:
        ValueError: canaux de l'image et du noyau différents, ou tailles impossibles.

    Source : S2 §1.1 pour la formule, S4 pour les canaux.
    """
    image, kernel = as_numbers(image), as_numbers(kernel)
    if (image.ndim, kernel.ndim) not in ((2, 2), (3, 4)):
        raise ValueError(
            f"image de forme {image.shape} et noyau de forme {kernel.shape} : il faut (h, w) et "
            "(kh, kw), ou (h, w, canaux) et (kh, kw, canaux, filtres)."
        )
    if image.ndim == 3 and image.shape[2] != kernel.shape[2]:
        raise ValueError(
            f"l'image a {image.shape[2]} canaux et le noyau {kernel.shape[2]} : "
            "la profondeur d'un filtre est toujours celle de son entrée."
        )
    kernel = kernel[::-1, ::-1] if flip else kernel
    options = {"stride": stride, "padding": padding, "dilation": dilation}
    shape = output_shape(image, kernel.shape[:2], **options) + kernel.shape[3:]
    output = np.zeros(shape, dtype=np.result_type(image, kernel))
    for position, patch in windows(image, kernel.shape[:2], **options):
        product = patch[..., np.newaxis] * kernel if image.ndim == 3 else patch * kernel
        output[position] = product.sum(axis=tuple(range(image.ndim)))
    return output
