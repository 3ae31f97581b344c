"""Pooling et ReLU : résumer une carte, et n'en garder que le positif.

D'après : S0 « Pooling » et « Couche RELU », S1 « Pooling », S2 §1, S3 « Couche de Pooling ».
Commande : python -m exercises.ex00_convolution --example N8
Nombres attendus : exercises/ex00_convolution/examples.json.
"""

import numpy as np

from exercises.ex00_convolution.geometry import as_numbers, output_shape, per_axis, windows

REDUCTIONS = {"max": np.max, "average": np.mean, "sum": np.sum}


# --- Question 1 : ne garder qu'un nombre par fenêtre ---------------------------------


def pool2d(image, window=2, *, stride=None, padding=0, mode="max") -> np.ndarray:
    """Résume chaque fenêtre d'une carte par un nombre.

    Une case de padding n'entre jamais dans le résumé : ni dans le maximum, ni au
    dénominateur de la moyenne. C'est la convention de TensorFlow et de Keras.

    Args:
        image: `(h, w)` ou `(h, w, canaux)`, nombres quelconques ; chaque canal est
            résumé à part.
        window: côté de la fenêtre, ou `(hauteur, largeur)`.
        stride: pas, un entier ou un par axe ; par défaut celui de la fenêtre, qui se
            pose alors sans recouvrement.
        padding: `"valid"`, `"same"`, un entier, ou un couple, un par axe.
        mode: `"max"`, `"average"` ou `"sum"`.

    Returns:
        `(h', w')` ou `(h', w', canaux)` ; int64 et fractions se gardent, mais la
        moyenne d'entiers est en float64.

    Raises:
        ValueError: mode inconnu, tailles impossibles.

    Source : S3, « Couche de Pooling » ; S0 pour le maximum, fenêtre 2, pas 2.
    """
    if mode not in REDUCTIONS:
        raise ValueError(f"pooling {mode!r} inconnu : au choix {', '.join(REDUCTIONS)}.")
    image = as_numbers(image)
    window = per_axis(window)
    options = {"stride": window if stride is None else stride, "padding": padding}
    shape = output_shape(image, window, **options) + image.shape[2:]
    mean_of_ints = mode == "average" and image.dtype.kind == "i"
    output = np.empty(shape, dtype=np.float64 if mean_of_ints else image.dtype)
    inside = np.ones(image.shape[:2], dtype=bool)
    patches = windows(image, window, **options)
    masks = windows(inside, window, **options)  # faux sur les cases de padding
    for (position, patch), (_, mask) in zip(patches, masks, strict=True):
        output[position] = REDUCTIONS[mode](patch[mask], axis=0)  # (cases,) ou (cases, canaux)
    return output


# --- Question 2 : mettre les valeurs négatives à zéro --------------------------------


def relu(values) -> np.ndarray:
    """Remplace les valeurs négatives par 0 ; les positives ne sont ni changées ni bornées.

    Args:
        values: nombres, de forme quelconque.

    Returns:
        La même forme, int64, float64 ou fractions, dans [0, +∞[.

    Source : S0, « Couche RELU ».
    """
    return np.maximum(as_numbers(values), 0)
