"""Exercice 22 : une convolution, un pooling, une perte, à l'aller comme au retour."""

from functools import partial
from operator import itemgetter

import numpy as np

from grading import sealed
from grading.asking.failures import Answer
from grading.inside import probes
from grading.questions import Ask, Credit, Mistake, altered, compared, first_fault, question, same

convolution, dense, pooling = (
    sealed.module(f"ex22_by_hand.{name}") for name in ("convolution", "dense", "pooling")
)
TOLERANCE = 1e-5
LARGE = 5000.0  # de scores dont l'un au moins a une exponentielle qui déborde
FAR = 1000.0  # d'un grand score à zéro, au moins : où qu'on les coupe, ils deviennent égaux
BOTH_WAYS = (("1/2", "y", None), ("1", "dx", None))  # l'aller, puis le retour
ABSENT = "absent"  # ce qui est rendu d'une liste qui n'a pas l'élément demandé
SEEN_FORWARD = ("pooling_stride_not_read", "pooling_stride")  # n'expliquent pas un retour faux seul


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
    found = ask.compare(kind.__name__, groups, mistakes=mistakes, **how)
    if found.reason in SEEN_FORWARD and _last_step(found) == "backward":  # l'aller est juste
        others = [each for each in mistakes if each.reason not in SEEN_FORWARD]
        found = ask.compare(kind.__name__, groups, mistakes=others, **how)
    if _last_step(found) == "gradients" and _is_none(found.wrong.answer):
        return found._replace(reason="gradients_not_noted", detail="")
    if found.level < 1 or "weights" not in [wanted for _, wanted, _ in stages]:
        return found
    return _followed(ask, kind, layers[0], found)


def _is_none(answer: Answer) -> bool:
    """Dit si une demande n'a rien trouvé à rendre, sans s'arrêter."""
    return answer.value is None and not answer.error


def _last_step(found: Credit) -> str:
    """Nomme la dernière demande du premier appel manqué : `"forward"`, `"gradients"`."""
    return found.wrong.positional[-1][0] if found.wrong else ""


def _followed(ask: Ask, kind: type, layer: tuple, found: Credit) -> Credit:
    """Rend le crédit d'une couche juste, si la descente peut s'en servir.

    Sa liste `gradients` est vide avant tout retour, puis de la longueur de `weights` ; et changer
    les poids sur place change ce qu'elle calcule.
    """
    given, named = layer
    asked = ("before", "too_many", "y_moved", "dx_moved")
    calls = [(_steps(wanted, *given), named) for wanted in asked]
    before, more, *moved = ask.calls(kind.__name__, calls, operation="chained")
    right = ask.reference.calls(kind.__name__, calls[2:], operation="chained")
    follows = [
        same(each.value, ours.value, tolerance=TOLERANCE)
        for each, ours in zip(moved, right, strict=True)
    ]
    fault = first_fault(
        ("3/4", "gradients_not_empty", not _is_absent(before)),
        ("3/4", "gradients_too_many", not _is_absent(more)),
        ("3/4", "weights_not_read", not all(follows)),
    )
    return fault if fault.reason else found


def _is_absent(answer: Answer) -> bool:
    """Dit si une liste n'a pas l'élément demandé."""
    return isinstance(answer.value, str) and answer.value == ABSENT


def _steps(wanted: str, x: np.ndarray, dy: np.ndarray, *arguments) -> tuple:
    """Rend ce qu'il faut demander à une couche (voir `probes.chained`).

    Args:
        wanted: `"y"`, ce que rend l'aller ; `"dx"`, ce que rend le retour ; `"weights"`, le premier
            des poids ; `"again"`, son gradient au second retour, les images ayant changé d'ordre ;
            `"before"`, son gradient avant tout retour, ou `ABSENT` ; `"too_many"`, le gradient d'un
            troisième poids ; `"y_moved"` et `"dx_moved"`, ce que rendent l'aller et le retour quand
            les poids ont changé sur place ; ou le numéro, en texte, d'un gradient noté au retour.
        x: entrée.
        dy: gradient de la sortie.
        arguments: de quoi construire la couche.
    """
    steps = [["forward", x], ["backward", dy]]
    if wanted == "weights":
        steps = [["weights", 0]]
    if wanted == "before":
        steps = [["gradients", 0, ABSENT]]  # None serait un gradient : la liste n'est pas vide
    if wanted == "too_many":
        steps.append(["gradients", len(arguments), ABSENT])
    if wanted.endswith("_moved"):
        steps = [["weights", k, "+=", 1 + each] for k, each in enumerate(arguments)] + steps
    if wanted == "again":
        steps += [["forward", x[::-1]], ["backward", dy], ["gradients", 0]]
    if wanted.isdigit():
        steps.append(["gradients", int(wanted)])
    return (list(arguments), *steps[: -1 if wanted.startswith("y") else None])


def _layer(make):
    """Rend ce que répondrait une couche, construite par `make`, aux demandes de `_steps`."""

    def answer(arguments, *steps, **named):
        layer, found = make(*arguments, **named), None
        for name, *given in steps:
            found = probes.step(layer, name, *given)
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


class _PaddedAfter(convolution.Convolution):
    """Met tous les zéros après l'image, et les ôte des deux côtés."""

    def forward(self, x):
        """Ajoute les zéros d'un seul côté."""
        return self._forward_padded(x, (0, 2 * self.padding))

    def _forward_padded(self, x, sides):
        kept, self.padding = self.padding, 0
        y = super().forward(np.pad(x, [(0, 0), sides, sides, (0, 0)]))
        self.padding = kept
        return y


class _PaddedBefore(_PaddedAfter):
    """Met tous les zéros avant l'image, et les ôte des deux côtés."""

    def forward(self, x):
        """Ajoute les zéros d'un seul côté."""
        return self._forward_padded(x, (2 * self.padding, 0))


class _StrideForgottenGoingBack(convolution.Convolution):
    """Remet au retour chaque fenêtre à un pixel de la précédente."""

    def backward(self, dy):
        """Rend le gradient d'un pas de 1."""
        self.stride = 1
        return super().backward(dy)


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


def _appended(kind: type) -> type:
    """Rend une couche dont chaque retour allonge la liste de ses gradients."""

    class Appended(kind):
        """Garde les gradients."""

        def backward(self, dy):
            """Met les nouveaux après les précédents."""
            before = self.gradients
            dx = super().backward(dy)
            self.gradients = before + self.gradients
            return dx

    return Appended


def _with_weights_exchanged(kind: type) -> type:
    """Rend une couche dont la liste `weights` commence par les biais ; seule elle se demande."""

    class Exchanged(kind):
        """Range les poids dans l'autre ordre."""

        def __init__(self, weights, bias, **named):
            super().__init__(bias, weights, **named)

    return Exchanged


def _with_weights(kind: type) -> list[Mistake]:
    """Rend les erreurs connues de toute couche qui a des poids."""
    return [
        Mistake("gradients_added_up", _layer(_added_up(kind))),
        Mistake("gradients_added_up", _layer(_appended(kind))),
        Mistake("weights_in_other_order", _layer(_with_weights_exchanged(kind)), "3/4"),
    ]


CONVOLUTIONS = [
    *_with_weights(convolution.Convolution),
    Mistake("flipped_kernel", _layer(_kernel_flipped)),
    Mistake("bias_forgotten", _layer(_bias_forgotten)),
    Mistake("padding_forgotten", _layer(_padding_forgotten)),
    Mistake("stride_ignored", _layer(_convolution_of_stride_1)),
    Mistake("zeros_on_one_side", _layer(_PaddedAfter)),
    Mistake("zeros_on_one_side", _layer(_PaddedBefore)),
    Mistake("padding_kept", _layer(_PaddingKept)),
    Mistake("stride_forgotten_going_back", _layer(_StrideForgottenGoingBack)),
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


def _pooling(share, add=convolution.add_windows, *, kind=pooling.MaxPooling):
    """Rend un pooling dont le retour a, au choix, une erreur.

    Args:
        share: d'après les cases d'une fenêtre, sur le quatrième axe, la part que chacune reçoit.
        add: met les fenêtres à leur place.
        kind: ce qui fait l'aller.
    """

    class Shared(kind):
        """Retient les cases de chaque fenêtre."""

        def forward(self, x):
            """Rend la valeur de chaque fenêtre."""
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


def _equal_parts(cells):
    return np.full_like(cells, 1 / cells.shape[3])


def _first_cell(cells):
    return np.ones_like(cells) * (np.arange(cells.shape[3]) == 0)[:, np.newaxis]


def _every_largest(cells):
    return (cells == cells.max(axis=3, keepdims=True)).astype(float)


def _shared_by_largest(cells):
    return _every_largest(cells) / _every_largest(cells).sum(axis=3, keepdims=True)


def _first_largest(cells):
    largest = _every_largest(cells)
    return largest * (largest.cumsum(axis=3) == 1)


def _last_largest(cells):
    return _first_largest(cells[:, :, :, ::-1])[:, :, :, ::-1]


def _first_largest_by_column(cells):
    return _by_column(_first_largest(_by_column(cells)))


def _by_column(cells):
    """Range les cases de chaque fenêtre colonne par colonne, ou l'inverse."""
    side = int(np.sqrt(cells.shape[3]))
    square = cells.reshape(*cells.shape[:3], side, side, -1)
    return square.swapaxes(3, 4).reshape(cells.shape)


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


def _written_over_by_place(patches, shape, stride, *, kept=0):
    """Met à leur place toutes les premières cases des fenêtres, puis toutes les deuxièmes.

    Args:
        patches: comme pour `add_windows`.
        shape: de même.
        stride: de même.
        kept: comme pour `_written_over`.
    """
    x = np.zeros(shape)
    height, width, side = patches.shape[1:4]
    for u, v in np.ndindex(side, side):
        part = patches[:, :, :, u, v]
        place = x[:, u : u + stride * height : stride, v : v + stride * width : stride]
        place[:] = np.where(part, part, kept * place)
    return x


WRITTEN_OVER = [
    partial(write, kept=kept)
    for write in (_written_over, _written_over_by_place)
    for kept in (0, 1)
]


def _only_windows(patches, shape, stride):
    """Rend un gradient qui s'arrête à la dernière fenêtre, où que s'arrête l'image."""
    num, height, width, side, _, channels = patches.shape
    read = [stride * (count - 1) + side for count in (height, width)]
    return convolution.add_windows(patches, (num, *read, channels), stride)


class _ChannelsPooled(pooling.MaxPooling):
    """Prend le maximum de tous les canaux d'une fenêtre."""

    def forward(self, x):
        """Rend une valeur par fenêtre."""
        return super().forward(x).max(axis=-1)


def _side_by_side(kind: type):
    """Rend un pooling dont les fenêtres ne se recouvrent jamais."""

    def make(size, *, stride=None):
        return kind(size)

    return make


def _of_stride_1(kind: type):
    """Rend un pooling dont le pas, s'il n'est pas donné, vaut 1."""

    def make(size, *, stride=None):
        return kind(size, stride=stride or 1)

    return make


def _gradient_unread(kind: type) -> type:
    """Rend une couche dont le retour ne lit pas le gradient qu'il reçoit."""

    class Unread(kind):
        """Prend un gradient de 1 partout."""

        def backward(self, dy):
            """Rend le gradient de la somme des sorties."""
            return super().backward(np.ones_like(dy))

    return Unread


def _poolings(kind: type, right) -> list[Mistake]:
    """Rend les erreurs connues de tout pooling.

    Args:
        kind: le bon.
        right: la part que reçoit chaque case (voir `_pooling`).
    """
    return [
        Mistake("pooling_stride_not_read", _layer(_side_by_side(kind))),
        Mistake("pooling_stride", _layer(_of_stride_1(kind))),
        Mistake("gradient_unread", _layer(_gradient_unread(kind))),
        Mistake("gradient_of_windows", _pooling(right, _only_windows, kind=kind)),
        *(
            Mistake("gradient_written_over", _pooling(right, write, kind=kind))
            for write in WRITTEN_OVER
        ),
    ]


POOLINGS = [
    *_poolings(pooling.MaxPooling, _first_largest),
    Mistake("channels_pooled", _layer(_ChannelsPooled)),
    Mistake("gradient_to_every_cell", _pooling(_every_cell)),
    Mistake("gradient_to_every_cell", _pooling(_equal_parts)),
    Mistake("average_for_max", _layer(pooling.AveragePooling)),
    Mistake("gradient_to_every_largest", _pooling(_every_largest)),
    Mistake("gradient_to_every_largest", _pooling(_shared_by_largest)),
    Mistake("gradient_to_last_largest", _pooling(_last_largest)),
    Mistake("gradient_by_column", _pooling(_first_largest_by_column)),
    Mistake("gradient_to_every_largest", _pooling(_every_largest, _written_over)),
]


class _SpreadByGradient(pooling.AveragePooling):
    """Compte les fenêtres d'après le gradient reçu, et non d'après l'aller."""

    def backward(self, dy):
        """Partage le gradient entre autant de fenêtres qu'il en a."""
        self.patches_shape = (*dy.shape[:3], self.size, self.size, dy.shape[3])
        return super().backward(dy)


AVERAGES = [
    *_poolings(pooling.AveragePooling, _equal_parts),
    Mistake("pooling_stride", _layer(_of_stride_1(_SpreadByGradient))),
    Mistake("gradient_to_one_cell", _pooling(_first_cell, kind=pooling.AveragePooling)),
    Mistake("gradient_to_one_cell", _pooling(_first_largest, kind=pooling.AveragePooling)),
]


@question("ex22.max_pooling")
@question("ex22.average_pooling")
def ask_pooling(ask: Ask) -> Credit:
    """Compare un pooling d'entiers : le maximum d'une fenêtre y est parfois deux fois.

    La dernière image a une ligne et une colonne qu'aucune fenêtre ne lit.
    """
    kind = {"max_pooling": pooling.MaxPooling, "average_pooling": pooling.AveragePooling}
    inputs = [
        ((ask.rng.integers(-4, 5, (2, height, width, 3)).astype(float), size), {"stride": stride})
        for height, width, size, stride in (
            *((6, 8, 2, None), (7, 5, 3, 2), (5, 5, 2, 1)),
            (7, 5, 2, None),
        )
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


def _passes(where) -> type:
    """Rend une ReLU dont le gradient passe là où `where` le dit de l'entrée."""

    class Passes(dense.Relu):
        """Retient où le gradient passe."""

        def forward(self, x):
            """Rend ce que rend une ReLU."""
            self.chosen = where(x)
            return super().forward(x)

        def backward(self, dy):
            """Laisse passer le gradient."""
            return dy * self.chosen

    return Passes


def _over(threshold) -> type:
    """Rend une ReLU qui garde ce qui dépasse `threshold(x)`, à l'aller comme au retour."""

    class Over(dense.Relu):
        """Compare à autre chose que zéro."""

        def forward(self, x):
            """Garde les grandes valeurs."""
            self.positive = x > threshold(x)
            return x * self.positive

    return Over


class _AbsoluteValue(dense.Relu):
    """Rend la valeur absolue."""

    def forward(self, x):
        """Ôte les signes."""
        super().forward(x)
        return np.abs(x)


def _are_negative(x):
    return x < 0


def _are_not_positive(x):
    return x <= 0


RELUS = [
    Mistake("absolute_value", _layer(_AbsoluteValue)),
    Mistake("relu_threshold", _layer(_over(np.mean))),
    Mistake("relu_threshold", _layer(_over(np.ones_like))),
    Mistake("gradient_of_negatives", _layer(_passes(_are_negative))),
    Mistake("gradient_of_negatives", _layer(_passes(_are_not_positive))),
    Mistake("gradient_unread", _layer(_gradient_unread(dense.Relu))),
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


@question("ex22.dense")
def ask_dense(ask: Ask) -> Credit:
    """Compare l'aller, puis chaque gradient."""
    inputs = [
        (tuple(ask.rng.normal(size=shape) for shape in ((n, d), (d, m), (m,))), {})
        for n, d, m in ((5, 4, 3), (2, 7, 6))
    ]
    stages = [("1/4", "y", 2), ("1/2", "0", 2), ("3/4", "1", 2), ("3/4", "again", 1)]
    stages += [("1", "dx", 2), ("1", "weights", 1)]
    return _compare_layer(ask, dense.Dense, inputs, stages, _with_weights(dense.Dense))


# --- La perte ------------------------------------------------------------------------


def _softmax(scores, axis=0) -> np.ndarray:
    powers = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


def _loss(
    scores, labels, *, times=1.0, sign=1.0, truth=1.0, base=np.e, added=0.0
) -> tuple[float, np.ndarray]:
    """Calcule l'entropie croisée et son gradient avec, au choix, une erreur.

    Args:
        scores: `(n, classes)`.
        labels: `(n,)`.
        times: multiplie la perte et le gradient.
        sign: multiplie la perte.
        truth: ce qui est retranché de la vraie classe.
        base: celle du logarithme.
        added: s'ajoute à la probabilité dont on prend le logarithme.
    """
    right, found = (np.arange(len(scores)), labels), _softmax(scores, 1)
    gradient = found.copy()
    gradient[right] -= truth
    loss = -np.log(found[right] + added).mean() / np.log(base)
    return sign * times * loss, times * gradient / len(scores)


def _loss_of_every_class(scores, labels, *, per_image=np.mean) -> tuple[float, np.ndarray]:
    """Calcule la perte comme si chaque classe était la vraie ; le gradient est le bon."""
    losses = -np.log(_softmax(scores, 1))
    return per_image(losses, axis=1).mean(), _loss(scores, labels)[1]


def _loss_of_shifted(scores, labels) -> tuple[float, np.ndarray]:
    """Compte les classes à partir de 1."""
    return _loss(scores, labels - 1)


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


def _shifted_by_all(scores) -> np.ndarray:
    """Retire de chaque ligne le plus grand score du tableau."""
    return _unshifted(scores - scores.max())


def _shifted_by_smallest(scores) -> np.ndarray:
    """Retire de chaque ligne son plus petit score."""
    return _unshifted(scores - scores.min(axis=1, keepdims=True))


def _clipped(scores) -> np.ndarray:
    """Coupe les grands scores, que de petits n'atteignent pas."""
    return _unshifted(np.clip(scores, -50, 50))


def _over_largest(scores) -> np.ndarray:
    """Divise chaque ligne par son plus grand score."""
    return _unshifted(scores / scores.max(axis=1, keepdims=True))


def _sigmoid(scores) -> np.ndarray:
    with np.errstate(all="ignore"):
        return 1 / (1 + np.exp(-scores))


SOFTMAX = [
    Mistake("largest_not_removed", _unshifted, "1/2"),
    Mistake("largest_of_all_removed", _shifted_by_all, "1/2"),
    Mistake("smallest_removed", _shifted_by_smallest, "1/2"),
    Mistake("scores_clipped", _clipped, "1/2"),
    Mistake("divided_by_largest", _over_largest),
    Mistake("sigmoid_output", _sigmoid),
    Mistake("softmax_of_column", _softmax),
    Mistake("softmax_of_all", altered(_softmax, axis=None)),
]
LOSSES = [
    Mistake("gradient_summed", lambda s, y: (_loss(s, y)[0], len(s) * _loss(s, y)[1]), "1/2"),
    Mistake("labels_of_all", _loss_of_pairs),
    Mistake("loss_summed", lambda scores, labels: _loss(scores, labels, times=len(scores))),
    Mistake("loss_negative", altered(_loss, sign=-1.0)),
    Mistake("truth_not_removed", altered(_loss, truth=0.0), "1/2"),
    Mistake("loss_of_every_class", _loss_of_every_class),
    Mistake("loss_of_every_class", altered(_loss_of_every_class, per_image=np.sum)),
    Mistake("labels_shifted", _loss_of_shifted),
    *(Mistake("other_logarithm", altered(_loss, base=base)) for base in (2, 10)),
]
ADDED = [  # les plus petits nombres ne se voient qu'à certains tirages
    Mistake("added_in_logarithm", altered(_loss, added=10.0**-k)) for k in range(3, 11)
]


@compared("ex22.softmax", mistakes=SOFTMAX, tolerance=TOLERANCE)
def ask_softmax(ask: Ask) -> list:
    """Donne de petits scores, puis de grands."""
    small, large = ask.rng.normal(size=(4, 5)), ask.rng.normal(0, LARGE, (3, 6))
    large += np.copysign(FAR, large)
    return [("1/2", [((small,), {})]), ("1", [((large,), {})])]


@compared("ex22.cross_entropy", mistakes=LOSSES + ADDED, tolerance=TOLERANCE)
def ask_cross_entropy(ask: Ask) -> list:
    """Compare la perte, puis le gradient que la fonction rend avec elle."""
    calls = [
        ((ask.rng.normal(0, 3, (n, classes)), ask.rng.integers(0, classes, n)), {})
        for n, classes in ((4, 3), (7, 10))
    ]

    return [("1/2", calls, itemgetter(0)), ("1", calls, itemgetter(1))]
