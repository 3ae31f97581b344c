"""Une erreur que les valeurs n'expliquent pas est rapportée à l'argument d'où elle vient."""

from operator import itemgetter

import numpy as np
import pytest

from grading.asking.ask import Ask


class Desk:
    """Répond aux questions par une fonction, comme le ferait le rendu d'un élève."""

    def __init__(self, function):
        self.function, self.reference = function, self

    def ask(self, _rule, operation, request, **_):
        if operation == "neighbours":  # d'un corrigé qui a un fichier
            raise NotImplementedError
        answers = []
        for positional, named in request["calls"]:
            value = self.function(*positional, **named)
            answers.append({"value": value})
        return {"value": answers}


class Rule:
    """Une question du barème, réduite à ce que `Ask` en lit."""

    module = name = "essai"
    settings: dict = {}


def size(width, window, *, stride=1):
    return (width - window) // stride + 1


def without_stride(width, window, *, stride=1):
    return width - window + 1


def swapped(width, window, *, stride=1):
    return size(window, width, stride=stride)


def wrong_sign(width, window, *, stride=1):
    return size(width, window, stride=stride) + 2 * window


def only_stride_one(width, window, *, stride=1):
    return size(width, window) if stride == 1 else -7 * width


def always_more(width, window, *, stride=1):
    return size(width, window, stride=stride) + width % 3 + 1


PLAIN = [((7, 3), {}), ((9, 2), {}), ((12, 5), {}), ((8, 4), {})]
STRIDED = [((7, 3), {"stride": 2}), ((9, 2), {"stride": 3}), ((12, 5), {"stride": 2})]


@pytest.mark.parametrize(
    ("function", "reason", "detail"),
    [
        (without_stride, "argument_ignored", "`stride`"),
        (swapped, "arguments_swapped", "le 1er argument et le 2e argument"),
        (wrong_sign, "argument_counted", "le 2e argument"),
        (always_more, "too_large", ""),
        (only_stride_one, "only_some_calls", "manqués quand"),
    ],
)
def test_a_vague_error_is_traced_to_an_argument(function, reason, detail):
    ask = Ask(Rule(), np.random.default_rng(0), Desk(function))
    plain = PLAIN if function is not only_stride_one else PLAIN + STRIDED[::2]
    groups = [("1/2", plain), (1, [] if plain is not PLAIN else STRIDED)]
    found = ask.judge("size", groups, size)
    assert (found.reason, found.detail[: len(detail)]) == (reason, detail)


def padded(width, window, *, stride=1, padding=0, dilation=1):
    return (width + 2 * padding - dilation * (window - 1) - 1) // stride + 1


def test_two_arguments_that_do_nothing_are_both_named():
    ask = Ask(Rule(), np.random.default_rng(0), Desk(size))
    calls = [
        ((width, window), {"stride": 2, "padding": padding, "dilation": padding + 1})
        for width, window, padding in [(17, 3, 1), (29, 2, 2), (32, 5, 3), (28, 4, 2)]
    ]
    ask.desk.function = lambda width, window, *, stride, **_: size(width, window, stride=stride)
    found = ask.judge("size", [(1, calls)], padded)
    assert (found.reason, found.detail) == ("arguments_ignored", "`dilation`, `padding`")


def crossed(image, *, stride):
    """Lit un couple dans l'ordre voulu ; comme une convolution, il refuse un tableau."""
    rows, columns = (stride, stride) if isinstance(stride, int) else tuple(stride)
    if not isinstance(stride, int | tuple):
        raise TypeError
    return image[::rows, ::columns]


def test_a_pair_read_backwards_is_named():
    ask = Ask(Rule(), np.random.default_rng(0), Desk(crossed))
    ask.desk.function = lambda image, *, stride: crossed(
        image, stride=stride if isinstance(stride, int) else stride[::-1]
    )
    calls = [((image,), {"stride": stride}) for image in IMAGES for stride in (1, (1, 2), (3, 1))]
    found = ask.judge("f", [(1, calls)], crossed)
    assert (found.reason, found.detail) == ("argument_changed", "`stride` lu de la fin au début")


def smoothed(image, *, size):
    """Comme un filtre de SciPy, laisse l'image telle quelle si `size` vaut 1 ou moins."""
    return image if size < 2 else sum(np.roll(image, k, 0) for k in range(size)) / size


def test_a_window_that_does_nothing_is_not_said_to_be_negative():
    ask = Ask(Rule(), np.random.default_rng(0), Desk(smoothed))
    ask.desk.function = lambda image, *, size: image
    calls = [((image,), {"size": size}) for image, size in zip(IMAGES, (2, 3, 4, 3), strict=True)]
    found = ask.judge("smoothed", [(1, calls)], smoothed)
    assert (found.reason, found.detail) == ("argument_changed", "`size` remplacé par 1")


def test_an_answer_that_never_changes_is_said_so():
    ask = Ask(Rule(), np.random.default_rng(0), Desk(lambda width, window: 44))
    assert ask.judge("size", [(1, PLAIN[:3])], size).reason == "same_for_all"


def picture(image, share):
    return share * image.mean((0, 1)) + 3 * image[0]


def pair(image, share):
    return image[0], picture(image, share)


IMAGES = np.random.default_rng(0).normal(size=(4, 5, 6, 3))
SHARED = [((image, share), {}) for image, share in zip(IMAGES, (0.1, 0.3, 0.6, 0.9), strict=True)]


@pytest.mark.parametrize(
    ("function", "right", "reason", "detail"),
    [
        (lambda i, s: picture(i, 1 - s), picture, "argument_changed", "un moins lui-même"),
        (lambda i, s: picture(abs(i), s), picture, "argument_changed", "en valeur absolue"),
        (lambda i, s: i + s * (i[0] - i), lambda i, s: i + s / 3 * (i[0] - i), "wrong_step", ""),
        (lambda i, s: 18 * picture(i, s), picture, "summed", "6 × 3"),
        (lambda i, s: picture(i, s) / 30, picture, "averaged", "5 × 6"),
        (lambda i, s: i + i.mean(0) * s, lambda i, s: i.mean(0) * s + 0 * i, "argument_added", ""),
        (lambda i, s: (i[0], i), pair, "wrong_parts", "forme (5, 6, 3) au lieu de (6, 3)"),
        (lambda i, s: (i[0], i[0, 0]), lambda i, s: (i[0], i[1, 1]), "wrong_parts", "bon : le 1er"),
        (lambda i, s: (i[1], i[0]), lambda i, s: (i[0], i[1]), "parts_exchanged", ""),
        (lambda i, s: (i[0], -i[1]), lambda i, s: (i[0], i[1]), "negated", "seul élément faux"),
        (lambda i, s: picture(i, s).max(0), picture, "axis_missing", "le 1er axe"),
        (lambda i, s: np.cos(i), picture, "axis_added", "le 1er axe"),
        (lambda i, s: i[:0], lambda i, s: i, "empty_result", ""),
        (lambda i, s: i.sum(), pair, "part_missing", "attendu : 2 éléments"),
        (lambda i, s: picture(i, s) / 7, picture, "times_a_number", "7 fois trop petites"),
    ],
)
def test_the_argument_or_the_part_at_fault_is_named(function, right, reason, detail):
    ask = Ask(Rule(), np.random.default_rng(0), Desk(function))
    found = ask.judge("f", [(1, SHARED)], right)
    assert (found.reason, detail in found.detail) == (reason, True), found.detail


def test_a_level_of_two_groups_asks_for_both():
    ask = Ask(Rule(), np.random.default_rng(0), Desk(lambda x: x if x < 9 else 0))
    groups = [("1/2", [((1,), {})]), (1, [((2,), {})]), (1, [((9,), {})])]
    assert ask.judge("f", groups, lambda x: x).level == 0.5


def test_two_parts_asked_one_after_the_other_may_be_exchanged():
    ask = Ask(Rule(), np.random.default_rng(0), Desk(lambda x: (x.sum(), x)))
    ask.desk.reference = Desk(lambda x: (x, x.sum()))
    groups = [(level, [((IMAGES[0],), {})], itemgetter(k)) for k, level in enumerate(("1/2", 1))]
    assert ask.compare("f", groups).reason == "parts_exchanged"


def test_what_is_right_stays_right():
    ask = Ask(Rule(), np.random.default_rng(0), Desk(size))
    assert ask.judge("size", [("1/2", PLAIN), (1, STRIDED)], size).level == 1


def test_each_row_has_a_factor_of_its_own():
    x = np.random.default_rng(0).normal(size=(4, 9))
    ask = Ask(Rule(), np.random.default_rng(0), Desk(lambda x: x / x.var(1, keepdims=True)))
    found = ask.judge("f", [(1, [((x,), {})])], lambda x: x / x.std(1, keepdims=True))
    assert found.reason == "lines_times_a_number"
