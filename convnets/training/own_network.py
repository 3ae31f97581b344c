"""Convertir un réseau de Keras que l'on a appris ailleurs, pour que `./predict` le lise.

`./predict --model mon_modele.keras --classes chat,chien image.png` lance ce module la première
fois ; la fiche du réseau est l'affaire de `serving.own`. Le réseau est chargé sans rien exécuter de
ce qu'il contient : ni `Lambda`, ni fichier extérieur.

Source : Jour 04, exercice 3 (mettre son modèle derrière `./predict`).
"""

import json
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import keras
from keras import layers
from tensorflow.errors import ResourceExhaustedError

from convnets.serving.apart import RefusedError
from convnets.serving.own import COPY_AGAIN
from convnets.training import export

HDF5, ZIP = b"\x89HDF", b"PK\x03\x04"
CODE = (
    "ce réseau contient une couche Lambda, donc du code, ou un fichier extérieur, qui n'est pas "
    "lu ; remplacez-les par des couches de Keras."
)
ONLY_WEIGHTS = "il ne contient que des poids ; enregistrez le modèle entier (save)."
WIDTHS = {"units", "filters", "input_dim", "output_dim"}  # sorties d'une couche, chez Keras
SMALL_WIDTH = 10_000  # une couche sans poids enregistrés n'en demande pas beaucoup
ARITHMETIC = {"TrueDivide", "Divide", "Multiply", "Subtract", "Add"}  # opérations de Keras
MAX_PARAMETERS = 200_000_000  # un plus grand réseau ne tiendrait pas en mémoire


def load(path: Path) -> keras.Model:
    """Charge un réseau : `.keras`, ou HDF5 sous n'importe quel nom.

    Raises:
        RefusedError: il ne se charge pas, ou contient du code.
    """
    with path.open("rb") as file:
        start = file.read(4)
    if start not in (HDF5, ZIP):
        raise RefusedError(
            "ce n'est ni un .keras ni un .h5 : copiez-le, ou enregistrez-le à nouveau."
        )
    try:
        if start == ZIP:
            _check_archive(path)
            return keras.saving.load_model(path, compile=False, safe_mode=True)
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "modele.h5"  # Keras choisit son lecteur d'après ce nom
            shutil.copyfile(path, copy)
            _modernise(copy)
            return keras.saving.load_model(copy, compile=False)
    except Exception as error:  # Keras, h5py et zipfile ont chacun leurs exceptions
        if isinstance(error, (RefusedError, MemoryError, ResourceExhaustedError)):
            raise
        if "safe_mode" in str(error) or "Lambda" in str(error):
            raise RefusedError(CODE) from error
        raise RefusedError(
            f"Keras ne sait pas le lire ({type(error).__name__}) : il est abîmé, ou il contient "
            "une couche qui n'est pas de Keras."
        ) from error


def _check_archive(path: Path) -> None:
    """Lit la description d'un `.keras` avant que Keras ne construise ce qu'elle annonce."""
    with zipfile.ZipFile(path) as archive:
        described = json.loads(archive.read("config.json"))
        weights_bytes = sum(
            each.file_size for each in archive.infolist() if each.filename.endswith(".weights.h5")
        )
    check_widths(described, weights_bytes)


def check_widths(described: object, weights_bytes: int) -> None:
    """Refuse un réseau qui annonce plus de sorties que son fichier n'a de poids.

    Une couche a au moins un poids par sortie : `Dense(10**9)`, dans un fichier de quelques
    kilo-octets, demanderait des gigaoctets avant que Keras ne s'aperçoive qu'ils manquent.

    Args:
        described: description du réseau, lue de son JSON.
        weights_bytes: taille des poids que contient le fichier, d'au moins un octet chacun.

    Raises:
        RefusedError: c'est le cas.
    """
    if isinstance(described, dict):
        for name in WIDTHS & described.keys():
            width = described[name]
            if isinstance(width, int) and width > max(weights_bytes, SMALL_WIDTH):
                raise RefusedError(
                    f"une de ses couches annonce {width} sorties, plus que le fichier n'a de "
                    "poids : il est abîmé, ou fait pour nuire."
                )
    inside = described.values() if isinstance(described, dict) else described
    if isinstance(described, dict | list):
        for each in inside:
            check_widths(each, weights_bytes)


def _modernise(path: Path) -> None:
    """Récrit la description d'un réseau HDF5 comme Keras 3 la veut, s'il ne contient pas de code.

    Keras 2, et Teachable Machine, y mettent deux choses que Keras 3 comprend de travers.
    """
    import h5py

    with h5py.File(path, "r+") as file:
        config, outside = file.attrs.get("model_config"), []
        file.visititems(lambda _, each: outside.append(getattr(each, "external", None)))
        if config is None:
            raise RefusedError(ONLY_WEIGHTS)
        text = config.decode() if isinstance(config, bytes) else config
        if "Lambda" in text or any(outside):
            raise RefusedError(CODE)
        described = json.loads(text, object_hook=_modern_layer)
        check_widths(described, path.stat().st_size)
        file.attrs["model_config"] = json.dumps(described)


def _modern_layer(found: dict) -> dict:
    config = found.get("config")
    if found.get("class_name") == "DepthwiseConv2D":
        config.pop("groups", None)
    if found.get("class_name") in ("Functional", "Model"):
        for key in ("input_layers", "output_layers"):
            if len(config[key]) == 1:  # une liste d'un seul tenseur n'est pas ce tenseur
                (config[key],) = config[key]
    return found


def flat_layers(network: keras.Model) -> Iterator[layers.Layer]:
    """Rend les couches d'un réseau, dans l'ordre, celles des réseaux qu'il contient comprises."""
    for layer in network.layers:
        yield from flat_layers(layer) if isinstance(layer, keras.Model) else [layer]


def scales_itself(network: keras.Model) -> bool:
    """Dit si un réseau met lui-même ses pixels à l'échelle, avant d'apprendre quoi que ce soit."""
    for layer in flat_layers(network):
        if isinstance(layer, layers.Rescaling | layers.Normalization):
            return True
        if type(layer).__name__ in ARITHMETIC:  # `preprocess_input`, dans le réseau
            return True
        if getattr(layer, "kernel", None) is not None:
            return False
    return False


def convert(path: Path) -> tuple[bytes, str]:
    """Rend l'export d'un réseau, tel quel, et l'échelle de ses pixels s'il la dit, sinon "".

    Raises:
        RefusedError: il ne se charge pas, ou n'est pas un réseau qui classe une image.
    """
    if path.is_dir():
        return _convert_saved_model(path)
    network = load(path)
    if not isinstance(network.input_shape, tuple) or len(network.output_shape) != 2:
        raise RefusedError("il ne rend pas une réponse par classe, d'une seule image.")
    if network.count_params() > MAX_PARAMETERS:
        raise RefusedError("il a plus de 200 millions de paramètres.")
    return export.export_litert(network), "0-255" if scales_itself(network) else ""


def _convert_saved_model(path: Path) -> tuple[bytes, str]:
    """Convertit un SavedModel par son graphe : celui de Keras 2 ne se charge plus autrement."""
    import tensorflow as tf

    convert = tf.compat.v1.lite.TFLiteConverter.from_saved_model
    try:
        content = convert(str(path), signature_key="serving_default").convert()
    except Exception as error:  # de toute sorte, en anglais, selon ce que contient le dossier
        if not (path / "variables").exists():
            raise RefusedError(f"il lui manque le dossier variables : {COPY_AGAIN}") from error
        raise RefusedError(f"TensorFlow ne sait pas le lire ({type(error).__name__}).") from error
    scales = b"rescaling" in (path / "saved_model.pb").read_bytes()
    return content, "0-255" if scales else ""


def answer(arguments: Sequence[str], content: bytes) -> tuple[dict, bytes]:
    """Convertit le réseau dont le chemin est donné, pour `serving.apart`.

    Returns:
        `{"scale"}`, l'échelle de ses pixels s'il la dit, sinon "" ; puis son export.

    Raises:
        RefusedError: voir `convert`.
    """
    export_content, scale = convert(Path(arguments[0]))
    return {"scale": scale}, export_content
