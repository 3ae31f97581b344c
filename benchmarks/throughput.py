"""Beaucoup d'images : le débit de chaque moteur, et la part qu'en garde `./predict DOSSIER`.

`./predict DOSSIER` est mesuré en entier : lancement, décodage des PNG et affichage compris. Les
moteurs ont les mêmes images en mémoire, et gardent leur meilleure taille de lot ; chacun est
mesuré par `python -m benchmarks.throughput MOTEUR MODÈLE IMAGES`, dans son propre processus.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks import measure
from convnets.core import paths
from convnets.core.cli import markdown_table, percent
from convnets.datasets import sources
from convnets.serving.classifier import DEFAULT_MODEL

BATCH_SIZES = (8, 32, 128)
OURS, ALONE = "./predict DOSSIER, tout compris", "LiteRT, images en mémoire"
PEERS = {  # moteur, suffixe du modèle, moteur de Keras, ce qu'il faut d'installé
    ALONE: ("litert", ".tflite", "tensorflow", ()),
    "Keras (TensorFlow), images en mémoire": ("keras", ".keras", "tensorflow", ("tensorflow",)),
    "Keras (torch), images en mémoire": ("keras", ".keras", "torch", ("torch",)),
}

# --- Un moteur, dans son processus -------------------------------------------------------


def litert(path: str) -> Callable[[np.ndarray], object]:
    """Rend de quoi passer un lot dans un export, sur tous les cœurs."""
    from ai_edge_litert.interpreter import Interpreter

    engine = Interpreter(path, num_threads=os.cpu_count())
    first, last = engine.get_input_details()[0]["index"], engine.get_output_details()[0]["index"]

    def predict(x: np.ndarray) -> np.ndarray:
        if tuple(engine.get_input_details()[0]["shape"]) != x.shape:
            engine.resize_tensor_input(first, x.shape)
            engine.allocate_tensors()
        engine.set_tensor(first, x)
        engine.invoke()
        return engine.get_tensor(last)

    return predict


def keras(path: str) -> Callable[[np.ndarray], object]:
    """Rend de quoi passer un lot dans un modèle Keras."""
    from keras import saving

    return saving.load_model(path, compile=False).predict_on_batch


def best_rate(predict: Callable[[np.ndarray], object], x: np.ndarray) -> float:
    """Rend des images par seconde, à la meilleure taille de lot.

    Args:
        predict: passe un lot.
        x: images uint8 `(n, h, w, 3)` ; chaque taille les passe toutes, des lots entiers.
    """
    rates = []
    for size in BATCH_SIZES:
        starts = range(0, len(x) - size + 1, size)
        predict(x[:size])  # hors mesure : une nouvelle taille de lot fait préparer le moteur
        start = time.perf_counter()
        for first in starts:
            predict(x[first : first + size])
        rates.append(len(starts) * size / (time.perf_counter() - start))
    return max(rates)


# --- Les comparer ------------------------------------------------------------------------


def make_table(samples: dict[str, list[measure.Run]], num: int) -> str:
    """Met les débits en tableau Markdown.

    Args:
        samples: mesures de chaque procédé, tour par tour ; un moteur a écrit son débit.
        num: images du dossier.
    """
    rates = {
        name: [num / run.duration_s if name == OURS else float(run.stdout) for run in runs]
        for name, runs in samples.items()
    }
    shares = {name: measure.ratios(found, rates[ALONE]) for name, found in rates.items()}
    rows = [
        [
            name,
            measure.spread(shares[name], percent),
            measure.spread(rates[name]),
            measure.memory(samples[name]),
        ]
        for name in samples
    ]
    images = f"{measure.french(num)} images de 32×32"
    header = (images, "part du débit du moteur seul", "images/s", "mémoire au plus haut")
    whole = percent(statistics.median(shares[OURS]))
    return (
        f"{markdown_table(header, rows)}\n\n`./predict DOSSIER` garde {whole} du débit de "
        "son moteur."
    )


def run(folder: Path, *, repeat: int) -> str:
    """Mesure chaque procédé installé ; rend le texte Markdown.

    Args:
        folder: dossier provisoire.
        repeat: tours gardés.
    """
    x = sources.load_cifar10()[1][0]
    images, pictures = folder / "images.npy", folder / "images"
    np.save(images, x)
    pictures.mkdir()
    for i, image in enumerate(x):
        Image.fromarray(image).save(pictures / f"{i:05}.png", compress_level=1)
    tasks = {OURS: lambda: measure.run_process(["./predict", str(pictures)])}
    for name, (engine, suffix, backend, packages) in PEERS.items():
        model = paths.MODELS_DIR / f"{DEFAULT_MODEL}{suffix}"
        command = [sys.executable, "-m", "benchmarks.throughput", engine, str(model), str(images)]
        if not measure.missing(packages):
            tasks[name] = lambda command=command, backend=backend: measure.run_process(
                command, backend=backend
            )
    return make_table(measure.interleave(tasks, repeat=repeat), len(x))


def main() -> int:
    """Mesure un moteur, et écrit son débit."""
    engine, model, images = sys.argv[1:]
    print(best_rate({"litert": litert, "keras": keras}[engine](model), np.load(images)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
