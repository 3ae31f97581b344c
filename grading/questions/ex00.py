"""Exercice 00 : la convolution à la main, le pooling, la chaîne du X."""

import math
from fractions import Fraction

import numpy as np

from exercises.ex00_convolution import matrices, x_or_o
from exercises.ex00_convolution.geometry import as_numbers, output_size, pads, per_axis
from exercises.ex00_convolution.operations import conv1d, conv2d
from exercises.ex00_convolution.pooling import pool2d, relu
from grading import messages, pupil
from grading.questions import Ask, Credit, Mistake, judge, question

STAGES = ("maps", "rectified", "pooled", "second", "vector")  # ceux de `x_or_o.Chain`


def _integers(rng, *shape) -> np.ndarray:
    return rng.integers(-9, 10, shape)


def _asymmetric(rng, *shape) -> np.ndarray:
    """Tire un noyau que ni un demi-tour, ni un miroir, ni une transposition ne laisse en place."""
    values = rng.permutation(np.arange(1, 40))[: math.prod(shape)]
    return np.where(rng.random(shape) < 0.3, -1, 1) * values.reshape(shape)


def _forget(function, **fixed):
    """Rend la même fonction, mais ces arguments y sont fixés : ceux qu'on donne sont ignorés."""
    return lambda *positional, **named: function(*positional, **{**named, **fixed})


def _transposed(function):
    return lambda *positional, **named: function(*positional, **named).T


def _in_bytes(function):
    """Rend la même convolution, mais dont les sommes restent dans le type de l'image."""
    return lambda image, kernel, **named: function(image, kernel, **named).astype(image.dtype)


# --- Géométrie -----------------------------------------------------------------------


@question("ex00.output_size")
def ask_output_size(ask: Ask) -> Credit:
    """Compte des positions : pas, puis padding et dilatation, puis l'impossible."""

    def draw(*, dilation=1, sides=0, **options):
        """Tire des tailles où chaque oubli change le compte."""
        stride = int(ask.rng.integers(2, 5))
        kernel = stride + int(ask.rng.integers(1, 4))
        rest = int(ask.rng.integers(1, stride))  # la dernière fenêtre dépasse
        size = int(ask.rng.integers(2, 6)) * stride + rest + dilation * (kernel - 1) + 1
        padding = {"padding": sides * stride} if sides else {}
        return (size, kernel), {"stride": stride, "dilation": dilation, **padding, **options}

    plain = [((12, 5), {}), *(draw() for _ in range(4))]
    more = [draw(sides=1), draw(sides=2), draw(dilation=2), draw(dilation=3, sides=1)]
    more += [draw(padding=each) for each in ("same", "valid", (0, 1))]
    more.append(((9, 3), {"padding": "same"}))
    impossible = [((3, 5), {}), ((5, 3), {"dilation": 3})]

    def not_rounded(size, kernel, *, stride=1, padding=0, dilation=1):
        sides = pads(size, kernel, stride=stride, padding=padding, dilation=dilation)
        return (output_size(size, kernel, padding=sides, dilation=dilation) - 1) / stride + 1

    def one_side(size, kernel, *, padding=0, **options):
        padding = (padding, 0) if isinstance(padding, int) else padding
        return output_size(size, kernel, padding=padding, **options)

    mistakes = [
        Mistake("no_floor", not_rounded, "1/4"),
        Mistake("off_by_one", lambda *sizes, **named: output_size(*sizes, **named) - 1, "1/4"),
        Mistake("padding_once", one_side),
        Mistake("dilation_ignored", _forget(output_size, dilation=1)),
    ]
    groups = [("1/2", plain), ("3/4", more), ("1", impossible)]
    return ask.judge("output_size", groups, output_size, mistakes)


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
    mistakes = [
        Mistake("pad_before", lambda *sizes, **named: pads(*sizes, **named)[::-1], "3/4"),
        Mistake("stride_ignored", _forget(pads, stride=1)),
    ]
    return ask.judge("pads", [("1/2", plain), ("1", same)], pads, mistakes)


# --- Convolutions --------------------------------------------------------------------


@question("ex00.conv1d")
def ask_conv1d(ask: Ask) -> Credit:
    """Glisse un noyau sur un signal."""
    rng = ask.rng
    signal, kernel = _integers(rng, 11), _asymmetric(rng, 3)
    plain = [
        ((signal, kernel), {}),
        ((_integers(rng, 8), _asymmetric(rng, 2)), {}),
        ((rng.integers(120, 256, 9).astype(np.uint8), np.array([2, 1])), {}),
        ((signal, kernel), {"padding": "valid"}),
        ((signal / 2, kernel), {}),
    ]
    options = [{"stride": 2}, {"padding": "same"}, {"padding": 2}, {"dilation": 2}]
    options += [{"padding": "same", other: 2} for other in ("stride", "dilation")]
    options.append({"stride": 3, "padding": 1})
    more = [((signal, kernel), each) for each in options]
    flipped = [((signal, kernel), {"flip": True, "stride": stride}) for stride in (1, 2)]
    mistakes = [
        Mistake("never_flipped", _forget(conv1d, flip=False)),
        Mistake("flipped_kernel", _forget(conv1d, flip=True), "1/2"),
        Mistake("first_values_only", lambda *given, **named: conv1d(*given, **named)[:-1], "1/4"),
        Mistake("integer_overflow", _in_bytes(conv1d), "1/4"),
    ]
    groups = [("1/2", plain), ("3/4", more), ("1", flipped)]
    return ask.judge("conv1d", groups, conv1d, mistakes)


@question("ex00.conv2d")
def ask_conv2d(ask: Ask) -> Credit:
    """Glisse un noyau sur une image, en gris puis en couleurs."""
    rng = ask.rng
    image, square = _integers(rng, 7, 9), _asymmetric(rng, 3, 3)
    bytes_ = rng.integers(120, 256, (5, 6)).astype(np.uint8)
    plain = [
        ((image, _asymmetric(rng, 3, 2)), {}),
        ((image, square), {}),
        ((image, square), {"padding": "valid"}),
        ((bytes_, np.array([[2, 1], [1, 3]])), {}),
        ((image / 4, square), {}),
    ]
    options = [{"stride": 2}, {"padding": "same"}, {"padding": 1}, {"stride": (1, 2)}]
    options += [{"dilation": 2}, {"padding": "same", "stride": 2}, {"flip": True}]
    more = [((image, square), each) for each in options]
    colors = [
        ((_integers(rng, 5, 6, 3), _asymmetric(rng, 2, 2, 3, 1)), {}),
        ((_integers(rng, 5, 6, 2), _asymmetric(rng, 2, 3, 2, 3)), {"padding": "same"}),
    ]

    def half_turn_missed(image, kernel, *, flip=False, **options):
        return conv2d(image, kernel[::-1] if flip else kernel, **options)

    def one_channel(image, kernel, **options):
        first = np.s_[:, :, :1] if image.ndim == 3 else np.s_[:]
        return conv2d(image[first], kernel[first], **options)

    mistakes = [
        Mistake("flipped_kernel", _forget(conv2d, flip=True), "1/2"),
        Mistake("half_flip", half_turn_missed, "1/2"),
        Mistake("integer_overflow", _in_bytes(conv2d), "1/4"),
        Mistake("one_channel_only", one_channel),
    ]
    groups = [("1/2", plain), ("3/4", more), ("1", colors)]
    return ask.judge("conv2d", groups, conv2d, mistakes)


# --- Pooling et ReLU -----------------------------------------------------------------


def _pool_with_zeros(image, window=2, *, stride=None, padding=0, mode="max"):
    """Comme `pool2d`, mais les zéros du padding comptent."""
    sides = per_axis(window)
    steps = sides if stride is None else per_axis(stride)
    around = [
        pads(length, side, stride=step, padding=padding)
        for length, side, step in zip(image.shape[:2], sides, steps, strict=True)
    ]
    around += [(0, 0)] * (image.ndim - 2)
    return pool2d(np.pad(image, around), window, stride=stride, mode=mode)


@question("ex00.pool2d")
def ask_pool2d(ask: Ask) -> Credit:
    """Résume des fenêtres : maximum, moyenne, somme, avec et sans padding."""
    rng = ask.rng
    image, odd = _integers(rng, 6, 8), _integers(rng, 7, 7)
    negative = -rng.integers(1, 50, (5, 7))
    plain = [((image,), {}), ((image, 2), {}), ((negative, 3), {})]
    plain.append(((_integers(rng, 4, 6, 3), 2), {}))
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

    def stride_one(image, window=2, *, stride=1, **options):
        return pool2d(image, window, stride=stride, **options)

    def zeros_averaged(*given, **named):
        return (_pool_with_zeros if named.get("mode") == "average" else pool2d)(*given, **named)

    mistakes = [
        Mistake("pooling_stride", stride_one, "1/4"),
        Mistake("max_for_average", _forget(pool2d, mode="max")),
        Mistake("padding_in_average", zeros_averaged),
        Mistake("padding_in_maximum", _pool_with_zeros),
    ]
    groups = [("1/2", plain), ("3/4", modes), ("1", padded)]
    return ask.judge("pool2d", groups, pool2d, mistakes)


@question("ex00.relu")
def ask_relu(ask: Ask) -> Credit:
    """Met les négatives à zéro."""
    values = ask.rng.normal(0, 30, (4, 5))
    calls = [((each,), {}) for each in (values, np.array([-7, 0, 250, 300]), -np.abs(values[0]))]
    mistakes = [
        Mistake("relu_forgotten", as_numbers),
        Mistake("absolute_value", np.abs),
        *(
            Mistake("bounded_relu", lambda x, top=top: np.clip(x, 0, top), "1/2")
            for top in (1, 255)
        ),
    ]
    return ask.judge("relu", [("1", calls)], relu, mistakes)


# --- Matrices ------------------------------------------------------------------------


@question("ex00.im2col")
def ask_im2col(ask: Ask) -> Credit:
    """Range les fenêtres en lignes."""
    image, right = _integers(ask.rng, 6, 7), matrices.im2col
    plain = [((image, (3, 2)), {}), ((_integers(ask.rng, 4, 5), (2, 2)), {})]
    options = [{"stride": 2}, {"padding": "same"}, {"dilation": 2}]
    more = [((image, (3, 3)), each) for each in options]
    more.append(((_integers(ask.rng, 4, 5, 2), (2, 2)), {}))
    mistakes = [Mistake("column_per_window", _transposed(right), "1/2")]
    return ask.judge("im2col", [("1/2", plain), ("1", more)], right, mistakes)


@question("ex00.toeplitz_matrix")
def ask_toeplitz(ask: Ask) -> Credit:
    """Écrit la convolution comme une matrice creuse."""
    right = matrices.toeplitz_matrix
    kernel, square = _asymmetric(ask.rng, 2, 3), _asymmetric(ask.rng, 3, 3)
    plain = [((kernel, (4, 5)), {}), ((square, (5, 5)), {})]
    more = [
        ((kernel, (5, 6)), {"stride": 2}),
        ((square, (4, 5)), {"padding": "same"}),
        ((kernel, (6, 7)), {"dilation": 2}),
    ]
    mistakes = [
        Mistake("flipped_kernel", lambda k, *shape, **o: right(k[::-1, ::-1], *shape, **o), "1/2"),
        Mistake("column_per_window", _transposed(right), "1/2"),
    ]
    return ask.judge("toeplitz_matrix", [("1/2", plain), ("1", more)], right, mistakes)


@question("ex00.kernel_gradient")
def ask_kernel_gradient(ask: Ask) -> Credit:
    """Dérive la perte par rapport au noyau."""
    rng, right = ask.rng, matrices.kernel_gradient

    def call(size, kernel_shape, channels=(), filters=(), **options):
        shape = conv2d(np.zeros(size), np.zeros(kernel_shape), **options).shape
        image, gradient = _integers(rng, *size, *channels), _integers(rng, *shape, *filters)
        return (image, gradient, kernel_shape), options

    plain = [call((6, 7), (3, 2)), call((5, 5), (2, 2))]
    more = [
        call((7, 8), (3, 3), stride=2),
        call((5, 6), (3, 3), padding="same"),
        call((5, 6), (2, 2), (2,), (3,)),
    ]

    def averaged(image, output_gradient, *shape, **options):
        positions = math.prod(output_gradient.shape[:2])
        return right(image, output_gradient, *shape, **options) / positions

    mistakes = [
        Mistake("flipped_kernel", lambda *given, **o: right(*given, **o)[::-1, ::-1], "1/2"),
        Mistake("gradient_averaged", averaged, "1/2"),
    ]
    return ask.judge("kernel_gradient", [("1/2", plain), ("1", more)], right, mistakes)


# --- X ou O ? ------------------------------------------------------------------------


@question("ex00.truncate")
def ask_truncate(ask: Ask) -> Credit:
    """Coupe vers zéro."""
    numerators = [int(n) for n in ask.rng.permutation([7, 5, 1, 28, 61, 8])]
    calls = [((Fraction(sign * n, 9),), {}) for n in numerators for sign in (1, -1)]
    calls += [((Fraction(5, 7), 3), {}), ((Fraction(-5, 3), 1), {})]
    mistakes = [
        Mistake("rounded", lambda value, digits=2: round(value, digits)),
        Mistake("floored", lambda value, d=2: math.floor(value * 10**d) / 10**d, "1/2"),
    ]
    return ask.judge("truncate", [("1", calls)], x_or_o.truncate, mistakes)


def _chain(picture, stage, *, rectify=relu, padding="same", scale=Fraction(1, 9)):
    """Refait la chaîne avec, au choix, une erreur ; rend un de ses étages."""
    maps = np.stack([conv2d(picture, x_or_o.read_picture(rows)) for rows in x_or_o.FILTERS]) * scale
    rectified = rectify(maps)
    pooled = np.stack([pool2d(each, 2, padding=padding) for each in rectified])
    second = np.stack([pool2d(each, 2, padding=padding) for each in rectify(pooled)])
    return (maps, rectified, pooled, second, second.reshape(-1))[stage]


def _pixel_by_pixel(picture, stage):
    return _chain(picture, 3).transpose(1, 2, 0).reshape(-1) if stage == 4 else None


def _stages(answer: pupil.Answer) -> list[pupil.Answer]:
    """Range les étages d'une réponse ; ils sont vides si elle n'a pas les cinq."""
    value = answer.value
    if isinstance(value, messages.Record):
        named = dict(zip(value.fields, value.values, strict=True))
        value = [named.get(name) for name in STAGES]
    if not isinstance(value, tuple | list) or len(value) != len(STAGES):
        value = [None] * len(STAGES)
    return [answer._replace(value=each) for each in value]


@question("ex00.chain")
def ask_chain(ask: Ask) -> Credit:
    """Déroule la chaîne sur des images tirées au hasard, étage par étage."""
    pictures = [np.where(ask.rng.random((9, 9)) < 0.4, 1, -1) for _ in range(3)]
    found = map(_stages, ask.calls("chain", [((picture,), {}) for picture in pictures]))
    answers = [each for stage in zip(*found, strict=True) for each in stage]
    groups = [
        (level, [((picture, stage), {}) for picture in pictures])
        for stage, level in enumerate(("1/4", "1/2", "1/2", "3/4", "1"))
    ]
    mistakes = [
        Mistake("vector_order", _pixel_by_pixel),
        Mistake("sum_for_mean", _forget(_chain, scale=1), "1/4"),
        Mistake("relu_forgotten", _forget(_chain, rectify=as_numbers)),
        Mistake("pooling_valid", _forget(_chain, padding="valid")),
    ]
    return judge(answers, groups, _chain, mistakes)
