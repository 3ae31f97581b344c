"""Exercice 00 : la convolution à la main, le pooling, la chaîne du X."""

import math
from fractions import Fraction
from functools import partial

import numpy as np

from exercises.ex00_convolution import matrices, x_or_o
from exercises.ex00_convolution.geometry import as_numbers, output_size, pads, per_axis, windows
from exercises.ex00_convolution.operations import conv1d, conv2d
from exercises.ex00_convolution.pooling import pool2d, relu
from grading import messages
from grading.questions import RIGHT, Ask, Credit, Mistake, as_floats, credit, judge, question, same


def _integers(rng, *shape, low=-9, high=10) -> np.ndarray:
    return rng.integers(low, high, shape)


def _asymmetric(rng, *shape) -> np.ndarray:
    """Tire un noyau que ni un demi-tour, ni un miroir, ni une transposition ne laisse en place."""
    values = rng.permutation(np.arange(1, 40))[: math.prod(shape)]
    return np.where(rng.random(shape) < 0.3, -1, 1) * values.reshape(shape)


def _forget(function, **fixed):
    """Rend la même fonction, mais ces arguments y sont fixés : ceux qu'on donne sont ignorés."""

    def deaf(*positional, **named):
        return function(*positional, **{**named, **fixed})

    return deaf


# --- Géométrie -----------------------------------------------------------------------


@question("ex00.output_size")
def ask_output_size(ask: Ask) -> Credit:
    """Compte des positions : pas, puis padding et dilatation, puis l'impossible."""
    rng = ask.rng

    def draw(*, dilation=1, sides=0, **options):
        """Tire des tailles où chaque oubli change le compte."""
        stride = int(rng.integers(2, 5))
        kernel = stride + int(rng.integers(1, 4))
        rest = int(rng.integers(1, stride))  # la dernière fenêtre dépasse
        size = int(rng.integers(2, 6)) * stride + rest + dilation * (kernel - 1) + 1
        padding = {"padding": sides * stride} if sides else {}
        return (size, kernel), {"stride": stride, "dilation": dilation, **padding, **options}

    groups = [
        ("1/2", [((12, 5), {}), *(draw() for _ in range(4))]),
        (
            "3/4",
            [
                *(draw(sides=k) for k in (1, 1, 2)),
                draw(dilation=2),
                draw(dilation=3, sides=1),
                draw(padding="same"),
                draw(padding="valid"),
                draw(padding=(0, 1)),
                ((9, 3), {"padding": "same"}),
            ],
        ),
        ("1", [((3, 5), {}), ((5, 3), {"dilation": 3})]),
    ]

    def exact(size, kernel, *, stride=1, padding=0, dilation=1, divide=lambda a, b: a / b, extra=1):
        before, after = pads(size, kernel, stride=stride, padding=padding, dilation=dilation)
        room = size + before + after - dilation * (kernel - 1) - 1
        if room < 0:
            raise ValueError
        return divide(room, stride) + extra

    def once(size, kernel, *, padding=0, **options):
        padding = (padding, 0) if isinstance(padding, int) else padding
        return output_size(size, kernel, padding=padding, **options)

    def valid_for_same(*sizes, padding=0, **options):
        return output_size(*sizes, padding=0 if padding == "same" else padding, **options)

    mistakes = [
        Mistake("no_floor", exact, "1/4"),
        Mistake("rounded_up", _forget(exact, divide=lambda a, b: -(-a // b)), "1/4"),
        Mistake("dilation_ignored", _forget(output_size, dilation=1)),
        Mistake("valid_for_same", valid_for_same, "1/2"),
        Mistake("padding_once", once),
        Mistake("padding_ignored", _forget(output_size, padding=0)),
        Mistake("stride_ignored", _forget(output_size, stride=1)),
        Mistake("stride_ignored", _forget(exact, divide=lambda a, b: a)),
        Mistake("off_by_one", _forget(exact, divide=lambda a, b: a // b, extra=0), "1/4"),
    ]
    answers = ask.calls("output_size", [call for _, calls in groups for call in calls])
    return judge(answers, groups, output_size, mistakes)


@question("ex00.pads")
def ask_pads(ask: Ask) -> Credit:
    """Traduit un padding en cases, avant et après."""
    rng = ask.rng
    plain = [
        ((9, 3), {"padding": "valid"}),
        ((9, 3), {"padding": int(rng.integers(1, 5))}),
        ((9, 3), {"padding": (1, 2)}),
    ]
    same_ = [
        ((2 * int(rng.integers(4, 10)) + odd, kernel), {"padding": "same", "stride": stride})
        for kernel, odd in ((2, 0), (3, 0), (4, 1), (5, 0))
        for stride in (1, 2)
    ]
    same_ += [((12, 3), {"padding": "same", "dilation": 2})]

    def before(size, kernel, **options):
        return pads(size, kernel, **options)[::-1]

    def never(size, kernel, *, padding=0, **options):
        return (0, 0) if padding == "same" else pads(size, kernel, padding=padding, **options)

    groups = [("1/2", plain), ("1", same_)]
    mistakes = [
        Mistake("pad_before", before, "3/4"),
        Mistake("valid_for_same", never),
        Mistake("dilation_ignored", _forget(pads, dilation=1), "3/4"),
        Mistake("stride_ignored", _forget(pads, stride=1), "1/2"),
    ]
    return judge(ask.calls("pads", plain + same_), groups, pads, mistakes)


# --- Convolutions --------------------------------------------------------------------


def _swap(options: dict, wrong: str, right) -> dict:
    padding = options.get("padding", 0)
    return {**options, "padding": right if padding == wrong else padding}


def _valid_for_same(function):
    return lambda *args, **options: function(*args, **_swap(options, "same", 0))


def _same_for_valid(function):
    def compute(*args, **options):
        padding = options.get("padding", 0)
        return function(
            *args, **{**options, "padding": "same" if padding in (0, "valid") else padding}
        )

    return compute


def _wrapped(function):
    """Rend ce que donnerait le même calcul sur des entiers de 8 bits."""

    def compute(image, kernel, **options):
        if np.asarray(image).dtype != np.uint8:
            return function(image, kernel, **options)
        return np.asarray(function(image, kernel, **options)).astype(np.uint8)

    return compute


@question("ex00.conv1d")
def ask_conv1d(ask: Ask) -> Credit:
    """Glisse un noyau sur un signal."""
    rng = ask.rng
    signal, kernel = _integers(rng, 11), _asymmetric(rng, 3)
    bytes_ = rng.integers(120, 256, 9).astype(np.uint8)
    plain = [
        ((signal, kernel), {}),
        ((_integers(rng, 8), _asymmetric(rng, 2)), {}),
        ((bytes_, np.array([2, 1])), {}),
        ((signal, kernel), {"padding": "valid"}),
        ((signal / 2, kernel), {}),
    ]
    options = [
        {"stride": 2},
        {"padding": "same"},
        {"padding": 2},
        {"padding": "same", "stride": 2},
        {"dilation": 2},
        {"dilation": 2, "padding": "same"},
        {"stride": 3, "padding": 1},
    ]
    more = [((signal, kernel), each) for each in options]
    flipped = [((signal, kernel), {"flip": True}), ((signal, kernel), {"flip": True, "stride": 2})]
    groups = [("1/2", plain), ("3/4", more), ("1", flipped)]

    def backwards(signal, kernel, *, flip=False, **options):
        return conv1d(signal, kernel, flip=not flip, **options)

    def always(signal, kernel, *, flip=False, **options):
        return conv1d(signal, kernel, flip=True, **options)

    def short(signal, kernel, **options):
        return conv1d(signal, kernel, **options)[:-1]

    def numpy_mode(mode, *, strided):
        def compute(signal, kernel, *, stride=1, padding=0, **options):
            chosen = mode or (padding if padding in ("same", "valid") else "valid")
            return np.convolve(signal, kernel, chosen)[:: stride if strided else 1]

        return compute

    mistakes = [
        Mistake("never_flipped", _forget(conv1d, flip=False), "3/4"),
        Mistake("flipped_kernel", always, "1/2"),
        Mistake("flipped_kernel", backwards, "1/2"),
        Mistake("valid_for_same", _valid_for_same(conv1d), "1/2"),
        Mistake("same_for_valid", _same_for_valid(conv1d), "1/4"),
        Mistake("stride_ignored", _forget(conv1d, stride=1), "1/2"),
        Mistake("dilation_ignored", _forget(conv1d, dilation=1), "1/2"),
        Mistake("padding_ignored", _forget(conv1d, padding=0), "1/2"),
        Mistake("integer_overflow", _wrapped(conv1d), "1/4"),
        Mistake("first_values_only", short, "1/4"),
        *(
            Mistake("np_convolve", numpy_mode(mode, strided=strided), "1/4")
            for mode in ("full", "same", "valid", None)
            for strided in (False, True)
        ),
    ]
    answers = ask.calls("conv1d", plain + more + flipped)
    return judge(answers, groups, conv1d, mistakes)


@question("ex00.conv2d")
def ask_conv2d(ask: Ask) -> Credit:
    """Glisse un noyau sur une image, en gris puis en couleurs."""
    rng = ask.rng
    image, kernel = _integers(rng, 7, 9), _asymmetric(rng, 3, 2)
    square = _asymmetric(rng, 3, 3)
    bytes_ = rng.integers(120, 256, (5, 6)).astype(np.uint8)
    plain = [
        ((image, kernel), {}),
        ((image, square), {}),
        ((image, square), {"padding": "valid"}),
        ((bytes_, np.array([[2, 1], [1, 3]])), {}),
        ((image / 4, square), {}),
    ]
    options = [
        {"stride": 2},
        {"padding": "same"},
        {"padding": 1},
        {"stride": (1, 2)},
        {"dilation": 2},
        {"padding": "same", "stride": 2},
    ]
    more = [((image, square), each) for each in options]
    colors = [
        ((_integers(rng, 5, 6, 3), _asymmetric(rng, 2, 2, 3, 1)), {}),
        ((_integers(rng, 5, 6, 2), _asymmetric(rng, 2, 3, 2, 3)), {"padding": "same"}),
    ]
    flipped = [((image, square), {"flip": True})]
    groups = [("1/2", plain), ("3/4", more + flipped), ("1", colors)]

    def turned(image, kernel, *, flip=False, **options):
        return conv2d(image, kernel, flip=True, **options)

    def backwards(image, kernel, *, flip=False, **options):
        return conv2d(image, kernel, flip=not flip, **options)

    def half(axis, *, only):
        def compute(image, kernel, *, flip=False, **options):
            kernel = np.flip(kernel, axis) if flip or not only else kernel
            return conv2d(image, kernel, **options)

        return compute

    def transposed(image, kernel, **options):
        swapped = np.asarray(image).swapaxes(0, 1)
        return conv2d(swapped, np.asarray(kernel).swapaxes(0, 1), **options)

    def one_channel(image, kernel, **options):
        image, kernel = np.asarray(image), np.asarray(kernel)
        if image.ndim == 3:
            image, kernel = image[..., :1], kernel[:, :, :1]
        return conv2d(image, kernel, **options)

    def averaged(image, kernel, **options):
        channels = image.shape[2] if np.ndim(image) == 3 else 1
        return conv2d(image, kernel, **options) / channels

    mistakes = [
        Mistake("never_flipped", _forget(conv2d, flip=False), "3/4"),
        Mistake("flipped_kernel", turned, "1/2"),
        Mistake("flipped_kernel", backwards, "1/2"),
        *(
            Mistake("half_flip", half(axis, only=only), "1/2")
            for axis in (0, 1)
            for only in (True, False)
        ),
        Mistake("valid_for_same", _valid_for_same(conv2d), "1/2"),
        Mistake("same_for_valid", _same_for_valid(conv2d), "1/4"),
        Mistake("stride_ignored", _forget(conv2d, stride=1), "1/2"),
        Mistake("dilation_ignored", _forget(conv2d, dilation=1), "1/2"),
        Mistake("padding_ignored", _forget(conv2d, padding=0), "1/2"),
        Mistake("one_channel_only", one_channel, "3/4"),
        Mistake("channels_averaged", averaged, "3/4"),
        Mistake("integer_overflow", _wrapped(conv2d), "1/4"),
        Mistake("transposed_axes", transposed, "1/4"),
    ]
    answers = ask.calls("conv2d", plain + more + flipped + colors)
    return judge(answers, groups, conv2d, mistakes)


# --- Pooling et ReLU -----------------------------------------------------------------


@question("ex00.pool2d")
def ask_pool2d(ask: Ask) -> Credit:
    """Résume des fenêtres : maximum, moyenne, somme, avec et sans padding."""
    rng = ask.rng
    image, odd = _integers(rng, 6, 8), _integers(rng, 7, 7)
    negative = -rng.integers(1, 50, (5, 7))
    plain = [
        ((image,), {}),
        ((image, 2), {}),
        ((negative, 3), {}),
        ((_integers(rng, 4, 6, 3), 2), {}),
    ]
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
    groups = [("1/2", plain), ("3/4", modes), ("1", padded)]

    def zeros(image, window=2, *, stride=None, padding=0, mode="max"):
        """Comme `pool2d`, mais les zéros du padding comptent."""
        image, window = as_numbers(image), per_axis(window)
        step = window if stride is None else stride
        reduce = {"max": np.max, "average": np.mean, "sum": np.sum}[mode]
        found = {}
        for position, patch in windows(image, window, stride=step, padding=padding):
            found[position] = reduce(patch, axis=(0, 1))
        rows, columns = (max(p[k] for p in found) + 1 for k in (0, 1))
        return [[found[i, j] for j in range(columns)] for i in range(rows)]

    def only(mode, when):
        def compute(image, window=2, *, stride=None, padding=0, **options):
            wanted = options.get("mode", "max")
            chosen = mode if wanted in when else wanted
            return pool2d(image, window, stride=stride, padding=padding, mode=chosen)

        return compute

    def stride_one(image, window=2, *, stride=None, **options):
        return pool2d(image, window, stride=1 if stride is None else stride, **options)

    def own_stride(image, window=2, *, stride=None, **options):
        return pool2d(image, window, **options)

    def zeros_when(wanted):
        def compute(image, window=2, **options):
            chosen = zeros if options.get("mode", "max") == wanted else pool2d
            return chosen(image, window, **options)

        return compute

    mistakes = [
        Mistake("pooling_stride", stride_one, "1/4"),
        Mistake("stride_ignored", own_stride, "1/2"),
        Mistake("average_for_max", only("average", ("max",)), "1/4"),
        Mistake("max_for_average", only("max", ("average", "sum")), "1/2"),
        Mistake("valid_for_same", _valid_for_same(pool2d), "3/4"),
        Mistake("padding_ignored", _forget(pool2d, padding=0), "3/4"),
        Mistake("padding_in_maximum", zeros_when("max"), "3/4"),
        Mistake("padding_in_average", zeros_when("average"), "3/4"),
        Mistake("padding_in_maximum", zeros, "3/4"),
    ]
    return judge(ask.calls("pool2d", plain + modes + padded), groups, pool2d, mistakes)


@question("ex00.relu")
def ask_relu(ask: Ask) -> Credit:
    """Met les négatives à zéro."""
    values = ask.rng.normal(0, 30, (4, 5))
    calls = [((values,), {}), ((np.array([-7, 0, 250, 300]),), {}), ((-np.abs(values[0]),), {})]
    mistakes = [
        Mistake("relu_forgotten", as_numbers),
        Mistake("absolute_value", np.abs),
        *(
            Mistake("bounded_relu", lambda x, top=top: np.clip(x, 0, top), "1/2")
            for top in (1, 6, 255)
        ),
        *(
            Mistake(
                "leaky_relu",
                lambda x, a=a: np.where(np.asarray(x) < 0, a * np.asarray(x), x),
                "1/2",
            )
            for a in (0.01, 0.1, 0.2, 0.3)
        ),
    ]
    return judge(ask.calls("relu", calls), [("1", calls)], relu, mistakes)


# --- Matrices ------------------------------------------------------------------------


@question("ex00.im2col")
def ask_im2col(ask: Ask) -> Credit:
    """Range les fenêtres en lignes."""
    image, right = _integers(ask.rng, 6, 7), matrices.im2col
    plain = [((image, (3, 2)), {}), ((_integers(ask.rng, 4, 5), (2, 2)), {})]
    more = [
        ((image, (3, 3)), {"stride": 2}),
        ((image, (3, 3)), {"padding": "same"}),
        ((_integers(ask.rng, 4, 5, 2), (2, 2)), {}),
        ((image, (2, 2)), {"dilation": 2}),
    ]

    def columns(*positional, **named):
        return right(*positional, **named).T

    mistakes = [
        Mistake("column_per_window", columns, "1/2"),
        Mistake("valid_for_same", _valid_for_same(right), "1/2"),
        Mistake("stride_ignored", _forget(right, stride=1), "1/2"),
        Mistake("dilation_ignored", _forget(right, dilation=1), "1/2"),
    ]
    return judge(ask.calls("im2col", plain + more), [("1/2", plain), ("1", more)], right, mistakes)


@question("ex00.toeplitz_matrix")
def ask_toeplitz(ask: Ask) -> Credit:
    """Écrit la convolution comme une matrice creuse."""
    right = matrices.toeplitz_matrix
    kernel = _asymmetric(ask.rng, 2, 3)
    plain = [((kernel, (4, 5)), {}), ((_asymmetric(ask.rng, 3, 3), (5, 5)), {})]
    more = [
        ((kernel, (5, 6)), {"stride": 2}),
        ((_asymmetric(ask.rng, 3, 3), (4, 5)), {"padding": "same"}),
        ((kernel, (6, 7)), {"dilation": 2}),
    ]

    def turned(kernel, shape, **options):
        return right(np.asarray(kernel)[::-1, ::-1], shape, **options)

    def columns(*positional, **named):
        return right(*positional, **named).T

    mistakes = [
        Mistake("flipped_kernel", turned, "1/2"),
        Mistake("column_per_window", columns, "1/2"),
        Mistake("valid_for_same", _valid_for_same(right), "1/2"),
        Mistake("stride_ignored", _forget(right, stride=1), "1/2"),
        Mistake("dilation_ignored", _forget(right, dilation=1), "1/2"),
    ]
    answers = ask.calls("toeplitz_matrix", plain + more)
    return judge(answers, [("1/2", plain), ("1", more)], right, mistakes)


@question("ex00.kernel_gradient")
def ask_kernel_gradient(ask: Ask) -> Credit:
    """Dérive la perte par rapport au noyau."""
    rng, right = ask.rng, matrices.kernel_gradient

    def call(image, kernel_shape, filters=(), **options):
        shape = conv2d(
            image[..., 0] if image.ndim == 3 else image, np.zeros(kernel_shape), **options
        ).shape
        return (image, _integers(rng, *shape, *filters), kernel_shape), options

    plain = [call(_integers(rng, 6, 7), (3, 2)), call(_integers(rng, 5, 5), (2, 2))]
    more = [
        call(_integers(rng, 7, 8), (3, 3), stride=2),
        call(_integers(rng, 5, 6), (3, 3), padding="same"),
        call(_integers(rng, 5, 6, 2), (2, 2), (3,)),
    ]

    def turned(image, output_gradient, kernel_shape, **options):
        return right(image, output_gradient, kernel_shape, **options)[::-1, ::-1]

    def averaged(image, output_gradient, kernel_shape, **options):
        positions = math.prod(np.shape(output_gradient)[:2])
        return right(image, output_gradient, kernel_shape, **options) / positions

    mistakes = [
        Mistake("flipped_kernel", turned, "1/2"),
        Mistake("gradient_averaged", averaged, "1/2"),
        Mistake("stride_ignored", _forget(right, stride=1), "1/2"),
        Mistake("padding_ignored", _forget(right, padding=0), "1/2"),
    ]
    answers = ask.calls("kernel_gradient", plain + more)
    return judge(answers, [("1/2", plain), ("1", more)], right, mistakes)


# --- X ou O ? ------------------------------------------------------------------------


@question("ex00.truncate")
def ask_truncate(ask: Ask) -> Credit:
    """Coupe vers zéro."""
    numerators = [int(n) for n in ask.rng.permutation([7, 5, 1, 28, 61, 8])]
    calls = [((Fraction(sign * n, 9),), {}) for n in numerators for sign in (1, -1)]
    calls += [((Fraction(5, 7), 3), {}), ((Fraction(-5, 3), 1), {})]

    def rounded(value, digits=2):
        return round(value, digits)

    def floored(value, digits=2):
        return Fraction(math.floor(value * 10**digits), 10**digits)

    mistakes = [Mistake("rounded", rounded), Mistake("floored", floored, "1/2")]
    return judge(ask.calls("truncate", calls), [("1", calls)], x_or_o.truncate, mistakes)


def _chain(picture, *, rectify=relu, padding="same", stride=2, mode="max", scale=Fraction(1, 9)):
    """Refait la chaîne avec, au choix, une erreur."""
    kernels = [x_or_o.read_picture(rows) for rows in x_or_o.FILTERS]
    maps = np.stack([conv2d(picture, kernel) * scale for kernel in kernels])
    rectified = rectify(maps)

    def pool(cards):
        return np.stack(
            [pool2d(each, 2, stride=stride, padding=padding, mode=mode) for each in cards]
        )

    pooled = pool(rectified)
    second = pool(rectify(pooled))
    return maps, rectified, pooled, second, second.reshape(-1)


@question("ex00.chain")
def ask_chain(ask: Ask) -> Credit:
    """Déroule la chaîne sur des images tirées au hasard, étage par étage."""
    pictures = [np.where(ask.rng.random((9, 9)) < 0.4, 1, -1) for _ in range(3)]
    answers = ask.calls("chain", [((picture,), {}) for picture in pictures])
    stages = ("maps", "rectified", "pooled", "second", "vector")
    found = []
    for answer in answers:
        value = answer.value
        if isinstance(value, messages.Record) and set(stages) <= set(value.fields):
            by_name = dict(zip(value.fields, value.values, strict=True))
            found.append([by_name[name] for name in stages])
        elif isinstance(value, tuple | list) and len(value) == len(stages):
            found.append(list(value))
        else:
            return credit(0, "wrong_type")

    def agrees(expected_of, count):
        return all(
            same(ours, theirs)
            for picture, values in zip(pictures, found, strict=True)
            for ours, theirs in zip(values[:count], expected_of(picture)[:count], strict=True)
        )

    if agrees(_chain, 5):
        return RIGHT

    def pooled_first(picture, *, named_by_place):
        maps, _, _, second, vector = _chain(picture)
        first = _chain(picture, rectify=as_numbers)[2]
        both = (first, relu(first)) if named_by_place else (relu(first), first)
        return maps, *both, second, vector

    for by_place in (False, True):
        if agrees(partial(pooled_first, named_by_place=by_place), 5):
            return credit("1/2", "pooling_before_relu")
    mistakes = [
        ("sum_for_mean", {"scale": Fraction(1)}, "1/4"),
        ("relu_forgotten", {"rectify": as_numbers}, "1/4"),
        ("absolute_value", {"rectify": np.abs}, "1/4"),
        ("pooling_valid", {"padding": "valid"}, "1/2"),
        ("pooling_stride", {"stride": 1}, "1/2"),
        ("average_for_max", {"mode": "average"}, "1/2"),
    ]
    for reason, options, level in mistakes:
        if agrees(lambda picture, options=options: _chain(picture, **options), 4):
            return credit(level, reason)
    levels = ("0", "1/4", "1/2", "1/2", "3/4")
    level = next(
        level for count, level in reversed(list(enumerate(levels))) if agrees(_chain, count)
    )
    if level == "3/4":
        vectors = [as_floats(values[4]) for values in found]
        pairs = zip(pictures, vectors, strict=True)
        if all(
            v is not None and same(np.sort(v, axis=None), np.sort(_chain(p)[4].astype(float)))
            for p, v in pairs
        ):
            return credit(level, "vector_order")
    return credit(level, "wrong_values")
