"""Exercice 22 : une convolution, un pooling, une perte, à l'aller comme au retour."""

from functools import partial
from operator import itemgetter

import numpy as np

from grading import sealed
from grading.questions import Ask, Credit, Mistake, altered, compared, question

convolution, dense, pooling = (
    sealed.module(f"ex22_by_hand.{name}") for name in ("convolution", "dense", "pooling")
)
TOLERANCE = 1e-5
LARGE = 5000.0  # de scores dont l'un au moins a une exponentielle qui déborde
BOTH_WAYS = (("1/2", "y", None), ("1", "dx", None))  # l'aller, puis le retour


# --- Des couches, à l'aller puis au retour -------------------------------------------


def _compare_layer(ask: Ask, kind: type, inputs, stages, mistakes=()) -> Credit:
    """Compare une couche à la bonne, du même nom : l'aller, puis chaque gradient.

    Args:
        ask: la question.
        kind: la bonne couche.
        inputs: `((x, *arguments), nommés)` ; le gradient de la sortie est tiré.
        stages: `(niveau, ce qui est demandé, à combien de ces entrées)` ; voir `_steps`.
        mistakes: erreurs connues, voir `_layer`.
    """
    layers = []
    for (x, *arguments), named in inputs:
        dy = ask.rng.normal(size=kind(*arguments, **named).forward(x).shape)
        layers.append(((x, dy, *arguments), named))
    groups = [
        (level, [(_steps(wanted, *given), named) for given, named in layers[:num]])
        for level, wanted, num in stages
    ]
    how = {"tolerance": TOLERANCE, "operation": "chained"}
    return ask.compare(kind.__name__, groups, mistakes=mistakes, **how)


def _steps(wanted: str, x: np.ndarray, dy: np.ndarray, *arguments) -> tuple:
    """Rend ce qu'il faut demander à une couche (voir `probes.chained`).

    Args:
        wanted: `"y"`, ce que rend l'aller ; `"dx"`, ce que rend le retour ; `"weights"`, le premier
            des poids ; `"again"`, son gradient au second retour ; ou le numéro, en texte, d'un
            gradient noté au retour.
        x: entrée.
        dy: gradient de la sortie.
        arguments: de quoi construire la couche.
    """
    steps = [["forward", x], ["backward", dy]]
    if wanted == "weights":
        steps = [["weights", 0]]
    if wanted == "again":
        steps += [*steps, ["gradients", 0]]
    if wanted.isdigit():
        steps.append(["gradients", int(wanted)])
    return (list(arguments), *steps[: 1 if wanted == "y" else None])


def _layer(make):
    """Rend ce que répondrait une couche, construite par `make`, aux demandes de `_steps`."""

    def answer(arguments, *steps, **named):
        layer, found = make(*arguments, **named), None
        for name, value in steps:
            member = getattr(layer, name)
            found = member(value) if callable(member) else member[value]
        return found

    return answer


class _PaddingKept(convolution.Convolution):
    """Ajoute les zéros elle-même : le gradient qu'elle rend les a encore."""

    def __init__(self, kernel, bias, *, stride=1, padding=0):
        super().__init__(kernel, bias, stride=stride)
        self.around = [(0, 0), (padding, padding), (padding, padding), (0, 0)]

    def forward(self, x):
        """Ajoute les zéros, puis fait l'aller."""
        return super().forward(np.pad(x, self.around))


class _PaddingCutFromEnd(convolution.Convolution):
    """Ôte les zéros du gradient par `[p:-p]`, qui ne garde rien sans padding."""

    def backward(self, dy):
        """Rend un gradient vide si `padding` vaut zéro."""
        dx = super().backward(dy)
        return dx if self.padding else dx[:, :0, :0]


def _kernel_flipped(kernel, bias, **named):
    return convolution.Convolution(kernel[::-1, ::-1], bias, **named)


def _bias_forgotten(kernel, bias, **named):
    return convolution.Convolution(kernel, np.zeros_like(bias), **named)


def _padding_forgotten(kernel, bias, *, stride=1, padding=0):
    return convolution.Convolution(kernel, bias, stride=stride)


def _convolution_of_stride_1(kernel, bias, *, stride=1, padding=0):
    return convolution.Convolution(kernel, bias, padding=padding)


def _added_up(kind: type) -> type:
    """Rend une couche dont chaque retour ajoute ses gradients aux précédents."""

    class Added(kind):
        """Garde les gradients."""

        def backward(self, dy):
            """Ajoute les nouveaux."""
            before = self.gradients or [0, 0]
            dx = super().backward(dy)
            self.gradients = [old + new for old, new in zip(before, self.gradients, strict=True)]
            return dx

    return Added


CONVOLUTIONS = [
    Mistake("gradients_added_up", _layer(_added_up(convolution.Convolution))),
    Mistake("flipped_kernel", _layer(_kernel_flipped)),
    Mistake("bias_forgotten", _layer(_bias_forgotten)),
    Mistake("padding_forgotten", _layer(_padding_forgotten)),
    Mistake("stride_ignored", _layer(_convolution_of_stride_1)),
    Mistake("padding_kept", _layer(_PaddingKept)),
    Mistake("empty_without_padding", _layer(_PaddingCutFromEnd), "3/4"),
]


@question("ex22.convolution")
def ask_convolution(ask: Ask) -> Credit:
    """Compare l'aller, puis chaque gradient."""

    def draw(height, width, kernel_shape, **named):
        kernel, bias = ask.rng.normal(size=(*kernel_shape, 2, 4)), ask.rng.normal(size=4)
        return (ask.rng.normal(size=(3, height, width, 2)), kernel, bias), named

    inputs = [
        draw(5, 6, (3, 2)),
        draw(4, 4, (1, 1)),
        draw(7, 5, (3, 3), stride=2, padding=1),
        draw(6, 7, (2, 3), padding=2),
        draw(8, 7, (3, 3), stride=3),
    ]
    stages = [("1/4", "y", 2), ("1/2", "y", 5), ("5/8", "0", 5), ("3/4", "1", 5)]
    stages += [("3/4", "again", 1), ("1", "dx", 5), ("1", "weights", 1)]
    return _compare_layer(ask, convolution.Convolution, inputs, stages, CONVOLUTIONS)


def _max_pooling(share, add=convolution.add_windows):
    """Rend un pooling par le maximum dont le retour a, au choix, une erreur.

    Args:
        share: d'après les cases d'une fenêtre, sur le quatrième axe, la part que chacune reçoit.
        add: met les fenêtres à leur place.
    """

    class Shared(pooling.MaxPooling):
        """Retient les cases de chaque fenêtre."""

        def forward(self, x):
            """Rend le maximum de chaque fenêtre."""
            cells = convolution.windows(x, (self.size, self.size), self.stride)
            self.cells = cells.reshape(*cells.shape[:3], -1, cells.shape[-1])
            return super().forward(x)

        def backward(self, dy):
            """Partage le gradient."""
            given = share(self.cells) * dy[:, :, :, np.newaxis]
            return add(given.reshape(self.patches_shape), self.shape, self.stride)

    return _layer(Shared)


def _every_cell(cells):
    return np.ones_like(cells)


def _every_largest(cells):
    return (cells == cells.max(axis=3, keepdims=True)).astype(float)


def _shared_by_largest(cells):
    return _every_largest(cells) / _every_largest(cells).sum(axis=3, keepdims=True)


def _first_largest(cells):
    largest = _every_largest(cells)
    return largest * (largest.cumsum(axis=3) == 1)


def _last_largest(cells):
    return _first_largest(cells[:, :, :, ::-1])[:, :, :, ::-1]


def _written_over(patches, shape, stride, *, kept=0):
    """Met les fenêtres à leur place l'une après l'autre : la dernière efface les précédentes.

    Args:
        patches: comme pour `add_windows`.
        shape: de même.
        stride: de même.
        kept: 1, où la dernière ne donne rien, ce que les précédentes ont donné reste ; 0, non.
    """
    x, side = np.zeros(shape), patches.shape[3]
    for i, j in np.ndindex(*patches.shape[1:3]):
        part, top, left = patches[:, i, j], stride * i, stride * j
        place = x[:, top : top + side, left : left + side]
        place[:] = np.where(part, part, kept * place)
    return x


def _largest_side_by_side(size, *, stride=None):
    return pooling.MaxPooling(size)


def _largest_of_stride_1(size, *, stride=None):
    return pooling.MaxPooling(size, stride=stride or 1)


class _ChannelsPooled(pooling.MaxPooling):
    """Prend le maximum de tous les canaux d'une fenêtre."""

    def forward(self, x):
        """Rend une valeur par fenêtre."""
        return super().forward(x).max(axis=-1)


def _averages_side_by_side(size, *, stride=None):
    return pooling.AveragePooling(size)


POOLINGS = [
    Mistake("pooling_stride_not_read", _layer(_largest_side_by_side)),
    Mistake("pooling_stride", _layer(_largest_of_stride_1)),
    Mistake("channels_pooled", _layer(_ChannelsPooled)),
    Mistake("gradient_to_every_cell", _max_pooling(_every_cell)),
    Mistake("gradient_to_every_largest", _max_pooling(_every_largest)),
    Mistake("gradient_to_every_largest", _max_pooling(_shared_by_largest)),
    Mistake("gradient_to_last_largest", _max_pooling(_last_largest)),
    Mistake("gradient_written_over", _max_pooling(_first_largest, _written_over)),
    Mistake("gradient_written_over", _max_pooling(_first_largest, partial(_written_over, kept=1))),
    Mistake("gradient_to_every_largest", _max_pooling(_every_largest, _written_over)),
]
AVERAGES = [Mistake("pooling_stride_not_read", _layer(_averages_side_by_side))]


@question("ex22.max_pooling")
@question("ex22.average_pooling")
def ask_pooling(ask: Ask) -> Credit:
    """Compare un pooling d'entiers : le maximum d'une fenêtre y est parfois deux fois."""
    kind = {"max_pooling": pooling.MaxPooling, "average_pooling": pooling.AveragePooling}
    inputs = [
        ((ask.rng.integers(-4, 5, (2, height, width, 3)).astype(float), size), {"stride": stride})
        for height, width, size, stride in ((6, 8, 2, None), (7, 5, 3, 2), (5, 5, 2, 1))
    ]
    mistakes = POOLINGS if ask.rule.name == "max_pooling" else AVERAGES
    return _compare_layer(ask, kind[ask.rule.name], inputs, BOTH_WAYS, mistakes)


class _NeverStops(dense.Relu):
    """Rend au retour le gradient tel quel."""

    def backward(self, dy):
        """Ne met rien à zéro."""
        return dy


class _StopsNegativeGradients(dense.Relu):
    """Met à zéro, au retour, les gradients négatifs."""

    def backward(self, dy):
        """Coupe d'après le signe du gradient."""
        return np.maximum(dy, 0)


class _MultipliedByInput(dense.Relu):
    """Multiplie le gradient par l'entrée."""

    def forward(self, x):
        """Garde l'entrée."""
        self.x = x
        return super().forward(x)

    def backward(self, dy):
        """Rend le produit."""
        return dy * self.x


class _PassesAtZero(dense.Relu):
    """Laisse passer le gradient là où l'entrée vaut zéro."""

    def forward(self, x):
        """Compte zéro parmi les positifs."""
        self.positive = x >= 0
        return x * self.positive


RELUS = [
    Mistake("gradient_passes_at_zero", _layer(_PassesAtZero)),
    Mistake("gradient_not_stopped", _layer(_NeverStops)),
    Mistake("multiplied_by_input", _layer(_MultipliedByInput)),
    Mistake("gradient_cut_by_its_sign", _layer(_StopsNegativeGradients)),
]


@question("ex22.relu")
def ask_relu(ask: Ask) -> Credit:
    """Compare l'aller, puis où le gradient s'arrête."""
    inputs = [((ask.rng.normal(size=shape),), {}) for shape in ((2, 3, 4, 5), (4, 7))]
    for (x,), _ in inputs:
        x.flat[::5] = 0
    return _compare_layer(ask, dense.Relu, inputs, BOTH_WAYS, RELUS)


DENSES = [Mistake("gradients_added_up", _layer(_added_up(dense.Dense)))]


@question("ex22.dense")
def ask_dense(ask: Ask) -> Credit:
    """Compare l'aller, puis chaque gradient."""
    inputs = [
        (tuple(ask.rng.normal(size=shape) for shape in ((n, d), (d, m), (m,))), {})
        for n, d, m in ((5, 4, 3), (2, 7, 6))
    ]
    stages = [("1/4", "y", 2), ("1/2", "0", 2), ("3/4", "1", 2), ("3/4", "again", 1)]
    stages += [("1", "dx", 2), ("1", "weights", 1)]
    return _compare_layer(ask, dense.Dense, inputs, stages, DENSES)


# --- La perte ------------------------------------------------------------------------


def _softmax(scores, axis=0) -> np.ndarray:
    powers = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


def _loss(scores, labels, *, times=1.0, sign=1.0, truth=1.0) -> tuple[float, np.ndarray]:
    """Calcule l'entropie croisée et son gradient avec, au choix, une erreur."""
    right, found = (np.arange(len(scores)), labels), _softmax(scores, 1)
    gradient = found.copy()
    gradient[right] -= truth
    return -sign * times * np.log(found[right]).mean(), times * gradient / len(scores)


def _loss_of_pairs(scores, labels) -> tuple[float, np.ndarray]:
    """Calcule la perte et son gradient en lisant, de chaque image, les classes de toutes."""
    found = _softmax(scores, 1)
    gradient = found.copy()
    gradient[:, labels] -= 1
    return -np.log(found[:, labels]).mean(), gradient / len(scores)


def _unshifted(scores) -> np.ndarray:
    """Prend les exponentielles des scores tels quels."""
    with np.errstate(all="ignore"):
        powers = np.exp(scores)
        return powers / powers.sum(axis=1, keepdims=True)


SOFTMAX = [
    Mistake("largest_not_removed", _unshifted, "1/2"),
    Mistake("softmax_of_column", _softmax),
    Mistake("softmax_of_all", altered(_softmax, axis=None)),
]
LOSSES = [
    Mistake("gradient_summed", lambda s, y: (_loss(s, y)[0], len(s) * _loss(s, y)[1]), "1/2"),
    Mistake("labels_of_all", _loss_of_pairs),
    Mistake("loss_summed", lambda scores, labels: _loss(scores, labels, times=len(scores))),
    Mistake("loss_negative", altered(_loss, sign=-1.0)),
    Mistake("truth_not_removed", altered(_loss, truth=0.0), "1/2"),
]


@compared("ex22.softmax", mistakes=SOFTMAX, tolerance=TOLERANCE)
def ask_softmax(ask: Ask) -> list:
    """Donne de petits scores, puis de grands."""
    small, large = ask.rng.normal(size=(4, 5)), ask.rng.normal(0, LARGE, (3, 6))
    return [("1/2", [((small,), {})]), ("1", [((large,), {})])]


@compared("ex22.cross_entropy", mistakes=LOSSES, tolerance=TOLERANCE)
def ask_cross_entropy(ask: Ask) -> list:
    """Compare la perte, puis le gradient que la fonction rend avec elle."""
    calls = [
        ((ask.rng.normal(0, 3, (n, classes)), ask.rng.integers(0, classes, n)), {})
        for n, classes in ((4, 3), (7, 10))
    ]

    return [("1/2", calls, itemgetter(0)), ("1", calls, itemgetter(1))]
