"""Exercice 01 : filtrer une image avec `tf.nn.conv2d`."""

from functools import partial

import numpy as np

from grading import pupil
from grading.questions import (
    RIGHT,
    Ask,
    Credit,
    Mistake,
    as_floats,
    credit,
    judge,
    numbers,
    question,
    same,
)

SOBEL = np.array([[-1, -2, -1], [0, 0, 0], [1, 2, 1]])
PREWITT = np.array([[-1, -1, -1], [0, 0, 0], [1, 1, 1]])
TOLERANCE = 1e-4  # TensorFlow calcule en float32
MODES = {"reflect": "reflect", "same": "constant", "valid": None}  # ce que `np.pad` met au bord


def _as_filters(kernels, channels) -> np.ndarray:
    return np.repeat(np.stack(kernels, axis=-1)[:, :, None], channels, axis=2)


def _correlate(image, filters, *, border="reflect", modes=MODES) -> np.ndarray:
    """Refait `convolve` en NumPy : réponses `(h', w', n)` float64."""
    image, filters = np.asarray(image, np.float64), np.asarray(filters, np.float64)
    kh, kw, depth, _ = filters.shape
    if image.shape[2] != depth:
        raise ValueError
    if modes[border]:
        around = [((kh - 1) // 2, kh // 2), ((kw - 1) // 2, kw // 2), (0, 0)]
        image = np.pad(image, around, mode=modes[border])
    patches = np.lib.stride_tricks.sliding_window_view(image, (kh, kw), axis=(0, 1))
    return np.einsum("hwcab,abcn->hwn", patches, filters)


@question("ex01.as_filters")
def ask_as_filters(ask: Ask) -> Credit:
    """Assemble des noyaux en filtres."""
    kernels = [ask.rng.integers(-9, 10, (2, 3)).astype(float) for _ in range(4)]
    calls = [((kernels, 3), {}), (([SOBEL, PREWITT], 3), {}), (([SOBEL], 1), {})]
    mistakes = [
        Mistake("channels_averaged", lambda k, c: _as_filters(k, c) / c, "1/2"),
        Mistake("transposed_axes", lambda k, c: _as_filters(np.swapaxes(k, 1, 2), c), "1/2"),
    ]
    return ask.judge("as_filters", [("1", calls)], _as_filters, mistakes, tolerance=TOLERANCE)


@question("ex01.convolve")
def ask_convolve(ask: Ask) -> Credit:
    """Applique des filtres, avec chacun des trois bords, puis de petits poids."""
    rng = ask.rng
    color = rng.integers(0, 256, (9, 12, 3)).astype(np.uint8)
    grey = rng.integers(0, 256, (7, 8, 1)).astype(np.uint8)
    filters = rng.integers(-5, 6, (3, 3, 3, 2)).astype(np.float32)
    small = rng.integers(-5, 6, (3, 2, 1, 1)).astype(np.float32)
    fine = rng.normal(0, 0.1, small.shape).astype(np.float32)
    groups = [
        (level, [((color, filters), {"border": border}), ((grey, small), {"border": border})])
        for level, border in (("1/2", "valid"), ("3/4", "same"), ("3/4", "reflect"))
    ]
    groups.append(("1", [((each, fine), {"border": "valid"}) for each in (color, grey)]))
    zeros = {**MODES, "reflect": "constant"}
    mistakes = [
        Mistake("integers_for_floats", lambda *given, **o: np.trunc(_correlate(*given, **o))),
        Mistake("response_divided", lambda *given, **o: _correlate(*given, **o) / 255, "3/4"),
        Mistake("flipped_kernel", lambda i, f, **o: _correlate(i, f[::-1, ::-1], **o), "1/2"),
        Mistake("zeros_for_reflect", partial(_correlate, modes=zeros)),
    ]
    return ask.judge("convolve", groups, _correlate, mistakes, tolerance=TOLERANCE)


def _chained(ask: Ask, calls) -> list[np.ndarray | None]:
    """Rend ce que donnent, enchaînées, les fonctions `as_filters` et `convolve` du rendu."""
    images = [image for (image, _), _ in calls]
    try:
        found = ask.calls("as_filters", [(([kernel], 3), {}) for (_, kernel), _ in calls])
        filters = [numbers(each, (3, 3, 3, 1)).astype(np.float32) for each in found]
        pairs = [(pair, {}) for pair in zip(images, filters, strict=True)]
        responses = zip(ask.calls("convolve", pairs), images, strict=True)
        return [numbers(each, (*image.shape[:2], 1))[..., 0] for each, image in responses]
    except pupil.Failure:
        return [None] * len(calls)


def _inner(answer: pupil.Answer, image) -> pupil.Answer:
    """Ôte le bord d'une réponse : il est l'affaire de `convolve`."""
    values = as_floats(answer.value)
    whole = values is not None and values.shape == image.shape[:2]
    return answer._replace(value=values[2:-2, 2:-2]) if whole else answer


def _patterns(ask: Ask, function: str, *, vertical: bool) -> Credit:
    """Note une direction : ce que font `as_filters` et `convolve` est déjà compté ailleurs."""
    image = ask.rng.integers(0, 256, (12, 15, 3)).astype(np.uint8)
    stripes = np.repeat(ask.rng.integers(0, 256, (16, 1, 3)), 13, axis=1).astype(np.uint8)
    odd = ask.rng.integers(-9, 10, (3, 3))
    images = [image, stripes, stripes.swapaxes(0, 1).copy()]
    calls = [((each, kernel), {}) for each in images for kernel in (SOBEL, PREWITT, odd)]

    def inside(image, kernel, *, turn=vertical):
        filters = _as_filters([kernel.T if turn else kernel], 3)
        return _correlate(image, filters)[2:-2, 2:-2, 0]

    found = ask.calls(function, calls)
    turned = [((each, kernel.T), {}) for (each, kernel), _ in calls]
    *own, first, second = _chained(ask, (turned if vertical else calls) + calls[:1] + turned[:1])
    if not same(first, second) and all(map(same, [each.value for each in found], own)):
        return RIGHT  # l'orientation compte, et rien d'autre n'est faux que ces deux fonctions
    mistakes = [
        Mistake("directions_swapped", partial(inside, turn=not vertical), "1/4"),
        Mistake("sign_reversed", lambda *given: -inside(*given), "1/2"),
        Mistake("absolute_value", lambda *given: abs(inside(*given)), "1/2"),
        Mistake("kernel_ignored", lambda image, kernel: inside(image, SOBEL), "1/2"),
    ]
    answers = [_inner(answer, each) for answer, ((each, _), _) in zip(found, calls, strict=True)]
    return judge(answers, [("1", calls)], inside, mistakes, tolerance=TOLERANCE)


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
    *answers, black = ask.calls(
        "to_grey_levels", [((each,), {}) for each in (response, -response, zeros)]
    )
    first, second = (numbers(each, response.shape) for each in answers)
    if np.asarray(answers[0].value).dtype != np.uint8:
        return credit(0, "wrong_type")
    grey = first.ravel()
    if not grey[::2].any():  # une valeur sur deux est négative
        return credit("1/2", "negatives_lost")
    if not same(first, second) or (np.diff(grey) < 0).any() or grey[-1] < 250 or grey[0] > 127:
        return credit("1/2", "wrong_values")
    return RIGHT if same(black.value, zeros) else credit("1/2", "not_a_number")
