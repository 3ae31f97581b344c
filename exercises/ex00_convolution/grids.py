"""Lire au clavier une image, un noyau, un pas et un padding : grilles tapées, noms du cours.

Commande : python -m exercises.ex00_convolution --image "1 2/3 4" --kernel "1 0/0 1"

Une saisie refusée donne une phrase, et le code de sortie 2.
"""

import argparse
import os
import re
from fractions import Fraction

import numpy as np

from convnets.core.cli import positive_int, printable
from exercises.ex00_convolution import x_or_o
from exercises.ex00_convolution.operations import EDGE_KERNEL, IMAGE, KERNEL

MAX_SIDE = 12  # cases ; au-delà, les nombres ne se lisent plus
NUMBER = re.compile(r"[+-]?\d{1,4}([.,]\d{1,2})?")
IMAGES = {
    "5x5": np.array(IMAGE),
    "X": x_or_o.read_picture(x_or_o.X),
    "O": x_or_o.read_picture(x_or_o.O),
    "X-deforme": x_or_o.read_picture(x_or_o.DEFORMED_X),
}
KERNELS = {
    "3x3": np.array(KERNEL),
    "prewitt": np.array(EDGE_KERNEL),
    **{f"F{k}": x_or_o.read_picture(rows) for k, rows in enumerate(x_or_o.FILTERS, 1)},
}


def read_grid(text: str) -> np.ndarray:
    """Lit une grille de nombres tapée au clavier.

    Args:
        text: lignes séparées par `/`, cases par des espaces ; `0.5` ou `0,5`.

    Returns:
        `(h, w)`, int64 ou `Fraction` s'il y a des décimales.

    Raises:
        argparse.ArgumentTypeError: grille vide, irrégulière, trop grande, ou pas des nombres.
    """
    rows = [row.split() for row in text.split("/")]
    for token in (token for row in rows for token in row):
        if not NUMBER.fullmatch(token):
            raise argparse.ArgumentTypeError(
                f"{token!r} n'est pas un nombre d'au plus 4 chiffres et 2 décimales "
                '(une grille s\'écrit "1 0 2/0 1 3")'
            )
    if not any(rows):
        raise argparse.ArgumentTypeError('la grille est vide (une grille s\'écrit "1 0 2/0 1 3")')
    if len({len(row) for row in rows}) > 1:
        raise argparse.ArgumentTypeError("les lignes de la grille n'ont pas la même longueur")
    if max(len(rows), len(rows[0])) > MAX_SIDE:
        raise argparse.ArgumentTypeError(
            f"la grille fait {len(rows)}×{len(rows[0])} ; au plus {MAX_SIDE}×{MAX_SIDE}"
        )
    values = [[Fraction(token.replace(",", ".")) for token in row] for row in rows]
    whole = all(value.denominator == 1 for row in values for value in row)
    return np.array(values, dtype=np.int64 if whole else object)


def read_image(text: str) -> np.ndarray:
    """Lit une image : un nom du cours, un fichier réduit à 12 pixels et en gris, ou une grille."""
    if text in IMAGES:
        return IMAGES[text]
    if not os.path.isfile(text):
        if os.path.isdir(text):
            raise argparse.ArgumentTypeError(f"{printable(text)} est un dossier, pas une image")
        if re.search(r"\.[A-Za-z]\w*$", text):
            raise argparse.ArgumentTypeError(f"le fichier {printable(text)} n'existe pas")
        return read_grid(text)
    from convnets.core.images import open_image

    try:
        grey = open_image(text).convert("L")
    except (OSError, ValueError) as error:
        message = f"{printable(text)} n'est pas une image lisible"
        raise argparse.ArgumentTypeError(message) from error
    grey.thumbnail((MAX_SIDE, MAX_SIDE))
    return np.asarray(grey, dtype=np.int64)


def read_kernel(text: str) -> np.ndarray:
    """Lit un noyau : un nom du cours ou une grille."""
    return KERNELS[text] if text in KERNELS else read_grid(text)


def read_step(text: str) -> int:
    """Lit un pas, un écart ou un côté de fenêtre, de 1 à `MAX_SIDE`."""
    value = positive_int(text)
    if value > MAX_SIDE:
        raise argparse.ArgumentTypeError(f"un entier de 1 à {MAX_SIDE} attendu, reçu {text!r}")
    return value


def read_padding(text: str) -> str | int:
    """Lit `valid`, `same` ou un nombre de cases."""
    if text in ("valid", "same"):
        return text
    if not text.isdecimal() or int(text) > MAX_SIDE:
        raise argparse.ArgumentTypeError(
            f"valid, same ou un entier de 0 à {MAX_SIDE} attendu, reçu {text!r}"
        )
    return int(text)
