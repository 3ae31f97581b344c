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
    found = judge(
        ask.calls(function, calls),
        [("1/2", own[:-1]), ("1", own[-1:])],
        clipped,
        mistakes,
        tolerance=tolerance,
    )
    return RIGHT if found.level == 1 else found
