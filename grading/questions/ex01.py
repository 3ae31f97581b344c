"""Exercice 01 : filtrer une image avec `tf.nn.conv2d`."""

from functools import partial

import numpy as np

from grading.asking import failures
from grading.questions import (
    RIGHT,
    TOLERANCE,
    Ask,
    Credit,
    Mistake,
    altered,
    first_fault,
    judge,
    numbers,
    pixels,
    question,
    same,
)

SOBEL = np.array([[-1, -2, -1], [0, 0, 0], [1, 2, 1]])
PREWITT = np.array([[-1, -1, -1], [0, 0, 0], [1, 1, 1]])
SIDES = (12, 15)  # d'une image à motifs
MODES = {"reflect": "reflect", "same": "constant"}  # ce que `np.pad` met au bord


def _as_filters(kernels, channels) -> np.ndarray:
    return np.repeat(np.stack(kernels, axis=-1)[:, :, None], channels, axis=2)


def _correlate(image, filters, *, border="reflect", modes=MODES) -> np.ndarray:
    """Refait `convolve` en NumPy : réponses `(h', w', n)` float64."""
    if image.shape[2] != filters.shape[2]:
        raise ValueError
    if border in modes:
        around = [((side - 1) // 2, side // 2) for side in filters.shape[:2]]
        image = np.pad(image, [*around, (0, 0)], mode=modes[border])
    patches = np.lib.stride_tricks.sliding_window_view(image, filters.shape[:2], axis=(0, 1))
    return np.einsum("hwcab,abcn->hwn", patches.astype(float), filters.astype(float))


@question("ex01.as_filters")
def ask_as_filters(ask: Ask) -> Credit:
    """Assemble des noyaux en filtres."""
    kernels = [ask.rng.integers(-9, 10, (2, 3)).astype(float) for _ in range(4)]
    return ask.judge(
        "as_filters",
        [("1", [((kernels, 3), {}), (([SOBEL, PREWITT], 3), {}), (([SOBEL], 1), {})])],
        _as_filters,
        [
            Mistake("channels_averaged", lambda k, c: _as_filters(k, c) / c, "1/2"),
            Mistake("transposed_axes", lambda k, c: _as_filters(np.swapaxes(k, 1, 2), c), "1/2"),
        ],
        tolerance=TOLERANCE,
    )


@question("ex01.convolve")
def ask_convolve(ask: Ask) -> Credit:
    """Applique des filtres, avec chacun des trois bords, puis de petits poids."""
    color, grey = (pixels(ask.rng, *k) for k in ((9, 12, 3), (7, 8, 1)))
    filters = ask.rng.integers(-5, 6, (3, 3, 3, 2)).astype(np.float32)
    small = ask.rng.integers(-5, 6, (3, 2, 1, 1)).astype(np.float32)
    groups = [
        (level, [((color, filters), {"border": border}), ((grey, small), {"border": border})])
        for level, border in (("1/2", "valid"), ("3/4", "same"), ("3/4", "reflect"))
    ]
    groups.append(("1", [((each, small / 70), {"border": "valid"}) for each in (color, grey)]))
    return ask.judge(
        "convolve",
        groups,
        _correlate,
        [
            Mistake("integers_for_floats", altered(_correlate, np.trunc)),
            Mistake("response_divided", altered(_correlate, lambda found: found / 255), "3/4"),
            Mistake("flipped_kernel", lambda i, f, **o: _correlate(i, f[::-1, ::-1], **o), "1/2"),
            Mistake(
                "zeros_for_reflect", partial(_correlate, modes=dict.fromkeys(MODES, "constant"))
            ),
        ],
        tolerance=TOLERANCE,
    )


def _chained(ask: Ask, calls) -> list[np.ndarray]:
    """Enchaîne les fonctions `as_filters` et `convolve` du rendu ; vide si l'une échoue."""
    try:
        found = ask.calls("as_filters", [(([kernel], 3), {}) for (_, kernel), _ in calls])
        filters = [numbers(each, (3, 3, 3, 1)).astype(np.float32) for each in found]
        pairs = zip(calls, filters, strict=True)
        found = ask.calls("convolve", [((image, each), {}) for ((image, _), _), each in pairs])
        return [numbers(each, (*SIDES, 1))[..., 0] for each in found]
    except failures.Failure:
        return []


def _inside(image, kernel, *, turn) -> np.ndarray:
    """Filtre une image, sans son bord : il est l'affaire de `convolve`."""
    return _correlate(image, _as_filters([kernel.T if turn else kernel], 3))[2:-2, 2:-2, 0]


@question("ex01.horizontal_patterns")
@question("ex01.vertical_patterns")
def ask_patterns(ask: Ask) -> Credit:
    """Fait ressortir les lignes d'une direction.

    Ce que font `as_filters` et `convolve` est déjà compté ailleurs.
    """
    vertical = ask.rule.name == "vertical_patterns"
    shapes = (*SIDES, 3), (SIDES[0], 1, 3), (1, SIDES[1], 3)  # du hasard, des lignes, des colonnes
    images = [ask.rng.integers(0, 256, each) + np.zeros((*SIDES, 3)) for each in shapes]
    kernels = (SOBEL, PREWITT, ask.rng.integers(-9, 10, (3, 3)))
    calls = [((each.astype(np.uint8), kernel), {}) for each in images for kernel in kernels]
    turned = [((each, kernel.T), {}) for (each, kernel), _ in calls]
    found = [numbers(each, SIDES) for each in ask.calls(ask.rule.name, calls)]
    own, other = _chained(ask, calls), _chained(ask, turned)
    if not same(own, other) and same(found, other if vertical else own):
        return RIGHT  # l'orientation compte, et rien d'autre n'est faux que ces deux fonctions
    right = partial(_inside, turn=vertical)
    return judge(
        [failures.Answer(each[2:-2, 2:-2]) for each in found],
        [("1", calls)],
        right,
        [
            Mistake("directions_swapped", partial(_inside, turn=not vertical), "1/4"),
            Mistake("sign_reversed", altered(right, np.negative), "1/2"),
            Mistake("absolute_value", altered(right, abs), "1/2"),
            Mistake("kernel_ignored", lambda image, kernel: right(image, SOBEL), "1/2"),
        ],
        tolerance=TOLERANCE,
    )


@question("ex01.to_grey_levels")
def ask_to_grey_levels(ask: Ask) -> Credit:
    """Rend une réponse visible ; toute échelle croissante convient."""
    rising = np.sort(ask.rng.permutation(np.arange(1.0, 400.0))[:48])
    response = (rising * np.where(np.arange(48) % 2, 1, -1)).reshape(6, 8)
    calls = [((each,), {}) for each in (response, -response, np.zeros((4, 5)))]
    *answers, black = ask.calls("to_grey_levels", calls)
    first, second = (numbers(each, response.shape) for each in answers)
    grey = first.ravel()
    return first_fault(
        (0, "wrong_type", np.asarray(answers[0].value).dtype != np.uint8),
        ("1/2", "negatives_lost", not grey[::2].any()),  # une valeur sur deux est négative
        ("1/2", "wrong_values", not same(first, second) or (np.diff(grey) < 0).any()),
        ("1/2", "wrong_values", grey[-1] < 250 or grey[0] > 127),
        ("1/2", "not_a_number", not same(black.value, np.zeros((4, 5)))),
    )
