"""Exercice 00 : la convolution à la main, le pooling, la chaîne du X."""

import itertools
import math
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from operator import itemgetter

import numpy as np

from grading import sealed
from grading.questions import Ask, Credit, Mistake, altered, question

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


def _ignored(function: Callable, **defaults) -> list[Mistake]:
    """Rend, option par option, l'erreur de ne pas s'en servir.

    Args:
        function: la bonne fonction.
        defaults: ce que vaut chaque option quand elle n'est pas donnée.
    """
    return [
        Mistake(f"{option}_ignored", altered(function, **{option: value}))
        for option, value in defaults.items()
    ]


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


def _fits(size: int, around: tuple[int, int], window: int) -> bool:
    """Dit si la fenêtre tient dans l'entrée, padding compris."""
    return window <= size + sum(around)


def _fits_loosely(size: int, around: tuple[int, int], window: int) -> bool:
    return window < size + sum(around)


def _fits_without_padding(size: int, around: tuple[int, int], window: int) -> bool:
    return window <= size


def _counted(*, pads=geometry.pads, around=sum, window=_window, steps=_steps, fits=None):
    """Rend `output_size` avec, au choix, une erreur.

    Args:
        pads: traduit le padding.
        around: rend, des deux bords, le nombre de cases ajoutées.
        window: rend le nombre de cases de la fenêtre.
        steps: rend le nombre de pas.
        fits: dit si la fenêtre tient ; par défaut, elle tient s'il lui reste de la place.
    """

    def output_size(size, kernel, *, stride=1, padding=0, dilation=1):
        added = pads(size, kernel, stride=stride, padding=padding, dilation=dilation)
        span = window(kernel, dilation)
        room = size + around(added) - span
        if not (room >= 0 if fits is None else fits(size, added, span)):
            raise ValueError
        return steps(room, stride) + 1

    return output_size


CHECKS = [  # ce que peu d'appels montrent : à essayer d'abord
    Mistake("dilation_not_given_to_pads", _counted(pads=altered(geometry.pads, dilation=1)), "1/2"),
    Mistake("window_without_padding", _counted(fits=_fits_without_padding), "3/4"),
    Mistake("full_window_refused", _counted(fits=_fits_loosely), "3/4"),
]
COUNTS = [
    Mistake("no_floor", _counted(steps=_exact_steps), "1/4"),
    Mistake("rounded_up", _counted(steps=_rounded_up_steps), "1/4"),
    Mistake("stride_ignored", _counted(steps=_steps_of_one)),
    Mistake("padding_ignored", _counted(around=_none)),
    Mistake("padding_ignored", _counted(around=_none, fits=_fits)),
    Mistake("padding_on_one_side", _counted(around=itemgetter(0))),
    Mistake("padding_on_one_side", _counted(around=itemgetter(0), fits=_fits)),
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
    more.append(((12, 3), {"padding": "same", "dilation": 2}))
    kernel = int(ask.rng.integers(4, 9))
    fitting = [  # tout juste : une position
        ((kernel, kernel), {}),
        ((kernel - 2, kernel), {"padding": 1}),
        ((2 * kernel - 1, kernel), {"dilation": 2}),
    ]
    return ask.judge(
        "output_size",
        [
            ("1/2", [((12, 5), {}), *plain]),
            ("3/4", more),
            ("1", fitting + [((3, 5), {}), ((5, 3), {"dilation": 3})]),
        ],
        geometry.output_size,
        CHECKS + COUNTS,
    )


def _half_of(cells: int) -> int:
    return cells // 2


def _half_of_gaps(cells: int) -> int:
    return (cells - 1) // 2


def _same_by(half: Callable[[int], int]):
    """Rend `pads`, où `same` ajoute la moitié du noyau des deux côtés, quel que soit le pas."""

    def pads(size, kernel, *, padding=0, **options):
        if padding == "same":
            return half(kernel), half(kernel)
        return geometry.pads(size, kernel, padding=padding, **options)

    return pads


def _shared_number(size, kernel, *, padding=0, **options):
    """Partage un entier entre les deux côtés, au lieu de l'ajouter à chacun."""
    if isinstance(padding, int):
        padding = (padding // 2, padding - padding // 2)
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
            Mistake("half_kernel_for_same", _same_by(_half_of), "1/2"),
            Mistake("half_kernel_for_same", _same_by(_half_of_gaps), "1/2"),
            Mistake("padding_shared", _shared_number),
        ],
    )


# --- Convolutions --------------------------------------------------------------------


def _all_before(signal: np.ndarray, before: int, after: int) -> np.ndarray:
    return np.pad(signal, (before + after, 0))


def _all_after(signal: np.ndarray, before: int, after: int) -> np.ndarray:
    return np.pad(signal, (0, before + after))


def _repeated(signal: np.ndarray, before: int, after: int) -> np.ndarray:
    return np.pad(signal, (before, after), mode="edge")


def _mirrored(signal: np.ndarray, before: int, after: int) -> np.ndarray:
    return np.pad(signal, (before, after), mode="reflect")


def _read_with(**wrong):
    """Rend `conv1d`, qui compte bien les positions, mais lit le signal avec une option fausse."""

    def conv1d(signal, kernel, *, padding=0, flip=False, **options):
        options = {"stride": 1, "dilation": 1, **options}
        sizes = len(signal), len(kernel)
        padded = np.pad(signal, geometry.pads(*sizes, padding=padding, **options))
        num_positions = geometry.output_size(*sizes, padding=padding, **options)
        return operations.conv1d(padded, kernel, flip=flip, **options | wrong)[:num_positions]

    return conv1d


def _padded_by(pad: Callable[[np.ndarray, int, int], np.ndarray]):
    """Rend `conv1d`, où `pad` ajoute les cases avant et après le signal."""

    def conv1d(signal, kernel, *, stride=1, padding=0, dilation=1, flip=False):
        around = geometry.pads(
            len(signal), len(kernel), stride=stride, padding=padding, dilation=dilation
        )
        padded = pad(geometry.as_numbers(signal), *around)
        return operations.conv1d(padded, kernel, stride=stride, dilation=dilation, flip=flip)

    return conv1d


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
    refused = [
        ((_pixels(ask.rng, 3, 4), kernel), {}),
        ((signal, _kernel(ask.rng, 2, 2)), {}),
        ((_pixels(ask.rng, 3, 4), _kernel(ask.rng, 2, 2)), {}),
    ]
    mistakes = [
        Mistake("never_flipped", altered(operations.conv1d, flip=False)),
        Mistake("flipped_kernel", altered(operations.conv1d, flip=True), "1/2"),
        Mistake("first_values_only", altered(operations.conv1d, lambda output: output[:-1]), "1/4"),
        Mistake("integer_overflow", altered(operations.conv1d, np.uint8), "1/4"),
        *_ignored(operations.conv1d, stride=1, padding=0, dilation=1),
        Mistake("stride_ignored", _read_with(stride=1)),
    ]
    mistakes += [
        Mistake("dilation_ignored", _read_with(dilation=1)),
        Mistake("padding_all_on_one_side", _padded_by(_all_before)),
        Mistake("padding_all_on_one_side", _padded_by(_all_after)),
        Mistake("padding_not_zeros", _padded_by(_repeated)),
        Mistake("padding_not_zeros", _padded_by(_mirrored)),
    ]
    return ask.judge(
        "conv1d",
        [("1/2", plain), ("3/4", more), ("7/8", flipped), ("1", refused)],
        operations.conv1d,
        mistakes,
    )


def _first_channel(image, kernel, **options):
    first = np.s_[:, :, :1] if image.ndim == 3 else np.s_[:]
    return operations.conv2d(image[first], kernel[first], **options)


def _one_step(axis: int):
    """Rend `conv2d`, où le pas d'un axe sert aussi pour l'autre."""

    def conv2d(image, kernel, *, stride=1, **options):
        return operations.conv2d(image, kernel, stride=geometry.per_axis(stride)[axis], **options)

    return conv2d


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
    own = ({"stride": (1, 2)}, {"stride": (2, 1)}, {"flip": True})  # ce qu'un signal n'a pas
    more = [((image, square), each) for each in (*OPTIONS, *own)]
    colors = [
        ((_pixels(ask.rng, 5, 6, 3), _kernel(ask.rng, 2, 2, 3, 1)), {}),
        ((_pixels(ask.rng, 5, 6, 2), _kernel(ask.rng, 2, 3, 2, 3)), {"padding": "same"}),
    ]
    refused = [
        ((_pixels(ask.rng, 5, 6, image), _kernel(ask.rng, 2, 2, kernel, 2)), {})
        for image, kernel in ((3, 2), (2, 3), (3, 1))
    ]

    mistakes = [
        Mistake("flipped_kernel", altered(operations.conv2d, flip=True), "1/2"),
        Mistake(
            "half_flip",
            lambda i, k, flip=0, **o: operations.conv2d(i, k[::-1] if flip else k, **o),
            "1/2",
        ),
        Mistake("integer_overflow", altered(operations.conv2d, np.uint8), "1/4"),
        Mistake("one_channel_only", _first_channel),
    ]
    mistakes += [
        Mistake("one_step_for_both", _one_step(0), "1/2"),
        Mistake("one_step_for_both", _one_step(1), "1/2"),
        *_ignored(operations.conv2d, stride=1, padding=0, dilation=1),
    ]
    return ask.judge(
        "conv2d",
        [("1/2", plain), ("3/4", more), ("1", colors + refused)],
        operations.conv2d,
        mistakes,
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


def _average_for_sum(*given, mode="max", **options):
    return pooling.pool2d(*given, mode="average" if mode == "sum" else mode, **options)


def _cut_average_for_sum(*given, mode="max", **options):
    """Fait de même, et perd les décimales : la moyenne est rangée parmi des entiers."""
    found = _average_for_sum(*given, mode=mode, **options)
    return np.trunc(found) if mode == "sum" else found


def _unknown_taken_for(other: str):
    """Rend `pool2d`, qui prend un mode inconnu pour un autre."""

    def pool2d(*given, mode="max", **options):
        known = mode if mode in pooling.REDUCTIONS else other
        return pooling.pool2d(*given, mode=known, **options)

    return pool2d


def _minimum_for_max(image, *given, mode="max", **options):
    if mode == "max":
        return -pooling.pool2d(-image, *given, mode=mode, **options)
    return pooling.pool2d(image, *given, mode=mode, **options)


def _zeros_averaged(*given, mode="max", **options):
    pool = _pool_with_zeros if mode == "average" else pooling.pool2d
    return pool(*given, mode=mode, **options)


MODES = [
    *[Mistake("no_error", _unknown_taken_for(each), "7/8") for each in pooling.REDUCTIONS],
    Mistake("average_for_sum", _average_for_sum, "1/2"),
    Mistake("average_for_sum", _cut_average_for_sum, "1/2"),
    Mistake("minimum_for_max", _minimum_for_max),
    Mistake("max_for_average", altered(pooling.pool2d, mode="max")),
    Mistake("average_for_max", altered(pooling.pool2d, mode="average")),
    Mistake("average_for_max", partial(pooling.pool2d, mode="average")),
]
POOLS = [
    Mistake("pooling_stride", partial(pooling.pool2d, stride=1), "1/4"),
    Mistake("pooling_stride", partial(pooling.pool2d, stride=2), "1/4"),
    Mistake("channels_pooled", _all_channels),
    *MODES,
    Mistake("padding_in_average", _zeros_averaged),
    Mistake("padding_in_maximum", _pool_with_zeros),
    *_ignored(pooling.pool2d, stride=None, padding=0),
]


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
    refused = [((image, 2), {"mode": "median"}), ((image, 2), {"mode": "maximum"})]

    return ask.judge(
        "pool2d",
        [("1/2", plain), ("1/2", colors), ("3/4", modes), ("7/8", padded), ("1", refused)],
        pooling.pool2d,
        POOLS,
    )


def _negatives_kept(values: np.ndarray) -> np.ndarray:
    return np.minimum(values, 0)


def _negatives_opposed(values: np.ndarray) -> np.ndarray:
    return np.maximum(-values, 0)


def _signs(values: np.ndarray) -> np.ndarray:
    return (values > 0).astype(int)


def _positives_alone(values: np.ndarray) -> np.ndarray:
    return values[values > 0]


@question("ex00.relu")
def ask_relu(ask: Ask) -> Credit:
    """Met les négatives à zéro."""
    values = ask.rng.normal(0, 30, (4, 5))
    # Entre 0 et 1, une positive reste ce qu'elle est.
    small = ask.rng.uniform(0.1, 0.9, 4) * [1, -1, 1, 9]
    several = (values, np.array([-7, 0, 250, 300]), -np.abs(values[0]), small)
    calls = [((each,), {}) for each in several]
    return ask.judge(
        "relu",
        [("1", calls)],
        pooling.relu,
        [
            Mistake("relu_forgotten", geometry.as_numbers),
            Mistake("absolute_value", np.abs),
            Mistake("positives_zeroed", _negatives_kept),
            Mistake("positives_zeroed", _negatives_opposed),
            Mistake("negatives_removed", _positives_alone),
            Mistake("bounded_relu", lambda values: np.clip(values, 0, 1), "1/2"),
            Mistake("bounded_relu", lambda values: np.clip(values, 0, 255), "1/2"),
            Mistake("ones_for_positives", _signs),
        ],
    )


# --- Matrices ------------------------------------------------------------------------


def _channels_summed(image, *shape, **options):
    return matrices.im2col(image.sum(2) if image.ndim == 3 else image, *shape, **options)


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
        [
            Mistake("column_per_window", altered(matrices.im2col, np.transpose), "1/2"),
            Mistake("channels_summed", _channels_summed, "1/2"),
            *_ignored(matrices.im2col, stride=1, padding=0, dilation=1),
        ],
    )


def _ones_for_weights(kernel, *shape, **options):
    return matrices.toeplitz_matrix(np.ones_like(kernel), *shape, **options)


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
            Mistake("ones_for_weights", _ones_for_weights),
            *_ignored(matrices.toeplitz_matrix, stride=1, padding=0, dilation=1),
        ],
    )


def _averaged(image, gradient, *shape, **options):
    total = matrices.kernel_gradient(image, gradient, *shape, **options)
    return total / math.prod(gradient.shape[:2])


def _windows_summed(image, gradient, *shape, **options):
    return matrices.kernel_gradient(image, np.ones_like(gradient), *shape, **options)


def _summed_over(axis: int):
    """Rend `kernel_gradient`, dont l'axe des canaux, ou des filtres, n'a plus qu'une case."""

    def kernel_gradient(*given, **options):
        found = matrices.kernel_gradient(*given, **options)
        return found.sum(axis, keepdims=True) if found.ndim == 4 else found

    return kernel_gradient


@question("ex00.kernel_gradient")
def ask_kernel_gradient(ask: Ask) -> Credit:
    """Dérive la perte par rapport au noyau."""
    shapes = [  # de l'image, du gradient à la sortie, du noyau
        ((6, 7), (4, 6), (3, 2), {}),
        ((5, 5), (4, 4), (2, 2), {}),
        ((7, 8), (3, 3), (3, 3), {"stride": 2}),
        ((5, 6), (5, 6), (3, 3), {"padding": "same"}),
    ]
    shapes += [
        # Sans padding, ou sans dilatation, la sortie aurait encore ces côtés.
        ((6, 9), (2, 3), (3, 3), {"padding": 1, "stride": 3}),
        ((5, 7), (2, 3), (2, 2), {"dilation": 2, "stride": 2}),
        ((5, 6, 2), (4, 5, 3), (2, 2), {}),
    ]
    shapes += [  # celles qui n'ont pas de sens
        ((5, 5), (4, 4), (3, 3), {}),  # trop de lignes et de colonnes
        ((6, 7), (4, 6), (3, 3), {}),  # trop de colonnes
    ]
    calls = [
        ((_pixels(ask.rng, *image), _pixels(ask.rng, *output), kernel), options)
        for image, output, kernel, options in shapes
    ]
    return ask.judge(
        "kernel_gradient",
        [("1/2", calls[:2]), ("7/8", calls[2:-2]), ("1", calls[-2:])],
        matrices.kernel_gradient,
        [
            Mistake(
                "flipped_kernel",
                altered(matrices.kernel_gradient, lambda found: found[::-1, ::-1]),
                "1/2",
            ),
            Mistake("gradient_averaged", _averaged, "1/2"),
            Mistake("output_gradient_unused", _windows_summed),
            Mistake("channels_summed", _summed_over(2), "1/2"),
            Mistake("filters_summed", _summed_over(3), "1/2"),
            *_ignored(matrices.kernel_gradient, padding=0, dilation=1),
        ],
    )


# --- X ou O ? ------------------------------------------------------------------------


def _sign_lost(value: Fraction, digits: int = 2) -> Fraction:
    return abs(x_or_o.truncate(value, digits))


def _cut_above(value: Fraction, digits: int = 2) -> Fraction:
    return Fraction(math.ceil(value * 10**digits), 10**digits)


def _scaled_by_product(value: Fraction, digits: int = 2) -> Fraction:
    return Fraction(int(value * 10 * digits), 10 * digits)


def _left_scaled(value: Fraction, digits: int = 2) -> Fraction:
    return x_or_o.truncate(value, digits) * 10**digits


def _one_digit_more(value: Fraction, digits: int = 2) -> Fraction:
    return x_or_o.truncate(value, digits + 1)


def _one_digit_less(value: Fraction, digits: int = 2) -> Fraction:
    return x_or_o.truncate(value, digits - 1)


@question("ex00.truncate")
def ask_truncate(ask: Ask) -> Credit:
    """Coupe vers zéro."""
    numerators = [7, 5, 1, 28, 61, 8, -7, -5, -1, -28, -61, -8]
    drawn = [((Fraction(each, 9),), {}) for each in ask.rng.permutation(numerators).tolist()]
    mistakes = [
        Mistake("rounded", lambda value, digits=2: round(value, digits)),
        Mistake("floored", lambda value, d=2: math.floor(value * 10**d) / 10**d, "1/2"),
        Mistake("cut_above", _cut_above, "1/2"),
        Mistake("absolute_value", _sign_lost, "1/2"),
    ]
    mistakes += [
        Mistake("scale_not_a_power", _scaled_by_product),
        Mistake("left_scaled", _left_scaled, "1/4"),
        Mistake("digits_miscounted", _one_digit_more),
        Mistake("digits_miscounted", _one_digit_less),
    ]
    return ask.judge(
        "truncate",
        [("1", [*drawn, ((Fraction(5, 7), 3), {}), ((Fraction(-5, 3), 1), {})])],
        x_or_o.truncate,
        mistakes,
    )


SAME, VALID = {"padding": "same"}, {"padding": "valid"}
STAGES = ("1/4", "1/2", "3/4", "3/4", "1")  # ce que vaut la chaîne, jusqu'à chaque étage


def _chained(
    *,
    rectify=pooling.relu,
    first=SAME,
    second=SAME,
    scale=Fraction(1, 9),
    axes=(0, 1, 2),
    unfolded=3,
):
    """Rend `chain` avec, au choix, une erreur.

    Args:
        rectify: la ReLU.
        first: options du premier pooling.
        second: celles du second.
        scale: ce qui fait d'une somme de produits une moyenne.
        axes: l'ordre des axes, avant de déplier.
        unfolded: le rang de l'étage déplié.
    """

    def chain(picture):
        kernels = [x_or_o.read_picture(rows) for rows in x_or_o.FILTERS]
        maps = np.stack([operations.conv2d(picture, kernel) for kernel in kernels]) * scale
        rectified = rectify(maps)
        pooled = np.stack([pooling.pool2d(each, 2, **first) for each in rectified])
        last = np.stack([pooling.pool2d(each, 2, **second) for each in rectify(pooled)])
        stages = maps, rectified, pooled, last
        return *stages, stages[unfolded].transpose(axes).reshape(-1)

    return chain


CHAINS = [
    Mistake("vector_order", _chained(axes=(1, 2, 0))),
    Mistake("vector_of_another_stage", _chained(unfolded=2), "3/4"),
    Mistake("sum_for_mean", _chained(scale=1), "1/4"),
    Mistake("relu_forgotten", _chained(rectify=geometry.as_numbers)),
    Mistake("absolute_value", _chained(rectify=np.abs), "1/4"),
    *[
        Mistake(reason, _chained(**{stage: options for stage in stages}))
        for reason, options in (
            ("pooling_valid", VALID),
            ("average_for_max", SAME | {"mode": "average"}),
            ("pooling_stride", SAME | {"stride": 1}),
        )
        for stages in (("first", "second"), ("first",), ("second",))
    ],
]


@question("ex00.chain")
def ask_chain(ask: Ask) -> Credit:
    """Déroule la chaîne sur des images tirées au hasard, étage par étage."""
    pictures = [np.where(ask.rng.random((9, 9)) < 0.4, 1, -1) for _ in range(3)]
    groups = [
        (level, [((picture,), {}) for picture in pictures], itemgetter(stage))
        for stage, level in enumerate(STAGES)
    ]
    return ask.compare("chain", groups, mistakes=CHAINS)
