"""Exercice 00 : la convolution à la main, le pooling, la chaîne du X."""

import itertools
import math
from fractions import Fraction
from operator import itemgetter

import numpy as np

from grading import sealed
from grading.questions import Ask, Credit, Mistake, altered, judge, question, seen

geometry, matrices, operations, pooling, x_or_o = (
    sealed.module(f"ex00_convolution.{name}")
    for name in ("geometry", "matrices", "operations", "pooling", "x_or_o")
)
OPTIONS = [  # d'une convolution
    {"stride": 2},
    {"padding": "same"},
    {"padding": 2},
    {"dilation": 2},
    {"padding": "same", "stride": 2},
    {"padding": "same", "dilation": 2},
]


def _pixels(rng, *shape) -> np.ndarray:
    return rng.integers(-9, 10, shape)


def _kernel(rng, *shape) -> np.ndarray:
    """Tire un noyau aux cases toutes différentes : aucun retournement ne le laisse en place."""
    return rng.permutation(np.arange(-20, 20))[: math.prod(shape)].reshape(shape)


# --- Géométrie -----------------------------------------------------------------------


def _window(kernel: int, dilation: int) -> int:
    """Rend le nombre de cases que couvre une fenêtre."""
    return dilation * (kernel - 1) + 1


def _dilated_too_much(kernel: int, dilation: int) -> int:
    return dilation * kernel


def _not_dilated(kernel: int, dilation: int) -> int:
    return kernel


def _no_window(kernel: int, dilation: int) -> int:
    return 0


def _steps(room: int, stride: int) -> int:
    """Rend combien de pas tiennent dans la place que laisse la fenêtre."""
    return room // stride


def _exact_steps(room: int, stride: int) -> float:
    return room / stride


def _rounded_up_steps(room: int, stride: int) -> int:
    return -(-room // stride)


def _steps_of_one(room: int, stride: int) -> int:
    return room


def _one_step_less(room: int, stride: int) -> int:
    return room // stride - 1


def _one_step_more(room: int, stride: int) -> int:
    return room // stride + 1


def _twice(around: tuple[int, int]) -> int:
    return 2 * sum(around)


def _none(around: tuple[int, int]) -> int:
    return 0


def _counted(*, around=sum, window=_window, steps=_steps):
    """Rend `output_size` avec, au choix, une erreur.

    Args:
        around: rend, des deux bords, le nombre de cases ajoutées.
        window: rend le nombre de cases de la fenêtre.
        steps: rend le nombre de pas.
    """

    def output_size(size, kernel, *, stride=1, padding=0, dilation=1):
        added = geometry.pads(size, kernel, stride=stride, padding=padding, dilation=dilation)
        room = size + around(added) - window(kernel, dilation)
        if room < 0:
            raise ValueError
        return steps(room, stride) + 1

    return output_size


COUNTS = [
    Mistake("no_floor", _counted(steps=_exact_steps), "1/4"),
    Mistake("rounded_up", _counted(steps=_rounded_up_steps), "1/4"),
    Mistake("stride_ignored", _counted(steps=_steps_of_one)),
    Mistake("padding_ignored", _counted(around=_none)),
    Mistake("padding_on_one_side", _counted(around=itemgetter(0))),
    Mistake("padding_twice", _counted(around=_twice)),
    Mistake("dilation_ignored", _counted(window=_not_dilated)),
    Mistake("dilation_times_kernel", _counted(window=_dilated_too_much)),
    Mistake("window_not_removed", _counted(window=_no_window)),
    Mistake("off_by_one", _counted(steps=_one_step_less), "1/4"),
    Mistake("off_by_one", _counted(steps=_one_step_more), "1/4"),
]


@question("ex00.output_size")
def ask_output_size(ask: Ask) -> Credit:
    """Compte des positions : pas, puis padding et dilatation, puis l'impossible."""
    sizes = ask.rng.integers([15, 2, 2], [40, 6, 5], (24, 3)).tolist()
    plain = [((size, kernel), {"stride": stride}) for size, kernel, stride in sizes]
    settings = itertools.product((0, 2, 5, (0, 1), "same", "valid"), (1, 1, 2, 3))
    more = [
        (given, {**options, "padding": padding, "dilation": dilation})
        for (given, options), (padding, dilation) in zip(plain, settings, strict=True)
    ]

    return ask.judge(
        "output_size",
        [
            ("1/2", [((12, 5), {}), *plain]),
            ("3/4", more),
            ("1", [((3, 5), {}), ((5, 3), {"dilation": 3})]),
        ],
        geometry.output_size,
        COUNTS,
    )


def _half_kernel(size, kernel, *, padding=0, **options):
    """Ajoute la moitié du noyau des deux côtés pour `same`, quel que soit le pas."""
    if padding == "same":
        return kernel // 2, kernel // 2
    return geometry.pads(size, kernel, padding=padding, **options)


@question("ex00.pads")
def ask_pads(ask: Ask) -> Credit:
    """Traduit un padding en cases, avant et après."""
    plain = [((9, 3), {"padding": each}) for each in ("valid", int(ask.rng.integers(1, 5)), (1, 2))]
    same = [
        ((2 * int(ask.rng.integers(4, 10)) + odd, kernel), {"padding": "same", "stride": stride})
        for kernel, odd in ((2, 0), (3, 0), (4, 1), (5, 0))
        for stride in (1, 2)
    ]
    same.append(((12, 3), {"padding": "same", "dilation": 2}))
    same.append(((9, 1), {"padding": "same", "stride": 3}))  # rien à ajouter
    impossible = [((9, 3), {"padding": "full"}), ((9, 3), {"padding": -1}), ((9, 0), {})]
    return ask.judge(
        "pads",
        [("1/2", plain), ("1", same), ("1", impossible)],
        geometry.pads,
        [
            Mistake("pad_before", altered(geometry.pads, lambda around: around[::-1]), "3/4"),
            Mistake("stride_ignored", altered(geometry.pads, stride=1)),
            Mistake("dilation_ignored", altered(geometry.pads, dilation=1)),
            Mistake("half_kernel_for_same", _half_kernel, "1/2"),
        ],
    )


# --- Convolutions --------------------------------------------------------------------


@question("ex00.conv1d")
def ask_conv1d(ask: Ask) -> Credit:
    """Glisse un noyau sur un signal."""
    signal, kernel = _pixels(ask.rng, 11), _kernel(ask.rng, 3)
    plain = [
        ((signal, kernel), {}),
        ((_pixels(ask.rng, 8), _kernel(ask.rng, 2)), {}),
        ((ask.rng.integers(120, 256, 9).astype(np.uint8), np.array([2, 1])), {}),
        ((signal, kernel), {"padding": "valid"}),
        ((signal / 2, kernel), {}),
    ]
    more = [((signal, kernel), each) for each in (*OPTIONS, {"stride": 3, "padding": 1})]
    flipped = [((signal, kernel), {"flip": True}), ((signal, kernel), {"flip": True, "stride": 2})]
    return ask.judge(
        "conv1d",
        [("1/2", plain), ("3/4", more), ("1", flipped)],
        operations.conv1d,
        [
            Mistake("never_flipped", altered(operations.conv1d, flip=False)),
            Mistake("flipped_kernel", altered(operations.conv1d, flip=True), "1/2"),
            Mistake(
                "first_values_only", altered(operations.conv1d, lambda output: output[:-1]), "1/4"
            ),
            Mistake("integer_overflow", altered(operations.conv1d, np.uint8), "1/4"),
        ],
    )


def _first_channel(image, kernel, **options):
    first = np.s_[:, :, :1] if image.ndim == 3 else np.s_[:]
    return operations.conv2d(image[first], kernel[first], **options)


@question("ex00.conv2d")
def ask_conv2d(ask: Ask) -> Credit:
    """Glisse un noyau sur une image, en gris puis en couleurs."""
    image, square = _pixels(ask.rng, 7, 9), _kernel(ask.rng, 3, 3)
    plain = [
        ((image, _kernel(ask.rng, 3, 2)), {}),
        ((image, square), {}),
        ((image, square), {"padding": "valid"}),
        ((ask.rng.integers(120, 256, (5, 6)).astype(np.uint8), np.array([[2, 1], [1, 3]])), {}),
        ((image / 4, square), {}),
    ]
    more = [((image, square), each) for each in (*OPTIONS, {"stride": (1, 2)}, {"flip": True})]
    colors = [
        ((_pixels(ask.rng, 5, 6, 3), _kernel(ask.rng, 2, 2, 3, 1)), {}),
        ((_pixels(ask.rng, 5, 6, 2), _kernel(ask.rng, 2, 3, 2, 3)), {"padding": "same"}),
    ]
    refused = [
        ((_pixels(ask.rng, 5, 6, image), _kernel(ask.rng, 2, 2, kernel, 2)), {})
        for image, kernel in ((3, 2), (2, 3), (3, 1))
    ]

    return ask.judge(
        "conv2d",
        [("1/2", plain), ("3/4", more), ("1", colors + refused)],
        operations.conv2d,
        [
            Mistake("flipped_kernel", altered(operations.conv2d, flip=True), "1/2"),
            Mistake(
                "half_flip",
                lambda i, k, flip=0, **o: operations.conv2d(i, k[::-1] if flip else k, **o),
                "1/2",
            ),
            Mistake("integer_overflow", altered(operations.conv2d, np.uint8), "1/4"),
            Mistake("one_channel_only", _first_channel),
        ],
    )


# --- Pooling et ReLU -----------------------------------------------------------------


def _all_channels(image, window=2, **options):
    """Comme `pool2d`, mais une fenêtre va d'un canal à l'autre."""
    return pooling.pool2d(image.max(axis=2) if image.ndim == 3 else image, window, **options)


def _pool_with_zeros(image, window=2, *, padding=0, **options):
    """Comme `pool2d`, mais les zéros du padding comptent, sur des côtés impairs."""
    return pooling.pool2d(
        np.pad(image, (0, 1) if padding == "same" else padding), window, **options
    )


@question("ex00.pool2d")
def ask_pool2d(ask: Ask) -> Credit:
    """Résume des fenêtres : maximum, moyenne, somme, avec et sans padding."""
    image, odd, negative = (
        _pixels(ask.rng, 6, 8),
        _pixels(ask.rng, 7, 7),
        -ask.rng.integers(1, 50, (5, 7)),
    )
    plain = [((image,), {}), ((image, 2), {}), ((negative, 3), {})]
    colors = [((_pixels(ask.rng, 4, 6, 3), 2), {})]
    modes = [
        ((image, 2), {"mode": "average"}),
        ((image, 2), {"mode": "sum"}),
        ((image, 3), {"stride": 1}),
        ((odd, 3), {"stride": 2}),
        ((image, (2, 3)), {"mode": "average"}),
    ]
    padded = [
        ((odd, 2), {"padding": "same"}),
        ((negative, 2), {"padding": "same"}),
        ((negative, 3), {"padding": 1, "stride": 2}),
        ((odd, 2), {"padding": "same", "mode": "average"}),
        ((odd, 3), {"padding": 1, "mode": "average"}),
    ]

    def zeros_averaged(*given, mode="max", **named):
        return (_pool_with_zeros if mode == "average" else pooling.pool2d)(
            *given, mode=mode, **named
        )

    return ask.judge(
        "pool2d",
        [("1/2", plain), ("1/2", colors), ("3/4", modes), ("1", padded)],
        pooling.pool2d,
        [
            Mistake(
                "pooling_stride",
                lambda *k, stride=1, **o: pooling.pool2d(*k, stride=stride, **o),
                "1/4",
            ),
            Mistake("channels_pooled", _all_channels),
            Mistake("max_for_average", altered(pooling.pool2d, mode="max")),
            Mistake("average_for_max", altered(pooling.pool2d, mode="average")),
            Mistake(
                "average_for_max",
                lambda *k, mode="average", **o: pooling.pool2d(*k, mode=mode, **o),
            ),
            Mistake("padding_in_average", zeros_averaged),
            Mistake("padding_in_maximum", _pool_with_zeros),
        ],
    )


@question("ex00.relu")
def ask_relu(ask: Ask) -> Credit:
    """Met les négatives à zéro."""
    values = ask.rng.normal(0, 30, (4, 5))
    calls = [((each,), {}) for each in (values, np.array([-7, 0, 250, 300]), -np.abs(values[0]))]
    return ask.judge(
        "relu",
        [("1", calls)],
        pooling.relu,
        [
            Mistake("relu_forgotten", geometry.as_numbers),
            Mistake("absolute_value", np.abs),
            Mistake("bounded_relu", lambda values: np.clip(values, 0, 1), "1/2"),
            Mistake("bounded_relu", lambda values: np.clip(values, 0, 255), "1/2"),
        ],
    )


# --- Matrices ------------------------------------------------------------------------


@question("ex00.im2col")
def ask_im2col(ask: Ask) -> Credit:
    """Range les fenêtres en lignes."""
    image = _pixels(ask.rng, 6, 7)
    more = [
        ((image, (3, 3)), {"stride": 2}),
        ((image, (3, 3)), {"padding": "same"}),
        ((image, (3, 3)), {"dilation": 2}),
        ((_pixels(ask.rng, 4, 5, 2), (2, 2)), {}),
    ]
    return ask.judge(
        "im2col",
        [("1/2", [((image, (3, 2)), {}), ((image[:4, :5], (2, 2)), {})]), ("1", more)],
        matrices.im2col,
        [Mistake("column_per_window", altered(matrices.im2col, np.transpose), "1/2")],
    )


@question("ex00.toeplitz_matrix")
def ask_toeplitz(ask: Ask) -> Credit:
    """Écrit la convolution comme une matrice creuse."""
    kernel, square = _kernel(ask.rng, 2, 3), _kernel(ask.rng, 3, 3)
    plain = [((kernel, (4, 5)), {}), ((square, (5, 5)), {})]
    more = [
        ((kernel, (5, 6)), {"stride": 2}),
        ((square, (4, 5)), {"padding": "same"}),
        ((kernel, (6, 7)), {"dilation": 2}),
    ]
    return ask.judge(
        "toeplitz_matrix",
        [("1/2", plain), ("1", more)],
        matrices.toeplitz_matrix,
        [
            Mistake(
                "flipped_kernel",
                lambda k, *shape, **o: matrices.toeplitz_matrix(np.flip(k), *shape, **o),
                "1/2",
            ),
            Mistake("column_per_window", altered(matrices.toeplitz_matrix, np.transpose), "1/2"),
        ],
    )


@question("ex00.kernel_gradient")
def ask_kernel_gradient(ask: Ask) -> Credit:
    """Dérive la perte par rapport au noyau."""
    shapes = [  # de l'image, du gradient à la sortie, du noyau
        ((6, 7), (4, 6), (3, 2), {}),
        ((5, 5), (4, 4), (2, 2), {}),
        ((7, 8), (3, 3), (3, 3), {"stride": 2}),
        ((5, 6), (5, 6), (3, 3), {"padding": "same"}),
        ((5, 6, 2), (4, 5, 3), (2, 2), {}),
    ]
    calls = [
        ((_pixels(ask.rng, *image), _pixels(ask.rng, *output), kernel), options)
        for image, output, kernel, options in shapes
    ]

    def averaged(image, gradient, *shape, **options):
        return matrices.kernel_gradient(image, gradient, *shape, **options) / math.prod(
            gradient.shape[:2]
        )

    return ask.judge(
        "kernel_gradient",
        [("1/2", calls[:2]), ("1", calls[2:])],
        matrices.kernel_gradient,
        [
            Mistake(
                "flipped_kernel",
                altered(matrices.kernel_gradient, lambda found: found[::-1, ::-1]),
                "1/2",
            ),
            Mistake("gradient_averaged", averaged, "1/2"),
        ],
    )


# --- X ou O ? ------------------------------------------------------------------------


@question("ex00.truncate")
def ask_truncate(ask: Ask) -> Credit:
    """Coupe vers zéro."""
    numerators = [7, 5, 1, 28, 61, 8, -7, -5, -1, -28, -61, -8]
    drawn = [((Fraction(each, 9),), {}) for each in ask.rng.permutation(numerators).tolist()]
    return ask.judge(
        "truncate",
        [("1", [*drawn, ((Fraction(5, 7), 3), {}), ((Fraction(-5, 3), 1), {})])],
        x_or_o.truncate,
        [
            Mistake("rounded", lambda value, digits=2: round(value, digits)),
            Mistake("floored", lambda value, d=2: math.floor(value * 10**d) / 10**d, "1/2"),
        ],
    )


def _chain(
    picture, stage, *, rectify=pooling.relu, padding="same", scale=Fraction(1, 9), axes=(0, 1, 2)
):
    """Refait la chaîne avec, au choix, une erreur ; rend un de ses étages."""
    maps = (
        np.stack([operations.conv2d(picture, x_or_o.read_picture(rows)) for rows in x_or_o.FILTERS])
        * scale
    )
    rectified = rectify(maps)
    pooled = np.stack([pooling.pool2d(each, 2, padding=padding) for each in rectified])
    second = np.stack([pooling.pool2d(each, 2, padding=padding) for each in rectify(pooled)])
    return (maps, rectified, pooled, second, second.transpose(axes).reshape(-1))[stage]


@question("ex00.chain")
def ask_chain(ask: Ask) -> Credit:
    """Déroule la chaîne sur des images tirées au hasard, étage par étage."""
    pictures = [np.where(ask.rng.random((9, 9)) < 0.4, 1, -1) for _ in range(3)]
    found = ask.calls("chain", [((picture,), {}) for picture in pictures])
    answers = [seen(answer, itemgetter(stage)) for stage in range(5) for answer in found]
    groups = [
        (level, [((picture, stage), {}) for picture in pictures])
        for stage, level in enumerate(("1/4", "1/2", "1/2", "3/4", "1"))
    ]
    return judge(
        answers,
        groups,
        _chain,
        [
            Mistake("vector_order", altered(_chain, axes=(1, 2, 0))),
            Mistake("sum_for_mean", altered(_chain, scale=1), "1/4"),
            Mistake("relu_forgotten", altered(_chain, rectify=geometry.as_numbers)),
            Mistake("pooling_valid", altered(_chain, padding="valid")),
        ],
    )
