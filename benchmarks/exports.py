"""Le même modèle Keras pour chaque moteur : LiteRT en trois formats de nombres, et ONNX."""

from pathlib import Path

from benchmarks.processes import Worker
from convnets.training.export import export_litert

LITERT_PRECISIONS = ("float32", "float16", "int8")
# Le convertisseur passe par torch : celui de TensorFlow (tf2onnx 1.17) ne connaît pas Erfc,
# dont GELU a besoin.
ONNX_PACKAGES = ("onnxruntime", "onnx", "onnxscript", "torch")


def litert_exporter(model: str):
    """Rend la tâche qui écrit un export LiteRT (processus TensorFlow)."""
    import keras

    loaded = keras.saving.load_model(model, compile=False)

    def write(*, precision: str, path: str) -> int:
        return Path(path).write_bytes(export_litert(loaded, weights=precision))

    return write


def onnx_exporter(model: str):
    """Rend la tâche qui écrit un export ONNX (processus Keras sur torch)."""
    import keras
    import numpy as np

    loaded = keras.saving.load_model(model, compile=False)
    loaded(np.zeros((2, *loaded.input_shape[1:]), np.uint8))  # Keras n'exporte qu'un modèle appelé

    def write(*, path: str) -> int:
        loaded.export(path, format="onnx", verbose=False)
        return Path(path).stat().st_size

    return write


def write_litert(model: Path, folder: Path) -> dict[str, Path]:
    """Écrit les exports LiteRT d'un modèle, un format par fichier.

    Args:
        model: fichier `.keras`.
        folder: dossier où écrire.

    Returns:
        Le fichier de chaque format.

    Raises:
        PeerError: TensorFlow absent, ou conversion impossible.
    """
    paths = {name: folder / f"{name}.tflite" for name in LITERT_PRECISIONS}
    with Worker("benchmarks.exports:litert_exporter", {"model": str(model)}) as export:
        for precision, path in paths.items():
            export(precision=precision, path=str(path))
    return paths


def write_onnx(model: Path, path: Path) -> None:
    """Écrit l'export ONNX d'un modèle.

    Args:
        model: fichier `.keras`.
        path: fichier `.onnx` à écrire.

    Raises:
        PeerError: conversion impossible.
    """
    target = "benchmarks.exports:onnx_exporter"
    with Worker(target, {"model": str(model)}, backend="torch") as export:
        export(path=str(path))
