"""Une erreur que les valeurs n'expliquent pas est rapportée à l'argument d'où elle vient."""

import numpy as np
import pytest

from grading.asking.ask import Ask


class Desk:
    """Répond aux questions par une fonction, comme le ferait le rendu d'un élève."""

    def __init__(self, function):
        self.function = function

    def ask(self, _rule, _operation, request, **_):
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


def test_what_is_right_stays_right():
    ask = Ask(Rule(), np.random.default_rng(0), Desk(size))
    assert ask.judge("size", [("1/2", PLAIN), (1, STRIDED)], size).level == 1


def test_each_row_has_a_factor_of_its_own():
    x = np.random.default_rng(0).normal(size=(4, 9))
    ask = Ask(Rule(), np.random.default_rng(0), Desk(lambda x: x / x.var(1, keepdims=True)))
    found = ask.judge("f", [(1, [((x,), {})])], lambda x: x / x.std(1, keepdims=True))
    assert found.reason == "lines_times_a_number"
