"""Lire au clavier l'image, le noyau et les réglages d'une animation.

Commandes : python -m exercises.ex00_convolution --image 5x5 --kernel 3x3
            python -m exercises.ex00_convolution --image X --kernel F1 --mean --figures figures
            python -m exercises.ex00_convolution --image "1 2/3 4" --pool max
            python -m exercises.ex00_convolution --help

Un thème de l'exercice 00, dont l'entrée est `ex00_convolution`. Une saisie refusée donne
une phrase et le code de sortie 2.
"""

import argparse
import os
import re
from fractions import Fraction

import numpy as np

from convnets.core.cli import positive_int, printable
from exercises.ex00_convolution import x_or_o
from exercises.ex00_convolution.operations import EDGE_KERNEL, IMAGE, KERNEL
from exercises.ex00_convolution.pooling import REDUCTIONS

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


# --- Lire les options ----------------------------------------------------------------


def add_options(parser: argparse.ArgumentParser) -> None:
    """Ajoute à l'analyseur de l'exercice les options d'une animation."""
    group = parser.add_argument_group("animer une opération (texte, ou GIF et PNG avec --figures)")
    add = group.add_argument
    add(
        "--image",
        type=read_image,
        metavar="GRILLE",
        help=f'"1 0 2/0 1 3", un nom ({", ".join(IMAGES)}) ou un fichier image',
    )
    add(
        "--kernel",
        type=read_kernel,
        metavar="GRILLE",
        help=f'"1 0/0 1" ou un nom ({", ".join(KERNELS)})',
    )
    add("--pool", choices=REDUCTIONS, help="un pooling au lieu d'une convolution")
    add("--window", type=read_step, metavar="N", help="côté de la fenêtre du pooling (2)")
    add("--stride", type=read_step, metavar="N", help="pas (1, ou la fenêtre du pooling)")
    add("--padding", type=read_padding, metavar="P", help="valid (défaut), same ou un entier")
    add("--dilation", type=read_step, metavar="N", help="écart entre deux cases du noyau (1)")
    add("--flip", action="store_true", help="retourner le noyau (vraie convolution)")
    add("--mean", action="store_true", help="diviser par le nombre de cases, comme S0")


def check_options(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Refuse, avec le code 2, les options qui ne vont pas ensemble."""
    given = {
        name: getattr(options, name) not in (None, False)
        for name in ("kernel", "pool", "window", "stride", "padding", "dilation", "flip", "mean")
        if not isinstance(getattr(options, name), np.ndarray)
    }
    given["kernel"] = options.kernel is not None
    for_kernel = [name for name in ("dilation", "flip", "mean") if given[name]]
    if options.image is None and any(given.values()):
        name = next(name for name, is_given in given.items() if is_given)
        parser.error(f"--{name} demande --image")
    if options.image is not None:
        if options.example:
            parser.error("--example ne va pas avec --image")
        if given["kernel"] == given["pool"]:
            parser.error("--image demande --kernel ou --pool, l'un des deux")
        if given["window"] and not given["pool"]:
            parser.error("--window demande --pool")
        if given["pool"] and for_kernel:
            parser.error(f"--{for_kernel[0]} demande --kernel")
    elif options.example and options.figures:
        parser.error("--example ne va pas avec --figures")


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
    from convnets.serving.images import open_image

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
