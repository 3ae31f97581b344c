"""La fenêtre qui glisse : où elle se pose, combien de fois, et ce qu'elle voit.

D'après : S0 « Dimension de sortie », S3 « Input/Output dimensions », S4 (remarque).
Commande : python -m exercises.ex00_convolution --example N12
Nombres attendus : exercises/ex00_convolution/examples.json.
"""

from collections.abc import Iterator, Sequence

import numpy as np

Padding = str | int | tuple[int, int]  # "valid", "same", p des deux côtés, ou (avant, après)


def as_numbers(values) -> np.ndarray:
    """Rend un tableau dont les sommes ne débordent pas.

    Args:
        values: nombres, de forme quelconque ; bool, entiers, flottants ou `Fraction`.

    Returns:
        La même forme en int64, float64 ou `Fraction` (dtype object).
    """
    array = np.asarray(values)
    if array.dtype == object:  # des fractions exactes : on les garde
        return array
    return array.astype(np.int64 if array.dtype.kind in "iub" else np.float64)


def per_axis(value) -> tuple:
    """Rend `(vertical, horizontal)` : un couple reste tel quel, le reste vaut deux fois."""
    return tuple(value) if isinstance(value, tuple | list) else (value, value)


# --- Question 1 : le padding ---------------------------------------------------------


def pads(
    size: int, kernel: int, *, stride: int = 1, padding: Padding = 0, dilation: int = 1
) -> tuple[int, int]:
    """Traduit un padding en nombre de cases ajoutées, `(avant, après)`.

    Args:
        size: nombre de cases de l'entrée, sur un axe.
        kernel: nombre de cases du noyau, sur cet axe.
        stride: pas entre deux positions de la fenêtre.
        padding: `"valid"` (aucun), `"same"` (⌈size / stride⌉ cases en sortie),
            un entier, ou `(avant, après)`.
        dilation: écart entre deux cases du noyau ; 1 pour un noyau serré.

    Returns:
        Deux entiers positifs ou nuls.

    Raises:
        ValueError: une taille inférieure à 1, un padding négatif ou inconnu.

    Source : documentation de `tf.nn`, « Notes on padding », pour le partage de `"same"`.
    """
    if min(size, kernel, stride, dilation) < 1:
        raise ValueError(
            f"entrée {size}, noyau {kernel}, pas {stride}, dilatation {dilation} : "
            "chacun doit valoir au moins 1."
        )
    if padding == "valid":
        return 0, 0
    if padding == "same":
        num_positions = -(-size // stride)  # ⌈size / stride⌉
        total = max(0, (num_positions - 1) * stride + dilation * (kernel - 1) + 1 - size)
        return total // 2, total - total // 2  # la case impaire va après
    if isinstance(padding, str):
        raise ValueError(f"padding {padding!r} inconnu : valid, same ou un nombre de cases.")
    before, after = per_axis(padding)
    if min(before, after) < 0:
        raise ValueError(f"le padding vaut {padding} : il ne peut pas être négatif.")
    return before, after


# --- Question 2 : la taille de la sortie ---------------------------------------------


def output_size(
    size: int, kernel: int, *, stride: int = 1, padding: Padding = 0, dilation: int = 1
) -> int:
    """Compte les positions de la fenêtre : ⌊(W + 2P − D(K − 1) − 1) / S⌋ + 1.

    Args:
        size: W, nombre de cases de l'entrée.
        kernel: K, nombre de cases du noyau.
        stride: S, pas.
        padding: P, voir `pads`.
        dilation: D, écart entre deux cases du noyau.

    Returns:
        Le nombre de cases de la sortie, au moins 1.

    Raises:
        ValueError: arguments refusés par `pads`, ou fenêtre plus large que l'entrée.

    Example:
        >>> output_size(32, 5)
        28

    Source : S3, « Input/Output dimensions », plus la partie entière et la dilatation.
    """
    before, after = pads(size, kernel, stride=stride, padding=padding, dilation=dilation)
    span, room = dilation * (kernel - 1) + 1, size + before + after
    if room < span:
        raise ValueError(
            f"la fenêtre couvre {span} cases et l'entrée n'en a que {room}, padding compris : "
            "réduisez le noyau ou la dilatation, ou ajoutez du padding."
        )
    return (room - span) // stride + 1


def receptive_field(layers: Sequence[tuple[int, int]]) -> list[int]:
    """Dit combien de pixels de l'image voit un neurone, couche après couche.

    Args:
        layers: `(noyau, pas)` de chaque convolution ou pooling, dans l'ordre.

    Returns:
        Le côté du champ récepteur après chaque couche, en pixels.

    Example:
        >>> receptive_field([(5, 1), (2, 2), (5, 1), (2, 2)])  # LeNet-5
        [5, 6, 14, 16]

    Source : S3, « Agrégation progressive des échelles ».
    """
    fields, field, jump = [], 1, 1  # jump : pixels d'image entre deux neurones voisins
    for kernel, stride in layers:
        field += (kernel - 1) * jump
        jump *= stride
        fields.append(field)
    return fields


# --- Question 3 : le parcours --------------------------------------------------------


def _axes(image, kernel_shape, stride, padding, dilation) -> Iterator[tuple[int, int, dict]]:
    if image.ndim not in (2, 3):
        raise ValueError(f"image de forme {image.shape} : il faut (h, w) ou (h, w, canaux).")
    options = zip(per_axis(stride), per_axis(padding), per_axis(dilation), strict=True)
    for size, kernel, option in zip(image.shape[:2], kernel_shape, options, strict=True):
        yield size, kernel, dict(zip(("stride", "padding", "dilation"), option, strict=True))


def output_shape(
    image: np.ndarray, kernel_shape: tuple[int, int], *, stride=1, padding=0, dilation=1
) -> tuple[int, int]:
    """Rend `(hauteur, largeur)` de la sortie ; mêmes arguments et erreurs que `windows`."""
    axes = _axes(image, kernel_shape, stride, padding, dilation)
    height, width = (output_size(size, kernel, **options) for size, kernel, options in axes)
    return height, width


def windows(
    image: np.ndarray, kernel_shape: tuple[int, int], *, stride=1, padding=0, dilation=1
) -> Iterator[tuple[tuple[int, int], np.ndarray]]:
    """Pose la fenêtre partout où elle tient, de gauche à droite puis de haut en bas.

    Args:
        image: `(h, w)` ou `(h, w, c)`.
        kernel_shape: hauteur et largeur de la fenêtre.
        stride: pas, un entier ou `(vertical, horizontal)`.
        padding: voir `pads`, ou un par axe ; les cases ajoutées valent 0.
        dilation: écart entre deux cases de la fenêtre, un entier ou un par axe.

    Yields:
        `(i, j), patch` : la case de la sortie, et les cases de l'image sous la fenêtre,
        `(kh, kw)` ou `(kh, kw, c)`.

    Raises:
        ValueError: tailles impossibles, voir `output_size`.
    """
    margins, reached = [], []
    for size, kernel, options in _axes(image, kernel_shape, stride, padding, dilation):
        margins.append(pads(size, kernel, **options))
        starts = range(
            0, output_size(size, kernel, **options) * options["stride"], options["stride"]
        )
        reached.append([start + options["dilation"] * np.arange(kernel) for start in starts])
    padded = np.pad(image, margins + [(0, 0)] * (image.ndim - 2))
    for i, rows in enumerate(reached[0]):
        for j, columns in enumerate(reached[1]):
            yield (i, j), padded[np.ix_(rows, columns)]
