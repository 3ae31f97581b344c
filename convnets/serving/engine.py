"""Un fichier `.tflite`, chargé par LiteRT, qui calcule par passes."""

import mmap
import os
from typing import TYPE_CHECKING

from convnets.core.files import quiet_stderr

if TYPE_CHECKING:
    import numpy as np

PASS_SIZE = 8  # vignettes par passe du moteur : au-delà, ses cartes débordent des caches
BASE_BATCH_SIZE = 16  # de même pour une base comme InceptionV3, dont les cartes sont grandes


def pass_size(input_shape: tuple[int, ...]) -> int:
    """Rend le nombre d'images d'une passe : `PASS_SIZE` vignettes, ou moins si elles sont grandes.

    Args:
        input_shape: `(h, w)` ou `(h, w, 3)`.
    """
    num_pixels = input_shape[0] * input_shape[1]
    return max(1, min(PASS_SIZE, PASS_SIZE * 32**2 // num_pixels))


class Engine:
    """Un export LiteRT chargé en mémoire.

    Args:
        content: contenu d'un fichier `.tflite` à une entrée, lot variable. De ses sorties, seule
            la première est lue, et la deuxième si c'est une familiarité (voir `answer`).
        num_threads: fils de calcul, un par cœur par défaut.

    Raises:
        ValueError, RuntimeError: ce n'en est pas un.
    """

    def __init__(self, content: "bytes | mmap.mmap", *, num_threads: int | None = None):
        from ai_edge_litert.interpreter import Interpreter

        # Le contenu et non le chemin : LiteRT ne lit pas tous les chemins.
        self._interpreter = Interpreter(
            model_content=bytes(content), num_threads=num_threads or os.cpu_count()
        )
        inputs = self._interpreter.get_input_details()[0]
        outputs, *others = self._interpreter.get_output_details()
        self._input, self._output = inputs["index"], outputs["index"]
        scores = [each["index"] for each in others if [*each["shape_signature"]] == [-1, 1]]
        self._score = scores[0] if len(others) == len(scores) == 1 else None
        self.input_shape: tuple[int, ...] = tuple(inputs["shape_signature"][1:].tolist())
        self.num_outputs = int(outputs["shape_signature"][-1])
        self.output_rank = len(outputs["shape_signature"])  # 2 : une probabilité par classe
        self._shape: tuple[int, ...] = ()  # du dernier lot

    def predict(self, x: "np.ndarray") -> "np.ndarray":
        """Rend la sortie `(n, num_outputs)` pour une entrée `(n, *input_shape)`.

        Un réseau de convolutions accepte aussi un autre côté que celui d'`input_shape`.
        """
        return self.answer(x)[0]

    def answer(self, x: "np.ndarray") -> "tuple[np.ndarray, np.ndarray | None]":
        """Rend aussi la familiarité de chaque entrée, `(n, 1)`, ou None s'il n'y en a pas."""
        if x.shape != self._shape:
            self._interpreter.resize_tensor_input(self._input, x.shape)
            with quiet_stderr():  # il y annonce, en anglais, qu'il calculera avec XNNPACK
                self._interpreter.allocate_tensors()
            self._shape = x.shape
        self._interpreter.set_tensor(self._input, x)
        self._interpreter.invoke()
        get = self._interpreter.get_tensor
        return get(self._output), None if self._score is None else get(self._score)


def answer_in_passes(
    engine: Engine, x: "np.ndarray", size: int = PASS_SIZE
) -> "tuple[np.ndarray, np.ndarray | None]":
    """Appelle `engine.answer` sur `size` entrées à la fois ; il y en a au moins une."""
    import numpy as np

    parts = [engine.answer(x[i : i + size]) for i in range(0, len(x), size)]
    outputs, scores = zip(*parts, strict=True)
    return np.concatenate(outputs), None if scores[0] is None else np.concatenate(scores)
