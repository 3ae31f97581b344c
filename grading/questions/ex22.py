"""Exercice 22 : une convolution, un pooling, une perte, à l'aller comme au retour."""

from fractions import Fraction
from functools import partial

import numpy as np

from exercises.ex22_by_hand import convolution, dense, loss, pooling
from grading import pupil
from grading.questions import RIGHT, Ask, Credit, judge, judge_parts, question

TOLERANCE = 1e-5
LARGE = 800.0  # un score dont l'exponentielle déborde
BOTH_WAYS = (("1/2", "y", None), ("1", "dx", None))  # l'aller, puis le retour


# --- Les fenêtres --------------------------------------------------------------------


@question("ex22.windows")
def ask_windows(ask: Ask) -> Credit:
    """Lit les fenêtres d'images de tailles impaires."""
    x = ask.rng.normal(size=(2, 7, 5, 3))
    near = [((x, (3, 2), 1), {}), ((x, (1, 1), 1), {})]
    far = [((x, (3, 3), 2), {}), ((x, (2, 3), 3), {}), ((x, (8, 2), 1), {})]
    groups = [("1/2", near), ("1", far)]
    return ask.judge("windows", groups, convolution.windows, tolerance=TOLERANCE)


@question("ex22.add_windows")
def ask_add_windows(ask: Ask) -> Credit:
    """Additionne des fenêtres à leur place."""

    def call(height, width, kernel_shape, stride):
        shape = (2, height, width, 3)
        patches = convolution.windows(np.zeros(shape), kernel_shape, stride)
        return (ask.rng.normal(size=patches.shape), shape, stride), {}

    apart = [call(6, 4, (2, 2), 2), call(3, 3, (3, 3), 3)]
    mixed = [call(7, 5, (3, 3), 1), call(8, 6, (3, 2), 2), call(7, 7, (2, 2), 3)]
    groups = [("1/2", apart), ("1", mixed)]
    return ask.judge("add_windows", groups, convolution.add_windows, tolerance=TOLERANCE)


# --- Des couches, à l'aller puis au retour -------------------------------------------


def _through(kind: type, wanted: str, x, dy, *arguments, **named):
    """Rend ce que `probes.layer` rendrait d'une couche juste."""
    layer = kind(*arguments, **named)
    y, dx = layer.forward(x), layer.backward(dy)
    return {"y": y, "dx": dx}[wanted] if wanted in ("y", "dx") else layer.gradients[int(wanted)]


def _judge_layer(ask: Ask, kind: type, inputs, stages) -> Credit:
    """Note une couche : chaque étape veut la précédente.

    Args:
        ask: la question.
        kind: la bonne couche, du même nom.
        inputs: `((x, *arguments), nommés)` ; le gradient de la sortie est tiré.
        stages: `(niveau, ce qui est demandé, à combien de ces entrées)`.
    """
    level, layer_calls = Fraction(0), []
    for (x, *arguments), named in inputs:
        dy = ask.rng.normal(size=kind(*arguments, **named).forward(x).shape)
        layer_calls.append(((x, dy, *arguments), named))
    for value, wanted, num_calls in stages:
        calls = layer_calls[:num_calls]
        right = partial(_through, kind, wanted)
        try:
            answers = ask.calls(kind.__name__, calls, operation="layer", wanted=wanted)
        except pupil.Failure as failure:  # l'aller reste acquis à qui n'a pas écrit le retour
            return Credit(level, failure.reason, failure.detail)
        if wanted.isdigit() and all(not each.error and each.value is None for each in answers):
            return Credit(level, "gradients_not_noted")
        found = judge(answers, [("1", calls)], right, tolerance=TOLERANCE)
        if found.reason:
            return Credit(level, found.reason, found.detail)
        level = Fraction(value)
    return RIGHT


@question("ex22.convolution")
def ask_convolution(ask: Ask) -> Credit:
    """Compare l'aller, puis chaque gradient."""
    rng = ask.rng

    def draw(height, width, kernel_shape, **named):
        kernel, bias = rng.normal(size=(*kernel_shape, 2, 4)), rng.normal(size=4)
        return (rng.normal(size=(3, height, width, 2)), kernel, bias), named

    inputs = [
        draw(5, 6, (3, 2)),
        draw(4, 4, (1, 1)),
        draw(7, 5, (3, 3), stride=2, padding=1),
        draw(6, 7, (2, 3), padding=2),
        draw(8, 7, (3, 3), stride=3),
    ]
    stages = [("1/4", "y", 2), ("1/2", "y", 5), ("5/8", "0", 5), ("3/4", "1", 5), ("1", "dx", 5)]
    return _judge_layer(ask, convolution.Convolution, inputs, stages)


def _judge_pooling(ask: Ask, kind: type) -> Credit:
    """Note un pooling d'entiers : le maximum d'une fenêtre y est parfois deux fois."""
    sizes = ((6, 8, 2, None), (7, 5, 3, 2), (5, 5, 2, 1))
    inputs = [
        ((ask.rng.integers(-4, 5, (2, height, width, 3)).astype(float), size), {"stride": stride})
        for height, width, size, stride in sizes
    ]
    return _judge_layer(ask, kind, inputs, BOTH_WAYS)


@question("ex22.max_pooling")
def ask_max_pooling(ask: Ask) -> Credit:
    """Compare les maximums, puis à qui va le gradient."""
    return _judge_pooling(ask, pooling.MaxPooling)


@question("ex22.average_pooling")
def ask_average_pooling(ask: Ask) -> Credit:
    """Compare les moyennes, puis la part de chaque case."""
    return _judge_pooling(ask, pooling.AveragePooling)


@question("ex22.relu")
def ask_relu(ask: Ask) -> Credit:
    """Compare l'aller, puis où le gradient s'arrête."""
    inputs = [((ask.rng.normal(size=shape),), {}) for shape in ((2, 3, 4, 5), (4, 7))]
    return _judge_layer(ask, dense.Relu, inputs, BOTH_WAYS)


@question("ex22.dense")
def ask_dense(ask: Ask) -> Credit:
    """Compare l'aller, puis chaque gradient."""
    sizes = ((5, 4, 3), (2, 7, 6))
    inputs = [
        (tuple(ask.rng.normal(size=shape) for shape in ((n, d), (d, m), (m,))), {})
        for n, d, m in sizes
    ]
    stages = [("1/4", "y", 2), ("1/2", "0", 2), ("3/4", "1", 2), ("1", "dx", 2)]
    return _judge_layer(ask, dense.Dense, inputs, stages)


# --- La perte ------------------------------------------------------------------------


@question("ex22.softmax")
def ask_softmax(ask: Ask) -> Credit:
    """Donne de petits scores, puis de grands."""
    small, large = ask.rng.normal(size=(4, 5)), ask.rng.normal(0, LARGE, (3, 6))
    groups = [("1/2", [((small,), {})]), ("1", [((large,), {})])]
    return ask.judge("softmax", groups, loss.softmax, tolerance=TOLERANCE)


@question("ex22.cross_entropy")
def ask_cross_entropy(ask: Ask) -> Credit:
    """Compare la perte, puis le gradient que la fonction rend avec elle."""
    rng, calls = ask.rng, []
    for n, classes in ((4, 3), (7, 10)):
        calls.append(((rng.normal(0, 3, (n, classes)), rng.integers(0, classes, n)), {}))

    def part(rank, value):
        pair = isinstance(value, list | tuple) and len(value) == 2
        return value[rank] if pair else None

    groups = [("1/2", calls, partial(part, 0)), ("1", calls, partial(part, 1))]
    return judge_parts(ask, "cross_entropy", groups, loss.cross_entropy, tolerance=TOLERANCE)


# --- Un pas --------------------------------------------------------------------------


def _ends(weights, steps, *, learning_rate, momentum) -> np.ndarray:
    """Rend les poids à la fin, bout à bout : `v ← μ·v - η·gradient`, puis `w ← w + v`."""
    found, velocity = np.concatenate([each.ravel() for each in weights]), 0.0
    for gradients in steps:
        gradient = np.concatenate([each.ravel() for each in gradients])
        velocity = momentum * velocity - learning_rate * gradient
        found += velocity
    return found


@question("ex22.descent")
def ask_descent(ask: Ask) -> Credit:
    """Fait un pas sans élan, puis plusieurs avec."""
    rng, shapes = ask.rng, ((2, 3), (4,))

    def call(num_steps, momentum):
        weights, *steps = ([rng.normal(size=s) for s in shapes] for _ in range(num_steps + 1))
        rate = float(rng.uniform(0.05, 0.3))
        return (weights, steps), {"learning_rate": rate, "momentum": momentum}

    groups = [("1/2", [call(1, 0.0), call(3, 0.0)]), ("1", [call(4, 0.9), call(3, 0.5)])]
    return ask.judge("Descent", groups, _ends, tolerance=TOLERANCE, operation="descend")
