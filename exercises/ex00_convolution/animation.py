"""Animer une convolution ou un pooling de son choix, en GIF ou dans le terminal.

D'après : S0 « Convolution – Padding - Stride », S1 « Convolution », S3 « Convolution 2D ».
Commandes : python -m exercises.ex00_convolution --image 5x5 --kernel 3x3
            python -m exercises.ex00_convolution --image X --kernel F1 --figures figures
            python -m exercises.ex00_convolution --image "1 2/3 4" --pool max
"""

import argparse
from fractions import Fraction

import numpy as np

from convnets.core.cli import positive_int
from exercises.ex00_convolution import x_or_o
from exercises.ex00_convolution.geometry import pads
from exercises.ex00_convolution.operations import EDGE_KERNEL, IMAGE, KERNEL, conv2d
from exercises.ex00_convolution.pooling import REDUCTIONS, pool2d

MAX_SIDE = 12  # cases ; au-delà, les nombres ne se lisent plus
GRIDS = {
    "5x5": np.array(IMAGE),
    "X": x_or_o.read_picture(x_or_o.X),
    "O": x_or_o.read_picture(x_or_o.O),
    "X-deforme": x_or_o.read_picture(x_or_o.DEFORMED_X),
    "3x3": np.array(KERNEL),
    "prewitt": np.array(EDGE_KERNEL),
    **{f"F{k}": x_or_o.read_picture(rows) for k, rows in enumerate(x_or_o.FILTERS, 1)},
}


def read_grid(text: str) -> np.ndarray:
    """Lit une grille : un nom du cours, ou des nombres tapés au clavier.

    Args:
        text: lignes séparées par `/`, cases par des espaces ; `0.5` ou `0,5`.

    Returns:
        `(h, w)`, entiers ou `Fraction`.

    Raises:
        argparse.ArgumentTypeError: grille vide, irrégulière, trop grande, ou pas des nombres.
    """
    if text in GRIDS:
        return GRIDS[text]
    try:
        rows = text.replace(",", ".").split("/")
        grid = np.array([[Fraction(number) for number in row.split()] for row in rows])
    except ValueError:
        grid = np.empty((0, 0))
    if not grid.size or max(grid.shape) > MAX_SIDE:
        raise argparse.ArgumentTypeError(
            f"{text!r} n'est ni une grille d'au plus {MAX_SIDE} cases de côté, comme "
            f'"1 0 2/0 1 3", ni un de ces noms : {", ".join(GRIDS)}'
        )
    return grid


def add_options(parser: argparse.ArgumentParser) -> None:
    """Ajoute à l'analyseur de l'exercice les options d'une animation."""
    group = parser.add_argument_group("animer une opération (texte, ou GIF avec --figures)")
    add = group.add_argument
    names = f'"1 0 2/0 1 3", ou un nom ({", ".join(GRIDS)})'
    add("--image", type=read_grid, metavar="GRILLE", help=names)
    add("--kernel", type=read_grid, metavar="GRILLE", help="le noyau d'une convolution, de même")
    add("--pool", choices=REDUCTIONS, help="un pooling 2×2 au lieu d'une convolution")
    add("--stride", type=positive_int, metavar="N", help="pas (1 ; 2 pour un pooling)")
    add("--padding", choices=["valid", "same"], default="valid", help="bords (valid par défaut)")


def slide(image, kernel=None, *, pool="max", stride=None, padding=0, mean=False):
    """Calcule une opération et la prépare pour le dessin.

    Args:
        image: `(h, w)`, nombres quelconques.
        kernel: `(kh, kw)`, ou None pour un pooling 2×2.
        pool: `"max"`, `"average"` ou `"sum"` si `kernel` est None.
        stride: pas ; par défaut 1, ou 2 pour un pooling.
        padding: `"valid"`, `"same"` ou un entier.
        mean: diviser la somme par le nombre de cases du noyau, comme S0.

    Returns:
        Un `convnets.figures.convolution.Sliding`.

    Raises:
        ValueError: tailles impossibles.
    """
    from convnets.figures.convolution import Sliding

    image = np.array(image)
    if kernel is None:
        shape, stride, operation = (2, 2), stride or 2, pool
        output = pool2d(image, 2, stride=stride, padding=padding, mode=pool)
    else:
        kernel, stride, operation = np.array(kernel), stride or 1, "mean" if mean else "sum"
        shape, output = kernel.shape, conv2d(image, kernel, stride=stride, padding=padding)
        output = output * Fraction(1, kernel.size) if mean else output
    margins = tuple(
        pads(size, side, stride=stride, padding=padding)
        for size, side in zip(image.shape, shape, strict=True)
    )
    return Sliding(image, kernel, output, shape, stride, margins, operation)


def play(options: argparse.Namespace) -> int:
    """Montre l'opération choisie : en texte, ou en GIF si `--figures` est donné.

    Args:
        options: celles d'`add_options`.

    Returns:
        0.

    Raises:
        ValueError: tailles impossibles.
        OSError: dossier impossible à écrire.
    """
    from convnets.figures import convolution

    settings = {"stride": options.stride, "padding": options.padding}
    sliding = slide(options.image, options.kernel, pool=options.pool, **settings)
    if options.figures is None:
        print(convolution.text_steps(sliding))
        return 0
    name = f"pooling_{options.pool}" if options.pool else "convolution"
    title = f"Pas {sliding.stride}, padding {options.padding}"
    print(convolution.save_animation(sliding, options.figures / f"{name}.gif", title=title))
    return 0
