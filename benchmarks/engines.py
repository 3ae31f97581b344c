"""Les moteurs comparés, chacun dans son processus (`processes.Worker`), images en mémoire."""

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

import numpy as np

from convnets.serving.classifier import BATCH_SIZE, DEFAULT_MODEL, Classifier

Predict = Callable[[np.ndarray, int], np.ndarray]  # (images, taille de lot) -> probabilités


def _litert(path: str) -> Predict:
    return _in_batches(_interpreter(path, os.cpu_count()))


def _litert_per_core(path: str) -> Predict:
    """Autant d'interprètes à un fil que de cœurs, un lot chacun à la fois, comme `./predict`."""
    num = os.cpu_count() or 1
    pool, free = ThreadPoolExecutor(num), SimpleQueue()
    for _ in range(num):
        free.put(_interpreter(path, 1))

    def predict_batch(x: np.ndarray) -> np.ndarray:
        engine = free.get()
        try:
            return engine(x)
        finally:
            free.put(engine)

    return _in_batches(predict_batch, run=pool.map)


def _interpreter(path: str, num_threads: int | None) -> Callable[[np.ndarray], np.ndarray]:
    from ai_edge_litert.interpreter import Interpreter

    engine = Interpreter(path, num_threads=num_threads)
    first, last = engine.get_input_details()[0]["index"], engine.get_output_details()[0]["index"]
    prepared = []

    def predict_batch(x: np.ndarray) -> np.ndarray:
        if prepared != [len(x)]:
            engine.resize_tensor_input(first, x.shape)
            engine.allocate_tensors()
            prepared[:] = [len(x)]
        engine.set_tensor(first, x)
        engine.invoke()
        return engine.get_tensor(last)

    return predict_batch


def _onnx(path: str) -> Predict:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return _in_batches(lambda x: session.run(None, {name: x})[0])


def _in_batches(predict_batch: Callable[[np.ndarray], np.ndarray], *, run=map) -> Predict:
    def predict(x: np.ndarray, batch_size: int) -> np.ndarray:
        starts = range(0, len(x), batch_size)
        return np.concatenate([*run(predict_batch, [x[i : i + batch_size] for i in starts])])

    return predict


def _keras(path: str) -> Predict:
    import keras

    model = keras.saving.load_model(path, compile=False)
    return lambda x, batch_size: model.predict(x, batch_size=batch_size, verbose=0)


ENGINES = {"litert": _litert, "litert_per_core": _litert_per_core, "onnx": _onnx, "keras": _keras}


def engine_task(engine: str, model: str, images: str) -> Callable[..., float | list[int]]:
    """Rend la tâche d'un moteur : images par seconde, ou classes prédites.

    Args:
        engine: nom dans `ENGINES`.
        model: fichier qu'il lit.
        images: fichier `.npy`, uint8 `(n, h, w, 3)`.
    """
    predict, x = ENGINES[engine](model), np.load(images)

    def task(*, batch_size: int, num: int, classes: bool = False) -> float | list[int]:
        # Hors mesure : une nouvelle taille de lot fait préparer chaque moteur.
        predict(x[: batch_size * (os.cpu_count() or 1)], batch_size)
        start = time.perf_counter()
        probabilities = predict(x[:num], batch_size)
        rate = min(num, len(x)) / (time.perf_counter() - start)
        return probabilities.argmax(1).tolist() if classes else rate

    return task


def decoding_task(folder: str) -> Callable[[], float]:
    """Rend la tâche qui lit un dossier comme `./predict`, un lot par fil, sans rien prédire."""
    classifier, paths = Classifier(DEFAULT_MODEL), sorted(Path(folder).iterdir())
    groups = [paths[i : i + BATCH_SIZE] for i in range(0, len(paths), BATCH_SIZE)]

    def task() -> float:
        start = time.perf_counter()
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            read = pool.map(lambda group: [classifier.prepare(path) for path in group], groups)
            done = sum(len(images) for images in read)
        return done / (time.perf_counter() - start)

    return task
