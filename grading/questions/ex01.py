"""Exercice 01 : filtrer une image avec `tf.nn.conv2d`."""

import numpy as np

from grading import pupil
from grading.questions import (
    RIGHT,
    Ask,
    Credit,
    Mistake,
    as_floats,
    credit,
    failed,
    judge,
    question,
    same,
)

SOBEL = np.array([[-1, -2, -1], [0, 0, 0], [1, 2, 1]])
PREWITT = np.array([[-1, -1, -1], [0, 0, 0], [1, 1, 1]])
TOLERANCE = 1e-4  # TensorFlow calcule en float32


def _correlate(image, filters, *, border="reflect", mode="reflect") -> np.ndarray:
    """Refait `convolve` en NumPy : réponses `(h', w', n)` float64."""
    image, filters = np.asarray(image, np.float64), np.asarray(filters, np.float64)
    (height, width, channels), (kh, kw, depth, _) = image.shape, filters.shape
    if channels != depth or border not in ("reflect", "same", "valid"):
        raise ValueError
    if border != "valid":
        around = [((kh - 1) // 2, kh // 2), ((kw - 1) // 2, kw // 2), (0, 0)]
        image = np.pad(image, around, mode=mode if border == "reflect" else "constant")
    elif height < kh or width < kw:
        raise ValueError
    patches = np.lib.stride_tricks.sliding_window_view(image, (kh, kw), axis=(0, 1))
    return np.einsum("hwcab,abcn->hwn", patches, filters)


@question("ex01.as_filters")
def ask_as_filters(ask: Ask) -> Credit:
    """Assemble des noyaux en filtres."""
    rng = ask.rng
    kernels = [rng.integers(-9, 10, (2, 3)).astype(float) for _ in range(4)]
    calls = [((kernels, 3), {}), (([SOBEL, PREWITT], 3), {}), (([SOBEL], 1), {})]

    def right(kernels, channels):
        return np.repeat(np.stack(kernels, axis=-1)[:, :, None], channels, axis=2)

    def first(kernels, channels):
        found = right(kernels, channels)
        found[:, :, 1:] = 0
        return found

    mistakes = [
        Mistake("channels_averaged", lambda k, c: right(k, c) / c, "1/2"),
        Mistake("flipped_kernel", lambda k, c: right(k, c)[::-1, ::-1], "1/2"),
        Mistake("transposed_axes", lambda k, c: right([np.transpose(e) for e in k], c), "1/2"),
        Mistake("one_channel_only", first, "1/2"),
    ]
    answers = ask.calls("as_filters", calls)
    return judge(answers, [("1", calls)], right, mistakes, tolerance=TOLERANCE)


@question("ex01.convolve")
def ask_convolve(ask: Ask) -> Credit:
    """Applique des filtres, avec chacun des trois bords."""
    rng = ask.rng
    color = rng.integers(0, 256, (9, 12, 3)).astype(np.uint8)
    grey = rng.integers(0, 256, (7, 8, 1)).astype(np.uint8)
    filters = rng.integers(-5, 6, (3, 3, 3, 2)).astype(np.float32)
    small = rng.integers(-5, 6, (3, 2, 1, 1)).astype(np.float32)
    groups = [
        (level, [((color, filters), {"border": border}), ((grey, small), {"border": border})])
        for level, border in (("1/2", "valid"), ("3/4", "same"), ("3/4", "reflect"))
    ]
    groups.append(("1", [((color, small), {"border": "valid"})]))
    calls = [call for _, each in groups for call in each]

    def turned(image, filters, **options):
        return _correlate(image, np.asarray(filters)[::-1, ::-1], **options)

    def renamed(wrong, instead):
        def compute(image, filters, *, border="reflect"):
            return _correlate(image, filters, border=instead if border == wrong else border)

        return compute

    def clipped(image, filters, **options):
        return np.clip(_correlate(image, filters, **options), 0, 255)

    def wrapped(image, filters, **options):
        return _correlate(image, filters, **options).astype(np.int64).astype(np.uint8)

    def first(image, filters, **options):
        return _correlate(image[..., :1], filters[:, :, :1], **options)

    def averaged(image, filters, **options):
        return _correlate(image, filters, **options) / image.shape[2]

    def transposed(image, filters, **options):
        return _correlate(image, np.asarray(filters).swapaxes(0, 1), **options)

    def repeated(image, filters, *, border="reflect"):
        return _correlate(image, filters, border=border, mode="symmetric")

    def divided(image, filters, **options):
        return _correlate(image, filters, **options) / 255

    mistakes = [
        Mistake("response_divided", divided, "3/4"),
        Mistake("flipped_kernel", turned, "1/2"),
        Mistake("zeros_for_reflect", renamed("reflect", "same"), "1/2"),
        Mistake("edge_repeated", repeated, "3/4"),
        Mistake("valid_for_same", renamed("same", "valid"), "1/2"),
        Mistake("same_for_valid", renamed("valid", "same"), "1/4"),
        Mistake("values_clipped", clipped, "1/4"),
        Mistake("integer_overflow", wrapped, "1/4"),
        Mistake("channels_averaged", averaged, "1/2"),
        Mistake("one_channel_only", first, "1/4"),
        Mistake("transposed_axes", transposed, "1/4"),
    ]
    fine = ((grey, rng.normal(0, 0.1, small.shape).astype(np.float32)), {"border": "valid"})
    *answers, last = ask.calls("convolve", [*calls, fine])
    found = judge(answers, groups, _correlate, mistakes, tolerance=TOLERANCE)
    return found if found.level < 1 else _credit_fractions(last, fine)


def _credit_fractions(answer: pupil.Answer, call: tuple) -> Credit:
    """Regarde ce que deviennent les décimales : tout le reste est juste."""

    def whole(finish):
        return lambda image, filters, **options: finish(_correlate(image, filters, **options))

    mistakes = [Mistake("integers_for_floats", whole(each)) for each in (np.trunc, np.rint)]
    found = judge([answer], [("1", [call])], _correlate, mistakes, tolerance=TOLERANCE)
    return found if found.level == 1 else credit("3/4", found.reason, found.detail)


def _patterns(ask: Ask, function: str, *, vertical: bool) -> Credit:
    """Note une direction, sur l'intérieur de l'image : le bord est l'affaire de `convolve`."""
    rng = ask.rng
    image = rng.integers(0, 256, (12, 15, 3)).astype(np.uint8)
    stripes = np.repeat(rng.integers(0, 256, (16, 1, 3)), 13, axis=1).astype(np.uint8)
    odd = rng.integers(-9, 10, (3, 3))
    images = [image, stripes, stripes.swapaxes(0, 1).copy()]
    calls = [((each, kernel), {}) for each in images for kernel in (SOBEL, PREWITT, odd)]

    def inside(image, kernel, *, turn=vertical):
        kernel = np.asarray(kernel)
        filters = np.repeat((kernel.T if turn else kernel)[:, :, None, None], 3, axis=2)
        return _correlate(image, filters)[2:-2, 2:-2, 0]

    def always(image, kernel):
        return inside(image, SOBEL)

    mistakes = [
        Mistake("response_divided", lambda i, k: inside(i, k) / 255, "1"),
        Mistake("directions_swapped", lambda i, k: inside(i, k, turn=not vertical), "1/4"),
        Mistake("sign_reversed", lambda i, k: -inside(i, k), "1/2"),
        Mistake("flipped_kernel", lambda i, k: inside(i, k[::-1, ::-1]), "1/2"),
        Mistake("absolute_value", lambda i, k: np.abs(inside(i, k)), "1/2"),
        Mistake("values_clipped", lambda i, k: np.clip(inside(i, k), 0, 255), "1/4"),
        Mistake("kernel_ignored", always, "1/2"),
        Mistake("channels_averaged", lambda i, k: inside(i, k) / 3, "3/4"),
        Mistake(
            "one_channel_only", lambda i, k: inside(np.repeat(i[..., :1], 3, axis=2), k) / 3, "1/2"
        ),
    ]
    answers = []
    for (positional, _), answer in zip(calls, ask.calls(function, calls), strict=True):
        value = as_floats(answer.value)
        if value is not None and value.shape == positional[0].shape[:2]:
            answer = pupil.Answer(value[2:-2, 2:-2])
        answers.append(answer)
    found = judge(answers, [("1", calls)], inside, mistakes, tolerance=TOLERANCE)
    return RIGHT if found.level == 1 else found  # une échelle : `convolve` l'a déjà comptée


@question("ex01.horizontal_patterns")
def ask_horizontal(ask: Ask) -> Credit:
    """Fait ressortir les lignes horizontales."""
    return _patterns(ask, "horizontal_patterns", vertical=False)


@question("ex01.vertical_patterns")
def ask_vertical(ask: Ask) -> Credit:
    """Fait ressortir les lignes verticales."""
    return _patterns(ask, "vertical_patterns", vertical=True)


@question("ex01.to_grey_levels")
def ask_to_grey_levels(ask: Ask) -> Credit:
    """Rend une réponse visible ; toute échelle croissante convient."""
    rising = np.sort(ask.rng.permutation(np.arange(1.0, 400.0))[:48])
    response = (rising * np.where(np.arange(48) % 2, 1, -1)).reshape(6, 8)
    zeros = np.zeros((4, 5))
    answers = ask.calls("to_grey_levels", [((each,), {}) for each in (response, -response, zeros)])
    for answer in answers[:2]:
        if answer.error:
            return failed(answer)
    first, second, black = (
        np.asarray(answer.value) if not answer.error else None for answer in answers
    )
    if first.dtype != np.uint8:
        return credit(0, "wrong_type", f"{first.dtype} reçu")
    if first.shape != response.shape:
        return credit(0, "wrong_shape")
    signs = response.ravel() < 0
    grey = first.ravel().astype(int)
    if not grey[signs].any():
        return credit("1/2", "negatives_lost")
    if not same(first, second) or (np.diff(grey) < 0).any() or grey[-1] < 250 or grey[0] > 127:
        return credit("1/2", "wrong_values")
    if black is None or black.any() or black.shape != zeros.shape:
        return credit("1/2", "not_a_number")
    return RIGHT
