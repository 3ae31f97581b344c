"""Les petits réseaux que des pages calculent elles-mêmes, couche par couche : leurs poids.

Un modèle est lu sans Keras : il se réduit ici à la liste de ses couches et à leurs nombres.
"""

import base64
import io
import json
import zipfile
from pathlib import Path

import h5py
import numpy as np

from convnets.core.paths import MODELS_DIR

SLUGS = (
    "ex00_position",
    "ex04_comparison",
    "digits",
    "ex19_vision_transformer",
    "ex20_source_separation",
    "ex21_graphs",
)
COUNTED = ("garments", "thumbnails", "ex09_cam")  # page « Réseau »
KINDS = {  # d'une couche de Keras, celui de la page « Réseau »
    "Conv2D": "conv",
    "MaxPooling2D": "pool",
    "AveragePooling2D": "pool",
    "BatchNormalization": "norm",
    "Dense": "dense",
    "Flatten": "flatten",
    "Add": "add",
    "GlobalAveragePooling2D": "global",
    "GlobalMaxPooling2D": "global",
}
WITHOUT_WEIGHTS = {"InputLayer", "Rescaling", "Activation", "Reshape", "Dropout", "Softmax"}
SETTINGS = (  # que le calcul demande
    "activation",
    "padding",
    "strides",
    "dilation_rate",
    "scale",
    "offset",
    "epsilon",
)


def read_networks(path: Path) -> dict[str, list[dict]]:
    """Rend les couches de chaque réseau d'un fichier `.keras`, dans l'ordre où Keras les écrit.

    Args:
        path: un modèle, ou un modèle fait de plusieurs qui lisent la même image.

    Returns:
        Par nom de réseau, ses couches : `kind`, `name`, les réglages de `SETTINGS` qu'elle a, et
        `weights`, dont chaque tableau est `{"shape", "values"}`, des float32 en base 64.
    """
    with zipfile.ZipFile(path) as archive:
        config = json.loads(archive.read("config.json"))
    with open_weights(path) as weights:
        nested = [each for each in config["config"]["layers"] if "layers" in each["config"]]
        if not nested:
            return {config["config"]["name"]: _layers(config, weights["layers"])}
        groups = {_name(group): group for group in weights["layers"].values()}
        return {each["name"]: _layers(each, groups[each["name"]]["layers"]) for each in nested}


def open_weights(path: Path) -> h5py.File:
    """Ouvre les poids d'un fichier `.keras`, à refermer."""
    with zipfile.ZipFile(path) as archive:
        return h5py.File(io.BytesIO(archive.read("model.weights.h5")))


def _layers(config: dict, groups: h5py.Group) -> list[dict]:
    known = {_name(group): group for group in groups.values()}
    layers = []
    for each in config["config"]["layers"]:
        layer = {"kind": each["class_name"], "name": each["name"]}
        layer |= {key: each["config"][key] for key in SETTINGS if key in each["config"]}
        arrays = known[each["name"]]["vars"] if each["name"] in known else {}
        layer["weights"] = [_pack(arrays[key]) for key in sorted(arrays)]
        layers.append(layer)
    return layers


def _name(group: h5py.Group) -> str:
    return group["vars"].attrs["name"]


def _pack(array: h5py.Dataset) -> dict:
    values = np.asarray(array, "<f4")
    return {"shape": values.shape, "values": base64.b64encode(values.tobytes()).decode()}


def weights() -> dict[str, dict]:
    """Rend les réseaux de `SLUGS` : leurs couches, par chemin dans le site."""
    return {f"poids/{slug}.json": read_networks(MODELS_DIR / f"{slug}.keras") for slug in SLUGS}


# --- Compter un réseau, couche par couche ----------------------------------------------


def outlines() -> dict[str, dict]:
    """Rend les réseaux de `COUNTED`, tels que la page « Réseau » les compte, par nom."""
    return {slug: outline(MODELS_DIR / f"{slug}.keras") for slug in COUNTED}


def outline(path: Path) -> dict:
    """Rend les couches d'un réseau, sans leurs poids.

    Args:
        path: un modèle `.keras` d'un seul fil, que des additions peuvent rejoindre.

    Returns:
        `input` : hauteur, largeur, canaux ; `layers` : voir `Layer` dans `network.js`.

    Raises:
        ValueError: il a une couche que la page ne sait pas compter.
    """
    with zipfile.ZipFile(path) as archive:
        layers = json.loads(archive.read("config.json"))["config"]["layers"]
    height, width, *channels = layers[0]["config"]["batch_shape"][1:]
    return {
        "input": [height, width, *(channels or [1])],
        "layers": [
            _counted(each["class_name"], each["config"])
            for each in layers
            if each["class_name"] not in WITHOUT_WEIGHTS
        ],
    }


def _counted(kind: str, config: dict) -> dict:
    if kind not in KINDS:
        raise ValueError(f"La page « Réseau » ne sait pas compter une couche {kind}.")
    if kind == "BatchNormalization":  # moyenne, variance, et ce qui s'apprend
        return {"kind": "norm", "count": 2 + config["scale"] + config["center"]}
    sides = {key: config[key][0] for key in ("kernel_size", "pool_size") if key in config}
    found = {
        "kind": KINDS[kind],
        "count": config.get("filters", config.get("units")),
        "window": sides.get("kernel_size", sides.get("pool_size")),
        "bias": config.get("use_bias"),
        "groups": config.get("groups"),
        "dilation": config.get("dilation_rate", [None])[0],
        "stride": config.get("strides", [None])[0],
        "padding": config.get("padding"),
    }
    return {name: value for name, value in found.items() if value is not None}
