"""Exercice 07 : cacher l'image carré par carré, et mesurer ce que la classe y perd."""

import itertools
import types
import warnings

import numpy as np

from grading import sealed
from grading.questions import TOLERANCE, Ask, Credit, Mistake, altered, pixels, question
from grading.questions.heatmaps import (
    CLASS,
    LIKELIEST,
    NUM_CLASSES,
    ask_bounded,
    glance,
    linear,
    probabilities,
)

OURS = sealed.module("ex07_occlusion")

SHAPE = (9, 13, 3)


BLACK, GREY = np.zeros(3), np.full(3, 128)  # celles de l'énoncé
HALF = np.full(3, 127.5)  # le milieu exact de l'échelle, qui fait 0,5 une fois divisé
COLORS = (0, 1)  # les axes d'une image, sans celui des couleurs


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


def _median(image: np.ndarray) -> np.ndarray:
    return np.rint(np.median(image, COLORS))


def _one_color(color: np.ndarray, image: np.ndarray) -> np.ndarray:
    return color


def _as_image(color: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Étend une couleur à l'image entière."""
    return np.broadcast_to(color, image.shape)


def _as_share(color: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Ramène une couleur entre 0 et 1."""
    return color / 255


def _filled(*, mean=_rounded_mean, grey=GREY, shape=_one_color):
    """Rend `fill_color` avec, au choix, une erreur.

    Args:
        mean: rend la couleur moyenne d'une image.
        grey: la couleur grise.
        shape: change la couleur rendue, d'après l'image.
    """

    def fill_color(image, fill):
        if fill == "mean":
            return shape(mean(image), image)
        known = {"black": BLACK, "grey": grey}
        if fill not in known:
            raise ValueError
        return shape(known[fill], image)

    return fill_color


FILLS = [
    Mistake("color_truncated", _filled(mean=_truncated_mean), "3/4"),
    Mistake("color_not_rounded", _filled(mean=_exact_mean), "3/4"),
    Mistake("one_grey_for_all", _filled(mean=_mean_of_all)),
    Mistake("mean_of_one_axis", _filled(mean=_mean_of_columns)),
    Mistake("mean_of_one_axis", _filled(mean=_mean_of_rows)),
    Mistake("colors_mixed_with_rows", _filled(mean=_mean_of_each_row)),
    Mistake("median_for_mean", _filled(mean=_median)),
    Mistake("other_grey", _filled(grey=np.full(3, 127))),
    Mistake("other_grey", _filled(grey=np.full(3, 0.5))),
    Mistake("other_grey", _filled(grey=np.full(3, 255))),
    Mistake("color_for_each_pixel", _filled(shape=_as_image)),
    Mistake("color_from_0_to_1", _filled(mean=_exact_mean, shape=_as_share)),
    Mistake("color_from_0_to_1", _filled(mean=_exact_mean, grey=HALF, shape=_as_share)),
]


@question("ex07.fill_color")
def ask_fill_color(ask: Ask) -> Credit:
    """Demande les trois couleurs, puis une qui n'existe pas."""
    tinted = (pixels(ask.rng, *SHAPE) * [1, 0.6, 0.3]).astype(np.uint8)
    groups = [
        ("1/2", [((tinted, "black"), {}), ((tinted, "grey"), {})]),
        ("3/4", [((tinted, "mean"), {}), ((pixels(ask.rng, 5, 7, 3), "mean"), {})]),
        ("1", [((tinted, "blue"), {})]),
    ]
    return ask.judge("fill_color", groups, OURS.fill_color, FILLS)


@question("ex07.positions")
def ask_positions(ask: Ask) -> Credit:
    """Tire des côtés où le pas tombe juste, puis d'autres."""
    even = [
        ((patch + stride * count, patch, stride), {})
        for patch, stride, count in ask.rng.integers([4, 2, 3], [8, 4, 7], (3, 3)).tolist()
    ]
    ragged = [((length + 1, patch, stride), {}) for (length, patch, stride), _ in even]
    return ask.judge(
        "positions",
        [("1/2", [((6, 6, 2), {}), *even]), ("1", ragged)],
        OURS.positions,
        [
            Mistake("border_missed", lambda n, patch, step: np.arange(0, n - patch + 1, step)),
            Mistake("patch_sticks_out", lambda n, patch, step: np.arange(0, n, step), "1/4"),
            Mistake("first_values_only", lambda n, patch, k: np.arange(0, n - patch, k), "1/4"),
        ],
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


def _small_square(image: np.ndarray) -> tuple[int, int]:
    return OURS.PATCH_PX, OURS.STRIDE_PX


def _mean_of_drops(found: np.ndarray) -> np.ndarray:
    return np.nanmean(found, axis=0)


def _largest_drop(found: np.ndarray) -> np.ndarray:
    return np.nanmax(found, axis=0)


def _sum_of_drops(found: np.ndarray) -> np.ndarray:
    return np.nansum(found, axis=0)


def _last_drop(found: np.ndarray) -> np.ndarray:
    last = np.zeros(found.shape[1:])
    for each in found:
        last = np.where(np.isnan(each), last, each)
    return last


def _hidden(*, sides=_height_first, square=OURS.default_square, merge=_mean_of_drops):
    """Rend `drops` avec, au choix, une erreur.

    Args:
        sides: rend, d'une image, le côté où vont les lignes des carrés, puis les colonnes.
        square: rend, d'une image, le carré et le pas par défaut.
        merge: fait une carte de ce que baisse chaque carré, `(carrés, H, W)`, NaN hors de lui.
    """

    def drops(model, image, class_index, *, patch_px=None, stride_px=None, fill="mean"):
        patch, stride = (a or b for a, b in zip((patch_px, stride_px), square(image), strict=True))
        if not 1 <= stride <= patch <= min(image.shape[:2]):
            raise ValueError
        rows, columns = (OURS.positions(side, patch, stride) for side in sides(image))
        pictures = np.repeat(image[None], len(rows) * len(columns), axis=0)
        is_hidden = np.zeros(pictures.shape[:3], bool)
        for number, (top, left) in enumerate(itertools.product(rows, columns)):
            is_hidden[number, top : top + patch, left : left + patch] = True
        pictures[is_hidden] = OURS.fill_color(image, fill)
        before = probabilities(model, image[None])[0, class_index]
        lost = before - probabilities(model, pictures)[:, class_index]
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # la moyenne de rien
            return merge(np.where(is_hidden, lost[:, None, None], np.nan))

    return drops


@question("ex07.drops")
def ask_drops(ask: Ask) -> Credit:
    """Cache l'image d'un réseau connu : carrés côte à côte, qui se recouvrent, par défaut."""
    small, other, large = (pixels(ask.rng, *each, 3) for each in ((9, 12), (8, 11), (65, 67)))
    settings = [
        (small, {"patch_px": 3, "stride_px": 3, "fill": "black"}),
        (pixels(ask.rng, 8, 12, 3), {"patch_px": 4, "stride_px": 4, "fill": "grey"}),
        (small, {"patch_px": 3, "stride_px": 2, "fill": "black"}),
        (small, {"patch_px": 4, "stride_px": 3, "fill": "grey"}),
        (other, {"patch_px": 8, "stride_px": 1, "fill": "black"}),
        (small, {"patch_px": 3, "stride_px": 1}),
        (large, {}),
        (other, {"patch_px": 9, "stride_px": 2}),
        (other, {"patch_px": 3, "stride_px": 4}),
    ]
    calls = [((glance(ask.rng, image), image, CLASS), options) for image, options in settings]
    groups = [("1/2", calls[:2]), ("3/4", calls[2:5]), ("1", calls[5:7]), ("1", calls[7:])]
    mistakes = [
        Mistake("height_for_width", _hidden(sides=_width_first)),
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


@question("ex07.occlusion")
def ask_occlusion(ask: Ask) -> Credit:
    """Compare la carte bornée du rendu à ses propres baisses ; la dernière n'en a pas."""
    image = pixels(ask.rng, *SHAPE)
    # Cacher sous du noir aide toujours la classe de ce réseau.
    darker = np.full((*image.shape, 1), -1 / image.size) * np.eye(NUM_CLASSES)[CLASS]
    models = [glance(ask.rng, image), glance(ask.rng, image), linear(image, darker)]
    calls = [
        ((each, image, CLASS), {"patch_px": 3, "stride_px": 2, "fill": "black"}) for each in models
    ]
    return ask_bounded(ask, "occlusion", "drops", calls)
