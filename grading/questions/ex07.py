"""Exercice 07 : cacher l'image carré par carré, et mesurer ce que la classe y perd."""

import itertools
import types
import warnings
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from grading import sealed
from grading.asking.failures import Answer, Failure
from grading.questions import (
    TOLERANCE,
    Ask,
    Credit,
    Mistake,
    altered,
    as_floats,
    pixels,
    question,
    same,
)
from grading.questions.heatmaps import (
    CLASS,
    LIKELIEST,
    NUM_CLASSES,
    ask_bounded,
    clipped,
    glance,
    linear,
    probabilities,
)

OURS = sealed.module("ex07_occlusion")

SHAPE = (9, 13, 3)


BLACK, GREY = np.zeros(3), np.full(3, 128)  # celles de l'énoncé
HALF = np.full(3, 127.5)  # le milieu exact de l'échelle, qui fait 0,5 une fois divisé
COLORS = (0, 1)  # les axes d'une image, sans celui des couleurs
JUST_UNDER, JUST_OVER = -1, 1  # restes d'une moyenne : coupée, ou prise au-dessus, elle change


def _rounded_mean(image: np.ndarray) -> np.ndarray:
    """Rend la couleur moyenne, comme l'énoncé la demande."""
    return np.rint(image.mean(COLORS))


def _truncated_mean(image: np.ndarray) -> np.ndarray:
    return np.floor(image.mean(COLORS))


def _exact_mean(image: np.ndarray) -> np.ndarray:
    return image.mean(COLORS)


def _mean_of_all(image: np.ndarray) -> np.ndarray:
    return np.full(3, np.rint(image.mean()))


def _mean_of_columns(image: np.ndarray) -> np.ndarray:
    return np.rint(image.mean(0))


def _mean_of_rows(image: np.ndarray) -> np.ndarray:
    return np.rint(image.mean(1))


def _mean_of_each_row(image: np.ndarray) -> np.ndarray:
    return np.rint(image.mean((1, 2)))


def _mean_above(image: np.ndarray) -> np.ndarray:
    return np.ceil(image.mean(COLORS))


def _mean_of_bytes(image: np.ndarray) -> np.ndarray:
    """Additionne des octets : la somme déborde."""
    return np.rint(image.sum(COLORS, dtype=np.uint8) / image[..., 0].size)


def _rounded_share(image: np.ndarray) -> np.ndarray:
    """Divise par 255, puis arrondit : il ne reste que des 0 et des 1."""
    return np.rint(image.mean(COLORS) / 255)


def _median(image: np.ndarray) -> np.ndarray:
    return np.rint(np.median(image, COLORS))


def _one_color(color: np.ndarray, image: np.ndarray) -> np.ndarray:
    return color


def _as_image(color: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Étend une couleur à l'image entière."""
    return np.broadcast_to(color, image.shape)


def _as_number(color: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Rend un seul nombre d'une couleur qui en répète un."""
    return color[0] if np.ptp(color) == 0 else color


def _as_share(color: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Ramène une couleur entre 0 et 1."""
    return color / 255


def _filled(*, mean=_rounded_mean, black=BLACK, grey=GREY, shape=_one_color):
    """Rend `fill_color` avec, au choix, une erreur.

    Args:
        mean: rend la couleur moyenne d'une image.
        black: la couleur noire.
        grey: la couleur grise.
        shape: change la couleur rendue, d'après l'image.
    """

    def fill_color(image, fill):
        if fill == "mean":
            return shape(mean(image), image)
        known = {"black": black, "grey": grey}
        if fill not in known:
            raise ValueError
        return shape(known[fill], image)

    return fill_color


MEANS = [
    Mistake("color_truncated", _filled(mean=_truncated_mean), "3/4"),
    Mistake("color_rounded_up", _filled(mean=_mean_above), "3/4"),
    Mistake("integer_overflow", _filled(mean=_mean_of_bytes)),
    Mistake("color_not_rounded", _filled(mean=_exact_mean), "3/4"),
    Mistake("one_grey_for_all", _filled(mean=_mean_of_all)),
    Mistake("mean_of_one_axis", _filled(mean=_mean_of_columns)),
    Mistake("mean_of_one_axis", _filled(mean=_mean_of_rows)),
    Mistake("colors_mixed_with_rows", _filled(mean=_mean_of_each_row)),
    Mistake("median_for_mean", _filled(mean=_median)),
    Mistake("color_from_0_to_1", _filled(mean=_rounded_share)),
]
FILLS = [
    Mistake("other_grey", _filled(grey=np.full(3, 127))),
    Mistake("other_grey", _filled(grey=np.full(3, 0.5))),
    Mistake("other_grey", _filled(grey=np.full(3, 255))),
    Mistake("colors_exchanged", _filled(black=GREY, grey=BLACK)),
    Mistake("color_is_one_number", _filled(shape=_as_number)),
    Mistake("color_is_one_number", _filled(mean=_mean_of_all, shape=_as_number)),
    Mistake("color_for_each_pixel", _filled(shape=_as_image)),
    Mistake("color_from_0_to_1", _filled(mean=_exact_mean, shape=_as_share)),
    Mistake("color_from_0_to_1", _filled(mean=_exact_mean, grey=HALF, shape=_as_share)),
]


def _with_remainder(image: np.ndarray, remainder: int) -> np.ndarray:
    """Baisse des valeurs d'un niveau, pour que chaque couleur moyenne soit presque un entier.

    Args:
        image: `(H, W, 3)` uint8.
        remainder: ce que laisse la somme de chaque couleur, divisée par le nombre de pixels.

    Returns:
        `(H, W, 3)` uint8, sans zéro avant la baisse.
    """
    colors = np.maximum(image, 1).reshape(-1, 3)  # (pixels, 3)
    excess = (colors.sum(0, dtype=int) - remainder) % len(colors)  # de pixels à baisser
    is_lowered = np.arange(len(colors))[:, np.newaxis] < excess
    return (colors - is_lowered).astype(np.uint8).reshape(image.shape)


@question("ex07.fill_color")
def ask_fill_color(ask: Ask) -> Credit:
    """Demande les trois couleurs, puis une qui n'existe pas."""
    tinted = (pixels(ask.rng, *SHAPE) * [1, 0.6, 0.3]).astype(np.uint8)
    tinted = _with_remainder(tinted, JUST_UNDER)
    other = _with_remainder(pixels(ask.rng, 5, 7, 3), JUST_OVER)
    groups = [
        ("1/2", [((tinted, "black"), {}), ((tinted, "grey"), {})]),
        ("3/4", [((tinted, "mean"), {}), ((other, "mean"), {})]),
        ("1", [((tinted, "blue"), {})]),
    ]
    return ask.judge("fill_color", groups, OURS.fill_color, MEANS + FILLS)


def _last_replaced(length: int, patch: int, stride: int) -> list[int]:
    """Met la place du bord à celle de la dernière, au lieu de l'ajouter."""
    last = length - patch
    return [*range(0, last + 1, stride)][:-1] + [last]


def _shifted_by_end(length: int, patch: int, stride: int) -> list[int]:
    return [place + patch for place in OURS.positions(length, patch, stride)]


def _shifted_by_last_pixel(length: int, patch: int, stride: int) -> list[int]:
    return [place + patch - 1 for place in OURS.positions(length, patch, stride)]


def _shifted_by_half(length: int, patch: int, stride: int) -> list[int]:
    return [place + patch // 2 for place in OURS.positions(length, patch, stride)]


def _spread(length: int, patch: int, stride: int) -> np.ndarray:
    """Répartit autant de places, régulièrement."""
    return np.linspace(0, length - patch, len(OURS.positions(length, patch, stride)))


def _spread_integers(length: int, patch: int, stride: int) -> np.ndarray:
    return _spread(length, patch, stride).astype(int)


@question("ex07.positions")
def ask_positions(ask: Ask) -> Credit:
    """Tire des côtés où le pas tombe juste, puis d'autres."""
    even = [
        ((patch + stride * count, patch, stride), {})
        for patch, stride, count in ask.rng.integers([4, 2, 3], [8, 4, 7], (3, 3)).tolist()
    ]
    ragged = [((length + 1, patch, stride), {}) for (length, patch, stride), _ in even]
    mistakes = [
        Mistake("border_missed", lambda n, patch, step: np.arange(0, n - patch + 1, step)),
        Mistake("patch_sticks_out", lambda n, patch, step: np.arange(0, n, step), "1/4"),
        Mistake("first_values_only", lambda n, patch, k: np.arange(0, n - patch, k), "1/4"),
        Mistake("border_replaces_last", _last_replaced, "1/2"),
        Mistake("not_first_pixels", _shifted_by_end, "1/4"),
    ]
    mistakes += [
        Mistake("not_first_pixels", _shifted_by_last_pixel, "1/4"),
        Mistake("not_first_pixels", _shifted_by_half, "1/4"),
        Mistake("evenly_spread", _spread, "1/2"),
        Mistake("evenly_spread", _spread_integers, "1/2"),
    ]
    return ask.judge(
        "positions", [("1/2", [((6, 6, 2), {}), *even]), ("1", ragged)], OURS.positions, mistakes
    )


def _drops(model, image, class_index, **options) -> np.ndarray:
    """Donne au corrigé un réseau de `glance`."""
    network = types.SimpleNamespace(predict=lambda images, **_: probabilities(model, images))
    return OURS.drops(network, image, class_index, **options)


# --- Ce que la classe y perd, avec une erreur ----------------------------------------


def _height_first(image: np.ndarray) -> tuple[int, int]:
    return image.shape[0], image.shape[1]


def _width_first(image: np.ndarray) -> tuple[int, int]:
    return image.shape[1], image.shape[0]


def _square(top: int, left: int, patch: int) -> tuple[slice, slice]:
    return np.s_[top : top + patch, left : left + patch]


def _square_across(top: int, left: int, patch: int) -> tuple[slice, slice]:
    """Prend la ligne pour la colonne."""
    return _square(left, top, patch)


def _square_too_small(top: int, left: int, patch: int) -> tuple[slice, slice]:
    return _square(top, left, patch - 1)


def _accepted(side: int, patch: int, stride: int) -> bool:
    """Dit si un carré et un pas vont à une image dont `side` est le petit côté."""
    return 1 <= stride <= patch <= side


def _square_smaller_than_image(side: int, patch: int, stride: int) -> bool:
    return 1 <= stride <= patch < side


def _stride_smaller_than_square(side: int, patch: int, stride: int) -> bool:
    return 1 <= stride < patch <= side


def _small_square(image: np.ndarray) -> tuple[int, int]:
    return OURS.PATCH_PX, OURS.STRIDE_PX


def _mean_of_drops(found: np.ndarray) -> np.ndarray:
    return np.nanmean(found, axis=0)


def _mean_or_zero(found: np.ndarray) -> np.ndarray:
    """Fait comme `_mean_of_drops`, mais laisse zéro là où aucun carré ne compte."""
    return np.nan_to_num(_mean_of_drops(found))


def _mean_of_full_batches(found: np.ndarray) -> np.ndarray:
    """Perd les carrés du dernier lot, s'il y en a plusieurs et qu'il n'est pas plein."""
    num_full = len(found) // OURS.BATCH_SIZE * OURS.BATCH_SIZE
    return _mean_or_zero(found[: num_full or None])


def _largest_drop(found: np.ndarray) -> np.ndarray:
    return np.nanmax(found, axis=0)


def _sum_of_drops(found: np.ndarray) -> np.ndarray:
    return np.nansum(found, axis=0)


def _last_drop(found: np.ndarray) -> np.ndarray:
    last = np.zeros(found.shape[1:])
    for each in found:
        last = np.where(np.isnan(each), last, each)
    return last


def _hidden(
    *,
    sides=_height_first,
    square=OURS.default_square,
    accepted=_accepted,
    painted=_square,
    counted=_square,
    merge=_mean_of_drops,
):
    """Rend `drops` avec, au choix, une erreur.

    Args:
        sides: rend, d'une image, le côté où vont les lignes des carrés, puis les colonnes.
        square: rend, d'une image, le carré et le pas par défaut.
        accepted: dit si le carré et le pas conviennent.
        painted: rend, d'une place, les pixels que l'on cache.
        counted: rend, d'une place, les pixels qui reçoivent la baisse.
        merge: fait une carte de ce que baisse chaque carré, `(carrés, H, W)`, NaN hors de lui.
    """

    def drops(model, image, class_index, *, patch_px=None, stride_px=None, fill="mean"):
        patch, stride = (a or b for a, b in zip((patch_px, stride_px), square(image), strict=True))
        if not accepted(min(image.shape[:2]), patch, stride):
            raise ValueError
        rows, columns = (OURS.positions(side, patch, stride) for side in sides(image))
        pictures = np.repeat(image[None], len(rows) * len(columns), axis=0)
        is_hidden, is_counted = np.zeros((2, *pictures.shape[:3]), bool)
        for number, (top, left) in enumerate(itertools.product(rows, columns)):
            is_hidden[number][painted(top, left, patch)] = True
            is_counted[number][counted(top, left, patch)] = True
        pictures[is_hidden] = OURS.fill_color(image, fill)
        before = probabilities(model, image[None])[0, class_index]
        lost = before - probabilities(model, pictures)[:, class_index]
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # la moyenne de rien
            return merge(np.where(is_counted, lost[:, None, None], np.nan))

    return drops


SQUARES = [
    Mistake("height_for_width", _hidden(sides=_width_first)),
    Mistake("full_square_refused", _hidden(accepted=_square_smaller_than_image), "1/2"),
    Mistake("touching_squares_refused", _hidden(accepted=_stride_smaller_than_square)),
    Mistake("last_batch_lost", _hidden(merge=_mean_of_full_batches), "1/2"),
    Mistake("square_written_across", _hidden(counted=_square_across)),
    Mistake("square_written_across", _hidden(counted=_square_across, merge=_mean_or_zero)),
    Mistake("square_painted_too_small", _hidden(painted=_square_too_small)),
]


@question("ex07.drops")
def ask_drops(ask: Ask) -> Credit:
    """Cache l'image d'un réseau connu : carrés côte à côte, qui se recouvrent, par défaut.

    Les deux images que cache leur couleur moyenne la distinguent de l'entier du dessous, ou du
    dessus.
    """
    sides = ((9, 12), (8, 11), (11, 8), (65, 67), (20, 21))
    small, wide, tall, large, many = (pixels(ask.rng, *each, 3) for each in sides)
    small, large = _with_remainder(small, JUST_UNDER), _with_remainder(large, JUST_OVER)
    settings = [
        (small, {"patch_px": 3, "stride_px": 3, "fill": "black"}),
        (pixels(ask.rng, 8, 12, 3), {"patch_px": 4, "stride_px": 4, "fill": "grey"}),
        (small, {"patch_px": 3, "stride_px": 2, "fill": "black"}),
        (small, {"patch_px": 4, "stride_px": 3, "fill": "grey"}),
        (wide, {"patch_px": 8, "stride_px": 1, "fill": "black"}),
        (many, {"patch_px": 3, "stride_px": 1, "fill": "black"}),  # plus de carrés que BATCH_SIZE
        (small, {"patch_px": 3, "stride_px": 1}),
        (large, {}),
        (wide, {"patch_px": 9, "stride_px": 2}),
        (tall, {"patch_px": 9, "stride_px": 2}),
        (wide, {"patch_px": 3, "stride_px": 4}),
    ]
    calls = [((glance(ask.rng, image), image, CLASS), options) for image, options in settings]
    groups = [("1/2", calls[:2]), ("3/4", calls[2:6]), ("1", calls[6:8]), ("1", calls[8:])]
    mistakes = [
        *SQUARES,
        Mistake("largest_drop_kept", _hidden(merge=_largest_drop), "1/2"),
        Mistake("last_drop_kept", _hidden(merge=_last_drop), "1/2"),
        Mistake("drops_not_averaged", _hidden(merge=_sum_of_drops), "1/2"),
        Mistake("default_square_fixed", _hidden(square=_small_square), "3/4"),
        Mistake("gain_for_drop", altered(_drops, np.negative), "1/2"),
        Mistake("probability_not_drop", _left, "1/4"),
        Mistake("gains_dropped", altered(_drops, lambda each: np.maximum(each, 0)), "1/2"),
        Mistake("wrong_class", lambda m, i, k, **o: _drops(m, i, LIKELIEST, **o), "1/4"),
    ]
    return ask.judge("drops", groups, _drops, mistakes, tolerance=TOLERANCE)


def _left(model, image, class_index, **options):
    """Rend ce qui reste de la probabilité, au lieu de ce qu'elle perd."""
    before = probabilities(model, image[None])[0, class_index]
    return before - _drops(model, image, class_index, **options)


class Source(NamedTuple):
    """D'où peut venir une carte bornée, si ce n'est pas de la bonne carte signée."""

    reason: str
    detail: str
    calls: list[tuple]  # ce qui est demandé à `drops`
    sign: int = 1


def _sources(calls: Sequence[tuple]) -> Iterator[Source]:
    """Rend les autres baisses d'où peut venir une carte : une option, ou la classe, est ignorée."""
    yield Source("gains_for_drops", "", list(calls), sign=-1)
    for option in sorted({option for _, named in calls for option in named}):
        fewer = [(given, _without(named, option)) for given, named in calls]
        yield Source("argument_ignored", f"`{option}`", fewer)
    for index in set(range(NUM_CLASSES)) - {CLASS}:
        other = [((*given[:2], index), named) for given, named in calls]
        yield Source("wrong_class", "", other)


def _without(named: dict, option: str) -> dict:
    return {name: value for name, value in named.items() if name != option}


def _comes_from(ask: Ask, source: Source, answers: Sequence[Answer]) -> bool:
    """Dit si des cartes sont celles que donnent d'autres baisses du rendu."""
    try:
        maps = [as_floats(each.value) for each in ask.calls("drops", source.calls)]
    except Failure:  # `drops` s'arrête : ces baisses ne sont pas connues
        return False
    return all(
        each is not None and same(answer.value, clipped(source.sign * each), tolerance=TOLERANCE)
        for answer, each in zip(answers, maps, strict=True)
    )


@question("ex07.occlusion")
def ask_occlusion(ask: Ask) -> Credit:
    """Compare la carte bornée du rendu à ses propres baisses ; la dernière n'en a pas."""
    image = pixels(ask.rng, *SHAPE)
    # Cacher sous du noir aide toujours la classe de ce réseau.
    darker = np.full((*image.shape, 1), -1 / image.size) * np.eye(NUM_CLASSES)[CLASS]
    models = [glance(ask.rng, image), glance(ask.rng, image), linear(image, darker)]
    options = {"patch_px": 4, "stride_px": 3, "fill": "black"}  # aucune n'est celle par défaut
    calls = [((each, image, CLASS), options) for each in models]
    found = ask_bounded(ask, "occlusion", "drops", calls)
    if found.reason is None or found.reason == "options_not_passed":
        return found
    answers = ask.calls("occlusion", calls)
    for source in _sources(calls):
        if _comes_from(ask, source, answers):
            return found._replace(reason=source.reason, detail=source.detail)
    return found
