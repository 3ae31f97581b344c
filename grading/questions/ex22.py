"""Exercice 22 : une convolution, un pooling, une perte, à l'aller comme au retour."""

from fractions import Fraction

import numpy as np

from grading import pupil
from grading.questions import RIGHT, Ask, Credit, Mistake, credit, judge, question

TOLERANCE = 1e-5
LARGE = 800.0  # un score dont l'exponentielle déborde


# --- Les fenêtres, refaites case par case --------------------------------------------


def _places(height: int, width: int, kernel_shape, stride: int):
    """Rend `(i, j, tranches)` de chaque fenêtre entière."""
    kh, kw = kernel_shape
    for i in range((height - kh) // stride + 1):
        for j in range((width - kw) // stride + 1):
            top, left = i * stride, j * stride
            yield i, j, (slice(None), slice(top, top + kh), slice(left, left + kw))


def _windows(x, shape, stride) -> np.ndarray:
    _, height, width, _ = x.shape
    if shape[0] > height or shape[1] > width:
        raise ValueError
    rows, columns = ((a - b) // stride + 1 for a, b in zip((height, width), shape, strict=True))
    found = np.empty((len(x), rows, columns, *shape, x.shape[3]))
    for i, j, place in _places(height, width, shape, stride):
        found[:, i, j] = x[place]
    return found


def _add_windows(patches, shape, stride, *, keep="all") -> np.ndarray:
    """Additionne les fenêtres ; ou n'en garde, à chaque pixel, que la première ou la dernière."""
    x = np.zeros(shape)
    places = list(_places(shape[1], shape[2], patches.shape[3:5], stride))
    for i, j, place in reversed(places) if keep == "first" else places:
        x[place] = (x[place] if keep == "all" else 0) + patches[:, i, j]
    return x


@question("ex22.windows")
def ask_windows(ask: Ask) -> Credit:
    """Lit les fenêtres d'images de tailles impaires."""
    rng = ask.rng
    x = rng.normal(size=(2, 7, 5, 3))
    groups = [
        ("1/2", [((x, (3, 2), 1), {}), ((x, (1, 1), 1), {})]),
        ("1", [((x, (3, 3), 2), {}), ((x, (2, 3), 3), {}), ((x, (8, 2), 1), {})]),
    ]

    def channels_first(x, shape, stride):
        return _windows(x, shape, stride).transpose(0, 1, 2, 5, 3, 4)

    mistakes = [
        Mistake("stride_ignored", lambda x, shape, _: _windows(x, shape, 1), "1/4"),
        Mistake("transposed_axes", channels_first, "1/4"),
    ]
    answers = ask.calls("windows", [call for _, calls in groups for call in calls])
    return judge(answers, groups, _windows, mistakes, tolerance=TOLERANCE)


@question("ex22.add_windows")
def ask_add_windows(ask: Ask) -> Credit:
    """Additionne des fenêtres à leur place."""
    rng = ask.rng

    def call(height, width, kernel_shape, stride):
        counts = [(a - b) // stride + 1 for a, b in zip((height, width), kernel_shape, strict=True)]
        patches = rng.normal(size=(2, *counts, *kernel_shape, 3))
        return (patches, (2, height, width, 3), stride), {}

    groups = [
        ("1/2", [call(6, 4, (2, 2), 2), call(3, 3, (3, 3), 3)]),
        ("1", [call(7, 5, (3, 3), 1), call(8, 6, (3, 2), 2), call(7, 7, (2, 2), 3)]),
    ]

    def overwritten(keep):
        return lambda patches, shape, stride: _add_windows(patches, shape, stride, keep=keep)

    mistakes = [
        Mistake("overlap_overwritten", overwritten(keep), "1/2") for keep in ("first", "last")
    ]
    answers = ask.calls("add_windows", [call for _, calls in groups for call in calls])
    return judge(answers, groups, _add_windows, mistakes, tolerance=TOLERANCE)


# --- Des couches, à l'aller puis au retour -------------------------------------------


def _judge_layer(ask: Ask, name: str, stages) -> Credit:
    """Note une couche : chaque étape veut la précédente.

    Args:
        ask: la question.
        name: nom de la classe.
        stages: `(niveau, ce qui est demandé, appels, bonne réponse, erreurs)`, où un appel est
            `((x, dy, *arguments), nommés)`.
    """
    level = Fraction(0)
    for value, wanted, calls, right, mistakes in stages:
        try:
            answers = ask.calls(name, calls, operation="layer", wanted=wanted)
        except pupil.Failure as failure:  # l'aller reste acquis à qui n'a pas écrit le retour
            return Credit(level, failure.reason, failure.detail)
        if wanted.isdigit() and all(not each.error and each.value is None for each in answers):
            return Credit(level, "gradients_not_noted")
        found = judge(answers, [("1", calls)], right, mistakes, tolerance=TOLERANCE)
        if found.level < 1:
            # Une erreur vaut une part de ce que l'étape ajoute.
            earned = level + found.level * (Fraction(value) - level)
            return Credit(earned, found.reason, found.detail)
        level = Fraction(value)
    return RIGHT


def _padded(x, padding):
    return np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))


def _convolve(x, dy, kernel, bias, *, stride=1, padding=0, flip=False) -> np.ndarray:
    kernel = kernel[::-1, ::-1] if flip else kernel
    patches = _windows(_padded(x, padding), kernel.shape[:2], stride)
    return np.einsum("nijuvc,uvcf->nijf", patches, kernel) + bias


def _kernel_gradient(x, dy, kernel, bias, *, stride=1, padding=0) -> np.ndarray:
    patches = _windows(_padded(x, padding), kernel.shape[:2], stride)
    return np.einsum("nijuvc,nijf->uvcf", patches, dy)


def _input_gradient(
    x, dy, kernel, bias, *, stride=1, padding=0, flip=False, keep="all", cut=True
) -> np.ndarray:
    kernel = kernel[::-1, ::-1] if flip else kernel
    shape = _padded(x, padding).shape
    dx = _add_windows(np.einsum("nijf,uvcf->nijuvc", dy, kernel), shape, stride, keep=keep)
    return dx[:, padding : shape[1] - padding, padding : shape[2] - padding] if cut else dx


def _bias_gradient(x, dy, *_, **__) -> np.ndarray:
    return dy.reshape(-1, dy.shape[-1]).sum(0)


SWAPPED = Mistake("gradients_swapped", _bias_gradient)  # le gradient des biais, noté le premier


@question("ex22.convolution")
def ask_convolution(ask: Ask) -> Credit:
    """Compare l'aller, puis chaque gradient."""
    rng = ask.rng

    def call(height, width, kernel_shape, **named):
        kernel, bias = rng.normal(size=(*kernel_shape, 2, 4)), rng.normal(size=4)
        x = rng.normal(size=(3, height, width, 2))
        dy = rng.normal(size=_convolve(x, None, kernel, bias, **named).shape)
        return (x, dy, kernel, bias), named

    plain = [call(5, 6, (3, 2)), call(4, 4, (1, 1))]
    full = [
        call(7, 5, (3, 3), stride=2, padding=1),
        call(6, 7, (2, 3), padding=2),
        call(8, 7, (3, 3), stride=3),
    ]

    def with_settings(compute, **settings):
        return lambda *positional, **named: compute(*positional, **{**named, **settings})

    forward = [
        Mistake("flipped_kernel", with_settings(_convolve, flip=True), "1/2"),
        Mistake("bias_forgotten", lambda x, dy, k, b, **o: _convolve(x, dy, k, 0, **o), "1/2"),
        Mistake("padding_ignored", with_settings(_convolve, padding=0)),
        Mistake("stride_ignored", with_settings(_convolve, stride=1)),
    ]

    def per_batch(compute):
        return [
            Mistake("batch_averaged", lambda x, dy, *a, **o: compute(x, dy, *a, **o) / len(x)),
            Mistake("batch_forgotten", lambda x, dy, *a, **o: compute(x[:1], dy[:1], *a, **o)),
            Mistake("batch_forgotten", lambda x, dy, *a, **o: compute(x[-1:], dy[-1:], *a, **o)),
        ]

    backward = [
        Mistake("flipped_kernel", with_settings(_input_gradient, flip=True), "1/2"),
        Mistake("overlap_overwritten", with_settings(_input_gradient, keep="first"), "1/2"),
        Mistake("overlap_overwritten", with_settings(_input_gradient, keep="last"), "1/2"),
        Mistake("padding_kept", with_settings(_input_gradient, cut=False), "1/2"),
    ]
    stages = [
        ("1/4", "y", plain, _convolve, forward[:2]),
        ("1/2", "y", full, _convolve, forward),
        ("5/8", "0", plain + full, _kernel_gradient, [*per_batch(_kernel_gradient), SWAPPED]),
        ("3/4", "1", plain + full, _bias_gradient, per_batch(_bias_gradient)),
        ("1", "dx", plain + full, _input_gradient, backward),
    ]
    return _judge_layer(ask, "Convolution", stages)


def _pooled(x, dy, size, *, stride=None, reduce=np.max) -> np.ndarray:
    return reduce(_windows(x, (size, size), stride or size), axis=(3, 4))


def _pooling_calls(ask: Ask) -> list[tuple]:
    rng, calls = ask.rng, []
    for height, width, size, stride in ((6, 8, 2, None), (7, 5, 3, 2), (5, 5, 2, 1)):
        # Des entiers : le maximum d'une fenêtre y est parfois deux fois.
        x = rng.integers(-4, 5, (2, height, width, 3)).astype(float)
        dy = rng.normal(size=_pooled(x, None, size, stride=stride).shape)
        calls.append(((x, dy, size), {"stride": stride}))
    return calls


@question("ex22.max_pooling")
def ask_max_pooling(ask: Ask) -> Credit:
    """Compare les maximums, puis à qui va le gradient."""
    calls = _pooling_calls(ask)

    def returned(x, dy, size, *, stride=None, choose):
        stride = stride or size
        patches = _windows(x, (size, size), stride)
        flat = patches.reshape(*patches.shape[:3], -1, x.shape[3])  # (n, h', w', k·k, c)
        share = (choose(flat) * dy[:, :, :, None]).reshape(patches.shape)
        return _add_windows(share, x.shape, stride)

    def first(flat):
        return flat.argmax(3)[:, :, :, None] == np.arange(flat.shape[3])[:, None]

    def backward(choose):
        return lambda *positional, **named: returned(*positional, **named, choose=choose)

    mean = Mistake("average_for_max", lambda *a, **o: _pooled(*a, **o, reduce=np.mean))
    fixed = Mistake(
        "pooling_stride", lambda x, dy, size, *, stride=None: _pooled(x, dy, size), "1/2"
    )
    mistakes = [
        Mistake("tie_counted_twice", backward(lambda f: f == f.max(3, keepdims=True)), "1/2"),
        Mistake("gradient_to_all", backward(np.ones_like)),
    ]
    stages = [
        ("1/2", "y", calls, _pooled, [mean, fixed]),
        ("1", "dx", calls, backward(first), mistakes),
    ]
    return _judge_layer(ask, "MaxPooling", stages)


@question("ex22.average_pooling")
def ask_average_pooling(ask: Ask) -> Credit:
    """Compare les moyennes, puis la part de chaque case."""
    calls = _pooling_calls(ask)

    def mean(*positional, **named):
        return _pooled(*positional, **named, reduce=np.mean)

    def shared(x, dy, size, *, stride=None, divide=True):
        shape = (*dy.shape[:3], size, size, dy.shape[3])
        share = np.broadcast_to(dy[:, :, :, None, None], shape)
        return _add_windows(share / (size**2 if divide else 1), x.shape, stride or size)

    whole = Mistake("share_not_divided", lambda *a, **o: shared(*a, **o, divide=False), "1/2")
    stages = [
        ("1/2", "y", calls, mean, [Mistake("max_for_average", _pooled)]),
        ("1", "dx", calls, shared, [whole]),
    ]
    return _judge_layer(ask, "AveragePooling", stages)


@question("ex22.relu")
def ask_relu(ask: Ask) -> Credit:
    """Compare l'aller, puis où le gradient s'arrête."""
    rng = ask.rng
    calls = [((rng.normal(size=s), rng.normal(size=s)), {}) for s in ((2, 3, 4, 5), (4, 7))]
    forward = [
        Mistake("absolute_value", lambda x, dy: np.abs(x)),
        Mistake("relu_forgotten", lambda x, dy: x),
    ]
    backward = [
        Mistake("gradient_not_stopped", lambda x, dy: dy),
        Mistake("sign_of_gradient", lambda x, dy: np.maximum(dy, 0)),
    ]
    stages = [
        ("1/2", "y", calls, lambda x, dy: np.maximum(x, 0), forward),
        ("1", "dx", calls, lambda x, dy: dy * (x > 0), backward),
    ]
    return _judge_layer(ask, "Relu", stages)


@question("ex22.dense")
def ask_dense(ask: Ask) -> Credit:
    """Compare l'aller, puis chaque gradient."""
    rng, calls = ask.rng, []
    for n, d, m in ((5, 4, 3), (2, 7, 6)):
        arrays = [rng.normal(size=shape) for shape in ((n, d), (n, m), (d, m), (m,))]
        calls.append((tuple(arrays), {}))
    averaged = Mistake("batch_averaged", lambda x, dy, *_: x.T @ dy / len(x))
    mean = Mistake("batch_averaged", lambda x, dy, *_: dy.mean(0))
    forgotten = Mistake("bias_forgotten", lambda x, dy, matrix, bias: x @ matrix, "1/2")
    stages = [
        ("1/4", "y", calls, lambda x, dy, matrix, bias: x @ matrix + bias, [forgotten]),
        ("1/2", "0", calls, lambda x, dy, *_: x.T @ dy, [averaged, SWAPPED]),
        ("3/4", "1", calls, _bias_gradient, [mean]),
        ("1", "dx", calls, lambda x, dy, matrix, bias: dy @ matrix.T, []),
    ]
    return _judge_layer(ask, "Dense", stages)


# --- La perte ------------------------------------------------------------------------


def _softmax(scores, *, axis=1) -> np.ndarray:
    powers = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


@question("ex22.softmax")
def ask_softmax(ask: Ask) -> Credit:
    """Donne de petits scores, puis de grands."""
    small, large = ask.rng.normal(size=(4, 5)), ask.rng.normal(0, LARGE, (3, 6))
    groups = [("1/2", [((small,), {})]), ("1", [((large,), {})])]

    answers = ask.calls("softmax", [call for _, calls in groups for call in calls])
    over_images = Mistake("softmax_over_images", lambda scores: _softmax(scores, axis=0), "1/4")
    found = judge(answers, groups, _softmax, [over_images], tolerance=TOLERANCE)
    if found.reason == "not_a_number" and found.level == Fraction(1, 2):
        return Credit(found.level, "exponential_overflows")
    return found


def _loss(scores, labels, *, reduce=np.mean) -> float:
    probabilities = _softmax(scores)[np.arange(len(scores)), labels]
    return float(reduce(-np.log(probabilities)))


def _loss_gradient(scores, labels) -> np.ndarray:
    return (_softmax(scores) - np.eye(scores.shape[1])[labels]) / len(scores)


@question("ex22.cross_entropy")
def ask_cross_entropy(ask: Ask) -> Credit:
    """Compare la perte, puis le gradient que la fonction rend avec elle."""
    rng, calls = ask.rng, []
    for n, classes in ((4, 3), (7, 10)):
        calls.append(((rng.normal(0, 3, (n, classes)), rng.integers(0, classes, n)), {}))
    answers = ask.calls("cross_entropy", calls)
    pairs = [answer for answer in answers if not answer.error]
    if any(
        not isinstance(answer.value, list | tuple) or len(answer.value) != 2 for answer in pairs
    ):
        return credit(0, "wrong_type")
    losses, gradients = (
        [pupil.Answer(None if each.error else each.value[k], each.error) for each in answers]
        for k in (0, 1)
    )
    with np.errstate(invalid="ignore"):
        wrong_losses = [
            Mistake("loss_summed", lambda s, y: _loss(s, y, reduce=np.sum), "1/2"),
            Mistake("softmax_twice", lambda s, y: _loss(_softmax(s), y)),
            Mistake("loss_of_scores", lambda s, y: -np.mean(s[np.arange(len(s)), y])),
            Mistake("sign_reversed", lambda s, y: -_loss(s, y), "1/2"),
        ]
        found = judge(losses, [("1", calls)], _loss, wrong_losses, tolerance=TOLERANCE)
        if found.level < 1:
            return Credit(found.level / 2, found.reason, found.detail)
        wrong_gradients = [
            Mistake("gradient_not_averaged", lambda s, y: _loss_gradient(s, y) * len(s), "1/2"),
            Mistake("label_not_subtracted", lambda s, y: _softmax(s) / len(s)),
            Mistake("label_not_subtracted", lambda s, y: _softmax(s)),
            Mistake("sign_reversed", lambda s, y: -_loss_gradient(s, y), "1/2"),
        ]
        found = judge(
            gradients, [("1", calls)], _loss_gradient, wrong_gradients, tolerance=TOLERANCE
        )
    return Credit((1 + found.level) / 2, found.reason, found.detail)


# --- Un pas --------------------------------------------------------------------------


@question("ex22.descent")
def ask_descent(ask: Ask) -> Credit:
    """Fait un pas sans élan, puis plusieurs avec."""
    rng = ask.rng
    shapes = (2, 3), (4,)

    def call(num_steps, momentum):
        weights = [rng.normal(size=shape) for shape in shapes]
        steps = [[rng.normal(size=shape) for shape in shapes] for _ in range(num_steps)]
        options = {"learning_rate": float(rng.uniform(0.05, 0.3)), "momentum": momentum}
        return (weights, steps), options

    groups = [("1/2", [call(1, 0.0), call(3, 0.0)]), ("1", [call(4, 0.9), call(3, 0.5)])]

    def ends(weights, steps, *, learning_rate, momentum, sign=-1.0, share=1.0):
        """Les poids à la fin, `v ← μ·v + signe·part·η·gradient`."""
        found = []
        for k, weight in enumerate(weights):
            velocity = np.zeros_like(weight)
            for gradients in steps:
                velocity = momentum * velocity + sign * share * learning_rate * gradients[k]
                weight = weight + velocity
            found.append(weight.ravel())
        return np.concatenate(found)

    def damped(*positional, momentum, **named):
        return ends(*positional, momentum=momentum, share=1 - momentum, **named)

    mistakes = [
        Mistake("step_uphill", lambda *a, **o: ends(*a, **o, sign=1.0), "1/4"),
        Mistake("momentum_ignored", lambda *a, **o: ends(*a, **{**o, "momentum": 0.0}), "1/2"),
        Mistake("momentum_damped", damped, "1/2"),
        Mistake("rate_ignored", lambda *a, **o: ends(*a, **{**o, "learning_rate": 1.0}), "1/4"),
        Mistake("weights_unchanged", lambda w, *_, **__: np.concatenate([e.ravel() for e in w])),
    ]
    calls = [each for _, some in groups for each in some]
    answers = ask.calls("Descent", calls, operation="descend")
    return judge(answers, groups, ends, mistakes, tolerance=TOLERANCE)
