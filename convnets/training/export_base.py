"""L'export d'InceptionV3 dont `./predict` a besoin pour une tête apprise sur elle."""

from pathlib import Path
from typing import TYPE_CHECKING

from convnets.core.paths import BASE_NAME
from convnets.datasets.pretrained import LOCK_FILE, Provenance, features_model, inception_v3
from convnets.serving.base import light_features_path

if TYPE_CHECKING:
    import keras


def export_features(
    model: "keras.Model", provenance: Provenance, *, layer_name: str, cache_dir: Path | None = None
) -> Path:
    """Écrit dans le cache l'export LiteRT d'un extracteur de caractéristiques.

    Les poids restent en float32 : 87 Mo pour `mixed10`, l'écart à Keras est de 1e-5 (8e-3 en
    float16), et la première image vient plus vite.

    Args:
        model: modèle de `features_model`.
        provenance: celle de sa base ; son empreinte nomme le fichier.
        layer_name: couche dont viennent les caractéristiques.
        cache_dir: dossier du cache ; par défaut `<KERAS_HOME>/models`.

    Returns:
        Le fichier ; celui qui était déjà là si ses caractéristiques sont les bonnes.

    Raises:
        FileNotFoundError: dossier du cache impossible à écrire.
    """
    from convnets.core import files
    from convnets.datasets import packages
    from convnets.training import export

    entry = {
        "name": BASE_NAME,
        "input_px": model.input_shape[1],
        "layer": layer_name,
        "sha256": provenance.sha256,
    }
    path = light_features_path(entry, cache_dir=cache_dir)
    with packages.locked(path.parent / LOCK_FILE, title=BASE_NAME):
        if not _agrees(path, model):
            content = export.export_litert(model)
            with files.replacing(path) as temporary:
                temporary.write_bytes(content)
    return path


def _agrees(path: Path, model) -> bool:
    """Dit si un export donne les caractéristiques du modèle, sur une image de bruit."""
    import numpy as np

    from convnets.core.files import quiet_stderr
    from convnets.serving.engine import Engine

    image = np.random.default_rng(0).integers(0, 256, (1, *model.input_shape[1:]), np.uint8)
    try:
        with quiet_stderr():
            features = Engine(path.read_bytes()).predict(image)
    except (OSError, ValueError, RuntimeError):  # absent, tronqué, ou rien de LiteRT
        return False
    expected = np.asarray(model(image))
    return features.shape == expected.shape and np.allclose(features, expected, atol=1e-3)


def prepare_base(report_base: dict, *, cache_dir: Path | None = None) -> Path:
    """Retrouve la base qu'un compte rendu décrit et l'exporte pour `./predict`.

    Args:
        report_base: `{"name", "input_px", "layer", "sha256", ...}`, l'entrée `"base"` du
            compte rendu.
        cache_dir: dossier du cache ; par défaut `<KERAS_HOME>/models`.

    Returns:
        Le fichier de l'export, celui que nomme `light_features_path`.

    Raises:
        FileNotFoundError: aucune source n'a donné des poids de cette empreinte.
        ValueError: description incomplète, ou d'une autre base.
    """
    light_features_path(report_base, cache_dir=cache_dir)  # une description fausse se dit d'abord
    base, provenance = inception_v3(
        input_px=report_base["input_px"], sha256=report_base["sha256"], cache_dir=cache_dir
    )
    layer_name = report_base["layer"]
    model = features_model(base, layer_name=layer_name)
    return export_features(model, provenance, layer_name=layer_name, cache_dir=cache_dir)
