"""Un fichier `.tflite`, chargé par LiteRT, qui calcule par passes."""

import mmap
import os
from typing import TYPE_CHECKING

from convnets.core.files import quiet_stderr

if TYPE_CHECKING:
    import numpy as np

PASS_SIZE = 8  # vignettes par passe du moteur : au-delà, ses cartes débordent des caches
BASE_BATCH_SIZE = 16  # de même pour une base comme InceptionV3, dont les cartes sont grandes


class Engine:
    """Un export LiteRT chargé en mémoire.

    Args:
        content: contenu d'un fichier `.tflite` à une entrée et une sortie, lot variable.
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
        outputs = self._interpreter.get_output_details()[0]
        self._input, self._output = inputs["index"], outputs["index"]
        self.input_shape: tuple[int, ...] = tuple(inputs["shape_signature"][1:].tolist())
        self.num_outputs = int(outputs["shape_signature"][-1])
        self.output_rank = len(outputs["shape_signature"])  # 2 : une probabilité par classe
        self._batch_size = 0

    def predict(self, x: "np.ndarray") -> "np.ndarray":
        """Rend la sortie `(n, num_outputs)` pour une entrée `(n, *input_shape)`."""
        if len(x) != self._batch_size:
            self._interpreter.resize_tensor_input(self._input, x.shape)
            with quiet_stderr():  # il y annonce, en anglais, qu'il calculera avec XNNPACK
                self._interpreter.allocate_tensors()
            self._batch_size = len(x)
        self._interpreter.set_tensor(self._input, x)
        self._interpreter.invoke()
        return self._interpreter.get_tensor(self._output)


def predict_in_passes(engine: Engine, x: "np.ndarray", size: int = PASS_SIZE) -> "np.ndarray":
    """`engine.predict`, `size` entrées à la fois : `(n, num_outputs)`, n au moins 1."""
    import numpy as np

    return np.concatenate([engine.predict(x[i : i + size]) for i in range(0, len(x), size)])
