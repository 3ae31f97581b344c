"""Exercice 01 : filtrer une image avec `tf.nn.conv2d`."""

from fractions import Fraction
from functools import partial

import numpy as np

from grading.asking import failures
from grading.asking.ask import shown_as
from grading.asking.credits import Wrong
from grading.questions import (
    RIGHT,
    TOLERANCE,
    VAGUE,
    Ask,
    Credit,
    Mistake,
    altered,
    as_floats,
    at_call,
    credit,
    filtering,
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
MISSED = {  # faute de `to_grey_levels`, et le rang de l'appel qui la montre
    **dict.fromkeys(
        ("wrong_type", "scale_of_one", "negatives_lost", "zero_not_black", "strong_is_dark"), 0
    ),
    **{"not_a_number": 2, "limit_ignored": 4, "strong_are_black": 4, "not_proportional": 4},
}
UNWHOLE = 70.37  # de poids entiers, divise une réponse sans jamais la laisser entière, ou presque
UNEVEN = 0.05  # écart des poids de deux canaux qu'aucun arrondi n'explique
NEAR_LEVELS = 2  # niveaux de gris qu'expliquent un arrondi, et 256 au lieu de 255
BORDERS = ("reflect", "same", "valid")
MODES = {"reflect": "reflect", "same": "constant"}  # ce que `np.pad` met au bord


def _as_filters(kernels, channels) -> np.ndarray:
    stacked = np.stack(kernels, axis=-1).astype(np.float32)
    return np.repeat(stacked[:, :, None], channels, axis=2)


def _averaged_filters(kernels, channels) -> np.ndarray:
    return _as_filters(kernels, channels) / channels


def _transposed_filters(kernels, channels) -> np.ndarray:
    return _as_filters(np.swapaxes(kernels, 1, 2), channels)


def _flipped_filters(kernels, channels) -> np.ndarray:
    return _as_filters(np.flip(kernels, (1, 2)), channels)


def _filters_of_one_kernel(kernels, channels, *, kept) -> np.ndarray:
    return _as_filters([kernels[kept]] * len(kernels), channels)


def _mixed_filters(kernels, channels) -> np.ndarray:
    """Met les noyaux sur le dernier axe par `reshape`, qui mêle leurs poids."""
    mixed = np.reshape(kernels, (*kernels[0].shape, len(kernels)))
    return _as_filters(np.moveaxis(mixed, -1, 0), channels)


def _filters_of_three_channels(kernels, channels) -> np.ndarray:
    return _as_filters(kernels, 3)


def _filters_of_one_channel(kernels, channels) -> np.ndarray:
    return _as_filters(kernels, 1)


def _margins(sides) -> list[tuple[int, int]]:
    """Rend les pixels ajoutés avant et après, pour que la réponse ait la taille de l'image."""
    return [((side - 1) // 2, side // 2) for side in sides]


def _margins_before(sides) -> list[tuple[int, int]]:
    return [(side // 2, (side - 1) // 2) for side in sides]


def _margins_of_one(sides) -> list[tuple[int, int]]:
    return [(1, 1) for _ in sides]


def _margins_exchanged(sides) -> list[tuple[int, int]]:
    return _margins(sides[::-1])


def _margins_twice(sides) -> list[tuple[int, int]]:
    return [(side - 1, side - 1) for side in sides]


def _correlate(
    image, filters, *, border="reflect", modes=MODES, margins=_margins, step=1
) -> np.ndarray:
    """Refait `convolve` en NumPy, avec, au choix, une erreur : réponses `(h', w', n)` float64."""
    if image.shape[2] != filters.shape[2] or border not in BORDERS:
        raise ValueError
    if border in modes:
        around = margins(filters.shape[:2])
        image = np.pad(image, [*around, (0, 0)], mode=modes[border])
    patches = np.lib.stride_tricks.sliding_window_view(image, filters.shape[:2], axis=(0, 1))
    patches = patches[::step, ::step]
    return np.einsum("hwcab,abcn->hwn", patches.astype(float), filters.astype(float))


def _reflected_by(mode: str) -> dict[str, str]:
    """Rend `MODES`, où le reflet est fait d'une autre façon."""
    return {**MODES, "reflect": mode}


def _of_first_channel(image, filters, **options) -> np.ndarray:
    if image.shape[2] != filters.shape[2]:
        raise ValueError
    return _correlate(image[..., :1], filters[:, :, :1], **options)


def _flipped(image, filters, **options) -> np.ndarray:
    return _correlate(image, filters[::-1, ::-1], **options)


def _with_whole_weights(image, filters, **options) -> np.ndarray:
    return _correlate(image, np.trunc(filters), **options)


def _with_weights_of_image(image, filters, **options) -> np.ndarray:
    """Met les poids au type de l'image, uint8, où -1 vaut 255."""
    return _correlate(image, np.mod(np.trunc(filters), 256), **options)


def _unknown_taken(image, filters, *, border="reflect", known) -> np.ndarray:
    """Prend un bord inconnu pour un autre."""
    return _correlate(image, filters, border=border if border in BORDERS else known)


def _reflected_then_padded(image, filters, *, border="reflect") -> np.ndarray:
    """Ajoute un reflet, puis encore les zéros de `same`."""
    if border != "reflect":
        return _correlate(image, filters, border=border)
    around = _margins(filters.shape[:2])
    return _correlate(np.pad(image, [*around, (0, 0)], mode="reflect"), filters, border="same")


def _divided_by_255(found: np.ndarray) -> np.ndarray:
    return found / 255


CONVOLVED = [
    Mistake("integers_for_floats", altered(_correlate, np.trunc)),
    Mistake("response_divided", altered(_correlate, _divided_by_255), "3/4"),
    Mistake("flipped_kernel", _flipped, "1/2"),
    Mistake("other_default_border", partial(_correlate, border="valid")),
    Mistake("other_default_border", partial(_correlate, border="same")),
    *(Mistake("unknown_border", partial(_unknown_taken, known=known)) for known in BORDERS),
    Mistake("zeros_for_reflect", altered(_correlate, modes=_reflected_by("constant"))),
    Mistake("edge_repeated", altered(_correlate, modes=_reflected_by("symmetric"))),
    Mistake("edge_repeated", altered(_correlate, modes=_reflected_by("edge"))),
    Mistake("border_of_one", partial(_correlate, margins=_margins_of_one)),
    Mistake("larger_after", partial(_correlate, margins=_margins_before)),
    Mistake("margins_exchanged", partial(_correlate, margins=_margins_exchanged)),
    Mistake("padded_twice", _reflected_then_padded),
    Mistake("padded_twice", partial(_correlate, margins=_margins_twice)),
    Mistake("border_ignored", altered(_correlate, border="valid")),
    Mistake("border_ignored", altered(_correlate, border="same")),
    Mistake("one_channel_only", _of_first_channel),
    Mistake("step_of_two", partial(_correlate, step=2)),
    Mistake("weights_truncated", _with_whole_weights),
    Mistake("weights_of_image_type", _with_weights_of_image),
]


@question("ex01.as_filters")
@filtering.of_program(filtering.judge_call)
def ask_as_filters(ask: Ask) -> Credit:
    """Assemble des noyaux en filtres, puis des noyaux entiers en filtres à virgule."""
    kernels = [ask.rng.integers(-9, 10, (2, 3)).astype(float) for _ in range(4)]
    whole = ([SOBEL, PREWITT], 3), {}
    mistakes = [
        Mistake("channels_averaged", _averaged_filters, "1/2"),
        Mistake("transposed_axes", _transposed_filters, "1/2"),
        Mistake("flipped_kernel", _flipped_filters),
        Mistake("channels_missing", _filters_of_one_channel),
        Mistake("always_three_channels", _filters_of_three_channels),
        Mistake("kernel_weights_mixed", _mixed_filters),
        Mistake("one_kernel_repeated", partial(_filters_of_one_kernel, kept=0)),
        Mistake("one_kernel_repeated", partial(_filters_of_one_kernel, kept=-1)),
    ]
    calls = [((kernels, 3), {}), whole, (([SOBEL], 1), {})]
    found = ask.judge("as_filters", [("1", calls)], _as_filters, mistakes, tolerance=TOLERANCE)
    if found.level < 1:
        return found
    [answer] = ask.calls("as_filters", [whole])
    if np.asarray(answer.value).dtype.kind == "f":
        return found
    expected = _as_filters(*whole[0])
    wrong = Wrong("as_filters", *whole, answer, expected, Fraction("1/2"))
    return Credit(Fraction("1/2"), "integers_for_floats", "", wrong)


@question("ex01.convolve")
@filtering.of_program(filtering.judge_tool)
def ask_convolve(ask: Ask) -> Credit:
    """Applique des filtres, avec chacun des trois bords, puis ce que la docstring dit de plus.

    De petits poids, le bord par défaut, un bord inconnu, et une image plus petite que le filtre.
    """
    color, grey = (pixels(ask.rng, *k) for k in ((9, 12, 3), (7, 8, 1)))
    filters = ask.rng.integers(-5, 6, (3, 3, 3, 2)).astype(np.float32)
    small = ask.rng.integers(-5, 6, (3, 2, 1, 1)).astype(np.float32)
    groups = [
        (level, [((color, filters), {"border": border}), ((grey, small), {"border": border})])
        for level, border in (("1/2", "valid"), ("3/4", "same"), ("3/4", "reflect"))
    ]
    last = [((each, small / UNWHOLE), {"border": "valid"}) for each in (color, grey)]
    last += [((color, filters), {}), ((grey, small), {"border": "mirror"})]
    last.append(((grey[:2], small), {"border": "valid"}))
    groups.append(("1", last))
    return ask.judge("convolve", groups, _correlate, CONVOLVED, tolerance=TOLERANCE)


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


def _whole(image, kernel, *, turn) -> np.ndarray:
    kernel = kernel.T if turn else kernel
    return _correlate(image, _as_filters([kernel], image.shape[2]))[..., 0]


def _inside(image, kernel, *, turn) -> np.ndarray:
    """Filtre une image, sans son bord : il est l'affaire de `convolve`."""
    return _whole(image, kernel, turn=turn)[2:-2, 2:-2]


def _both_ways(image, kernel) -> np.ndarray:
    return _inside(image, kernel, turn=False) + _inside(image, kernel, turn=True)


def _on_first_channel(image, kernel, *, turn) -> np.ndarray:
    return _inside(image[..., :1], kernel, turn=turn)


def _with_sobel(image, kernel, *, turn) -> np.ndarray:
    return _inside(image, SOBEL, turn=turn)


def _by_channel(image, kernel, *, turn) -> list[np.ndarray]:
    """Rend la réponse de chaque canal, sans son bord."""
    return [_inside(image[..., [k]], kernel, turn=turn) for k in range(image.shape[2])]


def _of_strongest_channel(image, kernel, *, turn) -> np.ndarray:
    return np.max(_by_channel(image, kernel, turn=turn), axis=0)


def _norm(image, kernel) -> np.ndarray:
    return np.hypot(_inside(image, kernel, turn=False), _inside(image, kernel, turn=True))


def _reversed_along(image, kernel, *, turn, axes) -> np.ndarray:
    return _inside(image, np.flip(kernel, axes), turn=turn)


def _pattern_mistakes(turn: bool) -> list[Mistake]:
    """Rend les erreurs connues d'une des deux directions."""
    right = partial(_inside, turn=turn)
    mirrored = [
        Mistake("kernel_not_transposed", partial(_reversed_along, turn=False, axes=axes))
        for axes in (1, 0, (0, 1))
    ]
    mistakes = [
        Mistake("directions_swapped", partial(_inside, turn=not turn), "1/4"),
        Mistake("sign_reversed", altered(right, np.negative), "1/2"),
        Mistake("absolute_value", altered(right, abs), "1/2"),
        Mistake("kernel_ignored", partial(_with_sobel, turn=turn), "1/2"),
        Mistake("one_channel_only", partial(_on_first_channel, turn=turn)),
        Mistake("strongest_channel_only", partial(_of_strongest_channel, turn=turn)),
        Mistake("integers_for_floats", altered(right, np.trunc), "1/2"),
    ]
    mistakes += [
        Mistake("both_directions", _both_ways),
        Mistake("norm_for_direction", _norm),
        Mistake("flipped_kernel", partial(_reversed_along, turn=turn, axes=(0, 1))),
        Mistake("kernel_reversed", partial(_reversed_along, turn=turn, axes=0)),
        Mistake("kernel_reversed", partial(_reversed_along, turn=turn, axes=1)),
        *(mirrored if turn else ()),
    ]
    return mistakes


def _response(answer: failures.Answer) -> np.ndarray:
    """Rend une réponse de la taille de l'image.

    Raises:
        Failure: elle a une autre taille, ou elle est déjà changée en niveaux de gris.
    """
    found = numbers(answer)
    forms = f"forme attendue {SIDES}, rendue {found.shape}"
    if found.shape == (*SIDES, 1):
        raise failures.Failure("other_axes", forms)
    if found.shape == SIDES[::-1]:
        raise failures.Failure("sides_swapped", forms)
    if found.shape == (SIDES[1], 1):
        raise failures.Failure("first_line_of_response", forms)
    if found.ndim == 2 and found.shape < SIDES:
        raise failures.Failure("border_lost", forms)
    found = numbers(answer, SIDES)
    if np.asarray(answer.value).dtype == np.uint8:
        raise failures.Failure("grey_for_response")
    return found


@question("ex01.horizontal_patterns")
@question("ex01.vertical_patterns")
@filtering.of_program(filtering.judge_patterns)
def ask_patterns(ask: Ask) -> Credit:
    """Fait ressortir les lignes d'une direction.

    Ce que font `as_filters` et `convolve` est déjà compté ailleurs.
    """
    vertical = ask.rule.name == "vertical_patterns"
    shapes = (*SIDES, 3), (SIDES[0], 1, 3), (1, SIDES[1], 3)  # du hasard, des lignes, des colonnes
    images = [ask.rng.integers(0, 256, each) + np.zeros((*SIDES, 3)) for each in shapes]
    kernels = (SOBEL, PREWITT, ask.rng.integers(-9, 10, (3, 3)) / 16)
    calls = [((each.astype(np.uint8), kernel), {}) for each in images for kernel in kernels]
    turned = [((each, kernel.T), {}) for (each, kernel), _ in calls]
    found = [_response(each) for each in ask.calls(ask.rule.name, calls)]
    own, other = _chained(ask, calls), _chained(ask, turned)
    if not same(own, other) and same(found, other if vertical else own):
        return RIGHT  # l'orientation compte, et rien d'autre n'est faux que ces deux fonctions
    answered = judge(
        [failures.Answer(each[2:-2, 2:-2]) for each in found],
        [("1", calls)],
        partial(_inside, turn=vertical),
        _pattern_mistakes(vertical),
        tolerance=TOLERANCE,
    )
    right = [_whole(*each, turn=vertical) for each, _ in calls]
    known = [other if vertical else own, right]
    if answered.level == 1 and not any(same(found, each, tolerance=TOLERANCE) for each in known):
        answered = _with_other_border(calls, found, right)
    if answered.reason in VAGUE:
        answered = answered._replace(**_unexplained(calls, found, right, turn=vertical))
    answered = shown_as(answered, ask.rule.name, calls, calls)
    return _shown_whole(answered, calls, found, right)


def _unexplained(calls, found, right, *, turn) -> dict[str, str]:
    """Cherche, d'une réponse qu'aucune erreur connue n'explique, ce qui est fait des canaux."""
    if _overflows(calls, found, right):
        return {"reason": "integer_overflow", "detail": ""}
    return {"reason": "channels_uneven", "detail": ""} if _is_weighted(calls, found, turn) else {}


def _overflows(calls, found, right) -> bool:
    """Dit si, des noyaux d'entiers, seul le reste de la division par 256 est juste."""
    gaps = np.array(
        [
            ours - theirs
            for ((_, kernel), _), ours, theirs in zip(calls, found, right, strict=True)
            if kernel.dtype.kind == "i"
        ]
    )
    turns = gaps / 256
    return bool(gaps.any()) and np.allclose(turns, turns.round(), atol=1e-3)


def _is_weighted(calls, found, turn) -> bool:
    """Dit si la réponse est une somme des canaux où ils n'ont pas tous le même poids."""
    each = [np.stack(_by_channel(*positional, turn=turn), axis=-1) for positional, _ in calls]
    channels = np.concatenate([values.reshape(-1, values.shape[-1]) for values in each])
    inside = np.concatenate([ours[2:-2, 2:-2].ravel() for ours in found])
    weights = np.linalg.lstsq(channels, inside, rcond=None)[0]
    return bool(np.ptp(weights) > UNEVEN) and same(channels @ weights, inside, tolerance=1e-3)


def _with_other_border(calls, found, right) -> Credit:
    """Rend le crédit d'une réponse dont seul le bord est faux, et le premier appel où il l'est."""
    (positional, named), ours, theirs = next(
        row
        for row in zip(calls, found, right, strict=True)
        if not same(*row[1:], tolerance=TOLERANCE)
    )
    wrong = Wrong("", positional, named, failures.Answer(ours), theirs, Fraction("1/2"))
    return Credit(Fraction("3/4"), "other_border", "", wrong)


def _shown_whole(answered: Credit, calls, found, right) -> Credit:
    """Note dans un crédit la réponse entière, son bord compris."""
    if answered.wrong is None:
        return answered
    number = next(k for k, each in enumerate(calls) if each[0] is answered.wrong.positional)
    whole = (failures.Answer(found[number]), right[number])
    return answered._replace(wrong=answered.wrong._replace(whole=whole))


@question("ex01.to_grey_levels")
@filtering.of_program(filtering.judge_shown)
def ask_to_grey_levels(ask: Ask) -> Credit:
    """Rend une réponse visible ; toute échelle croissante convient, et `limit` peut manquer.

    De qui a l'argument `limit`, l'échelle est jugée, qu'il soit donné ou non.
    """
    rising = np.sort(ask.rng.permutation(np.arange(1.0, 400.0))[:48])
    response = (rising * np.where(np.arange(48) % 2, 1, -1)).reshape(6, 8)
    spiky = np.append(np.zeros(997), [9e3, 3e4, 1e5]).reshape(40, 25)  # plus forts que l'échelle
    spiky[0, :4] = response[0, :4]
    calls = [((each,), {}) for each in (response, -response, np.zeros((4, 5)), spiky)]
    limit = float(rising[12])
    limited = [((response,), {"limit": limit}), ((response / 9,), {"limit": limit * 9})]
    limited = limited if "limit" in ask.parameters("to_grey_levels") else []
    found = ask.calls("to_grey_levels", calls + limited)
    nothing = [k for k, each in enumerate(found) if each.value is None and not each.error]
    if nothing:
        call = (calls + limited)[nothing[0]]
        return _at_levels(credit(0, "wrong_type"), call, found[nothing[0]])
    *answers, black, cut = found[: len(calls)]
    first, second = (numbers(each, response.shape) for each in answers)
    grey, by_value = first.ravel(), first.ravel()[np.argsort(response.ravel())]
    mirrored = same(first, second)  # une réponse et son opposée se montrent de même
    wrong_type = np.asarray(answers[0].value).dtype != np.uint8
    negatives_lost = not grey[::2].any()  # une valeur sur deux est négative
    rises = (np.diff(by_value) >= 0).all()
    wraps = _falls(answers[0], response) if mirrored else same(first, np.trunc(response) % 256)
    wraps |= (np.diff(numbers(cut, spiky.shape)[-1, -4:]) < 0).any()
    wraps |= bool(limited) and _falls(found[-2], response)
    falls = mirrored and grey[0] > grey[-1] and (np.diff(grey) <= 0).all()
    too_short = grey[-1] < 250 or grey[0] > 127
    strengths = [np.abs(each[0]) for each, _ in limited]
    bent = not all(map(_is_straight, found[-2:], strengths))
    cut_off = bool(limited) and _is_cut_off(found[-2], strengths[0], limit)
    are_near = _is_near(first, response), _is_near(numbers(cut), spiky)
    at_limit = bool(limited) and _is_limited(found[-2:], response, limit)
    fault = first_fault(
        (0, "wrong_type", wrong_type),
        ("1/2", "scale_of_one", 0 < grey.max() <= 1),
        ("1/2", "negatives_lost", negatives_lost),
        ("1/2", "zero_not_black", not mirrored and rises),
        ("1/2", "strong_is_dark", falls),
        ("1/2", "strong_are_black", cut_off),
        ("1/2", "grey_wraps", wraps),
        ("3/4", "visible_limit_ignored", not mirrored and at_limit and not bent),
        ("1/2", "wrong_values", not mirrored),
        ("1/2", "not_proportional", limited and bent),
        ("1/2", "scale_too_short", too_short),
        ("1/2", "not_a_number", not same(black.value, np.zeros((4, 5)))),
        ("1/2", "limit_ignored", limited and not at_limit),
        ("3/4", "visible_limit_ignored", limited and not all(are_near)),
    )
    number = MISSED.get(fault.reason)
    if fault.reason == "visible_limit_ignored":
        number = next(k for k in (0, 1, 3) if not _is_near(numbers(found[k]), *calls[k][0]))
    if number is None:
        return fault
    return _at_levels(fault, (calls + limited)[number], found[number])


def _at_levels(fault: Credit, call: tuple, answer: failures.Answer) -> Credit:
    """Note dans un crédit l'appel de `to_grey_levels` qui montre la faute."""
    grey = np.zeros(np.shape(call[0][0]), np.uint8)  # de quoi dire sa forme et son type
    return at_call(fault, "to_grey_levels", call, answer, grey)


def _falls(answer, response: np.ndarray) -> bool:
    """Dit si une réponse plus forte est parfois plus sombre."""
    grey = None if answer.error else as_floats(answer.value)
    order = np.argsort(np.abs(response), axis=None)
    return np.shape(grey) == response.shape and bool((np.diff(grey.ravel()[order]) < 0).any())


def _is_near(grey: np.ndarray, response: np.ndarray) -> bool:
    """Dit si l'échelle est celle de `visible_limit`, dépassé par un pixel sur deux cents."""
    limit = np.percentile(np.abs(response), 99.5, method="higher")
    return bool((np.abs(grey - _shown(response, limit)) <= NEAR_LEVELS).all())


def _shown(response: np.ndarray, limit: float) -> np.ndarray:
    """Rend les niveaux de gris d'une réponse, avant l'arrondi."""
    return 255 * np.minimum(np.abs(response) / limit, 1)


def _is_straight(answer, strength: np.ndarray) -> bool:
    """Dit si, sous le blanc, le gris est proportionnel à la force de la réponse."""
    grey = None if answer.error else as_floats(answer.value)
    if np.shape(grey) != strength.shape:
        return True  # c'est une autre faute
    below = grey < 250
    grey, strength = grey[below], strength[below]
    slope = grey @ strength / max(strength @ strength, 1)
    return bool((np.abs(grey - slope * strength) <= NEAR_LEVELS).all())


def _is_cut_off(answer, strength: np.ndarray, limit: float) -> bool:
    """Dit si tout ce qui dépasse `limit` est noir, et qu'autre chose ne l'est pas."""
    grey = None if answer.error else as_floats(answer.value)
    if np.shape(grey) != strength.shape:
        return False
    return bool(grey.any()) and not grey[strength > limit].any()


def _is_limited(answers, response: np.ndarray, limit: float) -> bool:
    """Dit si ce qui atteint `limit` est blanc, et si ce qui en reste loin ne l'est pas."""
    high, low = (None if each.error else as_floats(each.value) for each in answers)
    if np.shape(high) != response.shape or np.shape(low) != response.shape:
        return False
    return high[np.abs(response) >= limit].min() >= 250 and low.max() < 250
