"""Animer une convolution ou un pooling de son choix, en GIF ou dans le terminal.

D'après : S0 « Convolution – Padding - Stride », S1 « Convolution », S3 « Convolution 2D ».
Commandes : python -m exercises.ex00_convolution --image 5x5 --kernel 3x3
            python -m exercises.ex00_convolution --image X --kernel F1 --mean --figures figures
            python -m exercises.ex00_convolution --image "1 2/3 4" --pool max
"""

import argparse
from fractions import Fraction

import numpy as np

from exercises.ex00_convolution.geometry import pads
from exercises.ex00_convolution.grids import (
    IMAGES,
    KERNELS,
    read_image,
    read_kernel,
    read_padding,
    read_step,
)
from exercises.ex00_convolution.operations import conv2d
from exercises.ex00_convolution.pooling import REDUCTIONS, pool2d

MAX_STEPS, MAX_CELLS = 200, 24  # étapes, cases de côté : au-delà, le GIF prend des heures


# --- Choisir -------------------------------------------------------------------------


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
        name: getattr(options, name) is not None and getattr(options, name) is not False
        for name in ("kernel", "pool", "window", "stride", "padding", "dilation", "flip", "mean")
    }
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


# --- Préparer ------------------------------------------------------------------------


def slide(
    image,
    kernel=None,
    *,
    pool=None,
    window=2,
    stride=None,
    padding=0,
    dilation=1,
    flip=False,
    mean=False,
):
    """Calcule une opération et la prépare pour le dessin.

    Args:
        image: `(h, w)`, nombres quelconques.
        kernel: `(kh, kw)`, ou None pour un pooling.
        pool: `"max"`, `"average"` ou `"sum"` si `kernel` est None.
        window: côté de la fenêtre du pooling.
        stride: pas ; par défaut 1, ou la fenêtre du pooling.
        padding: `"valid"`, `"same"` ou un entier.
        dilation: écart entre deux cases du noyau.
        flip: retourner le noyau.
        mean: diviser par le nombre de cases du noyau.

    Returns:
        Un `convnets.figures.convolution.Sliding`.

    Raises:
        ValueError: tailles impossibles.
    """
    from convnets.figures.convolution import Sliding

    shape = (window, window) if kernel is None else np.shape(kernel)
    stride = stride or (1 if kernel is not None else window)
    margins = tuple(
        pads(size, side, stride=stride, padding=padding, dilation=dilation)
        for size, side in zip(np.shape(image), shape, strict=True)
    )
    if kernel is None:
        output = pool2d(image, window, stride=stride, padding=padding, mode=pool)
    else:
        kernel = np.array(kernel)[::-1, ::-1] if flip else np.array(kernel)
        output = conv2d(image, kernel, stride=stride, padding=padding, dilation=dilation)
        output = output * Fraction(1, kernel.size) if mean else output
    return Sliding(
        np.array(image),
        kernel,
        output,
        shape,
        (stride, stride),
        margins,
        (dilation, dilation),
        pool or ("mean" if mean else "sum"),
    )


# --- Montrer -------------------------------------------------------------------------


def play(options: argparse.Namespace) -> int:
    """Montre l'opération choisie : en texte, ou en GIF et PNG si `--figures` est donné.

    Args:
        options: celles d'`add_options`.

    Returns:
        0.

    Raises:
        ValueError: noyau plus grand que l'image, padding plus grand que la fenêtre, ou
            animation trop longue ou trop large.
        OSError: dossier impossible à écrire.
    """
    from convnets.figures import convolution

    sliding = slide(
        options.image,
        options.kernel,
        pool=options.pool,
        window=options.window or 2,
        stride=options.stride,
        padding=options.padding or 0,
        dilation=options.dilation or 1,
        flip=options.flip,
        mean=options.mean,
    )
    last = sliding.output.size - 1
    margins = zip(sliding.image.shape, sliding.margins, strict=True)
    side = max(size + sum(added) for size, added in margins)
    if last >= MAX_STEPS or side > MAX_CELLS:
        raise ValueError(
            f"l'animation aurait {last + 1} étapes, sur une image de {side} cases de côté, padding "
            f"compris ; au plus {MAX_STEPS} étapes et {MAX_CELLS} cases : réduisez le padding, la "
            "fenêtre ou la dilatation, ou augmentez le pas."
        )
    if options.figures is None:
        for index in range(last + 1):
            print(convolution.text_step(sliding, index) + "\n")
        return 0
    name = "convolution" if options.pool is None else f"pooling_{options.pool}"
    title = f"Pas {sliding.stride[0]}, padding {options.padding or 'valid'}"
    print(convolution.save_animation(sliding, options.figures / f"{name}.gif", title=title))
    final = convolution.draw_step(sliding, last, title=title)
    print(convolution.save(final, options.figures / f"{name}.png"))
    return 0
