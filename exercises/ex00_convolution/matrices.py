"""La convolution comme un produit de matrices, et le gradient de son noyau.

D'après : S4, ses deux dernières remarques (produit matriciel, rétropropagation).
Commande : python -m exercises.ex00_convolution --example N23
Nombres attendus : exercises/ex00_convolution/examples.json.
"""

import numpy as np

from exercises.ex00_convolution.geometry import as_numbers, output_shape, windows

# --- Question 1 : une ligne par fenêtre (im2col) -------------------------------------


def im2col(image, kernel_shape, *, stride=1, padding=0, dilation=1) -> np.ndarray:
    """Range chaque fenêtre de l'image dans une ligne : la convolution devient `@`.

    Args:
        image: `(h, w)` ou `(h, w, canaux)`, nombres quelconques.
        kernel_shape: `(kh, kw)`.
        stride: pas, un entier ou un par axe.
        padding: `"valid"`, `"same"`, un entier, ou un couple, un par axe.
        dilation: écart entre deux cases du noyau, un entier ou un par axe.

    Returns:
        `(h' · w', kh · kw · canaux)`, int64, float64 ou fractions ; multipliée par le
        noyau `reshape(-1)` ou `reshape(-1, filtres)`, elle donne la sortie ligne à ligne.

    Raises:
        ValueError: tailles impossibles.

    Source : S4 ; Chellapilla, Puri et Simard, « High Performance Convolutional Neural
    Networks for Document Processing », 2006.
    """
    image = as_numbers(image)
    patches = windows(image, kernel_shape, stride=stride, padding=padding, dilation=dilation)
    return np.stack([patch.reshape(-1) for _, patch in patches])


# --- Question 2 : une colonne par pixel (Toeplitz) -----------------------------------


def toeplitz_matrix(kernel, image_shape, *, stride=1, padding=0, dilation=1) -> np.ndarray:
    """Écrit la convolution comme une seule matrice, creuse, qui agit sur l'image dépliée.

    Une ligne par case de la sortie, une colonne par pixel : le noyau s'y répète, décalé.
    C'est une couche dense dont la plupart des poids sont nuls et les autres partagés.

    Args:
        kernel: `(kh, kw)`, nombres quelconques.
        image_shape: `(h, w)`.
        stride: pas, un entier ou un par axe.
        padding: `"valid"`, `"same"`, un entier, ou un couple, un par axe.
        dilation: écart entre deux cases du noyau, un entier ou un par axe.

    Returns:
        `(h' · w', h · w)`, int64, float64 ou fractions.

    Raises:
        ValueError: tailles impossibles.

    Source : S4.
    """
    kernel = as_numbers(kernel)
    num_pixels = image_shape[0] * image_shape[1]
    # Chaque pixel porte son numéro, à partir de 1 : 0 reste au padding.
    numbers = np.arange(1, num_pixels + 1).reshape(image_shape)
    reached = im2col(numbers, kernel.shape, stride=stride, padding=padding, dilation=dilation)
    matrix = np.zeros((len(reached), 1 + num_pixels), dtype=kernel.dtype)
    for row, pixels in zip(matrix, reached, strict=True):
        row[pixels] = kernel.reshape(-1)
    return matrix[:, 1:]  # sans la colonne du padding


# --- Question 3 : le gradient par rapport au noyau -----------------------------------


def kernel_gradient(
    image, output_gradient, kernel_shape, *, stride=1, padding=0, dilation=1
) -> np.ndarray:
    """Dérive une perte par rapport aux poids : ∂L/∂K = Σ ∂L/∂O(i, j) · fenêtre(i, j).

    Un poids sert à toutes les positions ; son gradient est donc la somme de ce que
    chacune demande. C'est ce qui permet d'apprendre les filtres.

    Args:
        image: `(h, w)` ou `(h, w, canaux)`, nombres quelconques.
        output_gradient: ∂L/∂O, `(h', w')` ou `(h', w', filtres)`.
        kernel_shape: `(kh, kw)`.
        stride: pas de la convolution, un entier ou un par axe.
        padding: padding de la convolution.
        dilation: dilatation de la convolution.

    Returns:
        ∂L/∂K, `(kh, kw)` ou `(kh, kw, canaux, filtres)`.

    Raises:
        ValueError: `output_gradient` n'a pas la forme de la sortie.

    Source : la question que S4 laisse ouverte ; LeCun et al., Proc. IEEE 86(11), 1998.
    """
    image, output_gradient = as_numbers(image), as_numbers(output_gradient)
    options = {"stride": stride, "padding": padding, "dilation": dilation}
    expected = output_shape(image, kernel_shape, **options)
    if output_gradient.shape[:2] != expected or output_gradient.ndim != image.ndim:
        raise ValueError(
            f"gradient de forme {output_gradient.shape} : la sortie est de forme {expected}, "
            "suivie du nombre de filtres si l'image a des canaux."
        )
    gradient = 0
    for position, patch in windows(image, kernel_shape, **options):
        if image.ndim == 3:
            patch = patch[..., np.newaxis]  # (kh, kw, canaux, 1)
        gradient = gradient + patch * output_gradient[position]
    return gradient
