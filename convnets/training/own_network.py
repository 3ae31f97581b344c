"""Faire lire par `./predict` un réseau que l'on a appris ailleurs.

`./predict --model mon_modele.keras --classes chat,chien image.png` lance ce module la première
fois : il écrit à côté du modèle son export, `mon_modele.tflite`, et sa fiche, `mon_modele.json`. Le
réseau est chargé sans rien exécuter de ce qu'il contient : ni `Lambda`, ni fichier extérieur.

Source : Jour 04, exercice 3 (mettre son modèle derrière `./predict`).
"""

import argparse
import hashlib
import json
import sys
import tempfile
from pathlib import Path

import keras
import numpy as np
from keras import layers

from convnets.core import files
from convnets.core.cli import percent, printable
from convnets.core.images import crop_resize, open_image
from convnets.training import export

HDF5 = b"\x89HDF"
MAX_PARAMETERS = 200_000_000  # un plus grand réseau ne tiendrait pas en mémoire
MAX_SIDE_PX = 1024
SCALES = {"0-255": (1.0, 0.0), "0-1": (1 / 255, 0.0), "-1-1": (1 / 127.5, -1.0)}


def load(path: Path) -> keras.Model:
    """Charge un réseau : `.keras`, HDF5 sous n'importe quel nom, ou dossier SavedModel.

    Raises:
        ValueError: il ne se charge pas, ou contient du code.
    """
    try:
        if path.is_dir():
            return _load_saved_model(path)
        with path.open("rb") as file:
            is_hdf5 = file.read(4) == HDF5
        if not is_hdf5:
            return keras.saving.load_model(path, compile=False, safe_mode=True)
        _refuse_code(path)
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "modele.h5"  # Keras choisit son lecteur d'après ce nom
            copy.symlink_to(path.absolute())
            return keras.saving.load_model(copy, compile=False)
    except ValueError as error:
        if "safe_mode" in str(error) or "Lambda" in str(error):
            raise ValueError(
                "ce réseau contient une couche Lambda, donc du code, qui n'est pas exécuté ; "
                "remplacez-la par une couche de Keras."
            ) from error
        raise
    except OSError:
        raise
    except Exception as error:  # Keras, h5py et zipfile ont chacun leurs exceptions
        raise ValueError(f"Keras ne sait pas le lire ({type(error).__name__}).") from error


def _refuse_code(path: Path) -> None:
    """Refuse un fichier HDF5 dont une couche contient du code : Keras l'exécuterait."""
    import h5py

    with h5py.File(path, "r") as file:
        config = file.attrs.get("model_config")
    if config is None:
        raise ValueError("il ne contient que des poids ; enregistrez le modèle entier (save).")
    if "Lambda" in (config.decode() if isinstance(config, bytes) else config):
        raise ValueError("Lambda")


def _load_saved_model(path: Path) -> keras.Model:
    import tensorflow as tf

    signature = tf.saved_model.load(str(path)).signatures["serving_default"]
    (spec,) = signature.structured_input_signature[1].values()
    images = keras.Input(spec.shape[1:], dtype=spec.dtype)
    outputs = keras.layers.TFSMLayer(str(path), call_endpoint="serving_default")(images)
    return keras.Model(images, *outputs.values())


def picture_shape(network: keras.Model) -> tuple[int, int, int]:
    """Rend la forme `(h, w, canaux)` des images d'un réseau ; canaux 0 : un vecteur de pixels gris.

    Raises:
        ValueError: ce n'est pas un réseau qui classe des images.
    """
    shape = network.input_shape
    if not isinstance(shape, tuple) or len(network.output_shape) != 2:
        raise ValueError("il ne rend pas une réponse par classe, d'une seule image.")
    sides = shape[1:]
    if len(sides) == 1 and sides[0] and int(sides[0] ** 0.5) ** 2 == sides[0]:
        side = int(sides[0] ** 0.5)
        return side, side, 0
    sides = (*sides, 1) if len(sides) == 2 else sides
    if len(sides) != 3 or sides[2] not in (1, 3) or None in sides or max(sides) > MAX_SIDE_PX:
        raise ValueError(f"il lit des entrées {[*shape[1:]]}, et non des images.")
    if network.count_params() > MAX_PARAMETERS:
        raise ValueError("il a plus de 200 millions de paramètres.")
    return sides


def scales_itself(network: keras.Model) -> bool:
    """Dit si un réseau met lui-même ses pixels à l'échelle."""
    scaling = layers.Rescaling | layers.Normalization
    return any(isinstance(each, scaling) for each in network.layers[:4])


def served(network: keras.Model, scale: str) -> keras.Model:
    """Pose un réseau derrière ce que donne `./predict`.

    Args:
        network: réseau chargé.
        scale: ce qu'il attend des pixels, une clé de `SCALES`.

    Returns:
        Modèle : images uint8 carrées, `(n, s, s, 3)` ou `(n, s, s)`, → probabilités `(n, classes)`.
    """
    height, width, channels = picture_shape(network)
    side = max(height, width)
    factor, offset = SCALES[scale]
    images = keras.Input((side, side, 3) if channels == 3 else (side, side), dtype="uint8")
    x = layers.Rescaling(factor, offset, dtype="float32")(images)
    x = layers.Reshape((side, side, channels or 1))(x)
    if height != width:
        x = layers.Resizing(height, width)(x)
    x = layers.Reshape(network.input_shape[1:])(x)
    answers = network(keras.ops.cast(x, network.inputs[0].dtype))
    found = np.asarray(keras.Model(images, answers)(_noise(images.shape[1:])))
    in_range = (found >= 0).all() and (found <= 1).all()
    if found.shape[1] == 1:  # une sortie : la probabilité de la seconde classe
        second = answers if in_range else layers.Activation("sigmoid")(answers)
        answers = layers.Concatenate()([1 - second, second])
    elif not in_range or np.abs(found.sum(1) - 1).max() > 1e-2:
        answers = layers.Softmax()(answers)
    return keras.Model(images, answers)


def _noise(shape) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (8, *shape)).astype(np.uint8)


def read_classes(text: str) -> list[str]:
    """Lit des noms de classes : une liste, un fichier d'un nom par ligne, ou des dossiers."""
    path = Path(text)
    if path.is_dir():
        return sorted(each.name for each in path.iterdir() if each.is_dir())
    if path.is_file():
        return path.read_text(encoding="utf-8").split("\n")
    return [name.strip() for name in text.split(",")]


def choose_scale(network: keras.Model, classes: list[str], image: str) -> str:
    """Rend l'échelle d'un réseau qui met lui-même ses pixels à l'échelle.

    Raises:
        ValueError: il ne le fait pas ; le message dit ce qu'il répondrait à chaque échelle.
    """
    if scales_itself(network):
        return "0-255"
    said = []
    for scale in SCALES:
        model = served(network, scale)
        side, colours = model.input_shape[1], len(model.input_shape) == 4
        pixels = crop_resize(open_image(image), side, mode="squash")
        x = pixels if colours else pixels.mean(-1).astype(np.uint8)
        (found,) = np.asarray(model(x[None]))
        said.append(f"--scale={scale} ({classes[found.argmax()]}, {percent(float(found.max()))})")
    raise ValueError(
        "il ne dit pas à quelle échelle il lit les pixels ; dites-le, ou choisissez d'après ce "
        f"qu'il répond à cette image : {', '.join(said)}."
    )


def convert(path: Path, classes: list[str], scale: str | None, image: str) -> None:
    """Écrit l'export d'un réseau et sa fiche, à côté de lui.

    Raises:
        ValueError: réseau, classes ou échelle qui ne conviennent pas.
        OSError: dossier où l'on ne peut pas écrire.
    """
    network = load(path)
    picture_shape(network)
    num_classes = max(2, network.output_shape[-1])
    classes = [name for name in classes if name]
    if len(classes) != num_classes:
        raise ValueError(f"il a {num_classes} classes, et --classes en nomme {len(classes)}.")
    scale = scale or choose_scale(network, classes, image)
    model = served(network, scale)
    content = export.export_litert(model)
    card = {
        "exercise": path.stem,
        "made_from": {path.name: files.file_sha256(path) if path.is_file() else ""},
        "scale": scale,
        "input_shape": list(model.input_shape[1:]),
        "classes_fr": classes,
        "framing": "squash",
        "files": {f"{path.stem}.tflite": hashlib.sha256(content).hexdigest()},
    }
    for end, written in ((".tflite", content), (".json", json.dumps(card, indent=1).encode())):
        with files.replacing(path.with_suffix(end)) as temporary:
            temporary.write_bytes(written)


def main(argv: list[str] | None = None) -> int:
    """Convertit un réseau ; le message d'une erreur est une phrase, sur la sortie d'erreur."""
    parser = argparse.ArgumentParser()
    for name in ("path", "classes", "scale", "image"):
        parser.add_argument(name)
    options = parser.parse_args(argv)
    path = Path(options.path)
    try:
        convert(path, read_classes(options.classes), options.scale or None, options.image)
    except (ValueError, OSError) as error:
        print(f"{printable(str(path))} : {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
