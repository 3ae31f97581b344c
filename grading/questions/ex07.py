"""Exercice 07 : cacher l'image carré par carré, et mesurer ce que la classe y perd."""

import numpy as np

from grading import messages
from grading.questions import Ask, Credit, Mistake, judge, question
from grading.questions.heatmaps import CLASS, NUM_CLASSES, ask_bounded, glance, probabilities

TOLERANCE = 1e-5  # les probabilités sont en float32
GREY = 128  # le milieu de l'échelle, que la docstring dit


def _image(rng, height=9, width=13) -> np.ndarray:
    return rng.integers(0, 256, (height, width, 3)).astype(np.uint8)


# --- De quoi couvrir -----------------------------------------------------------------


def _color(image, fill, *, change=np.rint):
    colors = {"mean": change(image.reshape(-1, 3).mean(0)), "black": [0] * 3, "grey": [GREY] * 3}
    if fill not in colors:
        raise ValueError
    return np.asarray(colors[fill], float)


def _grey_level(image, fill):
    return np.full(3, np.rint(image.mean())) if fill == "mean" else _color(image, fill)


def _truncated(image, fill):
    return _color(image, fill, change=np.floor)


@question("ex07.fill_color")
def ask_fill_color(ask: Ask) -> Credit:
    """Demande les trois couleurs, puis une qui n'existe pas."""
    rng = ask.rng
    tinted = (_image(rng) * [1, 0.6, 0.3]).astype(np.uint8)
    plain = [((tinted, fill), {}) for fill in ("black", "grey")]
    means = [((each, "mean"), {}) for each in (tinted, _image(rng, 5, 7))]
    groups = [("1/2", plain), ("3/4", means), ("1", [((tinted, "blue"), {})])]
    mistakes = [
        Mistake("color_truncated", _truncated, "3/4"),
        Mistake("color_not_rounded", lambda i, f: _color(i, f, change=np.asarray), "3/4"),
        Mistake("one_grey_for_all", _grey_level, "1/2"),
        Mistake("color_scaled", lambda i, f: _color(i, f, change=np.asarray) / 255, "1/4"),
    ]
    answers = ask.calls("fill_color", [call for _, calls in groups for call in calls])
    return judge(answers, groups, _color, mistakes)


def _positions(length, patch, stride):
    starts = np.arange(0, length - patch + 1, stride)
    return [*starts, *({length - patch} - {starts[-1]})]


def _whole_squares_only(length, patch, stride):
    return np.arange(0, length - patch + 1, stride)


@question("ex07.positions")
def ask_positions(ask: Ask) -> Credit:
    """Tire des côtés où le pas tombe juste, puis d'autres."""
    rng = ask.rng
    even, ragged = [], [((10, 3, 2), {})]
    for _ in range(3):
        patch, stride, count = (int(n) for n in rng.integers([4, 2, 3], [8, 4, 7]))
        even.append(((patch + stride * count, patch, stride), {}))
        rest = int(rng.integers(1, stride))
        ragged.append(((patch + stride * count + rest, patch, stride), {}))
    even.append(((6, 6, 2), {}))
    mistakes = [
        Mistake("border_missed", _whole_squares_only, "1/2"),
        Mistake("patch_sticks_out", lambda n, p, s: np.arange(0, n - p + s, s), "1/2"),
        Mistake("patch_sticks_out", lambda n, p, s: np.arange(0, n, s), "1/4"),
        Mistake("first_values_only", lambda n, p, s: np.arange(0, n - p, s), "1/4"),
        Mistake("last_place_twice", lambda n, p, s: [*_whole_squares_only(n, p, s), n - p], "1/2"),
    ]
    groups = [("1/2", even), ("1", ragged)]
    return judge(ask.calls("positions", even + ragged), groups, _positions, mistakes)


# --- Ce que la classe y perd ---------------------------------------------------------


def _squares(image, patch_px, stride_px):
    scale = max(1, min(image.shape[:2]) // 32)
    patch = 8 * scale if patch_px is None else patch_px
    stride = 2 * scale if stride_px is None else stride_px
    if not 1 <= stride <= patch <= min(image.shape[:2]):
        raise ValueError
    rows, columns = (_positions(side, patch, stride) for side in image.shape[:2])
    return [np.s_[row : row + patch, column : column + patch] for row in rows for column in columns]


def _drops(
    model,
    image,
    class_index,
    *,
    patch_px=None,
    stride_px=None,
    fill="mean",
    cover=_color,
    restore=True,
    explained=None,
    measure=np.subtract,
    gather="mean",
):
    """Calcule la bonne carte ; les cinq derniers arguments en font celle d'une erreur."""
    squares, color = _squares(image, patch_px, stride_px), cover(image, fill)
    hidden = np.repeat(image[None].astype(float), len(squares), axis=0)
    for number, square in enumerate(squares):
        hidden[(number if restore else slice(number, None), *square)] = color
    found = probabilities(model, np.stack([image, *hidden]))
    chosen = class_index if explained is None else explained
    changes = measure(found[0, chosen], found[1:, chosen])
    total, count = np.zeros((2, *image.shape[:2]))
    for square, change in zip(squares, changes, strict=True):
        total[square] = change + (total[square] if gather != "last" else 0)
        count[square] += 1
    return total / count if gather == "mean" else total


def _wrong(**changes):
    return lambda *positional, **named: _drops(*positional, **{**named, **changes})


def _logarithm(whole, hidden):
    return np.log(whole) - np.log(hidden)


DROPS = [
    Mistake("gain_for_drop", _wrong(measure=lambda whole, hidden: hidden - whole), "1/2"),
    Mistake("probability_not_drop", _wrong(measure=lambda whole, hidden: hidden), "1/4"),
    Mistake("relative_drop", _wrong(measure=lambda whole, hidden: 1 - hidden / whole), "1/2"),
    Mistake("relative_drop", _wrong(measure=_logarithm), "1/2"),
    Mistake("absolute_value", _wrong(measure=lambda whole, hidden: abs(whole - hidden)), "1/4"),
    Mistake("gains_dropped", lambda *p, **n: np.maximum(_drops(*p, **n), 0), "1/2"),
    Mistake("patch_kept", _wrong(restore=False), "1/4"),
    Mistake("sum_for_average", _wrong(gather="sum"), "1/2"),
    Mistake("last_square_only", _wrong(gather="last"), "1/2"),
    *(Mistake("wrong_class", _wrong(explained=k), "1/4") for k in range(NUM_CLASSES) if k != CLASS),
    Mistake("color_truncated", _wrong(cover=_truncated), "3/4"),
    Mistake("one_grey_for_all", _wrong(cover=_grey_level), "3/4"),
    *(Mistake("fill_ignored", _wrong(fill=fill), "1/2") for fill in ("mean", "black", "grey")),
]


@question("ex07.drops")
def ask_drops(ask: Ask) -> Credit:
    """Cache l'image d'un réseau connu : carrés côte à côte, qui se recouvrent, par défaut."""
    rng = ask.rng
    small, other, large = _image(rng), _image(rng, 8, 11), _image(rng, 65, 67)

    def call(image, **options):
        return (glance(rng, image), image, CLASS), options

    groups = [
        (
            "1/2",
            [
                call(_image(rng, 9, 12), patch_px=3, stride_px=3, fill="black"),
                call(_image(rng, 8, 12), patch_px=4, stride_px=4, fill="grey"),
            ],
        ),
        (
            "3/4",
            [
                call(small, patch_px=3, stride_px=2, fill="black"),
                call(small, patch_px=4, stride_px=3, fill="grey"),
                call(other, patch_px=8, stride_px=1, fill="black"),
            ],
        ),
        (
            "1",
            [
                call(small, patch_px=3, stride_px=1),
                call(large),
                call(other, patch_px=9, stride_px=2),
                call(other, patch_px=3, stride_px=4),
            ],
        ),
    ]
    answers = ask.calls("drops", [each for _, calls in groups for each in calls])
    return judge(answers, groups, _drops, DROPS, tolerance=TOLERANCE)


@question("ex07.occlusion")
def ask_occlusion(ask: Ask) -> Credit:
    """Compare la carte bornée du rendu à ses propres baisses ; la dernière n'en a pas."""
    image = _image(ask.rng)
    shy = np.zeros((*image.shape, NUM_CLASSES))
    shy[..., CLASS] = -1 / image.size  # cacher sous du noir aide toujours cette classe
    models = [glance(ask.rng, image), glance(ask.rng, image)]
    models.append(messages.Ingredient("glance", {"kernel": shy, "bias": np.zeros(NUM_CLASSES)}))
    options = {"patch_px": 3, "stride_px": 2, "fill": "black"}
    calls = [((model, image, CLASS), options) for model in models]
    return ask_bounded(ask, "occlusion", "drops", calls)
