"""Ce que partagent les questions des cartes d'explication : un réseau connu, une carte à borner."""

from collections.abc import Sequence

import numpy as np
from scipy.signal import fftconvolve
from scipy.special import softmax

from grading.inside import messages
from grading.questions import (
    TOLERANCE,
    VAGUE,
    Ask,
    Credit,
    Mistake,
    as_floats,
    credit,
    judge,
    numbers,
    same,
    shown_as,
)

NUM_CLASSES = 4
CLASS, LIKELIEST = 2, 1  # classe expliquée, et celle que le réseau annonce


def linear(
    image: np.ndarray, kernel: np.ndarray, *, scores=0.0, softmax: bool = True
) -> messages.Ingredient:
    """Fait un réseau d'une couche, vu par ses seules réponses (`probes.Glance`).

    Args:
        image: `(H, W, 3)` uint8.
        kernel: `(H, W, 3, NUM_CLASSES)`, ce que chaque pixel, de 0 à 1, ajoute à chaque score.
        scores: scores de cette image, un par classe ou le même pour toutes.
        softmax: faux si les réponses sont les scores mêmes.
    """
    bias = scores - np.tensordot(image / 255, kernel, 3)
    return messages.Ingredient("glance", {"kernel": kernel, "bias": bias, "softmax": softmax})


def glance(rng: np.random.Generator, image: np.ndarray) -> messages.Ingredient:
    """Tire un réseau d'une couche, qui n'est jamais sûr de lui devant cette image.

    Args:
        rng: hasard de la session.
        image: `(H, W, 3)` uint8 ; `LIKELIEST` est la plus probable de ses classes.
    """
    kernel = rng.normal(0, 6 / np.sqrt(image.size), (*image.shape, NUM_CLASSES))
    return linear(image, kernel, scores=0.7 * np.eye(NUM_CLASSES)[LIKELIEST])


def probabilities(model: messages.Ingredient, images: np.ndarray) -> np.ndarray:
    """Rend les réponses `(n, NUM_CLASSES)` d'un réseau de `glance` à des images `(n, H, W, 3)`."""
    scores = np.tensordot(images / 255, model.options["kernel"], 3) + model.options["bias"]
    return softmax(scores, axis=1) if model.options["softmax"] else scores


def network(
    rng: np.random.Generator, shape: tuple[int, int, int], *, bend: float = 1
) -> messages.Ingredient:
    """Tire un petit réseau de Keras, lisse et loin d'être saturé (voir `probes.small_network`).

    Args:
        rng: hasard de la session.
        shape: `(H, W, canaux)`.
        bend: plus il est grand, plus le gradient change d'une image à une autre.
    """
    height, width, channels = shape
    kernels = [
        rng.normal(0, 0.4 * bend, (3, 3, channels, 4)),
        rng.normal(0, 0.8 * bend, (1, 1, 4, 3)),
        rng.normal(0, 0.1, ((height - 2) * (width - 2) * 3, NUM_CLASSES)),
    ]
    biases = [rng.normal(0, 0.3, kernel.shape[-1]) for kernel in kernels]
    return messages.Ingredient(
        "small_network", {"kernels": kernels, "biases": biases, "shape": list(shape)}
    )


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


def backward(model: messages.Ingredient, images: np.ndarray, class_index: int) -> np.ndarray:
    """Dérive le score d'une classe par rapport à des images.

    Args:
        model: un réseau de `network`.
        images: `(n, H, W, 3)`, de 0 à 255.
        class_index: la classe.

    Returns:
        Les gradients, de la forme des images.
    """
    height, width = images.shape[1] - 2, images.shape[2] - 2
    dense = model.options["kernels"][2]
    return from_late(model, images, dense[:, class_index].reshape(height, width, -1))


def from_late(model: messages.Ingredient, images: np.ndarray, late: np.ndarray) -> np.ndarray:
    """Ramène aux images le gradient d'un nombre par rapport aux cartes `"late"`.

    Args:
        model: un réseau de `network`.
        images: `(n, H, W, 3)`, de 0 à 255.
        late: ce gradient, `(n, h, w, c)` ou ce qui s'y étend.

    Returns:
        Les gradients, de la forme des images.
    """
    first, second, _ = model.options["kernels"]
    found = forward(model, images)
    early = (late * (1 - found["late"] ** 2)) @ second[0, 0].T
    before = early * (1 - found["early"] ** 2)
    # Une convolution entière défait la corrélation, canal d'entrée par canal de sortie.
    return fftconvolve(before[..., np.newaxis, :], first[np.newaxis], axes=(1, 2)).sum(-1) / 255


def clipped(values: np.ndarray) -> np.ndarray:
    """Ramène une carte à [0, 1] : le négatif à zéro, le plus grand à un."""
    return np.maximum(values, 0) / max(values.max(), np.finfo(np.float32).tiny)


def ask_bounded(ask: Ask, function: str, signed: str, calls: Sequence[tuple]) -> Credit:
    """Note la carte dans [0, 1] que le rendu tire de sa propre carte signée.

    Une carte signée fausse n'est donc pas comptée deux fois.

    Args:
        ask: la question.
        function: fonction qui rend la carte bornée.
        signed: fonction du même module qui rend la carte signée, mêmes arguments.
        calls: appels ; la première carte a des deux signes, la dernière n'a rien de positif.

    Returns:
        Un crédit : la moitié pour ce qui est positif.
    """
    own = [
        ((numbers(answer, image.shape[:2], detail=signed),), {})
        for ((_, image, *_), _), answer in zip(calls, ask.calls(signed, calls), strict=True)
    ]
    if np.ptp(own[0][0][0]) == 0:
        return credit(0, "wrong_values", signed)
    answers, groups = ask.calls(function, calls), [("1/2", own[:-1]), ("1", own[-1:])]
    with np.errstate(invalid="ignore"):  # une erreur divise zéro par zéro
        found = judge(answers, groups, clipped, BOUNDED_MISTAKES, tolerance=TOLERANCE)
    if found.reason in VAGUE and _is_bare(ask, signed, calls, answers):
        found = found._replace(reason="options_not_passed", detail="")
    return shown_as(found, function, own, calls)


def _is_bare(ask: Ask, signed: str, calls: Sequence[tuple], answers: Sequence) -> bool:
    """Dit si les cartes sont celles d'appels dont les options ne sont pas données."""
    bare = [(positional, {}) for positional, named in calls if named]
    if len(bare) < len(calls):
        return False
    maps = ask.calls(signed, bare)
    known = [None if each.error else as_floats(each.value) for each in maps]
    return all(  # de la dernière, où rien n'est positif, une autre erreur peut se dire
        each is not None and same(answer.value, clipped(each), tolerance=TOLERANCE)
        for each, answer in zip(known[:-1], answers[:-1], strict=True)
    )


def _over_strongest(values: np.ndarray) -> np.ndarray:
    """Divise par la plus grande valeur absolue, que la carte n'a plus si elle est négative."""
    return np.maximum(values, 0) / abs(values).max()


BOUNDED_MISTAKES = (
    Mistake("zero_over_zero", lambda k: np.maximum(k, 0) / np.maximum(k, 0).max(), "1/2"),
    Mistake("map_sums_to_one", lambda k: np.maximum(k, 0) / max(np.maximum(k, 0).sum(), 1e-30)),
    Mistake("map_not_clipped", lambda values: values / abs(values).max(), "1/2"),
    Mistake("map_over_strongest", _over_strongest),
    Mistake("map_not_scaled", lambda values: np.maximum(values, 0), "1/2"),
    Mistake("map_stretched", lambda k: (k - k.min()) / np.ptp(k), "1/4"),
    Mistake("absolute_value", lambda values: abs(values) / abs(values).max(), "1/4"),
)
