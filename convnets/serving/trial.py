"""Le premier essai d'un export venu d'ailleurs, dans un processus à part (voir `apart`).

Un `.tflite` abîmé, ou fait pour nuire, peut arrêter le processus qui le charge : c'est ici que cela
arrive. Ce qui a répondu une fois, à des images de toute sorte, peut être chargé par `./predict`.
"""

import re
from collections.abc import Sequence

import numpy as np

from convnets.serving.apart import RefusedError
from convnets.serving.engine import pass_size
from convnets.serving.own import CAFFE, NO_NUMBERS, PROBABILITIES, SCALES, SCORES, SHARES, OwnEngine

DAMAGED = "ce n'est pas un .tflite que LiteRT sait lire : il est abîmé, ou d'une autre version."
MISSING = re.compile(r"(Flex\w+)|unresolved custom op: (\w+)|op for builtin opcode '(\w+)'")


def answer(arguments: Sequence[str], content: bytes) -> tuple[dict, bytes]:
    """Essaie un export, et dit ce qu'il lit et ce qu'il rend.

    Args:
        arguments: rien, ou le chemin d'une image.
        content: contenu d'un fichier `.tflite`.

    Returns:
        `{"input_shape", "num_outputs", "reads_integers", "answers", "said"}`, et rien de plus.
        `"answers"` donne, à chaque échelle, la sorte de ce qu'il rend (`own.SCORES`…) ; `"said"`,
        ce qu'il dirait de l'image à chaque échelle : `[classe, probabilité]`, telle quelle, puis
        inversée.

    Raises:
        RefusedError: il ne se charge pas, ou ne classe pas une image.
    """
    engine = load(content)
    size, kinds, said = pass_size(engine.input_shape), {}, {}
    pixels = _pixels(arguments[0], engine.input_shape) if arguments else None
    for scale in (*SCALES, CAFFE):
        engine.scale = scale
        found = _compute(engine, trials(engine), size)
        engine.answers = kinds[scale] = kind(found)
        if pixels is not None:
            said[scale] = [_best(engine, each) for each in (pixels, 255 - pixels)]
    return {
        "input_shape": [*engine.input_shape],
        "num_outputs": engine.num_outputs,
        "reads_integers": bool(engine.reads_integers),
        "answers": kinds,
        "said": said,
    }, b""


def load(content: bytes) -> OwnEngine:
    """Charge un export, et vérifie qu'il lit une image.

    Raises:
        RefusedError: il ne se charge pas, ou lit autre chose.
    """
    from ai_edge_litert.interpreter import Interpreter

    try:
        inputs = Interpreter(model_content=content).get_input_details()
    except (ValueError, RuntimeError) as error:
        raise RefusedError(_why(error)) from error
    if len(inputs) != 1:
        names = ", ".join(str(each["name"]) for each in inputs)
        raise RefusedError(
            f"il a {len(inputs)} entrées ({names}), et ./predict n'en remplit qu'une : une image."
        )
    try:
        return OwnEngine(content)
    except IndexError as error:
        raise RefusedError("il ne rend pas une réponse par classe, d'une image.") from error


def _compute(engine: OwnEngine, x: np.ndarray, size: int) -> np.ndarray:
    """Rend ce que le réseau répond, une image seule comprise : `./predict` en nomme souvent une."""
    try:
        parts = [engine.raw(x[:1])] + [engine.raw(x[i : i + size]) for i in range(0, len(x), size)]
    except (ValueError, RuntimeError) as error:
        raise RefusedError(_why(error)) from error
    for part, images in zip(parts[1:], range(0, len(x), size), strict=True):
        if part.shape != (len(x[images : images + size]), parts[0].shape[-1]):
            raise RefusedError(
                f"il rend {[*part.shape[1:]]} nombres par image, et non un par classe."
            )
    return np.concatenate(parts[1:])


def _why(error: Exception) -> str:
    """Dit pourquoi LiteRT refuse un export, d'après ce qu'il en dit en anglais."""
    missing = MISSING.search(str(error))
    if not missing:
        return DAMAGED
    name = next(filter(None, missing.groups()))
    remedy = "convertissez le réseau sans SELECT_TF_OPS" if name.startswith("Flex") else ""
    return (
        f"il emploie l'opération {name}, que LiteRT n'a pas ; "
        f"{remedy or 'convertissez-le à nouveau'}, ou donnez le .keras."
    )


def trials(engine: OwnEngine) -> np.ndarray:
    """Rend seize images, uint8, du noir au bruit : de quoi voir ce que rend un réseau."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (16, *engine.input_shape))
    contrast = np.linspace(0, 1, 16).reshape(-1, *[1] * len(engine.input_shape))
    return (noise * contrast).astype(np.uint8)


def kind(found: np.ndarray) -> str:
    """Dit ce qu'un réseau rend, d'après ce qu'il a rendu, `(n, sorties)`."""
    if not np.isfinite(found).all():
        return NO_NUMBERS
    if (found < 0).any() or (found > 1).any():
        return SCORES
    sums = found.sum(1)
    return PROBABILITIES if found.shape[1] == 1 or abs(sums - 1).max() < 0.01 else SHARES


def _pixels(path: str, input_shape: tuple[int, ...]) -> np.ndarray:
    from convnets.serving.classifier import prepare

    try:
        return prepare(path, input_shape, framing="squash")
    except (ValueError, OSError) as error:
        raise RefusedError(str(error)) from error


def _best(engine: OwnEngine, pixels: np.ndarray) -> tuple[int, float]:
    (found,) = engine.answer(pixels[np.newaxis])[0]
    return int(found.argmax()), float(found.max())
