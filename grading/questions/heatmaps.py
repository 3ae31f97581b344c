"""Ce que partagent les questions des cartes d'explication : un réseau connu, une carte à borner."""

from collections.abc import Sequence

import numpy as np

from grading import messages, pupil
from grading.questions import RIGHT, Ask, Credit, Mistake, as_floats, credit, judge

NUM_CLASSES = 4
CLASS, LIKELIEST = 2, 1  # classe expliquée, et celle que le réseau annonce


def glance(rng: np.random.Generator, image: np.ndarray) -> messages.Ingredient:
    """Tire un réseau d'une couche, qui n'est jamais sûr de lui devant cette image.

    Args:
        rng: hasard de la session.
        image: `(H, W, 3)` uint8.

    Returns:
        Ce que `probes.Glance` est dans le processus du rendu : pour l'image, `LIKELIEST` est la
        plus probable des `NUM_CLASSES` classes.
    """
    kernel = rng.normal(0, 6 / np.sqrt(image.size), (*image.shape, NUM_CLASSES))
    bias = -np.tensordot(image / 255, kernel, 3)
    bias[LIKELIEST] += 0.7
    return messages.Ingredient("glance", {"kernel": kernel, "bias": bias})


def probabilities(model: messages.Ingredient, images: np.ndarray) -> np.ndarray:
    """Rend les réponses `(n, NUM_CLASSES)` d'un réseau de `glance` à des images `(n, H, W, 3)`."""
    scores = np.tensordot(images / 255, model.options["kernel"], 3) + model.options["bias"]
    if not model.options.get("softmax", True):
        return scores
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def network(
    rng: np.random.Generator, shape: tuple[int, int, int], *, bend: float = 1
) -> messages.Ingredient:
    """Tire un petit réseau de Keras, lisse et loin d'être saturé (voir `probes.small_network`).

    Args:
        rng: hasard de la session.
        shape: `(H, W, 3)`.
        bend: plus il est grand, plus le gradient change d'une image à une autre.
    """
    height, width, _ = shape
    sizes = [(3, 3, 3, 4), (1, 1, 4, 3), ((height - 2) * (width - 2) * 3, NUM_CLASSES)]
    scales = [0.4 * bend, 0.8 * bend, 0.1]
    kernels = [rng.normal(0, scale, size) for scale, size in zip(scales, sizes, strict=True)]
    biases = [rng.normal(0, 0.3, size[-1]) for size in sizes]
    options = {"kernels": kernels, "biases": biases, "shape": list(shape)}
    return messages.Ingredient("small_network", options)


def forward(model: messages.Ingredient, images: np.ndarray) -> dict[str, np.ndarray]:
    """Calcule, sans Keras, ce que rend chaque couche d'un réseau de `network`.

    Args:
        model: le réseau.
        images: `(n, H, W, 3)`, de 0 à 255.

    Returns:
        `"early"`, `"late"` `(n, h, w, c)`, et `"scores"` `(n, NUM_CLASSES)`, d'avant le softmax.
    """
    (first, second, dense), biases = model.options["kernels"], model.options["biases"]
    windows = np.lib.stride_tricks.sliding_window_view(images / 255, (3, 3), axis=(1, 2))
    early = np.tanh(np.einsum("nyxcij,ijck->nyxk", windows, first) + biases[0])
    late = np.tanh(early @ second[0, 0] + biases[1])
    return {
        "early": early,
        "late": late,
        "scores": late.reshape(len(images), -1) @ dense + biases[2],
    }


def backward(
    model: messages.Ingredient, images: np.ndarray, seeds: np.ndarray
) -> dict[str, np.ndarray]:
    """Dérive une somme pondérée des scores par rapport à chaque couche et à l'image.

    Args:
        model: un réseau de `network`.
        images: `(n, H, W, 3)`, de 0 à 255.
        seeds: `(n, NUM_CLASSES)`, poids de chaque score.

    Returns:
        `"late"`, `"early"` et `"image"`, chacun de la forme de ce par rapport à quoi l'on dérive.
    """
    first, second, dense = model.options["kernels"]
    found = forward(model, images)
    late = (seeds @ dense.T).reshape(found["late"].shape)
    early = (late * (1 - found["late"] ** 2)) @ second[0, 0].T
    before = early * (1 - found["early"] ** 2)
    _, height, width, _ = before.shape
    image = np.zeros(images.shape)
    for row in range(3):
        for column in range(3):
            image[:, row : row + height, column : column + width] += before @ first[row, column].T
    return {"late": late, "early": early, "image": image / 255}


def score_seeds(model, images, class_index) -> np.ndarray:
    """Rend les poids qui ne gardent que le score d'une classe."""
    return np.tile(np.eye(NUM_CLASSES)[class_index], (len(images), 1))


def all_seeds(model, images, class_index) -> np.ndarray:
    """Rend les poids de qui dérive tous les scores à la fois."""
    return np.ones((len(images), NUM_CLASSES))


def probability_seeds(model, images, class_index) -> np.ndarray:
    """Rend les poids de qui dérive la probabilité, et non le score."""
    scores = forward(model, images)["scores"]
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares = powers / powers.sum(axis=1, keepdims=True)
    return shares[:, [class_index]] * (np.eye(NUM_CLASSES)[class_index] - shares)


def other_seeds(chosen: int):
    """Rend une fonction semblable, pour une classe qui n'est pas celle qu'on demande."""
    return lambda model, images, class_index: score_seeds(model, images, chosen)


SEEDS = [  # ce qu'on dérive quand on se trompe, et la raison
    ("probability_derived", probability_seeds),
    ("all_classes_derived", all_seeds),
    *(("wrong_class", other_seeds(k)) for k in range(NUM_CLASSES) if k != CLASS),
]


def enlarged(answers: Sequence[pupil.Answer], factor: float) -> list[pupil.Answer]:
    """Multiplie des réponses : comparées à un près, de petites valeurs paraîtraient nulles."""
    found = []
    for answer in answers:
        values = None if answer.error else as_floats(answer.value)
        found.append(answer if values is None else pupil.Answer(values * factor))
    return found


def clipped(values: np.ndarray) -> np.ndarray:
    """Ramène une carte à [0, 1] : le négatif à zéro, le plus grand à un."""
    return np.maximum(values, 0) / max(values.max(), np.finfo(np.float32).tiny)


def _stretched(values):
    return (values - values.min()) / (values.max() - values.min())


def ask_bounded(
    ask: Ask, function: str, signed: str, calls: Sequence[tuple], *, tolerance: float = 1e-4
) -> Credit:
    """Note la carte dans [0, 1] que le rendu tire de sa propre carte signée.

    Une carte signée fausse n'est donc pas comptée deux fois.

    Args:
        ask: la question.
        function: fonction qui rend la carte bornée.
        signed: fonction du même module qui rend la carte signée, mêmes arguments.
        calls: appels ; la première carte a des deux signes, la dernière n'a rien de positif.
        tolerance: écart relatif accepté.

    Returns:
        Un crédit : la moitié pour ce qui est positif.
    """
    own = []
    for (positional, _), answer in zip(calls, ask.calls(signed, calls), strict=True):
        if answer.error:
            failure = pupil.failure_of(answer.error)
            return credit(0, failure.reason, failure.detail)
        values = as_floats(answer.value)
        if values is None or values.shape != positional[1].shape[:2]:
            return credit(0, "wrong_shape", signed)
        own.append(((values,), {}))
    if np.ptp(own[0][0][0]) == 0:
        return credit(0, "wrong_values", signed)
    mistakes = [
        Mistake("map_not_clipped", lambda values: values / abs(values).max(), "1/2"),
        Mistake("map_not_clipped", lambda values: values / values.max(), "1/2"),
        Mistake("map_not_scaled", lambda values: np.maximum(values, 0), "1/2"),
        Mistake("map_not_scaled", lambda values: values),
        Mistake("map_stretched", _stretched, "1/4"),
        Mistake("absolute_value", lambda values: abs(values) / abs(values).max(), "1/4"),
    ]
    answers, groups = ask.calls(function, calls), [("1/2", own[:-1]), ("1", own[-1:])]
    with np.errstate(invalid="ignore"):  # une erreur divise zéro par zéro
        found = judge(answers, groups, clipped, mistakes, tolerance=tolerance)
    return RIGHT if found.level == 1 else found
