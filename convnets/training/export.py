"""L'export d'un modèle appris pour LiteRT, le moteur de `./predict`."""

import contextlib
import importlib.util
import io
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

from convnets.core.files import quiet_stderr

MAX_EXACT_EXPORT_BYTES = 2_000_000  # au-delà, l'export est en int8 si l'exactitude le permet
MAX_EXACT_PARAMETERS = 500_000  # au-delà, une leçon exporte ses poids en float16
MAX_INT8_LOSS = 0.001  # exactitude qu'il peut coûter, en part des images


def can_export() -> bool:
    """Dit si TensorFlow, qui seul convertit un modèle, est installé."""
    return importlib.util.find_spec("tensorflow") is not None


def check_tensorflow(*, movable: bool) -> None:
    """Dit, avant un entraînement, ce que deviendra le modèle si TensorFlow n'est pas installé.

    Args:
        movable: `python -m recipes.export` saurait l'exporter ailleurs.

    Raises:
        ValueError: il ne pourrait être exporté nulle part.
    """
    if can_export():
        return
    if not movable:
        raise ValueError(
            "TensorFlow n'est pas installé, et ce modèle ne s'exporte que là où il est appris : "
            "pip install -r requirements.txt."
        )
    print(
        "TensorFlow n'est pas installé : le modèle sera appris et mesuré ici ; il faudra "
        "l'exporter ailleurs pour ./predict, par python -m recipes.export.",
        flush=True,
    )


def export_litert(model, *, weights: str = "float32") -> bytes:
    """Convertit un modèle Keras pour LiteRT, le moteur léger de `./predict`.

    Args:
        model: `keras.Model` à une entrée uint8.
        weights: `"float32"` ; `"float16"`, deux fois plus petit, calculs en float32 ; ou
            `"int8"`, quatre fois plus petit, les cartes étant elles aussi arrondies à huit
            bits le temps de chaque convolution.

    Returns:
        Le contenu d'un fichier `.tflite`, à taille de lot variable.
    """
    import keras

    if keras.backend.backend() != "tensorflow":
        return _export_with_tensorflow(model, weights)
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if weights != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if weights == "float16":
        converter.target_spec.supported_types = [tf.float16]
    with quiet_stderr(), contextlib.redirect_stdout(io.StringIO()):
        return converter.convert()


def _export_with_tensorflow(model, weights: str) -> bytes:
    """Convertit un modèle appris sous un autre moteur, que seul TensorFlow sait convertir."""
    import subprocess
    import tempfile

    if not can_export():
        raise ChildProcessError(
            "TensorFlow, qui convertit un modèle pour ./predict, n'est pas installé : "
            "pip install -r requirements.txt."
        )
    code = (
        "import sys, keras; from convnets.training.export import export_litert;"
        "model = keras.saving.load_model(sys.argv[1], compile=False);"
        "open(sys.argv[2], 'wb').write(export_litert(model, weights=sys.argv[3]))"
    )
    with tempfile.TemporaryDirectory() as folder:
        path, exported = Path(folder) / "model.keras", Path(folder) / "model.tflite"
        model.save(path)
        ended = subprocess.run(
            [sys.executable, "-c", code, str(path), str(exported), weights],
            cwd=Path(__file__).resolve().parents[2],
            env={**os.environ, "KERAS_BACKEND": "tensorflow"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        if ended.returncode:
            raise ChildProcessError(
                f"L'export par TensorFlow a échoué : {ended.stderr.strip()[-500:]}"
            )
        return exported.read_bytes()


def export_lesson(model) -> tuple[bytes, str]:
    """Exporte le modèle d'une leçon : en float32, ou en float16 s'il est gros.

    Les deux calculent en float32 et répondent pareil. Une recette, qui soigne la taille et la
    vitesse, prend `choose_export`.

    Args:
        model: `keras.Model` à une entrée uint8.

    Returns:
        `(contenu, poids)`.
    """
    weights = "float16" if model.count_params() > MAX_EXACT_PARAMETERS else "float32"
    return export_litert(model, weights=weights), weights


def choose_export(model, x_val, y_val) -> tuple[bytes, str]:
    """Prend l'export le plus léger qui garde l'exactitude du modèle.

    Args:
        model: `keras.Model`, images uint8 en entrée, probabilités en sortie.
        x_val: images de validation, uint8 `(n, ...)`.
        y_val: leurs classes, `(n,)` ou `(n, 1)`.

    Returns:
        `(contenu, poids)` : `"float32"` pour un petit modèle ou plusieurs sorties ; sinon
        `"int8"`, et `"float16"` s'il perd plus de `MAX_INT8_LOSS` d'exactitude sur ces images,
        à deux erreurs types près : quelques images qui basculent ne prouvent rien.
    """
    exact = export_litert(model)
    if len(exact) <= MAX_EXACT_EXPORT_BYTES or len(model.outputs) > 1:
        return exact, "float32"
    light = export_litert(model, weights="int8")
    correct = [export_guesses(content, x_val) == y_val.reshape(-1) for content in (exact, light)]
    changes = correct[0].astype(int) - correct[1]  # 1 : juste, puis faux
    error = float((changes**2).sum() ** 0.5 / len(changes))
    if changes.mean() <= MAX_INT8_LOSS + 2 * error:
        return light, "int8"
    return export_litert(model, weights="float16"), "float16"


def export_guesses(content: bytes, x) -> "np.ndarray":
    """Rend la classe que le moteur de `./predict` donne à chaque image, `(n,)` entiers."""
    from convnets.serving.engine import Engine, answer_in_passes

    return answer_in_passes(Engine(content), x)[0].argmax(axis=1)


def export_accuracy(content: bytes, x, y) -> float:
    """Mesure l'exactitude d'un export, calculée par le moteur de `./predict`."""
    return float((export_guesses(content, x) == y.reshape(-1)).mean())
